/* Reading binary JSON. */
#include "cdc/mysql/json.h"

#include <math.h>
#include <string.h>

#include "cdc/mysql/json_parts.h"

uint64_t json_number(const uint8_t *p, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = bytes; i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

bool json_is_container(uint8_t type)
{
    return type <= JSON_LARGE_ARRAY;
}

static bool spend(size_t *budget, size_t n)
{
    if (n > *budget)
        return false;
    *budget -= n;
    return true;
}

/* Seven bits a byte, the least first, the highest bit says that more follow. */
static bool variable_length(const uint8_t *p, size_t len, size_t *out, size_t *used)
{
    uint64_t v = 0;
    for (size_t i = 0; i < len && i < 5; i++) {
        v |= (uint64_t)(p[i] & 0x7f) << (7 * i);
        if (!(p[i] & 0x80)) {
            *out = (size_t)v;
            *used = i + 1;
            return v <= UINT32_MAX;
        }
    }
    return false;
}

/* Bytes of the scalar that begins at p; 0: damaged. */
static size_t scalar_bytes(uint8_t type, const uint8_t *p, size_t len)
{
    static const uint8_t fixed[] = {
        [JSON_LITERAL] = 1, [JSON_INT16] = 2, [JSON_UINT16] = 2, [JSON_INT32] = 4,
        [JSON_UINT32] = 4,  [JSON_INT64] = 8, [JSON_UINT64] = 8, [JSON_DOUBLE] = 8,
    };
    size_t at = type == JSON_OPAQUE ? 1 : 0, n, used;
    if (type >= JSON_LITERAL && type <= JSON_DOUBLE)
        return fixed[type] <= len ? fixed[type] : 0;
    if ((type != JSON_STRING && type != JSON_OPAQUE) || len < at || !variable_length(p + at, len - at, &n, &used))
        return 0;
    return n <= len - at - used ? at + used + n : 0;
}

bool json_value_at(uint8_t type, const uint8_t *p, size_t len, struct json_value *out, struct json_budget *budget)
{
    if (!spend(&budget->values, 1))
        return false;
    if (!json_is_container(type)) {
        size_t n = scalar_bytes(type, p, len);
        *out = (struct json_value){.type = type, .data = p, .len = n};
        return n && spend(&budget->bytes, n);
    }
    size_t width = type & 1 ? 4 : 2;
    if (len < 2 * width)
        return false;
    *out = (struct json_value){.type = type, .data = p, .len = (size_t)json_number(p + width, width)};
    return out->len <= len;
}

bool json_root(const void *data, size_t len, struct json_value *out, struct json_budget *budget)
{
    static const uint8_t null[] = {JSON_LITERAL, JSON_LITERAL_NULL};
    const uint8_t *p = len ? data : null;
    len = len ? len : sizeof(null);
    *budget = (struct json_budget){.values = len, .bytes = len};
    return json_value_at(p[0], p + 1, len - 1, out, budget);
}

static size_t key_entry(const struct json_container *c)
{
    return c->large ? 6 : 4;
}

static size_t value_entry(const struct json_container *c)
{
    return c->large ? 5 : 3;
}

static size_t header_bytes(const struct json_container *c)
{
    return (c->large ? 8 : 4) + c->count * (value_entry(c) + (c->object ? key_entry(c) : 0));
}

bool json_open(const struct json_value *value, struct json_container *out)
{
    size_t width = value->type & 1 ? 4 : 2;
    *out = (struct json_container){.data = value->data,
                                   .size = value->len,
                                   .count = (size_t)json_number(value->data, width),
                                   .object = value->type <= JSON_LARGE_OBJECT,
                                   .large = value->type & 1};
    return header_bytes(out) <= out->size;
}

bool json_key(const struct json_container *c, size_t i, const char **key, size_t *len, struct json_budget *budget)
{
    size_t width = c->large ? 4 : 2;
    const uint8_t *entry = c->data + 2 * width + i * key_entry(c);
    size_t offset = (size_t)json_number(entry, width);
    *len = (size_t)json_number(entry + width, 2);
    *key = (const char *)c->data + offset;
    return offset >= header_bytes(c) && offset <= c->size && *len <= c->size - offset && spend(&budget->bytes, *len);
}

bool json_is_inline(uint8_t type, bool large)
{
    return (type >= JSON_LITERAL && type <= JSON_UINT16) || (large && (type == JSON_INT32 || type == JSON_UINT32));
}

bool json_element(const struct json_container *c, size_t i, struct json_value *out, struct json_budget *budget)
{
    size_t width = c->large ? 4 : 2;
    const uint8_t *entry = c->data + 2 * width + (c->object ? c->count * key_entry(c) : 0) + i * value_entry(c);
    if (json_is_inline(entry[0], c->large))
        return json_value_at(entry[0], entry + 1, width, out, budget);
    size_t offset = (size_t)json_number(entry + 1, width);
    return offset >= header_bytes(c) && offset < c->size &&
           json_value_at(entry[0], c->data + offset, c->size - offset, out, budget);
}

bool json_scalar_of(const struct json_value *value, struct json_scalar *out)
{
    const uint8_t *p = value->data;
    size_t at = 0, used;
    *out = (struct json_scalar){0};
    switch (value->type) {
    case JSON_LITERAL:
        out->kind = p[0] == JSON_LITERAL_NULL ? JSON_IS_NULL : JSON_IS_BOOL;
        out->boolean = p[0] == JSON_LITERAL_TRUE;
        return p[0] <= JSON_LITERAL_FALSE;
    case JSON_INT16:
    case JSON_INT32:
    case JSON_INT64: {
        unsigned shift = (unsigned)(64 - 8 * value->len);
        out->kind = JSON_IS_INT;
        out->i = (int64_t)(json_number(p, value->len) << shift) >> shift;
        return true;
    }
    case JSON_UINT16:
    case JSON_UINT32:
    case JSON_UINT64:
        out->kind = JSON_IS_UINT;
        out->u = json_number(p, value->len);
        return true;
    case JSON_DOUBLE: {
        uint64_t bits = json_number(p, 8);
        out->kind = JSON_IS_DOUBLE;
        memcpy(&out->d, &bits, sizeof(out->d));
        return isfinite(out->d);
    }
    case JSON_OPAQUE:
        out->field_type = p[0];
        at = 1;
        /* fall through */
    case JSON_STRING:
        out->kind = at ? JSON_IS_OPAQUE : JSON_IS_STRING;
        if (!variable_length(p + at, value->len - at, &out->len, &used))
            return false;
        out->bytes = (const char *)p + at + used;
        return true;
    default:
        return false;
    }
}

/* Parts that share bytes, which the server never writes, would make a document that is changed longer than it is. */
static bool valid(const struct json_value *value, unsigned depth, struct json_budget *budget)
{
    struct json_scalar scalar;
    struct json_container c;
    struct json_value element;
    const char *key;
    size_t len = 0;
    if (!json_is_container(value->type))
        return json_scalar_of(value, &scalar);
    if (depth > MY_JSON_DEPTH || !json_open(value, &c))
        return false;
    size_t used = header_bytes(&c);
    for (size_t i = 0; i < c.count; i++) {
        if ((c.object && !json_key(&c, i, &key, &len, budget)) || !json_element(&c, i, &element, budget) ||
            !valid(&element, depth + 1, budget))
            return false;
        used += len + (json_is_inline(element.type, c.large) ? 0 : element.len);
    }
    return used <= c.size;
}

bool my_json_valid(const void *data, size_t len)
{
    struct json_value root;
    struct json_budget budget;
    return json_root(data, len, &root, &budget) && valid(&root, 1, &budget);
}

bool my_json_text(struct buf *out, const void *data, size_t len)
{
    struct json_value root;
    struct json_budget budget;
    return my_json_valid(data, len) && json_root(data, len, &root, &budget) && json_value_text(out, &root, 1, &budget);
}
