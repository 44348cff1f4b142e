/* Values of row events, and their text.
 *
 * The neutral form of a value (struct value, VALUE_PRESENT) for a column of this family:
 *   integers, DECIMAL, YEAR, FLOAT, DOUBLE   decimal text that reads back to the same bits (FLOAT %.9g, DOUBLE %.17g or
 *                                            shorter when that round-trips); BIT(n): the number, in decimal
 *   DATE, TIME, DATETIME, TIMESTAMP          as the server prints them with time_zone '+00:00', with the column's
 *                                            fraction digits; zero dates as they are
 *   CHAR, VARCHAR, TEXT                      the bytes, in the column's character set
 *   BINARY, VARBINARY, BLOB, GEOMETRY,       the bytes; BINARY(n) filled up with zeros to n
 *     VECTOR
 *   ENUM, SET                                the number (index, bit set) in decimal; the applier knows the names
 *   JSON of MySQL                            its binary form, as the server stores it (cdc/mysql/json.h)
 *   UUID, INET4, INET6 of MariaDB            their text form
 * Facts: MySQL source documentation, "Binary log event structure"/Rows_event; sql/log_event.cc for the old temporal
 * forms. */
#ifndef SC_CDC_MYSQL_VALUES_H
#define SC_CDC_MYSQL_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/reader.h"
#include "cdc/change.h"

/* What the log or, where it is silent, the catalog says of a column. */
enum my_family_type { /* what cannot be told from the type number in the log alone */
                      MY_TYPE_PLAIN,
                      MY_TYPE_UUID,     /* MariaDB: 16 bytes; of versions 1 to 5 the segments are in reverse */
                      MY_TYPE_UUID_OLD, /* as MariaDB made it before 10.10.6, 10.11.5, ...: segments of all in reverse
                                         */
                      MY_TYPE_INET4,
                      MY_TYPE_INET6,
};
struct my_log_column {
    uint8_t type;      /* MYSQL_TYPE_* as in the table map event, ENUM and SET already taken out of STRING */
    uint16_t metadata; /* of the table map event, as the server's table_def keeps it: STRING, ENUM, SET, NEWDECIMAL
                          first byte << 8 | second byte; VARCHAR, BIT first byte | second byte << 8; others one byte */
    bool is_unsigned;
    bool is_binary;  /* CHAR/BINARY: the character set is binary, so it is filled up with zeros */
    uint32_t length; /* BINARY(n), CHAR(n): bytes; BIT(n): bits; TIME, DATETIME, TIMESTAMP in MariaDB's old form (types
                        11, 12, 7): fraction digits, of which the log says nothing */
    enum my_family_type kind;
};

/* Reads one value that is not NULL from the row image. The text goes to the arena. False: the reader's sticky error is
 * set, or *problem says why this type cannot be read (static text). */
bool my_value_read(struct reader *r, const struct my_log_column *column, struct arena *arena, struct value *out,
                   const char **problem);

/* The same of a number that did not come out of the log: into out[MY_FLOAT_TEXT], its length. It has to be finite. */
#define MY_FLOAT_TEXT 96
size_t my_float_text(char *out, float v);
size_t my_double_text(char *out, double v);

#endif
