/* Where changes come from: what an engine's reader offers the program.
 *
 * A source owns one replication connection and one thread. It puts encoded changes (cdc/change.h) into a spool, in
 * commit order, each transaction whole. It answers the server in time whatever the applier does, and confirms only what
 * source_ops.confirm() was told is durable. A lost connection is opened again with back-off, at the exact position; a
 * transaction that was cut off is never seen by the consumer in part: what was put of it stays valid, because the
 * source skips as many of its changes as it had already put when the server sends it again. */
#ifndef SC_CDC_SOURCE_H
#define SC_CDC_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cdc/change.h"

struct spool;
struct source;

/* What the catalog says of a column of the table, for engines whose log leaves it out. As the server prints it. */
struct source_column {
    const char *name;
    const char *type;      /* "bigint unsigned", "binary(16)" */
    const char *collation; /* NULL where it has none */
    bool optional;         /* may be NULL */
};

/* What no description in the log tells of a column: "virtual" or "stored" where it is generated, and its type where
 * others look the same in the log: "uuid", "stored inet6". */
struct source_untold {
    const char *name, *untold;
};

/* A table whose changes are handed on. */
struct source_table {
    uint32_t id;                         /* which one: by number ... */
    const char *schema, *name;           /* ... or by name, where the engine's log has no lasting number */
    const struct source_column *columns; /* in the order of the log; NULL where the log says it all */
    uint16_t ncolumns;
    const bool *computed; /* of each: generated; where the log leaves it out, it is handed on as NULL. NULL: none */
    /* Of a source that goes on over changes of its tables (source_config.goes_on): */
    bool told;                          /* `columns` are not those of the log: it has to tell them, or reading ends */
    const struct source_untold *untold; /* of those columns that there is something to say of */
    size_t nuntold;
    const char *const *kept;  /* columns that have to be there */
    const char *const *ruled; /* names that no column may lose or get by another name */
    size_t nkept, nruled;
};

struct source_config {
    const char *url;
    const char *application;           /* start of the name the server shows for the session */
    const char *slot;                  /* what the server calls our place in its log */
    const char *publication;           /* what is sent; unused where the engine has no such thing */
    const char *message_prefix;        /* markers with this prefix are ours; all others are passed over */
    const char *timezone, *date_order; /* session settings that decide how values are written */
    const struct source_table *tables; /* only their changes are handed on; no two the same. Copied by start() */
    size_t ntables;
    const char *marker_schema;   /* markers are rows of a table in this schema, where the engine's log has no messages;
                                  * NULL: none are read */
    const char *server_identity; /* of the server the position belongs to, where that is a text; else NULL */
    const char *end_marker;      /* reading ends at this marker, which is handed on; NULL: it goes on */
    struct position start;       /* resume behind this; all zero: from where the server kept our place */
    uint64_t system_identifier;  /* of the server the position belongs to */
    uint32_t timeline;
    int64_t status_interval_ms; /* feedback at least this often, e.g. 1000 */
    int64_t give_up_ms;         /* no connection for this long: failed, resumable */
    /* A statement that changes columns or indexes of a table, and nothing else, is passed over where the log describes
     * tables by itself; RELATIONs are `told` from there on. Else it is where reading ends. */
    bool goes_on;
    /* Filled by target_ops.source_config(): how the server is to be set so that its log does so; NULL: it does. */
    const char *describes_if;
};

struct source_stats {
    bool connected;
    uint64_t reconnects;
    uint64_t bytes; /* received */
    uint64_t transactions, changes;
    struct position received;   /* end of the last whole transaction put into the spool */
    struct position server_end; /* end of the server's log as last told */
    struct position confirmed;  /* as last told to the server */
    bool full;                  /* waits for room in the spool */
    char state[160];            /* for people: "streaming", "reconnecting in 2 s: server closed the connection" */
    /* result SC_OK: none. Else it has ended for good, and this is why; what it had put can still be taken from the
     * spool. SC_RETRY: the same run may go on later (no server, no room); SC_REFUSE: never. */
    struct sc_error failure;
};

struct source_ops {
    /* Connects, checks identity, starts the stream and the thread. `spool` is the caller's and outlives the source.
     * SC_REFUSE: the position is gone (slot missing, invalidated, other server): says what that means. */
    enum sc_result (*start)(const struct source_config *config, struct spool *spool, struct source **out,
                            struct sc_error *err);
    /* Everything up to this position is durably applied; may be called from any thread; never goes back. */
    void (*confirm)(struct source *source, const struct position *upto);
    void (*stats)(struct source *source, struct source_stats *out);
    /* Sends a last confirmation, ends the stream, joins the thread. NULL is fine. If the thread waits for room in a
     * full spool, the spool is stopped (spool_stop()). */
    void (*stop)(struct source *source);
};

#endif
