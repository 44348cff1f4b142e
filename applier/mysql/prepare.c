/* From nothing to a ghost that can be filled: place in the log, ghost, first checkpoint, in this order.
 *
 * The place comes first: whatever is logged behind it will be applied. What was logged before it has either released
 * its row locks, and every later read sees it, or holds them still, and the copy's reads wait for it (correctness A1,
 * A4). Besides, the server commits in the order of its log (binlog_order_commits; MariaDB always does), and the state
 * is committed behind the place: so when that is done, everything before the place can be seen, also by reads that find
 * where a chunk or a piece of one ends and take no locks. The first checkpoint is committed with all that is still to
 * be done, so a crash before that is seen as "not prepared", and all of it is made again: the migration's row names the
 * ghost, which is dropped first. */
#include <string.h>

#include "applier/mysql/ops.h"
#include "base/failpoint.h"
#include "cdc/mysql/log_end.h"

/* The definition the ghost is made from is the one it will be compared with. */
static enum sc_result make_from_one_definition(struct target *t, struct sc_error *err)
{
    char *before = NULL, *after = NULL;
    enum sc_result result = my_fingerprint(t->control, t->schema, t->name, &before, err);
    my_table_fini(&t->source);
    if (result == SC_OK)
        result = my_table_load(t->control, t->schema, t->name, &t->source, err);
    if (result == SC_OK)
        result = my_ghost_make(t, NULL, err);
    if (result == SC_OK)
        result = my_fingerprint(t->control, t->schema, t->name, &after, err);
    if (result == SC_OK && strcmp(before, after) != 0)
        result = error_set(err, SC_RETRY, "the definition of %s.%s was changed while the new table was made", t->schema,
                           t->name);
    mem_free(t->fingerprint);
    t->fingerprint = before;
    mem_free(after);
    return result;
}

static enum sc_result store(struct target *t, const struct position *start, struct sc_error *err)
{
    enum sc_result result = my_run(t->control, err, "START TRANSACTION");
    if (result == SC_OK)
        result = my_state_store_ghost(t, err);
    if (result == SC_OK)
        result = my_state_begin_copy(t, start, err);
    FAILPOINT(result, prepare_before_first_checkpoint, err);
    if (result == SC_OK)
        result = my_run(t->control, err, "COMMIT");
    else if (my_alive(t->control))
        my_run(t->control, NULL, "ROLLBACK");
    FAILPOINT(result, prepare_committed, err);
    return result;
}

/* After a restart in this phase nothing is loaded yet, and the table may have changed since: look again. */
static enum sc_result look_again(struct target *t, struct sc_error *err)
{
    struct plan plan = {0};
    enum sc_result result = my_preflight(t, &plan, err);
    if (result == SC_OK && plan.refusals.count > 0)
        result = error_set(err, SC_REFUSE, "%s", plan.refusals.items[0]);
    plan_fini(&plan);
    return result;
}

enum sc_result my_prepare(struct target *t, void (*progress)(void *arg, const char *text), void *arg,
                          struct sc_error *err)
{
    struct strlist removed = {0};
    struct position start = {0};
    (void)progress, (void)arg; /* there is nothing to wait for */
    enum sc_result result = my_remove_ghost(t, &removed, err);
    strlist_fini(&removed);
    if (result == SC_OK && t->source.ncolumns == 0)
        result = look_again(t, err);
    if (result == SC_OK)
        result = my_log_end(t->control, &start, err);
    FAILPOINT(result, prepare_after_log_start, err);
    if (result == SC_OK)
        result = make_from_one_definition(t, err);
    FAILPOINT(result, prepare_ghost_made, err);
    if (result == SC_OK)
        result = store(t, &start, err);
    return result;
}
