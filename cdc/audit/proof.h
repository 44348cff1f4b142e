/* Reads a topic back, message by message, and proves that it is all that was sent: each partition's chain of hashes,
 * the sequence numbers, and repetitions, which must be of the same bytes. Knows no broker. One thread. */
#ifndef SC_CDC_AUDIT_PROOF_H
#define SC_CDC_AUDIT_PROOF_H

#include "base/error.h"
#include "cdc/audit/stream.h"

struct audit_proof;

/* A message as it was read; texts of its headers, NULL where it has none. */
struct audit_received {
    int32_t partition;
    int64_t offset;
    const char *stream, *sequence, *hash;
    size_t stream_len, sequence_len, hash_len;
    const void *key, *value; /* NULL: none */
    size_t key_len, value_len;
};

enum audit_verdict {
    AUDIT_NEW,    /* the next one of its partition */
    AUDIT_REPEAT, /* one that was there before, the same to the last byte: to be passed over */
    AUDIT_OTHER,  /* of another stream, or of none */
};

/* stream: whose messages count. kept: where the stream stood when that was last stored, which the topic must have come
 * to; NULL: not known. remember: how many messages back a repetition is compared with what it repeats, in each
 * partition. One that begins further back is proven as a whole, when it comes to one of these; of its first message
 * only the hash is, and of an end of the topic in the middle of it nothing. */
struct audit_proof *audit_proof_new(const char *stream, int32_t partitions, const struct audit_state *kept,
                                    size_t remember);
void audit_proof_free(struct audit_proof *proof);

/* In the order of each partition. SC_FAIL: here the proof ends; err names partition, offset and sequence, and what is
 * wrong. Nothing may be taken behind it. */
enum sc_result audit_proof_take(struct audit_proof *proof, const struct audit_received *message,
                                enum audit_verdict *verdict, struct sc_error *err);

struct audit_proven {
    uint64_t messages, repeats, others;
    uint64_t last; /* the highest sequence number */
};
/* At the end of all partitions. SC_FAIL: numbers are missing, or a partition is not what it was when its place was
 * kept. SC_REFUSE: it ends in a repetition that cannot be compared yet. */
enum sc_result audit_proof_end(const struct audit_proof *proof, struct audit_proven *out, struct sc_error *err);

#endif
