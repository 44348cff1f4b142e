#include "cli/common.h"
#include "cli/exit.h"

static void removed_text(struct buf *out, const struct strlist *removed, bool all)
{
    if (removed->count > 0)
        buf_str(out, all ? "Removed:\n" : "Removed, before it failed:\n");
    for (size_t i = 0; i < removed->count; i++)
        buf_printf(out, "  %s\n", removed->items[i]);
    if (all)
        buf_printf(out, "%sThe source table is as it was.\n",
                   removed->count == 0 ? "There was nothing to remove. " : "");
}

static void removed_json(struct buf *out, const struct strlist *removed, bool all)
{
    buf_printf(out, "{\"result\":\"%s\",\"removed\":", all ? "aborted" : "failed");
    cli_json_list(out, removed);
    buf_str(out, "}\n");
}

int cmd_abort(const struct options *o)
{
    const struct target_ops *ops;
    struct target *target;
    struct sc_error err;
    enum sc_result result = cli_open(o, &ops, &target, &err);
    if (!ops)
        return EXIT_USAGE;
    struct strlist removed = {0};
    if (result == SC_OK)
        result = ops->abort(target, &removed, &err);
    int status = EXIT_DONE;
    struct buf text = {0};
    if (cli_json(o) && (result == SC_OK || removed.count > 0))
        removed_json(&text, &removed, result == SC_OK);
    else if (!cli_json(o))
        removed_text(&text, &removed, result == SC_OK);
    if (result != SC_OK)
        status = cli_failed(&err);
    status = cli_print(&text, status);
    strlist_fini(&removed);
    if (target)
        ops->close(target);
    return status;
}
