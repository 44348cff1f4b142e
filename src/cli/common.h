/* What the commands that speak to a server have in common. */
#ifndef SC_CLI_COMMON_H
#define SC_CLI_COMMON_H

#include "applier/target.h"
#include "cli/options.h"
#include "engines.h"

/* The engine of --source. NULL: none, and wrong usage was reported on standard error. */
const struct engine *cli_engine(const struct options *o);

/* What the target needs to know. Strings stay o's. */
struct migration_spec cli_spec(const struct options *o);

/* Connects to the server of --source. *ops NULL: no engine is known for it, and wrong usage was reported. *target is
 * closed by ops->close(), unless it is NULL. */
enum sc_result cli_open(const struct options *o, const struct target_ops **ops, struct target **target,
                        struct sc_error *err);

static inline bool cli_json(const struct options *o)
{
    return o->log_format == 1;
}

/* "seachange: what", the hint, and where to read on, on standard error. `command` NULL: none is known. Returns
 * EXIT_USAGE. */
int cli_usage_error(const char *command, const struct sc_error *err);

/* Logs the error and returns its exit code. */
int cli_failed(const struct sc_error *err);

/* Writes and clears `text` on standard output. When that cannot be written (a full disk) the exit status
 * says so: returns `status`, or EXIT_FAILED when it was EXIT_DONE. */
int cli_print(struct buf *text, int status);

/* The list as a JSON array of strings. */
void cli_json_list(struct buf *out, const struct strlist *list);
/* "name": followed by the text as a JSON string, or null. */
void cli_json_field(struct buf *out, const char *name, const char *text);

/* The commands themselves, each in its cmd_*.c. They return the exit code and have reported what went wrong. */
int cmd_plan(const struct options *o);
int cmd_migrate(const struct options *o);
int cmd_verify(const struct options *o);
int cmd_audit(const struct options *o);
int cmd_audit_check(const struct options *o);
int cmd_audit_remove(const struct options *o);
int cmd_list(const struct options *o);
int cmd_abort(const struct options *o);
int cmd_help(const struct options *o);
int cmd_version(const struct options *o);

/* What others can ask while the command runs: begins the status, and the HTTP server of --http; *out is NULL without.
 * EXIT_DONE, or the status to end with: why is printed. */
struct http_server;
int cli_http_start(const struct options *o, struct http_server **out);

#endif
