/* The pieces of making a ghost; each works in the open transaction of t->control. Used by ghost.c only, and by its
 * test. */
#ifndef SC_APPLIER_POSTGRES_GHOST_H
#define SC_APPLIER_POSTGRES_GHOST_H

#include "applier/postgres/target.h"

/* search_path for the rest of the transaction; NULL ends the list early. "" is empty. */
enum sc_result pg_set_path(struct pg_conn *conn, const char *first, const char *second, struct sc_error *err);

/* Runs each row's first column of a query as a statement. */
enum sc_result pg_run_each(struct pg_conn *conn, const PGresult *statements, struct sc_error *err);

/* clone.c: an empty, full twin of the source in t->ghost_schema: same name, columns, indexes, constraints, triggers,
 * policies, grants, comments ... */
enum sc_result pg_clone_make(struct target *t, struct plan *plan, struct sc_error *err);
/* grants.c: its privileges. One whose grantor cannot be kept gets a note in the plan. */
enum sc_result pg_clone_grants(struct target *t, struct plan *plan, struct sc_error *err);

/* carry.c: what lies outside the table and is bound to it (views, foreign keys of other tables, publications,
 * sequences) is bound to the new one in the swap: adds the statements to t->todo. What cannot be, because of what the
 * ALTER did, is refused by name. After the ALTER, before pg_capture(). */
enum sc_result pg_carry(struct target *t, struct plan *plan, struct sc_error *err);

/* capture.c: reads what is to come later from the altered clone into t->todo, and takes it off the clone. */
enum sc_result pg_capture(struct target *t, struct plan *plan, struct sc_error *err);

/* orphans.c: adds the checks of foreign keys that may not hold for the table's rows to t->todo, as STAGE_AFTER; a key
 * that this role cannot check gets a note in the plan. While the clone still has its foreign keys. */
enum sc_result pg_orphan_checks(struct target *t, struct plan *plan, struct sc_error *err);
bool pg_is_orphan_check(const struct pg_todo *todo);
/* In the open transaction of the session. SC_FAIL: a row has no parent. */
enum sc_result pg_orphan_check_run(struct session *s, const struct pg_todo *todo, struct sc_error *err);

/* apart.c: do keys that differ in this column of the source still differ in the clone's? */
enum sc_result pg_keys_stay_apart(struct target *t, int source_column, int clone_attnum, bool *apart,
                                  struct sc_error *err);

/* Adds a todo; strings are copied. */
void pg_todo_add(struct target *t, enum pg_stage stage, const char *name, const char *sql);

#endif
