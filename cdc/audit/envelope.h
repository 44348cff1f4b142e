/* Looks into a change event as this program writes it (table.h), without making a tree of it: where the pieces stand
 * that a reader of the history needs. Bounded, of any input. */
#ifndef SC_CDC_AUDIT_ENVELOPE_H
#define SC_CDC_AUDIT_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

struct audit_envelope {
    char op;           /* Debezium's letter */
    bool with_schema;  /* {"schema":...,"payload":...}: then keys are, too */
    const char *after; /* the row's bytes as audit_write_row() made them, in the value; NULL: there is none */
    size_t after_len;
    bool partial; /* the log has left a value out of it that did not change */
};

/* False: no change event: no JSON, one without op, with two of a name, or nested deeper than any. */
bool audit_envelope_read(const void *value, size_t len, struct audit_envelope *out);

/* The key without its schema: where it stands in these bytes. False: no key of this form. */
bool audit_key_payload(const void *key, size_t len, bool with_schema, const char **payload, size_t *payload_len);

#endif
