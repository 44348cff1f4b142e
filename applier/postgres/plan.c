/* What a migration would do: the preflight, the ghost made in a transaction that is rolled back, and the statements
 * that follow from it. */
#include <inttypes.h>
#include <stdio.h>

#include "applier/postgres/ops.h"

#include "applier/postgres/ghost.h"
#include "applier/postgres/mapping.h"

static void add_todo(struct target *t, struct plan *plan, enum pg_stage stage)
{
    for (int i = 0; i < t->ntodo; i++)
        if (t->todo[i].stage == stage)
            strlist_add(&plan->statements, t->todo[i].sql);
}

static void add_copy(struct target *t, struct plan *plan)
{
    struct buf sql = {0};
    pg_add_insert(&sql, t);
    buf_str(&sql, "ONLY ");
    pg_add_source(&sql, t);
    buf_str(&sql, " WHERE (");
    pg_add_key(&sql, t, NULL);
    buf_str(&sql, ") > (...) AND (");
    pg_add_key(&sql, t, NULL);
    buf_str(&sql, ") <= (...)");
    strlist_add(&plan->statements, buf_cstr(&sql));
    buf_fini(&sql);
}

static bool has_todo(const struct target *t, enum pg_stage stage)
{
    for (int i = 0; i < t->ntodo; i++)
        if (t->todo[i].stage == stage)
            return true;
    return false;
}

static void describe(struct target *t, struct plan *plan)
{
    char *source = pg_qualified(t->source.schema, t->source.name),
         *ghost = pg_qualified(t->ghost_schema, t->source.name);
    struct strlist *s = &plan->statements;
    strlist_add(s, "-- prepare");
    strlist_addf(s, "CREATE PUBLICATION %s FOR TABLE ONLY %s", t->publication, source);
    strlist_addf(s, "CREATE_REPLICATION_SLOT %s LOGICAL pgoutput", t->slot);
    strlist_addf(s, "CREATE TABLE %s (LIKE %s ...)", ghost, source);
    strlist_addf(s, "ALTER TABLE %s %s", ghost, t->spec.alter);
    strlist_addf(s, "-- copy: in chunks along %s, %d at a time, inside the server", t->key.index_name, t->spec.workers);
    add_copy(t, plan);
    strlist_add(s, "-- index: built on the new table before it takes its place");
    add_todo(t, plan, STAGE_KEY);
    add_todo(t, plan, STAGE_INDEX);
    add_todo(t, plan, STAGE_AFTER);
    if (has_todo(t, STAGE_DETACH))
        strlist_add(s, "-- before the cutover: taken up again after it");
    add_todo(t, plan, STAGE_DETACH);
    strlist_add(s, "-- cutover: one transaction");
    strlist_addf(s, "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", source);
    add_todo(t, plan, STAGE_SWAP_BEFORE);
    strlist_addf(s, "ALTER TABLE %s SET SCHEMA %s", source, t->old_schema);
    strlist_addf(s, "ALTER TABLE %s SET SCHEMA \"%s\"", ghost, t->source.schema);
    add_todo(t, plan, STAGE_SWAP);
    strlist_add(s, "-- after the cutover");
    add_todo(t, plan, STAGE_POST);
    if (t->spec.drop_old)
        strlist_addf(s, "DROP TABLE \"%s\".\"%s\"", t->old_schema, t->source.name);

    struct strlist *l = &plan->locks;
    strlist_addf(l,
                 "ACCESS SHARE on %s while the new table is made; SHARE UPDATE EXCLUSIVE for a moment by CREATE "
                 "PUBLICATION: both let readers and writers pass",
                 source);
    strlist_addf(l,
                 "ACCESS EXCLUSIVE on %s in the cutover: waited for at most %d ms a try, then the queue is let go and "
                 "it is tried again later",
                 source, t->spec.lock_timeout_ms);
    if (t->spec.kill_blockers_ms > 0)
        strlist_addf(l,
                     "who holds a lock that the cutover waits for is ended when it has not got its locks for %" PRId64
                     " ms: pg_cancel_backend() where a statement is at work, else pg_terminate_backend()",
                     t->spec.kill_blockers_ms);
    /* An index-free copy of the live rows, its indexes, and what the log keeps meanwhile. */
    plan->disk_bytes = plan->table_bytes + plan->index_bytes;
    plan->log_bytes = plan->table_bytes + plan->table_bytes / 4 + plan->index_bytes;
    mem_free(source);
    mem_free(ghost);
}

enum sc_result pg_plan(struct target *t, struct plan *plan, struct sc_error *err)
{
    mem_free(plan->strategy);
    plan->strategy = mem_strdup("ghost");
    mem_free(plan->server);
    plan->server = mem_printf("PostgreSQL %d.%d", t->server.version / 10000, t->server.version % 10000);
    if (!t->slot)
        pg_name_objects(t, "00000000");
    enum sc_result result = pg_preflight(t, plan, err);
    if (result != SC_OK || plan->refusals.count > 0)
        return result;
    /* Never queue behind somebody: who queues behind a lock blocks all who come later. */
    result = pg_run(t->control, err, "BEGIN; SET LOCAL lock_timeout = '2s'");
    if (result == SC_OK)
        result = pg_ghost_make(t, plan, err);
    if (pg_alive(t->control))
        pg_run(t->control, NULL, "ROLLBACK");
    if (result == SC_REFUSE) {
        strlist_addf(&plan->refusals, "%s%s%s", err->what, err->hint[0] ? ". " : "", err->hint);
        result = SC_OK;
    }
    if (result == SC_OK && plan->refusals.count == 0)
        describe(t, plan);
    return result;
}
