/* From changes to messages: partitions, sequence numbers, the chain, keys that move; and the same again after a
 * restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/audit/stream.h"
#include "unit/audit_table.h"

static struct arena arena;

enum { PARTITIONS = 3 };

/* What was sent, a line each; and the chains, computed again by who receives it. */
struct topic {
    struct buf lines;
    struct audit_hash heads[PARTITIONS];
    uint64_t sequence;
    int fail_at; /* the message that cannot be sent; 0: none */
};

static enum sc_result receive(void *arg, const struct audit_message *m, struct sc_error *err)
{
    struct topic *t = arg;
    if (t->fail_at && m->sequence == (uint64_t)t->fail_at)
        return error_set(err, SC_RETRY, "no broker");
    assert_in_range(m->partition, 0, PARTITIONS - 1);
    audit_chain(&t->heads[m->partition], m->sequence, m->key ? m->key : "", m->key_len, m->value, m->value_len);
    assert_true(audit_hash_same(&t->heads[m->partition], &m->hash));
    t->sequence = m->sequence;
    char op = '-';
    if (m->value) {
        const char *at = strstr(m->value, "\"op\":\"");
        assert_non_null(at);
        op = at[6];
    }
    buf_printf(&t->lines, "%d %d %c %.*s", (int)m->sequence, (int)m->partition, op, (int)m->key_len,
               m->key ? m->key : "");
    if (m->other_key_header)
        buf_printf(&t->lines, " %s=%.*s", m->other_key_header, (int)m->other_key_len, m->other_key);
    buf_printf(&t->lines, " @%s\n", m->position);
    return SC_OK;
}

static struct audit_table table;
static struct relation_column relation_columns[2] = {{.name = "id", .key = true}, {.name = "v"}};

