/* The table of functions, and the opening and closing of what they work on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/ahead.h"
#include "applier/postgres/apply.h"
#include "applier/postgres/copy.h"
#include "applier/postgres/ops.h"
#include "applier/postgres/postgres.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/plant.h"

/* A connection that is gone on our side may still be at work on the server's; before another takes its place it has to
 * be gone there too. */
#define LOST_WITHIN_MS 30000

static void close_target(struct target *t)
{
    if (!t)
        return;
    pg_close(t->control);
    pg_table_fini(&t->source);
    pg_server_fini(&t->server);
    arena_fini(&t->arena);
    mem_free((char *)t->spec.url);
    mem_free((char *)t->spec.table);
    mem_free((char *)t->spec.alter);
    mem_free((char *)t->spec.id);
    mem_free(t->fingerprint);
    mem_free(t->relation_fingerprint);
    mem_free(t->ghost_schema);
    mem_free(t->old_schema);
    mem_free(t->slot);
    mem_free(t->publication);
    mem_free(t->message_prefix);
    strlist_fini(&t->asked);
    strlist_fini(&t->passed);
    ids_fini(&t->sessions);
    ids_fini(&t->lost);
    ahead_free(t->ahead);
    pthread_mutex_destroy(&t->lock);
    pthread_mutex_destroy(&t->ahead_lock);
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
    pthread_mutex_init(&t->ahead_lock, NULL);
    ids_init(&t->sessions);
    ids_init(&t->lost);
    enum sc_result result = pg_server_learn(&t->server, "control", &t->control, err);
    if (result != SC_OK) {
        close_target(t);
        return result;
    }
    *out = t;
    return SC_OK;
}

static enum sc_result begin(struct target *t, struct sc_error *err)
{
    enum sc_result result = pg_begin(t, err);
    if (result == SC_OK) {
        mem_free(t->server.application);
        t->server.application = mem_printf("seachange %s", t->migration.id);
        char *name = mem_printf("seachange %s control", t->migration.id), *was = NULL;
        result = pg_value(t->control, err, &was, "SELECT pg_catalog.set_config('application_name', $1, false)", 1,
                          (const char *[]){name});
        mem_free(was);
        mem_free(name);
    }
    /* Sessions of an instance that died can still be committing a chunk or a batch, and one that lives can have opened
     * others: what they do must be over before anything is read. */
    if (result == SC_OK && t->migration.resumed)
        result = pg_end_sessions(t, err);
    if (result == SC_OK && t->migration.resumed)
        result = pg_state_load(t, err);
    return result;
}

static struct migration *migration(struct target *t)
{
    return &t->migration;
}

static void source_config(struct target *t, struct source_config *out)
{
    t->read = (struct source_table){.id = t->source.oid, .schema = t->source.schema, .name = t->source.name};
    *out = (struct source_config){.url = t->server.url,
                                  .application = t->server.application,
                                  .slot = t->slot,
                                  .publication = t->publication,
                                  .message_prefix = t->message_prefix,
                                  .timezone = t->server.timezone,
                                  .date_order = t->server.date_order,
                                  .tables = &t->read,
                                  .ntables = 1,
                                  .start = t->migration.applied,
                                  .system_identifier = t->server.system_identifier,
                                  .timeline = t->server.timeline};
}

/* As an array of the server's. false: there is none. */
static bool add_pids(struct buf *b, struct ids *ids)
{
    uint64_t *pids;
    size_t count = ids_copy(ids, &pids);
    for (size_t i = 0; i < count; i++)
        buf_printf(b, "%s%" PRIu64, i ? "," : "{", pids[i]);
    buf_str(b, count ? "}" : "");
    mem_free(pids);
    return count > 0;
}

