/* Rows as they were read in the end, and what a row must be by its trail. */
#ifndef TORTURE_ROWS_H
#define TORTURE_ROWS_H

#include "torture/clients.h"

/* Of a deleted one, COL_KEY is the tag of who deleted it. */
struct row {
    int64_t birth;
    char *values[COLUMNS]; /* as the server shows them; NULL for SQL NULL */
    bool dead;
};

struct rows_read {
    struct row *items;
    size_t count;
};

/* What is there now and what was deleted; and the table that was swapped out. Sorted by birth. */
struct content {
    struct rows_read all, old;
};

/* Reads it; old_table NULL: there is none. False with world's errors. */
bool content_read(struct world *world, const char *old_table, struct content *content);
void content_fini(struct content *content);
const struct row *rows_find(const struct rows_read *rows, int64_t birth); /* NULL: it is not there */

/* The next tag of a trail ":1.2:3.4"; false at its end or where it is none. */
bool trail_next(const char **trail, int *client, uint32_t *number);
/* Does the trail begin with another one, of `len` characters? */
bool trail_begins(const char *trail, const char *with, size_t len);

/* What the row must be, by the operations of its trail; all zero but slot and n, which are NOT_SET, at its beginning.
 */
struct expected {
    int64_t ver, bal, slot, n;
    int content_client;
    uint32_t content_number;
};
void expected_touch(struct expected *e, const struct touch *t, int client, uint32_t number);

/* "row 1.2/0", for findings. */
enum { ROW_NAME = 80 };
void row_name(char text[ROW_NAME], int64_t birth);

#endif
