/* Kafka's transactions around what is sent, and signs of life beside it, against librdkafka's pretended brokers. What
 * readers see of them tests/kafka looks at, with a real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/clock.h"
#include "cdc/audit/heartbeat.h"
#include "cdc/audit/sink.h"

enum { TIMEOUT_MS = 30000, INIT_PRODUCER_ID = 22, END_TXN = 26 };
static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;
static const struct audit_table table = {.name = "t", .topic = "p.s.t"};

static int start(void **state)
{
    (void)state;
    char text[200];
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
    cluster = owner ? rd_kafka_mock_cluster_new(owner, 1) : NULL;
    return cluster && !rd_kafka_mock_topic_create(cluster, table.topic, 1, 1) &&
                   !rd_kafka_mock_topic_create(cluster, "__debezium-heartbeat.my shop", 1, 1)
               ? 0
               : 1;
}

static int end(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    return 0;
}

static struct audit_sink *sink(const char *transactional_id, const atomic_bool *stop)
{
    struct audit_sink_config config = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
                                       .stream = "s",
                                       .transactional_id = transactional_id,
                                       .timeout_ms = TIMEOUT_MS,
                                       .stop = stop};
    struct audit_sink *s = NULL;
    struct sc_error err;
    if (audit_sink_open(&config, &s, &err) != SC_OK)
        fail_msg("%s", err.what);
    return s;
}

static enum sc_result put(struct audit_sink *s, uint64_t sequence, struct sc_error *err)
{
    struct audit_message m = {
        .table = &table, .sequence = sequence, .key = "k", .key_len = 1, .value = "v", .value_len = 1, .position = "0"};
    error_init(err);
    return audit_sink_send(s, &m, err);
}

static void put_some(struct audit_sink *s, uint64_t from, uint64_t to)
{
    struct sc_error err;
    for (uint64_t n = from; n <= to; n++)
        if (put(s, n, &err) != SC_OK)
            fail_msg("%s", err.what);
}

static void serve(struct audit_sink *s, int ms)
{
    struct sc_error err;
    for (int64_t until_us = clock_us() + ms * 1000; clock_us() < until_us; clock_sleep_ms(10))
        assert_int_equal(audit_sink_tick(s, &err), SC_OK);
}

static void what_is_not_committed_does_not_count(void **state)
{
    (void)state;
    struct audit_sink *s = sink("seachange-1", NULL);
    struct sc_error err;
    assert_false(audit_sink_uncommitted(s));
    assert_int_equal(audit_sink_commit(s, &err), SC_OK); /* of nothing */
    put_some(s, 1, 100);
    assert_true(audit_sink_uncommitted(s));
    serve(s, 500);
    assert_int_equal(audit_sink_sent(s), 100);
    assert_int_equal(audit_sink_acknowledged(s), 0);
    assert_int_equal(audit_sink_commit(s, &err), SC_OK);
    assert_int_equal(audit_sink_acknowledged(s), 100);
    assert_false(audit_sink_uncommitted(s));
    put_some(s, 101, 150);
    serve(s, 300);
    assert_int_equal(audit_sink_acknowledged(s), 100);
    assert_int_equal(audit_sink_flush(s, TIMEOUT_MS, &err), SC_OK);
    assert_int_equal(audit_sink_acknowledged(s), 150);
    audit_sink_close(s);
}

static void one_that_is_given_up_counts_for_nothing(void **state)
{
    (void)state;
    struct audit_sink *s = sink("seachange-2", NULL);
    struct sc_error err;
    put_some(s, 1, 10);
    assert_int_equal(audit_sink_commit(s, &err), SC_OK);
    put_some(s, 11, 20);
    rd_kafka_mock_push_request_errors(cluster, END_TXN, 1, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE);
    error_init(&err);
    assert_int_equal(audit_sink_commit(s, &err), SC_RETRY);
    assert_non_null(strstr(err.hint, "sent again"));
    assert_int_equal(audit_sink_acknowledged(s), 10);
    audit_sink_close(s);
    rd_kafka_mock_clear_request_errors(cluster, END_TXN);
}

