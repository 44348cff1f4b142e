/* From the reader's queue to (pretended) Kafka: what follows a queue gets all of it; what is kept was acknowledged; and
 * whoever is killed goes on with the same messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/clock.h"
#include "cdc/audit/pump.h"
#include "unit/audit_table.h"

enum { PARTITIONS = 3, WAIT_MS = 30000, END_TXN = 26 };

static char parent[] = "/tmp/seachange-test-XXXXXX";
static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;
static struct arena arena;
static struct audit_table table;

static int start(void **state)
{
    (void)state;
    char text[200];
    table = audit_test_table(&arena);
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
    cluster = owner ? rd_kafka_mock_cluster_new(owner, 1) : NULL;
    return cluster && mkdtemp(parent) && !rd_kafka_mock_topic_create(cluster, table.topic, PARTITIONS, 1) ? 0 : 1;
}

static int end(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    arena_fini(&arena);
    return rmdir(parent);
}

static struct spool *open_spool(const char *name, uint64_t disk_bytes)
{
    char path[128];
    struct spool *spool;
    struct sc_error err;
    snprintf(path, sizeof(path), "%s/%s", parent, name);
    struct spool_config config = {.directory = path,
                                  .memory_bytes = 64 << 10,
                                  .block_bytes = 8 << 10,
                                  .segment_bytes = 64 << 10,
                                  .disk_bytes = disk_bytes,
                                  .record_bytes = 1 << 20};
    if (spool_open(&config, &spool, &err) != SC_OK)
        fail_msg("%s", err.what);
    return spool;
}

static void close_spool(struct spool *spool, const char *name)
{
    char path[128];
    spool_close(spool);
    snprintf(path, sizeof(path), "%s/%s", parent, name);
    assert_int_equal(rmdir(path), 0);
}

/* --- a queue that follows another --- */

static void put_number(struct spool *s, int n)
{
    char record[1000];
    struct sc_error err;
    memset(record, 'x', sizeof(record));
    snprintf(record, sizeof(record), "%d", n);
    if (spool_put(s, record, sizeof(record), NULL, NULL, &err) != SC_OK)
        fail_msg("%s", err.what);
}

static void take_number(struct spool *s, int n)
{
    const void *record;
    size_t len;
    struct sc_error err;
    assert_int_equal(spool_take(s, &record, &len, 1000, &err), SC_OK);
    assert_int_equal(len, 1000);
    assert_int_equal(atoi(record), n);
}

static void a_follower_gets_everything_at_its_own_pace(void **state)
{
    (void)state;
    struct spool *leader = open_spool("leader", 0), *follower = open_spool("follower", 0);
    spool_follow(leader, follower, false);
    for (int i = 0; i < 3000; i++) { /* 3 MB: most of the follower's goes through its disk */
        put_number(leader, i);
        take_number(leader, i);
    }
    struct spool_stats stats;
    spool_stats(follower, &stats);
    assert_true(stats.spilled_bytes > 0);
    for (int i = 0; i < 3000; i++)
        take_number(follower, i);
    /* Why reading ended is told to both. */
    struct sc_error failure, err;
    const void *record;
    size_t len;
    error_set(&failure, SC_REFUSE, "the log is gone");
    spool_fail(leader, &failure);
    assert_int_equal(spool_take(leader, &record, &len, 1000, &err), SC_REFUSE);
    assert_int_equal(spool_take(follower, &record, &len, 1000, &err), SC_REFUSE);
    assert_string_equal(err.what, "the log is gone");
    close_spool(leader, "leader");
    close_spool(follower, "follower");
}

static void a_follower_that_cannot_go_on_stops_the_producer(void **state)
{
    (void)state;
    struct spool *leader = open_spool("leader", 0), *follower = open_spool("follower", 0);
    struct sc_error err;
    spool_follow(leader, follower, false);
    put_number(leader, 1);
    spool_stop(follower);
    assert_int_equal(spool_put(leader, "x", 1, NULL, NULL, &err), SC_STOP);
    close_spool(leader, "leader");
    close_spool(follower, "follower");
}

