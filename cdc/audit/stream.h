/* From changes to messages: what is sent to which partition, with which sequence number and hash.
 *
 * Everything follows from the log and from the state a stream begins with: sent again after a restart, a message has
 * the same partition, number, hash and bytes. So consumers discard what they have by (stream, sequence), and a topic
 * can be proven complete (chain.h).
 *
 * - A row goes where its key goes (murmur2 of the key's bytes, as Java's producer does): its changes stay in order.
 * - A key that changes is a deletion and a creation, each with the other key in a header, as Debezium has it.
 * - TRUNCATE goes to every partition: each is a history of its own.
 * No server and no broker. One thread. */
#ifndef SC_CDC_AUDIT_STREAM_H
#define SC_CDC_AUDIT_STREAM_H

#include "cdc/audit/chain.h"
#include "cdc/audit/source.h"

struct audit_message {
    const struct audit_table *table; /* NULL: it is of none, and beside the stream: */
    const char *topic;               /* then this one */
    int32_t partition;               /* -1: wherever its key goes */
    uint64_t sequence;               /* 0: none, and no hash */
    struct audit_hash hash;
    const char *key, *value; /* JSON; key NULL: of no row (TRUNCATE); value NULL: a tombstone */
    size_t key_len, value_len;
    const char *other_key_header; /* "__debezium.newkey", "__debezium.oldkey", or NULL */
    const char *other_key;
    size_t other_key_len;
    const char *position; /* of its transaction */
};

/* Where a stream stands: behind a whole transaction. */
struct audit_state {
    struct position position; /* all zero: nowhere yet */
    uint64_t sequence;        /* of the last message; 0: none */
    int32_t partitions;
    struct audit_hash *heads; /* of each partition */
    bool altered;             /* the table was changed since the stream was begun: the log alone describes it */
};

/* From what is stored of a table, beside the place. Memory is the arena's. False: it is damaged. */
bool audit_state_read(struct audit_state *out, struct arena *arena, const char *sequence, const char *partitions,
                      const char *heads);

/* What messages say of who made them: of their form, not of the program, so that what an older program has sent is sent
 * again as it was. */
#define AUDIT_VERSION "1"

struct audit_stream_config {
    const struct audit_engine *engine;
    const struct audit_table *tables; /* prepared */
    size_t ntables;
    const char *version; /* AUDIT_VERSION */
    uint64_t server_id;  /* MySQL and MariaDB */
    bool tombstones;     /* one behind each deletion, for topics that are compacted */
    uint64_t *total;     /* counts the rows of a transaction where several streams share it; NULL: it has its own */
    /* What consumers are told of the table `known` as a RELATION tells it; with the rules applied, and prepared. What
     * it makes is the arena's, but for audit_table_close(). NULL: no RELATION is told. */
    enum sc_result (*describe)(void *arg, const struct audit_table *known, const struct relation *relation,
                               struct arena *arena, struct audit_table *out, struct sc_error *err);
    void *describe_arg;
    /* Takes the message; its memory is the stream's, and gone when the call returns. What it returns ends the stream
     * unless it is SC_OK. */
    enum sc_result (*send)(void *arg, const struct audit_message *message, struct sc_error *err);
    void *arg;
};

struct audit_stream;

/* `state` is taken over as far as it goes; heads are copied. */
struct audit_stream *audit_stream_new(const struct audit_stream_config *config, const struct audit_state *state);
void audit_stream_free(struct audit_stream *stream);

/* Takes one change, in the order of the log; transactions from before the state's position are passed over.
 * SC_FAIL: a table is not what it was, or a value cannot be written (audit_write_value()). */
enum sc_result audit_stream_take(struct audit_stream *stream, const struct change *change, struct sc_error *err);

/* A transaction that has none of its rows: it stands behind it. Not within one. */
void audit_stream_pass(struct audit_stream *stream, const struct position *behind);

/* A row that was read from the table, for a stream's beginning. */
enum sc_result audit_stream_snapshot(struct audit_stream *stream, const struct audit_table *table,
                                     const struct value *row, int64_t now_us, struct sc_error *err);

/* The rows that were read so far count as whole: what is asked for next is behind them. */
void audit_stream_settle(struct audit_stream *stream);

/* Behind the last whole transaction. Points into the stream. */
const struct audit_state *audit_stream_state(const struct audit_stream *stream);

/* Of the last message that was made, in a transaction that may not be whole yet. */
uint64_t audit_stream_sequence(const struct audit_stream *stream);

/* Java's partition of a key: Utils.toPositive(Utils.murmur2(key)) % partitions. */
int32_t audit_partition(const void *key, size_t len, int32_t partitions);

#endif
