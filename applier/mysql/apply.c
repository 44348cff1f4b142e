/* The transaction around a batch: what the batch does to the ghost and the checkpoint behind it are committed together,
 * or not at all. In a cutover the transaction is the caller's, and a conflict must not end it: there the rows stand
 * behind a savepoint. */
#include "applier/mysql/sets.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/plant.h"

void my_apply_free(struct my_apply *apply)
{
    if (!apply)
        return;
    my_sets_free(apply->sets);
    key_free(apply->bound);
    arena_fini(&apply->arena);
    mem_free(apply);
}

static bool is_conflict(const struct session *s)
{
    return my_errno(s->conn) == ER_DUPLICATE_NUMBER;
}

enum sc_result my_apply_explain(const struct session *s, enum sc_result result, struct sc_error *err)
{
    const struct target *t = s->target;
    if (result == SC_FAIL && !err->hint[0] && is_conflict(s)) {
        error_wrap(err, "two rows of %s.%s do not fit %s of the new table together", t->schema, t->name,
                   err->object[0] ? err->object : "a unique index");
        error_hint(err, "The source is untouched. Remove the duplicates, then `seachange abort %s` and start again.",
                   t->migration.id);
        return result;
    }
    return my_rows_explain(s, result, "apply a change to the new table of", err);
}

#define SAVE "SAVEPOINT seachange_batch"
#define BACK "ROLLBACK TO SAVEPOINT seachange_batch"

static enum sc_result start_again(struct session *s, bool commit, struct sc_error *err)
{
    if (!commit)
        return my_run(s->conn, err, BACK);
    enum sc_result result = my_run(s->conn, err, "ROLLBACK");
    return result == SC_OK ? my_run(s->conn, err, "BEGIN") : result;
}

static enum sc_result apply_once(struct session *s, const struct batch *batch, bool one_by_one, struct sc_error *err)
{
    return one_by_one ? my_ordered_apply(s, batch, err) : my_folded_apply(s, batch, MY_STEP_ALL, err);
}

/* Once more, if the server warned of something: now so that it can be said of what. */
static enum sc_result apply_named(struct session *s, const struct batch *batch, bool commit, bool one_by_one,
                                  struct sc_error *err)
{
    struct my_sets *sets = s->apply->sets;
    enum sc_result result = apply_once(s, batch, one_by_one, err);
    if (result != SC_FAIL || !my_sets_warned(s))
        return result;
    result = start_again(s, commit, err);
    if (result == SC_OK) {
        sets->singly = true;
        result = apply_once(s, batch, one_by_one, err);
    }
    return result;
}

static enum sc_result apply_rows(struct session *s, const struct batch *batch, bool commit, struct sc_error *err)
{
    struct my_sets *sets = s->apply->sets;
    enum sc_result result = commit ? SC_OK : my_run(s->conn, err, SAVE);
    if (result == SC_OK)
        result = apply_named(s, batch, commit, !batch->fold, err);
    /* Sets have no order; the log has. */
    if (result == SC_FAIL && batch->fold && batch->strict && is_conflict(s) && !sets->parks) {
        result = start_again(s, commit, err);
        if (result == SC_OK)
            result = my_park_learn(s, err);
        if (result == SC_OK)
            result = apply_named(s, batch, commit, false, err);
    }
    if (result == SC_FAIL && batch->fold && my_alive(s->conn) && (is_conflict(s) || sets->parks)) {
        /* What the source accepted row by row, the ghost accepts row by row. */
        log_debug("batch of %zu changes: %s; applying it one by one", batch->count, err->what);
        result = start_again(s, commit, err);
        if (result == SC_OK)
            result = apply_named(s, batch, commit, true, err);
    }
    return result;
}

enum sc_result my_apply(struct session *s, const struct batch *batch, bool commit, struct sc_error *err)
{
    error_init(err);
    enum sc_result result = batch->count > 0 ? my_sets_open(s, err) : SC_OK;
    if (result == SC_OK && commit && batch->count > 0)
        result = my_sets_tidy(s, err);
    if (result == SC_OK && commit && PLANTED(C1_CHECKPOINT_AHEAD))
        result = my_checkpoint_write(s->target, s->conn, &batch->applied, &batch->partial, batch->partial_changes, err);
    if (result == SC_OK && commit)
        result = my_run(s->conn, err, "BEGIN");
    if (result == SC_OK && batch->count > 0)
        result = my_apply_explain(s, apply_rows(s, batch, commit, err), err);
    FAILPOINT(result, apply_batch_before_checkpoint, err);
    if (result == SC_OK)
        result = my_checkpoint_write(s->target, s->conn, &batch->applied, &batch->partial, batch->partial_changes, err);
    if (commit)
        FAILPOINT(result, apply_batch_before_commit, err);
    if (result == SC_OK && commit)
        result = my_run(s->conn, err, "COMMIT");
    else if (result != SC_OK && commit && my_alive(s->conn))
        my_run(s->conn, NULL, "ROLLBACK");
    if (commit)
        FAILPOINT(result, apply_batch_committed, err);
    /* A COMMIT whose answer is lost: the checkpoint tells. */
    if (result == SC_UNKNOWN)
        result = err->result = SC_RETRY;
    return result;
}
