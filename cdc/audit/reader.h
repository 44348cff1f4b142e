/* Reads a topic from its beginning to where it ended when the reading began: all partitions, each in its order.
 *
 * It belongs to no consumer group and leaves nothing with the brokers. What an open transaction of somebody else's
 * holds back is waited for, and never passed over in silence. One thread. */
#ifndef SC_CDC_AUDIT_READER_H
#define SC_CDC_AUDIT_READER_H

#include <stdatomic.h>

#include "cdc/audit/proof.h"

struct audit_reader;

struct audit_reader_config {
    const char *brokers;           /* host:port,... */
    const char *const *properties; /* librdkafka's, "name=value", as the sink takes them */
    size_t nproperties;
    const char *topic;
    int timeout_ms;          /* brokers that tell nothing new for so long are given up */
    const atomic_bool *stop; /* ends all waiting; may be NULL */
};

/* What is to be read. Offsets of each partition: of the first message that is still there, and behind the last one. */
struct audit_topic {
    int32_t partitions;
    int64_t *low, *high;
};

/* Asks the brokers what there is. SC_REFUSE: a bad property, no such topic, or not allowed. SC_RETRY: no broker
 * answered in time. */
enum sc_result audit_reader_open(const struct audit_reader_config *config, struct audit_reader **out,
                                 struct sc_error *err);
void audit_reader_close(struct audit_reader *reader); /* NULL is fine */

const struct audit_topic *audit_reader_topic(const struct audit_reader *reader);

/* Hands on each message between low and high; its memory is gone when take() returns, whose result ends the reading
 * unless it is SC_OK. May be called again, and reads the same messages again. SC_RETRY: nothing came in time.
 * SC_REFUSE: not allowed to read. SC_FAIL: messages were removed meanwhile, or are damaged. SC_STOP: told to stop. */
enum sc_result audit_reader_read(struct audit_reader *reader,
                                 enum sc_result (*take)(void *arg, const struct audit_received *message,
                                                        struct sc_error *err),
                                 void *arg, struct sc_error *err);

#endif
