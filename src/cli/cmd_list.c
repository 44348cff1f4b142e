#include "cli/common.h"
#include "cli/exit.h"
#include "cli/show.h"

int cmd_list(const struct options *o)
{
    const struct engine *engine = cli_engine(o);
    if (!engine)
        return EXIT_USAGE;
    struct sc_error err;
    error_init(&err);
    struct migration_spec spec = cli_spec(o);
    struct target *target = NULL;
    struct listed *list = NULL;
    size_t count = 0;
    enum sc_result result = engine->target->open(&spec, &target, &err);
    if (result == SC_OK)
        result = engine->target->list(target, &list, &count, &err);
    int status = EXIT_DONE;
    if (result == SC_OK) {
        struct buf text = {0};
        if (cli_json(o))
            list_json(&text, list, count);
        else
            list_text(&text, list, count);
        status = cli_print(&text, EXIT_DONE);
    } else {
        status = cli_failed(&err);
    }
    listed_free(list, count);
    if (target)
        engine->target->close(target);
    return status;
}
