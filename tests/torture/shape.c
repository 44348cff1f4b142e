#include "torture/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const column_names[COLUMNS] = {"n",      "birth", "slot", "bal",    "ver",  "trail",  "note",
                                           "amount", "doc",   "pad",  "moment", "kind", "bytes_", "key"};

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* --- the key */

enum { GROUPS = 7 };

enum { HEX_SIZE = 40, PART_SIZE = 80 };

static void binary_hex(char *hex, int64_t n)
{
    snprintf(hex, HEX_SIZE, "%016" PRIx64 "%016" PRIx64, mix((uint64_t)n), (uint64_t)n);
}

static int group_of(int64_t n)
{
    return (int)(((n % GROUPS) + GROUPS) % GROUPS);
}

/* The parts of the key as literals. */
static int key_parts(const struct shape *shape, char parts[2][PART_SIZE], int64_t n)
{
    switch (shape->key) {
    case KEY_COMPOSITE:
        snprintf(parts[0], PART_SIZE, "%d", group_of(n));
        snprintf(parts[1], PART_SIZE, "%" PRId64, n);
        return 2;
    case KEY_TEXT:
        snprintf(parts[0], PART_SIZE, "'%c%" PRId64 "'", mix((uint64_t)n) & 1 ? 'k' : 'K', n);
        return 1;
    case KEY_BINARY: {
        char hex[HEX_SIZE];
        struct buf b = {0};
        binary_hex(hex, n);
        shape->family->binary_key(&b, hex);
        snprintf(parts[0], PART_SIZE, "%s", buf_cstr(&b));
        buf_fini(&b);
        return 1;
    }
    default:
        snprintf(parts[0], PART_SIZE, "%" PRId64, n);
        return 1;
    }
}

static void add_key(const struct shape *shape, struct buf *out, int64_t n, bool names, const char *between)
{
    char parts[2][PART_SIZE];
    int count = key_parts(shape, parts, n);
    for (int i = 0; i < count; i++) {
        const char *name = i + 1 == count ? "id = " : "grp = ";
        buf_printf(out, "%s%s%s", i ? between : "", names ? name : "", parts[i]);
    }
}

void shape_key_values(const struct shape *shape, struct buf *out, int64_t n)
{
    add_key(shape, out, n, false, ", ");
}

void shape_key_where(const struct shape *shape, struct buf *out, int64_t n)
{
    add_key(shape, out, n, true, " AND ");
}

void shape_key_set(const struct shape *shape, struct buf *out, int64_t n)
{
    add_key(shape, out, n, true, ", ");
}

void shape_key_text(const struct shape *shape, struct buf *out, int64_t n)
{
    char hex[HEX_SIZE];
    switch (shape->key) {
    case KEY_COMPOSITE:
        buf_printf(out, "%d.%" PRId64, group_of(n), n);
        return;
    case KEY_TEXT:
        buf_printf(out, "%c%" PRId64, mix((uint64_t)n) & 1 ? 'k' : 'K', n);
        return;
    case KEY_BINARY:
        binary_hex(hex, n);
        buf_str(out, hex);
        return;
    default:
        buf_printf(out, "%" PRId64, n);
    }
}

/* --- the content */

enum { BYTES_MOST = 24 };

static uint64_t hash_of(enum column column, int client, uint32_t number)
{
    return mix(((uint64_t)client << 40) ^ ((uint64_t)number << 8) ^ (uint64_t)column);
}

/* A third is NULL, a third short, and of the rest most is above what PostgreSQL keeps in the row, little above 8 KiB.
 */
static bool pad_text(struct buf *out, uint64_t h)
{
    if (h % 3 == 0)
        return false;
    int blocks = h % 3 == 1 ? 2 : h % 31 == 0 ? 520 : 140;
    for (int i = 0; i < blocks; i++)
        buf_printf(out, "%016" PRIx64, mix(h + (uint64_t)i));
    return true;
}

static size_t content_bytes(uint8_t *data, uint64_t h)
{
    size_t len = h % (BYTES_MOST - 4);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(mix(h + i) & 0xff);
    memset(data + len, 0, 3); /* zero bytes at the end are part of it */
    return len + h % 4;
}

bool content_text(enum column column, struct buf *out, int client, uint32_t number)
{
    uint64_t h = hash_of(column, client, number);
    uint8_t data[BYTES_MOST];
    switch (column) {
    case COL_NOTE:
        if (h % 5 == 0)
            return false;
        if (h % 5 > 1)
            buf_printf(out, "it's \\%" PRIu32 " \xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x98 by %d%s", number, client,
                       h % 2 ? "  " : "");
        return true; /* the empty text is not NULL */
    case COL_AMOUNT:
        if (h % 7 == 0)
            return false;
        buf_printf(out, "%s%" PRIu64 ".%06" PRIu64, h % 2 ? "-" : "", 1 + (h >> 8) % 9999999999, (h >> 20) % 1000000);
        return true;
    case COL_DOC:
        if (h % 9 == 0)
            return false;
        buf_printf(out, "{\"a\": %" PRIu64 ", \"t\": \"%d.%" PRIu32 "\", \"list\": [1, null, \"\xc3\xa9\"]}",
                   h % 100000, client, number);
        return true;
    case COL_PAD:
        return pad_text(out, h);
    case COL_MOMENT:
        buf_printf(out, "2024-%02d-%02d %02d:%02d:%02d.%05d%d", (int)(1 + h % 12), (int)(1 + (h >> 8) % 28),
                   (int)((h >> 16) % 24), (int)((h >> 24) % 60), (int)((h >> 32) % 60), (int)((h >> 40) % 100000),
                   (int)(1 + h % 9));
        return true;
    case COL_KIND:
        buf_str(out, h % 3 == 0 ? "red" : h % 3 == 1 ? "green" : "blue");
        return true;
    default:
        for (size_t i = 0, len = content_bytes(data, h); i < len; i++)
            buf_printf(out, "%02x", data[i]);
        return true;
    }
}

static void add_content(const struct family *family, struct buf *out, enum column column, int client, uint32_t number)
{
    struct buf text = {0};
    uint8_t data[BYTES_MOST];
    if (column == COL_BYTES) {
        size_t len = content_bytes(data, hash_of(column, client, number));
        family->bytes(out, data, len);
    } else if (!content_text(column, &text, client, number)) {
        buf_str(out, "NULL");
    } else {
        buf_char(out, '\'');
        for (size_t i = 0; i < text.len; i++) {
            buf_char(out, text.data[i]);
            if (text.data[i] == '\'')
                buf_char(out, '\'');
        }
        buf_char(out, '\'');
    }
    buf_fini(&text);
}

void content_values(const struct family *family, struct buf *out, int client, uint32_t number)
{
    for (int column = CONTENT_FIRST; column < COL_KEY; column++) {
        buf_str(out, column > CONTENT_FIRST ? ", " : "");
        add_content(family, out, (enum column)column, client, number);
    }
}

void content_set(const struct family *family, struct buf *out, int client, uint32_t number)
{
    for (int column = CONTENT_FIRST; column < COL_KEY; column++) {
        buf_printf(out, "%s%s = ", column > CONTENT_FIRST ? ", " : "", column_names[column]);
        add_content(family, out, (enum column)column, client, number);
    }
}
