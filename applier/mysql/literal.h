/* Values of the log as SQL literals, and the bounds of chunks as text and back.
 *
 * What a literal gives when it is assigned to a column of the same type is the very same value, bit for bit, under
 * this program's own session settings (conn.h: strict mode, zero dates as they are, time_zone '+00:00', utf8mb4), and
 * none depends on NO_BACKSLASH_ESCAPES or on character_set_client. A column of another type gets the value through one
 * of the source's type (target.h, `converts`).
 *
 * What is compared is not what is assigned: a FLOAT is equal only to the double it stands for, and ENUM and SET are
 * ordered by number but compared with text as text. my_add_key_value() and my_add_key_literal() are for comparisons
 * (WHERE key ...), my_add_value() for VALUES lists and SET clauses. */
#ifndef SC_APPLIER_MYSQL_LITERAL_H
#define SC_APPLIER_MYSQL_LITERAL_H

#include "applier/mysql/target.h"
#include "base/error.h"
#include "base/mem.h"
#include "cdc/change.h"

enum my_literal_kind {
    MY_LITERAL_NUMBER, /* as it is: integers, DECIMAL, YEAR, BIT */
    MY_LITERAL_FLOAT,
    MY_LITERAL_DOUBLE,
    MY_LITERAL_QUOTED, /* text that needs no escapes: temporal types, UUID, INET4, INET6 */
    MY_LITERAL_TEXT,   /* bytes in the column's character set */
    MY_LITERAL_BINARY, /* bytes: BINARY, VARBINARY, BLOB, VECTOR */
    MY_LITERAL_GEOMETRY,
    MY_LITERAL_ENUM,
    MY_LITERAL_SET,
    MY_LITERAL_JSON, /* MySQL only: MariaDB's JSON is text */
};

/* What is worked out once for a column, so that a value costs no more than its bytes. */
struct my_literal {
    enum my_literal_kind kind;
    enum my_family family;
    const struct my_column *column;
    char introducer[72]; /* "_utf8mb4"; empty: none */
    size_t introducer_len;
    bool ascii;          /* printable ASCII may stand between quotes (false: UCS2, UTF16 ...) */
    bool by_number;      /* ENUM, SET: the names do not tell the members apart, or cannot be written; numbers do */
    const char *nothing; /* ENUM: the text that the server takes for index 0; NULL: it takes none (MariaDB) */
};

/* column must outlive *out. SC_REFUSE: a type that this program does not know. */
enum sc_result my_literal_init(struct my_literal *out, enum my_family family, const struct my_column *column,
                               struct sc_error *err);

/* Appends the value (VALUE_NULL: NULL) as an expression to assign. Neither allocates (but for growing b) nor looks at
 * the server. SC_FAIL: the value is not one of this column's type (ENUM index beyond the members, JSON that is
 * damaged, a value that the log left out): nothing usable was appended, and the migration must stop. */
enum sc_result my_add_value(struct buf *b, const struct my_literal *literal, const struct value *value,
                            struct sc_error *err);

/* As my_add_value(), for comparing with the column: the index on it is used. JSON and GEOMETRY are no keys: SC_FAIL. */
enum sc_result my_add_key_value(struct buf *b, const struct my_literal *literal, const struct value *value,
                                struct sc_error *err);

/* Chunk bounds. my_add_key_select() appends an expression over the column (qualifier: an alias or NULL) that the server
 * gives as ASCII text without loss; my_add_key_literal() appends the expression for that text that compares with the
 * column as the value did: same type, character set and collation, through the index. SC_FAIL: not a text of
 * my_add_key_select(), e.g. out of a damaged checkpoint. */
void my_add_key_select(struct buf *b, const struct my_literal *literal, const char *qualifier);
enum sc_result my_add_key_literal(struct buf *b, const struct my_literal *literal, const char *text,
                                  struct sc_error *err);

/* Appends bytes as two hexadecimal digits each. */
void my_add_hex(struct buf *b, const void *data, size_t len);

#endif
