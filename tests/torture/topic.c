#include "torture/topic.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { ANSWER_MS = 20000, NOTHING_MS = 60000, POLL_MS = 200, HASH = 32 };

/* A partition as far as it was read. */
struct partition {
    uint8_t head[HASH];
    size_t *messages; /* in topic's, as they came: their numbers ascend */
    size_t count, cap;
    int64_t next; /* offset */
    bool ended;
};

struct reading {
    struct world *world;
    struct topic *topic;
    struct partition *partitions;
    size_t cap;
};

#define FOUND(r, ...) world_error((r)->world, "C7: " __VA_ARGS__)

/* --- one message */

static char *copy(const void *data, size_t len)
{
    return data ? mem_strndup(data, len) : NULL;
}

static char *header(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value;
    size_t len;
    return headers && rd_kafka_header_get_last(headers, name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR
               ? copy(value, len)
               : NULL;
}

static void message_fini(struct message *m)
{
    mem_free(m->key);
    mem_free(m->value);
    mem_free(m->old_key);
    mem_free(m->new_key);
}

/* All messages are of one stream, the topic being this run's alone. */
static bool message_of(struct reading *r, const rd_kafka_message_t *from, struct message *m)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(from, &headers);
    *m = (struct message){.partition = from->partition,
                          .offset = from->offset,
                          .key = copy(from->key, from->key_len),
                          .value = copy(from->payload, from->len),
                          .key_len = from->key_len,
                          .value_len = from->len,
                          .old_key = header(headers, "__debezium.oldkey"),
                          .new_key = header(headers, "__debezium.newkey")};
    char *stream = header(headers, "seachange.stream"), *number = header(headers, "seachange.sequence"),
         *hash = header(headers, "seachange.hash");
    bool whole = stream && number && hash && strlen(hash) == HASH * 2;
    if (whole) {
        snprintf(m->hash, sizeof(m->hash), "%s", hash);
        m->sequence = strtoull(number, NULL, 10);
    }
    if (!whole || m->sequence == 0)
        FOUND(r, "the message at %" PRId32 "@%" PRId64 " lacks its stream, its number or its hash", m->partition,
              m->offset);
    else if (r->topic->stream && strcmp(stream, r->topic->stream) != 0)
        FOUND(r, "the message at %" PRId32 "@%" PRId64 " is of stream %s, and others are of %s", m->partition,
              m->offset, stream, r->topic->stream);
    bool fine = whole && m->sequence > 0 && (!r->topic->stream || strcmp(stream, r->topic->stream) == 0);
    if (fine && !r->topic->stream)
        r->topic->stream = mem_strdup(stream);
    mem_free(stream);
    mem_free(number);
    mem_free(hash);
    return fine;
}

/* --- the chain */

static void add_number(EVP_MD_CTX *sha, uint64_t n)
{
    uint8_t bytes[8];
    for (int i = 7; i >= 0; i--, n >>= 8)
        bytes[i] = (uint8_t)n;
    EVP_DigestUpdate(sha, bytes, sizeof(bytes));
}

/* SHA-256(hash before | number | length of key | key | length of value | value); a tombstone's length is 2^64 - 1. */
static void chain(uint8_t head[HASH], const struct message *m)
{
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    EVP_DigestInit_ex(sha, EVP_sha256(), NULL);
    EVP_DigestUpdate(sha, head, HASH);
    add_number(sha, m->sequence);
    add_number(sha, m->key_len);
    EVP_DigestUpdate(sha, m->key, m->key_len);
    add_number(sha, m->value ? m->value_len : UINT64_MAX);
    EVP_DigestUpdate(sha, m->value, m->value_len);
    EVP_DigestFinal_ex(sha, head, NULL);
    EVP_MD_CTX_free(sha);
}

static bool same(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return (a == NULL) == (b == NULL) && a_len == b_len && (!a || memcmp(a, b, a_len) == 0);
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (!a || strcmp(a, b) == 0);
}

