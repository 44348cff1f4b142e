#include "cdc/mysql/columns.h"

#include <string.h>
#include <strings.h>

/* What the catalog's names of types are in the log. */
static const struct type_name {
    const char *name;
    uint8_t types[3]; /* that the log may have for it; 0 none */
    enum my_family_type kind;
} type_names[] = {
    {"tinyint", {MY_LOG_TINY}, MY_TYPE_PLAIN},
    {"smallint", {MY_LOG_SHORT}, MY_TYPE_PLAIN},
    {"mediumint", {MY_LOG_INT24}, MY_TYPE_PLAIN},
    {"int", {MY_LOG_LONG}, MY_TYPE_PLAIN},
    {"bigint", {MY_LOG_LONGLONG}, MY_TYPE_PLAIN},
    {"decimal", {MY_LOG_NEWDECIMAL}, MY_TYPE_PLAIN},
    {"float", {MY_LOG_FLOAT}, MY_TYPE_PLAIN},
    {"double", {MY_LOG_DOUBLE}, MY_TYPE_PLAIN},
    {"bit", {MY_LOG_BIT}, MY_TYPE_PLAIN},
    {"date", {MY_LOG_DATE, MY_LOG_NEWDATE}, MY_TYPE_PLAIN},
    {"time", {MY_LOG_TIME2, MY_LOG_TIME}, MY_TYPE_PLAIN},
    {"datetime", {MY_LOG_DATETIME2, MY_LOG_DATETIME}, MY_TYPE_PLAIN},
    {"timestamp", {MY_LOG_TIMESTAMP2, MY_LOG_TIMESTAMP}, MY_TYPE_PLAIN},
    {"year", {MY_LOG_YEAR}, MY_TYPE_PLAIN},
    {"char", {MY_LOG_STRING}, MY_TYPE_PLAIN},
    {"binary", {MY_LOG_STRING}, MY_TYPE_PLAIN},
    {"varchar", {MY_LOG_VARCHAR, MY_LOG_VARCHAR_COMPRESSED, MY_LOG_VAR_STRING}, MY_TYPE_PLAIN},
    {"varbinary", {MY_LOG_VARCHAR, MY_LOG_VARCHAR_COMPRESSED, MY_LOG_VAR_STRING}, MY_TYPE_PLAIN},
    {"tinytext", {MY_LOG_BLOB, MY_LOG_BLOB_COMPRESSED}, MY_TYPE_PLAIN},
    {"text", {MY_LOG_BLOB, MY_LOG_BLOB_COMPRESSED}, MY_TYPE_PLAIN},
    {"mediumtext", {MY_LOG_BLOB, MY_LOG_BLOB_COMPRESSED}, MY_TYPE_PLAIN},
    {"longtext", {MY_LOG_BLOB, MY_LOG_BLOB_COMPRESSED}, MY_TYPE_PLAIN},
    {"tinyblob", {MY_LOG_BLOB, MY_LOG_BLOB_COMPRESSED}, MY_TYPE_PLAIN},
    {"blob", {MY_LOG_BLOB, MY_LOG_BLOB_COMPRESSED}, MY_TYPE_PLAIN},
    {"mediumblob", {MY_LOG_BLOB, MY_LOG_BLOB_COMPRESSED}, MY_TYPE_PLAIN},
    {"longblob", {MY_LOG_BLOB, MY_LOG_BLOB_COMPRESSED}, MY_TYPE_PLAIN},
    {"enum", {MY_LOG_ENUM}, MY_TYPE_PLAIN},
    {"set", {MY_LOG_SET}, MY_TYPE_PLAIN},
    {"json", {MY_LOG_JSON, MY_LOG_BLOB}, MY_TYPE_PLAIN},
    {"vector", {MY_LOG_VECTOR, MY_LOG_VARCHAR}, MY_TYPE_PLAIN},
    {"geometry", {MY_LOG_GEOMETRY}, MY_TYPE_PLAIN},
    {"point", {MY_LOG_GEOMETRY}, MY_TYPE_PLAIN},
    {"linestring", {MY_LOG_GEOMETRY}, MY_TYPE_PLAIN},
    {"polygon", {MY_LOG_GEOMETRY}, MY_TYPE_PLAIN},
    {"multipoint", {MY_LOG_GEOMETRY}, MY_TYPE_PLAIN},
    {"multilinestring", {MY_LOG_GEOMETRY}, MY_TYPE_PLAIN},
    {"multipolygon", {MY_LOG_GEOMETRY}, MY_TYPE_PLAIN},
    {"geometrycollection", {MY_LOG_GEOMETRY}, MY_TYPE_PLAIN},
    {"geomcollection", {MY_LOG_GEOMETRY}, MY_TYPE_PLAIN},
    {"uuid", {MY_LOG_STRING}, MY_TYPE_UUID},
    {"inet4", {MY_LOG_STRING}, MY_TYPE_INET4},
    {"inet6", {MY_LOG_STRING}, MY_TYPE_INET6},
};

