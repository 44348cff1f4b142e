/* The binary log's events as they come over the wire or lie in a file: bytes in, one struct out.
 *
 * No socket, no thread, no clock, no SQL. Everything is checked against the event's end, and against its CRC32 where
 * the log has one. Every type is one of three: decoded, skipped (known to be harmless, or marked by the server as one
 * that may be ignored), or refused by name: a change that is guessed is a change that is lost (correctness B7).
 * my_event_types() is the table.
 *
 * Facts: MySQL Server Doxygen, "Binary log event structure"; libbinlogevents; MariaDB knowledge base, "Binlog Event
 * Types"; both checked against live servers (tests/unit/data/binlog). */
#ifndef SC_CDC_MYSQL_EVENTS_H
#define SC_CDC_MYSQL_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/reader.h"
#include "cdc/mysql/gtid.h"

/* What an event is for who reads it: several types share one kind (rows of any version, compressed or not). */
enum my_event_kind {
    MY_EVENT_SKIP,      /* nothing to do; counts for the position like any other */
    MY_EVENT_FORMAT,    /* begin of a file, or of the stream */
    MY_EVENT_ROTATE,    /* the log goes on in another file */
    MY_EVENT_STOP,      /* the server was shut down; another file follows */
    MY_EVENT_GTID,      /* begin of a transaction, or of a statement that is one by itself */
    MY_EVENT_GTIDS,     /* what was executed before this file: PREVIOUS_GTIDS, MariaDB's GTID_LIST */
    MY_EVENT_QUERY,     /* a statement's text */
    MY_EVENT_TABLE_MAP, /* which table a number stands for until the statement ends */
    MY_EVENT_ROWS,
    MY_EVENT_XID,        /* COMMIT */
    MY_EVENT_XA_PREPARE, /* end of a transaction that some XA COMMIT or XA ROLLBACK decides about later */
    MY_EVENT_PAYLOAD,    /* a whole transaction, compressed: cdc/mysql/payload.h */
    MY_EVENT_HEARTBEAT,  /* the server has nothing to send; not in the log */
    MY_EVENT_INCIDENT,   /* the server says that its log lacks something: the end */
};

/* Flags of the common header. */
enum {
    MY_EVENT_FLAG_IN_USE = 0x01,     /* FORMAT: the file was not closed (yet) */
    MY_EVENT_FLAG_ARTIFICIAL = 0x20, /* made by the sender; not in the log, its position counts for nothing */
    MY_EVENT_FLAG_IGNORABLE = 0x80,
};

enum my_checksum { MY_CHECKSUM_NONE, MY_CHECKSUM_CRC32, MY_CHECKSUM_UNKNOWN };

/* What the stream has told of itself. Zeroed and my_decoder_init() before a stream; reused for all its events. */
struct my_decoder {
    bool mariadb;              /* by the FORMAT event's version; before it, as my_decoder_init() was told */
    bool described;            /* a FORMAT event was seen */
    enum my_checksum checksum; /* of the events to come */
    char version[51];          /* the server's that wrote the log */
    uint8_t ntypes;            /* types that this log knows */
    uint8_t post_header[255];  /* bytes behind the common header, of type i + 1 */
};

struct my_format_event {
    uint32_t created; /* seconds; not 0: the server was started, temporary tables and open transactions are gone */
};

struct my_rotate_event {
    const char *file; /* NUL behind it */
    uint64_t offset;
};

struct my_gtid_event {
    bool anonymous;               /* MySQL without GTIDs: uuid, tag, number are nothing */
    struct my_gtid gtid;          /* MySQL */
    struct my_domain_gtid domain; /* MariaDB */
    bool standalone;              /* MariaDB: one QUERY (or LOAD) follows, without BEGIN and COMMIT */
    bool xa_prepare, xa_complete; /* MariaDB: the group is an XA PREPARE / its XA COMMIT or ROLLBACK */
    int64_t commit_us;            /* commit time by the server's clock, microseconds since 1970; 0: not told */
    uint64_t transaction_length;  /* bytes in the log of the whole transaction, this event too; 0: not told */
};

struct my_gtids_event {
    const uint8_t *set; /* PREVIOUS_GTIDS: for my_gtid_set_decode(); NULL for MariaDB */
    size_t set_len;
    uint32_t ndomains;
    const struct my_domain_gtid *domains; /* MariaDB; a domain may appear once for each server */
};

struct my_query_event {
    uint32_t thread_id;
    uint16_t error_code; /* that the statement ended with on the source */
    const char *schema;  /* default database, NUL behind it; "" none */
    const char *text;    /* no NUL behind it */
    size_t len;
    uint16_t charset;  /* number of the collation of character_set_client, which the text is in; 0 where not told */
    uint64_t sql_mode; /* @@sql_mode bits; 0 where not told */
    bool load;         /* EXECUTE_LOAD_QUERY: LOAD DATA in statement form */
};

