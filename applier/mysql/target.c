/* The table of functions, and the opening and closing of what they work on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/compare.h"
#include "applier/mysql/mysql.h"
#include "applier/mysql/ops.h"
#include "base/plant.h"

/* Never queue for long behind somebody: who queues behind a table's lock holds up all who come later. In seconds. */
#define LOCK_WAIT_S 2

/* What the program reads must not depend on the operator's sql_mode; their ALTER is run in it (my_run_as_operator()).
 */
static const char control_sql[] = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,"
                                  "NO_ENGINE_SUBSTITUTION', lock_wait_timeout = %d";

static void close_target(struct target *t)
{
    if (!t)
        return;
    my_close(t->control);
    my_table_fini(&t->source);
    my_table_fini(&t->ghost);
    my_server_fini(&t->server);
    arena_fini(&t->arena);
    char *const texts[] = {(char *)t->spec.url,
                           (char *)t->spec.table,
                           (char *)t->spec.alter,
                           (char *)t->spec.id,
                           t->schema,
                           t->name,
                           t->fingerprint,
                           t->lock_name,
                           (char *)t->migration.table,
                           t->ghost_name,
                           t->ghost_schema,
                           t->old_name,
                           t->stage_name,
                           t->message_prefix,
                           t->source_identity,
                           t->old_snapshots};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        mem_free(texts[i]);
    strlist_fini(&t->asked);
    ids_fini(&t->sessions);
    ids_fini(&t->lost);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

static enum sc_result open_target(const struct migration_spec *spec, struct target **out, struct sc_error *err)
{
    struct target *t = mem_alloc(sizeof(*t));
    t->spec = *spec;
    t->spec.url = mem_strdup(spec->url);
    t->spec.table = mem_strdup(spec->table);
    t->spec.alter = mem_strdup(spec->alter);
    t->spec.id = mem_strdup(spec->id);
    t->server.url = mem_strdup(spec->url);
    t->server.application = mem_strdup("seachange");
    pthread_mutex_init(&t->lock, NULL);
    ids_init(&t->sessions);
    ids_init(&t->lost);
    enum sc_result result = my_server_learn(&t->server, "control", &t->control, err);
    if (result == SC_OK)
        result = my_runf(t->control, err, control_sql, LOCK_WAIT_S);
    if (result != SC_OK) {
        close_target(t);
        return result;
    }
    *out = t;
    return SC_OK;
}

static enum sc_result begin(struct target *t, struct sc_error *err)
{
    enum sc_result result = my_begin(t, err);
    if (result != SC_OK)
        return result;
    mem_free(t->server.application);
    t->server.application = mem_printf("seachange %s", t->migration.id);
    /* Sessions of an instance that died can still be committing a chunk or a batch: what they do must be over before
     * anything is read. */
    if (t->migration.resumed)
        result = my_end_sessions(t, err);
    if (result == SC_OK && t->migration.resumed)
        result = my_checkpoint_read(t, t->control, err);
    if (result == SC_OK && t->migration.resumed)
        result = my_state_load(t, err);
    return result;
}

static struct migration *migration(struct target *t)
{
    return &t->migration;
}

static void source_config(struct target *t, struct source_config *out)
{
    t->read = (struct source_table){.schema = t->schema,
                                    .name = t->name,
                                    .columns = t->log_columns,
                                    .ncolumns = (uint16_t)t->source.ncolumns,
                                    .computed = t->log_computed,
                                    .untold = t->log_untold,
                                    .nuntold = t->log_nuntold};
    *out = (struct source_config){.url = t->server.url,
                                  .application = t->server.application,
                                  .message_prefix = t->message_prefix,
                                  .tables = &t->read,
                                  .ntables = 1,
                                  .marker_schema = t->schema,
                                  .server_identity = t->source_identity,
                                  .start = t->migration.applied,
                                  .describes_if = t->log_describes ? NULL : "binlog_row_metadata = FULL"};
}

static const struct audit_engine *audit_engine(struct target *t, uint64_t *server_id)
{
    *server_id = t->server.server_id;
    return t->server.family == MY_MARIADB ? &mariadb_audit_engine : &mysql_audit_engine;
}

static void session_close(struct session *s)
{
    if (!s)
        return;
    my_cutover_free(s->cutover);
    if (s->conn)
        ids_remove(&s->target->sessions, s->conn->thread_id);
    if (s->conn && !my_alive(s->conn))
        my_session_lost(s->target, s->conn);
    my_apply_free(s->apply);
    my_comparison_free(s->comparison);
    my_close(s->conn);
    mem_free(s);
}

static enum sc_result session_open(struct target *t, const char *role, struct session **out, struct sc_error *err)
{
    struct session *s = mem_alloc(sizeof(*s));
    s->target = t;
    enum sc_result result = my_open(&t->server, role, MY_DATA, &s->conn, err);
    if (result == SC_OK) {
        ids_add(&t->sessions, s->conn->thread_id);
        result = my_sessions_wait_lost(t, s->conn, err);
    }
    if (result == SC_OK)
        result = my_session_sign(t, s->conn, err);
    if (result == SC_OK && t->reads_only)
        result = my_run(s->conn, err, "SET SESSION TRANSACTION READ ONLY");
    if (result == SC_OK)
        result = my_triggers_drop(t, s->conn, false, err);
    if (result != SC_OK) {
        session_close(s);
        s = NULL;
    }
    *out = s;
    return result;
}

/* The copy's reads wait for whoever has changed a row and is not visible yet. */
static enum sc_result visible(struct session *s, const uint64_t *xids, size_t count, bool *all, struct sc_error *err)
{
    (void)s, (void)xids, (void)count, (void)err;
    *all = true;
    return SC_OK;
}

static uint64_t repairs(struct target *t)
{
    pthread_mutex_lock(&t->lock);
    uint64_t count = t->repairs;
    pthread_mutex_unlock(&t->lock);
    return count;
}

/* What DDL in the log means the source says; here a table that is not the one the ghost was made from is noticed. */
static enum sc_result relation_check(struct target *t, const struct relation *relation, struct sc_error *err)
{
    bool same = relation->ncolumns == t->source.ncolumns;
    for (int i = 0; same && i < relation->ncolumns; i++) {
        const char *name = relation->columns[i].name;
        same = !name || !*name || strcasecmp(name, t->source.columns[i].name) == 0;
    }
    if (same)
        return SC_OK;
    error_set(err, SC_FAIL, "somebody changed the columns of table %s.%s while it was being migrated", t->schema,
              t->name);
    return error_hint(
        err, "The table is as they left it; the copy no longer fits. Run `seachange abort %s` and start again.",
        t->migration.id);
}

static void row_shape(struct target *t, struct row_shape *out)
{
    *out = (struct row_shape){
        .ncolumns = (uint16_t)t->source.ncolumns, .key = t->logged_key, .nkey = (uint16_t)t->key.count, .folds = true};
}

const struct target_ops mysql_target = {
    .name = "MySQL",
    .open = open_target,
    .close = close_target,
    .plan = my_plan,
    .begin = begin,
    .migration = migration,
    .enter_phase = my_enter_phase,
    .check = my_check,
    .prepare = my_prepare,
    .source_config = source_config,
    .session_open = session_open,
    .session_close = session_close,
    .interrupt = my_sessions_interrupt,
    .marker = my_marker,
    .chunk_bound = my_chunk_bound,
    .chunk_rows_most = my_chunk_rows_most,
    .chunk_copy = my_chunk_copy,
    .others_work = my_others_work,
    .chunks_load = my_chunks_load,
    .key_index_ready = my_key_index_ready,
    .key_index_build = my_key_index_build,
    .apply = my_apply,
    .parts_steps = my_parts_steps,
    .part_apply = my_part_apply,
    .parts_end = my_parts_end,
    .parts_pending = my_parts_pending,
    .checkpoint_load = my_checkpoint_load,
    .visible = visible,
    .repairs = repairs,
    .fence_store = my_fence_store,
    .relation_check = relation_check,
    .row_shape = row_shape,
    .compare_ordered = my_compare_ordered,
    .compare_chunk = my_compare_chunk,
    .compare_rows = my_compare_rows,
    .compare_keys = my_compare_keys,
    .verified_load = my_verified_load,
    .verified_store = my_verified_store,
    .pair_open = my_pair_open,
    .audit_describe = my_audit_describe,
    .audit_engine = audit_engine,
    .audit_load = my_audit_load,
    .audit_store = my_audit_store,
    .audit_last_marker = my_last_marker,
    .audit_open = my_audit_open,
    .audit_log_check = my_audit_log_check,
    .audit_rows = my_audit_rows,
    .stage_count = my_stage_count,
    .stages_early = my_stages_early,
    .stage_jobs = my_stage_jobs,
    .job_name = my_job_name,
    .job_run = my_job_run,
    .blockers_may_end = my_blockers_may_end,
    .blockers_watch = my_blockers_watch,
    .cutover_ready = my_cutover_ready,
    .cutover_lock = my_cutover_lock,
    .cutover_swap = my_cutover_swap,
    .cutover_unlock = my_cutover_unlock,
    .cutover_outcome = my_cutover_outcome,
    .finish = my_finish,
    .abort = my_abort,
    .list = my_list,
};
