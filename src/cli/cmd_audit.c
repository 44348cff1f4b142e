#include <string.h>

#include "base/stop.h"
#include "cdc/audit/standing.h"
#include "cli/audit_options.h"
#include "cli/common.h"
#include "cli/exit.h"
#include "coordinator/standing.h"
#include "http/server.h"

#define STREAM_NAME "main"
#define TABLES_MOST 50 /* each holds a connection to its server */

/* At commas outside of quotes. The pieces are the arena's. SC_REFUSE: one of them is empty, or there are too many. */
static enum sc_result split_tables(const char *text, struct arena *arena, const char ***out, size_t *count,
                                   struct sc_error *err)
{
    const char **names = arena_array(arena, TABLES_MOST, sizeof(*names));
    *out = names;
    *count = 0;
    for (const char *at = text;; at++) {
        const char *begin = at += strspn(at, " ");
        for (char quote = 0; *at && (quote || *at != ','); at++)
            if (*at == quote)
                quote = 0;
            else if (!quote && (*at == '"' || *at == '`'))
                quote = *at;
        const char *end = at;
        while (end > begin && end[-1] == ' ')
            end--;
        if (end == begin)
            return error_set(err, SC_REFUSE, "--table names no table between two commas");
        if (*count == TABLES_MOST)
            return error_set(err, SC_REFUSE, "--table names more than %d tables", TABLES_MOST);
        char *name = arena_copy(arena, begin, (size_t)(end - begin) + 1);
        name[end - begin] = 0;
        names[(*count)++] = name;
        if (!*at)
            return SC_OK;
    }
}

static enum sc_result check_name(const char *name, struct sc_error *err)
{
    size_t len = strlen(name);
    if (len > 0 && len <= STANDING_NAME_MOST &&
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len)
        return SC_OK;
    error_set(err, SC_REFUSE, "--audit-stream %.60s is not the name of a stream", name);
    return error_hint(err, "Letters, digits, _ and -, %d at most.", STANDING_NAME_MOST);
}

int cmd_audit(const struct options *o)
{
    const struct engine *engine = cli_engine(o);
    if (!engine)
        return EXIT_USAGE;
    struct sc_error err;
    error_init(&err);
    struct audit_given given;
    struct standing_config config = {.engine = engine,
                                     .url = o->source,
                                     .name = o->audit_stream ? o->audit_stream : STREAM_NAME,
                                     .settings = &given.settings,
                                     .snapshot = o->audit_snapshot,
                                     .transactions = o->audit_transactions,
                                     .heartbeat_ms = o->audit_heartbeat_ms,
                                     .spool_dir = o->spool_dir,
                                     .spool_memory_bytes = (uint64_t)o->spool_memory_bytes,
                                     .spool_disk_bytes = (uint64_t)o->spool_disk_bytes,
                                     .give_up_ms = o->give_up_ms,
                                     .wait_ms = o->slot_wait_ms,
                                     .progress_interval_ms = o->progress_interval_ms};
    const char **tables = NULL;
    enum sc_result result = audit_options_read(o, &given, &err);
    if (result == SC_OK)
        result = check_name(config.name, &err);
    if (result == SC_OK)
        result = split_tables(o->table, &given.arena, &tables, &config.ntables, &err);
    config.tables = tables;
    if (result == SC_OK && config.ntables > 1 && given.settings.topic) {
        result = error_set(&err, SC_REFUSE, "--audit-topic is given for several tables, each of which has its own");
        error_hint(&err, "Topics are named PREFIX.SCHEMA.TABLE: --audit-prefix.");
    }
    int status;
    if (result == SC_OK) {
        stop_on_signals();
        struct http_server *http;
        status = cli_http_start(o, &http);
        if (status == EXIT_DONE && standing_run(&config, &err) != SC_OK)
            status = cli_failed(&err);
        http_stop(http);
    } else {
        status = cli_usage_error("audit", &err);
    }
    audit_given_fini(&given);
    return status;
}

int cmd_audit_remove(const struct options *o)
{
    const struct engine *engine = cli_engine(o);
    if (!engine)
        return EXIT_USAGE;
    struct sc_error err;
    error_init(&err);
    struct standing_config config = {
        .engine = engine, .url = o->source, .name = o->audit_stream ? o->audit_stream : STREAM_NAME};
    if (check_name(config.name, &err) != SC_OK)
        return cli_usage_error("audit remove", &err);
    if (standing_forget(&config, &err) != SC_OK)
        return cli_failed(&err);
    struct buf text = {0};
    if (cli_json(o))
        buf_printf(&text, "{\"removed\":\"%s\"}\n", config.name);
    else
        buf_printf(&text, "Removed: stream %s.\n", config.name);
    return cli_print(&text, EXIT_DONE);
}
