#include "cdc/audit/sink.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cdc/audit/kafka.h"
#include "cdc/audit/transaction.h"
#include "cdc/audit/window.h"

enum { POLL_MS = 50, REASON_MS = 2000 };

struct audit_sink {
    rd_kafka_t *producer;
    char *stream, *migration;
    int timeout_ms;
    const atomic_bool *stop;
    bool transactional, begun, open; /* transactions: wanted; the producer has them; one is open */
    pthread_mutex_t lock;            /* of what is below */
    uint64_t committed;              /* with transactions: so many of those that were sent */
    struct audit_window window;
    struct audit_sink_stats stats;
    struct sc_error failure; /* of a message that will never be there; the first */
    bool fatal;              /* it is the producer's, and what of its messages is the reason was not told yet */
    bool closing;
};

/* --- settings
 * ------------------------------------------------------------------------------------------------------------- */

/* What keeps messages from being lost; none of it may be given (kafka.c). */
static const char *const fixed[][2] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
};
/* Without transactions; with them a message that fails, or does not get through, ends its transaction. */
static const char *const single[][2] = {
    {"enable.gapless.guarantee", "true"}, /* one that fails for good is followed by no other */
    {"message.timeout.ms", "0"},          /* never given up */
};
static const char *const usual[][2] = {
    {"client.id", "seachange"},
    {"compression.codec", "zstd"},
    {"linger.ms", "20"},
    {"queue.buffering.max.messages", "100000"},
    {"queue.buffering.max.kbytes", "65536"},
    {"socket.keepalive.enable", "true"},
};
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static enum sc_result configure(rd_kafka_conf_t *conf, const struct audit_sink_config *config, struct sc_error *err)
{
    bool transactional = config->transactional_id != NULL;
    enum sc_result result = kafka_set(conf, "bootstrap.servers", config->brokers, err);
    if (result == SC_OK && transactional)
        result = kafka_set(conf, "transaction.timeout.ms", TRANSACTION_TIMEOUT_MS, err);
    for (size_t i = 0; i < COUNT(usual) && result == SC_OK; i++)
        result = kafka_set(conf, usual[i][0], usual[i][1], err);
    if (result == SC_OK)
        result = kafka_set_given(conf, config->properties, config->nproperties, err);
    for (size_t i = 0; i < COUNT(fixed) && result == SC_OK; i++)
        result = kafka_set(conf, fixed[i][0], fixed[i][1], err);
    for (size_t i = 0; i < COUNT(single) && result == SC_OK && !transactional; i++)
        result = kafka_set(conf, single[i][0], single[i][1], err);
    if (result == SC_OK && transactional)
        result = kafka_set(conf, "transactional.id", config->transactional_id, err);
    return result;
}

/* --- what brokers say
 * ----------------------------------------------------------------------------------------------------- */

static enum sc_result failed(struct sc_error *err, rd_kafka_resp_err_t error, const char *topic, uint64_t sequence)
{
    enum sc_result result = kafka_is_for_good(error) ? SC_FAIL : SC_RETRY;
    error_set(err, result, "message %" PRIu64 " cannot be sent to topic %s: %s", sequence, topic,
              rd_kafka_err2str(error));
    if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return error_hint(err,
                          "Nothing is lost, and nothing behind it was sent. Raise message.max.bytes here (-X), and "
                          "max.message.bytes of the topic.");
    return error_hint(err, "Nothing is lost: everything behind the last acknowledged change is sent again.");
}

static uint64_t sequence_of(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "seachange.sequence", &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return strtoull(value, NULL, 10); /* librdkafka puts a NUL behind it */
}

/* In the thread that polls. */
static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *arg)
{
    (void)producer;
    struct audit_sink *s = arg;
    uint64_t number = (uint64_t)(uintptr_t)message->_private;
    pthread_mutex_lock(&s->lock);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (audit_window_acknowledge(&s->window, number)) {
            s->stats.acknowledged++;
            s->stats.connected = true;
            s->stats.state[0] = 0;
            s->stats.bytes += message->len + message->key_len;
        }
    } else if ((s->failure.result == SC_OK || (s->fatal && kafka_is_for_good(message->err))) && !s->closing) {
        failed(&s->failure, message->err, rd_kafka_topic_name(message->rkt), sequence_of(message));
        s->fatal = false;
    }
    pthread_mutex_unlock(&s->lock);
}

static void on_error(rd_kafka_t *producer, int error, const char *reason, void *arg)
{
    struct audit_sink *s = arg;
    char text[512];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(producer, text, sizeof(text));
    pthread_mutex_lock(&s->lock);
    s->stats.errors++;
    snprintf(s->stats.state, sizeof(s->stats.state), "%s", reason);
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        s->stats.connected = false; /* until something is acknowledged: other errors follow this one */
    /* A message that failed for good says more than that all behind it fail. */
    if (fatal && s->failure.result == SC_OK) {
        error_set(&s->failure, SC_RETRY, "Kafka's producer cannot go on: %.300s", text);
        error_hint(&s->failure, "Nothing is lost: everything behind the last acknowledged change is sent again.");
        s->fatal = true;
    }
    pthread_mutex_unlock(&s->lock);
    log_debug("kafka: %s", reason);
}

