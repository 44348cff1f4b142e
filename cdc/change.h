/* The neutral change event: what a row change is, whatever log it came from.
 *
 * A transaction arrives whole and in commit order: BEGIN, its changes, COMMIT. Rows and TRUNCATE are of the table that
 * the last RELATION describes: one comes, also within a transaction, before the first row of a shape, and wherever the
 * change that follows is of another table than the last. It may come again and without a row. A MARKER is a message
 * that we wrote into the log ourselves; outside a transaction it stands where it was written. */
#ifndef SC_CDC_CHANGE_H
#define SC_CDC_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/* No server allows more columns in a table (PostgreSQL 1600, MySQL 4096). */
#define MAX_COLUMNS 4096

/* Where in the log. `order` grows with the log and may be compared within one server's history; `text` is the engine's
 * own form
 * ("16/B374D848", "binlog.000007:4711 <executed GTIDs>"), which is what is stored and shown. All zero: nowhere yet. */
#define POSITION_TEXT 512
struct position {
    uint64_t order;
    char text[POSITION_TEXT];
};

enum value_state {
    VALUE_ABSENT,    /* the log did not say (not part of this image) */
    VALUE_UNCHANGED, /* the log says it did not change, and so leaves it out (TOAST) */
    VALUE_NULL,
    VALUE_PRESENT,
};

struct value {
    enum value_state state;
    uint32_t len;
    const char *data; /* text form, NUL behind it; not owned */
};

struct relation_column {
    const char *name;
    uint32_t type;    /* the engine's type number; 0 where relation.id is */
    int32_t modifier; /* the engine's type modifier, -1 none */
    bool key;         /* part of the row's identity in the log */
    /* What the log itself tells, beside the catalog, of a table that it describes (struct relation.told); else
     * nothing. As the catalog prints it, but that members of ENUM and SET stand in hexadecimal digits of the column's
     * own character set: "int unsigned", "enum(0x61,0x62)". */
    const char *told_type;
    const char *told_charset; /* of text and of members; NULL: it has none */
    bool told_optional;       /* may be NULL */
    bool told_absent;         /* its values are not in the log */
    uint16_t told_key;        /* its place in the primary key, from 1 on; 0: none of it */
};

struct relation {
    uint32_t id; /* the engine's number for the table (OID, table id); 0: the log has not told it yet */
    const char *schema, *name;
    char identity; /* PostgreSQL's replica identity: 'd', 'n', 'f', 'i' */
    uint16_t ncolumns;
    struct relation_column *columns;
    bool told;    /* the log tells all of its columns, whatever the catalog says of them now */
    bool altered; /* of no columns: the table was changed here, and is described anew before its next row */
};

enum change_kind {
    CHANGE_RELATION = 1,
    CHANGE_BEGIN,
    CHANGE_INSERT,
    CHANGE_UPDATE,
    CHANGE_DELETE,
    CHANGE_TRUNCATE,
    CHANGE_COMMIT,
    CHANGE_MARKER,
};

struct change {
    enum change_kind kind;
    uint64_t xid; /* BEGIN: transaction id as the log has it (PostgreSQL: 32 bits) */
    /* BEGIN: of the commit record. COMMIT: behind the commit, where reading may resume. MARKER: behind the message,
     * which is where the commit record of a transaction that ends after it may begin. */
    struct position position;
    int64_t commit_us;        /* BEGIN, COMMIT: server's wall clock, microseconds since 1970 */
    struct relation relation; /* RELATION */
    /* INSERT: new. UPDATE: new, and old when the log has an old image. DELETE: old. Values in the relation's column
     * order, `ncolumns` of them. In an old image that holds only the key, all other columns are VALUE_ABSENT. */
    uint16_t ncolumns;
    struct value *old_row, *new_row;
    const char *marker; /* MARKER: our text */
};

/* Appends one encoded change to out. Values need no NUL behind them here. INSERT and UPDATE have new_row, DELETE has
 * old_row. */
void change_encode(struct buf *out, const struct change *change);

/* Decodes exactly one change of `len` bytes. Only arrays (rows, columns) come from the arena: values, names and the
 * marker point straight into `data`, which must outlive the decoded change. A spool's record is gone with the next
 * spool_take(): copy it first when changes are collected. SC_FAIL: not a change this program wrote; *out must not be
 * used. */
enum sc_result change_decode(struct arena *arena, const void *data, size_t len, struct change *out,
                             struct sc_error *err);

/* Memory that a change holds for its values (bytes and arrays), in bytes: for limits on batches. */
size_t change_bytes(const struct change *change);

const char *change_kind_name(enum change_kind kind);

#endif
