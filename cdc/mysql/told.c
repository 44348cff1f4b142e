#include "cdc/mysql/told.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* What comes column by column from lists that only columns of some kinds have an entry in. */
struct telling {
    const struct my_table_map *map;
    const struct my_told_from *from;
    struct arena *arena;
    uint16_t texts, members; /* so many of them were met */
    struct reader sets, enums, geometry;
};

static enum sc_result cannot_tell(const struct telling *t, uint16_t i, const char *what, struct sc_error *err)
{
    return error_set(err, SC_FAIL, "the binary log does not tell what column %.100s of table %s.%s is: %s",
                     t->map->names[i], t->map->schema, t->map->table, what);
}

/* --- what is known from elsewhere
 * ------------------------------------------------------------------------------------- */

static const char *untold_of(const struct my_told_from *from, const char *name)
{
    for (size_t i = 0; i < from->nuntold; i++)
        if (strcasecmp(from->untold[i].name, name) == 0)
            return from->untold[i].untold;
    return NULL;
}

/* Takes the word and a blank behind it. */
static bool take_word(const char **text, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(*text, word, len) != 0 || ((*text)[len] && (*text)[len] != ' '))
        return false;
    *text += len + ((*text)[len] == ' ');
    return true;
}

bool my_type_is_untold(const char *type, bool mariadb)
{
    static const char *const types[] = {"uuid", "inet4", "inet6", "vector"};
    size_t len = strcspn(type, "( ");
    for (size_t i = 0; mariadb && i < sizeof(types) / sizeof(types[0]); i++)
        if (strlen(types[i]) == len && strncasecmp(types[i], type, len) == 0)
            return true;
    return false;
}

/* --- types
 * ------------------------------------------------------------------------------------------------------------ */

static const struct my_charset *charset_of(const struct telling *t, uint64_t collation)
{
    size_t low = 0, high = t->from->ncharsets;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->from->charsets[middle].collation < collation)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < t->from->ncharsets && t->from->charsets[low].collation == collation;
    return found && t->from->charsets[low].longest > 0 ? &t->from->charsets[low] : NULL;
}

/* How many bytes a text column has at most; 0: by its type's name. */
static uint32_t bytes_of(const struct my_log_column *c)
{
    switch (c->type) {
    case MY_LOG_STRING:
        return c->length;
    case MY_LOG_VARCHAR_COMPRESSED: /* with a byte in front that says how */
        return c->metadata > 0 ? c->metadata - 1u : 0;
    default:
        return c->metadata;
    }
}

static enum sc_result tell_text(struct telling *t, uint16_t i, const struct my_log_column *c,
                                struct relation_column *out, struct sc_error *err)
{
    static const char *const texts[] = {"tinytext", "text", "mediumtext", "longtext"};
    static const char *const blobs[] = {"tinyblob", "blob", "mediumblob", "longblob"};
    const struct my_table_map *map = t->map;
    uint64_t collation = my_charset_told(map->charsets, map->charsets_len, map->charsets_by_column, t->texts++);
    bool binary = collation == MY_CHARSET_BINARY;
    const struct my_charset *charset = binary ? NULL : charset_of(t, collation);
    if (!binary && !charset)
        return cannot_tell(t, i, "the server has no collation of the number in the log", err);
    out->told_charset = charset ? charset->name : NULL;
    if (c->type == MY_LOG_BLOB || c->type == MY_LOG_BLOB_COMPRESSED) {
        if (c->metadata < 1 || c->metadata > 4)
            return cannot_tell(t, i, "its length has an impossible number of bytes", err);
        out->told_type = (binary ? blobs : texts)[c->metadata - 1];
        return SC_OK;
    }
    const char *name = c->type == MY_LOG_STRING ? binary ? "binary" : "char" : binary ? "varbinary" : "varchar";
    out->told_type = arena_printf(t->arena, "%s(%" PRIu32 ")", name, bytes_of(c) / (charset ? charset->longest : 1));
    return SC_OK;
}

