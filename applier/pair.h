/* How two tables fit together that are to be compared: which column of one is which of the other, and which of them
 * takes the source's part, whose values are converted. Engines say what only they know. */
#ifndef SC_APPLIER_PAIR_H
#define SC_APPLIER_PAIR_H

#include <stdbool.h>

#include "base/error.h"

struct pair_side {
    const void *table;
    int count; /* of its columns */
    const char *(*name)(const void *table, int column);
};

/* of[i]: which column of b is a's i-th, or -1; by name, unless `map` says it: "x=y,z=w", x and z being a's, y and w
 * b's; NULL: it says nothing. fold: case makes no difference (ASCII). SC_REFUSE: the map cannot be read, names what is
 * not there, or a column twice. */
enum sc_result pair_columns(const char *map, struct pair_side a, struct pair_side b, bool fold, int *of,
                            struct sc_error *err);

/* Is b one of the columns that a's are? */
bool pair_has(const int *of, int count, int b);

/* swapped: b takes the source's part. */
struct pair_view {
    void *arg;
    const int *of;
    int count; /* of a's columns */
    /* Do all values stay what they are, so that two that differ still do, when converted to the other column's type? */
    bool (*stays)(void *arg, int a, int b, bool swapped);
    /* Finds a key that both have, whose values stay distinct. */
    bool (*find_key)(void *arg, bool swapped);
};

/* b takes the source's part if it was put aside by a migration, which has converted its values, or if the other way
 * round values could become the same, or there is no key. False: no key either way. Else find_key() was asked last for
 * *swapped. */
bool pair_direction(const struct pair_view *view, bool put_aside, bool *swapped);

#endif
