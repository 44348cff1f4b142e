/* Copying a chunk inside the server.
 *
 * The rows are read with shared locks (correctness A1): a row that the log has already given as deleted or changed, but
 * that can still be seen, is locked by its writer, and the read fails on it instead of copying what is dead.
 *
 * Nobody who works with the table may ever be ended as a deadlock's victim because of that. A deadlock takes somebody
 * who waits while holding what others wait for, so a chunk never waits for a row while it holds others: its read says
 * NOWAIT. Where a row is locked the transaction is rolled back and a smaller piece is taken, at last a single row, for
 * which a transaction waits that holds nothing else. A chunk is therefore copied in pieces, each a transaction of its
 * own; the chunk's record is written with the last one. That is as good as one transaction: changes to rows of a chunk
 * in flight are applied behind it (gate), and a piece copied twice finds its rows there.
 *
 * Rows above the last one that is there when the copy of the open end begins, and rows that come between the single
 * rows of a crowded place, are not copied: they were inserted behind the log's start and come out of it. Where that
 * matters, a read waits for rows that nobody can see yet. */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "applier/mysql/key_text.h"
#include "applier/mysql/rows.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/plant.h"

/* So long a piece may take on the server: row locks are held for that time. */
#define PIECE_MS 100
#define PIECE_ROWS_FIRST 2000
#define PIECE_ROWS_MOST 100000
/* Where the key is not what the table is stored by, a read locks two records one after the other, so it must not wait.
 */
#define POLL_FIRST_MS 1
#define POLL_MOST_MS 20

/* See learn_one_writer(): copying threads would otherwise end each other's statements. One process copies into one
 * table. */
static pthread_mutex_t one_writer = PTHREAD_MUTEX_INITIALIZER;

/* --- bounds
 * --------------------------------------------------------------------------------------------------------------- */

static void add_key_column(struct buf *b, const struct target *t, int k)
{
    my_add_ident(b, t->source.columns[t->key.columns[k]].name);
}

static enum sc_result add_compared(struct buf *b, const struct target *t, const struct my_literal *literals, int k,
                                   const char *operator, const struct key * key, struct sc_error *err)
{
    add_key_column(b, t, k);
    buf_printf(b, " %s ", operator);
    return my_add_key_literal(b, &literals[t->key.columns[k]], key->values[k], err);
}

/* The server uses an index for (a > x OR (a = x AND (b > y OR ...))), but not for (a, b) > (x, y). The last column's
 * operator is `last`. */
static enum sc_result add_bound(struct buf *b, const struct target *t, const struct my_literal *literals,
                                const char *strict, const char *last, const struct key *key, struct sc_error *err)
{
    int count = t->key.count;
    if (key->count != count)
        return error_set(err, SC_FAIL, "a stored bound of a chunk has %d columns, the key %d", key->count, count);
    enum sc_result result = SC_OK;
    if (PLANTED(A3_FIRST_KEY_COLUMN) && *strict == '>')
        count = 1;
    for (int k = 0; k < count && result == SC_OK; k++) {
        bool is_last = k == count - 1;
        if (!is_last)
            buf_char(b, '(');
        result = add_compared(b, t, literals, k, is_last ? last : strict, key, err);
        if (is_last || result != SC_OK)
            break;
        buf_str(b, " OR (");
        result = add_compared(b, t, literals, k, "=", key, err);
        buf_str(b, " AND ");
    }
    for (int k = 0; k < count - 1; k++)
        buf_str(b, "))");
    return result;
}

enum sc_result my_add_range(struct buf *b, const struct target *t, const struct my_literal *literals,
                            const struct key *after, const struct key *upto, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (after) {
        buf_str(b, " WHERE ");
        result = add_bound(b, t, literals, ">", ">", after, err);
    }
    if (upto && result == SC_OK) {
        buf_str(b, after ? " AND " : " WHERE ");
        result = add_bound(b, t, literals, "<", "<=", upto, err);
    }
    return result;
}

static enum sc_result add_range(struct buf *b, const struct session *s, const struct key *after, const struct key *upto,
                                struct sc_error *err)
{
    return my_add_range(b, s->target, s->apply->literals, after, upto, err);
}

static enum sc_result add_row(struct buf *b, const struct session *s, const struct key *key, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (int k = 0; k < key->count && result == SC_OK; k++) {
        buf_str(b, k ? " AND " : " WHERE ");
        result = add_compared(b, s->target, s->apply->literals, k, "=", key, err);
    }
    return result;
}

