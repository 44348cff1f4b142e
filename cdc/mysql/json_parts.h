/* What the files that read binary JSON share. Used by json*.c only.
 *
 * A value is a type and, behind it or in the entry of its container, its bytes. A container is: number of elements,
 * size in bytes, entries of keys (offset, length; objects only), entries of values (type, offset or the value itself),
 * then keys and values. Offsets are from the container's start. Small ones have numbers of 2 bytes, large ones of 4. */
#ifndef SC_CDC_MYSQL_JSON_PARTS_H
#define SC_CDC_MYSQL_JSON_PARTS_H

#include <stdint.h>

#include "cdc/mysql/json.h"

enum json_type {
    JSON_SMALL_OBJECT = 0,
    JSON_LARGE_OBJECT = 1,
    JSON_SMALL_ARRAY = 2,
    JSON_LARGE_ARRAY = 3,
    JSON_LITERAL = 4,
    JSON_INT16 = 5,
    JSON_UINT16 = 6,
    JSON_INT32 = 7,
    JSON_UINT32 = 8,
    JSON_INT64 = 9,
    JSON_UINT64 = 10,
    JSON_DOUBLE = 11,
    JSON_STRING = 12,
    JSON_OPAQUE = 15,
};
enum { JSON_LITERAL_NULL = 0, JSON_LITERAL_TRUE = 1, JSON_LITERAL_FALSE = 2 };

/* Keeps a walk bounded where entries of a damaged document share their bytes: all values and all their bytes together
 * are no more than the document has bytes. */
struct json_budget {
    size_t values, bytes;
};

struct json_value {
    uint8_t type;
    const uint8_t *data; /* container: its start; scalar: behind the type */
    size_t len;          /* container: its size; scalar: exactly its bytes, with the length in front of a string */
};

struct json_container {
    const uint8_t *data;
    size_t size, count;
    bool object, large;
};

enum json_kind {
    JSON_IS_NULL,
    JSON_IS_BOOL,
    JSON_IS_INT,
    JSON_IS_UINT,
    JSON_IS_DOUBLE,
    JSON_IS_STRING,
    JSON_IS_OPAQUE
};
struct json_scalar {
    enum json_kind kind;
    union {
        bool boolean;
        int64_t i;
        uint64_t u;
        double d;
    };
    uint8_t field_type; /* OPAQUE: MYSQL_TYPE_* */
    const char *bytes;  /* STRING (UTF-8), OPAQUE */
    size_t len;
};

uint64_t json_number(const uint8_t *p, size_t bytes); /* little-endian */

/* The document's outermost value. */
bool json_root(const void *data, size_t len, struct json_value *out, struct json_budget *budget);
/* The value of the type that begins at p; at most `len` bytes are its. */
bool json_value_at(uint8_t type, const uint8_t *p, size_t len, struct json_value *out, struct json_budget *budget);

bool json_is_container(uint8_t type);
bool json_is_inline(uint8_t type, bool large); /* in its container's entry, instead of an offset */
bool json_open(const struct json_value *value, struct json_container *out);
bool json_key(const struct json_container *c, size_t i, const char **key, size_t *len, struct json_budget *budget);
bool json_element(const struct json_container *c, size_t i, struct json_value *out, struct json_budget *budget);

bool json_scalar_of(const struct json_value *value, struct json_scalar *out);

/* Appends the scalar as the server prints it. False: an opaque date, time or decimal that is none. */
bool json_scalar_text(struct buf *out, const struct json_scalar *scalar);
/* Appends a value with all that is in it, as the server prints it. */
bool json_value_text(struct buf *out, const struct json_value *value, unsigned depth, struct json_budget *budget);
void json_quoted(struct buf *out, const char *text, size_t len);

/* An opaque date, time or decimal as bare text. out has 96 bytes. 0: it is not one, or damaged. */
size_t json_opaque_text(const struct json_scalar *scalar, char *out);

#endif
