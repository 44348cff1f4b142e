#include "cli/common.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/url.h"
#include "cli/command.h"
#include "cli/exit.h"
#include "http/server.h"
#include "status/status.h"

int cli_usage_error(const char *command, const struct sc_error *err)
{
    fprintf(stderr, "seachange: %s\n", err->what);
    if (err->hint[0])
        fprintf(stderr, "%s\n", err->hint);
    fprintf(stderr, "Try `seachange%s%s --help`.\n", command ? " " : "", command ? command : "");
    return EXIT_USAGE;
}

const struct engine *cli_engine(const struct options *o)
{
    const struct engine *engine = engine_of_url(o->source);
    if (engine)
        return engine;
    struct sc_error err;
    error_init(&err);
    size_t scheme = url_scheme_len(o->source);
    if (scheme > 0)
        error_set(&err, SC_REFUSE, "--source: no engine is known for %.*s://", (int)scheme, o->source);
    else
        error_set(&err, SC_REFUSE, "--source is not a connection URL");
    struct buf known = {0};
    engines_describe(&known);
    error_hint(&err, "Known are %s.", buf_cstr(&known));
    buf_fini(&known);
    cli_usage_error(command_by_id(o->command)->name, &err);
    return NULL;
}

struct migration_spec cli_spec(const struct options *o)
{
    return (struct migration_spec){
        .url = o->source,
        .table = o->table,
        .alter = o->alter,
        .id = o->id,
        .workers = (int)o->workers,
        .drop_old = o->drop_old,
        .lock_timeout_ms = (int)o->lock_timeout_ms,
        .slot_wait_ms = o->slot_wait_ms,
        .old_snapshot_wait_ms = o->old_snapshot_wait_ms,
        .kill_blockers_ms = o->kill_blockers_ms,
    };
}

enum sc_result cli_open(const struct options *o, const struct target_ops **ops, struct target **target,
                        struct sc_error *err)
{
    *ops = NULL;
    *target = NULL;
    error_init(err);
    const struct engine *engine = cli_engine(o);
    if (!engine)
        return SC_REFUSE;
    *ops = engine->target;
    struct migration_spec spec = cli_spec(o);
    return engine->target->open(&spec, target, err);
}

int cli_http_start(const struct options *o, struct http_server **out)
{
    const char *command = command_by_id(o->command)->name;
    struct sc_error err;
    struct http_address address;
    *out = NULL;
    status_begin(command);
    if (!o->http)
        return EXIT_DONE;
    error_init(&err);
    if (http_address_parse(o->http, &address, &err) != SC_OK)
        return cli_usage_error(command, &err);
    if (http_start(&address, SEACHANGE_VERSION, out, &err) != SC_OK)
        return cli_failed(&err);
    log_info("http: listening at %s, port %d", address.host, http_port(*out));
    return EXIT_DONE;
}

int cli_failed(const struct sc_error *err)
{
    if (err->result == SC_STOP) /* what was asked for is no error */
        log_info("%s", err->what[0] ? err->what : "stopped");
    else
        log_error(err);
    return exit_status_of(err->result);
}

int cli_print(struct buf *text, int status)
{
    bool written = fwrite(buf_cstr(text), 1, text->len, stdout) == text->len && fflush(stdout) == 0;
    buf_fini(text);
    if (!written && errno != EPIPE) { /* `... | head` has seen enough */
        fprintf(stderr, "seachange: cannot write to standard output: %s\n", strerror(errno));
        return status == EXIT_DONE ? EXIT_FAILED : status;
    }
    return status;
}

void cli_json_list(struct buf *out, const struct strlist *list)
{
    buf_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buf_char(out, ',');
        json_string(out, list->items[i]);
    }
    buf_char(out, ']');
}

void cli_json_field(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\":", name);
    if (text)
        json_string(out, text);
    else
        buf_str(out, "null");
}
