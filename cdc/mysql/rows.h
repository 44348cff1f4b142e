/* The rows of a row event, one by one.
 *
 * What an image leaves out is VALUE_ABSENT; whether that may be is for the caller to say, see my_rows_missing().
 * MySQL 9.7 and MariaDB 10.11 write every column into every image when binlog_row_image is FULL, virtual ones too.
 * MariaDB 11.8 leaves generated columns, virtual and stored, out of both images of UPDATE and out of DELETE (INSERT has
 * them). Any other column that is missing means another binlog_row_image and must stop the migration (correctness
 * B10). */
#ifndef SC_CDC_MYSQL_ROWS_H
#define SC_CDC_MYSQL_ROWS_H

#include "base/error.h"
#include "base/mem.h"
#include "base/reader.h"
#include "cdc/change.h"
#include "cdc/mysql/columns.h"
#include "cdc/mysql/events.h"

struct my_rows {
    struct reader r;
    const struct my_rows_event *event;
    const struct my_log_column *columns;
};

struct my_row {
    struct value *before; /* UPDATE, DELETE; else NULL */
    struct value *after;  /* INSERT, UPDATE; else NULL */
};

/* The event, its bytes and the columns (event->ncolumns of them, from my_columns_build()) must outlive it. SC_FAIL: the
 * event has another number of columns than ncolumns. */
enum sc_result my_rows_begin(struct my_rows *rows, const struct my_rows_event *event,
                             const struct my_log_column *columns, uint16_t ncolumns, struct sc_error *err);

/* The next row, its arrays and texts from the arena. *more is false behind the last one. JSON values that are written
 * as what changed in them (binlog_row_value_options=PARTIAL_JSON) come out whole. SC_FAIL: the bytes are not rows of
 * these columns, or such a change does not fit the value before it. */
enum sc_result my_rows_next(struct my_rows *rows, struct arena *arena, struct my_row *row, bool *more,
                            struct sc_error *err);

/* The first column from `column` on that an image of the event leaves out; -1 none. *image: "before" or "after". */
int my_rows_missing(const struct my_rows_event *event, int column, const char **image);

#endif
