#include "torture/envelope.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BYTES_MOST = 200 };

/* --- base64 */

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* How many bytes; -1: it is none, or too long. */
static int decode(const char *text, uint8_t bytes[BYTES_MOST])
{
    int count = 0, bits = 0;
    uint32_t held = 0;
    for (; digit(*text) >= 0; text++) {
        held = held << 6 | (uint32_t)digit(*text);
        bits += 6;
        if (bits >= 8) {
            if (count == BYTES_MOST)
                return -1;
            bits -= 8;
            bytes[count++] = (uint8_t)(held >> bits);
        }
    }
    return strspn(text, "=") == strlen(text) ? count : -1;
}

static void hex_of(struct buf *out, const char *base64)
{
    uint8_t bytes[BYTES_MOST];
    int count = decode(base64, bytes);
    for (int i = 0; i < count; i++)
        buf_printf(out, "%02x", bytes[i]);
    if (count < 0)
        buf_str(out, "no base64");
}

/* --- the envelope */

const char *event_read(const struct message *message, struct event *event)
{
    *event = (struct event){0};
    if (!message->value)
        return NULL;
    event->root = json_loadb(message->value, message->value_len, 0, NULL);
    const char *op = json_string_value(json_object_get(event->root, "op"));
    const json_t *transaction = json_object_get(event->root, "transaction");
    if (!op || strlen(op) != 1 || !transaction)
        return "is no envelope";
    event->op = op[0];
    event->before = json_object_get(event->root, "before");
    event->after = json_object_get(event->root, "after");
    event->before = json_is_object(event->before) ? event->before : NULL;
    event->after = json_is_object(event->after) ? event->after : NULL;
    event->transaction = json_string_value(json_object_get(transaction, "id"));
    event->order = json_integer_value(json_object_get(transaction, "total_order"));
    if (!event->transaction)
        return "is in no transaction";
    if (!strchr("cud", event->op) || (event->op == 'd') != (event->after == NULL) ||
        (event->op == 'c' && event->before))
        return "is neither created, updated nor deleted";
    return NULL;
}

void event_fini(struct event *event)
{
    json_decref(event->root);
}

char *event_key(const struct shape *shape, const char *key)
{
    struct buf text = {0};
    json_t *root = json_loads(key ? key : "", 0, NULL);
    const json_t *id = json_object_get(root, "id"), *group = json_object_get(root, "grp");
    const char *string = json_string_value(id);
    if (json_is_integer(id) && json_is_integer(group))
        buf_printf(&text, "%" JSON_INTEGER_FORMAT ".", json_integer_value(group));
    if (json_is_integer(id))
        buf_printf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    else if (string && shape->key != KEY_BINARY)
        buf_str(&text, string);
    else if (string && strlen(string) == 36) /* a uuid */
        for (; *string; string++)
            buf_printf(&text, "%.*s", *string != '-', string);
    else if (string)
        hex_of(&text, string);
    json_decref(root);
    return text.len ? buf_take(&text) : NULL;
}

/* --- values */

const json_t *event_value(const json_t *row, enum column column)
{
    return json_object_get(row, column_names[column]);
}

const char *event_text(const json_t *row, enum column column)
{
    return json_string_value(event_value(row, column));
}

bool event_number(const json_t *row, enum column column, int64_t *number)
{
    const json_t *value = event_value(row, column);
    *number = json_is_integer(value) ? json_integer_value(value) : 0;
    return json_is_integer(value);
}

bool event_is_left_out(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && strcmp(text, "__debezium_unavailable_value") == 0;
}

/* Decimal: the number without its point, two's complement, big-endian. All of ours have less than 64 bits. */
static bool is_amount(const char *base64, const char *text)
{
    uint8_t bytes[BYTES_MOST];
    int count = decode(base64, bytes);
    uint64_t n = count > 0 && bytes[0] & 0x80 ? UINT64_MAX : 0;
    int64_t wanted = 0;
    for (int i = 0; i < count; i++)
        n = n << 8 | bytes[i];
    for (const char *at = text; *at; at++)
        if (*at >= '0' && *at <= '9')
            wanted = wanted * 10 + (*at - '0');
    return count > 0 && count <= 8 && (int64_t)n == (*text == '-' ? -wanted : wanted);
}

/* MicroTimestamp: microseconds since 1970. */
static bool is_moment(int64_t us, const char *text)
{
    struct tm tm = {0};
    int behind = 0;
    if (sscanf(text, "%d-%d-%d %d:%d:%d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
               &behind) != 6)
        return false;
    int64_t wanted = 0;
    const char *next = text + behind + (text[behind] == '.');
    for (int i = 0; i < 6; i++) /* PostgreSQL shows no zeros at the end */
        wanted = wanted * 10 + (*next ? *next++ - '0' : 0);
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return us == (int64_t)timegm(&tm) * 1000000 + wanted;
}

/* Servers put other blanks between the same. */
static bool is_doc(const char *a, const char *b)
{
    json_t *x = json_loads(a, 0, NULL), *y = json_loads(b, 0, NULL);
    bool same = x && y && json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

static bool is_bytes(const char *base64, const char *text)
{
    struct buf hex = {0};
    hex_of(&hex, base64);
    bool same = strcmp(buf_cstr(&hex), text) == 0;
    buf_fini(&hex);
    return same;
}

bool event_is(enum column column, const json_t *value, const char *text)
{
    const char *string = json_string_value(value);
    if (!value || !text || json_is_null(value))
        return value && !text && json_is_null(value);
    switch (column) {
    case COL_MOMENT:
        return json_is_integer(value) && is_moment(json_integer_value(value), text);
    case COL_AMOUNT:
        return string && is_amount(string, text);
    case COL_DOC:
        return string && is_doc(string, text);
    case COL_BYTES:
        return string && is_bytes(string, text);
    case COL_TRAIL:
    case COL_NOTE:
    case COL_PAD:
    case COL_KIND:
        return string && strcmp(string, text) == 0;
    default:
        return json_is_integer(value) && json_integer_value(value) == strtoll(text, NULL, 10);
    }
}
