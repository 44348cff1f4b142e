/* PostgreSQL's types in change events. Facts: Debezium documentation, "PostgreSQL data type mappings";
 * src/include/catalog/pg_type.dat for the numbers. */
#ifndef SC_CDC_AUDIT_POSTGRES_TYPES_H
#define SC_CDC_AUDIT_POSTGRES_TYPES_H

#include "cdc/audit/table.h"

/* A column's type as the catalog has it; of a domain, what lies under it. */
struct pg_audit_type {
    uint32_t type;    /* pg_type.oid */
    int32_t modifier; /* atttypmod, -1: none */
    bool is_enum;     /* typtype 'e' */
    uint32_t element; /* of an array: the type of its elements; 0: no array */
    bool element_is_enum;
    const char *const *members; /* of the enum, in its order, or of the elements' */
    size_t nmembers;
};

/* How its values are written. Whatever Debezium has no form for is a string, as the server prints it. What *out points
 * to is static or the arena's. */
void pg_audit_type(const struct pg_audit_type *from, enum audit_decimals decimals, struct arena *arena,
                   struct audit_type *out);

#endif
