/* How values stand in a change event: Kafka Connect's types as its JsonConverter writes them, with Debezium's semantic
 * names. What is here both families share; which type of theirs becomes what is theirs to say (postgres/, mysql/).
 *
 * A value comes as the neutral change has it (cdc/change.h): text. Writing it is pure, and exact or not done: a text
 * that is none of its type's ends the stream, and is never guessed at. Facts: Kafka Connect, JsonConverter and
 * JsonSchema; Debezium documentation, "Data type mappings" of each connector. */
#ifndef SC_CDC_AUDIT_VALUES_H
#define SC_CDC_AUDIT_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct audit_type;

/* Appends one value, never NULL, as JSON. False: the text is none of this type's; what was appended is of no use. */
typedef bool audit_write(struct buf *out, const struct audit_type *type, const char *text, size_t len);

/* The schema's members in the order in which Connect writes them: `head`, then "optional", then `tail`. */
struct audit_type {
    audit_write *write;
    const char *head; /* "type":"array","items":{...} */
    const char *tail; /* ,"name":"io.debezium.time.Date","version":1 or "" */
    int scale;        /* decimals: digits behind the point; points in time: digits of the fraction that are shown */
    const struct audit_type *items;  /* of an array */
    const struct audit_type *inner;  /* what a rule is applied to (rules.h); else NULL */
    const struct audit_rules *rules; /* of that rule, where it needs them */
    const char *const *members;      /* names that numbers stand for */
    size_t nmembers;
    const char *zero; /* what stands for a day that does not exist */
    void *converter;  /* iconv_t, of text that is not UTF-8; else NULL */
};

audit_write audit_verbatim;    /* numbers that JSON writes as the server does */
audit_write audit_boolean;     /* t, true, 1, ... */
audit_write audit_float;       /* NaN and the infinities as strings: JSON has none */
audit_write audit_string;      /* bytes that are not UTF-8 become U+FFFD */
audit_write audit_bytes;       /* base64 */
audit_write audit_decimal;     /* Decimal: base64 of the number without its point, two's complement, big-endian */
audit_write audit_any_decimal; /* VariableScaleDecimal: {"scale":n,"value":base64} */
/* [-]YYYY-MM-DD[ BC], and `infinity`: days since 1970 */
audit_write audit_date;
/* [-]H:MM:SS[.fraction]: since midnight */
audit_write audit_time_ms, audit_time_us;
/* date and time, parted by a blank: since 1970, as if it were UTC */
audit_write audit_timestamp_ms, audit_timestamp_us;
/* the same with an offset (+05, -03:30, +00:19:32; none is UTC): ISO 8601 in UTC with `scale` digits */
audit_write audit_zoned_timestamp;
/* a time of day with an offset: the same of its time alone */
audit_write audit_zoned_time;

/* Gives back its converter, if it has one, and those of what it is made of. */
void audit_type_close(struct audit_type *type);

/* Appends base64 with its quotes. */
void audit_base64(struct buf *out, const void *data, size_t len);

#endif
