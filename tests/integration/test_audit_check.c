/* `seachange audit check` from end to end: a table's changes out of the log into a topic of librdkafka's pretended
 * brokers, and the topic against the table.
 *
 * SEACHANGE_TEST_URL: a superuser on a throwaway server with wal_level = logical. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "cdc/audit/sink.h"
#include "coordinator/audit_check.h"
#include "engines.h"
#include "pg_log.h"

enum { PARTITIONS = 3, TIMEOUT_MS = 30000 };
#define TOPIC "p.public.t"
#define STREAM "0011aabb"

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;

static int start_kafka(void **state)
{
    char text[200];
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
    cluster = owner ? rd_kafka_mock_cluster_new(owner, 1) : NULL;
    return cluster && !rd_kafka_mock_topic_create(cluster, TOPIC, PARTITIONS, 1) ? world_up(state) : 1;
}

static int end_kafka(void **state)
{
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    return world_down(state);
}

/* --- the trail --- */

struct trail {
    struct audit_rules rules;
    struct arena arena;
    struct audit_table table;
    struct audit_sink *sink;
    struct audit_stream *stream;
    uint64_t sent;
};

static enum sc_result forward(void *arg, const struct audit_message *m, struct sc_error *err)
{
    struct trail *t = arg;
    t->sent++;
    return audit_sink_send(t->sink, m, err);
}

static void take(void *arg, const struct change *change)
{
    struct trail *t = arg;
    struct sc_error err;
    must(audit_stream_take(t->stream, change, &err), &err);
}

/* What the log has of the table since begin_log(), in the topic; how many messages that are. */
static uint64_t write_trail(struct world *w, const char *rules, bool with_schema)
{
    struct trail t = {0};
    struct sc_error err;
    struct migration_spec spec = {.url = w->url, .table = "t"};
    struct target *target;
    struct session *session;
    const struct audit_options options = {.prefix = "p", .with_schema = with_schema};
    must(postgres_target.open(&spec, &target, &err), &err);
    must(postgres_target.audit_open(target, &err), &err);
    must(postgres_target.session_open(target, "audit", &session, &err), &err);
    must(postgres_target.audit_describe(session, &options, &t.arena, &t.table, &err), &err);
    must(audit_rules_parse(rules, &t.rules, &err), &err);
    must(audit_rules_apply(&t.rules, &t.table, &t.arena, &err), &err);
    must(audit_table_prepare(&t.table, &t.arena, &err), &err);
    struct audit_sink_config sink = {
        .brokers = rd_kafka_mock_cluster_bootstraps(cluster), .stream = STREAM, .timeout_ms = TIMEOUT_MS};
    must(audit_sink_open(&sink, &t.sink, &err), &err);
    struct audit_stream_config config = {.engine = &pg_audit_engine,
                                         .tables = &t.table,
                                         .ntables = 1,
                                         .version = "test",
                                         .tombstones = true,
                                         .send = forward,
                                         .arg = &t};
    struct audit_state nowhere = {.partitions = PARTITIONS};
    t.stream = audit_stream_new(&config, &nowhere);
    each_change(w, "t", take, &t);
    must(audit_sink_flush(t.sink, TIMEOUT_MS, &err), &err);
    audit_stream_free(t.stream);
    audit_sink_close(t.sink);
    postgres_target.session_close(session);
    postgres_target.close(target);
    audit_rules_fini(&t.rules);
    arena_fini(&t.arena);
    return t.sent;
}

struct asked {
    const char *rules, *table;
    int64_t messages;
    uint64_t memory_bytes;
};