static enum sc_result advise(struct sc_error *err)
{
    return error_hint(err, "Rows of the table can no longer be read with certainty; the source is untouched. Abort the "
                           "migration and start it again.");
}

/* Types that the optional metadata has a bit of signedness for. */
static bool is_numeric(uint8_t type)
{
    switch (type) {
    case MY_LOG_TINY:
    case MY_LOG_SHORT:
    case MY_LOG_INT24:
    case MY_LOG_LONG:
    case MY_LOG_LONGLONG:
    case MY_LOG_NEWDECIMAL:
    case MY_LOG_FLOAT:
    case MY_LOG_DOUBLE:
    case MY_LOG_YEAR: /* always unsigned; seen on MySQL 9.7, MariaDB 10.11 and 11.8 */
        return true;
    default:
        return false;
    }
}

static bool is_integer(uint8_t type)
{
    return type == MY_LOG_TINY || type == MY_LOG_SHORT || type == MY_LOG_INT24 || type == MY_LOG_LONG ||
           type == MY_LOG_LONGLONG;
}

/* Types that the optional metadata lists a character set for. */
bool my_type_has_charset(uint8_t type, bool mariadb)
{
    switch (type) {
    case MY_LOG_STRING:
    case MY_LOG_VAR_STRING:
    case MY_LOG_VARCHAR:
    case MY_LOG_VARCHAR_COMPRESSED:
    case MY_LOG_BLOB:
    case MY_LOG_BLOB_COMPRESSED:
    case MY_LOG_VECTOR: /* as "binary"; seen on MySQL 9.7 */
        return true;
    case MY_LOG_GEOMETRY: /* likewise; seen on MySQL 9.7, MariaDB 10.11 and 11.8 */
        return mariadb;
    default:
        return false;
    }
}

/* ENUM and SET out of STRING, and the length that STRING has in bytes (MySQL source, table_def). */
static void resolve(uint8_t *type, uint16_t metadata, uint32_t *length)
{
    if (*type != MY_LOG_STRING)
        return;
    uint8_t high = (uint8_t)(metadata >> 8);
    *length = metadata & 0xff;
    if (!high)
        return;
    if ((high & 0x30) != 0x30) {
        *length |= (uint32_t)((high & 0x30) ^ 0x30) << 4;
        high |= 0x30;
    }
    if (high == MY_LOG_ENUM || high == MY_LOG_SET)
        *type = high;
}

uint64_t my_charset_told(const uint8_t *charsets, size_t len, bool by_column, uint16_t n)
{
    if (!charsets)
        return 0;
    struct reader r = reader_of(charsets, len);
    uint64_t charset = 0;
    if (by_column) {
        for (uint16_t i = 0; i <= n; i++)
            charset = read_packed(&r);
    } else {
        charset = read_packed(&r);
        while (reader_left(&r) > 0) {
            uint64_t column = read_packed(&r), own = read_packed(&r);
            if (reader_ok(&r) && column == n)
                charset = own;
        }
    }
    return reader_ok(&r) ? charset : 0;
}

