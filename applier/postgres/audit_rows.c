/* The table's rows as the log has them. What the server writes of a value does not depend on who asks: pgoutput and a
 * query call the same output function, and all our sessions, the log's reader among them, have the same settings
 * (conn.c). */
#include <stdlib.h>

#include "applier/postgres/copy.h"
#include "applier/postgres/ops.h"
#include "applier/postgres/state.h"

/* --- one table by itself
 * -------------------------------------------------------------------------------------------------- */

/* By which the log would identify rows; else by which it could. The table's own key first. */
static enum sc_result choose_key(struct target *t, const char *shown, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_keys_load(t->control, t->source.oid, &res, err);
    if (result != SC_OK)
        return result;
    char identity = t->source.replica_identity;
    int chosen = -1, candidate = -1;
    for (int i = 0; i < PQntuples(res); i++) {
        bool primary = PQgetvalue(res, i, 2)[0] == 't', marked = PQgetvalue(res, i, 3)[0] == 't';
        if (PQgetvalue(res, i, 5)[0] != 't')
            continue;
        if (candidate < 0)
            candidate = i;
        if (chosen < 0 && ((identity == 'd' && primary) || (identity == 'i' && marked) || identity == 'f'))
            chosen = i;
    }
    if (chosen < 0)
        chosen = candidate;
    if (chosen >= 0)
        result = pg_key_load(t, (Oid)strtoul(PQgetvalue(res, chosen, 0), NULL, 10), err);
    else
        result = error_set(err, SC_REFUSE, "table %s has no key by which its rows are known", shown);
    PQclear(res);
    return result;
}

enum sc_result pg_audit_open(struct target *t, struct sc_error *err)
{
    Oid oid = 0;
    enum sc_result result = pg_resolve_table(t, &oid, err);
    if (result == SC_OK)
        result = pg_table_load(t->control, oid, &t->source, err);
    if (result != SC_OK)
        return result;
    char *shown = pg_qualified(t->source.schema, t->source.name);
    t->reads_only = true;
    result = pg_readable(t, oid, shown, err);
    if (result == SC_OK)
        result = choose_key(t, shown, err);
    mem_free(shown);
    return result;
}

/* --- rows
 * ----------------------------------------------------------------------------------------------------------------- */

struct reading {
    struct value *row;
    int ncolumns;
    enum sc_result (*take)(void *arg, const struct value *row, struct sc_error *err);
    void *arg;
};

static enum sc_result take_row(void *arg, const PGresult *res, struct sc_error *err)
{
    struct reading *r = arg;
    for (int i = 0; i < r->ncolumns; i++) {
        bool null = PQgetisnull(res, 0, i);
        r->row[i] = (struct value){.state = null ? VALUE_NULL : VALUE_PRESENT,
                                   .len = null ? 0 : (uint32_t)PQgetlength(res, 0, i),
                                   .data = null ? NULL : PQgetvalue(res, 0, i)};
    }
    return r->take(r->arg, r->row, err);
}

static char *select_statement(const struct target *t, const struct chunk *range)
{
    struct buf sql = {0};
    buf_str(&sql, "SELECT ");
    for (int i = 0; i < t->nlogged; i++) {
        buf_str(&sql, i ? ", " : "");
        pg_add_ident(&sql, t->source.columns[t->logged[i]].name);
    }
    buf_str(&sql, " FROM ONLY ");
    pg_add_source(&sql, t);
    const char *glue = " WHERE ";
    int parameter = 1;
    if (range && range->after) {
        buf_str(&sql, glue);
        pg_add_bound(&sql, t, ">", parameter);
        parameter += t->key.count;
        glue = " AND ";
    }
    if (range && range->upto) {
        buf_str(&sql, glue);
        pg_add_bound(&sql, t, "<=", parameter);
    }
    return buf_take(&sql);
}

enum sc_result pg_audit_rows(struct session *s, const struct chunk *range,
                             enum sc_result (*take)(void *arg, const struct value *row, struct sc_error *err),
                             void *arg, struct sc_error *err)
{
    const struct target *t = s->target;
    const struct key *const ends[] = {range ? range->after : NULL, range ? range->upto : NULL};
    const char *params[2 * MAX_KEY_COLUMNS];
    int count = 0;
    for (int i = 0; i < 2; i++)
        for (int k = 0; ends[i] && k < ends[i]->count; k++)
            params[count++] = ends[i]->values[k];
    struct reading reading = {.ncolumns = t->nlogged, .take = take, .arg = arg};
    reading.row = mem_array((size_t)t->nlogged + 1, sizeof(*reading.row));
    char *sql = select_statement(t, range);
    /* All of a table is not found through its key (session_open()). */
    enum sc_result result = pg_run(s->conn, err, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    if (result == SC_OK && !range)
        result = pg_run(s->conn, err, "SET LOCAL enable_seqscan = on");
    if (result == SC_OK)
        result = pg_stream(s->conn, err, sql, count, params, take_row, &reading);
    if (result == SC_OK)
        result = pg_run(s->conn, err, "COMMIT");
    else if (pg_alive(s->conn))
        pg_run(s->conn, NULL, "ROLLBACK");
    mem_free(sql);
    mem_free(reading.row);
    return result;
}
