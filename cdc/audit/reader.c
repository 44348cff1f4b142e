#include "cdc/audit/reader.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cdc/audit/kafka.h"

enum { POLL_MS = 100, BATCH = 500 };

struct audit_reader {
    rd_kafka_t *consumer;
    rd_kafka_topic_t *topic;
    char *name;
    struct audit_topic is;
    int timeout_ms;
    const atomic_bool *stop;
    pthread_mutex_t lock; /* of what is below */
    char said[256];       /* what a broker complained of last, or "" */
};

/* --- settings
 * ------------------------------------------------------------------------------------------------------------- */

static const char *const usual[][2] = {
    {"client.id", "seachange"},
    {"fetch.wait.max.ms", "100"}, /* the end of a partition is told when its fetch returns */
    {"queued.max.messages.kbytes", "16384"},
    {"socket.keepalive.enable", "true"},
};
static const char *const fixed[][2] = {
    {"enable.partition.eof", "true"}, {"enable.auto.commit", "false"},
    {"auto.commit.enable", "false"},  {"auto.offset.reset", "error"}, /* what is gone is told, and not jumped over */
    {"check.crcs", "true"},
};
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static enum sc_result configure(rd_kafka_conf_t *conf, const struct audit_reader_config *config, const char *isolation,
                                struct sc_error *err)
{
    enum sc_result result = kafka_set(conf, "bootstrap.servers", config->brokers, err);
    for (size_t i = 0; i < COUNT(usual) && result == SC_OK; i++)
        result = kafka_set(conf, usual[i][0], usual[i][1], err);
    if (result == SC_OK)
        result = kafka_set_given(conf, config->properties, config->nproperties, err);
    for (size_t i = 0; i < COUNT(fixed) && result == SC_OK; i++)
        result = kafka_set(conf, fixed[i][0], fixed[i][1], err);
    return result == SC_OK ? kafka_set(conf, "isolation.level", isolation, err) : result;
}

static void on_error(rd_kafka_t *consumer, int error, const char *reason, void *arg)
{
    (void)consumer;
    (void)error;
    struct audit_reader *r = arg;
    pthread_mutex_lock(&r->lock);
    snprintf(r->said, sizeof(r->said), "%s", reason);
    pthread_mutex_unlock(&r->lock);
    log_debug("kafka: %s", reason);
}

static void on_log(const rd_kafka_t *consumer, int level, const char *facility, const char *text)
{
    (void)consumer;
    (void)level;
    log_debug("kafka %s: %s", facility, text);
}

static enum sc_result open_client(struct audit_reader *r, const struct audit_reader_config *config,
                                  const char *isolation, rd_kafka_t **out, struct sc_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum sc_result result = configure(conf, config, isolation, err);
    if (result != SC_OK) {
        rd_kafka_conf_destroy(conf);
        return result;
    }
    rd_kafka_conf_set_opaque(conf, r);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    char text[300];
    *out = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (*out)
        return SC_OK;
    rd_kafka_conf_destroy(conf);
    return error_set(err, SC_REFUSE, "librdkafka does not take its properties together: %.250s", text);
}

/* --- what there is
 * -------------------------------------------------------------------------------------------------------- */

static bool told_to_stop(const struct audit_reader *r)
{
    return r->stop && atomic_load(r->stop);
}

/* What a broker has complained of says more than that the time is over. */
static enum sc_result with_complaint(struct audit_reader *r, struct sc_error *err)
{
    pthread_mutex_lock(&r->lock);
    if (r->said[0])
        error_hint(err, "Kafka's client says: %s", r->said);
    pthread_mutex_unlock(&r->lock);
    return err ? err->result : SC_RETRY;
}

/* Offsets of all partitions at one end. rd_kafka_query_watermark_offsets() would do for one, but takes a partition for
 * empty when one of its two questions fails. */
static rd_kafka_resp_err_t ask_offsets(struct audit_reader *r, rd_kafka_t *asker, int64_t which, int timeout_ms,
                                       int64_t *out)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(r->is.partitions);
    for (int32_t p = 0; p < r->is.partitions; p++)
        rd_kafka_topic_partition_list_add(list, r->name, p)->offset = which;
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(asker, list, timeout_ms);
    for (int32_t p = 0; p < r->is.partitions && !error; p++) {
        const rd_kafka_topic_partition_t *found = rd_kafka_topic_partition_list_find(list, r->name, p);
        error = !found ? RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION : found->err;
        if (!error && found->offset < 0)
            error = RD_KAFKA_RESP_ERR__INVALID_ARG;
        if (!error)
            out[p] = found->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return error;
}

