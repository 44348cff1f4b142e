/* What the clients were told: every operation with its outcome and the rows it touched, kept outside the server.
 *
 * An operation is known by its tag, client and number. Each row has a birth, the tag of the operation that inserted it
 * (and which of its rows it is), which never changes, and a trail, to which whoever changes the row appends its tag: so
 * a row tells who has changed it and in which order, and everything else that must be in it follows from the history.
 */
#ifndef TORTURE_HISTORY_H
#define TORTURE_HISTORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum kind {
    OP_INSERT,
    OP_TRANSFER, /* between two rows in one transaction: the sum stays */
    OP_APPEND,   /* a change by key alone, the row not read before */
    OP_CONTENT,  /* all other columns get new values */
    OP_MOVE,     /* to another key */
    OP_EXCHANGE, /* two rows exchange a unique value */
    OP_DELETE,
    OP_REINSERT, /* deleted, and another row inserted under its key, in one transaction */
    OP_ROLLBACK,
    OP_SAVEPOINT, /* a part of the transaction is rolled back */
    OP_MANY,      /* hundreds of rows at once */
    OP_KINDS
};
extern const char *const kind_names[OP_KINDS];

enum outcome {
    OUTCOME_UNKNOWN, /* the connection was lost while it was committed: all of it or nothing */
    OUTCOME_DONE,    /* acknowledged */
    OUTCOME_NOT_DONE /* refused or rolled back: nothing of it may be seen */
};

#define NOT_SET INT64_MIN
#define CLIENTS_MOST 32 /* client 0 is who filled the table */

/* (client << 40) | (number << 12) | which of the operation's rows */
#define BIRTH(client, number, row) (((int64_t)(client) << 40) | ((int64_t)(number) << 12) | (row))

struct touch {
    int64_t birth;
    int64_t delta;   /* added to its balance */
    int64_t slot, n; /* its new unique value and key; NOT_SET */
    bool content, born, died;
};

struct op {
    int64_t began_us, ended_us;
    uint64_t counted; /* rows the server counted, where the client does not know which: OP_APPEND and OP_MANY */
    struct touch touches[2];
    uint8_t touch_count, kind, outcome;
};

/* One client's; only that client adds to it. */
struct history {
    struct op *ops;
    uint32_t count, cap;
};

/* Number 0 is no operation: the first has 1. */
struct op *history_add(struct history *history, enum kind kind, uint32_t *number);
const struct op *history_find(const struct history *history, uint32_t number); /* NULL: there is none */
const struct touch *op_touch(const struct op *op, int64_t birth);              /* NULL: it does not touch that row */
void history_fini(struct history *history);

/* One line for each operation, for whoever looks into a failure. */
bool histories_write(const struct history *histories, int count, const char *path);

#endif
