/* `seachange audit check` from end to end: rows of every type out of the binary log into a topic of librdkafka's
 * pretended brokers, and the topic against the table. SEACHANGE_TEST_MYSQL_URL: an account that may do everything, on a
 * throwaway server with log_bin and binlog_format=ROW. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "applier/mysql/mysql.h"
#include "cdc/audit/mysql/types.h"
#include "cdc/audit/sink.h"
#include "coordinator/audit_check.h"
#include "engines.h"
#include "my_log_rows.h"

enum { PARTITIONS = 3, TIMEOUT_MS = 30000 };

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;

static int begin_all(void **state)
{
    char text[200];
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
    cluster = owner ? rd_kafka_mock_cluster_new(owner, 1) : NULL;
    return cluster ? begin(state) : 1;
}

static int end_all(void **state)
{
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    return end(state);
}

/* --- the trail --- */

struct trail {
    struct arena arena;
    struct audit_table table;
    struct audit_sink *sink;
    struct audit_stream *stream;
};

static enum sc_result forward(void *arg, const struct audit_message *m, struct sc_error *err)
{
    return audit_sink_send(arg, m, err);
}

static void take(void *arg, const struct change *change)
{
    struct trail *t = arg;
    struct sc_error err;
    if (audit_stream_take(t->stream, change, &err) != SC_OK)
        fail_msg("%s", err.what);
}

static char *database_url(void)
{
    const char *url = getenv("SEACHANGE_TEST_MYSQL_URL"), *slash = strchr(url + strlen("mysql://"), '/');
    return mem_printf("%.*s/sc_values", slash ? (int)(slash - url) : (int)strlen(url), url);
}

static void must(enum sc_result result, const struct sc_error *err)
{
    if (result != SC_OK)
        fail_msg("%s %s", err->what, err->hint);
}

static const struct audit_options options = {.prefix = "p"};

static void write_trail(struct world *w, const char *table, const char *topic, const struct position *from)
{
    struct trail t = {0};
    struct sc_error err;
    char *url = database_url();
    struct migration_spec spec = {.url = url, .table = table};
    struct target *target;
    struct session *session;
    struct audit_rules rules = {0};
    must(mysql_target.open(&spec, &target, &err), &err);
    must(mysql_target.audit_open(target, &err), &err);
    must(mysql_target.session_open(target, "audit", &session, &err), &err);
    must(mysql_target.audit_describe(session, &options, &t.arena, &t.table, &err), &err);
    must(audit_rules_parse("*=plain", &rules, &err), &err);
    must(audit_rules_apply(&rules, &t.table, &t.arena, &err), &err);
    t.table.topic = topic;
    must(audit_table_prepare(&t.table, &t.arena, &err), &err);
    struct audit_sink_config sink = {
        .brokers = rd_kafka_mock_cluster_bootstraps(cluster), .stream = "0011aabb", .timeout_ms = TIMEOUT_MS};
    must(audit_sink_open(&sink, &t.sink, &err), &err);
    uint64_t server_id;
    struct audit_stream_config config = {.engine = mysql_target.audit_engine(target, &server_id),
                                         .tables = &t.table,
                                         .ntables = 1,
                                         .version = "test",
                                         .tombstones = true,
                                         .send = forward,
                                         .arg = t.sink};
    struct audit_state nowhere = {.partitions = PARTITIONS};
    t.stream = audit_stream_new(&config, &nowhere);
    each_change(w, &target->source, from, take, &t);
    must(audit_sink_flush(t.sink, TIMEOUT_MS, &err), &err);
    audit_stream_free(t.stream);
    audit_sink_close(t.sink);
    audit_table_close(&t.table);
    mysql_target.session_close(session);
    mysql_target.close(target);
    audit_rules_fini(&rules);
    arena_fini(&t.arena);
    mem_free(url);
}