/* A leader that is being elected is no answer yet. */
static enum sc_result ask_end(struct audit_reader *r, rd_kafka_t *asker, int64_t which, int64_t *out,
                              struct sc_error *err)
{
    int64_t until_us = clock_us() + (int64_t)r->timeout_ms * 1000;
    for (;;) {
        int64_t left_ms = (until_us - clock_us()) / 1000;
        rd_kafka_resp_err_t error = ask_offsets(r, asker, which, left_ms > 0 ? (int)left_ms : 1, out);
        rd_kafka_poll(asker, 0);
        if (!error)
            return SC_OK;
        if (told_to_stop(r))
            return error_set(err, SC_STOP, "stopped while topic %s was looked at", r->name);
        if (kafka_is_for_good(error) || clock_us() >= until_us) {
            kafka_topic_failed(err, error, r->name);
            return with_complaint(r, err);
        }
        clock_sleep_ms(POLL_MS);
    }
}

/* Up to what is there, and not only up to an open transaction: therefore by a client that sees them. */
static enum sc_result ask(struct audit_reader *r, rd_kafka_t *asker, struct sc_error *err)
{
    enum sc_result result = kafka_partitions(asker, r->name, r->timeout_ms, &r->is.partitions, err);
    if (result == SC_REFUSE)
        error_hint(err, "There is nothing to check, or this account may not read it: it needs DESCRIBE and READ of the "
                        "topic, and no consumer group.");
    if (result != SC_OK) {
        rd_kafka_poll(asker, 0);
        return with_complaint(r, err);
    }
    r->is.low = mem_array((size_t)r->is.partitions, sizeof(*r->is.low));
    r->is.high = mem_array((size_t)r->is.partitions, sizeof(*r->is.high));
    result = ask_end(r, asker, RD_KAFKA_OFFSET_BEGINNING, r->is.low, err);
    return result == SC_OK ? ask_end(r, asker, RD_KAFKA_OFFSET_END, r->is.high, err) : result;
}

enum sc_result audit_reader_open(const struct audit_reader_config *config, struct audit_reader **out,
                                 struct sc_error *err)
{
    struct audit_reader *r = mem_alloc(sizeof(*r));
    *out = NULL;
    pthread_mutex_init(&r->lock, NULL);
    r->name = mem_strdup(config->topic);
    r->timeout_ms = config->timeout_ms;
    r->stop = config->stop;
    rd_kafka_t *asker = NULL;
    enum sc_result result = open_client(r, config, "read_uncommitted", &asker, err);
    if (result == SC_OK)
        result = ask(r, asker, err);
    if (asker)
        rd_kafka_destroy(asker);
    r->said[0] = 0;
    if (result == SC_OK)
        result = open_client(r, config, "read_committed", &r->consumer, err);
    if (result == SC_OK && !(r->topic = rd_kafka_topic_new(r->consumer, r->name, NULL)))
        result = kafka_topic_failed(err, rd_kafka_last_error(), r->name);
    if (result != SC_OK) {
        audit_reader_close(r);
        return result;
    }
    *out = r;
    return SC_OK;
}

void audit_reader_close(struct audit_reader *r)
{
    if (!r)
        return;
    if (r->topic)
        rd_kafka_topic_destroy(r->topic);
    if (r->consumer)
        rd_kafka_destroy(r->consumer);
    pthread_mutex_destroy(&r->lock);
    mem_free(r->is.low);
    mem_free(r->is.high);
    mem_free(r->name);
    mem_free(r);
}

const struct audit_topic *audit_reader_topic(const struct audit_reader *r)
{
    return &r->is;
}

/* --- reading
 * -------------------------------------------------------------------------------------------------------------- */

/* One reading of the topic. */
struct reading {
    struct audit_reader *reader;
    enum sc_result (*take)(void *arg, const struct audit_received *message, struct sc_error *err);
    void *arg;
    int64_t *at; /* of each partition: the offset that comes next; -1: it is done */
    int32_t left;
    int64_t heard_us; /* when something came last */
};

