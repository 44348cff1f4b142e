/* Positions as they are stored: the place, the GTIDs, and from where to read on. Knows no server. */
#ifndef SC_CDC_MYSQL_POSITION_TEXT_H
#define SC_CDC_MYSQL_POSITION_TEXT_H

#include "cdc/change.h"
#include "cdc/mysql/position.h"

/* Takes a position apart: the place; from where it has to be read, which is earlier where XA transactions are prepared
 * (cdc/mysql/xa.h); and the GTIDs (malloc'd, "" none). SC_FAIL: not such a text; *gtids is NULL. */
enum sc_result my_position_read(const struct position *position, struct my_log_position *at,
                                struct my_log_position *from, char **gtids, struct sc_error *err);
/* The other way; `from` NULL: the same place. GTIDs that do not fit are left out. */
void my_position_write(const struct my_log_position *at, const struct my_log_position *from, const char *gtids,
                       struct position *out);

/* What is stored of a position, its `order` and its text; both NULL: none. SC_FAIL: not what my_position_write() made.
 */
enum sc_result my_position_stored(const char *order, const char *text, struct position *out, struct sc_error *err);

#endif
