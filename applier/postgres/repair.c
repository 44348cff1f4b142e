/* Read-repair: a column of the ghost that is computed from several columns of the source, of which the log sent some
 * and left out others as unchanged (TOAST), cannot be computed from the log. It is computed from the source's row as it
 * is now, once the change is visible there. That row may be newer than the log's position; what made it newer is still
 * to come in the log and is applied again, so the ghost's row ends as the source's does. */
#include "applier/postgres/apply.h"

#include <stdlib.h>

#include "applier/ahead.h"
#include "applier/postgres/mapping.h"
#include "base/clock.h"
#include "base/failpoint.h"

/* A transaction that the log has delivered and nobody can see yet waits for a synchronous standby; it is not given up
 * on quickly. */
#define VISIBLE_WITHIN_MS 60000

static enum sc_result wait_visible(struct session *s, const struct batch *batch, struct sc_error *err)
{
    struct backoff backoff;
    backoff_init(&backoff, 2, 200);
    int64_t deadline = clock_us() + VISIBLE_WITHIN_MS * 1000;
    for (;;) {
        bool all = false;
        enum sc_result result = pg_visible(s, batch->xids, batch->nxids, &all, err);
        if (result != SC_OK || all)
            return result;
        if (clock_us() > deadline)
            return error_set(
                err, SC_RETRY,
                "a committed change is not visible after %d s (a synchronous standby that does not answer?)",
                VISIBLE_WITHIN_MS / 1000);
        clock_sleep_ms(backoff_next_ms(&backoff));
    }
}

/* (SELECT key expressions, expressions FROM ONLY source AS name WHERE (key) IN (rows)) */
static void add_source_rows(struct buf *sql, const struct target *t, const char *rows)
{
    buf_str(sql, "(SELECT ");
    for (int k = 0; k < t->map.nkey; k++) {
        pg_add_key_expression(sql, t, k);
        buf_printf(sql, " AS \"seachange k%d\", ", k);
    }
    for (int i = 0; i < t->map.ncolumns; i++)
        buf_printf(sql, "%s%s AS \"seachange m%d\"", i ? ", " : "", t->map.columns[i].expression, i);
    buf_str(sql, " FROM ONLY ");
    pg_add_source(sql, t);
    buf_str(sql, " AS ");
    pg_add_ident(sql, t->source.name);
    buf_str(sql, " WHERE (");
    pg_add_key(sql, t, NULL);
    buf_printf(sql, ") IN (%s)) AS \"seachange row\"", rows);
}

enum sc_result pg_repair(struct session *s, const struct batch *batch, const char *rows, int nparams,
                         const char *const *params, const struct unknown *unknown, struct sc_error *err)
{
    struct target *t = s->target;
    enum sc_result result = wait_visible(s, batch, err);
    if (result != SC_OK)
        return result;
    struct buf sql = {0};
    if (!unknown) {
        buf_str(&sql, "INSERT INTO ");
        pg_add_ghost(&sql, t);
        buf_str(&sql, " (");
        pg_add_ghost_columns(&sql, t);
        buf_str(&sql, ") OVERRIDING SYSTEM VALUE SELECT ");
        for (int i = 0; i < t->map.ncolumns; i++)
            buf_printf(&sql, "%s\"seachange m%d\"", i ? ", " : "", i);
        buf_str(&sql, " FROM ");
        add_source_rows(&sql, t, rows);
        buf_str(&sql, " ON CONFLICT (");
        pg_add_ghost_key(&sql, t);
        buf_str(&sql, ") DO NOTHING");
    } else {
        buf_str(&sql, "UPDATE ");
        pg_add_ghost(&sql, t);
        buf_str(&sql, " AS \"seachange ghost\" SET ");
        const char *glue = "";
        for (int i = 0; i < t->map.ncolumns; i++) {
            /* All else is as the log has it, which may be behind the source: a unique value that another row has here
             * still must not come too early. */
            if (pg_mapped_is_key(t, i) ||
                pg_mapped_state(s, &t->map.columns[i], unknown->is, unknown->arg) != MAPPED_PARTLY)
                continue;
            buf_str(&sql, glue);
            pg_add_ident(&sql, t->map.columns[i].ghost_column);
            buf_printf(&sql, " = \"seachange row\".\"seachange m%d\"", i);
            glue = ", ";
        }
        buf_str(&sql, " FROM ");
        add_source_rows(&sql, t, rows);
        buf_str(&sql, " WHERE ");
        for (int k = 0; k < t->map.nkey; k++) {
            buf_str(&sql, k ? " AND \"seachange ghost\"." : "\"seachange ghost\".");
            pg_add_ident(&sql, t->map.columns[t->map.key[k]].ghost_column);
            buf_printf(&sql, " = \"seachange row\".\"seachange k%d\"", k);
        }
    }
    PGresult *res = NULL;
    result = pg_query(s->conn, err, &res, buf_cstr(&sql), nparams, params);
    PQclear(res);
    buf_fini(&sql);
    FAILPOINT(result, repair_before_count, err);
    /* Counted when it is done, whatever came of it: who counts before writing a marker must not count a read that is
     * still to see what lies behind the marker. */
    pthread_mutex_lock(&t->lock);
    t->repairs++;
    pthread_mutex_unlock(&t->lock);
    return result;
}

void pg_ahead_begin(struct session *s, const struct batch *batch)
{
    struct target *t = s->target;
    pthread_mutex_lock(&t->ahead_lock);
    if (t->ahead && (batch->copying || batch->settled))
        ahead_forget(t->ahead, batch->copying ? UINT64_MAX : batch->settled_repairs);
    pthread_mutex_unlock(&t->ahead_lock);
}

void pg_ahead_add(struct session *s, const struct value *key)
{
    struct target *t = s->target;
    pthread_mutex_lock(&t->lock);
    uint64_t read = t->repairs;
    pthread_mutex_unlock(&t->lock);
    pthread_mutex_lock(&t->ahead_lock);
    if (!t->ahead)
        t->ahead = ahead_new((uint16_t)t->key.count);
    ahead_add(t->ahead, key, read);
    pthread_mutex_unlock(&t->ahead_lock);
}

bool pg_row_exact(const struct session *s, const struct batch *batch, const struct value *key)
{
    struct target *t = s->target;
    if (batch->strict || !batch->settled || !t->key_bytewise)
        return batch->strict;
    pthread_mutex_lock(&t->ahead_lock);
    bool ahead = t->ahead && ahead_has(t->ahead, key);
    pthread_mutex_unlock(&t->ahead_lock);
    return !ahead;
}
