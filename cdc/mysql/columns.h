/* How the columns of a table are written in its row events: from the table map, its optional metadata, and, where these
 * are silent (MariaDB always is, by default), what the catalog says.
 *
 * What both say must agree: a column that the catalog calls int and the log calls varchar means that the table was
 * changed between the two. */
#ifndef SC_CDC_MYSQL_COLUMNS_H
#define SC_CDC_MYSQL_COLUMNS_H

#include "base/error.h"
#include "base/mem.h"
#include "cdc/mysql/events.h"
#include "cdc/mysql/values.h"
#include "cdc/source.h"

/* Numbers of types in the log (MySQL: enum_field_types). */
enum {
    MY_LOG_DECIMAL = 0, /* before 5.0; refused */
    MY_LOG_TINY = 1,
    MY_LOG_SHORT = 2,
    MY_LOG_LONG = 3,
    MY_LOG_FLOAT = 4,
    MY_LOG_DOUBLE = 5,
    MY_LOG_NULL = 6,
    MY_LOG_TIMESTAMP = 7,
    MY_LOG_LONGLONG = 8,
    MY_LOG_INT24 = 9,
    MY_LOG_DATE = 10,
    MY_LOG_TIME = 11,
    MY_LOG_DATETIME = 12,
    MY_LOG_YEAR = 13,
    MY_LOG_NEWDATE = 14,
    MY_LOG_VARCHAR = 15,
    MY_LOG_BIT = 16,
    MY_LOG_TIMESTAMP2 = 17,
    MY_LOG_DATETIME2 = 18,
    MY_LOG_TIME2 = 19,
    MY_LOG_BLOB_COMPRESSED = 140,    /* MariaDB, COLUMN FORMAT: `COMPRESSED` column attribute */
    MY_LOG_VARCHAR_COMPRESSED = 141, /* the same */
    MY_LOG_VECTOR = 242,             /* MySQL 9 */
    MY_LOG_JSON = 245,
    MY_LOG_NEWDECIMAL = 246,
    MY_LOG_ENUM = 247,
    MY_LOG_SET = 248,
    MY_LOG_TINY_BLOB = 249,
    MY_LOG_MEDIUM_BLOB = 250,
    MY_LOG_LONG_BLOB = 251,
    MY_LOG_BLOB = 252,
    MY_LOG_VAR_STRING = 253,
    MY_LOG_STRING = 254,
    MY_LOG_GEOMETRY = 255,
};

/* Fills columns[0 .. map->ncolumns) (arena). ENUM and SET are taken out of STRING, whose metadata is then the number of
 * bytes. `catalog` has ncatalog columns in the order of the table map; NULL where the log says it all.
 * SC_FAIL: the number of columns or a type does not fit the catalog (the table was changed), or a type cannot be read.
 */
enum sc_result my_columns_build(const struct my_table_map *map, const struct source_column *catalog, uint16_t ncatalog,
                                struct arena *arena, struct my_log_column **columns, struct sc_error *err);

/* True: both maps describe the same columns (types, metadata, nullability, and what the optional metadata tells). */
bool my_columns_same(const struct my_table_map *a, const struct my_table_map *b);
/* A copy whose every part comes from the arena, to keep for my_columns_same(). */
struct my_table_map *my_table_map_copy(const struct my_table_map *map, struct arena *arena);

#endif
