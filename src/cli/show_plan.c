#include <inttypes.h>
#include <string.h>

#include "base/human.h"
#include "base/json.h"
#include "cli/common.h"
#include "cli/show.h"

/* Appends a text of one or more lines, all of them indented. Control characters become spaces. */
static void indented(struct buf *out, const char *text, const char *first, const char *rest)
{
    buf_str(out, first);
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '\n' && p[1])
            buf_printf(out, "\n%s", rest);
        else
            buf_char(out, c < 0x20 || c == 0x7f ? ' ' : *p);
    }
    buf_char(out, '\n');
}

static void section(struct buf *out, const char *title, const struct strlist *items)
{
    if (items->count == 0)
        return;
    buf_printf(out, "\n%s\n", title);
    for (size_t i = 0; i < items->count; i++)
        indented(out, items->items[i], "  - ", "    ");
}

/* The name of the phase when the item is a "-- phase" line, else NULL. */
static const char *phase_line(const char *item)
{
    if (strncmp(item, "--", 2) != 0 || strchr(item, '\n'))
        return NULL;
    return item + 2 + strspn(item + 2, " ");
}

static void statements(struct buf *out, const struct strlist *items)
{
    if (items->count == 0)
        return;
    buf_str(out, "\nStatements, in this order:\n");
    for (size_t i = 0; i < items->count; i++) {
        const char *phase = phase_line(items->items[i]);
        if (phase)
            indented(out, phase, "  -- ", "  -- ");
        else
            indented(out, items->items[i], "    ", "    ");
    }
}

static void sizes(struct buf *out, const struct plan *plan)
{
    buf_str(out, "Size       about ");
    human_exact(out, plan->rows);
    buf_str(out, " rows; table ");
    human_bytes(out, plan->table_bytes);
    buf_str(out, ", indexes ");
    human_bytes(out, plan->index_bytes);
    buf_char(out, '\n');
    if (plan->disk_bytes == 0 && plan->log_bytes == 0) /* refused before it was worked out */
        return;
    buf_str(out, "Needs      about ");
    human_bytes(out, plan->disk_bytes);
    buf_str(out, " of disk beside what is there, and writes about ");
    human_bytes(out, plan->log_bytes);
    buf_str(out, " to the server's log\n");
}

void plan_text(struct buf *out, const struct plan *plan)
{
    if (plan->table)
        buf_printf(out, "Table      %s\n", plan->table);
    if (plan->server)
        buf_printf(out, "Server     %s\n", plan->server);
    if (plan->strategy)
        buf_printf(out, "Strategy   %s\n", plan->strategy);
    sizes(out, plan);
    statements(out, &plan->statements);
    section(out, "Locks:", &plan->locks);
    section(out, "What depends on the table:", &plan->notes);
    section(out, "Warnings:", &plan->warnings);
    section(out, "Refused:", &plan->refusals);
    if (plan->refusals.count > 0)
        buf_printf(out, "\nThis cannot be done, for %s above. Nothing was changed.\n",
                   plan->refusals.count == 1 ? "the reason" : "the reasons");
    else
        buf_str(out, "\nNothing was changed. `seachange migrate` with the same options does it.\n");
}

/* "copy" of "copy: in chunks ..." */
static void phase_json(struct buf *out, const char *phase)
{
    char *name = phase ? mem_strndup(phase, strcspn(phase, ":")) : NULL;
    cli_json_field(out, "phase", name);
    mem_free(name);
}

static void statements_json(struct buf *out, const struct strlist *items)
{
    const char *phase = NULL;
    bool first = true;
    buf_str(out, "\"statements\":[");
    for (size_t i = 0; i < items->count; i++) {
        const char *named = phase_line(items->items[i]);
        if (named) {
            phase = named;
            continue;
        }
        buf_str(out, first ? "{" : ",{");
        first = false;
        phase_json(out, phase);
        buf_char(out, ',');
        cli_json_field(out, "sql", items->items[i]);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

void plan_json(struct buf *out, const struct plan *plan)
{
    buf_printf(out, "{\"result\":\"%s\",", plan->refusals.count > 0 ? "refused" : "ok");
    cli_json_field(out, "table", plan->table);
    buf_char(out, ',');
    cli_json_field(out, "server", plan->server);
    buf_char(out, ',');
    cli_json_field(out, "strategy", plan->strategy);
    buf_printf(out,
               ",\"rows\":%" PRIu64 ",\"table_bytes\":%" PRIu64 ",\"index_bytes\":%" PRIu64 ",\"disk_bytes\":%" PRIu64
               ",\"log_bytes\":%" PRIu64 ",",
               plan->rows, plan->table_bytes, plan->index_bytes, plan->disk_bytes, plan->log_bytes);
    statements_json(out, &plan->statements);
    buf_str(out, ",\"locks\":");
    cli_json_list(out, &plan->locks);
    buf_str(out, ",\"notes\":");
    cli_json_list(out, &plan->notes);
    buf_str(out, ",\"warnings\":");
    cli_json_list(out, &plan->warnings);
    buf_str(out, ",\"refusals\":");
    cli_json_list(out, &plan->refusals);
    buf_str(out, "}\n");
}
