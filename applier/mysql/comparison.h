/* What the statements of a comparison are made of, worked out once a session. comparison.c makes it; compare.c runs
 * them. */
#ifndef SC_APPLIER_MYSQL_COMPARISON_H
#define SC_APPLIER_MYSQL_COMPARISON_H

#include "applier/mysql/rows.h"

struct comparison {
    struct arena arena;
    bool staged;                       /* a value converts: the source's side is the temporary table */
    bool same_order;                   /* of the key in both tables */
    struct my_literal *keys;           /* of the ghost's key columns */
    const char *create, *empty, *fill; /* the temporary table */
    const char *source_from, *ghost_from;
    const char *source_side, *ghost_side; /* SELECT key AS k0, ..., hash AS h FROM ... */
    const char *join;                     /* FROM source AS s LEFT JOIN ghost AS g ON ... */
    const char *same;                     /* condition over both: it is there, and the same */
};

/* Makes s->comparison. Idempotent. */
enum sc_result my_comparison_open(struct session *s, struct sc_error *err);

/* Types that differ, of which the server compares any two values exactly, and shows values that are equal alike: what
 * is of one needs not be converted to be compared with what is of the other. */
bool my_comparable(const struct my_column *a, const struct my_column *b);
bool my_same_charset(const struct my_column *a, const struct my_column *b);

/* The ghost's column; the mapped column that key column k of the source is in. */
const struct my_column *my_compared_column(const struct target *t, const struct my_mapped *m);
const struct my_mapped *my_compared_key(const struct target *t, int k);
/* qualifier NULL: none. */
void my_add_column(struct buf *b, const char *qualifier, const char *name);

#endif
