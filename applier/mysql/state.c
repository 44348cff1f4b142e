/* The stored state of a migration.
 *
 * Everything that must survive is in the schema of the table, in tables _seachange_*. The row of a migration is written
 * before anything else of it exists, and removed after everything else is gone: so whatever is there is explained by a
 * row. The checkpoint is moved only in the transaction of the batch it describes, by an UPDATE that compares the
 * fencing token: an instance that lost its lock changes no row and stops (correctness C1, C5).
 *
 * DDL is not transactional here, and needs no undoing: CREATE TABLE IF NOT EXISTS may be done again, and tables without
 * a row in them are dropped by whoever finds them so, under the same user-level lock under which they are made. */
#include "applier/mysql/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/plant.h"
#include "base/random.h"
#include "base/stop.h"
#include "cdc/mysql/position_text.h"

static const char *const create_state[][2] = {
    {"migration",
     "id varchar(16) NOT NULL PRIMARY KEY, format int NOT NULL, phase varchar(16) NOT NULL,"
     " table_name varchar(64) NOT NULL, alter_text longtext NOT NULL, ghost_name varchar(64) NOT NULL,"
     " old_name varchar(64) NOT NULL, ghost_identity varchar(64), server_identity varchar(255) NOT NULL,"
     " fingerprint varchar(64), key_index varchar(64), ghost_key_index varchar(64), rows_estimated bigint unsigned,"
     " token bigint unsigned NOT NULL, host varchar(255), pid int, version varchar(32), started_by varchar(255),"
     " started_at datetime NOT NULL, updated_at datetime NOT NULL, applied_order bigint unsigned,"
     " applied_text varchar(512), partial_order bigint unsigned, partial_text varchar(512),"
     " partial_changes bigint unsigned NOT NULL DEFAULT 0, fence_order bigint unsigned, fence_text varchar(512)"},
    {"chunk", "id varchar(16) NOT NULL, number bigint unsigned NOT NULL, after_key longtext, upto_key longtext,"
              " row_count bigint unsigned NOT NULL, PRIMARY KEY (id, number)"},
    {"verified", "id varchar(16) NOT NULL, number bigint unsigned NOT NULL, after_key longtext, upto_key longtext,"
                 " row_count bigint unsigned NOT NULL, PRIMARY KEY (id, number)"},
    {"todo", "id varchar(16) NOT NULL, number int NOT NULL, stage int NOT NULL, name text NOT NULL,"
             " statement longtext NOT NULL, done tinyint NOT NULL DEFAULT 0, PRIMARY KEY (id, number)"},
    {"part",
     "id varchar(16) NOT NULL, part int NOT NULL, parts int NOT NULL, step int NOT NULL, steps int NOT NULL,"
     " last_order bigint unsigned NOT NULL, last_text varchar(512) NOT NULL, last_changes bigint unsigned NOT NULL,"
     " PRIMARY KEY (id, part)"},
    {"marker", "id varchar(16) NOT NULL PRIMARY KEY, text varchar(255) NOT NULL"},
    {"audit",
     "id varchar(16) NOT NULL PRIMARY KEY, settings longtext NOT NULL, position_order bigint unsigned NOT NULL,"
     " position_text varchar(512) NOT NULL, sequence bigint unsigned NOT NULL, partitions int NOT NULL,"
     " heads longtext NOT NULL, ended tinyint NOT NULL, gap text, updated_at datetime NOT NULL"},
};

#define STATE_OPTIONS                                                                                                  \
    "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='seachange: state of online schema changes'"

enum sc_result my_state_exists(struct my_conn *conn, const char *schema, bool *exists, struct sc_error *err)
{
    char *value = NULL, *s = my_literal(schema);
    enum sc_result result = my_valuef(conn, err, &value,
                                      "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME ="
                                      " '_seachange_migration'",
                                      s);
    *exists = value != NULL;
    mem_free(value);
    mem_free(s);
    return result;
}

/* --- locks -------------------------------------------------------------------------------------------------------- */

