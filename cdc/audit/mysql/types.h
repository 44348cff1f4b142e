/* MySQL's and MariaDB's types in change events. Facts: Debezium documentation, "MySQL data type mappings", and the same
 * of its connector for MariaDB; what values look like here: cdc/mysql/values.h. */
#ifndef SC_CDC_AUDIT_MYSQL_TYPES_H
#define SC_CDC_AUDIT_MYSQL_TYPES_H

#include "cdc/audit/table.h"

struct my_audit_type {
    const char *type;           /* COLUMN_TYPE of the catalog: "bigint unsigned", "decimal(10,2)", "enum('a','b')" */
    const char *charset;        /* of text, else NULL */
    const char *const *members; /* of ENUM and SET, in UTF-8, in their order */
    size_t nmembers;
    bool optional; /* may be NULL: so is what has no other form (zero dates) */
};

/* How its values are written. What *out points to is static or the arena's, but for out->converter:
 * audit_type_close(). SC_REFUSE: text in a character set that cannot be converted to UTF-8 here. */
enum sc_result my_audit_type(const struct my_audit_type *from, enum audit_decimals decimals, struct arena *arena,
                             struct audit_type *out, struct sc_error *err);

/* Bytes in that character set of the server's (NULL: binary) as text in UTF-8, the arena's. False: they are none, or
 * have a NUL in them. */
bool my_audit_text(const char *charset, const char *bytes, size_t len, struct arena *arena, const char **out);

/* describe.c: fills the columns of *out, but for what rules say of them, from a RELATION that is told. What types hold
 * is audit_table_close()'s, also when it fails. As my_audit_type(). */
enum sc_result my_audit_told(const struct relation *relation, enum audit_decimals decimals, struct arena *arena,
                             struct audit_table *out, struct sc_error *err);

#endif
