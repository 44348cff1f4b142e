/* Comparing source and ghost.
 *
 * One statement looks at both tables, so with one read view. A chunk is compared by looking each of its rows up in the
 * ghost and comparing each mapped column, and by counting the ghost's rows in the same stretch: that is stricter than
 * any checksum. Where the ALTER converts values to types that the server does not compare exactly with what they were,
 * the chunk's rows are first put into a temporary table of the ghost's types, by the very assignment that the copy
 * makes; what was changed between the two statements is found to differ, and looked at again like everything that is
 * not applied yet.
 *
 * Where rows differ they are hashed, so that it can be told later whether they still are what they were. NULLs and
 * where one column ends and the next begins are told apart.
 *
 * Under a new collation of the key a stretch of the source's key is none of the ghost's. Then what the ghost has too
 * much is looked for in the whole table, with the last chunk. */
#include "applier/mysql/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/mysql/comparison.h"
#include "applier/mysql/cutover.h"
#include "applier/mysql/ops.h"

/* --- which rows
 * ------------------------------------------------------------------------------------------------------- */

/* Which side's columns are named, and how: `s` and `g` in the join. */
struct side {
    bool source; /* the source itself, not the temporary table */
    const char *qualifier;
};

/* A bound of a chunk is the source's text, a key that differed the ghost's. */
static enum sc_result add_compared(struct buf *b, const struct session *s, struct side side, int k,
                                   const char *operator, const struct key * key, bool bound, struct sc_error *err)
{
    const struct target *t = s->target;
    const struct my_column *from = &t->source.columns[t->key.columns[k]];
    const struct my_literal *literal = bound ? &s->apply->literals[t->key.columns[k]] : &s->comparison->keys[k];
    my_add_column(b, side.qualifier, side.source ? from->name : my_compared_key(t, k)->ghost_column);
    buf_printf(b, " %s ", operator);
    bool converted = side.source && !bound && from->charset && !s->comparison->same_order;
    buf_str(b, converted ? "CONVERT(" : "");
    enum sc_result result = my_add_key_literal(b, literal, key->values[k], err);
    if (converted)
        buf_printf(b, " USING %s) COLLATE %s", from->charset, from->collation);
    return result;
}

/* (a > x OR (a = x AND (b > y OR ...))): see copy.c. */
static enum sc_result add_bound(struct buf *b, const struct session *s, struct side side, const char *strict,
                                const char *last, const struct key *key, struct sc_error *err)
{
    int count = s->target->key.count;
    if (key->count != count)
        return error_set(err, SC_FAIL, "a stored bound of a chunk has %d columns, the key %d", key->count, count);
    enum sc_result result = SC_OK;
    for (int k = 0; k < count && result == SC_OK; k++) {
        bool is_last = k == count - 1;
        buf_str(b, is_last ? "" : "(");
        result = add_compared(b, s, side, k, is_last ? last : strict, key, true, err);
        if (is_last || result != SC_OK)
            break;
        buf_str(b, " OR (");
        result = add_compared(b, s, side, k, "=", key, true, err);
        buf_str(b, " AND ");
    }
    for (int k = 0; k < count - 1; k++)
        buf_str(b, "))");
    return result;
}

static enum sc_result add_range(struct buf *b, const struct session *s, struct side side, const struct chunk *chunk,
                                struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (chunk->after) {
        buf_str(b, " WHERE ");
        result = add_bound(b, s, side, ">", ">", chunk->after, err);
    }
    if (chunk->upto && result == SC_OK) {
        buf_str(b, chunk->after ? " AND " : " WHERE ");
        result = add_bound(b, s, side, "<", "<=", chunk->upto, err);
    }
    return result;
}

static enum sc_result add_keys(struct buf *b, const struct session *s, struct side side, struct key *const *keys,
                               size_t count, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < count && result == SC_OK; i++) {
        buf_str(b, i ? ") OR (" : " WHERE (");
        for (int k = 0; k < keys[i]->count && result == SC_OK; k++) {
            buf_str(b, k ? " AND " : "");
            result = add_compared(b, s, side, k, "=", keys[i], false, err);
        }
    }
    buf_str(b, ")");
    return result;
}

