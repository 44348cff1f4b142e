/* Messages into Kafka, by librdkafka: none is lost, none overtakes another in its partition.
 *
 * The producer is idempotent and waits for all replicas (acks=all); a message has no time by which it must be there, so
 * that a broker that is away for long leaves no gap, and what waits is bounded: sending waits when the queue is full.
 * What is known to be there is told as one number: how many of the messages, from the first on, were acknowledged
 * without a gap.
 * Facts: librdkafka INTRODUCTION.md, "Idempotent Producer" and "Producer message delivery failure". */
#ifndef SC_CDC_AUDIT_SINK_H
#define SC_CDC_AUDIT_SINK_H

#include <stdatomic.h>

#include "cdc/audit/stream.h"

struct audit_sink;

struct audit_sink_config {
    const char *brokers;           /* host:port,... */
    const char *const *properties; /* librdkafka's, "name=value"; count of them. They may not make it lose anything */
    size_t nproperties;
    const char *stream;    /* names the stream in each message; consumers discard what they have by it and `sequence` */
    const char *migration; /* id of the migration it belongs to, or NULL */
    const char *transactional_id; /* Kafka's transactions around what is sent: audit_sink_commit(); NULL: none */
    int timeout_ms;               /* for answers that are waited for: what a topic looks like */
    const atomic_bool *stop;      /* ends all waiting; may be NULL */
};

struct audit_sink_stats {
    uint64_t sent, acknowledged; /* messages */
    uint64_t bytes;              /* of keys and values, acknowledged */
    uint64_t queued;             /* messages waiting in memory */
    uint64_t retries;            /* that were told of a full queue */
    uint64_t errors;             /* of brokers and connections, as librdkafka tells them */
    bool connected;
    char state[256]; /* for people: the last error of a broker since the last acknowledgement, or "" */
};

/* SC_REFUSE: a property is unknown, has a bad value, or would let messages be lost. No broker is asked yet. */
enum sc_result audit_sink_open(const struct audit_sink_config *config, struct audit_sink **out, struct sc_error *err);
/* Gives up what was not acknowledged: audit_sink_flush() first. NULL is fine. */
void audit_sink_close(struct audit_sink *sink);

/* How many partitions the topic has. SC_RETRY: no broker answered; SC_REFUSE: there is no such topic, or we may not
 * know it. */
enum sc_result audit_sink_partitions(struct audit_sink *sink, const char *topic, int32_t *out, struct sc_error *err);

/* Queues one message (copied). Waits while the queue is full. SC_STOP: told to stop.
 * SC_FAIL: the broker will never take it (too large, no such topic, not allowed) or a message before it; it says which.
 */
enum sc_result audit_sink_send(struct audit_sink *sink, const struct audit_message *message, struct sc_error *err);

/* With transactions: what was sent so far becomes visible to those who read what is committed, all of it at once, and
 * counts as acknowledged only then. To be called behind whole transactions of the database. Without them, or where
 * nothing was sent: nothing happens. SC_RETRY: none of it counts; SC_STOP. */
enum sc_result audit_sink_commit(struct audit_sink *sink, struct sc_error *err);
/* Is there something to commit? */
bool audit_sink_uncommitted(struct audit_sink *sink);

/* A message beside the stream: neither numbered nor hashed. It counts among those that were sent. */
enum sc_result audit_sink_send_beside(struct audit_sink *sink, const char *topic, const char *key, const char *value,
                                      struct sc_error *err);

/* How many were sent, of all tables; and so many of them, from the first on, are with the brokers. Any thread. */
uint64_t audit_sink_sent(struct audit_sink *sink);
uint64_t audit_sink_acknowledged(struct audit_sink *sink);

/* Serves the acknowledgements that have come; call at least every second. As audit_sink_send() when something failed.
 */
enum sc_result audit_sink_tick(struct audit_sink *sink, struct sc_error *err);

/* Waits until everything that was sent is acknowledged. SC_RETRY: not within timeout_ms. With transactions: as
 * audit_sink_commit(), however long it takes. */
enum sc_result audit_sink_flush(struct audit_sink *sink, int timeout_ms, struct sc_error *err);

void audit_sink_stats(struct audit_sink *sink, struct audit_sink_stats *out);

#endif
