/* What a migration would do: the preflight; the ghost, made under a name of its own and dropped again; what the account
 * may do with it; what the server would do with the ALTER by itself; and the statements that follow. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "applier/mysql/foreign.h"
#include "applier/mysql/ghost.h"
#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"

/* --- what the server would do ------------------------------------------------------------------------------------- */

static enum sc_result drop_clone(struct target *t, struct sc_error *err)
{
    struct strlist removed = {0};
    enum sc_result result = my_remove_ghost(t, &removed, err);
    strlist_fini(&removed);
    return result;
}

static const struct {
    const char *option, *what;
    bool mariadb, quick;
} ways[] = {
    {"ALGORITHM=INSTANT", "at once, without touching the rows (ALGORITHM=INSTANT)", false, true},
    {"ALGORITHM=NOCOPY, LOCK=NONE", "in place, without rebuilding the table (ALGORITHM=NOCOPY, LOCK=NONE)", true,
     false},
    {"ALGORITHM=INPLACE, LOCK=NONE",
     "in place, while writers go on (ALGORITHM=INPLACE, LOCK=NONE); replicas wait for "
     "as long as it takes",
     false, false},
    {"ALGORITHM=INPLACE, LOCK=SHARED", "in place, while writers wait (ALGORITHM=INPLACE, LOCK=SHARED)", false, false},
};

/* Tried on an empty clone, each time a new one. What cannot be done there for any other reason is found when the ghost
 * is made. */
static enum sc_result try_natively(struct target *t, const char *option, bool *can, struct sc_error *err)
{
    enum sc_result result = my_clone_create(t, err);
    bool made = result == SC_OK;
    struct buf sql = {0};
    buf_str(&sql, "ALTER TABLE ");
    my_add_ghost(&sql, t);
    buf_printf(&sql, " %s, %s", option, t->spec.alter);
    struct sc_error reason;
    *can = made && my_run_as_operator(t, buf_cstr(&sql), &reason) == SC_OK;
    buf_fini(&sql);
    if (made && result == SC_OK)
        result = drop_clone(t, err);
    return result;
}

static enum sc_result natively(struct target *t, struct plan *plan, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && result == SC_OK; i++) {
        bool can = false;
        if (ways[i].mariadb && t->server.family != MY_MARIADB)
            continue;
        result = try_natively(t, ways[i].option, &can, err);
        if (!can)
            continue;
        if (ways[i].quick)
            strlist_addf(&plan->warnings, "the server can do this ALTER %s: plain ALTER TABLE takes no time",
                         ways[i].what);
        else
            strlist_addf(&plan->notes, "the server itself would do this ALTER %s", ways[i].what);
        return result;
    }
    if (result == SC_OK)
        strlist_add(&plan->notes, "the server itself would do this ALTER by copying the table, while writers wait "
                                  "(ALGORITHM=COPY)");
    return result;
}

/* --- what the account may do -------------------------------------------------------------------------------------- */

struct probe {
    const char *sql; /* $g: the ghost, $s: the source, $t: a temporary table, $p: a trigger */
    const char *privilege;
};

static const struct probe probes[] = {
    {"INSERT INTO $g SELECT * FROM $g WHERE FALSE", "INSERT, SELECT"},
    {"UPDATE $g SET $k = $k WHERE FALSE", "UPDATE"},
    {"DELETE FROM $g WHERE FALSE", "DELETE"},
    {"SELECT 1 FROM $s WHERE FALSE LOCK IN SHARE MODE", "SELECT"},
    {"CREATE TEMPORARY TABLE $t (a int)", "CREATE TEMPORARY TABLES"},
    {"DROP TEMPORARY TABLE $t", "CREATE TEMPORARY TABLES"},
    {"LOCK TABLES $g WRITE", "LOCK TABLES"},
    {"UNLOCK TABLES", "LOCK TABLES"},
    {"CREATE TRIGGER $p BEFORE INSERT ON $g FOR EACH ROW SET @seachange = 1", "TRIGGER"},
};

static void add_probe(struct buf *sql, const struct target *t, const char *text)
{
    for (; *text; text++) {
        if (*text != '$') {
            buf_char(sql, *text);
            continue;
        }
        char *probe = mem_printf("_seachange_probe_%s", t->migration.id);
        switch (*++text) {
        case 'g':
            my_add_ghost(sql, t);
            break;
        case 's':
            my_add_source(sql, t);
            break;
        case 'k':
            my_add_ident(sql, t->map.columns[t->map.key[0]].ghost_column);
            break;
        default:
            my_add_qualified(sql, t->schema, probe);
        }
        mem_free(probe);
    }
}

