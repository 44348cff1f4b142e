/* Putting back what was captured. First all indexes in one statement, which reads the table once; then those that can
 * only be built alone; then what is left, one after the other.
 *
 * A statement and its record are not one transaction. An index that is there already was built by a try whose record
 * was lost: ALTER TABLE is atomic (MySQL 8.0; MariaDB 10.6), so all of its indexes are there then. Everything else may
 * be done twice. */
#include <stdio.h>
#include <string.h>

#include "applier/mysql/foreign.h"
#include "applier/mysql/ops.h"
#include "base/failpoint.h"
#include "base/log.h"

#define ER_DUP_KEYNAME 1061
#define ER_DUP_ENTRY 1062

/* More than the default for one build, where the session may say so; never less than the server has. */
#define BUILD_BYTES "268435456"

static struct my_todo *find_job(struct target *t, int stage)
{
    int seen = 0;
    for (int i = 0; i < t->ntodo; i++) {
        enum my_stage s = t->todo[i].stage;
        if ((s == MY_STAGE_INDEX || s == MY_STAGE_AFTER || s == MY_STAGE_ROWS) && seen++ == stage)
            return &t->todo[i];
    }
    return NULL;
}

/* All indexes are made in one statement, the unique ones too. */
int my_stages_early(struct target *t)
{
    (void)t;
    return 0;
}

/* One job a stage: they all work on the same table, whose statements wait for each other anyway. */
int my_stage_count(struct target *t)
{
    int count = 0;
    while (find_job(t, count))
        count++;
    return count;
}

int my_stage_jobs(struct target *t, int stage)
{
    return find_job(t, stage) ? 1 : 0;
}

const char *my_job_name(struct target *t, int stage, int job)
{
    (void)job;
    const struct my_todo *todo = find_job(t, stage);
    return todo ? todo->name : "?";
}

static bool is_done(struct target *t, const struct my_todo *todo)
{
    pthread_mutex_lock(&t->lock);
    bool done = todo->done;
    pthread_mutex_unlock(&t->lock);
    return done;
}

/* It goes without, too. */
static void give_memory(struct session *s)
{
    char *small = NULL;
    if (s->target->server.family != MY_MYSQL || s->target->server.version < 80027)
        return;
    my_value(s->conn, NULL, &small, "SELECT 1 FROM DUAL WHERE @@SESSION.innodb_ddl_buffer_size < " BUILD_BYTES);
    if (small)
        my_run(s->conn, NULL, "SET SESSION innodb_ddl_buffer_size = " BUILD_BYTES);
    mem_free(small);
}

static enum sc_result explain(struct session *s, const struct my_todo *todo, enum sc_result result,
                              struct sc_error *err)
{
    error_wrap(err, "%s", todo->name);
    if (my_errno(s->conn) == ER_DUP_ENTRY)
        error_hint(err,
                   "Rows of the table do not fit this index together. The source is untouched. Remove the duplicates, "
                   "then `seachange abort %s` and start again.",
                   s->target->migration.id);
    return result;
}

enum sc_result my_job_run(struct session *s, int stage, int job, struct sc_error *err)
{
    struct target *t = s->target;
    struct my_todo *todo = find_job(t, stage);
    if (!todo || job != 0)
        return error_set(err, SC_FAIL, "there is no job %d in stage %d", job, stage);
    if (is_done(t, todo))
        return SC_OK;
    log_debug("%s", todo->name);
    if (todo->stage == MY_STAGE_INDEX)
        give_memory(s);
    enum sc_result result =
        todo->stage == MY_STAGE_ROWS ? my_foreign_verify(s, todo, err) : my_run(s->conn, err, todo->sql);
    if (result == SC_FAIL && todo->stage == MY_STAGE_INDEX && my_errno(s->conn) == ER_DUP_KEYNAME)
        result = SC_OK;
    FAILPOINT(result, index_job_before_record, err);
    if (result != SC_OK)
        return explain(s, todo, result, err);
    result = my_todo_done(t, s->conn, todo, err);
    FAILPOINT(result, index_job_recorded, err);
    return result;
}

bool my_key_index_ready(struct target *t)
{
    (void)t;
    return true;
}

enum sc_result my_key_index_build(struct session *s, struct sc_error *err)
{
    (void)s, (void)err;
    return SC_OK;
}
