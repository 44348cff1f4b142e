/* The transaction around a batch: what the batch does to the ghost and the checkpoint behind it are committed together,
 * or not at all. */
#include "applier/postgres/apply.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/state.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/plant.h"

enum sc_result pg_count_differs(const struct session *s, const char *what, uint64_t expected, uint64_t found,
                                struct sc_error *err)
{
    error_set(err, SC_FAIL,
              "the ghost of %s.%s does not agree with the log: %s should have found %" PRIu64
              " rows and found %" PRIu64,
              s->target->source.schema, s->target->source.name, what, expected, found);
    return error_hint(
        err,
        "Somebody wrote to the ghost table, or this is a fault in seachange. The source table is complete and "
        "untouched. Run `seachange abort %s` and start again; please report it.",
        s->target->migration.id);
}

enum sc_result pg_visible(struct session *s, const uint64_t *xids, size_t count, bool *all, struct sc_error *err)
{
    *all = false;
    char *text = NULL;
    enum sc_result result = pg_value(s->conn, err, &text, "SELECT pg_catalog.pg_current_snapshot()", 0, NULL);
    struct pg_snapshot snapshot = {0};
    if (result == SC_OK && !pg_snapshot_parse(text ? text : "", &snapshot))
        result = error_set(err, SC_FAIL, "the server's snapshot cannot be read");
    if (result == SC_OK) {
        *all = true;
        for (size_t i = 0; i < count && *all; i++)
            *all = pg_snapshot_sees(&snapshot, pg_xid_widen((uint32_t)xids[i], snapshot.xmax));
    }
    pg_snapshot_fini(&snapshot);
    mem_free(text);
    return result;
}

static bool is_conflict(const struct sc_error *err)
{
    return pg_sqlstate_is(err, "23505") || pg_sqlstate_is(err, "23P01");
}

enum sc_result pg_apply_explain(const struct session *s, enum sc_result result, struct sc_error *err)
{
    if (result != SC_FAIL || err->hint[0])
        return result;
    if (is_conflict(err)) {
        error_wrap(err, "two rows of %s.%s do not fit %s of the new table together", s->target->source.schema,
                   s->target->source.name, err->object[0] ? err->object : "a unique constraint");
        error_hint(err, "The source is untouched. Remove the duplicates, then `seachange abort %s` and start again.",
                   s->target->migration.id);
    } else if (err->sqlstate[0]) {
        error_wrap(err, "a change of %s.%s cannot be applied to the new table", s->target->source.schema,
                   s->target->source.name);
        error_hint(err,
                   "The source is untouched. Mend the row or the ALTER, then `seachange abort %s` and start again.",
                   s->target->migration.id);
    }
    return result;
}

static enum sc_result start_again(struct session *s, bool commit, struct sc_error *err)
{
    return pg_run(s->conn, err, commit ? "ROLLBACK; " BEGIN_DEFERRED : "ROLLBACK TO SAVEPOINT seachange_batch");
}

/* Inside the cutover the transaction must survive a conflict of the folded form, so that stands in a savepoint. */
static enum sc_result apply_rows(struct session *s, const struct batch *batch, bool commit, struct sc_error *err)
{
    if (batch->count == 0)
        return SC_OK;
    pg_ahead_begin(s, batch);
    if (!batch->fold)
        return pg_ordered_apply(s, batch, err);
    enum sc_result result = commit ? SC_OK : pg_run(s->conn, err, "SAVEPOINT seachange_batch");
    if (result == SC_OK)
        result = pg_stage_apply(s, batch, STAGE_ALL, err);
    /* Sets have no order; the log has. */
    bool parked = s->apply->parks;
    if (result == SC_FAIL && is_conflict(err) && batch->strict && !s->apply->park_types) {
        result = start_again(s, commit, err);
        if (result == SC_OK)
            result = pg_park_learn(s, err);
        parked = s->apply->parks;
        if (result == SC_OK)
            result = pg_stage_apply(s, batch, STAGE_ALL, err);
    }
    if (result == SC_FAIL && pg_alive(s->conn) && (is_conflict(err) || parked)) {
        /* What the source accepted row by row, the ghost accepts row by row. */
        log_debug("batch of %zu changes: %s; applying it one by one", batch->count, err->what);
        result = start_again(s, commit, err);
        if (result == SC_OK)
            result = pg_ordered_apply(s, batch, err);
    }
    if (result == SC_OK && !commit)
        result = pg_run(s->conn, err, "RELEASE SAVEPOINT seachange_batch");
    return result;
}

enum sc_result pg_move_checkpoint(struct session *s, const struct batch *batch, struct sc_error *err)
{
    struct buf sql = {0};
    pg_checkpoint_statement(&sql, s->target, &batch->applied, &batch->partial, batch->partial_changes);
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res, buf_cstr(&sql), 0, NULL);
    if (result == SC_OK && strcmp(PQcmdTuples(res), "1") != 0)
        result = error_set(err, SC_FENCED, "another seachange has taken migration %s over; this one stops",
                           s->target->migration.id);
    PQclear(res);
    buf_fini(&sql);
    return result;
}

enum sc_result pg_apply(struct session *s, const struct batch *batch, bool commit, struct sc_error *err)
{
    enum sc_result result = batch->count > 0 ? pg_stage_open(s, err) : SC_OK;
    if (result == SC_OK && commit && PLANTED(C1_CHECKPOINT_AHEAD))
        result = pg_move_checkpoint(s, batch, err);
    if (result == SC_OK && commit)
        result = pg_run(s->conn, err, BEGIN_DEFERRED);
    if (result == SC_OK)
        result = apply_rows(s, batch, commit, err);
    FAILPOINT(result, apply_batch_before_checkpoint, err);
    if (result == SC_OK)
        result = pg_move_checkpoint(s, batch, err);
    if (commit)
        FAILPOINT(result, apply_batch_before_commit, err);
    if (result == SC_OK && commit)
        result = pg_run(s->conn, err, "COMMIT");
    else if (result != SC_OK && commit && pg_alive(s->conn))
        pg_run(s->conn, NULL, "ROLLBACK");
    if (commit)
        FAILPOINT(result, apply_batch_committed, err);
    return pg_apply_explain(s, result, err);
}

void apply_plan_free(struct apply_plan *plan)
{
    if (!plan)
        return;
    arena_fini(&plan->arena);
    mem_free(plan);
}

enum mapped_state pg_mapped_state(const struct session *s, const struct pg_mapped *m,
                                  bool (*unknown)(const void *arg, int logged), const void *arg)
{
    int known = 0, missing = 0;
    for (int i = 0; i < m->ninputs; i++) {
        int logged = s->apply->logged_of[m->inputs[i]];
        if (logged < 0 || unknown(arg, logged))
            missing++;
        else
            known++;
    }
    return missing == 0 ? MAPPED_KNOWN : known == 0 ? MAPPED_UNKNOWN : MAPPED_PARTLY;
}

bool pg_mapped_is_key(const struct target *t, int mapped)
{
    for (int k = 0; k < t->map.nkey; k++)
        if (t->map.key[k] == mapped)
            return true;
    return false;
}