static enum sc_result check(struct world *w, struct asked asked, struct audit_checked *out, struct sc_error *err)
{
    struct audit_rules rules = {0};
    if (asked.rules)
        must(audit_rules_parse(asked.rules, &rules, err), err);
    struct audit_settings settings = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
                                      .topic = TOPIC,
                                      .table = {.prefix = "other"},
                                      .rules = &rules};
    struct audit_check_config config = {.engine = asked.table ? engine_of_url(w->url) : NULL,
                                        .spec = {.url = w->url, .table = asked.table},
                                        .settings = &settings,
                                        .messages = asked.messages,
                                        .memory_bytes = asked.memory_bytes ? asked.memory_bytes : 16 << 20,
                                        .timeout_ms = TIMEOUT_MS};
    error_init(err);
    enum sc_result result = audit_check(&config, out, err);
    audit_rules_fini(&rules);
    return result;
}

/* --- tests --- */

/* 1000 rows of before, of which a hundred are changed, ten removed, and 5000 that come. */
static void make_history(struct world *w)
{
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, v text, n numeric(20,5), at timestamptz, secret text);"
                   "INSERT INTO t SELECT i, 'v' || i, i / 7.0, to_timestamp(i * 1e5), 'none' FROM generate_series(1, "
                   "1000) i");
    begin_log(w, "public", "t");
    run_on(w->sql, "UPDATE t SET v = repeat('x', id) WHERE id <= 100");
    run_on(w->sql, "DELETE FROM t WHERE id BETWEEN 91 AND 100");
    run_on(w->sql, "INSERT INTO t SELECT i, NULL, -i, now(), 'none' FROM generate_series(2001, 7000) i");
    run_on(w->sql, "UPDATE t SET id = id + 100000 WHERE id = 50");
}

static void a_whole_trail_is_what_the_table_is(void **state)
{
    struct world *w = begin(state);
    struct audit_checked found;
    struct sc_error err;
    static const char rules[] = "secret=drop,v=truncate:5,*=plain";
    make_history(w);
    uint64_t sent = write_trail(w, rules, true);
    must(check(w, (struct asked){.rules = rules, .table = "t", .messages = (int64_t)sent}, &found, &err), &err);
    assert_int_equal(found.proven.messages, sent);
    assert_int_equal(found.table_rows, 5990);
    assert_int_equal(found.covered, 5090);
    assert_int_equal(found.same, 5090);
    assert_int_equal(found.folded.keys, 5101); /* the old place of the row that moved, too */
    assert_false(found.folded.whole);
    assert_int_equal(found.nplaces, 0);
    assert_int_equal(found.passes, 1);
    assert_string_equal(found.stream, STREAM);
    audit_checked_fini(&found);
    /* With little memory in many passes, and the same comes of it. */
    must(check(w, (struct asked){.rules = rules, .table = "t", .messages = -1, .memory_bytes = 64 << 10}, &found, &err),
         &err);
    assert_true(found.passes > 8);
    assert_int_equal(found.table_rows, 5990);
    assert_int_equal(found.same, 5090);
    assert_int_equal(found.folded.keys, 5101);
    audit_checked_fini(&found);
    /* The topic alone. */
    must(check(w, (struct asked){.messages = -1}, &found, &err), &err);
    assert_false(found.compared);
    assert_null(found.table);
    audit_checked_fini(&found);
    assert_int_equal(check(w, (struct asked){.messages = (int64_t)sent + 1}, &found, &err), SC_FAIL);
    assert_says(&err, "messages were sent, and the topic has");
    audit_checked_fini(&found);
    /* Other rules make other rows. */
    assert_int_equal(check(w, (struct asked){.rules = "*=plain", .table = "t", .messages = -1}, &found, &err), SC_FAIL);
    assert_int_equal(found.same, 0);
    audit_checked_fini(&found);
}