struct my_table_map {
    uint64_t table_id;
    const char *schema, *table; /* NUL behind them */
    bool mariadb;               /* wrote it */
    uint16_t ncolumns;
    const uint8_t *types; /* MYSQL_TYPE_* as in the log (STRING may hide ENUM and SET: cdc/mysql/columns.h) */
    const uint16_t
        *metadata;           /* as the server decodes it: STRING type << 8 | length, NEWDECIMAL precision << 8 | scale,
                                else little-endian. NULL when a type is unknown: that can be another table's business */
    uint8_t unknown_type;    /* then */
    const uint8_t *nullable; /* bitmap */
    const uint8_t *unsigned_bits; /* optional metadata: a bit for each numeric column, highest first; or NULL */
    size_t unsigned_len;
    const uint8_t *charsets; /* optional metadata, as in the log; or NULL */
    size_t charsets_len;
    bool charsets_by_column; /* COLUMN_CHARSET; else DEFAULT_CHARSET */
    const char **names;      /* optional metadata; NULL where it has none */
    /* The rest of it, as in the log; data NULL where it has none. */
    struct my_map_field {
        const uint8_t *data;
        size_t len;
    } sets, enums;                /* members of each such column */
    struct my_map_field geometry; /* of which kind each such column is */
    struct my_map_field primary;  /* numbers of the primary key's columns ... */
    struct my_map_field prefixed; /* ... or, where it has prefixes, each with the prefix's length, 0 none */
    struct my_map_field member_charsets;
    bool member_charsets_by_column;
};

enum my_rows_op { MY_ROWS_INSERT, MY_ROWS_UPDATE, MY_ROWS_DELETE };

struct my_rows_event {
    enum my_rows_op op;
    uint64_t table_id;
    bool end_of_statement; /* all table numbers are void behind it */
    bool partial;          /* PARTIAL_UPDATE_ROWS: JSON columns may be diffs */
    uint32_t ncolumns;
    const uint8_t *before, *after; /* bitmaps of the columns in the images; NULL where there is no such image */
    const uint8_t *rows;           /* for my_rows_begin() (cdc/mysql/rows.h) */
    size_t rows_len;
};

struct my_xid_event {
    uint64_t xid;
};

/* XA identifiers are at most 64 + 64 bytes (MySQL manual, "XA Transaction SQL Statements"). */
struct my_xa_event {
    bool one_phase; /* XA COMMIT ... ONE PHASE: committed here and now */
    uint32_t format, gtrid_len, bqual_len;
    const char *data; /* gtrid, then bqual */
};

enum my_payload_compression { MY_PAYLOAD_ZSTD = 0, MY_PAYLOAD_PLAIN = 255 };

struct my_payload_event {
    enum my_payload_compression compression;
    uint64_t uncompressed_len;
    const uint8_t *data;
    size_t len;
};

struct my_heartbeat_event {
    const char *file; /* NUL behind it */
    uint64_t offset;  /* V1: the low 32 bits only, see my_log_position_heartbeat() */
    bool wide;        /* all 64 bits are there */
};

struct my_incident_event {
    uint16_t number;
    const char *message; /* NUL behind it */
};

struct my_event {
    enum my_event_kind kind;
    uint8_t type;
    const char *name;   /* "TABLE_MAP"; static */
    uint32_t timestamp; /* seconds since 1970 */
    uint32_t server_id;
    uint32_t length;       /* bytes in the log, checksum included */
    uint32_t end_position; /* as told, the low 32 bits of it */
    uint16_t flags;
    union {
        struct my_format_event format;
        struct my_rotate_event rotate;
        struct my_gtid_event gtid;
        struct my_gtids_event gtids;
        struct my_query_event query;
        struct my_table_map table_map;
        struct my_rows_event rows;
        struct my_xid_event xid;
        struct my_xa_event xa;
        struct my_payload_event payload;
        struct my_heartbeat_event heartbeat;
        struct my_incident_event incident;
    };
};

/* For a new stream. `mariadb`: what the server is. The events before the first FORMAT (a ROTATE made by the sender)
 * are taken with or without checksum, whichever fits. */
void my_decoder_init(struct my_decoder *d, bool mariadb);

/* Decodes exactly one event: `data` begins with the common header (no OK byte of the network packet) and is the event
 * to its end. Arrays, texts that need a NUL, and decompressed bodies come from the arena; all else points into `data`.
 * Updates the decoder on FORMAT. SC_FAIL: not an event as it must be, a wrong checksum, or a type that is refused;
 * *out must not be used, and the stream is to be ended. Whether the event is one of another table is not known before
 * TABLE_MAP, so what is refused is refused whatever table it belongs to. */
enum sc_result my_event_decode(struct my_decoder *d, struct arena *arena, const void *data, size_t len,
                               struct my_event *out, struct sc_error *err);

/* As my_event_decode(), for an event out of a transaction payload: it has no checksum, and its length and position
 * count for nothing. */
enum sc_result my_event_decode_inner(struct my_decoder *d, struct arena *arena, const void *data, size_t len,
                                     struct my_event *out, struct sc_error *err);

enum my_event_deed { MY_DEED_DECODED, MY_DEED_SKIPPED, MY_DEED_REFUSED };
struct my_event_type {
    uint8_t type;
    enum my_event_deed deed;
    const char *name;
    const char *why; /* of what is skipped or refused; else "" */
};
/* All types that are known by name, in the order of their numbers. All others are refused unless the server marked
 * them as ignorable. */
const struct my_event_type *my_event_types(size_t *count);

#endif