/* What is wanted: a chunk's rows, or those with some keys. */
struct wanted {
    const struct chunk *chunk;
    struct key *const *keys;
    size_t count;
};

static enum sc_result add_wanted(struct buf *b, const struct session *s, struct side side, const struct wanted *w,
                                 struct sc_error *err)
{
    return w->chunk ? add_range(b, s, side, w->chunk, err) : add_keys(b, s, side, w->keys, w->count, err);
}

/* Puts the source's rows into the temporary table of this connection, where there has to be one. */
static enum sc_result fill(struct session *s, struct my_conn *conn, const struct wanted *w, struct sc_error *err)
{
    const struct comparison *c = s->comparison;
    if (!c->staged)
        return SC_OK;
    struct buf sql = {0};
    uint64_t rows = 0;
    buf_str(&sql, c->fill);
    enum sc_result result = add_wanted(&sql, s, (struct side){.source = true}, w, err);
    if (result == SC_OK)
        result = my_run(conn, err, c->empty);
    if (result == SC_OK)
        result = my_change(conn, err, buf_cstr(&sql), sql.len, &rows);
    buf_fini(&sql);
    return result;
}

static enum sc_result add_source(struct buf *b, const struct session *s, const struct wanted *w, struct sc_error *err)
{
    buf_str(b, s->comparison->source_side);
    return s->comparison->staged ? SC_OK : add_wanted(b, s, (struct side){.source = true}, w, err);
}

static enum sc_result add_ghost(struct buf *b, const struct session *s, const struct wanted *w, struct sc_error *err)
{
    buf_str(b, s->comparison->ghost_side);
    return add_wanted(b, s, (struct side){0}, w, err);
}

/* --- a chunk
 * ---------------------------------------------------------------------------------------------------------- */

enum sc_result my_compare_ordered(struct session *s, bool *ordered, struct sc_error *err)
{
    *ordered = true; /* see above */
    return my_comparison_open(s, err);
}

/* FROM ghost g LEFT JOIN source s ... WHERE there is none in the source, by the collation of both. */
static void add_strays(struct buf *b, const struct session *s)
{
    const struct target *t = s->target;
    buf_printf(b, " FROM %s LEFT JOIN %s ON ", s->apply->ghost, s->apply->source);
    for (int k = 0; k < t->map.nkey; k++) {
        const struct my_column *from = &t->source.columns[t->key.columns[k]],
                               *to = my_compared_column(t, my_compared_key(t, k));
        struct buf sc = {0}, gc = {0};
        buf_printf(&sc, "%s.", s->apply->source);
        my_add_ident(&sc, from->name);
        buf_printf(&gc, "%s.", s->apply->ghost);
        my_add_ident(&gc, to->name);
        buf_str(b, k ? " AND " : "");
        if (from->charset && to->charset)
            buf_printf(b, "%s = CONVERT(%s USING %s) COLLATE %s AND CONVERT(%s USING %s) COLLATE %s = %s",
                       buf_cstr(&sc), buf_cstr(&gc), from->charset, from->collation, buf_cstr(&sc), to->charset,
                       to->collation, buf_cstr(&gc));
        else
            buf_printf(b, "%s = %s", buf_cstr(&sc), buf_cstr(&gc));
        buf_fini(&sc);
        buf_fini(&gc);
    }
    buf_printf(b, " WHERE %s.", s->apply->source);
    my_add_ident(b, t->source.columns[t->key.columns[0]].name);
    buf_str(b, " IS NULL");
}

