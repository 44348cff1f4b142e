/* The reader against librdkafka's own brokers of pretence: all partitions, from the beginning to the end as it was, and
 * brokers that fail. The real one is in tests/kafka. */
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
#include "cdc/audit/reader.h"
#include "cdc/audit/sink.h"

enum { PARTITIONS = 4, TIMEOUT_MS = 30000, MESSAGES = 3000, FETCH = 1, LIST_OFFSETS = 2 };

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;
static const struct audit_table table = {.name = "t", .topic = "p.s.t"};

static struct audit_hash heads[PARTITIONS];

/* Messages from..to of the stream, spread over three of the four partitions; every tenth is a tombstone. */
static void write_topic(uint64_t from, uint64_t to)
{
    struct audit_sink_config config = {
        .brokers = rd_kafka_mock_cluster_bootstraps(cluster), .stream = "the stream", .timeout_ms = TIMEOUT_MS};
    struct audit_sink *s = NULL;
    struct sc_error err;
    assert_int_equal(audit_sink_open(&config, &s, &err), SC_OK);
    for (uint64_t n = from; n <= to; n++) {
        char key[32];
        snprintf(key, sizeof(key), "{\"id\":%d}", (int)n % 100);
        struct audit_message m = {.table = &table,
                                  .partition = (int32_t)(n % 3),
                                  .sequence = n,
                                  .key = key,
                                  .key_len = strlen(key),
                                  .value = n % 10 ? "{\"some\":\"value\"}" : NULL,
                                  .value_len = n % 10 ? 16 : 0,
                                  .position = "0/AB"};
        audit_chain(&heads[m.partition], n, key, m.key_len, m.value, m.value_len);
        m.hash = heads[m.partition];
        assert_int_equal(audit_sink_send(s, &m, &err), SC_OK);
    }
    assert_int_equal(audit_sink_flush(s, TIMEOUT_MS, &err), SC_OK);
    audit_sink_close(s);
}

static int start(void **state)
{
    (void)state;
    char text[200];
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
    cluster = owner ? rd_kafka_mock_cluster_new(owner, 3) : NULL;
    if (!cluster || rd_kafka_mock_topic_create(cluster, table.topic, PARTITIONS, 3) ||
        rd_kafka_mock_topic_create(cluster, "empty", 2, 1))
        return 1;
    write_topic(1, MESSAGES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    return 0;
}

static struct audit_reader_config config_of(const char *topic)
{
    return (struct audit_reader_config){
        .brokers = rd_kafka_mock_cluster_bootstraps(cluster), .topic = topic, .timeout_ms = TIMEOUT_MS};
}

static struct audit_reader *reader(const char *topic)
{
    struct audit_reader_config config = config_of(topic);
    struct audit_reader *r = NULL;
    struct sc_error err;
    if (audit_reader_open(&config, &r, &err) != SC_OK)
        fail_msg("%s %s", err.what, err.hint);
    return r;
}

struct received {
    struct audit_proof *proof;
    uint64_t count, most;
    int64_t next[PARTITIONS];
};

static enum sc_result receive(void *arg, const struct audit_received *m, struct sc_error *err)
{
    struct received *to = arg;
    enum audit_verdict verdict;
    if (to->most && to->count == to->most)
        return error_set(err, SC_REFUSE, "enough");
    assert_int_equal(m->offset, to->next[m->partition]++);
    to->count++;
    enum sc_result result = audit_proof_take(to->proof, m, &verdict, err);
    if (result == SC_OK)
        assert_int_equal(verdict, AUDIT_NEW);
    return result;
}

static void reads(struct audit_reader *r, uint64_t count)
{
    struct received to = {.proof = audit_proof_new("the stream", PARTITIONS, NULL, 100)};
    struct audit_proven proven;
    struct sc_error err;
    if (audit_reader_read(r, receive, &to, &err) != SC_OK)
        fail_msg("%s %s", err.what, err.hint);
    assert_int_equal(to.count, count);
    assert_int_equal(audit_proof_end(to.proof, &proven, &err), SC_OK);
    assert_int_equal(proven.messages, count);
    audit_proof_free(to.proof);
}

static void all_is_read_to_where_it_ended_and_as_often_as_asked(void **state)
{
    (void)state;
    struct audit_reader *r = reader(table.topic);
    const struct audit_topic *topic = audit_reader_topic(r);
    assert_int_equal(topic->partitions, PARTITIONS);
    for (int p = 0; p < PARTITIONS; p++) {
        assert_int_equal(topic->low[p], 0);
        assert_int_equal(topic->high[p], p < 3 ? MESSAGES / 3 : 0);
    }
    reads(r, MESSAGES);
    write_topic(MESSAGES + 1, MESSAGES + 300); /* come later, and do not count */
    reads(r, MESSAGES);
    audit_reader_close(r);
    r = reader(table.topic);
    reads(r, MESSAGES + 300);
    audit_reader_close(r);
}

static void a_topic_with_nothing_in_it_is_read(void **state)
{
    (void)state;
    struct audit_reader *r = reader("empty");
    reads(r, 0);
    audit_reader_close(r);
}

static void who_takes_may_end_it(void **state)
{
    (void)state;
    struct audit_reader *r = reader(table.topic);
    struct received to = {.proof = audit_proof_new("the stream", PARTITIONS, NULL, 100), .most = 7};
    struct sc_error err;
    assert_int_equal(audit_reader_read(r, receive, &to, &err), SC_REFUSE);
    assert_string_equal(err.what, "enough");
    assert_int_equal(to.count, 7);
    audit_proof_free(to.proof);
    reads(r, MESSAGES + 300);
    audit_reader_close(r);
}

static void what_a_broker_answers_for_a_while_costs_nothing(void **state)
{
    (void)state;
    /* Neither of the two ends may be taken for the other one when its question fails. */
    for (int i = 0; i < 8; i++) {
        rd_kafka_mock_push_request_errors(cluster, LIST_OFFSETS, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                          i % 2 ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__TRANSPORT);
        struct audit_reader *asked = reader(table.topic);
        for (int p = 0; p < PARTITIONS; p++) {
            assert_int_equal(audit_reader_topic(asked)->low[p], 0);
            assert_int_equal(audit_reader_topic(asked)->high[p], p < 3 ? MESSAGES / 3 + 100 : 0);
        }
        audit_reader_close(asked);
    }
    rd_kafka_mock_clear_request_errors(cluster, LIST_OFFSETS);
    struct audit_reader *r = reader(table.topic);
    rd_kafka_mock_push_request_errors(cluster, FETCH, 3, RD_KAFKA_RESP_ERR__TRANSPORT,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT);
    reads(r, MESSAGES + 300);
    audit_reader_close(r);
}

static void properties_that_could_leave_something_out_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"isolation.level=read_uncommitted",
                                      "enable.auto.commit=true",
                                      "auto.offset.reset=latest",
                                      "enable.partition.eof=false",
                                      "group.id=mine",
                                      "acks=1",
                                      "no.such.property=1",
                                      "fetch.wait.max.ms=often"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct audit_reader_config config = config_of(table.topic);
        struct audit_reader *r = NULL;
        struct sc_error err;
        config.properties = &bad[i];
        config.nproperties = 1;
        assert_int_equal(audit_reader_open(&config, &r, &err), SC_REFUSE);
        assert_null(r);
        assert_null(strstr(err.what, "often"));
    }
    /* What a sink is given a reader takes, too. */
    static const char *const good[] = {"linger.ms=5", "compression.codec=gzip", "message.max.bytes=2000000"};
    struct audit_reader_config config = config_of(table.topic);
    struct audit_reader *r = NULL;
    struct sc_error err;
    config.properties = good;
    config.nproperties = 3;
    assert_int_equal(audit_reader_open(&config, &r, &err), SC_OK);
    reads(r, MESSAGES + 300);
    audit_reader_close(r);
}

