/* seachange: reads what the operator wants, and hands it to the command. */
#include <signal.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/help.h"

extern char **environ;

static int run(const struct options *o)
{
    if (o->version)
        return cmd_version(o);
    if (o->help) {
        struct buf text = {0};
        help_text(&text, command_by_id(o->command));
        return cli_print(&text, EXIT_SUCCESS);
    }
    log_setup((enum log_level)o->log_level, cli_json(o));
    switch (o->command) {
    case COMMAND_PLAN:
        return cmd_plan(o);
    case COMMAND_MIGRATE:
        return cmd_migrate(o);
    case COMMAND_VERIFY:
        return cmd_verify(o);
    case COMMAND_AUDIT:
        return cmd_audit(o);
    case COMMAND_AUDIT_CHECK:
        return cmd_audit_check(o);
    case COMMAND_AUDIT_REMOVE:
        return cmd_audit_remove(o);
    case COMMAND_LIST:
        return cmd_list(o);
    case COMMAND_ABORT:
        return cmd_abort(o);
    case COMMAND_VERSION:
        return cmd_version(o);
    case COMMAND_HELP:
        break;
    }
    return cmd_help(o);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error code, not a death */
    FAILPOINTS_BEGIN();
    struct options o;
    struct sc_error err;
    int status = 0;
    if (options_parse(&o, argc, argv, environ, &err) == SC_OK) {
        status = run(&o);
    } else {
        const struct command *command = command_by_id(o.command);
        status = cli_usage_error(command ? command->name : NULL, &err);
    }
    options_fini(&o);
    return status;
}
