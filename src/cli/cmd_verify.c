#include "base/stop.h"
#include "cli/common.h"
#include "cli/exit.h"
#include "cli/show.h"
#include "coordinator/tables.h"

int cmd_verify(const struct options *o)
{
    const struct engine *engine = cli_engine(o);
    if (!engine)
        return EXIT_USAGE;
    stop_on_signals();
    struct tables_config config = {
        .engine = engine,
        .spec = cli_spec(o),
        .pair = {.with = o->with, .map = o->map},
        .chunk_time_ms = o->chunk_time_ms,
        .give_up_ms = o->give_up_ms,
        .progress_interval_ms = o->progress_interval_ms,
        .recheck_ms = o->recheck_ms,
        .looks = (int)o->looks,
        .json = cli_json(o),
    };
    struct sc_error err;
    error_init(&err);
    struct tables_found found;
    enum sc_result result = tables_verify(&config, &found, &err);
    struct buf text = {0};
    if (cli_json(o))
        verify_json(&text, &found, result);
    else
        verify_text(&text, &found, result);
    int status = result == SC_OK ? EXIT_DONE : cli_failed(&err);
    status = cli_print(&text, status);
    tables_found_fini(&found);
    return status;
}
