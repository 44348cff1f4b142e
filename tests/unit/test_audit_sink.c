/* The sink against librdkafka's own brokers of pretence: order, acknowledgements, brokers that fail. The real one is in
 * tests/kafka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cdc/audit/sink.h"
#include "cdc/audit/window.h"

/* --- which were acknowledged --- */

static void what_has_no_gap_before_it_is_done(void **state)
{
    (void)state;
    struct audit_window w = {0};
    assert_false(audit_window_acknowledge(&w, 1));
    for (int i = 0; i < 15; i++)
        audit_window_send(&w);
    for (uint64_t n = 1; n <= 10; n++)
        assert_true(audit_window_acknowledge(&w, n));
    assert_int_equal(w.acknowledged, 10);
    assert_false(audit_window_acknowledge(&w, 10));
    assert_false(audit_window_acknowledge(&w, 16));
    assert_true(audit_window_acknowledge(&w, 12));
    assert_true(audit_window_acknowledge(&w, 13));
    assert_false(audit_window_acknowledge(&w, 13));
    assert_int_equal(w.acknowledged, 10);
    assert_true(audit_window_acknowledge(&w, 11));
    assert_int_equal(w.acknowledged, 13);
    assert_true(audit_window_acknowledge(&w, 15));
    assert_true(audit_window_acknowledge(&w, 14));
    assert_int_equal(w.acknowledged, 15);
    audit_window_fini(&w);
}

/* Acknowledged in an order of chance, many under way, the ring growing and going round. */
static void a_window_holds_any_number_in_any_order(void **state)
{
    (void)state;
    enum { MESSAGES = 200000, MOST = 5000 };
    struct audit_window w = {0};
    uint64_t *under_way = mem_array(MOST, sizeof(*under_way)), count = 0, lowest;
    srandom(7);
    while (w.sent < MESSAGES || count > 0) {
        if (w.sent < MESSAGES && (count == 0 || (count < MOST && random() % 2))) {
            audit_window_send(&w);
            under_way[count++] = w.sent;
        } else {
            uint64_t at = (uint64_t)random() % count;
            assert_true(audit_window_acknowledge(&w, under_way[at]));
            under_way[at] = under_way[--count];
        }
        if (w.sent % 1000)
            continue;
        lowest = w.sent + 1;
        for (uint64_t i = 0; i < count; i++)
            lowest = under_way[i] < lowest ? under_way[i] : lowest;
        assert_int_equal(w.acknowledged, lowest - 1);
    }
    assert_int_equal(w.acknowledged, MESSAGES);
    mem_free(under_way);
    audit_window_fini(&w);
}

/* --- brokers --- */

enum { PARTITIONS = 4, TIMEOUT_MS = 30000 };
static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;
static const struct audit_table table = {.name = "t", .topic = "p.s.t"};

static int start(void **state)
{
    (void)state;
    char text[200];
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
    cluster = owner ? rd_kafka_mock_cluster_new(owner, 3) : NULL;
    return cluster && !rd_kafka_mock_topic_create(cluster, table.topic, PARTITIONS, 3) ? 0 : 1;
}

static int end(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    return 0;
}

static struct audit_sink *sink(const char *const *properties, size_t count)
{
    struct audit_sink_config config = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
                                       .properties = properties,
                                       .nproperties = count,
                                       .stream = "the stream",
                                       .migration = "0011aabb",
                                       .timeout_ms = TIMEOUT_MS};
    struct audit_sink *s = NULL;
    struct sc_error err;
    if (audit_sink_open(&config, &s, &err) != SC_OK)
        fail_msg("%s", err.what);
    return s;
}

static struct audit_hash heads[PARTITIONS];

static enum sc_result put(struct audit_sink *s, uint64_t sequence, const char *value, struct sc_error *err)
{
    char key[32];
    snprintf(key, sizeof(key), "{\"id\":%d}", (int)sequence % 100);
    struct audit_message m = {.table = &table,
                              .partition = (int32_t)(sequence % PARTITIONS),
                              .sequence = sequence,
                              .key = key,
                              .key_len = strlen(key),
                              .value = value,
                              .value_len = value ? strlen(value) : 0,
                              .position = "0/AB"};
    audit_chain(&heads[m.partition], sequence, key, m.key_len, value, m.value_len);
    m.hash = heads[m.partition];
    return audit_sink_send(s, &m, err);
}

