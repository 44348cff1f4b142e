/* The table that is migrated: its key, its ALTER, and what each operation writes into a row, which follows from the
 * operation's tag alone. What differs between the families is in shape_postgresql.c and shape_mysql.c. */
#ifndef TORTURE_SHAPE_H
#define TORTURE_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "torture/sql.h"

enum key { KEY_INT, KEY_COMPOSITE, KEY_TEXT, KEY_BINARY, KEYS };
enum { ALTERS = 4 };

/* The columns as they are selected, in this order; then the key as text. */
enum column {
    COL_N,
    COL_BIRTH,
    COL_SLOT,
    COL_BAL,
    COL_VER,
    COL_TRAIL,
    COL_NOTE,
    COL_AMOUNT,
    COL_DOC,
    COL_PAD,
    COL_MOMENT,
    COL_KIND,
    COL_BYTES,
    COL_KEY,
    COLUMNS
};
enum { CONTENT_FIRST = COL_NOTE };
extern const char *const column_names[COLUMNS];

struct family {
    const char *name;
    const struct sql_ops *sql;
    const char *select; /* COL_N to COL_BYTES, as text where that could be read in two ways */
    const char *key_texts[KEYS], *key_definitions[KEYS];
    const char *create_tables; /* statements, each ending with ";"; for printf, with the key's definition */
    const char *alters[ALTERS];
    const char *read_committed, *repeatable_read, *begin_repeatable_read;
    const char *counts; /* rows of t by each of four indexes, the key first; NULL: a statement cannot choose */
    /* A statement made once in a session that appends a tag to row n, and how it is run: each for printf with the tag
     * and n; execute_first may be NULL. */
    const char *prepare, *execute_first, *execute;
    void (*bytes)(struct buf *out, const uint8_t *data, size_t len); /* a literal */
    void (*binary_key)(struct buf *out, const char *hex);
    /* By whoever administers the server: what failed runs have left, which may fail; the database %s, and what else. */
    const char *clear, *create;
    const char *program_user;     /* who migrates: replaces the user of the URL */
    const char *columns_of;       /* of table t after the migration, a row each: to be compared with a native ALTER's */
    const char *program_sessions; /* ids of seachange's sessions with the server */
    const char *end_session;      /* for printf with an id */
    const char *left_behind;      /* what must not be there once a migration is done, a row each */
    const char *old_table;        /* the name of the one that was swapped out */
    /* What is applied, and what the audit has sent, as one number; fails or has no row while nothing is stored. */
    const char *position, *audited;
    const char *streamed_position, *streamed; /* the same of a standing stream */
    /* Changes of the table that a standing stream goes on over, and what the log needs for that; NULL: with faults all
     * around it may find rows that it no longer knows how to read, and says so. */
    const char *stream_alters[ALTERS], *log_describes, *log_describes_option;
    const char *full_images; /* a statement after which the log has rows whole; NULL: it always has */
};
extern const struct family family_postgresql, family_mysql;

struct shape {
    const struct family *family;
    enum key key;
    int alter;
};

/* The key's values for row n: "1, 2" to insert, "grp = 1 AND id = 2" to find, "grp = 1, id = 2" to set. */
void shape_key_values(const struct shape *shape, struct buf *out, int64_t n);
void shape_key_where(const struct shape *shape, struct buf *out, int64_t n);
void shape_key_set(const struct shape *shape, struct buf *out, int64_t n);
/* As COL_KEY must show it. */
void shape_key_text(const struct shape *shape, struct buf *out, int64_t n);

/* What columns COL_NOTE to COL_BYTES hold after the operation with this tag: as literals for a statement, parted by
 * commas; and as the server must show column `column`: false for NULL. */
#define CONTENT_COLUMNS "note, amount, doc, pad, moment, kind, bytes_"
void content_values(const struct family *family, struct buf *out, int client, uint32_t number);
void content_set(const struct family *family, struct buf *out, int client, uint32_t number);
bool content_text(enum column column, struct buf *out, int client, uint32_t number);

#endif
