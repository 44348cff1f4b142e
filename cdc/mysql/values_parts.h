/* What the files that read values share. Used by values*.c only. */
#ifndef SC_CDC_MYSQL_VALUES_PARTS_H
#define SC_CDC_MYSQL_VALUES_PARTS_H

#include "cdc/mysql/types.h"
#include "cdc/mysql/values.h"

/* The longest text a value of fixed length has: DECIMAL with sign, point and 81 digits. */
#define VALUE_TEXT_MAX MY_FLOAT_TEXT

/* Numbers of 1 to 8 bytes. Zero when the reader is bad. */
uint64_t my_read_le(struct reader *r, size_t bytes);
uint64_t my_read_be(struct reader *r, size_t bytes);

/* Each writes the text into out[VALUE_TEXT_MAX] and gives its length; 0: *problem is set (or the reader is bad). */
size_t my_read_number(struct reader *r, const struct my_log_column *column, char *out, const char **problem);
size_t my_read_temporal(struct reader *r, const struct my_log_column *column, char *out, const char **problem);

/* A packed DECIMAL as text, into out[VALUE_TEXT_MAX]; 0: not one, or the reader is bad. JSON has them too. */
size_t my_decimal_text(struct reader *r, unsigned precision, unsigned scale, char *out);
/* The same digits, always with an exponent: d.ddde-07. */
size_t my_double_digits(char *out, double v);

/* Strings of all kinds: bytes to the arena. */
bool my_read_string(struct reader *r, const struct my_log_column *column, struct arena *arena, struct value *out,
                    const char **problem);

#endif
