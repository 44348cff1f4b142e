/* What consumers are told of a table's rows: a change event as Debezium writes it, in JSON as Kafka Connect's
 * JsonConverter writes that, with its schema or without.
 *
 * Everything here is a function of the change alone: sent again after a restart, an event is the same to the last byte.
 * Therefore `ts_ms` is the commit's time, and not that of sending (which Kafka keeps with each record).
 * Facts: Debezium documentation, "Change events" of each connector; Kafka Connect, JsonConverter. */
#ifndef SC_CDC_AUDIT_TABLE_H
#define SC_CDC_AUDIT_TABLE_H

#include "base/error.h"
#include "cdc/audit/values.h"
#include "cdc/change.h"

enum audit_decimals { /* Debezium's decimal.handling.mode */
                      AUDIT_DECIMALS_PRECISE,
                      AUDIT_DECIMALS_STRING,
                      AUDIT_DECIMALS_DOUBLE,
};

/* What the operator says of all tables. */
struct audit_options {
    const char *prefix; /* of topics: names the server for consumers */
    bool with_schema;
    enum audit_decimals decimals;
};

struct audit_column {
    const char *name;
    struct audit_type type;
    bool optional;     /* may be NULL, or missing from an image */
    bool left_out;     /* consumers are not told that it is there */
    int key;           /* its place in the key, from 1 on; 0: none of it */
    int number;        /* what the catalog knows it by under any name; 0: nothing */
    uint32_t log_type; /* its type's number and modifier, where the log tells them by each description (PostgreSQL); */
    int32_t log_modifier; /* ... 0: it does not */
    const char *label;    /* the rest is audit_table_prepare()'s: "name": */
};

/* The block that says where a change comes from is each engine's own. */
struct audit_source {
    const char *schema; /* its fields, as JSON */
    const char *schema_name;
};

struct audit_table {
    const char *prefix;  /* of the topic: what names the server for consumers */
    const char *catalog; /* the database */
    const char *schema;  /* NULL where the server has none beside the database */
    const char *name;
    size_t ncolumns;
    struct audit_column *columns; /* in the order of the log */
    struct audit_source source;
    bool with_schema;
    bool values_are_text; /* the log has them all as the server prints them (PostgreSQL) */
    char identity;        /* replica identity as the log tells it with each description; 0: it does not */

    const char *topic; /* NULL: audit_table_prepare() makes PREFIX.SCHEMA.NAME, with what Kafka takes no name of
                        * replaced by _; the rest is audit_table_prepare()'s: */
    const char *key_head, *value_head, *tail;
    const int *key_order; /* columns of the key, in its order */
    size_t nkey;
};

/* Makes what is the same in all events. What it makes is the arena's. SC_REFUSE: no column of a key, or one of them is
 * left out. */
enum sc_result audit_table_prepare(struct audit_table *table, struct arena *arena, struct sc_error *err);

/* Is it the one that the log calls so? */
bool audit_table_is(const struct audit_table *table, const char *schema, const char *name);

/* Gives back what its types hold outside the arena. */
void audit_table_close(struct audit_table *table);

enum audit_op { /* Debezium's letters */
                AUDIT_CREATE = 'c',
                AUDIT_UPDATE = 'u',
                AUDIT_DELETE = 'd',
                AUDIT_READ = 'r',
                AUDIT_TRUNCATE = 't',
};

struct audit_event {
    enum audit_op op;
    const struct value *before, *after; /* NULL: no such image */
    const char *source;                 /* the block, as JSON */
    const char *transaction;            /* its id; NULL: of none (a snapshot's read) */
    uint64_t order;                     /* its place in the transaction, among the table's rows, from 1 on */
    uint64_t total_order;               /* ... and among all rows */
    int64_t commit_us;                  /* since 1970 */
};

/* The key of a row. SC_FAIL: a value is none of its type's; names the column. */
enum sc_result audit_write_key(struct buf *out, const struct audit_table *table, const struct value *row,
                               struct sc_error *err);
enum sc_result audit_write_value(struct buf *out, const struct audit_table *table, const struct audit_event *event,
                                 struct sc_error *err);
/* One row as it stands in `before` and `after`. */
enum sc_result audit_write_row(struct buf *out, const struct audit_table *table, const struct value *row,
                               struct sc_error *err);

#endif
