#include "base/stop.h"
#include "cli/audit_options.h"
#include "cli/common.h"
#include "cli/exit.h"
#include "coordinator/coordinator.h"
#include "http/server.h"

int cmd_migrate(const struct options *o)
{
    const struct engine *engine = cli_engine(o);
    if (!engine)
        return EXIT_USAGE;
    struct sc_error err;
    error_init(&err);
    struct audit_given audit;
    if (audit_options_read(o, &audit, &err) != SC_OK) {
        audit_given_fini(&audit);
        return cli_usage_error("migrate", &err);
    }
    stop_on_signals(); /* the other commands have nothing to bring to an end: for them a signal is the end */
    struct run_config config = {
        .engine = engine,
        .spec = cli_spec(o),
        .chunk_time_ms = o->chunk_time_ms,
        .max_lag_ms = o->max_lag_ms,
        .give_up_ms = o->give_up_ms,
        .progress_interval_ms = o->progress_interval_ms,
        .cutover_tries = (int)o->cutover_tries,
        .verify = o->verify,
        .spool_dir = o->spool_dir,
        .spool_memory_bytes = (uint64_t)o->spool_memory_bytes,
        .spool_disk_bytes = (uint64_t)o->spool_disk_bytes,
        .json = cli_json(o),
        .audit = &audit.settings,
    };
    struct http_server *http;
    int status = cli_http_start(o, &http);
    if (status == EXIT_DONE && coordinator_run(&config, &err) != SC_OK)
        status = cli_failed(&err);
    http_stop(http);
    audit_given_fini(&audit);
    return status;
}
