/* A message of an audit as a change of a row: Debezium's envelope, and its values as the server shows them. */
#ifndef TORTURE_ENVELOPE_H
#define TORTURE_ENVELOPE_H

#include <jansson.h>

#include "torture/shape.h"
#include "torture/topic.h"

struct event {
    char op; /* c, u, d; 0 for a tombstone */
    json_t *root;
    const json_t *before, *after; /* NULL */
    const char *transaction;      /* its id */
    int64_t order;                /* in it, from 1 on */
};

/* NULL, or what is wrong with it. */
const char *event_read(const struct message *message, struct event *event);
void event_fini(struct event *event);

/* A message's key as COL_KEY has it; the caller's. NULL: it is none of this table's. */
char *event_key(const struct shape *shape, const char *key);

/* NULL: the row has no such column. */
const json_t *event_value(const json_t *row, enum column column);
/* A text; NULL: it is none. */
const char *event_text(const json_t *row, enum column column);
/* False: it is no number. */
bool event_number(const json_t *row, enum column column, int64_t *number);
/* A large value that did not change, and is not in PostgreSQL's log. */
bool event_is_left_out(const json_t *value);
/* Is it what the server shows as `text` (NULL for SQL NULL)? */
bool event_is(enum column column, const json_t *value, const char *text);

#endif