static void on_log(const rd_kafka_t *producer, int level, const char *facility, const char *text)
{
    (void)producer;
    (void)level;
    log_debug("kafka %s: %s", facility, text);
}

/* --- opening and closing
 * -------------------------------------------------------------------------------------------------- */

enum sc_result audit_sink_open(const struct audit_sink_config *config, struct audit_sink **out, struct sc_error *err)
{
    *out = NULL;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum sc_result result = configure(conf, config, err);
    if (result != SC_OK) {
        rd_kafka_conf_destroy(conf);
        return result;
    }
    struct audit_sink *s = mem_alloc(sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    s->stream = mem_strdup(config->stream);
    s->migration = mem_strdup(config->migration);
    s->timeout_ms = config->timeout_ms;
    s->stop = config->stop;
    s->transactional = config->transactional_id != NULL;
    error_init(&s->failure);
    rd_kafka_conf_set_opaque(conf, s);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    char text[300];
    s->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (!s->producer) {
        rd_kafka_conf_destroy(conf);
        error_set(err, SC_REFUSE, "librdkafka does not take its properties together: %.250s", text);
        audit_sink_close(s);
        return SC_REFUSE;
    }
    *out = s;
    return SC_OK;
}

void audit_sink_close(struct audit_sink *s)
{
    if (!s)
        return;
    if (s->producer) {
        pthread_mutex_lock(&s->lock);
        s->closing = true;
        pthread_mutex_unlock(&s->lock);
        rd_kafka_purge(s->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(s->producer, 1000);
        rd_kafka_destroy(s->producer);
    }
    audit_window_fini(&s->window);
    pthread_mutex_destroy(&s->lock);
    mem_free(s->stream);
    mem_free(s->migration);
    mem_free(s);
}

enum sc_result audit_sink_partitions(struct audit_sink *s, const char *topic, int32_t *out, struct sc_error *err)
{
    enum sc_result result = kafka_partitions(s->producer, topic, s->timeout_ms, out, err);
    if (result != SC_REFUSE)
        return result;
    return error_hint(err,
                      "Make the topic first, and let this account describe and write it: how many partitions it has "
                      "decides where each key goes, for good.");
}

/* --- sending
 * -------------------------------------------------------------------------------------------------------------- */

/* Where the producer ends because of one message, what became of that one is told a moment later. */
static void wait_for_reason(struct audit_sink *s)
{
    int64_t until_us = clock_us() + REASON_MS * 1000;
    for (bool fatal = true; fatal && clock_us() < until_us;) {
        pthread_mutex_lock(&s->lock);
        fatal = s->fatal;
        pthread_mutex_unlock(&s->lock);
        if (fatal)
            rd_kafka_poll(s->producer, POLL_MS);
    }
    pthread_mutex_lock(&s->lock);
    s->fatal = false;
    pthread_mutex_unlock(&s->lock);
}

static enum sc_result failure_of(struct audit_sink *s, struct sc_error *err)
{
    wait_for_reason(s);
    pthread_mutex_lock(&s->lock);
    enum sc_result result = s->failure.result;
    if (result != SC_OK && err)
        *err = s->failure;
    pthread_mutex_unlock(&s->lock);
    return result;
}

enum sc_result audit_sink_tick(struct audit_sink *s, struct sc_error *err)
{
    rd_kafka_poll(s->producer, 0);
    return failure_of(s, err);
}

static bool told_to_stop(const struct audit_sink *s)
{
    return s->stop && atomic_load(s->stop);
}

static const char *topic_of(const struct audit_message *m)
{
    return m->table ? m->table->topic : m->topic;
}

static rd_kafka_headers_t *headers_of(const struct audit_sink *s, const struct audit_message *m)
{
    char sequence[24], hash[AUDIT_HASH_TEXT];
    snprintf(sequence, sizeof(sequence), "%" PRIu64, m->sequence);
    audit_hash_format(&m->hash, hash);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(6);
    if (!m->sequence)
        return headers;
    rd_kafka_header_add(headers, "seachange.stream", -1, s->stream, -1);
    rd_kafka_header_add(headers, "seachange.sequence", -1, sequence, -1);
    rd_kafka_header_add(headers, "seachange.hash", -1, hash, -1);
    rd_kafka_header_add(headers, "seachange.position", -1, m->position, -1);
    if (s->migration)
        rd_kafka_header_add(headers, "seachange.migration", -1, s->migration, -1);
    if (m->other_key_header)
        rd_kafka_header_add(headers, m->other_key_header, -1, m->other_key, (ssize_t)m->other_key_len);
    return headers;
}

static rd_kafka_resp_err_t produce(struct audit_sink *s, const struct audit_message *m, uint64_t number)
{
    rd_kafka_headers_t *headers = headers_of(s, m);
    rd_kafka_resp_err_t error =
        rd_kafka_producev(s->producer, RD_KAFKA_V_TOPIC(topic_of(m)), RD_KAFKA_V_PARTITION(m->partition),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(m->key, m->key_len),
                          RD_KAFKA_V_VALUE((void *)(uintptr_t)m->value, m->value_len), RD_KAFKA_V_HEADERS(headers),
                          RD_KAFKA_V_OPAQUE((void *)(uintptr_t)number), RD_KAFKA_V_END);
    if (error)
        rd_kafka_headers_destroy(headers); /* still ours */
    return error;
}

/* In front of the first message of a transaction. */
static enum sc_result open_transaction(struct audit_sink *s, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (!s->transactional || s->open)
        return SC_OK;
    if (!s->begun)
        result = transaction_init(s->producer, s->timeout_ms, s->stop, err);
    s->begun |= result == SC_OK;
    if (result == SC_OK)
        result = transaction_begin(s->producer, err);
    s->open = result == SC_OK;
    return result;
}

enum sc_result audit_sink_send(struct audit_sink *s, const struct audit_message *m, struct sc_error *err)
{
    enum sc_result result = audit_sink_tick(s, err);
    if (result == SC_OK)
        result = open_transaction(s, err);
    if (result != SC_OK)
        return result;
    pthread_mutex_lock(&s->lock);
    audit_window_send(&s->window); /* before: it may be acknowledged at once */
    uint64_t number = s->window.sent;
    s->stats.sent++;
    pthread_mutex_unlock(&s->lock);
    for (;;) {
        rd_kafka_resp_err_t error = produce(s, m, number);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
            return SC_OK;
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL && error != RD_KAFKA_RESP_ERR__FATAL)
            return failed(err, error, topic_of(m), m->sequence);
        pthread_mutex_lock(&s->lock);
        s->stats.retries++;
        pthread_mutex_unlock(&s->lock);
        if (told_to_stop(s))
            return error_set(err, SC_STOP, "stopped while Kafka took no messages");
        rd_kafka_poll(s->producer, POLL_MS);
        if ((result = failure_of(s, err)) != SC_OK)
            return result;
    }
}

enum sc_result audit_sink_send_beside(struct audit_sink *s, const char *topic, const char *key, const char *value,
                                      struct sc_error *err)
{
    struct audit_message m = {.topic = topic,
                              .partition = RD_KAFKA_PARTITION_UA,
                              .key = key,
                              .key_len = strlen(key),
                              .value = value,
                              .value_len = strlen(value)};
    return audit_sink_send(s, &m, err);
}

bool audit_sink_uncommitted(struct audit_sink *s)
{
    return s->open;
}

enum sc_result audit_sink_commit(struct audit_sink *s, struct sc_error *err)
{
    if (!s->open)
        return SC_OK;
    enum sc_result result = failure_of(s, err);
    if (result != SC_OK)
        return result;
    result = transaction_commit(s->producer, s->stop, err);
    if (result == SC_STOP)
        return result;
    if (result != SC_OK) { /* nor does anybody try again with this producer */
        pthread_mutex_lock(&s->lock);
        if (s->failure.result == SC_OK)
            s->failure = *err;
        pthread_mutex_unlock(&s->lock);
        return failure_of(s, err);
    }
    pthread_mutex_lock(&s->lock);
    s->committed = s->window.sent;
    pthread_mutex_unlock(&s->lock);
    s->open = false;
    return SC_OK;
}

uint64_t audit_sink_sent(struct audit_sink *s)
{
    pthread_mutex_lock(&s->lock);
    uint64_t sent = s->window.sent;
    pthread_mutex_unlock(&s->lock);
    return sent;
}

uint64_t audit_sink_acknowledged(struct audit_sink *s)
{
    pthread_mutex_lock(&s->lock);
    uint64_t acknowledged = s->transactional ? s->committed : s->window.acknowledged;
    pthread_mutex_unlock(&s->lock);
    return acknowledged;
}

enum sc_result audit_sink_flush(struct audit_sink *s, int timeout_ms, struct sc_error *err)
{
    int64_t until_us = clock_us() + (int64_t)timeout_ms * 1000;
    if (s->transactional)
        return audit_sink_commit(s, err);
    for (;;) {
        enum sc_result result = audit_sink_tick(s, err);
        pthread_mutex_lock(&s->lock);
        bool done = s->window.acknowledged == s->window.sent;
        pthread_mutex_unlock(&s->lock);
        if (result != SC_OK || done)
            return result;
        if (told_to_stop(s))
            return error_set(err, SC_STOP, "stopped while messages were on their way to Kafka");
        if (clock_us() >= until_us)
            return error_set(err, SC_RETRY, "Kafka has not acknowledged all messages within %d s", timeout_ms / 1000);
        rd_kafka_flush(s->producer, POLL_MS); /* also ends linger.ms */
    }
}

void audit_sink_stats(struct audit_sink *s, struct audit_sink_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    out->queued = (uint64_t)rd_kafka_outq_len(s->producer);
    pthread_mutex_unlock(&s->lock);
}
