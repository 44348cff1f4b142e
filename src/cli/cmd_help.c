#include "base/url.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/exit.h"
#include "cli/help.h"

int cmd_help(const struct options *o)
{
    struct buf text = {0};
    const struct command *command = NULL;
    if (o->topic && !(command = command_find(o->topic))) {
        struct sc_error err;
        char *shown = url_redacted(o->topic);
        const char *near = command_nearest(o->topic);
        error_init(&err);
        error_set(&err, SC_REFUSE, "there is no command \"%.60s\" to show the help of", shown);
        if (near)
            error_hint(&err, "Did you mean `seachange help %s`?", near);
        mem_free(shown);
        return cli_usage_error(NULL, &err);
    }
    if (o->markdown)
        help_markdown(&text);
    else
        help_text(&text, command);
    return cli_print(&text, EXIT_DONE);
}