static void add_from(struct buf *b, const struct session *s)
{
    buf_printf(b, " FROM %s FORCE INDEX (", s->apply->source);
    my_add_ident(b, s->target->key.index_name);
    buf_char(b, ')');
}

/* SELECT key FROM source */
static void add_select_key(struct buf *b, const struct session *s)
{
    const struct target *t = s->target;
    buf_str(b, "SELECT ");
    for (int k = 0; k < t->key.count; k++) {
        buf_str(b, k ? ", " : "");
        my_add_key_select(b, &s->apply->literals[t->key.columns[k]], NULL);
    }
    add_from(b, s);
}

/* Which row is looked for: the number-th behind `after`, or the last. */
struct wanted_row {
    const struct key *after, *upto;
    bool last;
    uint64_t number; /* from 1 */
};

static enum sc_result add_find(struct buf *sql, struct session *s, const struct wanted_row *wanted,
                               struct sc_error *err)
{
    add_select_key(sql, s);
    enum sc_result result = add_range(sql, s, wanted->after, wanted->upto, err);
    buf_str(sql, " ORDER BY ");
    for (int k = 0; k < s->target->key.count; k++) {
        buf_str(sql, k ? ", " : "");
        add_key_column(sql, s->target, k);
        buf_str(sql, wanted->last ? " DESC" : "");
    }
    buf_printf(sql, " LIMIT 1 OFFSET %" PRIu64, wanted->number - 1);
    return result;
}

/* *out NULL: no row was found. */
static enum sc_result ask_key(struct session *s, const char *sql, struct key **out, struct sc_error *err)
{
    const struct target *t = s->target;
    MYSQL_RES *res = NULL;
    *out = NULL;
    enum sc_result result = my_query(s->conn, err, &res, sql);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (row) {
        struct key *key = mem_alloc(sizeof(*key));
        key->count = t->key.count;
        key->values = mem_array((size_t)key->count, sizeof(*key->values));
        for (int k = 0; k < key->count; k++) {
            if (!row[k])
                result = error_set(err, SC_FAIL, "the key of %s.%s holds NULL", t->schema, t->name);
            key->values[k] = mem_strdup(row[k] ? row[k] : "");
        }
        *out = key;
    }
    mysql_free_result(res);
    if (result != SC_OK) {
        key_free(*out);
        *out = NULL;
    }
    return result;
}

/* Takes no locks, and so passes over rows that others have inserted and not committed. */
static enum sc_result find_key(struct session *s, const struct wanted_row *wanted, struct key **out,
                               struct sc_error *err)
{
    struct buf sql = {0};
    enum sc_result result = add_find(&sql, s, wanted, err);
    if (result == SC_OK)
        result = ask_key(s, buf_cstr(&sql), out, err);
    buf_fini(&sql);
    return result;
}

enum sc_result my_chunk_bound(struct session *s, const struct key *after, uint64_t rows, struct key **upto,
                              struct sc_error *err)
{
    *upto = NULL;
    enum sc_result result = my_rows_open(s, err);
    if (result == SC_OK)
        result = find_key(s, &(struct wanted_row){.after = after, .number = rows ? rows : 1}, upto, err);
    if (result != SC_OK)
        return error_wrap(err, "cannot find where the next chunk ends");
    key_free(s->apply->bound);
    s->apply->bound = key_copy(*upto);
    s->apply->bound_rows = rows;
    return SC_OK;
}

/* A chunk is copied in pieces, which are as small as they have to be. */
enum sc_result my_chunk_rows_most(struct session *s, int workers, uint64_t *rows, struct sc_error *err)
{
    (void)s, (void)workers, (void)rows, (void)err;
    return SC_OK;
}

/* --- one piece
 * ------------------------------------------------------------------------------------------------------------ */

static const char *sharing(const struct session *s)
{
    return s->target->server.family == MY_MARIADB ? " LOCK IN SHARE MODE" : " FOR SHARE";
}

/* INSERT INTO ghost (columns) SELECT columns FROM source FORCE INDEX (key) WHERE ... FOR SHARE NOWAIT
 * ON DUPLICATE KEY UPDATE key = key */