/* To ask for a lock without waiting can make a circle, too, with somebody who does so at the same instant. */
static bool is_circle(unsigned number)
{
    return number == 1213 || number == 3058; /* ER_LOCK_DEADLOCK, ER_USER_LOCK_DEADLOCK */
}

static enum sc_result try_lock(struct target *t, const char *name, bool *taken, struct sc_error *err)
{
    char *got = NULL;
    enum sc_result result = my_valuef(t->control, err, &got, "SELECT GET_LOCK('%s', 0)", name);
    if (result != SC_OK && my_alive(t->control) && is_circle(my_errno(t->control)))
        result = SC_OK;
    *taken = (got && got[0] == '1') || PLANTED(C5_NO_LOCK);
    mem_free(got);
    return result;
}

enum sc_result my_take_named(struct target *t, const char *name, int64_t within_ms, bool *taken, struct sc_error *err)
{
    int64_t deadline = clock_us() + within_ms * 1000;
    for (;;) {
        enum sc_result result = try_lock(t, name, taken, err);
        if (result != SC_OK || *taken || clock_us() >= deadline || stop_requested())
            return result;
        clock_sleep_ms(100);
    }
}

void my_release_lock(struct target *t, const char *name)
{
    if (my_alive(t->control))
        my_runf(t->control, NULL, "DO RELEASE_LOCK('%s')", name);
}

enum sc_result my_take_lock(struct target *t, int64_t within_ms, bool *taken, struct sc_error *err)
{
    return my_take_named(t, t->lock_name, within_ms, taken, err);
}

#define STATE_LOCK_WITHIN_MS 30000

enum sc_result my_state_lock(struct target *t, struct sc_error *err)
{
    char *name = my_lock_name("state", t->schema, "");
    bool taken = false;
    enum sc_result result = my_take_named(t, name, STATE_LOCK_WITHIN_MS, &taken, err);
    mem_free(name);
    if (result == SC_OK && !taken)
        result = error_set(err, SC_RETRY, "another seachange is making or dropping the tables _seachange_* of %s",
                           t->schema);
    return result;
}

void my_state_unlock(struct target *t)
{
    char *name = my_lock_name("state", t->schema, "");
    my_release_lock(t, name);
    mem_free(name);
}

/* A process that was killed leaves its server session behind for as long as a statement of it runs. */
#define LOCK_WITHIN_MS 10000

static enum sc_result lock_migration(struct target *t, struct my_waited *waited, struct sc_error *err)
{
    bool taken = false;
    enum sc_result result = my_take_lock(t, 0, &taken, err);
    if (result == SC_OK && !taken)
        result = my_wait_for_another(t, LOCK_WITHIN_MS, &taken, waited, err);
    if (result == SC_OK && !taken && stop_requested()) {
        result = error_set(err, SC_STOP, "stopped by a signal while it waited for another seachange on table %s",
                           t->spec.table);
    } else if (result == SC_OK && !taken) {
        result = error_set(err, SC_REFUSE, "another seachange is working on table %s", t->spec.table);
        error_hint(err, "`seachange list` shows which and where it runs.");
    }
    return result;
}

/* --- the row ------------------------------------------------------------------------------------------------------ */

static void replace(char **slot, const char *text)
{
    mem_free(*slot);
    *slot = mem_strdup(text);
}

static enum sc_result take_checkpoint(struct target *t, MYSQL_RES *res, MYSQL_ROW row, struct sc_error *err)
{
    struct migration *m = &t->migration;
    const struct {
        const char *order, *text;
        struct position *position;
    } positions[] = {
        {"applied_order", "applied_text", &m->applied},
        {"partial_order", "partial_text", &m->partial},
        {"fence_order", "fence_text", &m->fence},
    };
    m->partial_changes = my_column_number(res, row, "partial_changes");
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
        enum sc_result result =
            my_position_stored(my_column_text(res, row, positions[i].order),
                               my_column_text(res, row, positions[i].text), positions[i].position, err);
        if (result != SC_OK)
            return error_wrap(err, "migration %s", m->id);
    }
    return SC_OK;
}

