/* How the ghost follows from the source: shared by the files that make it. */
#ifndef SC_APPLIER_MYSQL_GHOST_H
#define SC_APPLIER_MYSQL_GHOST_H

#include "applier/mysql/alter.h"
#include "applier/mysql/target.h"

/* The index that the ghost has while it is filled, where none of its own is on the key alone. */
#define MY_HELPER_KEY "_seachange_key"

/* mapping.c: fills t->map and t->key from t->source and t->ghost. Also on resume: then t->key's index names are set,
 * and those are taken. SC_REFUSE: no key that both tables share. */
enum sc_result my_map_make(struct target *t, const struct my_alter *alter, struct sc_error *err);
/* mapping.c: what the log's rows are: t->log_columns, t->logged_key, t->key_bytewise. */
void my_logged_columns(struct target *t);
/* The key that was chosen, of the loaded source; and what my_logged_columns() does. */
enum sc_result my_key_load(struct target *t, struct sc_error *err);

/* mapping.c: the name that the source's column has in the ghost: its own, unless the ALTER gives it another; NULL: it
 * is dropped. A column of the same name that the ALTER drops and adds is another column. */
const char *my_new_column_name(const struct my_alter *alter, const char *name);

/* Reads spec.alter as the operator's sessions would. */
enum sc_result my_alter_of(struct target *t, struct my_alter *out, struct sc_error *err);

/* Could two different values of this key column become the same in the ghost's? */
bool my_key_stays_distinct(const struct my_column *from, const struct my_column *to);

/* CREATE TABLE ghost LIKE source. SC_REFUSE where the account may not. */
enum sc_result my_clone_create(struct target *t, struct sc_error *err);

/* Appends a text as a DDL statement of our own sessions takes it, in quotes. */
void my_add_text(struct buf *b, const char *text);

/* todo */
struct my_todo *my_todo_add(struct target *t, enum my_stage stage, const char *name, const char *sql);

/* implicit.c: the value that the server gives to rows in a column that is NOT NULL without a default, as SQL; NULL:
 * there is none that it would take. */
const char *my_implicit_default(struct target *t, const struct my_column *column);

/* histograms.c: adds what makes the histograms of columns that stay as they are to t->todo, in MY_STAGE_AFTER. */
enum sc_result my_histograms_capture(struct target *t, struct sc_error *err);

/* Runs a statement on t->control as the operator's session would: in their sql_mode. */
enum sc_result my_run_as_operator(struct target *t, const char *sql, struct sc_error *err);

#endif
