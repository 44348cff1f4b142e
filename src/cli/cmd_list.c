#include "cli/common.h"
#include "cli/exit.h"
#include "cli/show.h"

int cmd_list(const struct options *o)
{
    const struct target_ops *ops;
    struct target *target;
    struct sc_error err;
    enum sc_result result = cli_open(o, &ops, &target, &err);
    if (!ops)
        return EXIT_USAGE;
    struct listed *list = NULL;
    size_t count = 0;
    if (result == SC_OK)
        result = ops->list(target, &list, &count, &err);
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
        ops->close(target);
    return status;
}
