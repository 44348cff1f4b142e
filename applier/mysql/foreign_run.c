/* Foreign keys when the tables are swapped: the old table's go, because their names are unique in the database and
 * because it would go on keeping parents from being deleted; the new table's come. With foreign_key_checks off both
 * only change the catalog. Both wait for whoever uses the tables that are referred to, for a second at a time.
 *
 * In MySQL this is tried under the cutover's lock first: nobody has written to the new table then, and there is no
 * moment without the key. In MariaDB the lock ends with the swap. What did not succeed is done by finish(), which looks
 * into the catalog for what is done already; then a row can have come in meanwhile that does not fit, and it is looked
 * for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/foreign.h"
#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"
#include "base/clock.h"
#include "base/log.h"

/* How often rows of the new table are looked at: they are a little behind those of the others. */
#define LAGGING_TRIES 10

bool my_is_foreign(enum my_stage stage)
{
    return stage == MY_STAGE_RELEASE || stage == MY_STAGE_FOREIGN || stage == MY_STAGE_STRAYS ||
           stage == MY_STAGE_STRAYS_CARRIED;
}

void my_foreign_allow(struct target *t, struct my_conn *conn, bool any)
{
    struct sc_error ignored;
    if (t->server.family == MY_MYSQL && t->server.version >= 80400)
        (void)my_runf(conn, &ignored, "SET SESSION restrict_fk_on_non_standard_key = %s", any ? "OFF" : "DEFAULT");
}

/* --- at once ------------------------------------------------------------------------------------------------------ */

void my_foreign_swapped(struct session *s)
{
    struct target *t = s->target;
    struct sc_error err;
    enum sc_result result = SC_OK;
    bool any = false;
    for (int i = 0; i < t->ntodo && result == SC_OK; i++) {
        const struct my_todo *todo = &t->todo[i];
        if (todo->stage != MY_STAGE_RELEASE && todo->stage != MY_STAGE_FOREIGN)
            continue;
        if (!any) {
            result = my_run(s->conn, &err, "SET SESSION lock_wait_timeout = 1, foreign_key_checks = 0");
            if (result == SC_OK)
                my_foreign_allow(t, s->conn, true);
        }
        any = true;
        if (result == SC_OK)
            result = my_run(s->conn, &err, todo->sql);
    }
    if (result != SC_OK)
        log_debug("foreign keys could not be put on at once: %s", err.what);
    t->foreign_held = any && result == SC_OK && t->server.family == MY_MYSQL;
}

/* --- until it is done --------------------------------------------------------------------------------------------- */

static enum sc_result release(struct target *t, struct my_conn *conn, struct sc_error *err)
{
    struct my_table old;
    enum sc_result result = my_table_load(conn, t->schema, t->old_name, &old, err);
    if (result == SC_REFUSE)
        return SC_OK; /* dropped already */
    if (result != SC_OK)
        return result;
    struct buf sql = {0};
    bool any = false;
    buf_str(&sql, "ALTER TABLE ");
    my_add_old(&sql, t);
    for (int i = 0; i < old.nconstraints; i++) {
        if (!old.constraints[i].foreign)
            continue;
        buf_str(&sql, any ? ", DROP FOREIGN KEY " : " DROP FOREIGN KEY ");
        my_add_ident(&sql, old.constraints[i].name);
        any = true;
    }
    if (any)
        result = my_run(conn, err, buf_cstr(&sql));
    buf_fini(&sql);
    my_table_fini(&old);
    return result;
}

static enum sc_result put_on(struct target *t, struct my_conn *conn, const struct my_todo *todo, struct sc_error *err)
{
    const char *name = todo->name + strlen(MY_FOREIGN_TODO);
    struct my_table now;
    enum sc_result result = my_table_load(conn, t->schema, t->name, &now, err);
    if (result != SC_OK)
        return result == SC_REFUSE ? err->result = SC_FAIL : result;
    bool there = false;
    for (int i = 0; i < now.nconstraints && !there; i++)
        there = now.constraints[i].foreign && strcasecmp(now.constraints[i].name, name) == 0;
    my_table_fini(&now);
    if (there)
        return SC_OK;
    my_foreign_allow(t, conn, true);
    return my_run(conn, err, todo->sql);
}