enum sc_result my_compare_chunk(struct session *s, const struct chunk *chunk, struct compared *out,
                                struct sc_error *err)
{
    enum sc_result result = my_comparison_open(s, err);
    if (result != SC_OK)
        return result;
    const struct comparison *c = s->comparison;
    result = fill(s, s->conn, &(struct wanted){.chunk = chunk}, err);
    struct buf sql = {0}, key = {0};
    my_add_column(&key, "g", my_compared_key(s->target, 0)->ghost_column);
    buf_printf(&sql,
               "SELECT a.n, a.bad, a.missing, b.n FROM (SELECT COUNT(*) AS n, COUNT(*) - COUNT(IF(%s, 1, NULL)) AS bad,"
               " COUNT(*) - COUNT(%s) AS missing%s",
               c->same, buf_cstr(&key), c->join);
    if (result == SC_OK && !c->staged)
        result = add_range(&sql, s, (struct side){.source = true, .qualifier = "s"}, chunk, err);
    buf_str(&sql, ") AS a, (SELECT COUNT(*) AS n");
    if (c->same_order) {
        buf_printf(&sql, " FROM %s", c->ghost_from);
        if (result == SC_OK)
            result = add_range(&sql, s, (struct side){0}, chunk, err);
    } else if (!chunk->upto) {
        add_strays(&sql, s);
    }
    buf_str(&sql, ") AS b");
    MYSQL_RES *res = NULL;
    if (result == SC_OK)
        result = my_query(s->conn, err, &res, buf_cstr(&sql));
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (row) {
        uint64_t bad = strtoull(row[1], NULL, 10), others = strtoull(row[3], NULL, 10);
        out->rows = strtoull(row[0], NULL, 10);
        out->missing = strtoull(row[2], NULL, 10);
        out->differ = bad - out->missing;
        uint64_t met = c->same_order ? out->rows - out->missing : 0; /* of the others */
        out->extra = others > met ? others - met : 0;
        out->same = bad == 0 && (c->same_order ? others == out->rows : chunk->upto || others == 0);
    } else if (result != SC_OK) {
        error_wrap(err, "cannot compare the tables");
    }
    mysql_free_result(res);
    buf_fini(&sql);
    buf_fini(&key);
    return result;
}

/* --- rows
 * ------------------------------------------------------------------------------------------------------------- */

static struct key *key_of(MYSQL_ROW row, int first, int count)
{
    struct key *key = mem_alloc(sizeof(*key));
    key->count = count;
    key->values = mem_array((size_t)count, sizeof(*key->values));
    for (int k = 0; k < count; k++)
        key->values[k] = mem_strdup(row[first + k] ? row[first + k] : "");
    return key;
}

static void add_key_texts(struct buf *b, const struct session *s, const char *qualifier)
{
    buf_str(b, "SELECT ");
    for (int k = 0; k < s->target->map.nkey; k++) {
        buf_str(b, k ? ", " : "");
        my_add_key_select(b, &s->comparison->keys[k], qualifier);
    }
}

/* Both sides of the chunk, put together by key. */
static enum sc_result add_differing(struct buf *b, const struct session *s, const struct chunk *chunk,
                                    struct sc_error *err)
{
    const struct wanted wanted = {.chunk = chunk};
    struct buf names = {0};
    for (int k = 0; k < s->target->map.nkey; k++)
        buf_printf(&names, "%sk%d", k ? ", " : "", k);
    buf_printf(b, "SELECT %s FROM (", buf_cstr(&names));
    enum sc_result result = add_source(b, s, &wanted, err);
    buf_str(b, " UNION ALL ");
    if (result == SC_OK)
        result = add_ghost(b, s, &wanted, err);
    buf_printf(b, ") AS r GROUP BY %s HAVING COUNT(*) <> 2 OR MIN(h) <> MAX(h)", buf_cstr(&names));
    buf_fini(&names);
    return result;
}

/* The same where the chunk is no stretch of the ghost's key: what its rows find there, and, with the last chunk, what
 * stands in the whole ghost too much. (A temporary table can stand in a statement only once.) */
static void add_differing_apart(struct buf *b, const struct session *s, const struct chunk *chunk)
{
    const struct comparison *c = s->comparison;
    add_key_texts(b, s, "s");
    buf_str(b, c->join);
    buf_printf(b, " WHERE NOT COALESCE(%s, FALSE)", c->same);
    if (chunk->upto)
        return;
    buf_str(b, " UNION ALL ");
    add_key_texts(b, s, "g");
    buf_printf(b, " FROM (SELECT %s.*", s->apply->ghost);
    add_strays(b, s);
    buf_str(b, ") AS g");
}

