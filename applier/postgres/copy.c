/* Copying one chunk.
 *
 * The chunk is one REPEATABLE READ transaction, so it reads the source with one snapshot; no row passes through this
 * program. The gate keeps the applier out while it runs and has made sure that everything applied so far is visible to
 * this snapshot (docs/internals/ordering.md); rows that the applier has put into the ghost already are newer or as new,
 * and are left alone. Bounds are text that the server wrote, cast back to the key's types: what one session writes
 * another reads without loss (settings in conn.c). */
#include "applier/postgres/copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/mapping.h"
#include "base/failpoint.h"
#include "base/plant.h"

/* What a decoded row takes beside its bytes: ReorderBufferChange and what it allocates with it. */
#define DECODED_ROW_OVERHEAD 150
#define TYPICAL_ROW_BYTES 200

void pg_add_bound(struct buf *b, const struct target *t, const char *operator, int first)
{
    buf_str(b, "(");
    pg_add_key(b, t, NULL);
    buf_printf(b, ") %s (", operator);
    for (int k = 0; k < t->key.count; k++)
        buf_printf(b, "%s$%d::%s", k ? ", " : "", first + k, t->source.columns[t->key.columns[k]].type);
    buf_str(b, ")");
}

enum sc_result pg_chunk_bound(struct session *s, const struct key *after, uint64_t rows, struct key **upto,
                              struct sc_error *err)
{
    const struct target *t = s->target;
    *upto = NULL;
    /* SELECT key::text FROM ONLY source WHERE key > after ORDER BY key OFFSET rows - 1 LIMIT 1 */
    struct buf sql = {0};
    buf_str(&sql, "SELECT ");
    for (int k = 0; k < t->key.count; k++) {
        buf_str(&sql, k ? ", " : "");
        pg_add_ident(&sql, t->source.columns[t->key.columns[k]].name);
    }
    buf_str(&sql, " FROM ONLY ");
    pg_add_source(&sql, t);
    if (after) {
        buf_str(&sql, " WHERE ");
        pg_add_bound(&sql, t, ">", 1);
    }
    buf_str(&sql, " ORDER BY ");
    pg_add_key(&sql, t, NULL);
    buf_printf(&sql, " OFFSET %" PRIu64 " LIMIT 1", rows - 1);
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res, buf_cstr(&sql), after ? after->count : 0,
                                     after ? (const char *const *)after->values : NULL);
    if (result == SC_OK && PQntuples(res) == 1) {
        struct key *key = mem_alloc(sizeof(*key));
        key->count = t->key.count;
        key->values = mem_array((size_t)key->count, sizeof(*key->values));
        for (int k = 0; k < key->count; k++)
            key->values[k] = mem_strdup(PQgetvalue(res, 0, k));
        *upto = key;
    }
    PQclear(res);
    buf_fini(&sql);
    if (result != SC_OK)
        error_wrap(err, "cannot find where the next chunk ends");
    return result;
}

/* Each copied row is kept in memory by the server's own reader of the log until its chunk commits; more than
 * logical_decoding_work_mem (manual, 20.4.1) goes through the disk. Half of it is left to everybody else's
 * transactions. */
enum sc_result pg_chunk_rows_most(struct session *s, int workers, uint64_t *rows, struct sc_error *err)
{
    const struct pg_table *source = &s->target->source;
    char *setting = NULL;
    enum sc_result result = pg_value(s->conn, err, &setting,
                                     "SELECT setting FROM pg_catalog.pg_settings WHERE name = "
                                     "'logical_decoding_work_mem'",
                                     0, NULL);
    if (result == SC_OK && setting && workers > 0) {
        uint64_t bytes = strtoull(setting, NULL, 10) * 1024 / 2 / (uint64_t)workers;
        uint64_t row = source->rows_estimated ? source->heap_bytes / source->rows_estimated : TYPICAL_ROW_BYTES;
        *rows = bytes / (row + DECODED_ROW_OVERHEAD);
    }
    mem_free(setting);
    return result;
}

