#include "cli/common.h"
#include "cli/exit.h"
#include "cli/show.h"

int cmd_plan(const struct options *o)
{
    const struct engine *engine = cli_engine(o);
    if (!engine)
        return EXIT_USAGE;
    struct sc_error err;
    error_init(&err);
    struct migration_spec spec = cli_spec(o);
    struct target *target = NULL;
    struct plan plan = {0};
    enum sc_result result = engine->target->open(&spec, &target, &err);
    if (result == SC_OK)
        result = engine->target->plan(target, &plan, &err);
    int status = EXIT_DONE;
    if (result == SC_OK) {
        struct buf text = {0};
        if (cli_json(o))
            plan_json(&text, &plan);
        else
            plan_text(&text, &plan);
        status = cli_print(&text, plan.refusals.count > 0 ? EXIT_REFUSED : EXIT_DONE);
    } else {
        status = cli_failed(&err);
        if (result == SC_REFUSE && cli_json(o)) { /* refused before there was a plan: the reader wants a document too */
            struct buf text = {0};
            strlist_add(&plan.refusals, err.what);
            plan_json(&text, &plan);
            status = cli_print(&text, status);
        }
    }
    plan_fini(&plan);
    if (target)
        engine->target->close(target);
    return status;
}
