/* A table as its table map alone tells it (binlog_row_metadata = FULL): told.h says how an input begins, and behind
 * that is the body of a TABLE_MAP event.
 *
 * What is told of a column is what the map has for that very column, reads back to how its values are written, and is
 * something that consumers can be told of. A map that differs in some bits, and still is taken for the same one, is not
 * read again by a stream: it has to tell the same. */
#include <strings.h>

#include "base/reader.h"
#include "cdc/audit/mysql/types.h"
#include "cdc/mysql/told.h"
#include "fuzz/fuzz.h"
#include "fuzz/told.h"

enum { HEADER = 19, TABLE_MAP = 19, LENGTH_AT = 9 };

static const struct my_charset charsets[] = {{8, 1, "latin1"},    {45, 4, "utf8mb4"}, {54, 4, "utf16"},
                                             {63, 1, "binary"},   {200, 0, "broken"}, {255, 4, "utf8mb4"},
                                             {2304, 4, "utf8mb4"}};
enum { NCHARSETS = sizeof(charsets) / sizeof(charsets[0]) };
static const struct source_untold untold[] = {{"u", "uuid"},         {"I6", "inet6"},  {"i4", "inet4"},
                                              {"ve", "vector(3)"},   {"v", "virtual"}, {"s", "stored"},
                                              {"gu", "stored uuid"}, {"e", "virtual"}};
enum { NUNTOLD = sizeof(untold) / sizeof(untold[0]) };

struct reading {
    struct arena arena; /* of all that follows */
    struct my_table_map *map;
    enum sc_result result;
    struct my_told told;
    struct buf relation; /* encoded */
};

static struct relation relation_of(const struct reading *r)
{
    return (struct relation){.schema = "shop",
                             .name = "item",
                             .identity = 'f',
                             .ncolumns = r->map->ncolumns,
                             .columns = r->told.relation,
                             .told = true};
}

static struct my_told_from from_of(uint8_t flags)
{
    return (struct my_told_from){.charsets = charsets,
                                 .ncharsets = NCHARSETS,
                                 .untold = untold,
                                 .nuntold = flags & FUZZ_UNTOLD ? NUNTOLD : 0,
                                 .leaves_out_stored = flags & FUZZ_LEAVES_OUT_STORED,
                                 .signs_leave_out_year = flags & FUZZ_SIGNS_LEAVE_OUT_YEAR};
}

/* --- reading --- */

/* As a stream keeps it: nothing of the event is left. NULL: it is no such event. */
static struct my_table_map *read_map(bool mariadb, const uint8_t *body, size_t len, struct arena *arena)
{
    struct my_decoder d;
    struct my_event event;
    struct arena once = {0};
    struct sc_error err;
    my_decoder_init(&d, mariadb);
    d.described = true;
    d.checksum = MY_CHECKSUM_NONE;
    d.ntypes = mariadb ? 171 : 42;
    memset(d.post_header, 8, d.ntypes);
    uint8_t *data = malloc(HEADER + len);
    memset(data, 0, HEADER);
    data[4] = TABLE_MAP;
    for (int i = 0; i < 4; i++)
        data[LENGTH_AT + i] = (uint8_t)((HEADER + len) >> 8 * i);
    memcpy(data + HEADER, body, len);
    struct my_table_map *map = NULL;
    if (my_event_decode(&d, &once, data, HEADER + len, &event, &err) == SC_OK) {
        map = my_table_map_copy(&event.table_map, arena);
        HOLDS(my_columns_same(map, &event.table_map));
    }
    arena_fini(&once);
    free(data);
    return map;
}

static bool reading_begin(struct reading *r, uint8_t flags, const uint8_t *body, size_t len)
{
    struct sc_error err;
    *r = (struct reading){0};
    r->map = read_map(flags & FUZZ_MAP_MARIADB, body, len, &r->arena);
    if (!r->map)
        return false;
    struct my_told_from from = from_of(flags);
    size_t before = r->arena.bytes;
    error_init(&err);
    r->result = my_told_read(r->map, &from, &r->arena, &r->told, &err);
    /* A member's length becomes three characters, each of its bytes two. */
    HOLDS(r->arena.bytes - before <= 1024 + r->map->ncolumns * 512u + 4 * len);
    HOLDS(r->result == SC_OK || (r->result == SC_FAIL && err.result == SC_FAIL && err.what[0]));
    HOLDS(strnlen(err.what, sizeof(err.what)) < sizeof(err.what));
    if (r->result == SC_OK) {
        struct change change = {.kind = CHANGE_RELATION, .relation = relation_of(r)};
        change_encode(&r->relation, &change);
    }
    return true;
}

static void reading_end(struct reading *r)
{
    arena_fini(&r->arena);
    buf_fini(&r->relation);
}

/* --- what must hold --- */

static const struct my_charset *charset_numbered(uint64_t number)
{
    for (size_t i = 0; i < NCHARSETS; i++)
        if (charsets[i].collation == number && charsets[i].longest)
            return &charsets[i];
    return NULL;
}