static void put_all(struct audit_sink *s, uint64_t from, uint64_t to)
{
    struct sc_error err;
    for (uint64_t n = from; n <= to; n++)
        if (put(s, n, n % 10 ? "{\"some\":\"value\"}" : NULL, &err) != SC_OK)
            fail_msg("%s", err.what);
}

static void flush(struct audit_sink *s)
{
    struct sc_error err;
    if (audit_sink_flush(s, TIMEOUT_MS, &err) != SC_OK)
        fail_msg("%s", err.what);
}

static void header_is(const rd_kafka_message_t *m, const char *name, const char *want)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    assert_int_equal(rd_kafka_message_headers(m, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_header_get_last(headers, name, &value, &size), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(size, strlen(want));
    assert_memory_equal(value, want, size);
}

/* Reads the topic: messages from..to, each once, in each partition in their order, and their chain. */
static void the_topic_has(uint64_t from, uint64_t to)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[200];
    assert_int_equal(
        rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), text, sizeof(text)),
        RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "reader", text, sizeof(text)), RD_KAFKA_CONF_OK);
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    assert_non_null(reader);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int p = 0; p < PARTITIONS; p++)
        rd_kafka_topic_partition_list_add(all, table.topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader, all);
    rd_kafka_topic_partition_list_destroy(all);
    uint64_t next[PARTITIONS], count = 0;
    struct audit_hash chain[PARTITIONS] = {0};
    for (uint64_t n = from; n < from + PARTITIONS; n++)
        next[n % PARTITIONS] = n;
    int64_t until_us = clock_us() + (int64_t)TIMEOUT_MS * 1000;
    while (count < to - from + 1 && clock_us() < until_us) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(reader, 100);
        if (!m)
            continue;
        if (!m->err) {
            char want[AUDIT_HASH_TEXT];
            uint64_t n = next[m->partition];
            snprintf(want, sizeof(want), "%d", (int)n);
            header_is(m, "seachange.sequence", want);
            header_is(m, "seachange.stream", "the stream");
            header_is(m, "seachange.migration", "0011aabb");
            header_is(m, "seachange.position", "0/AB");
            if (from == 1) {
                audit_chain(&chain[m->partition], n, m->key, m->key_len, m->payload, m->len);
                audit_hash_format(&chain[m->partition], want);
                header_is(m, "seachange.hash", want);
            }
            assert_int_equal(m->payload == NULL, n % 10 == 0);
            next[m->partition] += PARTITIONS;
            count++;
        }
        rd_kafka_message_destroy(m);
    }
    assert_int_equal(count, to - from + 1);
    rd_kafka_destroy(reader);
}

static void messages_are_there_once_and_in_order(void **state)
{
    (void)state;
    memset(heads, 0, sizeof(heads));
    struct audit_sink *s = sink(NULL, 0);
    struct sc_error err;
    int32_t partitions = 0;
    assert_int_equal(audit_sink_partitions(s, table.topic, &partitions, &err), SC_OK);
    assert_int_equal(partitions, PARTITIONS);
    put_all(s, 1, 5000);
    /* What a broker answers with for a while is no loss, and doubles nothing. */
    rd_kafka_mock_push_request_errors(cluster, 0 /* Produce */, 6, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT,
                                      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR__TRANSPORT,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    put_all(s, 5001, 20000);
    flush(s);
    assert_int_equal(audit_sink_acknowledged(s), 20000);
    struct audit_sink_stats stats;
    audit_sink_stats(s, &stats);
    assert_int_equal(stats.sent, 20000);
    assert_int_equal(stats.acknowledged, 20000);
    assert_int_equal(stats.queued, 0);
    audit_sink_close(s);
    the_topic_has(1, 20000);
}

static void properties_that_could_lose_something_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"acks=1",
                                      "enable.idempotence=false",
                                      "message.timeout.ms=1000",
                                      "bootstrap.servers=elsewhere",
                                      "no.such.property=1",
                                      "linger.ms=often",
                                      "linger.ms"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct audit_sink *s = NULL;
        struct sc_error err;
        struct audit_sink_config config = {.brokers = "b", .properties = &bad[i], .nproperties = 1, .stream = "s"};
        assert_int_equal(audit_sink_open(&config, &s, &err), SC_REFUSE);
        assert_null(s);
        assert_null(strstr(err.what, "often"));
    }
    static const char *const secret[] = {"sasl.password=", "sasl.mechanisms=NONSENSE:Tr0ub4dor"};
    struct audit_sink *s = NULL;
    struct sc_error err;
    struct audit_sink_config config = {.brokers = "b", .properties = secret, .nproperties = 2, .stream = "s"};
    enum sc_result result = audit_sink_open(&config, &s, &err);
    audit_sink_close(s);
    assert_true(result == SC_OK || !strstr(err.what, "Tr0ub4dor"));
}

