#include <inttypes.h>

#include "base/human.h"
#include "cli/common.h"
#include "cli/show.h"

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

static uint64_t uncovered(const struct audit_checked *a)
{
    return a->table_rows - a->covered - a->partial;
}

static void add_table(struct buf *out, const struct audit_checked *a)
{
    if (!a->compared)
        return;
    number(out, "rows of the table", a->table_rows, "");
    number(out, "compared", a->covered, "");
    number_unless_zero(out, "not mentioned", uncovered(a), ", and so not compared: nobody changed them meanwhile");
    number_unless_zero(out, "in part", a->partial, ", and so not compared: the log has left out a large value");
    number(out, "the same", a->same, "");
    number_unless_zero(out, "different", a->different, "");
    number_unless_zero(out, "removed", a->removed, ", and in the table all the same");
    number_unless_zero(out, "missing", a->missing, " in the table");
    number_unless_zero(out, "unexplained", a->never, " by any message");
}

static void add_places(struct buf *out, const struct audit_checked *a)
{
    for (size_t i = 0; i < a->nplaces; i++) {
        const struct audit_place *place = &a->places[i].place;
        const char *says = audit_row_says(a->places[i].verdict);
        if (place->partition < 0)
            buf_printf(out, "%s  - a row %s\n", i ? "" : "\n", says);
        else
            buf_printf(out, "%s  - the row of partition %" PRId32 ", offset %" PRId64 " %s\n", i ? "" : "\n",
                       place->partition, place->offset, says);
    }
    if (a->different + a->removed + a->missing + a->never > a->nplaces)
        buf_str(out, "  - ... and more\n");
}

void audit_text(struct buf *out, const struct audit_checked *a, enum sc_result result)
{
    bool whole = result == SC_OK || a->compared;
    if (!a->topic || result == SC_REFUSE || result == SC_RETRY || result == SC_STOP)
        return; /* the error says it all */
    if (!whole)
        buf_printf(out, "Broken: topic %s.\n", a->topic);
    else if (a->compared)
        buf_printf(out, "%s: topic %s and table %s.\n", result == SC_OK ? "The same" : "Different", a->topic, a->table);
    else
        buf_printf(out, "Whole: topic %s.\n", a->topic);
    if (a->stream)
        buf_printf(out, "\n  stream            %s", a->stream);
    number(out, "messages proven", a->proven.messages, "");
    number_unless_zero(out, "repeated", a->proven.repeats, ", the same each time");
    number_unless_zero(out, "of others", a->proven.others, "");
    if (whole) {
        buf_printf(out, "\n  its end           %s",
                   a->kept ? "is where the stream stood when that was last stored"
                           : "is known by the numbers of its messages alone");
        if (a->counted)
            number(out, "keys", a->folded.keys, "");
    }
    add_table(out, a);
    if (a->passes > 1)
        number(out, "passes", (uint64_t)a->passes, "");
    buf_str(out, "\n  took              ");
    human_ms(out, a->duration_ms);
    buf_char(out, '\n');
    add_places(out, a);
    if (a->gap)
        buf_printf(out, "\n  - the stream ended before its migration: %s\n", a->gap);
}

static const char *word_of(const struct audit_checked *a, enum sc_result result)
{
    switch (result) {
    case SC_OK:
        return a->compared ? "same" : "whole";
    case SC_FAIL:
        return a->compared ? "different" : "broken";
    case SC_REFUSE:
        return "refused";
    default:
        return "interrupted";
    }
}

static const char *verdict_word(enum audit_row verdict)
{
    switch (verdict) {
    case AUDIT_ROW_DIFFERENT:
        return "different";
    case AUDIT_ROW_REMOVED:
        return "removed";
    case AUDIT_ROW_MISSING:
        return "missing";
    default:
        return "unexplained";
    }
}

void audit_json(struct buf *out, const struct audit_checked *a, enum sc_result result, const struct sc_error *err)
{
    buf_printf(out, "{\"result\":\"%s\",", word_of(a, result));
    cli_json_field(out, "error", result == SC_OK ? NULL : err->what);
    buf_char(out, ',');
    cli_json_field(out, "topic", a->topic);
    buf_char(out, ',');
    cli_json_field(out, "stream", a->stream);
    buf_char(out, ',');
    cli_json_field(out, "table", a->table);
    buf_char(out, ',');
    cli_json_field(out, "gap", a->gap);
    buf_printf(out,
               ",\"partitions\":%" PRId32 ",\"messages_read\":%" PRIu64 ",\"messages_proven\":%" PRIu64
               ",\"messages_repeated\":%" PRIu64 ",\"messages_of_others\":%" PRIu64 ",\"last_sequence\":%" PRIu64
               ",\"end_stored\":%s,\"compared\":%s,\"whole_history\":%s,\"keys\":%" PRIu64 ",\"table_rows\":%" PRIu64
               ",\"rows_compared\":%" PRIu64 ",\"rows_not_mentioned\":%" PRIu64 ",\"rows_in_part\":%" PRIu64
               ",\"rows_same\":%" PRIu64 ",\"rows_different\":%" PRIu64 ",\"rows_removed\":%" PRIu64
               ",\"rows_missing\":%" PRIu64 ",\"rows_unexplained\":%" PRIu64 ",\"passes\":%d,\"duration_ms\":%" PRId64
               ",\"rows\":[",
               a->partitions, a->read, a->proven.messages, a->proven.repeats, a->proven.others, a->proven.last,
               a->kept ? "true" : "false", a->compared ? "true" : "false", a->folded.whole ? "true" : "false",
               a->folded.keys, a->table_rows, a->covered, uncovered(a), a->partial, a->same, a->different, a->removed,
               a->missing, a->never, a->passes, a->duration_ms);
    for (size_t i = 0; i < a->nplaces; i++)
        buf_printf(out, "%s{\"what\":\"%s\",\"partition\":%" PRId32 ",\"offset\":%" PRId64 "}", i ? "," : "",
                   verdict_word(a->places[i].verdict), a->places[i].place.partition, a->places[i].place.offset);
    buf_str(out, "]}\n");
}
