/* From nothing to a ghost that can be filled: publication, slot, ghost, first checkpoint, in this order.
 *
 * The publication comes before the slot (cdc/postgres/slot.h). The slot comes before the copy: whatever commits behind
 * its consistent point will be sent, and the copy's snapshots are all taken later. The first checkpoint is committed
 * together with the ghost, so that a crash in between is seen as "not prepared" and all of it is made again. */
#include <string.h>

#include "applier/postgres/ghost.h"
#include "applier/postgres/ops.h"
#include "base/failpoint.h"
#include "cdc/postgres/slot.h"

/* The definition the ghost is made from is the one it will be compared with. Most DDL is kept out by the lock; what it
 * lets pass shows in the comparison. */
static enum sc_result make_from_one_definition(struct target *t, struct sc_error *err)
{
    char *before = NULL, *after = NULL;
    struct buf sql = {0};
    buf_str(&sql, "LOCK TABLE ONLY ");
    pg_add_source(&sql, t);
    buf_str(&sql, " IN ACCESS SHARE MODE");
    enum sc_result result = pg_run(t->control, err, buf_cstr(&sql));
    buf_fini(&sql);
    if (result == SC_OK)
        result = pg_fingerprint(t->control, t->source.oid, &before, err);
    if (result == SC_OK)
        result = pg_ghost_make(t, NULL, err);
    if (result == SC_OK)
        result = pg_fingerprint(t->control, t->source.oid, &after, err);
    if (result == SC_OK && (!before || !after || strcmp(before, after) != 0))
        result = error_set(err, SC_RETRY, "the definition of %s.%s was changed while the new table was made",
                           t->source.schema, t->source.name);
    mem_free(t->fingerprint);
    t->fingerprint = before;
    mem_free(after);
    return result;
}

static enum sc_result make_ghost(struct target *t, uint64_t consistent_point, struct sc_error *err)
{
    char lsn[24];
    pg_lsn_format(consistent_point, lsn);
    enum sc_result result = pg_run(t->control, err, "BEGIN; SET LOCAL lock_timeout = '2s'");
    if (result == SC_OK)
        result = make_from_one_definition(t, err);
    if (result == SC_OK)
        result = pg_state_store_ghost(t, err);
    if (result == SC_OK)
        result = pg_checkpoint_create(t, t->control, lsn, err);
    FAILPOINT(result, prepare_before_first_checkpoint, err);
    if (result == SC_OK)
        result = pg_run(t->control, err, "COMMIT");
    else if (pg_alive(t->control))
        pg_run(t->control, NULL, "ROLLBACK");
    FAILPOINT(result, prepare_committed, err);
    return result;
}

enum sc_result pg_prepare(struct target *t, void (*progress)(void *arg, const char *text), void *arg,
                          struct sc_error *err)
{
    struct strlist removed = {0};
    enum sc_result result = pg_remove_objects(t, &removed, err);
    strlist_fini(&removed);
    /* After a restart in this phase nothing is loaded yet, and the table may have changed since: look again. */
    if (result == SC_OK && t->source.ncolumns == 0) {
        struct plan plan = {0};
        result = pg_preflight(t, &plan, err);
        if (result == SC_OK && plan.refusals.count > 0)
            result = error_set(err, SC_REFUSE, "%s", plan.refusals.items[0]);
        plan_fini(&plan);
    }
    if (result == SC_OK)
        result = pg_publication_create(t->control, t->publication, t->source.schema, t->source.name, err);
    FAILPOINT(result, publication_created, err);
    uint64_t consistent_point = 0;
    if (result == SC_OK)
        result = pg_slot_create(&t->server, t->control, t->slot, t->spec.slot_wait_ms, progress, arg, &consistent_point,
                                err);
    FAILPOINT(result, prepare_after_log_start, err);
    if (result == SC_OK)
        result = make_ghost(t, consistent_point, err);
    return result;
}
