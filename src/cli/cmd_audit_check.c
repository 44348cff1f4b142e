#include "cli/audit_options.h"
#include "cli/common.h"
#include "cli/exit.h"
#include "cli/show.h"

/* Brokers that tell nothing new for so long are given up. */
#define SILENT_MS 30000

/* `seachange audit check` */
int cmd_audit_check(const struct options *o)
{
    const struct engine *engine = o->source && o->table ? cli_engine(o) : NULL;
    if (o->source && o->table && !engine)
        return EXIT_USAGE;
    struct sc_error err;
    error_init(&err);
    struct audit_given given;
    if (audit_options_read_back(o, &given, &err) != SC_OK) {
        audit_given_fini(&given);
        return cli_usage_error("audit check", &err);
    }
    struct audit_check_config config = {
        .engine = engine,
        .spec = cli_spec(o),
        .settings = &given.settings,
        .stream = o->audit_stream,
        .messages = o->origin[option_find("audit-messages", 14)] == ORIGIN_DEFAULT ? -1 : o->audit_messages,
        .memory_bytes = (uint64_t)o->audit_memory_bytes,
        .timeout_ms = SILENT_MS,
    };
    struct audit_checked checked;
    enum sc_result result = audit_check(&config, &checked, &err);
    struct buf text = {0};
    if (cli_json(o))
        audit_json(&text, &checked, result, &err);
    else
        audit_text(&text, &checked, result);
    int status = result == SC_OK ? EXIT_DONE : cli_failed(&err);
    status = cli_print(&text, status);
    audit_checked_fini(&checked);
    audit_given_fini(&given);
    return status;
}
