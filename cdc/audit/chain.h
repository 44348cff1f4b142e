/* The proof that nothing was taken out of a partition, put in, moved or changed: each message's hash covers the one
 * before it.
 *
 *   hash(n) = SHA-256(hash(n-1) | sequence | length of key | key | length of value | value)
 *
 * Numbers are 64 bits, big-endian; a tombstone's value has the length 2^64 - 1. The first message of a partition stands
 * on 32 zeros. A chain cannot tell that its end was cut off: the last hash is kept beside the position, in the
 * database. */
#ifndef SC_CDC_AUDIT_CHAIN_H
#define SC_CDC_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AUDIT_HASH_BYTES = 32, AUDIT_HASH_TEXT = AUDIT_HASH_BYTES * 2 + 1 };

struct audit_hash {
    uint8_t bytes[AUDIT_HASH_BYTES];
};

/* Moves *head over one message. value NULL: a tombstone. */
void audit_chain(struct audit_hash *head, uint64_t sequence, const void *key, size_t key_len, const void *value,
                 size_t value_len);

/* In hexadecimal digits, with a NUL; and back: false when it is none. */
void audit_hash_format(const struct audit_hash *hash, char text[AUDIT_HASH_TEXT]);
bool audit_hash_parse(const char *text, size_t len, struct audit_hash *hash);
bool audit_hash_same(const struct audit_hash *a, const struct audit_hash *b);

/* All partitions' heads as they are stored: one behind the other. And back: false when it is not `count` of them. */
struct buf;
void audit_heads_format(struct buf *out, const struct audit_hash *heads, int32_t count);
bool audit_heads_parse(const char *text, struct audit_hash *heads, int32_t count);

#endif
