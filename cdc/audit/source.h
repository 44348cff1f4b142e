/* Where a change comes from, as consumers are told: the block `source` of an event, and the name of its transaction.
 * Each engine has its own. */
#ifndef SC_CDC_AUDIT_SOURCE_H
#define SC_CDC_AUDIT_SOURCE_H

#include "cdc/audit/table.h"

struct audit_origin {
    const char *version;       /* the program's */
    uint64_t server_id;        /* MySQL and MariaDB */
    const struct position *at; /* the transaction's place in the log, as its BEGIN has it */
    uint64_t xid;              /* PostgreSQL */
    uint64_t order;            /* the row's place in its transaction, from 1 on */
    int64_t commit_us;         /* since 1970 */
    bool snapshot;             /* read from the table, not from the log */
};

struct audit_engine {
    struct audit_source source; /* what stands in schemas */
    /* Appends the block. */
    void (*write_source)(struct buf *out, const struct audit_table *table, const struct audit_origin *origin);
    /* Appends the transaction's name, as Debezium makes it. */
    void (*write_transaction)(struct buf *out, const struct audit_origin *origin);
    /* Fills the columns of *out from a RELATION that is told; the types are audit_table_close()'s. NULL: there are no
     * such RELATIONs. */
    enum sc_result (*told)(const struct relation *relation, enum audit_decimals decimals, struct arena *arena,
                           struct audit_table *out, struct sc_error *err);
};

extern const struct audit_engine pg_audit_engine, mysql_audit_engine, mariadb_audit_engine;

/* The fields that all engines begin with, for their schemas and blocks. */
#define AUDIT_SOURCE_HEAD                                                                                              \
    "{\"type\":\"string\",\"optional\":false,\"field\":\"version\"},"                                                  \
    "{\"type\":\"string\",\"optional\":false,\"field\":\"connector\"},"                                                \
    "{\"type\":\"string\",\"optional\":false,\"field\":\"name\"},"                                                     \
    "{\"type\":\"int64\",\"optional\":false,\"field\":\"ts_ms\"},"                                                     \
    "{\"type\":\"string\",\"optional\":true,\"name\":\"io.debezium.data.Enum\",\"version\":1,\"parameters\":{"         \
    "\"allowed\":\"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental\"},"             \
    "\"default\":\"false\",\"field\":\"snapshot\"},"                                                                   \
    "{\"type\":\"string\",\"optional\":false,\"field\":\"db\"},"                                                       \
    "{\"type\":\"string\",\"optional\":true,\"field\":\"sequence\"},"                                                  \
    "{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_us\"},"                                                      \
    "{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ns\"},"
/* Appends {"version":...,"ts_ns":n, with `sequence` as JSON (a string or null). */
void audit_source_head(struct buf *out, const char *connector, const struct audit_table *table,
                       const struct audit_origin *origin, const char *sequence);

#endif