static void an_expendable_one_is_gone_on_without(void **state)
{
    (void)state;
    struct spool *leader = open_spool("leader", 0), *follower = open_spool("follower", 256 << 10);
    struct sc_error err;
    const void *record;
    size_t len;
    spool_follow(leader, follower, true);
    char noise[8000]; /* which cannot be compressed */
    uint64_t x = 1;
    for (int i = 0; i < 200; i++) { /* far more than there is room for, and nobody waits */
        for (size_t k = 0; k < sizeof(noise); k++)
            noise[k] = (char)((x = x * 6364136223846793005u + 1442695040888963407u) >> 56);
        assert_int_equal(spool_put(leader, noise, sizeof(noise), NULL, NULL, &err), SC_OK);
        assert_int_equal(spool_take(leader, &record, &len, 1000, &err), SC_OK);
    }
    assert_int_equal(spool_failure(leader, &err), SC_OK);
    assert_int_equal(spool_failure(follower, &err), SC_FAIL);
    /* Its consumer gets what there was room for, and then why there is no more. */
    int taken = 0;
    enum sc_result result;
    while ((result = spool_take(follower, &record, &len, 1000, &err)) == SC_OK)
        taken++;
    assert_in_range(taken, 20, 100);
    assert_int_equal(result, SC_FAIL);
    assert_non_null(strstr(err.what, "room"));
    spool_stop(follower);
    put_number(leader, 1);
    take_number(leader, 1);
    close_spool(leader, "leader");
    close_spool(follower, "follower");
}

/* --- the pump --- */

/* What was kept. */
struct kept {
    struct audit_state state;
    struct audit_hash heads[PARTITIONS];
    struct audit_sink *sink;
    uint64_t before; /* messages of earlier sinks */
    int times, refuse;
};

static enum sc_result keep(void *arg, const struct audit_state *state, struct sc_error *err)
{
    struct kept *k = arg;
    if (k->refuse > 0) {
        k->refuse--;
        return error_set(err, SC_RETRY, "no connection");
    }
    assert_true(k->before + audit_sink_acknowledged(k->sink) >= state->sequence);
    assert_true(state->position.order >= k->state.position.order);
    assert_true(state->sequence >= k->state.sequence);
    k->state = *state;
    memcpy(k->heads, state->heads, sizeof(k->heads));
    k->state.heads = k->heads;
    k->times++;
    return SC_OK;
}

static void put(struct spool *s, const struct change *change)
{
    struct buf b = {0};
    struct sc_error err;
    change_encode(&b, change);
    if (spool_put(s, b.data, b.len, NULL, NULL, &err) != SC_OK)
        fail_msg("%s", err.what);
    buf_fini(&b);
}

/* Transactions from..to of one insert each; the n-th one is at 10 n. */
static void put_transactions(struct spool *s, int from, int to)
{
    struct relation_column columns[2] = {{.name = "id", .key = true}, {.name = "v"}};
    put(s, &(struct change){.kind = CHANGE_RELATION,
                            .relation = {.id = 1, .schema = "public", .name = "t", .ncolumns = 2, .columns = columns}});
    for (int n = from; n <= to; n++) {
        char id[24];
        snprintf(id, sizeof(id), "%d", n);
        struct value row[2] = {{.state = VALUE_PRESENT, .len = (uint32_t)strlen(id), .data = id},
                               {.state = VALUE_NULL}};
        struct change begin = {.kind = CHANGE_BEGIN, .position = {.order = (uint64_t)n * 10}, .xid = 7, .commit_us = n},
                      commit = {.kind = CHANGE_COMMIT, .position = {.order = (uint64_t)n * 10 + 5}};
        snprintf(begin.position.text, sizeof(begin.position.text), "0/%X", n * 10);
        snprintf(commit.position.text, sizeof(commit.position.text), "0/%X", n * 10 + 5);
        put(s, &begin);
        put(s, &(struct change){.kind = CHANGE_INSERT, .ncolumns = 2, .new_row = row});
        put(s, &commit);
    }
}

static struct audit_sink *open_transactional_sink(const char *id)
{
    struct audit_sink_config config = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
                                       .stream = "s",
                                       .transactional_id = id,
                                       .timeout_ms = WAIT_MS};
    struct audit_sink *sink = NULL;
    struct sc_error err;
    assert_int_equal(audit_sink_open(&config, &sink, &err), SC_OK);
    return sink;
}

static struct audit_sink *open_sink(void)
{
    return open_transactional_sink(NULL);
}

static bool commit_each; /* of the next pump */

