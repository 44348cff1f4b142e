#include <inttypes.h>

#include "base/human.h"
#include "cli/common.h"
#include "cli/show.h"

static const char *word_of(enum sc_result result)
{
    return result == SC_OK ? "same" : result == SC_FAIL ? "different" : result == SC_REFUSE ? "refused" : "interrupted";
}

static void number(struct buf *out, const char *label, uint64_t n, const char *more)
{
    buf_printf(out, "\n  %-18s", label);
    human_exact(out, n);
    buf_str(out, more);
}

static void number_unless_zero(struct buf *out, const char *label, uint64_t n, const char *more)
{
    if (n > 0)
        number(out, label, n, more);
}

/* A name may be as long as it likes. */
static void only_in(struct buf *out, const char *table, uint64_t n)
{
    char *more = mem_printf(" only in %s", table);
    number_unless_zero(out, "not in both", n, more);
    mem_free(more);
}

static void add_notes(struct buf *out, const struct tables_found *f, enum sc_result result)
{
    size_t told = 0;
    for (size_t i = 0; i < f->nrows; i++) {
        char *says = tables_row_says(f, &f->rows[i]);
        buf_printf(out, "%s  - row %s %s\n", told++ == 0 ? "\n" : "", f->rows[i].key, says);
        mem_free(says);
    }
    if (f->differ + f->only_table + f->only_with + f->changing > f->nrows)
        buf_str(out, "  - ... and more\n");
    for (size_t i = 0; i < f->pair.definition.count; i++)
        buf_printf(out, "%s  - %s\n", told++ == 0 ? "\n" : "", f->pair.definition.items[i]);
    if (f->pair.put_aside && result == SC_FAIL)
        buf_printf(
            out,
            "%s  - %s is as it was at the swap: whatever was inserted, changed or deleted in %s since then counts "
            "as different\n",
            told++ == 0 ? "\n" : "", f->pair.with, f->pair.table);
}

void verify_text(struct buf *out, const struct tables_found *f, enum sc_result result)
{
    if (!f->pair.table || result == SC_REFUSE)
        return; /* the error says it all */
    if (result == SC_OK)
        buf_printf(out, "The same: every row of %s and %s.\n", f->pair.table, f->pair.with);
    else if (result == SC_FAIL)
        buf_printf(out, "Different: %s and %s.\n", f->pair.table, f->pair.with);
    else
        buf_printf(out, "Not known: not all rows of %s and %s were compared.\n", f->pair.table, f->pair.with);
    number(out, "rows compared", f->compared, "");
    number(out, "the same", f->same, "");
    number_unless_zero(out, "different", f->differ, "");
    only_in(out, f->pair.table, f->only_table);
    only_in(out, f->pair.with, f->only_with);
    number_unless_zero(out, "changing", f->changing, ", in another way each time they were looked at");
    number_unless_zero(out, "open", f->unsettled, ", not looked at often enough");
    buf_str(out, "\n  took              ");
    human_ms(out, f->duration_ms);
    buf_char(out, '\n');
    add_notes(out, f, result);
}

void verify_json(struct buf *out, const struct tables_found *f, enum sc_result result)
{
    buf_printf(out, "{\"result\":\"%s\",", word_of(result));
    cli_json_field(out, "table", f->pair.table);
    buf_char(out, ',');
    cli_json_field(out, "with", f->pair.with);
    buf_printf(out,
               ",\"put_aside\":%s,\"rows_compared\":%" PRIu64 ",\"rows_same\":%" PRIu64 ",\"rows_different\":%" PRIu64
               ",\"rows_only_in_table\":%" PRIu64 ",\"rows_only_in_with\":%" PRIu64 ",\"rows_changing\":%" PRIu64
               ",\"rows_open\":%" PRIu64 ",\"duration_ms\":%" PRId64 ",\"rows\":[",
               f->pair.put_aside ? "true" : "false", f->compared, f->same, f->differ, f->only_table, f->only_with,
               f->changing, f->unsettled, f->duration_ms);
    for (size_t i = 0; i < f->nrows; i++) {
        char *says = tables_row_says(f, &f->rows[i]);
        buf_str(out, i ? ",{" : "{");
        cli_json_field(out, "key", f->rows[i].key);
        buf_char(out, ',');
        cli_json_field(out, "what", says);
        buf_char(out, '}');
        mem_free(says);
    }
    buf_str(out, "],\"definition\":");
    cli_json_list(out, &f->pair.definition);
    buf_str(out, "}\n");
}
