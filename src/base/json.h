/* Writing JSON onto a buffer, one value at a time. Reading JSON is Jansson's work. */
#ifndef SC_BASE_JSON_H
#define SC_BASE_JSON_H

#include <stddef.h>

struct buf;

/* Appends text as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void json_string(struct buf *b, const char *text);
/* The same of `len` bytes, zeros among them. */
void json_text(struct buf *b, const char *text, size_t len);

/* Length of the well-formed UTF-8 sequence at p (RFC 3629), 0 when there is none. */
int json_utf8_len(const unsigned char *p, const unsigned char *end);

#endif