enum sc_result pg_end_lost(struct target *t, struct pg_conn *conn, struct sc_error *err)
{
    struct buf pids = {0};
    bool any = add_pids(&pids, &t->lost);
    enum sc_result result = SC_OK;
    int64_t deadline = clock_us() + LOST_WITHIN_MS * 1000;
    char *left = NULL;
    do {
        if (!any)
            break;
        mem_free(left);
        result = pg_value(
            conn, err, &left,
            "SELECT NULLIF(pg_catalog.count(pg_catalog.pg_terminate_backend(pid)), 0) FROM pg_catalog.pg_stat_activity"
            " WHERE pid = ANY ($1::pg_catalog.int4[]) AND pg_catalog.starts_with(application_name, $2)",
            2, (const char *[]){buf_cstr(&pids), t->server.application});
        if (result == SC_OK && left)
            clock_sleep_ms(20);
    } while (result == SC_OK && left && clock_us() < deadline);
    if (result == SC_OK && left)
        result = error_set(err, SC_RETRY, "a session that lost its connection does not end on the server");
    mem_free(left);
    buf_fini(&pids);
    return result;
}

/* By name, too: a process id may have become somebody else's. */
static void interrupt_sessions(struct target *t)
{
    struct buf pids = {0};
    if (add_pids(&pids, &t->sessions)) {
        struct sc_error err;
        char *ended = NULL;
        if (pg_value(t->control, &err, &ended,
                     "SELECT pg_catalog.count(pg_catalog.pg_cancel_backend(pid)) FROM pg_catalog.pg_stat_activity WHERE"
                     " pid = ANY ($1::pg_catalog.int4[]) AND state = 'active' AND"
                     " pg_catalog.starts_with(application_name, $2)",
                     2, (const char *[]){buf_cstr(&pids), t->server.application}) != SC_OK)
            log_debug("interrupting: %s", err.what);
        mem_free(ended);
    }
    buf_fini(&pids);
}

static void session_close(struct session *s)
{
    if (!s)
        return;
    if (s->conn) {
        uint64_t pid = (uint64_t)s->conn->backend_pid;
        ids_remove(&s->target->sessions, pid);
        if (!pg_alive(s->conn))
            ids_add(&s->target->lost, pid);
    }
    pg_close(s->conn);
    apply_plan_free(s->apply);
    comparison_free(s->comparison);
    mem_free(s);
}

static enum sc_result session_open(struct target *t, const char *role, struct session **out, struct sc_error *err)
{
    struct session *s = mem_alloc(sizeof(*s));
    s->target = t;
    enum sc_result result = pg_open(&t->server, role, PG_DATA, &s->conn, err);
    if (result == SC_OK) {
        ids_add(&t->sessions, (uint64_t)s->conn->backend_pid);
        result = pg_end_lost(t, s->conn, err);
    }
    /* Functions in the operator's expressions, defaults and checks see the search_path that ALTER TABLE would have
     * shown them. */
    char *was = NULL;
    if (result == SC_OK)
        result = pg_value(s->conn, err, &was, "SELECT pg_catalog.set_config('search_path', $1, false)", 1,
                          (const char *[]){t->server.search_path});
    mem_free(was);
    /* The planner cannot know how few rows a chunk or a batch is; each is found by the key's index. */
    if (result == SC_OK)
        result = pg_run(s->conn, err, "SET enable_seqscan = off");
    if (result == SC_OK && t->reads_only)
        result = pg_run(s->conn, err, "SET default_transaction_read_only = on");
    if (result != SC_OK) {
        session_close(s);
        s = NULL;
    }
    *out = s;
    return result;
}

static enum sc_result marker(struct session *s, const char *text, struct sc_error *err)
{
    /* A message of its own, decoded where it stands; the transaction around it has an id, so its commit flushes the log
     * up to behind the message (a message alone is not flushed). */
    PGresult *res = NULL;
    enum sc_result result = pg_query(
        s->conn, err, &res, "SELECT pg_catalog.pg_logical_emit_message(false, $1, $2), pg_catalog.pg_current_xact_id()",
        2, (const char *[]){s->target->message_prefix, text});
    PQclear(res);
    return result;
}

static const struct audit_engine *audit_engine(struct target *t, uint64_t *server_id)
{
    (void)t;
    *server_id = 0;
    return &pg_audit_engine;
}

/* The log is read by the table's OID: behind a message that is written now there is nothing of it. */
static enum sc_result audit_last_marker(struct session *s, char *text, size_t size, struct sc_error *err)
{
    snprintf(text, size, "audit %" PRIx64, (uint64_t)clock_wall_us());
    return marker(s, text, err);
}