static enum sc_result refuse_changed_server(struct target *t, struct sc_error *err)
{
    if (strcmp(t->source_identity, t->server.identity) == 0 || PLANTED(C2_ANOTHER_SERVER))
        return SC_OK;
    error_set(err, SC_REFUSE, "migration %s was started on server %s, this is server %s", t->migration.id,
              t->source_identity, t->server.identity);
    return error_hint(
        err,
        "After a failover its place in the log is gone and changes may be missing in the copy. The source table "
        "is complete: run `seachange abort %s` and start again.",
        t->migration.id);
}

enum sc_result my_state_rows(struct target *t, const char *condition, MYSQL_RES **res, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SELECT * FROM ");
    my_add_state(&sql, t, "migration");
    buf_printf(&sql, " WHERE %s", condition);
    enum sc_result result = my_query(t->control, err, res, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

enum sc_result my_state_rows_in(struct target *t, const char *schema, const char *condition, MYSQL_RES **res,
                                struct sc_error *err)
{
    char *was = t->schema;
    *res = NULL;
    t->schema = (char *)schema;
    enum sc_result result = my_state_rows(t, condition, res, err);
    t->schema = was;
    unsigned error = result == SC_FAIL ? my_errno(t->control) : 0;
    if (error != 1049 && error != 1146) /* ER_BAD_DB_ERROR, ER_NO_SUCH_TABLE */
        return result;
    error_init(err);
    return SC_OK;
}

/* Takes over what the row says. */
static enum sc_result take_row(struct target *t, MYSQL_RES *res, MYSQL_ROW row, struct sc_error *err)
{
    uint64_t format = my_column_number(res, row, "format");
    my_name_objects(t, my_column_text(res, row, "id"));
    if (format > STATE_FORMAT && !PLANTED(C3_UNKNOWN_FORMAT_READ))
        return error_set(err, SC_REFUSE,
                         "migration %s was started by a newer seachange (its state has format %" PRIu64
                         ", this one reads up to %d)",
                         t->migration.id, format, STATE_FORMAT);
    if (!my_phase_from_stored(my_column_text(res, row, "phase"), &t->migration.phase))
        return error_set(err, SC_REFUSE, "migration %s is in a phase this seachange does not know: %s", t->migration.id,
                         my_column_text(res, row, "phase"));
    const char *alter = my_column_text(res, row, "alter_text");
    if (t->spec.alter && strcmp(alter, t->spec.alter) != 0) {
        error_set(err, SC_REFUSE, "a migration of this table with another ALTER is stored: %s: %s", t->migration.id,
                  alter);
        return error_hint(err, "Go on with it by giving the same --alter, or remove it with `seachange abort %s`.",
                          t->migration.id);
    }
    t->migration.resumed = true;
    t->migration.rows_estimated = my_column_number(res, row, "rows_estimated");
    t->token = my_column_number(res, row, "token");
    replace(&t->ghost_name, my_column_text(res, row, "ghost_name"));
    replace(&t->old_name, my_column_text(res, row, "old_name"));
    replace(&t->fingerprint, my_column_text(res, row, "fingerprint"));
    replace(&t->source_identity, my_column_text(res, row, "server_identity"));
    const char *index = my_column_text(res, row, "key_index"), *other = my_column_text(res, row, "ghost_key_index");
    t->key.index_name = index ? arena_strdup(&t->arena, index) : NULL;
    t->key.ghost_index_name = other ? arena_strdup(&t->arena, other) : NULL;
    return refuse_changed_server(t, err);
}

static enum sc_result find_stored(struct target *t, struct sc_error *err)
{
    bool exists = false;
    enum sc_result result = my_state_exists(t->control, t->schema, &exists, err);
    if (result != SC_OK || !exists)
        return result;
    MYSQL_RES *res = NULL;
    char *name = my_literal(t->name);
    char *condition = mem_printf("table_name = %s AND phase NOT IN ('done', 'aborted')", name);
    result = my_state_rows(t, condition, &res, err);
    mem_free(condition);
    mem_free(name);
    if (result != SC_OK && PLANTED(C4_ERROR_TAKEN_FOR_NONE))
        return SC_OK;
    if (result == SC_OK && mysql_num_rows(res) > 1)
        result = error_set(err, SC_REFUSE, "more than one migration of table %s is stored; abort all but one",
                           t->spec.table);
    else if (result == SC_OK && mysql_num_rows(res) == 1)
        result = take_row(t, res, mysql_fetch_row(res), err);
    mysql_free_result(res);
    return result;
}

void my_name_new(struct target *t)
{
    char id[RANDOM_ID_TEXT];
    random_id(id);
    my_name_objects(t, id);
}

static enum sc_result taken_over(struct target *t, struct sc_error *err)
{
    error_set(err, SC_FENCED, "another seachange has taken migration %s over; this one stops", t->migration.id);
    return error_hint(err, "Nothing is lost: the other one goes on with it.");
}

enum sc_result my_hold_token(struct target *t, struct my_conn *conn, struct sc_error *err)
{
    struct buf sql = {0};
    char *ours = NULL;
    buf_str(&sql, "SELECT 1 FROM ");
    my_add_state(&sql, t, "migration");
    buf_printf(&sql, " WHERE id = '%s' AND token = %" PRIu64 "%s", t->migration.id, t->token,
               t->server.family == MY_MARIADB ? " LOCK IN SHARE MODE" : " FOR SHARE");
    enum sc_result result = my_value(conn, err, &ours, buf_cstr(&sql));
    if (result == SC_OK && !ours && !PLANTED(C5_CHUNK_WITHOUT_TOKEN) && !PLANTED(C5_SWAP_WITHOUT_TOKEN))
        result = taken_over(t, err);
    mem_free(ours);
    buf_fini(&sql);
    return result;
}

/* An UPDATE of this migration's row; SC_FAIL when it is not ours any more. */
static enum sc_result update_row(struct target *t, struct my_conn *conn, const char *assignments, uint64_t token,
                                 struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "UPDATE ");
    my_add_state(&sql, t, "migration");
    buf_printf(&sql, " SET %s, updated_at = UTC_TIMESTAMP() WHERE id = '%s' AND token = %" PRIu64, assignments,
               t->migration.id, token);
    uint64_t rows = 0;
    enum sc_result result = my_change(conn, err, buf_cstr(&sql), sql.len, &rows);
    buf_fini(&sql);
    if (result == SC_OK && rows != 1 && !PLANTED(C5_BATCH_WITHOUT_TOKEN) && !PLANTED(C5_SWAP_WITHOUT_TOKEN))
        result = taken_over(t, err);
    return result;
}

/* This instance's token is larger than any before it: an older instance that still believes it runs changes no row any
 * more. */
static enum sc_result take_over(struct target *t, struct sc_error *err)
{
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    char *quoted = my_literal(host);
    char *set = mem_printf("token = %" PRIu64 ", host = %s, pid = %d, version = '%s'", t->token + 1, quoted,
                           (int)getpid(), SEACHANGE_VERSION);
    enum sc_result result = update_row(t, t->control, set, t->token, err);
    if (result == SC_OK)
        t->token++;
    FAILPOINT(result, takeover_stored, err);
    mem_free(set);
    mem_free(quoted);
    return result;
}

enum sc_result my_begin(struct target *t, struct sc_error *err)
{
    struct my_waited waited = {0};
    enum sc_result result = my_resolve_table(t, err);
    if (result == SC_OK)
        result = lock_migration(t, &waited, err);
    /* Looked for under the lock: nobody else can begin or end one now. */
    if (result == SC_OK)
        result = find_stored(t, err);
    if (result == SC_OK)
        result = my_judge_another(t, &waited, err);
    my_waited_fini(&waited);
    if (result != SC_OK || t->migration.phase == PHASE_DONE)
        return result;
    if (t->migration.resumed)
        return take_over(t, err);
    my_name_new(t);
    t->migration.phase = PHASE_PREFLIGHT;
    return my_remove_leftovers(t, err);
}

static enum sc_result create_tables(struct target *t, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < sizeof(create_state) / sizeof(create_state[0]) && result == SC_OK; i++) {
        struct buf sql = {0};
        buf_str(&sql, "CREATE TABLE IF NOT EXISTS ");
        my_add_state(&sql, t, create_state[i][0]);
        buf_printf(&sql, " (%s) %s", create_state[i][1], STATE_OPTIONS);
        result = my_run(t->control, err, buf_cstr(&sql));
        buf_fini(&sql);
    }
    return result;
}