/* A message of the partition with this number, the newest being larger; NULL: there is none. */
static const struct message *of_number(const struct reading *r, const struct partition *p, uint64_t sequence)
{
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->topic->messages[p->messages[middle]].sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    const struct message *m = low < p->count ? &r->topic->messages[p->messages[low]] : NULL;
    return m && m->sequence == sequence ? m : NULL;
}

static bool repeated(struct reading *r, const struct partition *p, const struct message *m)
{
    const struct message *was = of_number(r, p, m->sequence);
    r->topic->repeats++;
    if (!was)
        FOUND(r, "message %" PRIu64 " comes behind larger numbers of partition %" PRId32 ", and not again", m->sequence,
              m->partition);
    else if (!same(was->key, was->key_len, m->key, m->key_len) ||
             !same(was->value, was->value_len, m->value, m->value_len) || strcmp(was->hash, m->hash) != 0 ||
             !same_text(was->old_key, m->old_key) || !same_text(was->new_key, m->new_key))
        FOUND(r, "message %" PRIu64 " was sent again, and is another one than before", m->sequence);
    else
        return true;
    return false;
}

/* Takes the message over. */
static void keep(struct reading *r, struct partition *p, const struct message *m)
{
    struct topic *t = r->topic;
    if (t->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 4096;
        t->messages = mem_resize(t->messages, r->cap * sizeof(*t->messages));
    }
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 1024;
        p->messages = mem_resize(p->messages, p->cap * sizeof(*p->messages));
    }
    p->messages[p->count++] = t->count;
    t->messages[t->count++] = *m;
}

static bool follows(struct reading *r, struct partition *p, const struct message *m)
{
    char text[HASH * 2 + 1];
    chain(p->head, m);
    for (int i = 0; i < HASH; i++)
        snprintf(text + i * 2, 3, "%02x", p->head[i]);
    if (strcmp(text, m->hash) != 0)
        FOUND(r,
              "message %" PRIu64 " (%" PRId32 "@%" PRId64 ") does not follow from the one before it in its partition",
              m->sequence, m->partition, m->offset);
    return strcmp(text, m->hash) == 0;
}

static bool take(struct reading *r, const rd_kafka_message_t *from)
{
    struct partition *p = &r->partitions[from->partition];
    struct message m;
    if (p->next == 0 && from->offset != 0) {
        world_error(r->world,
                    "the broker has thrown away what partition %" PRId32
                    " began with: nothing can be said of the history",
                    from->partition);
        return false;
    }
    p->next = from->offset + 1;
    bool fine = message_of(r, from, &m);
    bool again = fine && p->count > 0 && m.sequence <= r->topic->messages[p->messages[p->count - 1]].sequence;
    fine = fine && (again ? repeated(r, p, &m) : follows(r, p, &m));
    if (fine && !again)
        keep(r, p, &m);
    else
        message_fini(&m);
    return fine;
}

/* --- the topic */

static rd_kafka_t *consumer(struct world *world, const char *brokers)
{
    const char *const settings[][2] = {
        {"bootstrap.servers", brokers},   {"group.id", "torture"},        {"enable.auto.commit", "false"},
        {"enable.partition.eof", "true"}, {"auto.offset.reset", "error"}, {"check.crcs", "true"},
        {"fetch.wait.max.ms", "50"},      {"socket.timeout.ms", "10000"}, {"reconnect.backoff.max.ms", "500"}};
    char text[300] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    bool fine = true;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && fine; i++)
        fine = rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof(text)) == RD_KAFKA_CONF_OK;
    rd_kafka_t *kafka = fine ? rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text)) : NULL;
    if (!kafka) {
        rd_kafka_conf_destroy(conf);
        world_error(world, "Kafka cannot be read: %s", text);
    }
    return kafka;
}