static enum sc_result insert_rows(struct session *s, const struct key *after, const struct key *upto, bool single,
                                  uint64_t *rows, struct sc_error *err)
{
    const struct my_apply *apply = s->apply;
    struct buf sql = {0};
    buf_printf(&sql, "INSERT INTO %s (%s) SELECT %s", apply->ghost, apply->insert_columns, apply->select_values);
    add_from(&sql, s);
    enum sc_result result = single ? add_row(&sql, s, upto, err) : add_range(&sql, s, after, upto, err);
    if (!PLANTED(A1_PLAIN_READ) || single)
        buf_printf(&sql, "%s NOWAIT", sharing(s));
    buf_str(&sql, apply->untouched);
    if (result == SC_OK) {
        if (apply->one_writer)
            pthread_mutex_lock(&one_writer);
        result = my_change(s->conn, err, buf_cstr(&sql), sql.len, rows);
        if (apply->one_writer)
            pthread_mutex_unlock(&one_writer);
    }
    buf_fini(&sql);
    return result;
}

/* Runs a locking read in the open transaction, which holds nothing else, and waits until nobody holds what it reads.
 * What it reads is kept from then on. */
static enum sc_result read_waiting(struct session *s, const char *read, struct key **key, struct sc_error *err)
{
    bool waits = s->target->key.primary;
    char *sql = mem_printf("%s%s%s", read, sharing(s), waits ? "" : " NOWAIT");
    int64_t until = clock_us() + (int64_t)MY_LOCK_WAIT_S * 1000000;
    struct backoff backoff;
    backoff_init(&backoff, POLL_FIRST_MS, POLL_MOST_MS);
    enum sc_result result = SC_OK;
    while (result == SC_OK) {
        result = ask_key(s, sql, key, err);
        if (waits || result == SC_OK || !my_was_locked(s) || clock_us() > until)
            break;
        result = my_run(s->conn, err, "ROLLBACK");
        clock_sleep_ms(backoff_next_ms(&backoff));
        if (result == SC_OK)
            result = my_run(s->conn, err, "BEGIN");
    }
    mem_free(sql);
    if (result == SC_RETRY && my_was_locked(s))
        error_set(err, SC_RETRY, "a transaction keeps a row of %s.%s locked, which is to be copied", s->target->schema,
                  s->target->name);
    return result;
}

/* As find_key(), but a row that somebody has inserted and not committed is waited for: one that was prepared before the
 * log is read (XA) is not in what the log gives, and in no query until it is committed. A row that is not there at all
 * when this has ended will come out of the log. */
static enum sc_result find_key_waiting(struct session *s, const struct wanted_row *wanted, struct key **out,
                                       struct sc_error *err)
{
    struct buf sql = {0};
    enum sc_result result = add_find(&sql, s, wanted, err);
    if (result == SC_OK)
        result = my_run(s->conn, err, "BEGIN");
    if (result == SC_OK)
        result = read_waiting(s, buf_cstr(&sql), out, err);
    buf_fini(&sql);
    enum sc_result ended = my_alive(s->conn) ? my_run(s->conn, result == SC_OK ? err : NULL, "ROLLBACK") : SC_OK;
    return result == SC_OK ? ended : result;
}

static enum sc_result wait_for_row(struct session *s, const struct key *row, struct sc_error *err)
{
    struct buf sql = {0};
    struct key *found = NULL;
    add_select_key(&sql, s);
    enum sc_result result = add_row(&sql, s, row, err);
    if (result == SC_OK)
        result = read_waiting(s, buf_cstr(&sql), &found, err);
    key_free(found);
    buf_fini(&sql);
    return result;
}

/* --- the record
 * ----------------------------------------------------------------------------------------------------------- */

static void add_stored_key(struct buf *sql, const struct key *key)
{
    if (!key) {
        buf_str(sql, "NULL");
        return;
    }
    struct buf text = {0};
    my_key_write(&text, key);
    my_add_literal(sql, buf_cstr(&text));
    buf_fini(&text);
}

