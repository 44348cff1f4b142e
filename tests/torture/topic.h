/* What an audit has written to its topic, read by librdkafka alone and proven again by what is promised of it:
 * the chain of hashes of each partition, sequence numbers without a gap over all of them, and repetitions that are the
 * same to the last byte. Nothing here is shared with the program under test. */
#ifndef TORTURE_TOPIC_H
#define TORTURE_TOPIC_H

#include "torture/clients.h"

/* Texts end with a NUL that is not counted. */
struct message {
    uint64_t sequence;
    int32_t partition;
    int64_t offset;
    char *key, *value; /* value NULL: a tombstone */
    size_t key_len, value_len;
    char *old_key, *new_key; /* of a row that moved, in its second and its first message; NULL */
    char hash[65];
};

struct topic {
    struct message *messages; /* by sequence number, each once: the first is messages[0] */
    size_t count, repeats;
    char *stream;
    int32_t partitions;
};

/* Reads the topic from its beginning to what is its end now. False with findings (C7) in world's errors. */
bool topic_read(struct world *world, const char *brokers, const char *name, struct topic *topic);
void topic_fini(struct topic *topic);
/* Is there a message with this text in it, now? */
bool topic_has(struct world *world, const char *brokers, const char *name, const char *text);

#endif