static enum sc_result insert_row(struct target *t, struct sc_error *err)
{
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    struct buf sql = {0};
    buf_str(&sql, "INSERT INTO ");
    my_add_state(&sql, t, "migration");
    buf_printf(&sql,
               " SET id = '%s', format = %d, phase = 'prepare', rows_estimated = %" PRIu64 ", token = %" PRIu64
               ", pid = %d, version = '%s', started_by = CURRENT_USER(), started_at = UTC_TIMESTAMP(),"
               " updated_at = UTC_TIMESTAMP()",
               t->migration.id, STATE_FORMAT, t->source.rows_estimated, t->token, (int)getpid(), SEACHANGE_VERSION);
    const char *texts[][2] = {
        {"table_name", t->name},   {"alter_text", t->spec.alter},           {"ghost_name", t->ghost_name},
        {"old_name", t->old_name}, {"server_identity", t->server.identity}, {"host", host}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        buf_printf(&sql, ", %s = ", texts[i][0]);
        my_add_literal(&sql, texts[i][1]);
    }
    uint64_t rows = 0;
    enum sc_result result = my_change(t->control, err, buf_cstr(&sql), sql.len, &rows);
    buf_fini(&sql);
    return result;
}

static enum sc_result create_row(struct target *t, struct sc_error *err)
{
    t->token = random_number() >> 16;
    t->migration.rows_estimated = t->source.rows_estimated;
    replace(&t->source_identity, t->server.identity);
    enum sc_result result = my_state_lock(t, err);
    if (result != SC_OK)
        return result;
    result = create_tables(t, err);
    FAILPOINT(result, state_before_row, err);
    if (result == SC_OK)
        result = insert_row(t, err);
    /* Nobody would look for them. */
    struct sc_error ignored;
    if (result != SC_OK && my_alive(t->control))
        (void)my_remove_empty_state(t, &ignored);
    my_state_unlock(t);
    if (result != SC_OK)
        error_wrap(err, "cannot write the migration's state into the tables _seachange_* of database %s", t->schema);
    return result;
}