static enum sc_result relation_check(struct target *t, const struct relation *relation, struct sc_error *err)
{
    struct buf b = {0};
    for (int i = 0; i < relation->ncolumns; i++)
        buf_printf(&b, "%s %u %d;", relation->columns[i].name, relation->columns[i].type,
                   relation->columns[i].modifier);
    enum sc_result result = SC_OK;
    if (strcmp(buf_cstr(&b), t->relation_fingerprint) != 0) {
        result = error_set(err, SC_FAIL, "somebody changed the columns of table %s.%s while it was being migrated",
                           t->source.schema, t->source.name);
        error_hint(err,
                   "The table is as they left it; the copy no longer fits. Run `seachange abort %s` and start again.",
                   t->migration.id);
    }
    for (int k = 0; k < t->key.count && result == SC_OK; k++)
        if (!relation->columns[t->logged_key[k]].key && relation->identity != 'f')
            result =
                error_set(err, SC_FAIL,
                          "the replica identity of table %s.%s was changed: the log no longer says which rows change",
                          t->source.schema, t->source.name);
    buf_fini(&b);
    return result;
}

static uint64_t repairs(struct target *t)
{
    pthread_mutex_lock(&t->lock);
    uint64_t count = t->repairs;
    pthread_mutex_unlock(&t->lock);
    return count;
}

static void row_shape(struct target *t, struct row_shape *out)
{
    *out = (struct row_shape){.ncolumns = (uint16_t)t->nlogged,
                              .key = t->logged_key,
                              .nkey = (uint16_t)t->key.count,
                              .folds = t->key_bytewise || PLANTED(A2_KEYS_AS_BYTES)};
}

const struct target_ops postgres_target = {
    .name = "PostgreSQL",
    .open = open_target,
    .close = close_target,
    .plan = pg_plan,
    .begin = begin,
    .migration = migration,
    .enter_phase = pg_enter_phase,
    .check = pg_check,
    .prepare = pg_prepare,
    .source_config = source_config,
    .session_open = session_open,
    .session_close = session_close,
    .interrupt = interrupt_sessions,
    .marker = marker,
    .chunk_bound = pg_chunk_bound,
    .chunk_rows_most = pg_chunk_rows_most,
    .chunk_copy = pg_chunk_copy,
    .chunks_load = pg_chunks_load,
    .key_index_ready = pg_key_index_ready,
    .key_index_build = pg_key_index_build,
    .apply = pg_apply,
    .parts_steps = pg_parts_steps,
    .part_apply = pg_part_apply,
    .parts_end = pg_parts_end,
    .parts_pending = pg_parts_pending,
    .checkpoint_load = pg_checkpoint_load,
    .visible = pg_visible,
    .repairs = repairs,
    .fence_store = pg_fence_store,
    .relation_check = relation_check,
    .row_shape = row_shape,
    .compare_ordered = pg_compare_ordered,
    .compare_chunk = pg_compare_chunk,
    .compare_rows = pg_compare_rows,
    .compare_keys = pg_compare_keys,
    .verified_load = pg_verified_load,
    .verified_store = pg_verified_store,
    .pair_open = pg_pair_open,
    .audit_describe = pg_audit_describe,
    .audit_engine = audit_engine,
    .audit_load = pg_audit_load,
    .audit_store = pg_audit_store,
    .audit_last_marker = audit_last_marker,
    .audit_open = pg_audit_open,
    .audit_log_check = pg_audit_log_check,
    .audit_rows = pg_audit_rows,
    .stage_count = pg_stage_count,
    .stages_early = pg_stages_early,
    .stage_jobs = pg_stage_jobs,
    .job_name = pg_job_name,
    .job_run = pg_job_run,
    .blockers_may_end = pg_blockers_may_end,
    .blockers_watch = pg_blockers_watch,
    .cutover_ready = pg_cutover_ready,
    .cutover_lock = pg_cutover_lock,
    .cutover_swap = pg_cutover_swap,
    .cutover_unlock = pg_cutover_unlock,
    .cutover_outcome = pg_cutover_outcome,
    .finish = pg_finish,
    .abort = pg_abort,
    .list = pg_list,
};