static int32_t partitions_of(struct world *world, rd_kafka_t *kafka, const char *name)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(kafka, name, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    int32_t count = 0;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TRANSPORT;
    for (int64_t until_us = clock_us() + NOTHING_MS * INT64_C(1000); error && clock_us() < until_us;) {
        error = rd_kafka_metadata(kafka, 0, topic, &metadata, ANSWER_MS);
        if (!error && (metadata->topic_cnt != 1 || metadata->topics[0].err || metadata->topics[0].partition_cnt < 1)) {
            error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
            rd_kafka_metadata_destroy(metadata);
            clock_sleep_ms(POLL_MS);
        }
    }
    if (error) {
        world_error(world, "topic %s cannot be read: %s", name, rd_kafka_err2str(error));
    } else {
        count = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(topic);
    return count;
}

static bool assign(rd_kafka_t *kafka, const char *name, int32_t partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int32_t i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, name, i)->offset = 0;
    bool fine = rd_kafka_assign(kafka, list) == RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
    return fine;
}

/* Until each partition has ended, or a message is not what it must be. */
static bool read_all(struct reading *r, rd_kafka_t *kafka)
{
    int32_t left = r->topic->partitions;
    int64_t heard_us = clock_us();
    char last[200] = "nothing came";
    bool fine = true;
    while (fine && left > 0 && clock_us() - heard_us < NOTHING_MS * INT64_C(1000)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(kafka, POLL_MS);
        if (!m)
            continue;
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            left -= !r->partitions[m->partition].ended;
            r->partitions[m->partition].ended = true;
        } else if (m->err) { /* the client goes on by itself where that is possible */
            snprintf(last, sizeof(last), "%s", rd_kafka_message_errstr(m));
        } else {
            fine = take(r, m);
            heard_us = clock_us();
        }
        rd_kafka_message_destroy(m);
    }
    if (fine && left > 0)
        world_error(r->world, "the topic cannot be read to its end: %s", last);
    return fine && left == 0;
}

static int by_sequence(const void *a, const void *b)
{
    const struct message *x = a, *y = b;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence ? 1 : 0;
}

/* Over all partitions: 1, 2, 3 ... */
static bool numbers_are_whole(struct reading *r)
{
    struct topic *t = r->topic;
    if (t->count)
        qsort(t->messages, t->count, sizeof(*t->messages), by_sequence);
    for (size_t i = 0; i < t->count; i++) {
        if (t->messages[i].sequence == i + 1)
            continue;
        if (t->messages[i].sequence <= i)
            FOUND(r, "message %" PRIu64 " is in two partitions", t->messages[i].sequence);
        else
            FOUND(r, "message %zu is missing: behind %zu comes %" PRIu64, i + 1, i, t->messages[i].sequence);
        return false;
    }
    return true;
}

bool topic_read(struct world *world, const char *brokers, const char *name, struct topic *topic)
{
    struct reading r = {.world = world, .topic = topic};
    *topic = (struct topic){0};
    rd_kafka_t *kafka = consumer(world, brokers);
    if (!kafka)
        return false;
    rd_kafka_poll_set_consumer(kafka);
    topic->partitions = partitions_of(world, kafka, name);
    r.partitions = mem_array((size_t)topic->partitions + 1, sizeof(*r.partitions));
    bool fine =
        topic->partitions > 0 && assign(kafka, name, topic->partitions) && read_all(&r, kafka) && numbers_are_whole(&r);
    rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
    for (int32_t i = 0; i < topic->partitions; i++)
        mem_free(r.partitions[i].messages);
    mem_free(r.partitions);
    return fine;
}

bool topic_has(struct world *world, const char *brokers, const char *name, const char *text)
{
    rd_kafka_t *kafka = consumer(world, brokers);
    if (!kafka)
        return false;
    rd_kafka_poll_set_consumer(kafka);
    int32_t partitions = partitions_of(world, kafka, name), left = partitions;
    bool has = false, fine = partitions > 0 && assign(kafka, name, partitions);
    int64_t until_us = clock_us() + ANSWER_MS * INT64_C(1000);
    while (fine && !has && left > 0 && clock_us() < until_us) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(kafka, POLL_MS);
        if (m && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            left--;
        else if (m && !m->err)
            has = m->payload && memmem(m->payload, m->len, text, strlen(text));
        if (m)
            rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
    return has;
}

void topic_fini(struct topic *topic)
{
    for (size_t i = 0; i < topic->count; i++)
        message_fini(&topic->messages[i]);
    mem_free(topic->messages);
    mem_free(topic->stream);
    *topic = (struct topic){0};
}