static const char *untold_of(uint8_t flags, const char *name)
{
    for (size_t i = 0; flags & FUZZ_UNTOLD && i < NUNTOLD; i++)
        if (strcasecmp(untold[i].name, name) == 0)
            return untold[i].untold;
    return "";
}

/* How many of the columns before i have an entry in the lists of character sets, and in those of members. */
static uint16_t before(const struct reading *r, uint16_t i, bool members)
{
    uint16_t n = 0;
    for (uint16_t k = 0; k < i; k++) {
        uint8_t type = r->told.columns[k].type;
        n += members ? type == MY_LOG_ENUM || type == MY_LOG_SET : my_type_has_charset(type, r->map->mariadb);
    }
    return n;
}

/* The members in the map are those in the type. */
static void holds_members(const char *type, struct reader *list)
{
    const char *p = strchr(type, '(');
    uint64_t count = read_packed(list);
    HOLDS(p && count > 0);
    for (uint64_t m = 0; m < count; m++) {
        HOLDS(*p == (m ? ',' : '(') && strncmp(p + 1, "0x", 2) == 0);
        p += 3;
        size_t len = (size_t)read_packed(list);
        const char *bytes = read_bytes(list, len);
        HOLDS(bytes || len == 0);
        for (size_t k = 0; k < len; k++, p += 2) {
            char digits[3];
            snprintf(digits, sizeof(digits), "%02x", (unsigned char)bytes[k]);
            HOLDS(strncmp(p, digits, 2) == 0);
        }
    }
    HOLDS(reader_ok(list) && strcmp(p, ")") == 0);
}

/* So many characters, and not one more, fit into its bytes. */
static void holds_length(const struct my_log_column *c, const char *type, uint32_t longest)
{
    const char *number = strchr(type, '(');
    HOLDS(number);
    unsigned long chars = strtoul(number + 1, NULL, 10);
    unsigned long bytes = c->type == MY_LOG_STRING               ? c->length
                          : c->type != MY_LOG_VARCHAR_COMPRESSED ? c->metadata
                          : c->metadata                          ? c->metadata - 1u
                                                                 : 0;
    HOLDS(chars * longest <= bytes && (chars + 1) * longest > bytes);
}

static void holds_text(const struct reading *r, uint16_t i, const char *charset)
{
    const struct my_log_column *c = &r->told.columns[i];
    const struct my_table_map *map = r->map;
    uint64_t number = my_charset_told(map->charsets, map->charsets_len, map->charsets_by_column, before(r, i, false));
    const struct my_charset *known = charset_numbered(number);
    HOLDS(known);
    HOLDS(number == MY_CHARSET_BINARY ? !charset : charset && strcmp(charset, known->name) == 0);
    const char *type = r->told.relation[i].told_type;
    bool sized = strchr(type, '(');
    HOLDS(sized == (c->type != MY_LOG_BLOB && c->type != MY_LOG_BLOB_COMPRESSED));
    if (sized)
        holds_length(c, type, known->longest);
    HOLDS((strstr(type, "binary") || strstr(type, "blob")) == (number == MY_CHARSET_BINARY));
}

static bool is_text(uint8_t type, bool mariadb)
{
    return my_type_has_charset(type, mariadb) && type != MY_LOG_VECTOR && type != MY_LOG_GEOMETRY;
}

/* What is not known from elsewhere, is what the map has. */
static void holds_from_map(const struct reading *r, uint16_t i, const struct my_log_column *by_map, struct reader *sets,
                           struct reader *enums)
{
    const struct my_log_column *c = &r->told.columns[i];
    const struct relation_column *is = &r->told.relation[i];
    const struct my_table_map *map = r->map;
    HOLDS(c->type == by_map->type && c->metadata == by_map->metadata && c->length == by_map->length);
    HOLDS(c->is_binary == by_map->is_binary && c->kind == MY_TYPE_PLAIN);
    HOLDS(c->is_unsigned == by_map->is_unsigned || c->type == MY_LOG_YEAR);
    if (c->type != MY_LOG_YEAR && c->type != MY_LOG_ENUM && c->type != MY_LOG_SET)
        HOLDS((strstr(is->told_type, " unsigned") != NULL) == by_map->is_unsigned);
    HOLDS(!my_type_is_untold(is->told_type, true) || c->type == MY_LOG_VECTOR);
    if (is_text(c->type, map->mariadb)) {
        holds_text(r, i, is->told_charset);
    } else if (c->type == MY_LOG_ENUM || c->type == MY_LOG_SET) {
        const struct my_charset *charset = charset_numbered(my_charset_told(
            map->member_charsets.data, map->member_charsets.len, map->member_charsets_by_column, before(r, i, true)));
        HOLDS(charset && is->told_charset && strcmp(charset->name, is->told_charset) == 0);
        holds_members(is->told_type, c->type == MY_LOG_SET ? sets : enums);
    } else {
        HOLDS(!is->told_charset && strlen(is->told_type) < 40);
    }
}