/* Comes before the server looks whether the privilege is there. */
#define ER_BINLOG_CREATE_ROUTINE_NEED_SUPER 1419

static bool is_denied(unsigned error)
{
    /* ER_TABLEACCESS_DENIED, ER_COLUMNACCESS_DENIED, ER_DBACCESS_DENIED, ER_ACCESS_DENIED, ER_SPECIFIC_ACCESS_DENIED */
    return error == 1142 || error == 1143 || error == 1044 || error == 1045 || error == 1227;
}

static enum sc_result probe_privileges(struct target *t, struct plan *plan, struct sc_error *err)
{
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        struct buf sql = {0};
        struct sc_error denied;
        add_probe(&sql, t, probes[i].sql);
        enum sc_result result = my_run(t->control, &denied, buf_cstr(&sql));
        buf_fini(&sql);
        if (result == SC_RETRY || !my_alive(t->control)) {
            *err = denied;
            return result;
        }
        unsigned error = my_errno(t->control);
        bool is_trigger = strcmp(probes[i].privilege, "TRIGGER") == 0, granted = false;
        if (result != SC_OK && is_trigger && error == ER_BINLOG_CREATE_ROUTINE_NEED_SUPER) {
            result = my_granted(t, "TRIGGER", &granted, err);
            if (result != SC_OK)
                return result;
        } else {
            granted = result == SC_OK || !is_denied(error);
        }
        if (granted)
            continue;
        char *schema = my_ident(t->schema);
        strlist_addf(&plan->refusals, "the account %s lacks %s on database %s. GRANT %s ON %s.* TO it.", t->server.user,
                     probes[i].privilege, t->schema, probes[i].privilege, schema);
        mem_free(schema);
    }
    return SC_OK;
}

/* Nothing is inserted into the ghost that the plan makes: its triggers never run. */
static enum sc_result try_triggers(struct target *t, struct plan *plan, struct sc_error *err)
{
    struct sc_error reason;
    enum sc_result result = my_triggers_make(t, t->control, &reason);
    my_triggers_swapped(t);
    if (result == SC_FAIL) {
        strlist_addf(&plan->refusals, "one of its triggers cannot be made on the new table: %s", reason.what);
        return SC_OK;
    }
    if (result != SC_OK)
        *err = reason;
    return result;
}

/* --- in words ----------------------------------------------------------------------------------------------------- */

static void add_todo(struct target *t, struct plan *plan, enum my_stage stage)
{
    for (int i = 0; i < t->ntodo; i++)
        if (t->todo[i].stage == stage)
            strlist_add(&plan->statements, t->todo[i].sql);
}

static void add_key(struct buf *sql, const struct target *t)
{
    for (int k = 0; k < t->key.count; k++) {
        buf_str(sql, k ? ", " : "");
        my_add_ident(sql, t->source.columns[t->key.columns[k]].name);
    }
}

static void add_copy(struct target *t, struct plan *plan)
{
    struct buf sql = {0};
    buf_str(&sql, "INSERT INTO ");
    my_add_ghost(&sql, t);
    for (int i = 0; i < t->map.ncolumns; i++) {
        buf_str(&sql, i ? ", " : " (");
        my_add_ident(&sql, t->map.columns[i].ghost_column);
    }
    for (int i = 0; i < t->map.ncolumns; i++) {
        buf_str(&sql, i ? ", " : ") SELECT ");
        my_add_ident(&sql, t->source.columns[t->map.columns[i].source_column].name);
    }
    buf_str(&sql, " FROM ");
    my_add_source(&sql, t);
    buf_str(&sql, " FORCE INDEX (");
    my_add_ident(&sql, t->key.index_name);
    buf_str(&sql, ") WHERE (");
    add_key(&sql, t);
    buf_str(&sql, ") > (...) AND (");
    add_key(&sql, t);
    buf_printf(&sql, ") <= (...) %s NOWAIT", t->server.family == MY_MARIADB ? "LOCK IN SHARE MODE" : "FOR SHARE");
    strlist_add(&plan->statements, buf_cstr(&sql));
    buf_fini(&sql);
}

