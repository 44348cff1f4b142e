/* What the audit shows of each column: the operator says it, column by column, or for all the rest. There is no
 * default: values of rows leave the database here, and somebody has to have decided which. */
#ifndef SC_CDC_AUDIT_RULES_H
#define SC_CDC_AUDIT_RULES_H

#include "cdc/audit/table.h"

enum audit_rule {
    AUDIT_SHOW,    /* as it is */
    AUDIT_TEXT,    /* as the server prints it, whatever its type: a string */
    AUDIT_MASK,    /* "*****" */
    AUDIT_HASH,    /* HMAC-SHA-256 of the value as it would be written: 64 hexadecimal digits */
    AUDIT_SHORTEN, /* a string's first characters */
    AUDIT_DROP,    /* consumers are not told that there is such a column */
};

struct audit_rules {
    struct arena arena;
    size_t count;
    struct audit_column_rule {
        const char *column; /* NULL: all that have no rule of their own */
        enum audit_rule rule;
        uint32_t length; /* TRUNCATE: characters */
    } * rules;
    const char *secret; /* the key of HASH, or NULL */
    size_t secret_len;
};

/* "id=plain,email=hash,note=truncate:20,*=drop"; a name with ',' or '=' in it stands in double quotes, doubled within.
 * SC_REFUSE: it is none, or has two rules for one column. */
enum sc_result audit_rules_parse(const char *text, struct audit_rules *out, struct sc_error *err);
void audit_rules_fini(struct audit_rules *rules);

/* SC_REFUSE: there is a rule for a column that none of the tables has. */
enum sc_result audit_rules_check(const struct audit_rules *rules, const struct audit_table *tables, size_t count,
                                 struct sc_error *err);

/* Before audit_table_prepare(); what is made is the arena's, and the rules outlive it. SC_REFUSE: a column without a
 * rule, a key that would not tell rows apart, HASH without a secret, TRUNCATE of
 * what is no string. */
enum sc_result audit_rules_apply(const struct audit_rules *rules, struct audit_table *table, struct arena *arena,
                                 struct sc_error *err);

#endif