static char *copy_statement(const struct target *t, const struct chunk *chunk, bool skip_present)
{
    /* INSERT INTO ghost (columns) OVERRIDING SYSTEM VALUE SELECT expressions FROM ONLY source AS name
     * [CROSS JOIN LATERAL (SELECT key expressions) AS k]
     * WHERE key > after AND key <= upto [AND NOT EXISTS (SELECT FROM ghost g WHERE g.key = k.key)]
     * The key's expressions stand outside the subquery, where their column names can only mean the source's. */
    struct buf sql = {0};
    pg_add_insert(&sql, t);
    buf_str(&sql, "ONLY ");
    pg_add_source(&sql, t);
    buf_str(&sql, " AS ");
    pg_add_ident(&sql, t->source.name);
    if (skip_present) {
        buf_str(&sql, " CROSS JOIN LATERAL (SELECT ");
        for (int k = 0; k < t->map.nkey; k++) {
            buf_str(&sql, k ? ", " : "");
            pg_add_key_expression(&sql, t, k);
            buf_printf(&sql, " AS \"seachange k%d\"", k);
        }
        buf_str(&sql, ") AS \"seachange key\"");
    }
    const char *glue = " WHERE ";
    int parameter = 1;
    if (chunk->after) {
        buf_str(&sql, glue);
        pg_add_bound(&sql, t, ">", parameter);
        parameter += t->key.count;
        glue = " AND ";
    }
    if (chunk->upto) {
        buf_str(&sql, glue);
        pg_add_bound(&sql, t, PLANTED(A3_BOUND_ROW_LEFT_OUT) ? "<" : "<=", parameter);
        glue = " AND ";
    }
    if (skip_present) {
        buf_printf(&sql, "%sNOT EXISTS (SELECT FROM ", glue);
        pg_add_ghost(&sql, t);
        buf_str(&sql, " AS \"seachange ghost\" WHERE ");
        for (int k = 0; k < t->map.nkey; k++) {
            buf_str(&sql, k ? " AND \"seachange ghost\"." : "\"seachange ghost\".");
            pg_add_ident(&sql, t->map.columns[t->map.key[k]].ghost_column);
            buf_printf(&sql, " = \"seachange key\".\"seachange k%d\"", k);
        }
        buf_str(&sql, ")");
    }
    return buf_take(&sql);
}

static bool key_index_there(struct target *t)
{
    pthread_mutex_lock(&t->lock);
    bool there = t->key_ready;
    pthread_mutex_unlock(&t->lock);
    return there;
}

static enum sc_result insert_rows(struct session *s, const struct chunk *chunk, uint64_t *rows, struct sc_error *err)
{
    /* Without the index nothing has been applied yet, so nothing can be there already. */
    char *sql = copy_statement(s->target, chunk, key_index_there(s->target));
    const char *params[2 * MAX_KEY_COLUMNS];
    int n = 0;
    for (int k = 0; chunk->after && k < chunk->after->count; k++)
        params[n++] = chunk->after->values[k];
    for (int k = 0; chunk->upto && k < chunk->upto->count; k++)
        params[n++] = chunk->upto->values[k];
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res, sql, n, params);
    if (result == SC_OK)
        *rows = strtoull(PQcmdTuples(res), NULL, 10);
    PQclear(res);
    mem_free(sql);
    return result;
}

static void add_key_array(struct buf *b, const struct key *key)
{
    if (!key) {
        buf_str(b, "NULL");
        return;
    }
    buf_str(b, "ARRAY[");
    for (int k = 0; k < key->count; k++) {
        buf_str(b, k ? ", " : "");
        pg_add_literal(b, key->values[k]);
    }
    buf_str(b, "]::text[]");
}

enum sc_result pg_chunk_record(struct session *s, const char *table, const struct chunk *chunk, uint64_t rows,
                               bool again, struct sc_error *err)
{
    struct buf sql = {0};
    buf_printf(&sql, "INSERT INTO seachange.%s (id, number, after_key, upto_key, rows) VALUES ('%s', %" PRIu64 ", ",
               table, s->target->migration.id, chunk->number);
    add_key_array(&sql, chunk->after);
    buf_str(&sql, ", ");
    add_key_array(&sql, chunk->upto);
    buf_printf(&sql, ", %" PRIu64 ")%s", rows, again ? " ON CONFLICT DO NOTHING" : "");
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res, buf_cstr(&sql), 0, NULL);
    PQclear(res);
    buf_fini(&sql);
    return result;
}

/* The first statement of a chunk's transaction, which takes its snapshot. An instance that was taken over copies
 * nothing, and who would take this one over waits until the chunk is in or gone. *is: was this chunk committed by a
 * connection that was lost before it could say so? Numbers are never used twice. */
static enum sc_result claim(struct session *s, const struct chunk *chunk, bool *is, uint64_t *rows,
                            struct sc_error *err)
{
    struct buf sql = {0};
    buf_printf(&sql,
               "SELECT (SELECT rows FROM seachange.chunk WHERE id = m.id AND number = %" PRIu64 ")"
               " FROM seachange.migration AS m WHERE id = '%s' AND token = %" PRIu64 " FOR SHARE",
               chunk->number, s->target->migration.id, s->target->token);
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res, buf_cstr(&sql), 0, NULL);
    buf_fini(&sql);
    if (result == SC_OK && PQntuples(res) == 0 && !PLANTED(C5_CHUNK_WITHOUT_TOKEN)) {
        error_set(err, SC_FENCED, "another seachange has taken migration %s over; this one stops",
                  s->target->migration.id);
        result = error_hint(err, "Nothing is lost: the other one goes on with it.");
    } else if (result == SC_OK && PQntuples(res) == 1) {
        *is = !PQgetisnull(res, 0, 0);
        if (*is)
            *rows = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
    }
    PQclear(res);
    return result;
}