static void what_is_not_to_be_had_is_told_by_its_class(void **state)
{
    (void)state;
    struct sc_error err;
    struct audit_reader *r = NULL;
    struct audit_reader_config config = config_of(table.topic);
    rd_kafka_mock_topic_set_error(cluster, "none", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    config.topic = "none";
    assert_int_equal(audit_reader_open(&config, &r, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "none"));
    config.topic = "secret";
    rd_kafka_mock_topic_set_error(cluster, "secret", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(audit_reader_open(&config, &r, &err), SC_REFUSE);
    assert_true(err.hint[0] != 0);
    config.topic = table.topic;
    config.brokers = "127.0.0.1:9";
    config.timeout_ms = 500;
    int64_t began_us = clock_us();
    assert_int_equal(audit_reader_open(&config, &r, &err), SC_RETRY);
    assert_true(clock_us() - began_us < 5000000);
    assert_null(r);
}

static void brokers_that_go_away_are_given_up_in_time(void **state)
{
    (void)state;
    struct audit_reader_config config = config_of(table.topic);
    struct audit_reader *r = NULL;
    struct sc_error err;
    atomic_bool stop = false;
    config.timeout_ms = 1000;
    config.stop = &stop;
    assert_int_equal(audit_reader_open(&config, &r, &err), SC_OK);
    for (int32_t broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_down(cluster, broker);
    struct received to = {.proof = audit_proof_new("the stream", PARTITIONS, NULL, 100)};
    int64_t began_us = clock_us();
    assert_int_equal(audit_reader_read(r, receive, &to, &err), SC_RETRY);
    assert_true(clock_us() - began_us < 10000000);
    assert_non_null(strstr(err.what, "nothing came"));
    atomic_store(&stop, true);
    assert_int_equal(audit_reader_read(r, receive, &to, &err), SC_STOP);
    for (int32_t broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_up(cluster, broker);
    audit_proof_free(to.proof);
    audit_reader_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_read_to_where_it_ended_and_as_often_as_asked),
        cmocka_unit_test(a_topic_with_nothing_in_it_is_read),
        cmocka_unit_test(who_takes_may_end_it),
        cmocka_unit_test(what_a_broker_answers_for_a_while_costs_nothing),
        cmocka_unit_test(properties_that_could_leave_something_out_are_refused),
        cmocka_unit_test(what_is_not_to_be_had_is_told_by_its_class),
        cmocka_unit_test(brokers_that_go_away_are_given_up_in_time),
    };
    return cmocka_run_group_tests(tests, start, end);
}
