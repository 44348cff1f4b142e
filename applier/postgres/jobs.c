/* Putting back what was captured: indexes side by side, then what needs them, one after the other. */
#include <stdio.h>
#include <string.h>

#include "applier/postgres/cutover.h"
#include "applier/postgres/ghost.h"
#include "applier/postgres/ops.h"
#include "base/failpoint.h"
#include "base/log.h"

/* For one index build, unless the server allows more; several run side by side. In kB. */
static const char memory_sql[] =
    "SELECT pg_catalog.set_config('maintenance_work_mem', GREATEST(setting::pg_catalog.int8, 262144) || 'kB', true)"
    " FROM pg_catalog.pg_settings WHERE name = 'maintenance_work_mem'";

#define STAGES_OF_INDEXES 2

/* Before the fence rows of different snapshots stand side by side, which only an index that is not unique takes; the
 * key's is the exception, since the copy and the applier keep it so. */
static bool takes_any_rows(const struct pg_todo *todo)
{
    static const char plain[] = "CREATE INDEX ";
    return todo->stage == STAGE_KEY || (todo->stage == STAGE_INDEX && strncmp(todo->sql, plain, strlen(plain)) == 0);
}

/* Stage 0: the key's index, if the applier has not needed it yet, and all others that are not unique. Stage 1: those
 * that are. Then one definition each. */
static struct pg_todo *find_job(struct target *t, int stage, int job)
{
    int seen = 0;
    for (int i = 0; i < t->ntodo; i++) {
        struct pg_todo *todo = &t->todo[i];
        bool in = stage == 0   ? takes_any_rows(todo)
                  : stage == 1 ? todo->stage == STAGE_INDEX && !takes_any_rows(todo)
                               : todo->stage == STAGE_AFTER;
        if (!in)
            continue;
        if (seen == (stage < STAGES_OF_INDEXES ? job : stage - STAGES_OF_INDEXES))
            return todo;
        seen++;
    }
    return NULL;
}

int pg_stage_count(struct target *t)
{
    int count = STAGES_OF_INDEXES;
    while (find_job(t, count, 0))
        count++;
    return count;
}

int pg_stages_early(struct target *t)
{
    (void)t;
    return 1;
}

int pg_stage_jobs(struct target *t, int stage)
{
    int count = 0;
    if (stage >= STAGES_OF_INDEXES)
        return 1;
    while (find_job(t, stage, count))
        count++;
    return count;
}

const char *pg_job_name(struct target *t, int stage, int job)
{
    const struct pg_todo *todo = find_job(t, stage, job);
    return todo ? todo->name : "?";
}

static bool is_done(struct target *t, const struct pg_todo *todo)
{
    pthread_mutex_lock(&t->lock);
    bool done = todo->done;
    pthread_mutex_unlock(&t->lock);
    return done;
}

static void set_done(struct target *t, struct pg_todo *todo)
{
    pthread_mutex_lock(&t->lock);
    todo->done = true;
    if (todo->stage == STAGE_KEY)
        t->key_ready = true;
    pthread_mutex_unlock(&t->lock);
}

static enum sc_result explain(struct target *t, const struct pg_todo *todo, enum sc_result result, struct sc_error *err)
{
    error_wrap(err, "%s", todo->name);
    if (pg_sqlstate_is(err, "23505") || pg_sqlstate_is(err, "23P01"))
        error_hint(err,
                   "Rows of the table do not fit this index together. The source is untouched. Remove the duplicates, "
                   "then `seachange abort %s` and start again.",
                   t->migration.id);
    return result;
}

/* A job whose commit was lost on the way is found done by its own record: the statement would fail on what is there
 * already. */
static enum sc_result recorded(struct session *s, const struct pg_todo *todo, bool *done, struct sc_error *err)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", todo->number);
    char *value = NULL;
    enum sc_result result = pg_value(
        s->conn, err, &value, "SELECT 1 FROM seachange.todo WHERE id = $1 AND number = $2::pg_catalog.int4 AND done", 2,
        (const char *[]){s->target->migration.id, number});
    *done = value != NULL;
    mem_free(value);
    return result;
}

static enum sc_result run_todo(struct session *s, struct pg_todo *todo, int lock_timeout_ms, struct sc_error *err)
{
    struct target *t = s->target;
    if (is_done(t, todo))
        return SC_OK;
    log_debug("%s", todo->name);
    bool done = false;
    enum sc_result result = pg_runf(s->conn, err, "BEGIN; SET LOCAL lock_timeout = '%dms'", lock_timeout_ms);
    if (result == SC_OK)
        result = pg_run(s->conn, err, memory_sql);
    if (result == SC_OK)
        result = recorded(s, todo, &done, err);
    if (result == SC_OK && !done) {
        result = pg_set_path(s->conn, t->ghost_schema, t->source.schema, err);
        if (result == SC_OK && todo->stage == STAGE_DETACH)
            result = pg_run_waiting(s, todo->sql, "it", lock_timeout_ms, err);
        else if (result == SC_OK)
            result = pg_is_orphan_check(todo) ? pg_orphan_check_run(s, todo, err) : pg_run(s->conn, err, todo->sql);
        if (result == SC_OK)
            result = pg_set_path(s->conn, "", NULL, err);
        if (result == SC_OK)
            result = pg_todo_done(t, s->conn, todo, err);
    }
    FAILPOINT(result, index_job_before_record, err);
    if (result == SC_OK)
        result = pg_run(s->conn, err, "COMMIT");
    else if (pg_alive(s->conn))
        pg_run(s->conn, NULL, "ROLLBACK");
    FAILPOINT(result, index_job_recorded, err);
    if (result != SC_OK)
        return explain(t, todo, result, err);
    set_done(t, todo);
    return SC_OK;
}

enum sc_result pg_job_run(struct session *s, int stage, int job, struct sc_error *err)
{
    struct pg_todo *todo = find_job(s->target, stage, job);
    return todo ? run_todo(s, todo, 0, err) : error_set(err, SC_FAIL, "there is no job %d in stage %d", job, stage);
}

bool pg_key_index_ready(struct target *t)
{
    pthread_mutex_lock(&t->lock);
    bool ready = t->key_ready;
    pthread_mutex_unlock(&t->lock);
    return ready;
}

enum sc_result pg_key_index_build(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    for (int i = 0; i < t->ntodo; i++)
        if (t->todo[i].stage == STAGE_KEY)
            return run_todo(s, &t->todo[i], 0, err);
    return error_set(err, SC_FAIL, "migration %s has no key index to build", t->migration.id);
}

enum sc_result pg_detach(struct session *s, int lock_timeout_ms, struct sc_error *err)
{
    struct target *t = s->target;
    enum sc_result result = SC_OK;
    for (int i = 0; i < t->ntodo && result == SC_OK; i++)
        if (t->todo[i].stage == STAGE_DETACH)
            result = run_todo(s, &t->todo[i], lock_timeout_ms, err);
    return result;
}
