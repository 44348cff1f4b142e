#include <string.h>

#include "cdc/change.h"
#include "cdc/mysql/columns.h"
#include "cdc/mysql/compressed.h"
#include "cdc/mysql/event_body.h"
#include "cdc/mysql/event_types.h"

/* --- TABLE_MAP --- */

/* Fields of the optional metadata (MySQL: Table_map_event::Optional_metadata_field_type). */
enum {
    FIELD_SIGNEDNESS = 1,
    FIELD_DEFAULT_CHARSET = 2,
    FIELD_COLUMN_CHARSET = 3,
    FIELD_COLUMN_NAME = 4,
    FIELD_SET_MEMBERS = 5,
    FIELD_ENUM_MEMBERS = 6,
    FIELD_GEOMETRY_TYPE = 7,
    FIELD_PRIMARY_KEY = 8,
    FIELD_PRIMARY_KEY_WITH_PREFIX = 9,
    FIELD_MEMBERS_DEFAULT_CHARSET = 10,
    FIELD_MEMBERS_COLUMN_CHARSET = 11,
};

static uint64_t table_id(struct my_body *b)
{
    return b->post_header == 6 ? read_u32_le(&b->r) : read_u48_le(&b->r);
}

static const char *name(struct reader *r)
{
    uint64_t len = read_packed(r);
    const char *text = len < reader_left(r) ? read_bytes(r, (size_t)len + 1) : NULL;
    return text && !text[len] && !memchr(text, 0, (size_t)len) ? text : NULL;
}

/* Bytes of metadata that the log has for a type; -1 not known (MySQL: Field::do_save_field_metadata()). */
static int metadata_bytes(uint8_t type)
{
    switch (type) {
    case MY_LOG_FLOAT:
    case MY_LOG_DOUBLE:
    case MY_LOG_TIMESTAMP2:
    case MY_LOG_DATETIME2:
    case MY_LOG_TIME2:
    case MY_LOG_TINY_BLOB:
    case MY_LOG_MEDIUM_BLOB:
    case MY_LOG_LONG_BLOB:
    case MY_LOG_BLOB:
    case MY_LOG_BLOB_COMPRESSED:
    case MY_LOG_GEOMETRY:
    case MY_LOG_JSON:
    case MY_LOG_VECTOR:
        return 1;
    case MY_LOG_VARCHAR:
    case MY_LOG_VARCHAR_COMPRESSED:
    case MY_LOG_BIT:
    case MY_LOG_NEWDECIMAL:
    case MY_LOG_VAR_STRING:
    case MY_LOG_STRING:
    case MY_LOG_ENUM:
    case MY_LOG_SET:
        return 2;
    case MY_LOG_DECIMAL:
    case MY_LOG_TINY:
    case MY_LOG_SHORT:
    case MY_LOG_LONG:
    case MY_LOG_LONGLONG:
    case MY_LOG_INT24:
    case MY_LOG_NULL:
    case MY_LOG_TIMESTAMP:
    case MY_LOG_DATE:
    case MY_LOG_TIME:
    case MY_LOG_DATETIME:
    case MY_LOG_YEAR:
    case MY_LOG_NEWDATE:
        return 0;
    default:
        return -1;
    }
}

static const char *metadata(struct my_body *b, struct my_table_map *map)
{
    uint64_t len = read_packed(&b->r);
    const char *bytes = len <= reader_left(&b->r) ? read_bytes(&b->r, (size_t)len) : NULL;
    if (!bytes)
        return "its columns' metadata is cut off";
    struct reader r = reader_of(bytes, (size_t)len);
    uint16_t *values = arena_array(b->arena, map->ncolumns ? map->ncolumns : 1, sizeof(*values));
    for (uint16_t i = 0; i < map->ncolumns; i++) {
        uint8_t type = map->types[i];
        switch (metadata_bytes(type)) {
        case 0:
            break;
        case 1:
            values[i] = read_u8(&r);
            break;
        case 2:
            values[i] = type == MY_LOG_VARCHAR || type == MY_LOG_VARCHAR_COMPRESSED || type == MY_LOG_BIT
                            ? read_u16_le(&r)
                            : read_u16(&r);
            break;
        default:
            map->unknown_type = type;
            return NULL;
        }
    }
    if (!reader_done(&r))
        return "its columns' metadata does not fit their types";
    map->metadata = values;
    return NULL;
}

static const char *column_names(struct my_body *b, struct reader r, struct my_table_map *map)
{
    const char **names = arena_array(b->arena, map->ncolumns ? map->ncolumns : 1, sizeof(*names));
    for (uint16_t i = 0; i < map->ncolumns; i++) {
        size_t len = read_u8(&r);
        const char *text = read_bytes(&r, len);
        if (!text || memchr(text, 0, len))
            return "the name of a column is cut off";
        names[i] = arena_copy(b->arena, text, len);
    }
    map->names = names;
    return reader_done(&r) ? NULL : "it has more names than columns";
}