enum sc_result my_enter_phase(struct target *t, enum phase phase, struct sc_error *err)
{
    enum sc_result result;
    if (phase == PHASE_PREFLIGHT)
        return SC_OK;
    if (phase == PHASE_PREPARE && !t->migration.resumed && t->migration.phase == PHASE_PREFLIGHT) {
        result = create_row(t, err);
    } else {
        char *set = mem_printf("phase = '%s'", my_phase_stored_name(phase));
        result = update_row(t, t->control, set, t->token, err);
        mem_free(set);
    }
    if (result == SC_OK)
        t->migration.phase = phase;
    return result;
}

/* Where somebody's ALTER waits behind a long transaction, whoever would look at the table waits behind both. It has not
 * happened yet: the next look tells, or the one under the cutover's lock. */
static bool cannot_be_read_now(const struct target *t, enum sc_result result)
{
    return result == SC_RETRY && my_alive(t->control) && my_errno(t->control) == 1205; /* ER_LOCK_WAIT_TIMEOUT */
}

enum sc_result my_check(struct target *t, struct sc_error *err)
{
    char *ours = NULL, *fingerprint = NULL;
    enum sc_result result =
        my_valuef(t->control, err, &ours, "SELECT IS_USED_LOCK('%s') = CONNECTION_ID()", t->lock_name);
    if (result == SC_OK && (!ours || ours[0] != '1'))
        result = error_set(err, SC_RETRY, "the migration's lock was taken away");
    if (result == SC_OK && t->fingerprint)
        result = my_fingerprint(t->control, t->schema, t->name, &fingerprint, err);
    bool unknown = cannot_be_read_now(t, result);
    if (unknown)
        result = SC_OK;
    bool gone = result == SC_FAIL && my_errno(t->control) == 1146; /* ER_NO_SUCH_TABLE */
    if ((gone || (result == SC_OK && !unknown && t->fingerprint && strcmp(fingerprint, t->fingerprint) != 0)) &&
        !PLANTED(B9_DEFINITION_NOT_COMPARED)) {
        result = error_set(err, SC_FAIL, "somebody changed the definition of table %s.%s while it was being migrated",
                           t->schema, t->name);
        error_hint(err,
                   "The table is as they left it; the copy no longer fits. Run `seachange abort %s` and start again.",
                   t->migration.id);
    }
    mem_free(ours);
    mem_free(fingerprint);
    return result;
}

