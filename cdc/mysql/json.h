/* MySQL's binary JSON: checked, printed, rebuilt, and changed by the partial updates of the log.
 *
 * Everything here is bounded: the input is bytes from outside. A document nests at most MY_JSON_DEPTH levels (the
 * server's own limit), and nothing is read outside of it. Facts: MySQL source, sql-common/json_binary.h (the format),
 * sql-common/json_dom.cc (printing), sql-common/json_diff.h (the form of partial updates). */
#ifndef SC_CDC_MYSQL_JSON_H
#define SC_CDC_MYSQL_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

#define MY_JSON_DEPTH 100 /* JSON_DOCUMENT_MAX_DEPTH */

/* Is it a whole document of which every part lies inside? Empty (len 0) is what the server takes for a JSON null: it is
 * valid. */
bool my_json_valid(const void *data, size_t len);

/* Appends the document as the server prints it ({"a": 1, "b": [1.5, "x"]}). False: damaged; what was appended is of no
 * use. */
bool my_json_text(struct buf *out, const void *data, size_t len);

/* Appends an SQL expression of type JSON that the server evaluates to the same document, each part with the type it
 * has: text as far as text keeps types, functions (JSON_OBJECT, JSON_ARRAY, CAST ... AS JSON) for what it does not
 * keep: decimals, dates and times, binary, bit and other opaque values. ASCII, and right under any sql_mode and
 * character_set_client (JSON text is utf8mb4 by introducer). False: *problem (static text) says why: damaged, or an
 * opaque value of a type that no expression has (what the server wrote with types that are gone). */
bool my_json_expression(struct buf *out, const void *data, size_t len, const char **problem);

/* Applies a partial update of a PARTIAL_UPDATE_ROWS event: `diffs` is the vector of diffs (without its 4-byte length).
 * Appends the changed document in binary form to out. False: *problem (static text) says what was wrong; what was
 * appended is of no use. */
bool my_json_apply(struct buf *out, const void *data, size_t len, const void *diffs, size_t diffs_len,
                   const char **problem);

#endif