static const char *optional_metadata(struct my_body *b, struct my_table_map *map)
{
    const char *problem = NULL;
    while (!problem && reader_left(&b->r) > 0) {
        uint8_t field = read_u8(&b->r);
        uint64_t len = read_packed(&b->r);
        const char *value = len <= reader_left(&b->r) ? read_bytes(&b->r, (size_t)len) : NULL;
        if (!value)
            return "its optional metadata is cut off";
        const struct my_map_field whole = {(const uint8_t *)value, (size_t)len};
        switch (field) {
        case FIELD_SIGNEDNESS:
            map->unsigned_bits = (const uint8_t *)value;
            map->unsigned_len = (size_t)len;
            break;
        case FIELD_DEFAULT_CHARSET:
        case FIELD_COLUMN_CHARSET:
            map->charsets = (const uint8_t *)value;
            map->charsets_len = (size_t)len;
            map->charsets_by_column = field == FIELD_COLUMN_CHARSET;
            break;
        case FIELD_COLUMN_NAME:
            problem = column_names(b, reader_of(value, (size_t)len), map);
            break;
        case FIELD_SET_MEMBERS:
            map->sets = whole;
            break;
        case FIELD_ENUM_MEMBERS:
            map->enums = whole;
            break;
        case FIELD_GEOMETRY_TYPE:
            map->geometry = whole;
            break;
        case FIELD_PRIMARY_KEY:
            map->primary = whole;
            break;
        case FIELD_PRIMARY_KEY_WITH_PREFIX:
            map->prefixed = whole;
            break;
        case FIELD_MEMBERS_DEFAULT_CHARSET:
        case FIELD_MEMBERS_COLUMN_CHARSET:
            map->member_charsets = whole;
            map->member_charsets_by_column = field == FIELD_MEMBERS_COLUMN_CHARSET;
            break;
        default:
            break; /* visibility, dimensions: not needed, and new ones may come */
        }
    }
    return problem;
}

const char *my_body_table_map(struct my_body *b, struct my_event *event)
{
    struct my_table_map *map = &event->table_map;
    map->mariadb = b->decoder->mariadb;
    map->table_id = table_id(b);
    read_u16_le(&b->r); /* flags */
    map->schema = name(&b->r);
    map->table = name(&b->r);
    if (!map->schema || !map->table)
        return "it names no table";
    uint64_t ncolumns = read_packed(&b->r);
    if (ncolumns > MAX_COLUMNS)
        return "it has more columns than a table can have";
    map->ncolumns = (uint16_t)ncolumns;
    map->types = (const uint8_t *)read_bytes(&b->r, map->ncolumns);
    if (!map->types)
        return "its columns are cut off";
    const char *problem = metadata(b, map);
    if (problem)
        return problem;
    map->nullable = (const uint8_t *)read_bytes(&b->r, (map->ncolumns + 7u) / 8);
    if (!map->nullable)
        return "its columns are cut off";
    return optional_metadata(b, map);
}

/* --- rows --- */

enum { ROWS_END_OF_STATEMENT = 1 };

static void rows_shape(uint8_t type, struct my_rows_event *rows, bool *v2, bool *compressed)
{
    *v2 = false;
    *compressed = false;
    switch (type) {
    case MY_TYPE_WRITE_ROWS_COMPRESSED:
    case MY_TYPE_UPDATE_ROWS_COMPRESSED:
    case MY_TYPE_DELETE_ROWS_COMPRESSED:
        *compressed = true; /* fall through */
    case MY_TYPE_WRITE_ROWS:
    case MY_TYPE_UPDATE_ROWS:
    case MY_TYPE_DELETE_ROWS:
    case MY_TYPE_PARTIAL_UPDATE_ROWS:
        *v2 = true;
        break;
    case MY_TYPE_WRITE_ROWS_COMPRESSED_V1:
    case MY_TYPE_UPDATE_ROWS_COMPRESSED_V1:
    case MY_TYPE_DELETE_ROWS_COMPRESSED_V1:
        *compressed = true;
        break;
    default:
        break;
    }
    switch (type) {
    case MY_TYPE_WRITE_ROWS:
    case MY_TYPE_WRITE_ROWS_V1:
    case MY_TYPE_WRITE_ROWS_COMPRESSED:
    case MY_TYPE_WRITE_ROWS_COMPRESSED_V1:
        rows->op = MY_ROWS_INSERT;
        break;
    case MY_TYPE_DELETE_ROWS:
    case MY_TYPE_DELETE_ROWS_V1:
    case MY_TYPE_DELETE_ROWS_COMPRESSED:
    case MY_TYPE_DELETE_ROWS_COMPRESSED_V1:
        rows->op = MY_ROWS_DELETE;
        break;
    default:
        rows->op = MY_ROWS_UPDATE;
        break;
    }
    rows->partial = type == MY_TYPE_PARTIAL_UPDATE_ROWS;
}

const char *my_body_rows(struct my_body *b, struct my_event *event)
{
    struct my_rows_event *rows = &event->rows;
    bool v2, compressed;
    rows_shape(event->type, rows, &v2, &compressed);
    rows->table_id = table_id(b);
    rows->end_of_statement = read_u16_le(&b->r) & ROWS_END_OF_STATEMENT;
    if (v2) {
        uint16_t extra = read_u16_le(&b->r); /* counts itself */
        if (extra < 2)
            return "its extra data has an impossible length";
        read_bytes(&b->r, extra - 2u);
    }
    uint64_t ncolumns = read_packed(&b->r);
    if (!reader_ok(&b->r) || ncolumns > MAX_COLUMNS)
        return "it has more columns than a table can have";
    rows->ncolumns = (uint32_t)ncolumns;
    size_t bitmap = (rows->ncolumns + 7) / 8;
    if (rows->op != MY_ROWS_INSERT)
        rows->before = (const uint8_t *)read_bytes(&b->r, bitmap);
    if (rows->op != MY_ROWS_DELETE)
        rows->after = (const uint8_t *)read_bytes(&b->r, bitmap);
    rows->rows_len = reader_left(&b->r);
    rows->rows = (const uint8_t *)read_bytes(&b->r, rows->rows_len);
    if (!rows->rows)
        return "its columns are cut off";
    if (compressed) {
        const char *problem = NULL;
        rows->rows = my_inflate(b->arena, rows->rows, rows->rows_len, &rows->rows_len, &problem);
        return problem;
    }
    return NULL;
}
