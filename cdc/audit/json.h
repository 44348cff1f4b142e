/* Texts in JSON to the byte as Jackson writes them, and so Kafka Connect: where a key goes follows from its bytes. */
#ifndef SC_CDC_AUDIT_JSON_H
#define SC_CDC_AUDIT_JSON_H

#include <stddef.h>

struct buf;

/* Appends `len` bytes of UTF-8 with their quotes. Bytes that are not UTF-8 become U+FFFD. */
void audit_json_text(struct buf *out, const char *text, size_t len);
void audit_json_string(struct buf *out, const char *text);

#endif
