/* The checkpoint of a migration: up to where the log is in the new table. It is moved by the transaction of the batch
 * it describes, and by nobody but the instance whose token it has (correctness C1, C5). */
#include <inttypes.h>
#include <stdio.h>

#include "applier/postgres/ops.h"
#include "applier/postgres/state.h"
#include "base/plant.h"

/* NULL: none. False: it is there, and is no LSN. */
static bool take_position(const char *lsn, struct position *out)
{
    *out = (struct position){0};
    if (!lsn)
        return true;
    snprintf(out->text, sizeof(out->text), "%s", lsn);
    return pg_lsn_parse(lsn, &out->order);
}

enum sc_result pg_checkpoint_create(struct target *t, struct pg_conn *conn, const char *lsn, struct sc_error *err)
{
    char token[24];
    snprintf(token, sizeof(token), "%" PRIu64, t->token);
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(conn, err, &res,
                 "INSERT INTO seachange.checkpoint (id, token, applied) VALUES ($1, $2::int8, $3::pg_lsn)"
                 " ON CONFLICT (id) DO UPDATE SET token = EXCLUDED.token, applied = EXCLUDED.applied,"
                 " partial = NULL, partial_changes = 0, fence = NULL, fence_xid = NULL",
                 3, (const char *[]){t->migration.id, token, lsn});
    PQclear(res);
    if (result == SC_OK)
        take_position(lsn, &t->migration.applied);
    return result;
}

enum sc_result pg_checkpoint_read(struct target *t, struct pg_conn *conn, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_query(conn, err, &res, "SELECT * FROM seachange.checkpoint WHERE id = $1", 1,
                                     (const char *[]){t->migration.id});
    if (result == SC_OK && PQntuples(res) == 1) {
        struct migration *m = &t->migration;
        if (pg_column_number(res, 0, "token") != t->token)
            result = error_set(err, SC_FENCED, "another seachange has taken migration %s over; this one stops", m->id);
        m->partial_changes = pg_column_number(res, 0, "partial_changes");
        if (!take_position(pg_column_text(res, 0, "applied"), &m->applied) ||
            !take_position(pg_column_text(res, 0, "partial"), &m->partial) ||
            !take_position(pg_column_text(res, 0, "fence"), &m->fence))
            result =
                error_set(err, SC_FAIL, "the checkpoint of migration %s in seachange.checkpoint is damaged", m->id);
    } else if (result == SC_OK && t->migration.phase > PHASE_PREPARE) {
        result = error_set(err, SC_FAIL, "the checkpoint of migration %s is gone from seachange.checkpoint",
                           t->migration.id);
    }
    PQclear(res);
    return result;
}

enum sc_result pg_checkpoint_load(struct session *s, struct sc_error *err)
{
    return pg_checkpoint_read(s->target, s->conn, err);
}

void pg_checkpoint_statement(struct buf *b, const struct target *t, const struct position *applied,
                             const struct position *partial, uint64_t partial_changes)
{
    char at[24];
    pg_lsn_format(applied->order, at);
    buf_printf(b, "UPDATE seachange.checkpoint SET applied = '%s', ", at);
    if (partial->order) {
        pg_lsn_format(partial->order, at);
        buf_printf(b, "partial = '%s', partial_changes = %" PRIu64, at, partial_changes);
    } else {
        buf_str(b, "partial = NULL, partial_changes = 0");
    }
    buf_printf(b, ", updated_at = pg_catalog.clock_timestamp() WHERE id = '%s' AND token %s %" PRIu64, t->migration.id,
               PLANTED(C5_BATCH_WITHOUT_TOKEN) || PLANTED(C5_SWAP_WITHOUT_TOKEN) ? ">=" : "=", t->token);
}

enum sc_result pg_fence_store(struct session *s, const struct position *fence, struct sc_error *err)
{
    char at[24], token[24];
    pg_lsn_format(fence->order, at);
    snprintf(token, sizeof(token), "%" PRIu64, s->target->token);
    char *one = NULL;
    enum sc_result result = pg_value(s->conn, err, &one,
                                     "UPDATE seachange.checkpoint SET fence = $2::pg_catalog.pg_lsn,"
                                     " fence_xid = pg_catalog.pg_current_xact_id()::pg_catalog.text"
                                     " WHERE id = $1 AND token = $3::pg_catalog.int8 RETURNING 1",
                                     3, (const char *[]){s->target->migration.id, at, token});
    if (result == SC_OK && !one)
        result = error_set(err, SC_FENCED, "another seachange has taken migration %s over; this one stops",
                           s->target->migration.id);
    mem_free(one);
    return result;
}
