/* Change events of a table, as consumers of Debezium's read them; and the chain of hashes over them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "cdc/audit/chain.h"
#include "cdc/audit/mysql/types.h"
#include "cdc/audit/postgres/types.h"
#include "cdc/audit/source.h"

static struct arena arena;

static int clean(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct audit_column pg_column(const char *name, uint32_t type, int key)
{
    struct audit_column c = {.name = name, .key = key, .optional = key == 0};
    pg_audit_type(&(struct pg_audit_type){.type = type, .modifier = -1}, AUDIT_DECIMALS_PRECISE, &arena, &c.type);
    return c;
}

/* shop.public.orders (region text, id bigint, "a ""note""" text, secret bytea), key (id, region) */
static struct audit_table orders(bool with_schema)
{
    struct audit_column *columns = arena_array(&arena, 4, sizeof(*columns));
    columns[0] = pg_column("region", 25, 2);
    columns[1] = pg_column("id", 20, 1);
    columns[2] = pg_column("a \"note\"", 25, 0);
    columns[3] = pg_column("secret", 17, 0);
    columns[3].left_out = true;
    struct audit_table t = {.prefix = "my shop",
                            .catalog = "shop",
                            .schema = "public",
                            .name = "orders",
                            .ncolumns = 4,
                            .columns = columns,
                            .source = pg_audit_engine.source,
                            .with_schema = with_schema};
    struct sc_error err;
    assert_int_equal(audit_table_prepare(&t, &arena, &err), SC_OK);
    return t;
}

static struct value text(const char *s)
{
    return s ? (struct value){.state = VALUE_PRESENT, .len = (uint32_t)strlen(s), .data = s}
             : (struct value){.state = VALUE_NULL};
}

static const struct position at = {.order = 24023128, .text = "0/16E9058"};

static char *pg_source(const struct audit_table *t)
{
    struct buf b = {0};
    pg_audit_engine.write_source(
        &b, t,
        &(struct audit_origin){.version = "1.0", .at = &at, .xid = 571, .order = 2, .commit_us = 1700000000123456});
    char *copy = arena_strdup(&arena, buf_cstr(&b));
    buf_fini(&b);
    return copy;
}

#define SOURCE                                                                                                         \
    "{\"version\":\"1.0\",\"connector\":\"postgresql\",\"name\":\"my shop\",\"ts_ms\":1700000000123,"                  \
    "\"snapshot\":\"false\",\"db\":\"shop\",\"sequence\":\"[null,\\\"24023128\\\"]\",\"ts_us\":1700000000123456,"      \
    "\"ts_ns\":1700000000123456000,\"schema\":\"public\",\"table\":\"orders\",\"txId\":571,\"lsn\":24023128,"          \
    "\"xmin\":null}"
#define TIMES "\"ts_ms\":1700000000123,\"ts_us\":1700000000123456,\"ts_ns\":1700000000123456000}"

static void an_event_without_schema(void **state)
{
    (void)state;
    struct audit_table t = orders(false);
    struct sc_error err;
    struct buf b = {0};
    assert_string_equal(t.topic, "my_shop.public.orders");
    struct value before[4] = {text("eu"), text("7"), text(NULL), text("\\x00")},
                 after[4] = {text("eu"), text("7"), text("x"), text("\\x01")};
    assert_int_equal(audit_write_key(&b, &t, after, &err), SC_OK);
    assert_string_equal(buf_cstr(&b), "{\"id\":7,\"region\":\"eu\"}"); /* in the key's order */
    struct audit_event e = {.op = AUDIT_UPDATE,
                            .before = before,
                            .after = after,
                            .source = pg_source(&t),
                            .transaction = "571:24023128",
                            .order = 2,
                            .total_order = 5,
                            .commit_us = 1700000000123456};
    buf_clear(&b);
    assert_int_equal(audit_write_value(&b, &t, &e, &err), SC_OK);
    assert_string_equal(buf_cstr(&b),
                        "{\"before\":{\"region\":\"eu\",\"id\":7,\"a \\\"note\\\"\":null},"
                        "\"after\":{\"region\":\"eu\",\"id\":7,\"a \\\"note\\\"\":\"x\"},\"source\":" SOURCE
                        ",\"transaction\":{\"id\":\"571:24023128\",\"total_order\":5,\"data_collection_order\":2},"
                        "\"op\":\"u\"," TIMES);
    /* What the log leaves out: a value that did not change, and all but the key of an old row. */
    before[0].state = before[2].state = VALUE_ABSENT;
    after[2].state = VALUE_UNCHANGED;
    e.transaction = NULL;
    buf_clear(&b);
    assert_int_equal(audit_write_value(&b, &t, &e, &err), SC_OK);
    assert_non_null(strstr(buf_cstr(&b), "\"before\":{\"region\":null,\"id\":7,\"a \\\"note\\\"\":null}"));
    assert_non_null(strstr(buf_cstr(&b), "\"a \\\"note\\\"\":\"__debezium_unavailable_value\"}"));
    assert_non_null(strstr(buf_cstr(&b), "\"transaction\":null,"));
    e = (struct audit_event){.op = AUDIT_DELETE, .before = before, .source = e.source, .commit_us = e.commit_us};
    buf_clear(&b);
    assert_int_equal(audit_write_value(&b, &t, &e, &err), SC_OK);
    assert_non_null(strstr(buf_cstr(&b), "\"after\":null,"));
    assert_non_null(strstr(buf_cstr(&b), "\"op\":\"d\""));
    buf_fini(&b);
}