static const struct type_name *type_named(const char *text)
{
    size_t len = strcspn(text, "( ");
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
        if (strlen(type_names[i].name) == len && strncasecmp(type_names[i].name, text, len) == 0)
            return &type_names[i];
    return NULL;
}

/* The number in parentheses behind the type's name; 0 none. */
static uint32_t number_in(const char *text)
{
    uint32_t n = 0;
    text += strcspn(text, "( ");
    if (*text == '(')
        for (text++; *text >= '0' && *text <= '9' && n < 100000; text++)
            n = n * 10 + (uint32_t)(*text - '0');
    return n;
}

static enum sc_result from_catalog(struct my_log_column *c, const struct source_column *column, bool signedness_told,
                                   struct sc_error *err)
{
    const struct type_name *known = type_named(column->type);
    bool fits = false;
    for (size_t i = 0; known && i < sizeof(known->types); i++)
        fits |= known->types[i] != 0 && known->types[i] == c->type;
    if (!known) {
        error_set(err, SC_FAIL, "column %s has the type %s, whose form in the binary log is not known", column->name,
                  column->type);
        return advise(err);
    }
    if (!fits) {
        error_set(err, SC_FAIL,
                  "column %s is %s in the catalog, but of type %d in the binary log: the table was changed",
                  column->name, column->type, (int)c->type);
        return advise(err);
    }
    bool is_unsigned = strcasestr(column->type, " unsigned") != NULL || strcasestr(column->type, " zerofill") != NULL;
    if (signedness_told && is_integer(c->type) && is_unsigned != c->is_unsigned) {
        error_set(err, SC_FAIL, "column %s is %s in the catalog, but %s in the binary log: the table was changed",
                  column->name, column->type, c->is_unsigned ? "unsigned" : "signed");
        return advise(err);
    }
    c->is_unsigned = is_unsigned;
    c->kind = known->kind;
    if (c->type == MY_LOG_STRING)
        c->is_binary = strcasecmp(known->name, "binary") == 0;
    if (c->type == MY_LOG_TIME || c->type == MY_LOG_DATETIME || c->type == MY_LOG_TIMESTAMP)
        c->length = number_in(column->type);
    return SC_OK;
}

enum sc_result my_columns_build(const struct my_table_map *map, const struct source_column *catalog, uint16_t ncatalog,
                                struct arena *arena, struct my_log_column **columns, struct sc_error *err)
{
    *columns = NULL;
    if (!map->metadata) {
        error_set(err, SC_FAIL, "table %s.%s has a column whose type in the binary log (%d) is not known", map->schema,
                  map->table, (int)map->unknown_type);
        return advise(err);
    }
    if (catalog && ncatalog != map->ncolumns) {
        error_set(err, SC_FAIL, "table %s.%s has %u columns in the catalog, but %u in the binary log: it was changed",
                  map->schema, map->table, (unsigned)ncatalog, (unsigned)map->ncolumns);
        return advise(err);
    }
    struct my_log_column *out = arena_array(arena, map->ncolumns ? map->ncolumns : 1, sizeof(*out));
    uint16_t numeric = 0, character = 0;
    for (uint16_t i = 0; i < map->ncolumns; i++) {
        struct my_log_column *c = &out[i];
        c->type = map->types[i];
        c->metadata = map->metadata[i];
        resolve(&c->type, c->metadata, &c->length);
        if (c->type == MY_LOG_BIT)
            c->length = (uint32_t)(c->metadata >> 8) * 8 + (c->metadata & 0xff);
        bool signedness_told = false;
        if (is_numeric(c->type)) {
            signedness_told = map->unsigned_bits && numeric / 8u < map->unsigned_len;
            c->is_unsigned = signedness_told && map->unsigned_bits[numeric / 8] & 0x80 >> numeric % 8;
            numeric++;
        }
        uint64_t charset = 0;
        if (my_type_has_charset(c->type, map->mariadb))
            charset = my_charset_told(map->charsets, map->charsets_len, map->charsets_by_column, character++);
        c->is_binary = c->type == MY_LOG_STRING && charset == MY_CHARSET_BINARY;
        if (catalog) {
            enum sc_result result = from_catalog(c, &catalog[i], signedness_told, err);
            if (result != SC_OK)
                return error_wrap(err, "table %s.%s", map->schema, map->table);
        } else if ((is_integer(c->type) && !signedness_told) || (c->type == MY_LOG_STRING && !charset)) {
            error_set(err, SC_FAIL, "the binary log does not say of which kind column %u of table %s.%s is", i + 1u,
                      map->schema, map->table);
            return advise(err);
        }
    }
    *columns = out;
    return SC_OK;
}

