/* Signs of life: a message now and then in a topic of their own, from which consumers tell a stream that has nothing to
 * say from one that has stopped. Fact: Debezium, heartbeat.interval.ms; its topic is __debezium-heartbeat.PREFIX. */
#ifndef SC_CDC_AUDIT_HEARTBEAT_H
#define SC_CDC_AUDIT_HEARTBEAT_H

#include "base/mem.h"
#include "cdc/audit/sink.h"

struct audit_heartbeat {
    const char *prefix; /* as the tables' */
    bool with_schema;
    int64_t every_ms; /* 0: none */
};

/* Appends the topic's name. */
void audit_heartbeat_topic(struct buf *out, const struct audit_heartbeat *heartbeat);

/* As audit_sink_send(). wall_us: now, since 1970. */
enum sc_result audit_heartbeat_send(const struct audit_heartbeat *heartbeat, struct audit_sink *sink, int64_t wall_us,
                                    struct sc_error *err);

#endif