enum sc_result my_chunk_record(struct session *s, const char *table, const struct chunk *chunk, uint64_t rows,
                               bool again, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf sql = {0};
    buf_str(&sql, again ? "REPLACE INTO " : "INSERT INTO ");
    my_add_state(&sql, t, table);
    buf_printf(&sql, " (id, number, after_key, upto_key, row_count) VALUES ('%s', %" PRIu64 ", ", t->migration.id,
               chunk->number);
    add_stored_key(&sql, chunk->after);
    buf_str(&sql, ", ");
    add_stored_key(&sql, chunk->upto);
    buf_printf(&sql, ", %" PRIu64 ")", rows);
    enum sc_result result = my_run(s->conn, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

/* Was this chunk committed by a connection that was lost before it could say so? Numbers are never used twice. */
static enum sc_result is_recorded(struct session *s, const struct chunk *chunk, bool *is, uint64_t *rows,
                                  struct sc_error *err)
{
    struct buf sql = {0};
    char *value = NULL;
    buf_str(&sql, "SELECT row_count FROM ");
    my_add_state(&sql, s->target, "chunk");
    buf_printf(&sql, " WHERE id = '%s' AND number = %" PRIu64, s->target->migration.id, chunk->number);
    enum sc_result result = my_value(s->conn, err, &value, buf_cstr(&sql));
    *is = value != NULL;
    if (value)
        *rows = strtoull(value, NULL, 10);
    mem_free(value);
    buf_fini(&sql);
    return result;
}

/* --- the chunk
 * ------------------------------------------------------------------------------------------------------------ */

struct pieces {
    const struct chunk *chunk;
    const struct key *at;   /* everything up to here is copied; NULL: nothing yet */
    const struct key *upto; /* of the chunk, or the last row that was there; NULL: there is none */
    struct key *own_at, *own_upto;
    uint64_t copied;
};

/* One piece: (at, upto], or the one row `upto`. `last`: the chunk's record goes with it. *locked: somebody holds a row,
 * and nothing happened. */
static enum sc_result copy_piece(struct session *s, struct pieces *p, const struct key *upto, bool single, bool last,
                                 bool *locked, struct sc_error *err)
{
    uint64_t rows = 0;
    *locked = false;
    enum sc_result result = my_run(s->conn, err, "BEGIN");
    if (result == SC_OK && single)
        result = wait_for_row(s, upto, err);
    if (result == SC_OK)
        result = my_hold_token(s->target, s->conn, err);
    if (result == SC_OK) {
        result = insert_rows(s, p->at, upto, single, &rows, err);
        *locked = result == SC_RETRY && my_was_locked(s);
    }
    if (result == SC_OK && last)
        result = my_chunk_record(s, "chunk", p->chunk, p->copied + rows, false, err);
    if (last)
        FAILPOINT(result, copy_chunk_before_commit, err);
    else
        FAILPOINT(result, copy_piece_before_commit, err);
    if (result == SC_OK)
        result = my_run(s->conn, err, "COMMIT");
    else if (my_alive(s->conn) && my_run(s->conn, NULL, "ROLLBACK") == SC_OK && *locked)
        return SC_OK;
    if (!last)
        FAILPOINT(result, copy_piece_committed, err);
    if (result == SC_OK)
        p->copied += rows;
    return result;
}

/* Pieces grow and shrink with what they take, at most twofold. A short rest teaches nothing. */
static void adapt(struct session *s, uint64_t rows, int64_t took_us)
{
    uint64_t limit = s->chunk_limit;
    if (rows == 0 || rows * 2 < limit)
        return;
    uint64_t fits = rows * PIECE_MS * 1000 / (uint64_t)(took_us > 0 ? took_us : 1);
    uint64_t next = fits > limit * 2 ? limit * 2 : fits < limit / 2 ? limit / 2 : fits;
    s->chunk_limit = next < 1 ? 1 : next > PIECE_ROWS_MOST ? PIECE_ROWS_MOST : next;
}

/* The whole chunk, where it is known to be small enough: its bound was looked for on this session, just now. */
static bool fits_whole(const struct session *s, const struct pieces *p)
{
    return p->at == p->chunk->after && p->chunk->upto && s->apply->bound && key_same(s->apply->bound, p->chunk->upto) &&
           s->apply->bound_rows <= s->chunk_limit;
}

/* *done: the chunk is copied and recorded. */
static enum sc_result next_piece(struct session *s, struct pieces *p, bool *done, struct sc_error *err)
{
    struct key *bound = NULL;
    bool locked = false, single = s->chunk_limit == 1;
    enum sc_result result = SC_OK;
    const struct wanted_row wanted = {.after = p->at, .upto = p->upto, .number = s->chunk_limit};
    if (single)
        result = find_key_waiting(s, &wanted, &bound, err);
    else if (!fits_whole(s, p))
        result = find_key(s, &wanted, &bound, err);
    bool last = !bound;
    int64_t start = clock_us();
    uint64_t before = p->copied;
    if (result == SC_OK && single && last)
        result = my_chunk_record(s, "chunk", p->chunk, p->copied, false, err);
    else if (result == SC_OK)
        result = copy_piece(s, p, bound ? bound : p->upto, single, last, &locked, err);
    if (result == SC_OK && !locked) {
        adapt(s, p->copied - before, clock_us() - start);
        key_free(p->own_at);
        p->own_at = bound;
        p->at = bound;
        *done = last;
        return SC_OK;
    }
    if (locked && !single)
        s->chunk_limit /= 2;
    key_free(bound);
    return result;
}

static enum sc_result copy_unrecorded(struct session *s, const struct chunk *chunk, uint64_t *rows,
                                      struct sc_error *err)
{
    struct pieces p = {.chunk = chunk, .at = chunk->after, .upto = chunk->upto};
    if (s->chunk_limit == 0)
        s->chunk_limit = PIECE_ROWS_FIRST;
    enum sc_result result = SC_OK;
    if (!chunk->upto) {
        const struct wanted_row end = {.after = chunk->after, .last = true, .number = 1};
        result = PLANTED(A4_OPEN_END_NOT_LOCKED) ? find_key(s, &end, &p.own_upto, err)
                                                 : find_key_waiting(s, &end, &p.own_upto, err);
        p.upto = p.own_upto;
    }
    if (result == SC_OK)
        result = p.upto ? SC_OK : my_chunk_record(s, "chunk", chunk, 0, false, err);
    for (bool done = !p.upto; result == SC_OK && !done;)
        result = next_piece(s, &p, &done, err);
    *rows = p.copied;
    key_free(p.own_at);
    key_free(p.own_upto);
    return result;
}

enum sc_result my_chunk_copy(struct session *s, const struct chunk *chunk, uint64_t *rows, struct sc_error *err)
{
    bool there = false;
    *rows = 0;
    enum sc_result result = my_rows_open(s, err);
    if (result == SC_OK)
        result = is_recorded(s, chunk, &there, rows, err);
    if (result == SC_OK && !there)
        result = copy_unrecorded(s, chunk, rows, err);
    return my_rows_explain(s, result, "copy rows of", err);
}

enum sc_result my_chunks_recorded(struct session *s, const char *table, struct chunk **chunks, size_t *count,
                                  struct sc_error *err)
{
    *chunks = NULL;
    *count = 0;
    MYSQL_RES *res = NULL;
    struct buf sql = {0};
    buf_str(&sql, "SELECT number, after_key, upto_key, row_count FROM ");
    my_add_state(&sql, s->target, table);
    buf_printf(&sql, " WHERE id = '%s' ORDER BY number", s->target->migration.id);
    enum sc_result result = my_query(s->conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    if (result != SC_OK)
        return error_wrap(err, "cannot read which chunks are done");
    *count = (size_t)mysql_num_rows(res);
    *chunks = mem_array(*count + 1, sizeof(**chunks));
    MYSQL_ROW row;
    for (size_t i = 0; i < *count && (row = mysql_fetch_row(res)); i++) {
        struct chunk *c = &(*chunks)[i];
        c->number = strtoull(row[0], NULL, 10);
        c->rows = strtoull(row[3], NULL, 10);
        if (!my_key_read(row[1], s->target->key.count, &c->after) ||
            !my_key_read(row[2], s->target->key.count, &c->upto)) {
            result = error_set(err, SC_FAIL, "the stored bounds of chunk %" PRIu64 " cannot be read", c->number);
            error_hint(err, "The source is untouched. Run `seachange abort %s` and start again.",
                       s->target->migration.id);
        }
    }
    mysql_free_result(res);
    if (result == SC_OK)
        return SC_OK;
    for (size_t i = 0; i < *count; i++) {
        key_free((*chunks)[i].after);
        key_free((*chunks)[i].upto);
    }
    mem_free(*chunks);
    *chunks = NULL;
    *count = 0;
    return result;
}

enum sc_result my_chunks_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err)
{
    return my_chunks_recorded(s, "chunk", chunks, count, err);
}
