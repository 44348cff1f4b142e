/* TRANSACTION_PAYLOAD: a whole transaction in one event, compressed (binlog_transaction_compression, which any session
 * may set).
 *
 * Its events are given out one by one from a streaming decompressor: no more than one of them, and the decompressor's
 * window, is ever in memory, however large the transaction is. */
#ifndef SC_CDC_MYSQL_PAYLOAD_H
#define SC_CDC_MYSQL_PAYLOAD_H

#include <stdbool.h>

#include "base/error.h"
#include "cdc/mysql/events.h"

struct my_payload;

/* `event->data` must outlive it. SC_FAIL: a compression this program does not know; *out is NULL. */
enum sc_result my_payload_open(const struct my_payload_event *event, struct my_payload **out, struct sc_error *err);
void my_payload_close(struct my_payload *payload); /* NULL is fine */

/* The next event, for my_event_decode_inner(); valid until the next call. *data is NULL behind the last one. SC_FAIL:
 * damaged or cut off. */
enum sc_result my_payload_next(struct my_payload *payload, const uint8_t **data, size_t *len, struct sc_error *err);

#endif
