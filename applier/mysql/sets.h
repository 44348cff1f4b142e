/* Rows of the log as statements on the ghost: many rows a statement, many statements a round trip.
 *
 * Rows are given one by one with what is to be done with them; neighbours of one kind become one statement, in the
 * order in which they came, and what each statement must have found is checked. Where a column converts, rows pass
 * through a temporary table with the source's columns, so that the server converts as it does when it copies.
 *
 *   my_sets_open(), my_sets_tidy()  outside a transaction
 *   my_sets_begin()           at the start of what is to be applied
 *   my_set_row() ...          in the order in which it is to be done
 *   my_sets_end() */
#ifndef SC_APPLIER_MYSQL_SETS_H
#define SC_APPLIER_MYSQL_SETS_H

#include "applier/mysql/rows.h"

enum my_set_kind {
    MY_SET_NONE,
    MY_SET_DELETE, /* counted: every key must be there */
    MY_SET_PARK,   /* makes unique values NULL, of rows that are set later in the same batch */
    MY_SET_UPSERT, /* the row is as given afterwards, there or not */
    MY_SET_UPDATE, /* as MY_SET_UPSERT, and must be there; no key twice in a row unless rows are staged */
    MY_SET_INSERT, /* must not be there */
};

/* What one statement of a script must give. */
enum my_expect { MY_EXPECT_ANYTHING, MY_EXPECT_AFFECTED, MY_EXPECT_COUNT };

#define MY_SCRIPT_STATEMENTS 256

struct my_script {
    struct buf sql;
    int count;
    struct my_expectation {
        enum my_expect expect;
        uint64_t rows;
        size_t end; /* of the statement in sql, its semicolon not counted */
        const char *what;
    } statements[MY_SCRIPT_STATEMENTS];
};

struct my_sets {
    struct arena arena;
    bool staged;
    struct my_literal *keys;  /* of the ghost's key columns, for comparing; staged: of the source's */
    const char *key_tuple;    /* of the ghost: "`a`" or "(`a`, `b`)" */
    const char *insert_into;  /* INSERT INTO ghost (columns) VALUES */
    const char *on_duplicate; /* sets every mapped column */
    const char *empty_stage, *empty_keys;
    const char *into_stage, *into_keys;   /* INSERT INTO ... VALUES */
    const char *join_stage, *join_keys;   /* stage STRAIGHT_JOIN ghost ON the key */
    const char *where_stage, *where_keys; /* " WHERE " and the number of a row there */
    const char *insert_staged, *on_staged_duplicate;
    const char *set_staged; /* ghost.column = stage.column, ... */
    bool park_known;
    const char *park; /* "`a` = NULL, ..."; NULL: nothing can be parked */
    bool steps_known;
    int steps;   /* parts.c */
    size_t most; /* bytes of a statement, and of a script, unless one row is larger */

    bool one_upsert; /* one row for each INSERT ... ON DUPLICATE KEY UPDATE */

    bool parks;   /* a conflict has shown the need */
    bool counted; /* strict: what is not found is a contradiction */
    bool singly;  /* statements are sent one by one: a warning has to be named */
    bool warned;
    bool large; /* the row at hand is sent in pieces: large.c */
    int larges; /* of its values */
    /* Of the next row in a temporary table. Rows are left there till the batch has ended: to delete them would leave
     * something that every scan has to pass until the transaction ends. */
    uint64_t next_row;
    enum my_set_kind kind;
    uint64_t rows;
    struct buf keys_list, values_list;
    struct my_script script;
};

enum sc_result my_sets_open(struct session *s, struct sc_error *err);
void my_sets_free(struct my_sets *sets); /* NULL is fine */

/* Outside a transaction, from time to time. */
enum sc_result my_sets_tidy(struct session *s, struct sc_error *err);
void my_sets_begin(struct session *s, bool strict);
/* key: the key's values in key order. row: all of the source's columns; not looked at by MY_SET_DELETE and MY_SET_PARK.
 */
enum sc_result my_set_row(struct session *s, enum my_set_kind kind, const struct value *key, const struct value *row,
                          struct sc_error *err);
/* The one row that has the key `old` becomes `row`, whatever its key. Counted. */
enum sc_result my_set_change(struct session *s, const struct value *old, const struct value *row, struct sc_error *err);
/* Removes all rows. */
enum sc_result my_set_truncate(struct session *s, struct sc_error *err);
/* Sends what is still to be sent. */
enum sc_result my_sets_end(struct session *s, struct sc_error *err);
/* The last failure was a warning that nobody could name: doing it again with sets->singly will. */
bool my_sets_warned(const struct session *s);

/* Learns which columns can be parked, in the open transaction. */
enum sc_result my_park_learn(struct session *s, struct sc_error *err);

enum sc_result my_count_differs(const struct session *s, const char *what, uint64_t expected, uint64_t found,
                                struct sc_error *err);

/* large.c: a row whose statement would be larger than the server takes. Its large values go ahead in pieces, each into
 * a variable of the session. */
bool my_large_row(const struct session *s, const struct value *row);
bool my_large_is(const struct my_literal *literal, const struct value *value);
/* Sends the value, and appends the variable that holds it. */
enum sc_result my_large_add(struct session *s, struct buf *b, const struct value *value, struct sc_error *err);
/* The variables are not needed any more. */
enum sc_result my_large_end(struct session *s, struct sc_error *err);

/* apply.c: says of a failure what it means and what to do. Returns `result`. */
enum sc_result my_apply_explain(const struct session *s, enum sc_result result, struct sc_error *err);

/* cutover.c: have writers waited for the drain for too long? */
bool my_cutover_is_late(const struct session *s);

/* folded.c. In two steps where applied in parts: first everything goes away that has to, then everything is set. */
enum my_step { MY_STEP_ALL, MY_STEP_MAKE_ROOM, MY_STEP_SET };
enum sc_result my_folded_apply(struct session *s, const struct batch *batch, enum my_step step, struct sc_error *err);

/* ordered.c */
enum sc_result my_ordered_apply(struct session *s, const struct batch *batch, struct sc_error *err);

#endif
