/* Kafka's transactions around what a producer sends: a reader with isolation.level=read_committed sees all of it or
 * nothing. Facts: librdkafka, "Transactional producer"; rdkafka.h, "Transactional producer API". */
#ifndef SC_CDC_AUDIT_TRANSACTION_H
#define SC_CDC_AUDIT_TRANSACTION_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "base/error.h"

/* Its own time limit; a broker takes no longer one by default (transaction.max.timeout.ms). */
#define TRANSACTION_TIMEOUT_MS "900000"

/* Once for each producer with a transactional.id, before the first transaction: ends what an earlier one of this id has
 * left open, and that one itself. SC_RETRY: no answer, for now; SC_REFUSE: not allowed, or never so; SC_STOP. */
enum sc_result transaction_init(rd_kafka_t *producer, int timeout_ms, const atomic_bool *stop, struct sc_error *err);
enum sc_result transaction_begin(rd_kafka_t *producer, struct sc_error *err);
/* Waits until everything in it is acknowledged, and ends it. SC_RETRY: it was given up, or not answered, and none of it
 * counts; the producer is of no use any more. SC_STOP: it is still open, and what becomes of it nobody knows before the
 * next transaction_init(). */
enum sc_result transaction_commit(rd_kafka_t *producer, const atomic_bool *stop, struct sc_error *err);

#endif
