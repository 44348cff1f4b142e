#include "cdc/mysql/values.h"

#include "cdc/mysql/values_parts.h"

uint64_t my_read_le(struct reader *r, size_t bytes)
{
    const uint8_t *p = (const uint8_t *)read_bytes(r, bytes);
    uint64_t v = 0;
    for (size_t i = bytes; p && i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

uint64_t my_read_be(struct reader *r, size_t bytes)
{
    const uint8_t *p = (const uint8_t *)read_bytes(r, bytes);
    uint64_t v = 0;
    for (size_t i = 0; p && i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* The type behind a STRING, whose metadata may hold another one: ENUM, SET (MySQL source, Field_enum and Field_set
 * ::do_save_field_metadata). The upper two bits of a length above 255 are kept, inverted, in bits of the type. */
static struct my_log_column unfolded(const struct my_log_column *column)
{
    struct my_log_column c = *column;
    uint8_t type = (uint8_t)(c.metadata >> 8), low = (uint8_t)c.metadata;
    if (c.type == MY_LOG_STRING && c.metadata >= 256) {
        if ((type & 0x30) != 0x30) {
            c.metadata = (uint16_t)(low | ((type & 0x30) ^ 0x30) << 4);
            type |= 0x30;
        } else {
            c.metadata = low;
        }
        c.type = type == MY_LOG_ENUM || type == MY_LOG_SET ? type : MY_LOG_STRING;
    } else if (c.type == MY_LOG_ENUM || c.type == MY_LOG_SET) {
        c.metadata = low;
    }
    return c;
}

bool my_value_read(struct reader *r, const struct my_log_column *column, struct arena *arena, struct value *out,
                   const char **problem)
{
    char text[VALUE_TEXT_MAX];
    size_t len = 0;
    struct my_log_column c = unfolded(column);
    *problem = NULL;
    *out = (struct value){.state = VALUE_ABSENT};
    switch (c.type) {
    case MY_LOG_TINY:
    case MY_LOG_SHORT:
    case MY_LOG_INT24:
    case MY_LOG_LONG:
    case MY_LOG_LONGLONG:
    case MY_LOG_FLOAT:
    case MY_LOG_DOUBLE:
    case MY_LOG_NEWDECIMAL:
    case MY_LOG_YEAR:
    case MY_LOG_BIT:
    case MY_LOG_ENUM:
    case MY_LOG_SET:
        len = my_read_number(r, &c, text, problem);
        break;
    case MY_LOG_DATE:
    case MY_LOG_NEWDATE:
    case MY_LOG_TIME:
    case MY_LOG_DATETIME:
    case MY_LOG_TIMESTAMP:
    case MY_LOG_TIME2:
    case MY_LOG_DATETIME2:
    case MY_LOG_TIMESTAMP2:
        len = my_read_temporal(r, &c, text, problem);
        break;
    default:
        return my_read_string(r, &c, arena, out, problem);
    }
    if (!reader_ok(r) || *problem || !len)
        return false;
    *out = (struct value){.state = VALUE_PRESENT, .len = (uint32_t)len, .data = arena_copy(arena, text, len)};
    return true;
}