static enum sc_result find_strays(struct target *t, struct my_conn *conn, const struct my_todo *todo,
                                  struct strlist *notes, struct sc_error *err)
{
    char *one = NULL;
    if (todo->stage == MY_STAGE_STRAYS_CARRIED && t->foreign_held)
        return SC_OK;
    enum sc_result result = my_valuef(conn, err, &one, "SELECT 1 FROM (%s LIMIT 1) strays", todo->sql);
    if (result == SC_OK && one)
        strlist_addf(notes,
                     "%s: some rows of the table have no row to refer to. They came before the key was put on, which "
                     "holds for all that follow. To see them, run: %s",
                     todo->name, todo->sql);
    mem_free(one);
    return result;
}

enum sc_result my_foreign_run(struct target *t, struct my_conn *conn, const struct my_todo *todo, struct strlist *notes,
                              struct sc_error *err)
{
    switch (todo->stage) {
    case MY_STAGE_RELEASE:
        return release(t, conn, err);
    case MY_STAGE_FOREIGN:
        return put_on(t, conn, todo, err);
    case MY_STAGE_STRAYS:
    case MY_STAGE_STRAYS_CARRIED:
        return find_strays(t, conn, todo, notes, err);
    default:
        return SC_OK;
    }
}

/* --- before the swap ---------------------------------------------------------------------------------------------- */

enum sc_result my_foreign_verify(struct session *s, const struct my_todo *todo, struct sc_error *err)
{
    struct target *t = s->target;
    int tries = strstr(todo->sql, t->ghost_name) ? LAGGING_TRIES : 1;
    enum sc_result result = SC_OK;
    unsigned long count = 1;
    for (int i = 0; i < tries && count > 0 && result == SC_OK; i++) {
        char *text = NULL;
        if (i > 0)
            clock_sleep_ms(1000);
        result = my_value(s->conn, err, &text, todo->sql);
        count = text ? strtoul(text, NULL, 10) : 0;
        mem_free(text);
    }
    if (result != SC_OK || count == 0)
        return result;
    error_set(err, SC_FAIL, "%lu%s rows of the table have no row to refer to", count, count >= 1000 ? " or more" : "");
    return error_hint(err,
                      "The source is untouched. Mend these rows, then `seachange abort %s` and start again. They are "
                      "counted by: %s",
                      t->migration.id, todo->sql);
}

/* --- in words ----------------------------------------------------------------------------------------------------- */

void my_foreign_describe(struct target *t, struct plan *plan)
{
    bool any = false;
    for (int i = 0; i < t->ntodo; i++) {
        const struct my_todo *todo = &t->todo[i];
        any = any || todo->stage == MY_STAGE_RELEASE || todo->stage == MY_STAGE_FOREIGN;
        if (todo->stage != MY_STAGE_FOREIGN)
            continue;
        if (t->server.family == MY_MYSQL)
            strlist_addf(&plan->notes,
                         "%s: put on the new table under the cutover's lock, so it holds all the time; where a table "
                         "it refers to is busy, a few seconds later, and until then it is not enforced",
                         todo->name);
        else
            strlist_addf(&plan->notes,
                         "%s: put on the new table right behind the swap. Until then, normally a few milliseconds, but "
                         "as long as transactions keep a table it refers to, it is not enforced; rows that came in "
                         "without a row to refer to are looked for, and said",
                         todo->name);
    }
    if (any && t->server.family == MY_MYSQL)
        strlist_add(&plan->locks,
                    "the tables that foreign keys refer to are locked with it: their writers wait meanwhile, and "
                    "everybody in the swap itself. A transaction that has used one of them and then comes to the "
                    "table can be ended with error 1213 (deadlock), as by ALTER TABLE");
    if (any)
        strlist_add(&plan->locks, "exclusive metadata locks on the tables that foreign keys refer to, when keys are "
                                  "dropped and put on: waited for at most 1 s a try");
}
