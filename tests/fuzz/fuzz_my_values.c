/* Values of row events and binary JSON, for libFuzzer or any other driver. The first byte says what the rest is. What
 * is valid must be printed and rebuilt, and what a partial update makes must be valid. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cdc/mysql/json.h"
#include "cdc/mysql/types.h"
#include "cdc/mysql/values.h"
#include "fuzz/fuzz.h"
#include "fuzz/my_values.h"

/* --- what values look like as text --- */

/* '9' is a digit, '?' what follows may be missing from here on, all else itself. */
static bool looks_like(const char *text, const char *form)
{
    bool may_end = false;
    for (; *form; form++) {
        if (*form == '?') {
            may_end = true;
            continue;
        }
        if (!*text)
            return may_end;
        if (*form == '9' ? *text < '0' || *text > '9' : *text != *form)
            return false;
        text++;
    }
    return !*text;
}

static bool is_decimal(const char *text, unsigned scale)
{
    text += *text == '-';
    size_t whole = strspn(text, "0123456789");
    if (!whole || !scale)
        return whole && !text[whole];
    return text[whole] == '.' && strspn(text + whole + 1, "0123456789") == scale && !text[whole + 1 + scale];
}

static bool has_its_form(const struct my_log_column *column, const char *text)
{
    char *end;
    switch (column->type) {
    case MY_LOG_TINY:
    case MY_LOG_SHORT:
    case MY_LOG_INT24:
    case MY_LOG_LONG:
    case MY_LOG_LONGLONG:
    case MY_LOG_BIT:
    case MY_LOG_YEAR:
    case MY_LOG_ENUM:
    case MY_LOG_SET:
        return is_decimal(text, 0);
    case MY_LOG_NEWDECIMAL:
        return is_decimal(text, column->metadata & 0xff);
    case MY_LOG_FLOAT:
    case MY_LOG_DOUBLE:
        strtod(text, &end);
        return end != text && !*end;
    case MY_LOG_DATE:
    case MY_LOG_NEWDATE:
        return looks_like(text, "9999-99-99");
    case MY_LOG_TIME:
    case MY_LOG_TIME2:
        text += *text == '-';
        return looks_like(text, "99:99:99?.999999") || looks_like(text, "999:99:99?.999999");
    case MY_LOG_DATETIME:
    case MY_LOG_DATETIME2:
    case MY_LOG_TIMESTAMP:
    case MY_LOG_TIMESTAMP2:
        return looks_like(text, "9999-99-99 99:99:99?.999999");
    default:
        return true;
    }
}

/* Behind one JSON value at p; NULL: there is none. */
static const char *behind_json(const char *p)
{
    static const char *const words[] = {"null", "true", "false"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strncmp(p, words[i], strlen(words[i])) == 0)
            return p + strlen(words[i]);
    if (*p == '"') {
        for (p++; *p && *p != '"'; p++) {
            if ((unsigned char)*p < 0x20 || (*p == '\\' && !strchr("\"\\/bfnrtu", *++p)))
                return NULL;
        }
        return *p ? p + 1 : NULL;
    }
    if (*p == '[' || *p == '{') {
        char open = *p++, close = open == '[' ? ']' : '}';
        if (*p == close)
            return p + 1;
        for (;; p += 2) {
            if (open == '{') {
                p = *p == '"' ? behind_json(p) : NULL;
                if (!p || strncmp(p, ": ", 2) != 0)
                    return NULL;
                p += 2;
            }
            p = behind_json(p);
            if (!p || *p == close)
                return p ? p + 1 : NULL;
            if (strncmp(p, ", ", 2) != 0)
                return NULL;
        }
    }
    char *end;
    if (*p != '-' && (*p < '0' || *p > '9'))
        return NULL;
    strtod(p, &end);
    return end;
}

/* Type, metadata, flags, length; then the value. */
static void value(const uint8_t *data, size_t len)
{
    if (len < 6)
        return;
    struct my_log_column column = {.type = data[0],
                                   .metadata = (uint16_t)(data[1] << 8 | data[2]),
                                   .is_unsigned = data[3] & 1,
                                   .is_binary = data[3] & 2,
                                   .kind = (enum my_family_type)((data[3] >> 2) % 5),
                                   .length = (uint32_t)(data[4] << 8 | data[5])};
    struct arena arena = {0};
    struct value out;
    const char *problem;
    struct reader r = reader_of(data + 6, len - 6);
    bool read = my_value_read(&r, &column, &arena, &out, &problem);
    if (read && (out.state != VALUE_PRESENT || out.data[out.len] != 0 || !reader_ok(&r)))
        abort();
    HOLDS(!read || has_its_form(&column, out.data));
    arena_fini(&arena);
}

static void document(const uint8_t *data, size_t len)
{
    struct buf text = {0}, expression = {0};
    const char *problem;
    bool valid = my_json_valid(data, len), printed = my_json_text(&text, data, len);
    bool rebuilt = my_json_expression(&expression, data, len, &problem);
    if ((printed && !valid) || (rebuilt && !printed) || rebuilt != !problem)
        abort();
    if (printed && text.len) {
        const char *end = memchr(text.data, 0, text.len) ? NULL : behind_json(buf_cstr(&text));
        HOLDS(end && !*end);
    }
    buf_fini(&text);
    buf_fini(&expression);
}

/* Two bytes: length of the document; document; diffs. */
static void update(const uint8_t *data, size_t len)
{
    if (len < 2)
        return;
    size_t size = (size_t)(data[0] << 8 | data[1]);
    size = size < len - 2 ? size : len - 2;
    struct buf out = {0};
    const char *problem;
    bool ok = my_json_apply(&out, data + 2, size, data + 2 + size, len - 2 - size, &problem);
    if (ok != !problem || (ok && !my_json_valid(out.data, out.len)))
        abort();
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint8_t *exact = malloc(size - 1); /* so that a sanitizer sees what is read beyond it */
    memcpy(exact, data + 1, size - 1);
    switch (data[0]) {
    case FUZZ_VALUE:
        value(exact, size - 1);
        break;
    case FUZZ_JSON:
        document(exact, size - 1);
        break;
    case FUZZ_JSON_UPDATE:
        update(exact, size - 1);
        break;
    default:
        break;
    }
    free(exact);
    return 0;
}