static int make_table(void **state)
{
    (void)state;
    table = audit_test_table(&arena);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct audit_stream *stream(struct topic *topic, const struct audit_state *from, bool tombstones)
{
    struct audit_stream_config config = {.engine = &pg_audit_engine,
                                         .tables = &table,
                                         .ntables = 1,
                                         .version = "1.0",
                                         .tombstones = tombstones,
                                         .send = receive,
                                         .arg = topic};
    struct audit_state nowhere = {.partitions = PARTITIONS};
    return audit_stream_new(&config, from ? from : &nowhere);
}

static struct value text(const char *s)
{
    return s ? (struct value){.state = VALUE_PRESENT, .len = (uint32_t)strlen(s), .data = s}
             : (struct value){.state = VALUE_NULL};
}

static enum sc_result try(struct audit_stream *s, struct change change, struct sc_error *err)
{
    return audit_stream_take(s, &change, err);
}

static void take(struct audit_stream *s, struct change change)
{
    struct sc_error err;
    error_init(&err);
    if (try(s, change, &err) != SC_OK)
        fail_msg("%s", err.what);
}

static struct position place(int n)
{
    struct position p = {.order = (uint64_t)n};
    snprintf(p.text, sizeof(p.text), "0/%X", n);
    return p;
}

static struct relation the_relation(void)
{
    return (struct relation){.id = 1, .schema = "public", .name = "t", .ncolumns = 2, .columns = relation_columns};
}

static void relate(struct audit_stream *s)
{
    take(s, (struct change){.kind = CHANGE_RELATION, .relation = the_relation()});
}
static void begin(struct audit_stream *s, int at)
{
    take(s, (struct change){.kind = CHANGE_BEGIN, .position = place(at), .xid = (uint64_t)at, .commit_us = at});
}
static void commit(struct audit_stream *s, int end)
{
    take(s, (struct change){.kind = CHANGE_COMMIT, .position = place(end)});
}
static void change(struct audit_stream *s, enum change_kind kind, const char *old_id, const char *id, const char *v)
{
    struct value old_row[2] = {text(old_id), text("was")}, new_row[2] = {text(id), text(v)};
    take(s, (struct change){
                .kind = kind, .ncolumns = 2, .old_row = old_id ? old_row : NULL, .new_row = id ? new_row : NULL});
}

/* Three transactions, the last one a TRUNCATE. */
static void history(struct audit_stream *s)
{
    relate(s);
    begin(s, 10);
    change(s, CHANGE_INSERT, NULL, "1", "a");
    change(s, CHANGE_UPDATE, NULL, "1", "b");
    change(s, CHANGE_UPDATE, "1", "1", "c");
    commit(s, 19);
    take(s, (struct change){.kind = CHANGE_MARKER, .marker = "beat"});
    begin(s, 20);
    change(s, CHANGE_UPDATE, "1", "4", "moved");
    change(s, CHANGE_DELETE, "4", NULL, NULL);
    commit(s, 29);
    begin(s, 30);
    take(s, (struct change){.kind = CHANGE_TRUNCATE});
    commit(s, 39);
}

static void lines_are(struct topic *t, const char *want)
{
    assert_string_equal(buf_cstr(&t->lines), want);
    buf_fini(&t->lines);
}

static void changes_become_messages(void **state)
{
    (void)state;
    struct topic t = {0};
    struct audit_stream *s = stream(&t, NULL, true);
    history(s);
    assert_int_equal(audit_stream_state(s)->sequence, 11);
    assert_int_equal(audit_stream_state(s)->position.order, 39);
    for (int p = 0; p < PARTITIONS; p++)
        assert_true(audit_hash_same(&audit_stream_state(s)->heads[p], &t.heads[p]));
    audit_stream_free(s);
    int one = audit_partition("{\"id\":1}", 8, PARTITIONS), four = audit_partition("{\"id\":4}", 8, PARTITIONS);
    char *want = mem_printf("1 %d c {\"id\":1} @0/A\n"
                            "2 %d u {\"id\":1} @0/A\n"
                            "3 %d u {\"id\":1} @0/A\n"
                            "4 %d d {\"id\":1} __debezium.newkey={\"id\":4} @0/14\n"
                            "5 %d - {\"id\":1} @0/14\n"
                            "6 %d c {\"id\":4} __debezium.oldkey={\"id\":1} @0/14\n"
                            "7 %d d {\"id\":4} @0/14\n"
                            "8 %d - {\"id\":4} @0/14\n"
                            "9 0 t  @0/1E\n10 1 t  @0/1E\n11 2 t  @0/1E\n",
                            one, one, one, one, one, four, four, four);
    lines_are(&t, want);
    mem_free(want);
}

/* Whatever came behind the state is sent again, to the byte; nothing from before it is. */
static void a_restart_sends_the_same_again(void **state)
{
    (void)state;
    struct topic whole = {0}, first = {0}, second = {0};
    struct audit_stream *s = stream(&whole, NULL, false);
    history(s);
    audit_stream_free(s);

    s = stream(&first, NULL, false);
    relate(s);
    begin(s, 10);
    change(s, CHANGE_INSERT, NULL, "1", "a");
    change(s, CHANGE_UPDATE, NULL, "1", "b");
    change(s, CHANGE_UPDATE, "1", "1", "c");
    commit(s, 19);
    begin(s, 20);
    change(s, CHANGE_UPDATE, "1", "4", "moved"); /* cut off here: the state stands behind the first transaction */
    struct audit_state kept = *audit_stream_state(s);
    assert_int_equal(kept.sequence, 3);
    assert_int_equal(kept.position.order, 19);
    struct audit_hash heads[PARTITIONS];
    memcpy(heads, kept.heads, sizeof(heads));
    kept.heads = heads;
    audit_stream_free(s);

    memcpy(second.heads, heads, sizeof(heads));
    s = stream(&second, &kept, false);
    history(s);
    assert_int_equal(audit_stream_state(s)->position.order, 39);
    audit_stream_free(s);
    for (int p = 0; p < PARTITIONS; p++)
        assert_true(audit_hash_same(&whole.heads[p], &second.heads[p]));
    const char *rest = strstr(buf_cstr(&whole.lines), "4 ");
    assert_non_null(rest);
    assert_string_equal(rest, buf_cstr(&second.lines));
    buf_fini(&whole.lines);
    buf_fini(&first.lines);
    buf_fini(&second.lines);
}

static void what_cannot_be_sent_is_not_passed_over(void **state)
{
    (void)state;
    struct topic t = {.fail_at = 2};
    struct sc_error err;
    struct audit_stream *s = stream(&t, NULL, false);
    struct value values[2] = {text("1"), text("a")};
    struct change insert = {.kind = CHANGE_INSERT, .ncolumns = 2, .new_row = values};
    assert_int_equal(try(s, insert, &err), SC_FAIL); /* outside a transaction, of no table */
    relate(s);
    begin(s, 10);
    assert_int_equal(try(s, insert, &err), SC_OK);
    assert_int_equal(try(s, insert, &err), SC_RETRY);
    assert_string_equal(err.what, "no broker");
    assert_int_equal(audit_stream_state(s)->position.order, 0);
    audit_stream_free(s);
    buf_fini(&t.lines);
    t = (struct topic){0};
    s = stream(&t, NULL, false);
    struct relation other = the_relation();
    other.name = "u";
    assert_int_equal(try(s, (struct change){.kind = CHANGE_RELATION, .relation = other}, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "public.u"));
    other = the_relation();
    other.ncolumns = 1;
    assert_int_equal(try(s, (struct change){.kind = CHANGE_RELATION, .relation = other}, &err), SC_FAIL);
    struct relation_column renamed[2] = {{.name = "id", .key = true}, {.name = "w"}};
    other = the_relation();
    other.columns = renamed;
    assert_int_equal(try(s, (struct change){.kind = CHANGE_RELATION, .relation = other}, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "other columns"));
    relate(s);
    begin(s, 10);
    values[0] = text("seven");
    assert_int_equal(try(s, insert, &err), SC_FAIL);
    assert_null(strstr(err.what, "seven"));
    assert_int_equal(t.sequence, 0);
    audit_stream_free(s);
    buf_fini(&t.lines);
}

/* As the coordinator does it: the second column has the name that the log tells. */
struct describing {
    int calls;
    bool fails;
};

static enum sc_result describe(void *arg, const struct audit_table *known, const struct relation *relation,
                               struct arena *memory, struct audit_table *out, struct sc_error *err)
{
    struct describing *d = arg;
    d->calls++;
    assert_ptr_equal(known, &table);
    if (d->fails)
        return error_set(err, SC_REFUSE, "no rule");
    *out = audit_test_table(memory);
    out->ncolumns = relation->ncolumns;
    out->columns[1].name = arena_strdup(memory, relation->columns[1].name);
    out->nkey = 0;
    return audit_table_prepare(out, memory, err);
}

static enum sc_result keep_value(void *arg, const struct audit_message *m, struct sc_error *err)
{
    (void)err;
    struct buf *values = arg;
    const char *after = m->value ? strstr(m->value, "\"after\":") : NULL;
    buf_printf(values, "%d %.*s\n", (int)m->sequence, after ? (int)strcspn(after, "}") : 1, after ? after : "-");
    return SC_OK;
}

static struct relation told_relation(struct relation_column *columns)
{
    struct relation r = the_relation();
    r.columns = columns;
    r.told = true;
    return r;
}

static void what_the_log_tells_of_a_table_counts_from_there_on(void **state)
{
    (void)state;
    struct buf values = {0};
    struct describing d = {0};
    struct sc_error err;
    struct audit_stream_config config = {.engine = &pg_audit_engine,
                                         .tables = &table,
                                         .ntables = 1,
                                         .version = "1.0",
                                         .send = keep_value,
                                         .arg = &values,
                                         .describe = describe,
                                         .describe_arg = &d};
    struct audit_state nowhere = {.partitions = PARTITIONS};
    struct audit_stream *s = audit_stream_new(&config, &nowhere);
    struct relation_column new_columns[2] = {{.name = "id", .told_type = "int"}, {.name = "w", .told_type = "text"}};
    struct change altered = {.kind = CHANGE_RELATION, .relation = the_relation()};
    altered.relation.altered = true;
    struct change truncate = {.kind = CHANGE_TRUNCATE}, told = {.kind = CHANGE_RELATION};
    told.relation = told_relation(new_columns);
    struct value row_values[2] = {text("7"), text("x")};
    struct change insert = {.kind = CHANGE_INSERT, .ncolumns = 2, .new_row = row_values};
    relate(s);
    begin(s, 10);
    change(s, CHANGE_INSERT, NULL, "1", "a");
    commit(s, 20);
    take(s, altered);
    assert_false(audit_stream_state(s)->altered); /* it stands in front of it */
    begin(s, 30);
    assert_int_equal(try(s, insert, &err), SC_FAIL); /* nothing says what it is */
    take(s, truncate);
    take(s, told);
    take(s, insert);
    take(s, told); /* again, and it is the same */
    take(s, insert);
    assert_false(audit_stream_state(s)->altered);
    commit(s, 40);
    assert_true(audit_stream_state(s)->altered);
    assert_int_equal(d.calls, 1);
    const char *want = strstr(buf_cstr(&values), "{\"id\":1,\"v\":\"a\"");
    assert_non_null(want);
    want = strstr(want, "{\"id\":7,\"w\":\"x\"");
    assert_non_null(want);
    assert_non_null(strstr(want + 1, "{\"id\":7,\"w\":\"x\""));
    d.fails = true;
    new_columns[1].name = "y";
    assert_int_equal(try(s, told, &err), SC_REFUSE);
    begin(s, 50);
    assert_int_equal(try(s, insert, &err), SC_FAIL);
    audit_stream_free(s);
    /* Rows of other tables move it on, too; and what was stored stays. */
    s = audit_stream_new(&config, &nowhere);
    take(s, altered);
    struct position behind = place(60);
    audit_stream_pass(s, &behind);
    assert_true(audit_stream_state(s)->altered);
    struct audit_state stored = {.partitions = PARTITIONS, .position = behind, .altered = true};
    audit_stream_free(s);
    s = audit_stream_new(&config, &stored);
    assert_true(audit_stream_state(s)->altered);
    /* A TRUNCATE has a schema, where there are such: of columns that nothing has told. */
    struct audit_table with_schema = audit_test_table(&arena);
    with_schema.with_schema = true;
    config.tables = &with_schema;
    audit_stream_free(s);
    s = audit_stream_new(&config, &nowhere);
    take(s, altered);
    begin(s, 10);
    assert_int_equal(try(s, truncate, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "a TRUNCATE of it before it says what its columns are"));
    audit_stream_free(s);
    buf_fini(&values);
}

static void rows_of_a_snapshot_come_before_the_log(void **state)
{
    (void)state;
    struct topic t = {0};
    struct sc_error err;
    struct audit_stream *s = stream(&t, NULL, false);
    struct value values[2] = {text("1"), text(NULL)};
    assert_int_equal(audit_stream_snapshot(s, &table, values, 5, &err), SC_OK);
    relate(s);
    begin(s, 10);
    change(s, CHANGE_INSERT, NULL, "2", "a");
    commit(s, 19);
    char *want = mem_printf("1 %d r {\"id\":1} @\n2 %d c {\"id\":2} @0/A\n",
                            audit_partition("{\"id\":1}", 8, PARTITIONS), audit_partition("{\"id\":2}", 8, PARTITIONS));
    lines_are(&t, want);
    mem_free(want);
    audit_stream_free(s);
}

/* From the tests of Kafka's Utils.murmur2(). */
static void partitions_are_javas(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        int32_t hash;
    } known[] = {{"21", -973932308},
                 {"foobar", -790332482},
                 {"a-little-bit-long-string", -985981536},
                 {"a-little-bit-longer-string", -1486304829},
                 {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
                 {"abc", 479470107}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        assert_int_equal(audit_partition(known[i].key, strlen(known[i].key), INT32_MAX), known[i].hash & 0x7fffffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_become_messages),
        cmocka_unit_test(a_restart_sends_the_same_again),
        cmocka_unit_test(what_cannot_be_sent_is_not_passed_over),
        cmocka_unit_test(what_the_log_tells_of_a_table_counts_from_there_on),
        cmocka_unit_test(rows_of_a_snapshot_come_before_the_log),
        cmocka_unit_test(partitions_are_javas),
    };
    return cmocka_run_group_tests(tests, make_table, clean);
}