static const char *header_of(const rd_kafka_headers_t *headers, const char *name, size_t *len)
{
    const void *value = NULL;
    *len = 0;
    if (!headers || rd_kafka_header_get_last(headers, name, &value, len) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    return value;
}

static void done_with(struct reading *g, int32_t partition)
{
    if (g->at[partition] < 0)
        return;
    rd_kafka_consume_stop(g->reader->topic, partition);
    g->at[partition] = -1;
    g->left--;
}

static enum sc_result take_message(struct reading *g, const rd_kafka_message_t *m, struct sc_error *err)
{
    int64_t high = g->reader->is.high[m->partition];
    enum sc_result result = SC_OK;
    if (m->offset < high) {
        rd_kafka_headers_t *headers = NULL;
        if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
            headers = NULL;
        struct audit_received is = {.partition = m->partition,
                                    .offset = m->offset,
                                    .key = m->key,
                                    .value = m->payload,
                                    .key_len = m->key ? m->key_len : 0,
                                    .value_len = m->payload ? m->len : 0};
        is.stream = header_of(headers, "seachange.stream", &is.stream_len);
        is.sequence = header_of(headers, "seachange.sequence", &is.sequence_len);
        is.hash = header_of(headers, "seachange.hash", &is.hash_len);
        result = g->take(g->arg, &is, err);
    }
    g->at[m->partition] = m->offset + 1;
    if (result == SC_OK && m->offset + 1 >= high)
        done_with(g, m->partition);
    return result;
}

static enum sc_result take_error(struct reading *g, const rd_kafka_message_t *m, struct sc_error *err)
{
    struct audit_reader *r = g->reader;
    switch (m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        g->at[m->partition] = m->offset;
        if (m->offset >= r->is.high[m->partition])
            done_with(g, m->partition);
        return SC_OK;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        error_set(err, SC_FAIL, "partition %" PRId32 ", offset %" PRId64 ": messages were removed while they were read",
                  m->partition, g->at[m->partition]);
        return error_hint(err, "The topic's retention has removed them, or somebody has: what it was cannot be known.");
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
        return error_set(err, SC_FAIL, "partition %" PRId32 ", offset %" PRId64 ": a message is damaged: %s",
                         m->partition, m->offset, rd_kafka_message_errstr(m));
    default:
        break;
    }
    if (kafka_is_for_good(m->err)) {
        kafka_topic_failed(err, m->err, r->name);
        return error_wrap(err, "partition %" PRId32, m->partition);
    }
    on_error(r->consumer, m->err, rd_kafka_message_errstr(m), r);
    return SC_OK;
}

/* Who waits has come to the end of what is committed, or no broker answers. */
static enum sc_result nothing_came(const struct reading *g, struct sc_error *err)
{
    struct audit_reader *r = g->reader;
    int32_t p = 0;
    while (g->at[p] < 0)
        p++;
    error_set(err, SC_RETRY,
              "partition %" PRId32 " of topic %s: nothing came for %d s at offset %" PRId64 ", and it ends at %" PRId64,
              p, r->name, r->timeout_ms / 1000, g->at[p], r->is.high[p]);
    with_complaint(r, err);
    return error_hint(err, "The brokers do not answer, or a transaction of another producer is open there: what lies "
                           "behind it is not shown before it has ended.");
}

static enum sc_result take_batch(struct reading *g, rd_kafka_message_t **messages, ssize_t count, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (ssize_t i = 0; i < count; i++) {
        const rd_kafka_message_t *m = messages[i];
        bool known = m->partition >= 0 && m->partition < g->reader->is.partitions;
        if (result == SC_OK && known && g->at[m->partition] >= 0)
            result = m->err ? take_error(g, m, err) : take_message(g, m, err);
        rd_kafka_message_destroy(messages[i]);
    }
    return result;
}

static enum sc_result read_all(struct reading *g, rd_kafka_queue_t *queue, struct sc_error *err)
{
    struct audit_reader *r = g->reader;
    rd_kafka_message_t *messages[BATCH];
    g->heard_us = clock_us();
    while (g->left > 0) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, POLL_MS, messages, BATCH);
        rd_kafka_poll(r->consumer, 0);
        enum sc_result result = take_batch(g, messages, count, err);
        if (result != SC_OK)
            return result;
        if (told_to_stop(r))
            return error_set(err, SC_STOP, "stopped while topic %s was read", r->name);
        if (count > 0)
            g->heard_us = clock_us();
        else if (clock_us() - g->heard_us > (int64_t)r->timeout_ms * 1000)
            return nothing_came(g, err);
    }
    return SC_OK;
}

enum sc_result audit_reader_read(struct audit_reader *r,
                                 enum sc_result (*take)(void *arg, const struct audit_received *message,
                                                        struct sc_error *err),
                                 void *arg, struct sc_error *err)
{
    struct reading g = {.reader = r, .take = take, .arg = arg};
    g.at = mem_array((size_t)r->is.partitions, sizeof(*g.at));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(r->consumer);
    enum sc_result result = SC_OK;
    for (int32_t p = 0; p < r->is.partitions; p++)
        g.at[p] = -1;
    for (int32_t p = 0; p < r->is.partitions && result == SC_OK; p++) {
        if (r->is.low[p] >= r->is.high[p])
            continue;
        if (rd_kafka_consume_start_queue(r->topic, p, r->is.low[p], queue) != 0) {
            result = kafka_topic_failed(err, rd_kafka_last_error(), r->name);
            break;
        }
        g.at[p] = r->is.low[p];
        g.left++;
    }
    if (result == SC_OK)
        result = read_all(&g, queue, err);
    for (int32_t p = 0; p < r->is.partitions; p++)
        done_with(&g, p);
    rd_kafka_queue_destroy(queue);
    mem_free(g.at);
    return result;
}