static void what_brokers_answer_for_a_while_is_waited_for(void **state)
{
    (void)state;
    struct audit_sink *s = sink("seachange-3", NULL);
    struct sc_error err;
    rd_kafka_mock_push_request_errors(cluster, INIT_PRODUCER_ID, 2, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    put_some(s, 1, 10);
    rd_kafka_mock_push_request_errors(cluster, END_TXN, 2, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
                                      RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    assert_int_equal(audit_sink_commit(s, &err), SC_OK);
    assert_int_equal(audit_sink_acknowledged(s), 10);
    audit_sink_close(s);
}

/* Asked again, librdkafka 2.0 may take the answer to the first question for that to the second. */
static void an_end_that_is_not_answered_is_given_up(void **state)
{
    (void)state;
    struct audit_sink *s = sink("seachange-6", NULL);
    struct sc_error err;
    put_some(s, 1, 10);
    struct audit_sink_stats stats = {.queued = 1};
    for (int i = 0; i < 100 && stats.queued > 0; i++) { /* so that nothing but the end is left to answer */
        serve(s, 100);
        audit_sink_stats(s, &stats);
    }
    rd_kafka_mock_broker_set_down(cluster, 1);
    int64_t begun_us = clock_us();
    assert_int_equal(audit_sink_commit(s, &err), SC_RETRY);
    assert_in_range(clock_us() - begun_us, 0, 40000000);
    assert_int_equal(audit_sink_acknowledged(s), 0);
    audit_sink_close(s);
    rd_kafka_mock_broker_set_up(cluster, 1);
}

static void who_may_not_is_told(void **state)
{
    (void)state;
    struct audit_sink *s = sink("seachange-4", NULL);
    struct sc_error err;
    rd_kafka_mock_push_request_errors(cluster, INIT_PRODUCER_ID, 1,
                                      RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    assert_int_equal(put(s, 1, &err), SC_REFUSE);
    assert_non_null(strstr(err.hint, "transactional id"));
    audit_sink_close(s);
    rd_kafka_mock_clear_request_errors(cluster, INIT_PRODUCER_ID);
}

static void it_can_be_stopped_while_brokers_are_away(void **state)
{
    (void)state;
    atomic_bool stop = false;
    struct audit_sink *s = sink("seachange-5", &stop);
    struct sc_error err;
    put_some(s, 1, 10);
    rd_kafka_mock_broker_set_down(cluster, 1);
    atomic_store(&stop, true);
    int64_t begun_us = clock_us();
    assert_int_not_equal(audit_sink_commit(s, &err), SC_OK);
    assert_in_range(clock_us() - begun_us, 0, 15000000);
    assert_int_equal(audit_sink_acknowledged(s), 0);
    audit_sink_close(s);
    rd_kafka_mock_broker_set_up(cluster, 1);
}

/* --- signs of life --- */

static void read_heartbeats(int count, char keys[][300], char values[][300])
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[200];
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), text, sizeof(text));
    rd_kafka_conf_set(conf, "group.id", "reader", text, sizeof(text));
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(all, "__debezium-heartbeat.my shop", 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader, all);
    rd_kafka_topic_partition_list_destroy(all);
    int64_t until_us = clock_us() + (int64_t)TIMEOUT_MS * 1000;
    for (int i = 0; i < count && clock_us() < until_us;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(reader, 100);
        if (m && !m->err) {
            rd_kafka_headers_t *headers;
            assert_int_equal(rd_kafka_message_headers(m, &headers), RD_KAFKA_RESP_ERR__NOENT);
            snprintf(keys[i], 300, "%.*s", (int)m->key_len, (const char *)m->key);
            snprintf(values[i++], 300, "%.*s", (int)m->len, (const char *)m->payload);
        }
        if (m)
            rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
}

static void signs_of_life_are_debezium_s(void **state)
{
    (void)state;
    struct audit_sink *s = sink(NULL, NULL);
    struct audit_heartbeat heartbeat = {.prefix = "my shop", .every_ms = 1000};
    struct sc_error err;
    assert_int_equal(audit_heartbeat_send(&heartbeat, s, INT64_C(1700000000123456), &err), SC_OK);
    heartbeat.with_schema = true;
    assert_int_equal(audit_heartbeat_send(&heartbeat, s, INT64_C(1700000001123456), &err), SC_OK);
    assert_int_equal(audit_sink_flush(s, TIMEOUT_MS, &err), SC_OK);
    assert_int_equal(audit_sink_acknowledged(s), 2);
    audit_sink_close(s);
    char keys[2][300] = {"", ""}, values[2][300] = {"", ""};
    read_heartbeats(2, keys, values);
    assert_string_equal(keys[0], "{\"serverName\":\"my shop\"}");
    assert_string_equal(values[0], "{\"ts_ms\":1700000000123}");
    assert_string_equal(keys[1], "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"optional\":false,"
                                 "\"field\":\"serverName\"}],\"optional\":false,\"name\":"
                                 "\"io.debezium.connector.common.ServerNameKey\"},\"payload\":{\"serverName\":\"my "
                                 "shop\"}}");
    assert_string_equal(values[1],
                        "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int64\",\"optional\":false,"
                        "\"field\":\"ts_ms\"}],\"optional\":false,\"name\":"
                        "\"io.debezium.connector.common.Heartbeat\"},\"payload\":{\"ts_ms\":1700000001123}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_committed_does_not_count),
        cmocka_unit_test(one_that_is_given_up_counts_for_nothing),
        cmocka_unit_test(what_brokers_answer_for_a_while_is_waited_for),
        cmocka_unit_test(an_end_that_is_not_answered_is_given_up),
        cmocka_unit_test(who_may_not_is_told),
        cmocka_unit_test(it_can_be_stopped_while_brokers_are_away),
        cmocka_unit_test(signs_of_life_are_debezium_s),
    };
    return cmocka_run_group_tests(tests, start, end);
}
