/* The streams of several tables, out of one log: each table has its own numbers, partitions and hashes, because each
 * has a topic of its own; what they have in common is where in the log they stand.
 *
 * One thread. */
#ifndef SC_CDC_AUDIT_STREAMS_H
#define SC_CDC_AUDIT_STREAMS_H

#include "cdc/audit/stream.h"

struct audit_streams;

/* tables: `ntables` of them in config; states: one of each, as audit_stream_new(). */
struct audit_streams *audit_streams_new(const struct audit_stream_config *config, const struct audit_state *states);
void audit_streams_free(struct audit_streams *streams);

/* As audit_stream_take(). SC_FAIL also: a table that was not asked for. */
enum sc_result audit_streams_take(struct audit_streams *streams, const struct change *change, struct sc_error *err);

/* Of table `i`, behind the last whole transaction. */
const struct audit_state *audit_streams_state(const struct audit_streams *streams, size_t i);

/* How many messages were made of all tables, by these and before. */
uint64_t audit_streams_messages(const struct audit_streams *streams);

#endif
