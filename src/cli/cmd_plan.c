#include "cli/common.h"
#include "cli/exit.h"
#include "cli/show.h"

int cmd_plan(const struct options *o)
{
    const struct target_ops *ops;
    struct target *target;
    struct sc_error err;
    enum sc_result result = cli_open(o, &ops, &target, &err);
    if (!ops)
        return EXIT_USAGE;
    struct plan plan = {0};
    if (result == SC_OK)
        result = ops->plan(target, &plan, &err);
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
        ops->close(target);
    return status;
}