static enum sc_result check(const char *table, const char *topic, struct audit_checked *out, struct sc_error *err)
{
    char *url = database_url();
    struct audit_rules rules = {0};
    must(audit_rules_parse("*=plain", &rules, err), err);
    struct audit_settings settings = {
        .brokers = rd_kafka_mock_cluster_bootstraps(cluster), .topic = topic, .table = options, .rules = &rules};
    struct audit_check_config config = {.engine = engine_of_url(url),
                                        .spec = {.url = url, .table = table},
                                        .settings = &settings,
                                        .stream = "0011aabb",
                                        .messages = -1,
                                        .memory_bytes = 16 << 20,
                                        .timeout_ms = TIMEOUT_MS};
    error_init(err);
    enum sc_result result = audit_check(&config, out, err);
    audit_rules_fini(&rules);
    mem_free(url);
    return result;
}

/* --- tests --- */

/* Text that cannot be converted has no place in an audit. */
static bool can_be_shown(const struct value_case *c)
{
    static const char *const cannot[] = {"swe7", "dec8", "hp8", "geostd8", "keybcs2"};
    for (size_t i = 0; i < sizeof(cannot) / sizeof(cannot[0]); i++)
        if (strstr(c->type, cannot[i]))
            return false;
    return true;
}

static void every_type_of_a_trail_is_what_the_table_is(void **state)
{
    struct world *w = need(state);
    struct matrix m;
    int number = 0;
    for (size_t at = 0; next_cases(w, &at, NULL, &m);) {
        int columns = 0;
        for (int i = 0; i < m.columns; i++)
            if (can_be_shown(m.cases[i]))
                m.cases[columns++] = m.cases[i];
        m.columns = columns;
        make_tables(w, &m);
        run(w->sql, "UPDATE v SET id = id + 1000 WHERE id %% 5 = 4");
        run(w->sql, "DELETE FROM v WHERE id = 3");
        char topic[24];
        struct audit_checked found;
        struct sc_error err;
        snprintf(topic, sizeof(topic), "types-%d", number++);
        assert_int_equal(rd_kafka_mock_topic_create(cluster, topic, PARTITIONS, 1), 0);
        write_trail(w, "v", topic, &m.from);
        must(check("v", topic, &found, &err), &err);
        assert_int_equal(found.table_rows, m.rows - 1);
        assert_int_equal(found.same, m.rows - 1);
        audit_checked_fini(&found);
    }
}

static void rows_that_differ_are_counted(void **state)
{
    struct world *w = need(state);
    struct audit_checked found;
    struct sc_error err;
    run(w->sql, "DROP TABLE IF EXISTS d");
    run(w->sql, "CREATE TABLE d (a varchar(20) COLLATE utf8mb4_general_ci, b int, v text, PRIMARY KEY (a, b))");
    run(w->sql, "INSERT INTO d VALUES ('before', 1, 'nobody'), ('before', 2, 'nobody')");
    struct position from = log_end(w);
    for (int i = 0; i < 50; i++)
        run(w->sql, "INSERT INTO d VALUES ('k%d', %d, 'v')", i / 5, i % 5);
    run(w->sql, "UPDATE d SET v = 'new' WHERE a = 'k1'");
    run(w->sql, "UPDATE d SET a = 'K2' WHERE a = 'k2'"); /* for consumers another key */
    run(w->sql, "DELETE FROM d WHERE a = 'k3'");
    assert_int_equal(rd_kafka_mock_topic_create(cluster, "differ", PARTITIONS, 1), 0);
    write_trail(w, "d", "differ", &from);
    must(check("d", "differ", &found, &err), &err);
    assert_int_equal(found.table_rows, 47);
    assert_int_equal(found.same, 45);
    assert_int_equal(found.covered, 45);
    audit_checked_fini(&found);
    run(w->sql, "UPDATE d SET v = 'hidden' WHERE a = 'k1' AND b = 1");
    run(w->sql, "DELETE FROM d WHERE a = 'k4' AND b < 2");
    run(w->sql, "INSERT INTO d VALUES ('k3', 0, 'back')");
    assert_int_equal(check("d", "differ", &found, &err), SC_FAIL);
    assert_int_equal(found.different, 1);
    assert_int_equal(found.missing, 2);
    assert_int_equal(found.removed, 1);
    assert_int_equal(found.nplaces, 4);
    assert_null(strstr(err.what, "hidden"));
    audit_checked_fini(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_of_a_trail_is_what_the_table_is),
        cmocka_unit_test(rows_that_differ_are_counted),
    };
    return cmocka_run_group_tests_name("an audit of MySQL and MariaDB, checked", tests, begin_all, end_all);
}