static struct audit_pump *start_pump_that_drains(struct spool *spool, struct audit_sink *sink, struct kept *kept,
                                                 int64_t drain_ms)
{
    struct audit_state nowhere = {.partitions = PARTITIONS};
    struct audit_pump_config config = {
        .spool = spool,
        .sink = sink,
        .stream = {.engine = &pg_audit_engine, .tables = &table, .ntables = 1, .version = "1.0"},
        .from = kept->state.position.order ? &kept->state : &nowhere,
        .store = keep,
        .store_arg = kept,
        .store_ms = 20,
        .drain_ms = drain_ms,
        .commit_each = commit_each};
    struct audit_pump *pump;
    struct sc_error err;
    kept->sink = sink;
    kept->before = kept->state.sequence;
    assert_int_equal(audit_pump_start(&config, &pump, &err), SC_OK);
    return pump;
}

static struct audit_pump *start_pump(struct spool *spool, struct audit_sink *sink, struct kept *kept)
{
    return start_pump_that_drains(spool, sink, kept, 0);
}

static void wait_marker(struct audit_pump *pump, const char *marker)
{
    struct audit_pump_stats stats = {0};
    for (int i = 0; i < WAIT_MS / 10 && strcmp(stats.passed, marker) != 0; i++) {
        clock_sleep_ms(10);
        audit_pump_stats(pump, &stats);
    }
    assert_string_equal(stats.passed, marker);
}