/* A count, and each behind its length. */
static enum sc_result tell_members(struct telling *t, uint16_t i, bool set, struct relation_column *out,
                                   struct sc_error *err)
{
    const struct my_table_map *map = t->map;
    struct reader *r = set ? &t->sets : &t->enums;
    const struct my_charset *charset =
        charset_of(t, my_charset_told(map->member_charsets.data, map->member_charsets.len,
                                      map->member_charsets_by_column, t->members++));
    struct buf b = {0};
    buf_str(&b, set ? "set(" : "enum(");
    uint64_t count = read_packed(r);
    for (uint64_t m = 0; m < count && reader_ok(r); m++) {
        uint64_t len = read_packed(r);
        const char *bytes = len <= reader_left(r) ? read_bytes(r, (size_t)len) : NULL;
        buf_str(&b, m ? ",0x" : "0x");
        for (uint64_t k = 0; bytes && k < len; k++)
            buf_printf(&b, "%02x", (unsigned char)bytes[k]);
        r->bad |= !bytes;
    }
    buf_char(&b, ')');
    bool good = reader_ok(r) && count > 0;
    out->told_type = arena_strdup(t->arena, buf_cstr(&b));
    buf_fini(&b);
    if (!good)
        return cannot_tell(t, i, "its members are not there", err);
    if (!charset)
        return cannot_tell(t, i, "the server has no collation of the number in the log", err);
    out->told_charset = charset->name;
    return SC_OK;
}

static enum sc_result tell_geometry(struct telling *t, uint16_t i, struct relation_column *out, struct sc_error *err)
{
    static const char *const kinds[] = {"geometry",   "point",           "linestring",   "polygon",
                                        "multipoint", "multilinestring", "multipolygon", "geometrycollection"};
    uint64_t kind = read_packed(&t->geometry);
    if (!reader_ok(&t->geometry) || kind >= sizeof(kinds) / sizeof(kinds[0]))
        return cannot_tell(t, i, "its kind of geometry is not there", err);
    if (my_type_has_charset(MY_LOG_GEOMETRY, t->map->mariadb))
        t->texts++; /* which lists them, too */
    out->told_type = kinds[kind];
    return SC_OK;
}

/* Types that have no more to them than their name and numbers. */
static const char *plain_type(struct arena *arena, const struct my_log_column *c)
{
    static const struct {
        uint8_t type;
        const char *name;
    } names[] = {
        {MY_LOG_TINY, "tinyint"},    {MY_LOG_SHORT, "smallint"}, {MY_LOG_INT24, "mediumint"}, {MY_LOG_LONG, "int"},
        {MY_LOG_LONGLONG, "bigint"}, {MY_LOG_FLOAT, "float"},    {MY_LOG_DOUBLE, "double"},   {MY_LOG_DATE, "date"},
        {MY_LOG_NEWDATE, "date"},    {MY_LOG_YEAR, "year"},      {MY_LOG_JSON, "json"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].type == c->type)
            return c->is_unsigned && c->type != MY_LOG_YEAR ? arena_printf(arena, "%s unsigned", names[i].name)
                                                            : names[i].name;
    switch (c->type) {
    case MY_LOG_NEWDECIMAL:
        return arena_printf(arena, "decimal(%d,%d)%s", c->metadata >> 8, c->metadata & 0xff,
                            c->is_unsigned ? " unsigned" : "");
    case MY_LOG_BIT:
        return arena_printf(arena, "bit(%" PRIu32 ")", c->length);
    case MY_LOG_TIME2:
        return c->metadata ? arena_printf(arena, "time(%d)", c->metadata) : "time";
    case MY_LOG_DATETIME2:
        return c->metadata ? arena_printf(arena, "datetime(%d)", c->metadata) : "datetime";
    case MY_LOG_TIMESTAMP2:
        return c->metadata ? arena_printf(arena, "timestamp(%d)", c->metadata) : "timestamp";
    default:
        return NULL;
    }
}

static enum sc_result tell_type(struct telling *t, uint16_t i, const struct my_log_column *c,
                                struct relation_column *out, struct sc_error *err)
{
    switch (c->type) {
    case MY_LOG_ENUM:
    case MY_LOG_SET:
        return tell_members(t, i, c->type == MY_LOG_SET, out, err);
    case MY_LOG_GEOMETRY:
        return tell_geometry(t, i, out, err);
    case MY_LOG_VECTOR:
        t->texts++;
        out->told_type = arena_printf(t->arena, "vector");
        return SC_OK;
    case MY_LOG_TIME:
    case MY_LOG_DATETIME:
    case MY_LOG_TIMESTAMP:
        return cannot_tell(t, i, "it is of an old form, without the number of its digits behind the second", err);
    default:
        break;
    }
    if (my_type_has_charset(c->type, t->map->mariadb))
        return tell_text(t, i, c, out, err);
    out->told_type = plain_type(t->arena, c);
    return out->told_type ? SC_OK : cannot_tell(t, i, "its type is not known", err);
}

