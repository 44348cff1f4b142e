/* Partial updates of binary JSON.
 *
 * A diff is: operation (0 replace, 1 insert, 2 remove), length and text of a path, and but for a removal length and
 * bytes of a document; lengths as in the client protocol (MySQL source, sql-common/json_diff.cc). A path leads to one
 * place: no wildcards, no wrapping of scalars into arrays.
 *
 * Only containers on the way of a path are taken apart; all else stays as the bytes it is, which is possible as offsets
 * are from the container's own start. */
#include <string.h>

#include "cdc/mysql/json_parts.h"

enum diff_operation { DIFF_REPLACE = 0, DIFF_INSERT = 1, DIFF_REMOVE = 2 };

struct node {
    struct json_value raw; /* not taken apart */
    bool apart, object;
    size_t count, cap;
    struct member *members;
    size_t size; /* apart: bytes of the container when it is written */
    bool large;
};

struct member {
    const char *key; /* object only */
    size_t key_len;
    struct node *value;
};

struct diff {
    enum diff_operation operation;
    const char *path;
    size_t path_len;
    struct json_value value;
};

/* --- reading --- */

static bool net_length(const uint8_t **p, const uint8_t *end, size_t *out)
{
    if (*p == end || **p == 251 || **p == 255)
        return false;
    size_t bytes = **p < 251 ? 0 : **p == 252 ? 2 : **p == 253 ? 3 : 8;
    if ((size_t)(end - *p) < bytes + 1)
        return false;
    uint64_t v = bytes ? json_number(*p + 1, bytes) : **p;
    *p += bytes + 1;
    *out = (size_t)v;
    return v <= (uint64_t)(end - *p);
}

static bool next_diff(const uint8_t **p, const uint8_t *end, struct diff *out)
{
    if (*p == end || **p > DIFF_REMOVE)
        return false;
    out->operation = (enum diff_operation) * (*p)++;
    if (!net_length(p, end, &out->path_len))
        return false;
    out->path = (const char *)*p;
    *p += out->path_len;
    if (out->operation == DIFF_REMOVE)
        return true;
    size_t len;
    struct json_budget budget;
    if (!net_length(p, end, &len) || !my_json_valid(*p, len) || !json_root(*p, len, &out->value, &budget))
        return false;
    *p += len;
    return true;
}

/* --- paths --- */

struct leg {
    bool member;
    char *key; /* in the arena */
    size_t key_len;
    bool from_end;
    uint64_t index;
};

static void utf8(char **p, uint32_t c)
{
    if (c < 0x80) {
        *(*p)++ = (char)c;
    } else if (c < 0x800) {
        *(*p)++ = (char)(0xc0 | c >> 6);
        *(*p)++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *(*p)++ = (char)(0xe0 | c >> 12);
        *(*p)++ = (char)(0x80 | (c >> 6 & 63));
        *(*p)++ = (char)(0x80 | (c & 63));
    } else {
        *(*p)++ = (char)(0xf0 | c >> 18);
        *(*p)++ = (char)(0x80 | (c >> 12 & 63));
        *(*p)++ = (char)(0x80 | (c >> 6 & 63));
        *(*p)++ = (char)(0x80 | (c & 63));
    }
}

static bool four_hex(const char **p, const char *end, uint32_t *out)
{
    uint32_t v = 0;
    if (end - *p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = *(*p)++;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit > 15)
            return false;
        v = v << 4 | digit;
    }
    *out = v;
    return true;
}