static void holds_columns(const struct reading *r, uint8_t flags)
{
    struct my_log_column *by_map;
    struct arena arena = {0};
    struct sc_error err;
    const struct my_table_map *map = r->map;
    struct reader sets = reader_of(map->sets.data, map->sets.data ? map->sets.len : 0);
    struct reader enums = reader_of(map->enums.data, map->enums.data ? map->enums.len : 0);
    HOLDS(my_columns_build(map, NULL, 0, &arena, &by_map, &err) == SC_OK);
    for (uint16_t i = 0; i < map->ncolumns; i++) {
        const struct relation_column *c = &r->told.relation[i];
        HOLDS(strcmp(c->name, map->names[i]) == 0 && strlen(c->name) <= 255);
        HOLDS(c->type == by_map[i].type && c->modifier == by_map[i].metadata && !c->key);
        HOLDS(c->told_optional == (map->nullable[i / 8] >> i % 8 & 1));
        HOLDS(c->told_type && c->told_type[0]);
        HOLDS(!(flags & FUZZ_SIGNS_LEAVE_OUT_YEAR) || c->type != MY_LOG_YEAR);
        const char *known = untold_of(flags, c->name);
        bool is_virtual = strstr(known, "virtual") == known, stored = strstr(known, "stored") == known;
        HOLDS(r->told.computed[i] == (is_virtual || stored));
        HOLDS(c->told_absent == (is_virtual || (stored && flags & FUZZ_LEAVES_OUT_STORED)));
        const char *type = stored ? known + strcspn(known, " ") : known;
        type += strspn(type, " ");
        if (*type && !is_virtual) {
            HOLDS(strcmp(c->told_type, type) == 0 && !c->told_charset);
            /* Not asked: its members, if it is of another type in the log, which is refused. */
            HOLDS(by_map[i].type != MY_LOG_ENUM && by_map[i].type != MY_LOG_SET);
        } else {
            holds_from_map(r, i, &by_map[i], &sets, &enums);
        }
    }
    arena_fini(&arena);
}

/* The key's columns are those of the map, in its order. */
static void holds_key(const struct reading *r)
{
    const struct my_table_map *map = r->map;
    struct reader key = reader_of(map->primary.data, map->primary.data ? map->primary.len : 0);
    uint16_t in_key = 0, place = 0;
    for (uint16_t i = 0; i < map->ncolumns; i++)
        in_key += r->told.relation[i].told_key > 0;
    while (reader_left(&key) > 0) {
        uint64_t column = read_packed(&key);
        HOLDS(reader_ok(&key) && column < map->ncolumns && r->told.relation[column].told_key == ++place);
    }
    HOLDS(in_key == place);
}

/* Through the spool, and to consumers, who may be refused nothing but members that are no text. */
static void holds_for_consumers(const struct reading *r)
{
    struct change change;
    struct sc_error err;
    struct arena arena = {0};
    struct buf again = {0};
    HOLDS(change_decode(&arena, r->relation.data, r->relation.len, &change, &err) == SC_OK);
    change_encode(&again, &change);
    HOLDS(again.len == r->relation.len && memcmp(again.data, r->relation.data, again.len) == 0);
    struct audit_table table = {.name = "item"};
    bool members = false;
    error_init(&err);
    enum sc_result result = my_audit_told(&change.relation, AUDIT_DECIMALS_PRECISE, &arena, &table, &err);
    for (uint16_t i = 0; i < change.relation.ncolumns; i++) {
        uint32_t type = change.relation.columns[i].type;
        members |= type == MY_LOG_ENUM || type == MY_LOG_SET;
        HOLDS(result != SC_OK || table.columns[i].type.write);
    }
    HOLDS(result == SC_OK || (members && err.what[0]));
    audit_table_close(&table);
    buf_fini(&again);
    arena_fini(&arena);
}

static void holds_same(const struct reading *a, const struct reading *b)
{
    HOLDS(a->result == b->result);
    if (a->result != SC_OK)
        return;
    HOLDS(a->relation.len == b->relation.len && memcmp(a->relation.data, b->relation.data, a->relation.len) == 0);
    for (uint16_t i = 0; i < a->map->ncolumns; i++) {
        const struct my_log_column *x = &a->told.columns[i], *y = &b->told.columns[i];
        HOLDS(x->type == y->type && x->metadata == y->metadata && x->length == y->length && x->kind == y->kind);
        HOLDS(x->is_unsigned == y->is_unsigned && x->is_binary == y->is_binary);
        HOLDS(a->told.computed[i] == b->told.computed[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= FUZZ_TOLD_HEAD)
        return 0;
    uint8_t flags = data[0];
    size_t len = size - FUZZ_TOLD_HEAD, at = data[1] | (size_t)data[2] << 8;
    uint8_t *body = fuzz_exact(data + FUZZ_TOLD_HEAD, len);
    struct reading one, other;
    if (reading_begin(&one, flags, body, len)) {
        if (one.result == SC_OK) {
            holds_columns(&one, flags);
            holds_key(&one);
            holds_for_consumers(&one);
        }
        body[at % len] ^= data[3];
        if (reading_begin(&other, flags, body, len) && my_columns_same(one.map, other.map))
            holds_same(&one, &other);
        HOLDS(data[3] || other.map);
        reading_end(&other);
    }
    reading_end(&one);
    free(body);
    return 0;
}