static void describe_locks(struct target *t, struct plan *plan, const char *source)
{
    struct strlist *l = &plan->locks;
    strlist_addf(l, "a shared metadata lock on %s for a moment, while the new table is made: readers and writers pass",
                 source);
    strlist_addf(l,
                 "shared locks on the rows of a chunk while it is copied; a chunk never waits for a row that a writer "
                 "holds while it holds rows itself");
    if (t->server.family == MY_MYSQL)
        strlist_addf(
            l,
            "LOCK TABLES %s WRITE in the cutover: waited for at most %d ms a try, then the queue is let go and "
            "it is tried again later",
            source, t->spec.lock_timeout_ms);
    else
        strlist_addf(l,
                     "LOCK TABLES %s WRITE in the cutover, and the RENAME behind it: waited for at most %d ms a try, "
                     "then the queue is let go and it is tried again later",
                     source, t->spec.lock_timeout_ms);
    if (t->spec.kill_blockers_ms > 0)
        strlist_addf(l,
                     "who holds a lock that the cutover waits for is ended by KILL when it has not got its locks for "
                     "%" PRId64 " ms",
                     t->spec.kill_blockers_ms);
}

static void describe(struct target *t, struct plan *plan)
{
    char *source = my_qualified(t->schema, t->name), *ghost = my_qualified(t->schema, t->ghost_name),
         *old = my_qualified(t->schema, t->old_name);
    struct strlist *s = &plan->statements;
    strlist_add(s, "-- prepare");
    strlist_addf(s, "CREATE TABLE %s LIKE %s", ghost, source);
    strlist_addf(s, "ALTER TABLE %s %s", ghost, t->spec.alter);
    strlist_addf(s, "-- copy: in chunks along %s, %d at a time, inside the server", t->key.index_name, t->spec.workers);
    add_copy(t, plan);
    strlist_add(s, "-- index: built on the new table before it takes its place");
    add_todo(t, plan, MY_STAGE_INDEX);
    add_todo(t, plan, MY_STAGE_AFTER);
    add_todo(t, plan, MY_STAGE_ROWS);
    strlist_add(s, "-- cutover: writers wait");
    strlist_addf(s, "LOCK TABLES %s WRITE%s", source, t->server.family == MY_MYSQL ? ", ..." : "");
    add_todo(t, plan, MY_STAGE_CUTOVER);
    strlist_addf(s, "RENAME TABLE %s TO %s, %s TO %s", source, old, ghost, source);
    strlist_add(s, "-- after the cutover");
    add_todo(t, plan, MY_STAGE_RELEASE);
    add_todo(t, plan, MY_STAGE_FOREIGN);
    add_todo(t, plan, MY_STAGE_POST);
    if (t->spec.drop_old)
        strlist_addf(s, "DROP TABLE %s", old);
    describe_locks(t, plan, source);
    my_foreign_describe(t, plan);
    /* A copy of the live rows and its indexes; the log has every row in full, once. */
    plan->disk_bytes = plan->table_bytes + plan->index_bytes;
    plan->log_bytes = plan->table_bytes + plan->table_bytes / 4;
    mem_free(source);
    mem_free(ghost);
    mem_free(old);
}

static enum sc_result look(struct target *t, struct plan *plan, struct sc_error *err)
{
    struct my_alter alter = {0};
    enum sc_result result = my_alter_of(t, &alter, err);
    if (result == SC_OK && alter.nnamed == 0 && alter.nforeign_added == 0 && alter.nforeign_dropped == 0)
        result = natively(t, plan, err);
    my_alter_fini(&alter);
    if (result == SC_OK)
        result = my_ghost_make(t, plan, err);
    if (result == SC_OK)
        result = probe_privileges(t, plan, err);
    if (result == SC_OK)
        result = try_triggers(t, plan, err);
    return result;
}

enum sc_result my_plan(struct target *t, struct plan *plan, struct sc_error *err)
{
    mem_free(plan->strategy);
    plan->strategy = mem_strdup("ghost");
    mem_free(plan->server);
    plan->server = mem_printf("%s %.*s", t->server.family == MY_MARIADB ? "MariaDB" : "MySQL",
                              (int)strcspn(t->server.version_text, "-"), t->server.version_text);
    enum sc_result result = my_preflight(t, plan, err);
    if (result != SC_OK || plan->refusals.count > 0)
        return result;
    /* Two plans at once must not use the same name. */
    if (!t->ghost_name)
        my_name_new(t);
    /* So that nobody takes what is made for the leftovers of a dead process. */
    result = my_session_sign(t, t->control, err);
    if (result == SC_OK)
        result = look(t, plan, err);
    struct sc_error again;
    if (my_alive(t->control) && drop_clone(t, &again) != SC_OK && result == SC_OK) {
        *err = again;
        result = again.result;
    }
    if (result == SC_REFUSE) {
        strlist_addf(&plan->refusals, "%s%s%s", err->what, err->hint[0] ? ". " : "", err->hint);
        result = SC_OK;
    }
    if (result == SC_OK && plan->refusals.count == 0)
        describe(t, plan);
    return result;
}