static void a_message_that_is_too_large_ends_it_and_nothing_behind_it_counts(void **state)
{
    (void)state;
    static const char *const small[] = {"message.max.bytes=2000"};
    struct audit_sink *s = sink(small, 1);
    struct sc_error err;
    put_all(s, 30001, 30010);
    char *large = mem_alloc(5001);
    memset(large, 'x', 5000);
    assert_int_equal(put(s, 30011, large, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "message 30011"));
    assert_non_null(strstr(err.what, table.topic));
    assert_null(strstr(err.what, "xxx"));
    assert_true(err.hint[0] != 0);
    mem_free(large);
    int64_t until_us = clock_us() + (int64_t)TIMEOUT_MS * 1000;
    while (audit_sink_acknowledged(s) < 10 && clock_us() < until_us)
        (void)audit_sink_flush(s, 20, &err);
    assert_int_equal(audit_sink_flush(s, 300, &err), SC_RETRY);
    assert_int_equal(audit_sink_acknowledged(s), 10);
    assert_int_equal(audit_sink_sent(s), 11);
    audit_sink_close(s);
}

/* Brokers are away for longer than the queue lasts: it waits, and goes on. */
static void brokers_that_come_back_get_everything(void **state)
{
    (void)state;
    static const char *const narrow[] = {"queue.buffering.max.messages=200", "reconnect.backoff.max.ms=200"};
    struct audit_sink *s = sink(narrow, 2);
    struct sc_error err;
    atomic_bool stop = false;
    put_all(s, 40001, 40100);
    flush(s);
    for (int32_t broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_down(cluster, broker);
    put_all(s, 40101, 40300);
    assert_int_equal(audit_sink_flush(s, 500, &err), SC_RETRY);
    audit_sink_close(s);

    struct audit_sink_config config = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
                                       .properties = narrow,
                                       .nproperties = 2,
                                       .stream = "the stream",
                                       .timeout_ms = 500,
                                       .stop = &stop};
    assert_int_equal(audit_sink_open(&config, &s, &err), SC_OK);
    int32_t partitions;
    assert_int_equal(audit_sink_partitions(s, table.topic, &partitions, &err), SC_RETRY);
    put_all(s, 40101, 40300);
    atomic_store(&stop, true);
    assert_int_equal(put(s, 40301, "{}", &err), SC_STOP); /* the queue is full, and somebody wants it to end */
    atomic_store(&stop, false);
    for (int32_t broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_up(cluster, broker);
    int64_t until_us = clock_us() + (int64_t)TIMEOUT_MS * 1000;
    while (audit_sink_acknowledged(s) < 200 && clock_us() < until_us) {
        assert_int_equal(audit_sink_tick(s, &err), SC_OK);
        clock_sleep_ms(20);
    }
    assert_int_equal(audit_sink_acknowledged(s), 200); /* of this producer */
    audit_sink_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_gap_before_it_is_done),
        cmocka_unit_test(a_window_holds_any_number_in_any_order),
        cmocka_unit_test(messages_are_there_once_and_in_order),
        cmocka_unit_test(properties_that_could_lose_something_are_refused),
        cmocka_unit_test(a_message_that_is_too_large_ends_it_and_nothing_behind_it_counts),
        cmocka_unit_test(brokers_that_come_back_get_everything),
    };
    return cmocka_run_group_tests(tests, start, end);
}
