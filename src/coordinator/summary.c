#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "base/json.h"
#include "base/log.h"
#include "coordinator/progress.h"

static const char *const result_names[] = {
    [SUMMARY_SWAPPED] = "swapped", [SUMMARY_INTERRUPTED] = "interrupted", [SUMMARY_REFUSED] = "refused",
    [SUMMARY_FAILED] = "failed",   [SUMMARY_UNKNOWN] = "unknown",
};

static void headline(struct buf *out, const struct summary_view *v)
{
    const char *table = v->table ? v->table : "the table", *id = v->id && v->id[0] ? v->id : "ID";
    switch (v->result) {
    case SUMMARY_SWAPPED:
        buf_printf(out, "Done: %s has its new shape.\n", table);
        break;
    case SUMMARY_INTERRUPTED:
        if (!v->id || !v->id[0]) {
            buf_printf(out, "Stopped before anything was made: %s is untouched.\n", table);
            break;
        }
        buf_printf(out,
                   "Stopped: %s is untouched, and what was done so far is kept.\n"
                   "The same command goes on where it was; `seachange abort %s` removes it.\n",
                   table, id);
        break;
    case SUMMARY_REFUSED:
        if (v->id && v->id[0]) {
            buf_printf(out, "Refused: %s is as it was. `seachange abort %s` removes what has been made.\n", table, id);
            break;
        }
        buf_printf(out, "Refused: nothing was touched, %s is as it was.\n", table);
        break;
    case SUMMARY_FAILED:
        buf_printf(out, "Failed: %s is untouched. `seachange abort %s` removes what was made.\n", table, id);
        break;
    case SUMMARY_UNKNOWN:
        buf_printf(out,
                   "Not known: whether %s was swapped could not be learnt. `seachange list` tells once the server "
                   "answers again.\n",
                   table);
        break;
    }
}

static void duration_line(struct buf *out, const char *label, int64_t ms)
{
    buf_str(out, label);
    human_ms(out, ms);
}

static void as_text(struct buf *out, const struct summary_view *v)
{
    headline(out, v);
    if (v->result == SUMMARY_REFUSED)
        return;
    buf_str(out, "\n  rows copied       ");
    human_exact(out, v->rows_copied);
    buf_str(out, "\n  changes applied   ");
    human_exact(out, v->changes_applied);
    if (v->rows_verified >= 0) {
        buf_str(out, "\n  rows verified     ");
        human_exact(out, (uint64_t)v->rows_verified);
        buf_str(out, ", all the same");
    }
    duration_line(out, "\n  took              ", v->duration_ms);
    if (v->writers_held_ms >= 0) {
        duration_line(out, "\n  writers waited    ", v->writers_held_ms);
        buf_printf(out, " at the cutover (%d %s)", v->cutover_tries, v->cutover_tries == 1 ? "try" : "tries");
    } else if (v->cutover_tries > 0) {
        buf_printf(out, "\n  cutover tries     %d", v->cutover_tries);
    }
    if (v->old_table)
        buf_printf(out, "\n  old table         %s", v->old_table);
    if (v->id && v->id[0])
        buf_printf(out, "\n  migration         %s", v->id);
    buf_char(out, '\n');
    size_t told = 0;
    for (size_t i = 0; v->ended && i < v->ended->count; i++)
        buf_printf(out, "%s  - in the way of the cutover: %s\n", told++ == 0 ? "\n" : "", v->ended->items[i]);
    for (size_t i = 0; v->notes && i < v->notes->count; i++)
        buf_printf(out, "%s  - %s\n", told++ == 0 ? "\n" : "", v->notes->items[i]);
}

static void string_field(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    if (text && text[0])
        json_string(out, text);
    else
        buf_str(out, "null");
}

static void number_field(struct buf *out, const char *name, int64_t n)
{
    if (n < 0)
        buf_printf(out, ",\"%s\":null", name);
    else
        buf_printf(out, ",\"%s\":%" PRId64, name, n);
}

static void list_field(struct buf *out, const char *name, const struct strlist *list)
{
    buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; list && i < list->count; i++) {
        if (i > 0)
            buf_char(out, ',');
        json_string(out, list->items[i]);
    }
    buf_char(out, ']');
}

static void as_json(struct buf *out, const struct summary_view *v)
{
    buf_printf(out, "{\"result\":\"%s\"", result_names[v->result]);
    string_field(out, "id", v->id);
    string_field(out, "table", v->table);
    buf_printf(out, ",\"rows_copied\":%" PRIu64 ",\"changes_applied\":%" PRIu64, v->rows_copied, v->changes_applied);
    number_field(out, "rows_verified", v->rows_verified);
    number_field(out, "duration_ms", v->duration_ms);
    number_field(out, "writers_held_ms", v->writers_held_ms);
    number_field(out, "cutover_tries", v->cutover_tries);
    number_field(out, "lag_at_cutover_ms", v->lag_at_cutover_ms);
    string_field(out, "old_table", v->old_table);
    list_field(out, "sessions_ended", v->ended);
    list_field(out, "notes", v->notes);
    buf_str(out, "}\n");
}

void summary_format(struct buf *out, const struct summary_view *view, bool json)
{
    if (json)
        as_json(out, view);
    else
        as_text(out, view);
}

void summary_print(const struct summary_view *view, bool json)
{
    struct buf b = {0};
    summary_format(&b, view, json);
    /* The exit code must keep saying what became of the migration, so this is only told. */
    if (fwrite(buf_cstr(&b), 1, b.len, stdout) != b.len || fflush(stdout) != 0)
        log_warn("cannot write the summary (%s) to standard output: %s", result_names[view->result], strerror(errno));
    buf_fini(&b);
}