enum sc_result my_compare_rows(struct session *s, const struct chunk *chunk, size_t most, struct key ***keys,
                               size_t *count, struct sc_error *err)
{
    *keys = NULL;
    *count = 0;
    enum sc_result result = my_comparison_open(s, err);
    if (result != SC_OK)
        return result;
    result = fill(s, s->conn, &(struct wanted){.chunk = chunk}, err);
    struct buf sql = {0};
    if (!s->comparison->same_order)
        add_differing_apart(&sql, s, chunk);
    else if (result == SC_OK)
        result = add_differing(&sql, s, chunk, err);
    buf_printf(&sql, " LIMIT %zu", most);
    MYSQL_RES *res = NULL;
    if (result == SC_OK)
        result = my_query(s->conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    if (result != SC_OK)
        return error_wrap(err, "cannot compare the tables");
    size_t rows = (size_t)mysql_num_rows(res);
    *keys = mem_array(rows + 1, sizeof(struct key *));
    for (MYSQL_ROW row; *count < rows && (row = mysql_fetch_row(res));)
        (*keys)[(*count)++] = key_of(row, 0, s->target->map.nkey);
    mysql_free_result(res);
    return SC_OK;
}

static void take_pair(MYSQL_ROW row, bool source, struct key *const *keys, size_t count, struct row_pair *pairs)
{
    for (size_t i = 0; i < count; i++) {
        bool same = true;
        for (int k = 0; k < keys[i]->count && same; k++)
            same = row[k] && strcmp(keys[i]->values[k], row[k]) == 0;
        if (same)
            snprintf(source ? pairs[i].source : pairs[i].ghost, ROW_HASH_SIZE, "%s", row[keys[i]->count]);
    }
}

static enum sc_result take_side(struct session *s, struct my_conn *conn, bool source, const struct wanted *w,
                                struct row_pair *pairs, struct sc_error *err)
{
    struct buf sql = {0};
    MYSQL_RES *res = NULL;
    enum sc_result result = source ? add_source(&sql, s, w, err) : add_ghost(&sql, s, w, err);
    if (result == SC_OK)
        result = my_query(conn, err, &res, buf_cstr(&sql));
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res));)
        take_pair(row, source, w->keys, w->count, pairs);
    mysql_free_result(res);
    buf_fini(&sql);
    return result;
}

/* Two statements: in one transaction with one read view, or under the cutover's lock, where nothing changes. In
 * MariaDB's the source can only be read by the connection that holds it. */
enum sc_result my_compare_keys(struct session *s, struct key *const *keys, size_t count, struct row_pair *pairs,
                               struct sc_error *err)
{
    memset(pairs, 0, count * sizeof(*pairs));
    enum sc_result result = my_comparison_open(s, err);
    if (result != SC_OK)
        return result;
    const struct wanted wanted = {.keys = keys, .count = count};
    struct my_conn *holder = s->in_cutover && s->cutover->lock ? s->cutover->lock : s->conn;
    result = fill(s, holder, &wanted, err);
    if (result == SC_OK && !s->in_cutover)
        result = my_run(s->conn, err, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    if (result == SC_OK && !s->in_cutover)
        result = my_run(s->conn, err, "START TRANSACTION WITH CONSISTENT SNAPSHOT");
    if (result == SC_OK)
        result = take_side(s, holder, true, &wanted, pairs, err);
    if (result == SC_OK)
        result = take_side(s, s->conn, false, &wanted, pairs, err);
    if (!s->in_cutover && my_alive(s->conn))
        my_run(s->conn, NULL, "ROLLBACK");
    return result == SC_OK ? result : error_wrap(err, "cannot compare the tables");
}

/* --- what was compared
 * ------------------------------------------------------------------------------------------------ */

enum sc_result my_verified_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err)
{
    return my_chunks_recorded(s, "verified", chunks, count, err);
}

enum sc_result my_verified_store(struct session *s, const struct chunk *chunk, uint64_t rows, struct sc_error *err)
{
    return my_chunk_record(s, "verified", chunk, rows, true, err);
}
