#include "cdc/mysql/rows.h"

#include <string.h>

#include "base/plant.h"
#include "cdc/mysql/json.h"

/* Of an after-image in PARTIAL_UPDATE_ROWS (MySQL: enum_binlog_row_value_options). */
enum { PARTIAL_JSON = 1 };

static enum sc_result advise(struct sc_error *err)
{
    return error_hint(err, "Nothing of that event was taken and the source is untouched. Abort the migration; please "
                           "report the server's version and this text.");
}

static bool bit(const uint8_t *bitmap, uint32_t i)
{
    return bitmap[i / 8] >> i % 8 & 1;
}

static uint32_t bits(const uint8_t *bitmap, uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        count += bit(bitmap, i);
    return count;
}

enum sc_result my_rows_begin(struct my_rows *rows, const struct my_rows_event *event,
                             const struct my_log_column *columns, uint16_t ncolumns, struct sc_error *err)
{
    if (event->ncolumns != ncolumns) {
        error_set(err, SC_FAIL, "a row event of the binary log has %u columns, its table %u", (unsigned)event->ncolumns,
                  (unsigned)ncolumns);
        return advise(err);
    }
    *rows = (struct my_rows){.r = reader_of(event->rows, event->rows_len), .event = event, .columns = columns};
    return SC_OK;
}

static enum sc_result malformed(const struct my_rows *rows, uint32_t column, const char *what, struct sc_error *err)
{
    error_set(err, SC_FAIL, "a row event of the binary log cannot be read: %s (column %u of type %d, byte %zu of %zu)",
              what, column + 1, (int)rows->columns[column].type, reader_offset(&rows->r), rows->event->rows_len);
    return advise(err);
}

/* Which JSON columns of this after-image are diffs; NULL none. */
static const uint8_t *partial_bits(struct my_rows *rows)
{
    uint64_t options = read_packed(&rows->r);
    if (!(options & PARTIAL_JSON))
        return NULL;
    uint32_t json = 0;
    for (uint32_t i = 0; i < rows->event->ncolumns; i++)
        json += rows->columns[i].type == MY_LOG_JSON;
    return (const uint8_t *)read_bytes(&rows->r, (json + 7) / 8);
}

/* A JSON value that is written as what changed in `before`, the value of the image in front of it. NULL, or what is
 * wrong. */
static const char *apply_diff(struct my_rows *rows, const struct value *before, struct arena *arena, struct value *out)
{
    uint32_t len = read_u32_le(&rows->r);
    const char *diffs = read_bytes(&rows->r, len);
    const char *problem = NULL;
    if (!diffs)
        return "it is cut off";
    if (!before || before->state != VALUE_PRESENT)
        return "a JSON value is written as what changed in it, but what it was is not (binlog_row_image, "
               "binlog_row_value_options)";
    if (PLANTED(B7_JSON_DIFF_IGNORED)) {
        *out = *before;
        return NULL;
    }
    struct buf document = {0};
    if (my_json_apply(&document, before->data, before->len, diffs, len, &problem)) {
        out->data = arena_copy(arena, buf_cstr(&document), document.len);
        out->len = (uint32_t)document.len;
        out->state = VALUE_PRESENT;
    } else if (!problem) {
        problem = "what changed in a JSON value does not fit what it was";
    }
    buf_fini(&document);
    return problem;
}

/* `before`: the image in front of it, for an event whose JSON values may be partial; else NULL. */
static enum sc_result image(struct my_rows *rows, const uint8_t *present, const struct value *before,
                            struct arena *arena, struct value **out, struct sc_error *err)
{
    uint32_t n = rows->event->ncolumns, json = 0, at = 0;
    const uint8_t *diffs = before ? partial_bits(rows) : NULL;
    const uint8_t *nulls = (const uint8_t *)read_bytes(&rows->r, (bits(present, n) + 7) / 8);
    if (!nulls || !reader_ok(&rows->r))
        return malformed(rows, 0, "it is cut off", err);
    struct value *values = arena_array(arena, n, sizeof(*values));
    for (uint32_t i = 0; i < n; i++) {
        bool is_diff = rows->columns[i].type == MY_LOG_JSON && diffs && bit(diffs, json++);
        if (!bit(present, i)) {
            values[i].state = VALUE_ABSENT;
            continue;
        }
        const char *problem = NULL;
        if (bit(nulls, at++)) {
            values[i].state = VALUE_NULL;
        } else if (is_diff) {
            problem = apply_diff(rows, &before[i], arena, &values[i]);
            if (problem)
                return malformed(rows, i, problem, err);
        } else if (!my_value_read(&rows->r, &rows->columns[i], arena, &values[i], &problem)) {
            return malformed(rows, i, problem ? problem : "it is cut off", err);
        }
    }
    *out = values;
    return SC_OK;
}

enum sc_result my_rows_next(struct my_rows *rows, struct arena *arena, struct my_row *row, bool *more,
                            struct sc_error *err)
{
    const struct my_rows_event *event = rows->event;
    *row = (struct my_row){0};
    /* A table of no columns in the image has rows of no bytes: there is nothing to tell their number by. */
    *more = reader_left(&rows->r) > 0;
    if (!*more || event->ncolumns == 0)
        return *more ? error_set(err, SC_FAIL, "a row event of the binary log has rows, but no columns") : SC_OK;
    enum sc_result result = SC_OK;
    size_t start = reader_offset(&rows->r);
    if (event->before)
        result = image(rows, event->before, NULL, arena, &row->before, err);
    if (result == SC_OK && event->after)
        result = image(rows, event->after, event->partial ? row->before : NULL, arena, &row->after, err);
    if (result == SC_OK && reader_offset(&rows->r) == start)
        return malformed(rows, 0, "its images hold no columns", err);
    return result;
}

int my_rows_missing(const struct my_rows_event *event, int column, const char **image_name)
{
    for (uint32_t i = (uint32_t)column; i < event->ncolumns; i++) {
        bool before = event->before && !bit(event->before, i);
        if (before || (event->after && !bit(event->after, i))) {
            *image_name = before ? "before" : "after";
            return (int)i;
        }
    }
    return -1;
}