/* --- the checkpoint ----------------------------------------------------------------------------------------------- */

enum sc_result my_checkpoint_read(struct target *t, struct my_conn *conn, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SELECT token, applied_order, applied_text, partial_order, partial_text, partial_changes,"
                  " fence_order, fence_text FROM ");
    my_add_state(&sql, t, "migration");
    buf_printf(&sql, " WHERE id = '%s'", t->migration.id);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (row && my_column_number(res, row, "token") != t->token)
        result = taken_over(t, err);
    else if (row)
        result = take_checkpoint(t, res, row, err);
    else if (result == SC_OK)
        result =
            error_set(err, SC_FAIL, "migration %s is gone from %s._seachange_migration", t->migration.id, t->schema);
    mysql_free_result(res);
    return result;
}

enum sc_result my_checkpoint_load(struct session *s, struct sc_error *err)
{
    return my_checkpoint_read(s->target, s->conn, err);
}

static void add_position(struct buf *b, const char *name, const struct position *p)
{
    if (!p->order) {
        buf_printf(b, "%s_order = NULL, %s_text = NULL", name, name);
        return;
    }
    buf_printf(b, "%s_order = %" PRIu64 ", %s_text = ", name, p->order, name);
    my_add_literal(b, p->text);
}

enum sc_result my_checkpoint_write(struct target *t, struct my_conn *conn, const struct position *applied,
                                   const struct position *partial, uint64_t partial_changes, struct sc_error *err)
{
    struct buf set = {0};
    add_position(&set, "applied", applied);
    buf_str(&set, ", ");
    add_position(&set, "partial", partial);
    buf_printf(&set, ", partial_changes = %" PRIu64, partial->order ? partial_changes : 0);
    enum sc_result result = update_row(t, conn, buf_cstr(&set), t->token, err);
    buf_fini(&set);
    return result;
}

enum sc_result my_fence_store(struct session *s, const struct position *fence, struct sc_error *err)
{
    struct buf set = {0};
    add_position(&set, "fence", fence);
    enum sc_result result = update_row(s->target, s->conn, buf_cstr(&set), s->target->token, err);
    buf_fini(&set);
    return result;
}

enum sc_result my_state_begin_copy(struct target *t, const struct position *start, struct sc_error *err)
{
    struct buf set = {0};
    add_position(&set, "applied", start);
    buf_str(&set, ", partial_order = NULL, partial_text = NULL, partial_changes = 0, fence_order = NULL,"
                  " fence_text = NULL, fingerprint = ");
    my_add_literal(&set, t->fingerprint);
    buf_str(&set, ", key_index = ");
    my_add_literal(&set, t->key.index_name);
    buf_str(&set, ", ghost_key_index = ");
    my_add_literal(&set, t->key.ghost_index_name);
    enum sc_result result = update_row(t, t->control, buf_cstr(&set), t->token, err);
    buf_fini(&set);
    if (result == SC_OK)
        t->migration.applied = *start;
    return result;
}
