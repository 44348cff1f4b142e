#include "applier/mysql/sets.h"

/* Smaller values of such a row stay in its statement. */
#define LARGE_BYTES 65536
#define VARIABLE "@seachange_large_"

bool my_large_is(const struct my_literal *literal, const struct value *value)
{
    return value->state == VALUE_PRESENT && value->len > LARGE_BYTES &&
           (literal->kind == MY_LITERAL_TEXT || literal->kind == MY_LITERAL_BINARY);
}

bool my_large_row(const struct session *s, const struct value *row)
{
    const struct target *t = s->target;
    uint64_t bytes = 0;
    for (int i = 0; i < t->source.ncolumns; i++)
        if (row[i].state == VALUE_PRESENT)
            bytes += row[i].len;
    /* Two digits a byte, and room for the rest. */
    return bytes * 2 > t->server.max_allowed_packet / 2;
}

/* A binary string, which a column of any character set takes as its bytes. */
enum sc_result my_large_add(struct session *s, struct buf *b, const struct value *value, struct sc_error *err)
{
    size_t piece = s->target->server.max_allowed_packet / 8;
    int number = s->apply->sets->larges++;
    struct buf sql = {0};
    enum sc_result result = SC_OK;
    for (size_t at = 0; at < value->len && result == SC_OK; at += piece) {
        size_t len = value->len - at < piece ? value->len - at : piece;
        buf_clear(&sql);
        buf_printf(&sql, "SET " VARIABLE "%d = CONCAT(", number);
        if (at > 0)
            buf_printf(&sql, VARIABLE "%d, ", number);
        buf_str(&sql, "_binary X'");
        my_add_hex(&sql, value->data + at, len);
        buf_str(&sql, "')");
        result = my_change(s->conn, err, sql.data, sql.len, NULL);
    }
    buf_fini(&sql);
    buf_printf(b, VARIABLE "%d", number);
    return result;
}

enum sc_result my_large_end(struct session *s, struct sc_error *err)
{
    struct my_sets *sets = s->apply->sets;
    struct buf sql = {0};
    buf_str(&sql, "SET ");
    for (int i = 0; i < sets->larges; i++)
        buf_printf(&sql, "%s" VARIABLE "%d = NULL", i ? ", " : "", i);
    enum sc_result result = sets->larges > 0 ? my_run(s->conn, err, buf_cstr(&sql)) : SC_OK;
    sets->larges = 0;
    buf_fini(&sql);
    return result;
}
