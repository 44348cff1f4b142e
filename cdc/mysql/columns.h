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
#include "cdc/mysql/types.h"
#include "cdc/mysql/values.h"
#include "cdc/source.h"

/* Fills columns[0 .. map->ncolumns) (arena). ENUM and SET are taken out of STRING (the metadata stays as it is).
 * `catalog` has ncatalog columns in the order of the table map; NULL where the log says it all. SC_FAIL: the number of
 * columns or a type does not fit the catalog (the table was changed), or a type cannot be read. */
enum sc_result my_columns_build(const struct my_table_map *map, const struct source_column *catalog, uint16_t ncatalog,
                                struct arena *arena, struct my_log_column **columns, struct sc_error *err);

#define MY_CHARSET_BINARY 63 /* number of the collation "binary" */

/* Does the optional metadata list a character set for columns of this type (ENUM and SET have lists of their own)? */
bool my_type_has_charset(uint8_t type, bool mariadb);
/* The number of the collation of the n-th column in such a list, which has one for each or a default; 0 not told. */
uint64_t my_charset_told(const uint8_t *charsets, size_t len, bool by_column, uint16_t n);

/* True: both maps describe the same columns (types, metadata, nullability, and what the optional metadata tells). */
bool my_columns_same(const struct my_table_map *a, const struct my_table_map *b);
/* A copy whose every part comes from the arena, to keep for my_columns_same(). */
struct my_table_map *my_table_map_copy(const struct my_table_map *map, struct arena *arena);

#endif