static bool escaped(const char **p, const char *end, char **out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (*p == end)
        return false;
    char c = *(*p)++;
    uint32_t v, low;
    if (c != 'u') {
        const char *known = c ? strchr(names, c) : NULL;
        if (!known)
            return false;
        *(*out)++ = values[known - names];
        return true;
    }
    if (!four_hex(p, end, &v))
        return false;
    if (v >= 0xd800 && v < 0xdc00) {
        if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
            return false;
        *p += 2;
        if (!four_hex(p, end, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
    } else if (v >= 0xdc00 && v < 0xe000) {
        return false;
    }
    utf8(out, v);
    return true;
}

/* A JSON string with its quotes, *p at the first. No text grows by being read. */
static bool quoted_key(struct arena *arena, const char **p, const char *end, struct leg *leg)
{
    leg->key = arena_alloc(arena, (size_t)(end - *p) + 1);
    char *out = leg->key;
    for ((*p)++; *p < end && **p != '"';) {
        char c = *(*p)++;
        if (c != '\\')
            *out++ = c;
        else if (!escaped(p, end, &out))
            return false;
    }
    if (*p == end)
        return false;
    (*p)++;
    leg->key_len = (size_t)(out - leg->key);
    return true;
}

static bool bare_key(struct arena *arena, const char **p, const char *end, struct leg *leg)
{
    const char *start = *p;
    while (*p < end && **p != '.' && **p != '[')
        (*p)++;
    leg->key_len = (size_t)(*p - start);
    leg->key = arena_copy(arena, start, leg->key_len);
    return leg->key_len && !memchr(leg->key, '*', leg->key_len);
}

static bool number(const char **p, const char *end, uint64_t *out)
{
    const char *start = *p;
    for (*out = 0; *p < end && **p >= '0' && **p <= '9'; (*p)++)
        if (__builtin_mul_overflow(*out, (uint64_t)10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(**p - '0'), out) || *out > UINT32_MAX)
            return false;
    return *p > start;
}

/* [7], [last], [last-7] */
static bool cell(const char **p, const char *end, struct leg *leg)
{
    (*p)++;
    if (end - *p >= 4 && memcmp(*p, "last", 4) == 0) {
        *p += 4;
        leg->from_end = true;
        if (*p < end && **p == '-') {
            (*p)++;
            if (!number(p, end, &leg->index))
                return false;
        }
    } else if (!number(p, end, &leg->index)) {
        return false;
    }
    return *p < end && *(*p)++ == ']';
}

static bool next_leg(struct arena *arena, const char **p, const char *end, struct leg *leg)
{
    *leg = (struct leg){.member = **p == '.'};
    if (**p == '[')
        return cell(p, end, leg);
    if (!leg->member || ++*p == end)
        return false;
    return **p == '"' ? quoted_key(arena, p, end, leg) : bare_key(arena, p, end, leg);
}

/* --- the document taken apart --- */

static bool take_apart(struct arena *arena, struct node *node)
{
    struct json_container c;
    if (node->apart)
        return true;
    if (!json_is_container(node->raw.type) || !json_open(&node->raw, &c))
        return false;
    struct json_budget budget = {.values = node->raw.len, .bytes = node->raw.len};
    node->object = c.object;
    node->count = node->cap = c.count;
    node->members = arena_array(arena, c.count + 1, sizeof(*node->members));
    for (size_t i = 0; i < c.count; i++) {
        struct member *m = &node->members[i];
        m->value = arena_alloc(arena, sizeof(*m->value));
        if ((c.object && !json_key(&c, i, &m->key, &m->key_len, &budget)) ||
            !json_element(&c, i, &m->value->raw, &budget))
            return false;
    }
    node->apart = true;
    return true;
}

static int compare_keys(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len)
        return a_len < b_len ? -1 : 1;
    return a_len ? memcmp(a, b, a_len) : 0;
}

/* Where the leg points; *found: something is there, else where it would be inserted. False: not a place of this
 * container. An index beyond the end is the end. */
static bool place_of(const struct node *node, const struct leg *leg, size_t *at, bool *found)
{
    if (node->object != leg->member)
        return false;
    if (!leg->member) {
        uint64_t n = node->count;
        *found = leg->index < n;
        *at = (size_t)(leg->from_end ? (*found ? n - 1 - leg->index : 0) : (*found ? leg->index : n));
        return true;
    }
    size_t low = 0, high = node->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_keys(node->members[middle].key, node->members[middle].key_len, leg->key, leg->key_len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    *found = low < node->count &&
             compare_keys(node->members[low].key, node->members[low].key_len, leg->key, leg->key_len) == 0;
    return true;
}

static void insert(struct arena *arena, struct node *node, size_t at, const struct leg *leg, struct node *value)
{
    if (node->count == node->cap) {
        struct member *old = node->members;
        node->cap = node->cap * 2 + 8;
        node->members = arena_array(arena, node->cap, sizeof(*node->members));
        if (node->count)
            memcpy(node->members, old, node->count * sizeof(*old));
    }
    memmove(node->members + at + 1, node->members + at, (node->count - at) * sizeof(*node->members));
    node->members[at] = (struct member){.key = leg->key, .key_len = leg->key_len, .value = value};
    node->count++;
}

static const char *change(struct arena *arena, struct node *parent, const struct leg *leg, const struct diff *diff)
{
    size_t at;
    bool found;
    if (!take_apart(arena, parent) || !place_of(parent, leg, &at, &found))
        return "a partial update of JSON whose path leads nowhere in the old document";
    struct node *value = arena_alloc(arena, sizeof(*value));
    value->raw = diff->value;
    switch (diff->operation) {
    case DIFF_REPLACE:
        if (!found)
            return "a partial update of JSON that replaces what is not there";
        parent->members[at].value = value;
        return NULL;
    case DIFF_INSERT:
        if (parent->object && (found || leg->key_len > UINT16_MAX))
            return "a partial update of JSON that inserts a name that is there";
        insert(arena, parent, at, leg, value);
        return NULL;
    default:
        if (!found)
            return "a partial update of JSON that removes what is not there";
        memmove(parent->members + at, parent->members + at + 1, (parent->count - at - 1) * sizeof(*parent->members));
        parent->count--;
        return NULL;
    }
}

static const char *apply(struct arena *arena, struct node *root, const struct diff *diff)
{
    const char *p = diff->path, *end = p + diff->path_len;
    struct node *node = root;
    struct leg leg;
    size_t at;
    bool found;
    if (p == end || *p++ != '$')
        return "a partial update of JSON whose path is not one";
    if (p == end) {
        if (diff->operation != DIFF_REPLACE)
            return "a partial update of JSON that does not replace the whole document";
        *root = (struct node){.raw = diff->value};
        return NULL;
    }
    for (unsigned depth = 0; depth <= MY_JSON_DEPTH; depth++) {
        if (!next_leg(arena, &p, end, &leg))
            return "a partial update of JSON whose path is not one";
        if (p == end)
            return change(arena, node, &leg, diff);
        if (!take_apart(arena, node) || !place_of(node, &leg, &at, &found) || !found)
            return "a partial update of JSON whose path leads nowhere in the old document";
        node = node->members[at].value;
    }
    return "a partial update of JSON deeper than any document";
}

/* --- writing --- */

static size_t header_bytes(const struct node *node, bool large)
{
    return (large ? 8 : 4) + node->count * ((large ? 5 : 3) + (node->object ? (large ? 6 : 4) : 0));
}

/* Sizes from the inside out, so that whether a container is small or large is known before it is written. */
static bool measure(struct node *node, unsigned depth)
{
    if (!node->apart)
        return true;
    if (depth > MY_JSON_DEPTH)
        return false;
    for (size_t i = 0; i < node->count; i++)
        if (!measure(node->members[i].value, depth + 1))
            return false;
    for (int large = 0; large < 2; large++) {
        size_t size = header_bytes(node, large);
        for (size_t i = 0; i < node->count; i++) {
            const struct node *v = node->members[i].value;
            size += node->members[i].key_len;
            if (v->apart)
                size += v->size;
            else if (!json_is_inline(v->raw.type, large))
                size += v->raw.len;
        }
        node->size = size;
        node->large = large;
        if (size <= (large ? UINT32_MAX : UINT16_MAX))
            return true;
    }
    return false;
}

static void put(struct buf *out, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_u8(out, (uint8_t)(v >> (8 * i)));
}

static uint8_t type_of(const struct node *node)
{
    if (!node->apart)
        return node->raw.type;
    return (uint8_t)((node->object ? JSON_SMALL_OBJECT : JSON_SMALL_ARRAY) + (node->large ? 1 : 0));
}

static void put_inline(struct buf *out, const struct json_value *value, size_t width)
{
    uint64_t v = json_number(value->data, value->len);
    if (value->type == JSON_INT16)
        v = (uint64_t)(int64_t)(int16_t)v;
    put(out, v, width);
}

static void write_node(struct buf *out, const struct node *node)
{
    if (!node->apart) {
        buf_bytes(out, node->raw.data, node->raw.len);
        return;
    }
    size_t width = node->large ? 4 : 2, offset = header_bytes(node, node->large);
    put(out, node->count, width);
    put(out, node->size, width);
    for (size_t i = 0; node->object && i < node->count; i++) {
        put(out, offset, width);
        put(out, node->members[i].key_len, 2);
        offset += node->members[i].key_len;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct node *v = node->members[i].value;
        buf_u8(out, type_of(v));
        if (!v->apart && json_is_inline(v->raw.type, node->large)) {
            put_inline(out, &v->raw, width);
        } else {
            put(out, offset, width);
            offset += v->apart ? v->size : v->raw.len;
        }
    }
    for (size_t i = 0; node->object && i < node->count; i++)
        buf_bytes(out, node->members[i].key, node->members[i].key_len);
    for (size_t i = 0; i < node->count; i++) {
        const struct node *v = node->members[i].value;
        if (v->apart || !json_is_inline(v->raw.type, node->large))
            write_node(out, v);
    }
}

bool my_json_apply(struct buf *out, const void *data, size_t len, const void *diffs, size_t diffs_len,
                   const char **problem)
{
    struct node root = {0};
    struct json_budget budget;
    struct arena arena = {0};
    struct diff diff;
    const uint8_t *p = diffs, *end = diffs_len ? p + diffs_len : p;
    *problem = my_json_valid(data, len) && json_root(data, len, &root.raw, &budget) ? NULL : "a damaged JSON document";
    while (!*problem && p < end)
        *problem = next_diff(&p, end, &diff) ? apply(&arena, &root, &diff) : "a partial update of JSON that is damaged";
    if (!*problem && !measure(&root, 1))
        *problem = "a partial update that makes a JSON document too large";
    if (!*problem) {
        size_t start = out->len;
        buf_u8(out, type_of(&root));
        write_node(out, &root);
        if (!my_json_valid(out->data + start, out->len - start))
            *problem = "a partial update that makes a JSON document too deep";
    }
    arena_fini(&arena);
    return !*problem;
}