static void what_is_kept_was_acknowledged_and_a_restart_goes_on_there(void **state)
{
    (void)state;
    struct kept kept = {.refuse = 3};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_sink();
    struct audit_pump *pump = start_pump(spool, sink, &kept);
    struct sc_error err;
    put_transactions(spool, 1, 2000);
    struct audit_pump_stats stats;
    audit_pump_stats(pump, &stats);
    assert_string_equal(stats.passed, "");
    put(spool, &(struct change){.kind = CHANGE_MARKER, .marker = "here"});
    wait_marker(pump, "here");
    assert_int_equal(audit_pump_ended(pump, &err), SC_RETRY); /* nobody has said where that is */
    audit_pump_stats(pump, &stats);
    assert_int_equal(stats.messages, 2000);
    for (int i = 0; i < WAIT_MS / 10 && stats.stored.order == 0; i++) { /* it was told three times: not now */
        clock_sleep_ms(10);
        audit_pump_stats(pump, &stats);
    }
    spool_stop(spool);
    audit_pump_stop(pump);
    /* The last transaction was acknowledged, so where it ends is kept when it is stopped. */
    assert_int_equal(kept.state.position.order, 20005);
    assert_int_equal(kept.state.sequence, 2000);
    assert_int_equal(kept.refuse, 0);
    assert_true(kept.times > 0);
    audit_sink_close(sink);
    close_spool(spool, "audit");

    /* The server sends more than is needed; what was there is passed over. */
    spool = open_spool("audit", 0);
    sink = open_sink();
    pump = start_pump(spool, sink, &kept);
    put_transactions(spool, 1500, 2500);
    put(spool, &(struct change){.kind = CHANGE_MARKER, .marker = "there"});
    wait_marker(pump, "there");
    spool_stop(spool);
    audit_pump_stop(pump);
    assert_int_equal(kept.state.sequence, 2500);
    assert_int_equal(kept.state.position.order, 25005);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

static void what_is_under_way_when_it_is_stopped_is_waited_for(void **state)
{
    (void)state;
    struct kept kept = {0};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_sink();
    struct audit_pump *pump = start_pump(spool, sink, &kept);
    struct audit_pump_stats stats = {0};
    put_transactions(spool, 1, 1);
    put(spool, &(struct change){.kind = CHANGE_MARKER, .marker = "there"});
    wait_marker(pump, "there");
    rd_kafka_mock_broker_set_rtt(cluster, 1, 300);
    put_transactions(spool, 2, 50);
    for (int i = 0; i < WAIT_MS / 10 && stats.messages < 50; i++) {
        clock_sleep_ms(10);
        audit_pump_stats(pump, &stats);
    }
    assert_true(audit_sink_acknowledged(sink) < 50);
    kept.refuse = 1; /* as when its connection has been lost meanwhile */
    spool_stop(spool);
    audit_pump_stop(pump);
    rd_kafka_mock_broker_set_rtt(cluster, 1, 0);
    assert_int_equal(kept.state.sequence, 50);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

static enum sc_result await_end(struct audit_pump *pump)
{
    struct sc_error err;
    enum sc_result result;
    for (int i = 0; (result = audit_pump_ended(pump, &err)) == SC_RETRY && i < WAIT_MS / 10; i++)
        clock_sleep_ms(10);
    return result;
}

static void nothing_behind_the_end_is_taken(void **state)
{
    (void)state;
    struct kept kept = {.refuse = 1};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_sink();
    struct audit_pump *pump = start_pump(spool, sink, &kept);
    audit_pump_end(pump, "end");
    put_transactions(spool, 1, 100);
    put(spool, &(struct change){.kind = CHANGE_MARKER, .marker = "another"});
    put_transactions(spool, 101, 200);
    put(spool, &(struct change){.kind = CHANGE_MARKER, .marker = "end"});
    put_transactions(spool, 201, 300);
    put(spool, &(struct change){.kind = CHANGE_TRUNCATE}); /* which it could not take */
    assert_int_equal(await_end(pump), SC_OK);
    assert_int_equal(kept.state.sequence, 200);
    assert_int_equal(kept.state.position.order, 2005);
    spool_stop(spool);
    audit_pump_stop(pump);
    assert_int_equal(kept.state.sequence, 200);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

/* As when a cutover has failed behind its marker. */
static void it_goes_on_behind_an_end_that_is_taken_back(void **state)
{
    (void)state;
    struct kept kept = {0};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_sink();
    struct audit_pump *pump = start_pump(spool, sink, &kept);
    struct sc_error err;
    audit_pump_end(pump, "first");
    put_transactions(spool, 1, 100);
    put(spool, &(struct change){.kind = CHANGE_MARKER, .marker = "first"});
    assert_int_equal(await_end(pump), SC_OK);
    audit_pump_end(pump, NULL);
    assert_int_equal(audit_pump_ended(pump, &err), SC_RETRY);
    put_transactions(spool, 101, 150);
    put(spool, &(struct change){.kind = CHANGE_MARKER, .marker = "beat"});
    struct audit_pump_stats stats = {0};
    for (int i = 0; i < WAIT_MS / 10 && strcmp(stats.passed, "beat") != 0; i++) {
        clock_sleep_ms(10);
        audit_pump_stats(pump, &stats);
    }
    assert_string_equal(stats.passed, "beat");
    audit_pump_end(pump, "second");
    put_transactions(spool, 151, 200);
    put(spool, &(struct change){.kind = CHANGE_MARKER, .marker = "second"});
    put_transactions(spool, 201, 300);
    assert_int_equal(await_end(pump), SC_OK);
    spool_stop(spool);
    audit_pump_stop(pump);
    assert_int_equal(kept.state.sequence, 200);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

static void why_it_ended_is_told(void **state)
{
    (void)state;
    struct kept kept = {0};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_sink();
    struct audit_pump *pump = start_pump(spool, sink, &kept);
    struct sc_error err;
    put_transactions(spool, 1, 1);
    put(spool, &(struct change){.kind = CHANGE_TRUNCATE}); /* outside a transaction */
    for (int i = 0; i < WAIT_MS / 10 && audit_pump_check(pump, &err) == SC_OK; i++)
        clock_sleep_ms(10);
    assert_int_equal(audit_pump_check(pump, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "audit: "));
    assert_int_equal(audit_pump_ended(pump, &err), SC_FAIL);
    spool_stop(spool);
    audit_pump_stop(pump);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

static void insert(struct spool *s)
{
    struct value row[2] = {{.state = VALUE_PRESENT, .len = 1, .data = "1"}, {.state = VALUE_NULL}};
    put(s, &(struct change){.kind = CHANGE_INSERT, .ncolumns = 2, .new_row = row});
}

static void a_transaction_that_cannot_be_written_whole_is_not_waited_for(void **state)
{
    (void)state;
    struct kept kept = {0};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_transactional_sink("seachange-pump-1");
    struct audit_pump *pump = start_pump_that_drains(spool, sink, &kept, INT64_MAX / 1000000);
    struct sc_error err;
    error_init(&err);
    put_transactions(spool, 1, 10);
    for (int i = 0; i < WAIT_MS / 10 && audit_sink_acknowledged(sink) < 10; i++)
        clock_sleep_ms(10);
    put(spool, &(struct change){.kind = CHANGE_BEGIN, .position = {.order = 1000, .text = "0/3E8"}, .commit_us = 1});
    insert(spool);
    struct relation_column columns[3] = {{.name = "id", .key = true}, {.name = "v"}, {.name = "unknown"}};
    put(spool,
        &(struct change){.kind = CHANGE_RELATION,
                         .relation = {.id = 1, .schema = "public", .name = "t", .ncolumns = 3, .columns = columns}});
    insert(spool);
    for (int i = 0; i < WAIT_MS / 10 && audit_pump_check(pump, &err) == SC_OK; i++)
        clock_sleep_ms(10);
    assert_int_equal(audit_pump_check(pump, &err), SC_FAIL);
    struct audit_pump_stats stats;
    audit_pump_stats(pump, &stats);
    assert_true(stats.drained);
    /* What was whole is kept; of the other nothing counts. */
    assert_int_equal(kept.state.sequence, 10);
    assert_int_equal(kept.state.position.order, 105);
    spool_stop(spool);
    audit_pump_stop(pump);
    assert_int_equal(kept.state.sequence, 10);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

/* With one commit for many transactions none of them would get on: the same would be given up again and again. */
static void what_is_before_a_bad_transaction_gets_on_when_each_is_committed(void **state)
{
    (void)state;
    struct kept kept = {0};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_transactional_sink("seachange-pump-2");
    struct sc_error err;
    error_init(&err);
    put_transactions(spool, 1, 30);
    put(spool, &(struct change){.kind = CHANGE_BEGIN, .position = {.order = 1000, .text = "0/3E8"}, .commit_us = 1});
    insert(spool);
    put(spool, &(struct change){.kind = CHANGE_RELATION,
                                .relation = {.id = 1, .schema = "public", .name = "t", .ncolumns = 0}});
    insert(spool);
    commit_each = true;
    struct audit_pump *pump = start_pump_that_drains(spool, sink, &kept, WAIT_MS);
    commit_each = false;
    for (int i = 0; i < WAIT_MS / 10 && audit_pump_check(pump, &err) == SC_OK; i++)
        clock_sleep_ms(10);
    assert_int_equal(audit_pump_check(pump, &err), SC_FAIL);
    struct audit_pump_stats stats;
    audit_pump_stats(pump, &stats);
    assert_true(stats.drained);
    assert_int_equal(kept.state.sequence, 30);
    spool_stop(spool);
    audit_pump_stop(pump);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

/* Kafka is away at the moment of the commit: that is not tried again, whoever asks (transaction.c). */
static void a_commit_that_was_not_answered_is_not_made_again(void **state)
{
    (void)state;
    struct kept kept = {0};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_transactional_sink("seachange-pump-3");
    struct sc_error err, first;
    error_init(&err);
    error_init(&first);
    put_transactions(spool, 1, 10);
    struct audit_pump *pump = start_pump_that_drains(spool, sink, &kept, WAIT_MS);
    struct audit_pump_stats stats = {0};
    for (int i = 0; i < WAIT_MS / 10 && stats.stored.order < 105; i++) {
        clock_sleep_ms(10);
        audit_pump_stats(pump, &stats);
    }
    assert_int_equal(stats.stored.order, 105);
    /* The end of the next one is answered after twelve seconds: the first call has been given up by then. */
    rd_kafka_mock_broker_push_request_error_rtts(cluster, 1, END_TXN, 1, RD_KAFKA_RESP_ERR_NO_ERROR, 12000);
    put_transactions(spool, 11, 20);
    for (int i = 0; i < 2 * WAIT_MS / 10 && audit_pump_check(pump, &err) == SC_OK; i++)
        clock_sleep_ms(10);
    assert_int_equal(audit_pump_check(pump, &err), SC_RETRY);
    assert_int_equal(audit_sink_acknowledged(sink), 10);
    assert_int_equal(kept.state.sequence, 10);
    assert_int_equal(audit_sink_commit(sink, &first), SC_RETRY);
    assert_int_equal(audit_sink_acknowledged(sink), 10);
    spool_stop(spool);
    audit_pump_stop(pump);
    assert_int_equal(kept.state.sequence, 10);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

static void how_far_it_is_behind_is_that_of_what_is_not_there(void **state)
{
    (void)state;
    struct kept kept = {0};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_sink();
    struct audit_pump *pump = start_pump(spool, sink, &kept);
    struct audit_pump_stats stats;
    audit_pump_stats(pump, &stats);
    assert_int_equal(stats.lag_ms, 0);
    put_transactions(spool, 1, 10); /* they say that they were committed in 1970 */
    put(spool, &(struct change){.kind = CHANGE_MARKER, .marker = "here"});
    wait_marker(pump, "here");
    clock_sleep_ms(200);
    audit_pump_stats(pump, &stats);
    assert_int_equal(stats.lag_ms, 0); /* nobody waits, however old they are */
    rd_kafka_mock_broker_set_down(cluster, 1);
    put_transactions(spool, 11, 300);
    clock_sleep_ms(1000);
    audit_pump_stats(pump, &stats);
    assert_true(stats.lag_ms > INT64_C(1000000000000));
    rd_kafka_mock_broker_set_up(cluster, 1);
    for (int i = 0; i < WAIT_MS / 10 && stats.lag_ms > 0; i++) {
        clock_sleep_ms(10);
        audit_pump_stats(pump, &stats);
    }
    assert_int_equal(stats.lag_ms, 0);
    assert_int_equal(audit_sink_acknowledged(sink), 300);
    spool_stop(spool);
    audit_pump_stop(pump);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

static void what_could_not_be_stored_was_not_drained(void **state)
{
    (void)state;
    struct kept kept = {.refuse = 1000000};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_sink();
    struct audit_pump *pump = start_pump_that_drains(spool, sink, &kept, WAIT_MS);
    struct sc_error err;
    error_init(&err);
    put_transactions(spool, 1, 10);
    put(spool, &(struct change){.kind = CHANGE_TRUNCATE}); /* outside a transaction */
    for (int i = 0; i < WAIT_MS / 10 && audit_pump_check(pump, &err) == SC_OK; i++)
        clock_sleep_ms(10);
    assert_int_equal(audit_pump_check(pump, &err), SC_FAIL);
    struct audit_pump_stats stats;
    audit_pump_stats(pump, &stats);
    assert_int_equal(stats.stored.order, 0);
    assert_false(stats.drained);
    spool_stop(spool);
    audit_pump_stop(pump);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

static void nothing_says_that_it_lives_while_the_log_is_not_read(void **state)
{
    (void)state;
    struct kept kept = {0};
    struct spool *spool = open_spool("audit", 0);
    struct audit_sink *sink = open_sink();
    struct audit_state nowhere = {.partitions = PARTITIONS};
    struct audit_pump_config config = {
        .spool = spool,
        .sink = sink,
        .stream = {.engine = &pg_audit_engine, .tables = &table, .ntables = 1, .version = "1.0"},
        .from = &nowhere,
        .store = keep,
        .store_arg = &kept,
        .store_ms = 20,
        .heartbeat = {.prefix = "shop", .every_ms = 20}};
    struct audit_pump *pump;
    struct sc_error err;
    kept.sink = sink;
    assert_int_equal(audit_pump_start(&config, &pump, &err), SC_OK);
    for (int i = 0; i < WAIT_MS / 10 && audit_sink_sent(sink) < 3; i++)
        clock_sleep_ms(10);
    assert_true(audit_sink_sent(sink) >= 3);
    audit_pump_cut_off(pump, true);
    clock_sleep_ms(200);
    uint64_t sent = audit_sink_sent(sink);
    clock_sleep_ms(500);
    assert_int_equal(audit_sink_sent(sink), sent);
    audit_pump_cut_off(pump, false);
    for (int i = 0; i < WAIT_MS / 10 && audit_sink_sent(sink) == sent; i++)
        clock_sleep_ms(10);
    assert_true(audit_sink_sent(sink) > sent);
    spool_stop(spool);
    audit_pump_stop(pump);
    audit_sink_close(sink);
    close_spool(spool, "audit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_follower_gets_everything_at_its_own_pace),
        cmocka_unit_test(a_follower_that_cannot_go_on_stops_the_producer),
        cmocka_unit_test(what_is_kept_was_acknowledged_and_a_restart_goes_on_there),
        cmocka_unit_test(an_expendable_one_is_gone_on_without),
        cmocka_unit_test(what_is_under_way_when_it_is_stopped_is_waited_for),
        cmocka_unit_test(nothing_behind_the_end_is_taken),
        cmocka_unit_test(it_goes_on_behind_an_end_that_is_taken_back),
        cmocka_unit_test(why_it_ended_is_told),
        cmocka_unit_test(a_transaction_that_cannot_be_written_whole_is_not_waited_for),
        cmocka_unit_test(what_is_before_a_bad_transaction_gets_on_when_each_is_committed),
        cmocka_unit_test(a_commit_that_was_not_answered_is_not_made_again),
        cmocka_unit_test(how_far_it_is_behind_is_that_of_what_is_not_there),
        cmocka_unit_test(what_could_not_be_stored_was_not_drained),
        cmocka_unit_test(nothing_says_that_it_lives_while_the_log_is_not_read),
    };
    return cmocka_run_group_tests(tests, start, end);
}