static bool same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return !a == !b && (!a || (a_len == b_len && memcmp(a, b, a_len) == 0));
}

static bool same_field(struct my_map_field a, struct my_map_field b)
{
    return same_bytes(a.data, a.len, b.data, b.len);
}

bool my_columns_same(const struct my_table_map *a, const struct my_table_map *b)
{
    size_t n = a->ncolumns, bitmap = (n + 7) / 8;
    if (a->ncolumns != b->ncolumns || a->mariadb != b->mariadb || !a->names != !b->names ||
        a->charsets_by_column != b->charsets_by_column || !same_bytes(a->types, n, b->types, n) ||
        !same_bytes(a->metadata, n * sizeof(*a->metadata), b->metadata, n * sizeof(*b->metadata)) ||
        !same_bytes(a->nullable, bitmap, b->nullable, bitmap) ||
        !same_bytes(a->unsigned_bits, a->unsigned_len, b->unsigned_bits, b->unsigned_len) ||
        !same_bytes(a->charsets, a->charsets_len, b->charsets, b->charsets_len) || !same_field(a->sets, b->sets) ||
        !same_field(a->enums, b->enums) || !same_field(a->geometry, b->geometry) ||
        !same_field(a->primary, b->primary) || !same_field(a->prefixed, b->prefixed) ||
        !same_field(a->member_charsets, b->member_charsets) ||
        a->member_charsets_by_column != b->member_charsets_by_column)
        return false;
    for (size_t i = 0; a->names && i < n; i++)
        if (strcmp(a->names[i], b->names[i]) != 0)
            return false;
    return true;
}

static const void *keep(struct arena *arena, const void *data, size_t len)
{
    if (!data)
        return NULL;
    void *copy = arena_alloc(arena, len + 1);
    if (len)
        memcpy(copy, data, len);
    return copy;
}

struct my_table_map *my_table_map_copy(const struct my_table_map *map, struct arena *arena)
{
    struct my_table_map *copy = arena_alloc(arena, sizeof(*copy));
    size_t n = map->ncolumns;
    *copy = *map;
    copy->schema = arena_strdup(arena, map->schema);
    copy->table = arena_strdup(arena, map->table);
    copy->types = keep(arena, map->types, n);
    copy->metadata = keep(arena, map->metadata, n * sizeof(*map->metadata));
    copy->nullable = keep(arena, map->nullable, (n + 7) / 8);
    copy->unsigned_bits = keep(arena, map->unsigned_bits, map->unsigned_len);
    copy->charsets = keep(arena, map->charsets, map->charsets_len);
    struct my_map_field *const fields[] = {&copy->sets,    &copy->enums,    &copy->geometry,
                                           &copy->primary, &copy->prefixed, &copy->member_charsets};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        fields[i]->data = keep(arena, fields[i]->data, fields[i]->len);
    if (map->names) {
        copy->names = arena_array(arena, n ? n : 1, sizeof(*copy->names));
        for (size_t i = 0; i < n; i++)
            copy->names[i] = arena_strdup(arena, map->names[i]);
    }
    return copy;
}