static void rows_that_differ_are_counted_and_named_by_their_last_message(void **state)
{
    struct world *w = begin(state);
    struct audit_checked found;
    struct sc_error err;
    make_history(w);
    write_trail(w, "*=plain", false);
    run_on(w->sql, "UPDATE t SET v = 'hidden' WHERE id IN (10, 11, 500); DELETE FROM t WHERE id IN (2001, 2002);"
                   "INSERT INTO t SELECT 95, 'back', 1, now(), 'none'; INSERT INTO t VALUES (999999, 'new')");
    assert_int_equal(check(w, (struct asked){.rules = "*=plain", .table = "t", .messages = -1}, &found, &err), SC_FAIL);
    assert_says(&err, "5 rows of public.t are not what the topic says");
    assert_null(strstr(err.what, "hidden"));
    assert_int_equal(found.different, 2);
    assert_int_equal(found.missing, 2);
    assert_int_equal(found.removed, 1);
    assert_int_equal(found.never, 0); /* 500 and 999999 are in no message */
    assert_int_equal(found.same, 5086);
    assert_int_equal(found.nplaces, 5);
    for (size_t i = 0; i < found.nplaces; i++)
        assert_in_range(found.places[i].place.partition, 0, PARTITIONS - 1);
    audit_checked_fini(&found);
}

static void behind_a_truncate_every_row_is_known(void **state)
{
    struct world *w = begin(state);
    struct audit_checked found;
    struct sc_error err;
    make_history(w);
    run_on(w->sql, "TRUNCATE t");
    run_on(w->sql, "INSERT INTO t SELECT i, 'again', 1, now(), NULL FROM generate_series(1, 30) i");
    write_trail(w, "*=plain", false);
    must(check(w, (struct asked){.rules = "*=plain", .table = "t", .messages = -1}, &found, &err), &err);
    assert_true(found.folded.whole);
    assert_int_equal(found.same, 30);
    audit_checked_fini(&found);
    run_on(w->sql, "INSERT INTO t VALUES (777, 'unseen'), (77, 'removed')");
    assert_int_equal(check(w, (struct asked){.rules = "*=plain", .table = "t", .messages = -1}, &found, &err), SC_FAIL);
    assert_int_equal(found.never, 1);
    assert_int_equal(found.removed, 1);
    audit_checked_fini(&found);
}

/* Where the stream stood is in the database as long as the migration is: what was acknowledged has to be there. */
static void an_end_that_was_cut_off_is_known_from_the_database(void **state)
{
    struct world *w = begin(state);
    struct audit_checked found;
    struct sc_error err;
    make_history(w);
    uint64_t sent = write_trail(w, "*=plain", false);
    run_on(w->sql, "CREATE SCHEMA seachange; CREATE TABLE seachange.audit (id text, settings text, position pg_lsn, "
                   "sequence int8, partitions int4, heads text, ended bool, gap text, updated_at timestamptz)");
    run_on(w->sql,
           "INSERT INTO seachange.audit VALUES ('" STREAM "', '', '0/1', %llu, %d, repeat('ab', 96), false, NULL)",
           (unsigned long long)sent + 3, PARTITIONS);
    struct audit_rules rules = {0};
    must(audit_rules_parse("*=plain", &rules, &err), &err);
    struct audit_settings settings = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
                                      .topic = TOPIC,
                                      .table = {.prefix = "p"},
                                      .rules = &rules};
    struct audit_check_config config = {.engine = engine_of_url(w->url),
                                        .spec = {.url = w->url, .table = "t"},
                                        .settings = &settings,
                                        .stream = STREAM,
                                        .messages = -1,
                                        .memory_bytes = 16 << 20,
                                        .timeout_ms = TIMEOUT_MS};
    assert_int_equal(audit_check(&config, &found, &err), SC_FAIL);
    assert_says(&err, "lacks messages that were acknowledged");
    assert_true(found.kept);
    audit_checked_fini(&found);
    audit_rules_fini(&rules);
}

#define CHECK(f) cmocka_unit_test_setup_teardown(f, start_kafka, end_kafka)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(a_whole_trail_is_what_the_table_is),
        CHECK(rows_that_differ_are_counted_and_named_by_their_last_message),
        CHECK(behind_a_truncate_every_row_is_known),
        CHECK(an_end_that_was_cut_off_is_known_from_the_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
