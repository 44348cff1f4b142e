/* A table's columns as its table map alone tells them (binlog_row_metadata = FULL): for who goes on over changes of the
 * table, when the catalog may be ahead of the log.
 *
 * What the log does not tell has to be known from elsewhere (struct source_untold) and cannot have changed since; what
 * is told in a way that fits more than one type is an error, and never guessed at. */
#ifndef SC_CDC_MYSQL_TOLD_H
#define SC_CDC_MYSQL_TOLD_H

#include "base/error.h"
#include "base/mem.h"
#include "cdc/change.h"
#include "cdc/mysql/columns.h"
#include "cdc/mysql/events.h"
#include "cdc/source.h"

/* What the server's numbers of collations stand for. */
struct my_charset {
    uint32_t collation;
    uint32_t longest; /* bytes of a character */
    const char *name;
};

struct my_told {
    struct relation_column *relation; /* of each column, told */
    struct my_log_column *columns;    /* of each, for my_rows_begin() */
    bool *computed;                   /* of each: may be missing from images */
};

struct my_told_from {
    const struct my_charset *charsets; /* in the order of their numbers */
    size_t ncharsets;
    const struct source_untold *untold; /* of the table's columns, by name */
    size_t nuntold;
    bool leaves_out_stored; /* the log lacks stored generated columns of rows that are changed */
    /* Whether a YEAR has a bit among the signs is not known, and so which bit is whose (MySQL before 8.0.29 may be
     * without: sql/field.h, is_numeric_type()). */
    bool signs_leave_out_year;
};

/* Everything in *out is the arena's, and so may point into the map. SC_FAIL: the map has no names, or a column's type
 * cannot be told. */
enum sc_result my_told_read(const struct my_table_map *map, const struct my_told_from *from, struct arena *arena,
                            struct my_told *out, struct sc_error *err);

/* Is this type of the catalog one that table maps do not tell from others? */
bool my_type_is_untold(const char *type, bool mariadb);

#endif