static enum sc_result tell_column(struct telling *t, uint16_t i, struct my_told *out, struct sc_error *err)
{
    const struct my_table_map *map = t->map;
    struct relation_column *r = &out->relation[i];
    *r = (struct relation_column){.name = arena_strdup(t->arena, map->names[i]),
                                  .type = out->columns[i].type,
                                  .modifier = out->columns[i].metadata,
                                  .told_optional = map->nullable[i / 8] >> i % 8 & 1};
    /* MariaDB: unique over values too long for an index, by a column that nobody but the log sees. */
    if (map->mariadb && strncmp(map->names[i], "DB_ROW_HASH_", 12) == 0)
        return cannot_tell(t, i, "it is hidden, and stands for a unique index over long values (USING HASH)", err);
    if (strncmp(map->names[i], "!hidden!", 8) == 0)
        return cannot_tell(t, i, "it is hidden, and stands for an expression in an index", err);
    if (out->columns[i].type == MY_LOG_YEAR && t->from->signs_leave_out_year)
        return cannot_tell(
            t, i, "this version's log does not tell for certain which columns are unsigned beside a YEAR", err);
    enum sc_result result = tell_type(t, i, &out->columns[i], r, err);
    const char *untold = untold_of(t->from, map->names[i]);
    if (result != SC_OK || !untold)
        return result;
    bool is_virtual = take_word(&untold, "virtual"), stored = take_word(&untold, "stored");
    out->computed[i] = is_virtual || stored;
    r->told_absent = is_virtual || (stored && t->from->leaves_out_stored);
    if (*untold) {
        r->told_type = arena_strdup(t->arena, untold);
        r->told_charset = NULL;
    }
    return SC_OK;
}

/* --- the key
 * ---------------------------------------------------------------------------------------------------------- */

/* A key with prefixes of columns tells no rows apart by what is in these columns: it is none. */
static enum sc_result tell_key(const struct telling *t, struct my_told *out, struct sc_error *err)
{
    const struct my_table_map *map = t->map;
    struct reader r = reader_of(map->primary.data, map->primary.data ? map->primary.len : 0);
    for (uint16_t place = 1; reader_left(&r) > 0; place++) {
        uint64_t column = read_packed(&r);
        if (!reader_ok(&r) || column >= map->ncolumns || out->relation[column].told_key)
            return error_set(err, SC_FAIL,
                             "the binary log describes the key of table %s.%s by a column that it lacks, or twice by "
                             "the same",
                             map->schema, map->table);
        out->relation[column].told_key = place;
    }
    return SC_OK;
}

/* Once more, with what is known from elsewhere: by it bytes are read as an address, and not as they are. */
static enum sc_result build_columns(const struct telling *t, struct my_told *out, struct sc_error *err)
{
    uint16_t n = t->map->ncolumns;
    struct source_column *columns = arena_array(t->arena, n ? n : 1, sizeof(*columns));
    for (uint16_t i = 0; i < n; i++)
        columns[i] = (struct source_column){.name = out->relation[i].name, .type = out->relation[i].told_type};
    return my_columns_build(t->map, columns, n, t->arena, &out->columns, err);
}

enum sc_result my_told_read(const struct my_table_map *map, const struct my_told_from *from, struct arena *arena,
                            struct my_told *out, struct sc_error *err)
{
    uint16_t n = map->ncolumns;
    if (!map->names)
        return error_set(err, SC_FAIL,
                         "table %s.%s was changed, and the log does not say what its columns are (binlog_row_metadata "
                         "is not FULL)",
                         map->schema, map->table);
    struct telling t = {.map = map,
                        .from = from,
                        .arena = arena,
                        .sets = reader_of(map->sets.data, map->sets.data ? map->sets.len : 0),
                        .enums = reader_of(map->enums.data, map->enums.data ? map->enums.len : 0),
                        .geometry = reader_of(map->geometry.data, map->geometry.data ? map->geometry.len : 0)};
    *out = (struct my_told){.relation = arena_array(arena, n ? n : 1, sizeof(*out->relation)),
                            .computed = arena_array(arena, n ? n : 1, sizeof(*out->computed))};
    enum sc_result result = my_columns_build(map, NULL, 0, arena, &out->columns, err);
    for (uint16_t i = 0; i < n && result == SC_OK; i++)
        result = tell_column(&t, i, out, err);
    if (result == SC_OK)
        result = tell_key(&t, out, err);
    return result == SC_OK ? build_columns(&t, out, err) : result;
}