static json_t *load(struct buf *b)
{
    json_error_t problem;
    json_t *root = json_loadb(b->data, b->len, JSON_REJECT_DUPLICATES, &problem);
    if (!root)
        fail_msg("%s at %d of %s", problem.text, problem.position, buf_cstr(b));
    return root;
}

/* The payload has just the fields the schema names, in its order. */
static void fits(json_t *schema, json_t *payload)
{
    json_t *fields = json_object_get(schema, "fields"), *field;
    if (!fields)
        return;
    if (json_is_null(payload)) {
        assert_true(json_is_true(json_object_get(schema, "optional")));
        return;
    }
    assert_int_equal(json_array_size(fields), json_object_size(payload));
    size_t i;
    void *member = json_object_iter(payload);
    json_array_foreach(fields, i, field)
    {
        assert_string_equal(json_string_value(json_object_get(field, "field")), json_object_iter_key(member));
        assert_true(json_is_boolean(json_object_get(field, "optional")));
        assert_true(json_is_string(json_object_get(field, "type")));
        json_t *value = json_object_iter_value(member);
        if (json_is_null(value))
            assert_true(json_is_true(json_object_get(field, "optional")));
        fits(field, value);
        member = json_object_iter_next(payload, member);
    }
}

static void the_schema_fits_the_payload(struct buf *b)
{
    json_t *root = load(b);
    /* JsonConverter takes no other member beside these two. */
    assert_int_equal(json_object_size(root), 2);
    fits(json_object_get(root, "schema"), json_object_get(root, "payload"));
    json_decref(root);
}

static void an_event_with_its_schema(void **state)
{
    (void)state;
    struct audit_table t = orders(true);
    struct sc_error err;
    struct buf b = {0};
    struct value row[4] = {text("eu"), text("7"), text(NULL), text("\\x00")};
    assert_int_equal(audit_write_key(&b, &t, row, &err), SC_OK);
    assert_string_equal(
        buf_cstr(&b),
        "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int64\",\"optional\":false,\"field\":\"id\"},"
        "{\"type\":\"string\",\"optional\":false,\"field\":\"region\"}],\"optional\":false,\"name\":"
        "\"my_shop.public.orders.Key\"},\"payload\":{\"id\":7,\"region\":\"eu\"}}");
    the_schema_fits_the_payload(&b);
    struct audit_event e = {.op = AUDIT_CREATE,
                            .after = row,
                            .source = pg_source(&t),
                            .transaction = "571:24023128",
                            .order = 2,
                            .total_order = 5,
                            .commit_us = 1700000000123456};
    buf_clear(&b);
    assert_int_equal(audit_write_value(&b, &t, &e, &err), SC_OK);
    the_schema_fits_the_payload(&b);
    assert_non_null(strstr(buf_cstr(&b), "\"name\":\"my_shop.public.orders.Envelope\",\"version\":2}"));
    assert_non_null(
        strstr(buf_cstr(&b), "\"optional\":true,\"name\":\"my_shop.public.orders.Value\",\"field\":\"after\"}"));
    assert_null(strstr(buf_cstr(&b), "secret"));
    buf_fini(&b);
}

static void a_table_of_mysql(void **state)
{
    (void)state;
    struct sc_error err;
    struct audit_column columns[2] = {{.name = "id", .key = 1}, {.name = "v", .optional = true}};
    assert_int_equal(my_audit_type(&(struct my_audit_type){.type = "int unsigned"}, AUDIT_DECIMALS_PRECISE, &arena,
                                   &columns[0].type, &err),
                     SC_OK);
    assert_int_equal(my_audit_type(&(struct my_audit_type){.type = "point", .optional = true}, AUDIT_DECIMALS_PRECISE,
                                   &arena, &columns[1].type, &err),
                     SC_OK);
    struct audit_table t = {.prefix = "p",
                            .catalog = "shop",
                            .name = "o",
                            .ncolumns = 2,
                            .columns = columns,
                            .source = mariadb_audit_engine.source,
                            .with_schema = true};
    assert_int_equal(audit_table_prepare(&t, &arena, &err), SC_OK);
    assert_string_equal(t.topic, "p.shop.o");
    struct position place = {.order = 1, .text = "binlog.000007:4711 0-1-5"};
    struct audit_origin origin = {.version = "1.0", .server_id = 9, .at = &place, .order = 3, .commit_us = 1000000};
    struct buf source = {0}, b = {0}, name = {0};
    mariadb_audit_engine.write_source(&source, &t, &origin);
    mariadb_audit_engine.write_transaction(&name, &origin);
    assert_string_equal(buf_cstr(&name), "file=binlog.000007,pos=4711");
    assert_string_equal(buf_cstr(&source),
                        "{\"version\":\"1.0\",\"connector\":\"mariadb\",\"name\":\"p\",\"ts_ms\":1000,\"snapshot\":"
                        "\"false\",\"db\":\"shop\",\"sequence\":null,\"ts_us\":1000000,\"ts_ns\":1000000000,\"table\":"
                        "\"o\",\"server_id\":9,\"gtid\":null,\"file\":\"binlog.000007\",\"pos\":4711,\"row\":2,"
                        "\"thread\":null,\"query\":null}");
    struct value row[2] = {text("4294967295"), {.state = VALUE_PRESENT, .len = 5, .data = "\0\0\0\0\1"}};
    struct audit_event e = {.op = AUDIT_READ, .after = row, .source = buf_cstr(&source), .commit_us = 1000000};
    assert_int_equal(audit_write_value(&b, &t, &e, &err), SC_OK);
    the_schema_fits_the_payload(&b);
    buf_fini(&source);
    buf_fini(&name);
    buf_fini(&b);
}