enum sc_result pg_chunk_copy(struct session *s, const struct chunk *chunk, uint64_t *rows, struct sc_error *err)
{
    bool there = false;
    enum sc_result result = pg_run(s->conn, err, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    if (result == SC_OK)
        result = claim(s, chunk, &there, rows, err);
    if (result == SC_OK && !there) {
        result = insert_rows(s, chunk, rows, err);
        if (result == SC_OK)
            result = pg_chunk_record(s, "chunk", chunk, *rows, false, err);
        FAILPOINT(result, copy_chunk_before_commit, err);
    }
    if (result == SC_OK)
        result = pg_run(s->conn, err, "COMMIT");
    else if (pg_alive(s->conn))
        pg_run(s->conn, NULL, "ROLLBACK");
    if (result != SC_OK && result != SC_RETRY) {
        error_wrap(err, "cannot copy rows of %s.%s", s->target->source.schema, s->target->source.name);
        /* Class 42: a name or a right is not there any more (manual, appendix A). */
        error_hint(err,
                   strncmp(err->sqlstate, "42", 2) == 0
                       ? "Somebody dropped or changed the table, or rights on it, while it was copied. Run `seachange "
                         "abort %s`, and start again if there is still a table to migrate."
                       : "A row does not fit the new table. The source is untouched; mend the data or the ALTER, then "
                         "`seachange abort %s` and start again.",
                   s->target->migration.id);
    }
    return result;
}

/* Takes a text[] apart by asking the server: the rows come as (number, which bound, position, value). */
enum sc_result pg_chunks_recorded(struct session *s, const char *table, struct chunk **chunks, size_t *count,
                                  struct sc_error *err)
{
    *chunks = NULL;
    *count = 0;
    PGresult *res = NULL;
    struct buf sql = {0};
    buf_str(&sql, "SELECT number, rows, after_key IS NULL, upto_key IS NULL");
    for (int k = 1; k <= s->target->key.count; k++)
        buf_printf(&sql, ", after_key[%d], upto_key[%d]", k, k);
    buf_printf(&sql, " FROM seachange.%s WHERE id = $1 ORDER BY number", table);
    enum sc_result result = pg_query(s->conn, err, &res, buf_cstr(&sql), 1, (const char *[]){s->target->migration.id});
    buf_fini(&sql);
    if (result != SC_OK)
        return error_wrap(err, "cannot read which chunks are done");
    *count = (size_t)PQntuples(res);
    *chunks = mem_array(*count + 1, sizeof(**chunks));
    bool whole = true;
    for (size_t i = 0; i < *count; i++) {
        struct chunk *c = &(*chunks)[i];
        int row = (int)i;
        c->number = strtoull(PQgetvalue(res, row, 0), NULL, 10);
        c->rows = strtoull(PQgetvalue(res, row, 1), NULL, 10);
        for (int bound = 0; bound < 2; bound++) {
            if (PQgetvalue(res, row, 2 + bound)[0] == 't')
                continue;
            struct key *key = mem_alloc(sizeof(*key));
            key->count = s->target->key.count;
            key->values = mem_array((size_t)key->count, sizeof(*key->values));
            for (int k = 0; k < key->count; k++) {
                key->values[k] = mem_strdup(PQgetvalue(res, row, 4 + 2 * k + bound));
                whole = whole && !PQgetisnull(res, row, 4 + 2 * k + bound);
            }
            *(bound ? &c->upto : &c->after) = key;
        }
    }
    PQclear(res);
    if (whole)
        return SC_OK;
    for (size_t i = 0; i < *count; i++) {
        key_free((*chunks)[i].after);
        key_free((*chunks)[i].upto);
    }
    mem_free(*chunks);
    *chunks = NULL;
    *count = 0;
    error_set(err, SC_FAIL,
              "the stored bounds of a chunk cannot be read: they have fewer values than the key has columns");
    return error_hint(err, "The source is untouched. Run `seachange abort %s` and start again.",
                      s->target->migration.id);
}

enum sc_result pg_chunks_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err)
{
    return pg_chunks_recorded(s, "chunk", chunks, count, err);
}
