#include "cli/common.h"
#include "cli/exit.h"

int cmd_version(const struct options *o)
{
    struct buf text = {0};
    buf_str(&text, "seachange " SEACHANGE_VERSION "\n");
    if (o->command == COMMAND_VERSION) {
        struct strlist libraries = {0};
        engines_versions(&libraries);
        for (size_t i = 0; i < libraries.count; i++)
            buf_printf(&text, "%s\n", libraries.items[i]);
        strlist_fini(&libraries);
    }
    return cli_print(&text, EXIT_DONE);
}