static void what_cannot_be_told_is_refused(void **state)
{
    (void)state;
    struct sc_error err;
    struct audit_table t = orders(false);
    struct buf b = {0};
    struct value row[4] = {text("eu"), text("seven"), text("x"), text("\\x00")};
    error_init(&err);
    assert_int_equal(audit_write_key(&b, &t, row, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "column id of table orders"));
    assert_null(strstr(err.what, "seven"));
    assert_true(err.hint[0] != 0);
    buf_fini(&b);
    struct audit_column column = pg_column("id", 20, 0);
    t = (struct audit_table){
        .prefix = "p", .catalog = "c", .schema = "s", .name = "heap", .ncolumns = 1, .columns = &column};
    assert_int_equal(audit_table_prepare(&t, &arena, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "heap has no key"));
    column.key = 1;
    column.left_out = true;
    assert_int_equal(audit_table_prepare(&t, &arena, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "column id is part of the key"));
    /* What a log may tell of a key, and nobody has. */
    static const int impossible[] = {2, 60001, -1};
    column.left_out = false;
    for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
        t.nkey = 0;
        column.key = impossible[i];
        assert_int_equal(audit_table_prepare(&t, &arena, &err), SC_FAIL);
        assert_non_null(strstr(err.what, "column id has an impossible place"));
    }
    struct audit_column two[] = {pg_column("a", 20, 0), pg_column("b", 20, 0)};
    t.columns = two;
    t.ncolumns = 2;
    t.nkey = 0;
    two[0].key = two[1].key = 1;
    assert_int_equal(audit_table_prepare(&t, &arena, &err), SC_FAIL);
    t.nkey = 0;
    two[0].key = 0;
    two[1].key = 2;
    assert_int_equal(audit_table_prepare(&t, &arena, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "lacks its column 1"));
}

/* --- the chain --- */

static struct audit_hash after(const struct audit_hash *head, uint64_t sequence, const char *key, const char *value)
{
    struct audit_hash h = head ? *head : (struct audit_hash){0};
    audit_chain(&h, sequence, key, strlen(key), value, value ? strlen(value) : 0);
    return h;
}

static void each_hash_covers_all_before_it(void **state)
{
    (void)state;
    struct audit_hash one = after(NULL, 1, "k", "v"), again = after(NULL, 1, "k", "v");
    assert_true(audit_hash_same(&one, &again));
    /* sha256 of 32 zeros, 1, 1, "k", 1, "v", made by another program */
    char shown[AUDIT_HASH_TEXT];
    audit_hash_format(&one, shown);
    assert_string_equal(shown, "ea35f452ab198a4783166830d79e42007b827cbcd8890ff418c694cbb1361658");
    struct audit_hash others[] = {after(NULL, 2, "k", "v"),  after(NULL, 1, "kv", ""), after(NULL, 1, "", "kv"),
                                  after(NULL, 1, "k", NULL), after(NULL, 1, "k", ""),  after(&one, 1, "k", "v")};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(audit_hash_same(&one, &others[i]));
        for (size_t j = 0; j < i; j++)
            assert_false(audit_hash_same(&others[j], &others[i]));
    }
    struct audit_hash back;
    assert_true(audit_hash_parse(shown, strlen(shown), &back));
    assert_true(audit_hash_same(&one, &back));
    assert_false(audit_hash_parse(shown, strlen(shown) - 1, &back));
    shown[5] = 'g';
    assert_false(audit_hash_parse(shown, strlen(shown), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_without_schema),
        cmocka_unit_test(an_event_with_its_schema),
        cmocka_unit_test(a_table_of_mysql),
        cmocka_unit_test(what_cannot_be_told_is_refused),
        cmocka_unit_test(each_hash_covers_all_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
