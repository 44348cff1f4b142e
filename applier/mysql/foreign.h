/* Foreign keys out of the table. */
#ifndef SC_APPLIER_MYSQL_FOREIGN_H
#define SC_APPLIER_MYSQL_FOREIGN_H

#include "applier/mysql/alter.h"
#include "applier/mysql/target.h"

/* Stands before the key's name in the name of what is to be done (my_todo). */
#define MY_FOREIGN_TODO "foreign key "

/* As the new table shall have it. */
struct my_foreign {
    const char *name;
    bool added;                 /* by the ALTER; else it is carried over */
    bool unnamed;               /* the ALTER leaves the name to the server */
    const char *index_name;     /* that the ALTER gives, or NULL */
    const char *const *columns; /* of the new table */
    const char *const *refs;
    int ncolumns;
    const char *schema, *table;        /* that it refers to */
    const char *on_delete, *on_update; /* NULL: none was given */
};

struct my_foreigns {
    struct my_foreign *all; /* in the target's arena */
    int count;
};

/* --- foreign.c ---------------------------------------------------------------------------------------------------- */

/* Reasons why the source's own foreign keys cannot be carried. */
enum sc_result my_foreign_check(struct target *t, struct plan *plan, struct sc_error *err);

/* Which ones the new table shall have. Cuts what is about them out of the ALTER: on the ghost there are none. */
enum sc_result my_foreign_learn(struct target *t, struct my_alter *alter, struct my_foreigns *out,
                                struct sc_error *err);

/* What is to be done behind the swap, before anything else. */
void my_foreign_capture_swap(struct target *t, const struct my_foreigns *keys);
/* Do the rows fit? Before the swap, those the ALTER adds; and behind it, when everything else is done. */
void my_foreign_capture_rows(struct target *t, const struct my_foreigns *keys);

/* The tables that the source's foreign keys refer to, each once, qualified and quoted. */
void my_foreign_parents(const struct target *t, struct strlist *out);

/* Locks and notes for the plan, from t->todo. */
void my_foreign_describe(struct target *t, struct plan *plan);

/* "ADD CONSTRAINT ... FOREIGN KEY ..."; where the name is NULL, with that of the index. Another table than the key's
 * where it is not NULL. */
void my_add_foreign(struct buf *b, const struct my_foreign *key, const char *name, const char *schema,
                    const char *table);

/* --- foreign_try.c ------------------------------------------------------------------------------------------------ */

/* t->ghost is loaded, and has no rows yet: would it take the keys? Tried on empty clones of it and of the tables they
 * refer to. Makes the indexes on the ghost that new keys bring, and loads it again. SC_REFUSE: the reason. */
enum sc_result my_foreign_try(struct target *t, struct my_foreigns *keys, struct sc_error *err);
/* Drops the clones. */
bool my_foreign_is_clone(const struct target *t, const char *table);
enum sc_result my_foreign_remove_clones(struct target *t, struct sc_error *err);

/* --- foreign_run.c ------------------------------------------------------------------------------------------------ */

/* Done once, as soon as the tables are swapped; what does not succeed is done by finish(). MySQL: under the cutover's
 * lock, so that there is no moment in which a key is not enforced. */
void my_foreign_swapped(struct session *s);

/* One try of a todo of these stages. The session's lock_wait_timeout and foreign_key_checks are set. SC_FAIL: it cannot
 * be done. */
bool my_is_foreign(enum my_stage stage);
enum sc_result my_foreign_run(struct target *t, struct my_conn *conn, const struct my_todo *todo, struct strlist *notes,
                              struct sc_error *err);
/* MySQL from 8.4 on: a key that is there may refer to columns that are not unique, though a new one may not. */
void my_foreign_allow(struct target *t, struct my_conn *conn, bool any);
/* The job of MY_STAGE_ROWS. */
enum sc_result my_foreign_verify(struct session *s, const struct my_todo *todo, struct sc_error *err);

#endif
