/* A table's rows read by a query are, byte for byte, what the log says of them: of every type, on a real server.
 *
 * SEACHANGE_TEST_URL: a superuser on a throwaway server with wal_level = logical. */
#include "cdc/audit/table.h"
#include "pg_log.h"

enum { MAX_ROWS = 512 };

/* Rows by their first column, a number; texts are the arena's. */
struct rows {
    struct arena arena;
    int count, columns;
    struct value *row[MAX_ROWS];
};

static void keep(struct rows *to, const struct value *row)
{
    long id = strtol(row[0].data, NULL, 10);
    assert_in_range(id, 0, MAX_ROWS - 1);
    struct value *copy = arena_array(&to->arena, (size_t)to->columns, sizeof(*copy));
    for (int i = 0; i < to->columns; i++) {
        copy[i] = row[i];
        if (row[i].state == VALUE_PRESENT)
            copy[i].data = arena_copy(&to->arena, row[i].data, row[i].len);
    }
    to->row[id] = copy;
    to->count++;
}

static void keep_new(void *arg, const struct change *change)
{
    struct rows *to = arg;
    to->columns = change->new_row ? change->ncolumns : to->columns;
    if (change->new_row)
        keep(to, change->new_row);
}

/* The last image of each row that was inserted or changed. */
static void read_log(struct world *w, const char *table, struct rows *out)
{
    *out = (struct rows){0};
    each_change(w, table, keep_new, out);
}

/* --- the table --- */

static void open_table(struct world *w, const char *table)
{
    struct sc_error err;
    struct migration_spec spec = {.url = w->url, .table = table};
    must(postgres_target.open(&spec, &w->t, &err), &err);
    must(postgres_target.audit_open(w->t, &err), &err);
    must(postgres_target.session_open(w->t, "rows", &w->session, &err), &err);
}

static enum sc_result collect(void *arg, const struct value *row, struct sc_error *err)
{
    (void)err;
    struct rows *to = arg;
    assert_null(to->row[strtol(row[0].data, NULL, 10)]);
    keep(to, row);
    return SC_OK;
}

static void read_table(struct world *w, const struct chunk *range, struct rows *out)
{
    struct sc_error err;
    *out = (struct rows){.columns = w->t->nlogged};
    must(postgres_target.audit_rows(w->session, range, collect, out, &err), &err);
}

static void same_as_the_log(struct world *w, const char *table, int rows)
{
    static struct rows logged, read;
    struct sc_error err;
    struct arena arena = {0};
    struct audit_table described;
    const struct audit_options options = {.prefix = "p", .decimals = AUDIT_DECIMALS_STRING};
    int wrong = 0;
    read_log(w, table, &logged);
    open_table(w, table);
    read_table(w, NULL, &read);
    must(postgres_target.audit_describe(w->session, &options, &arena, &described, &err), &err);
    must(audit_table_prepare(&described, &arena, &err), &err);
    assert_int_equal(read.count, rows);
    assert_int_equal(logged.columns, read.columns);
    for (int id = 0; id < MAX_ROWS; id++) {
        assert_true(!logged.row[id] == !read.row[id]);
        for (int c = 0; read.row[id] && c < read.columns; c++) {
            const struct value *a = &logged.row[id][c], *b = &read.row[id][c];
            if (a->state == b->state &&
                (a->state != VALUE_PRESENT || (a->len == b->len && memcmp(a->data, b->data, a->len) == 0)))
                continue;
            print_error("column %s, row %d: the log has %d %.200s, the table %d %.200s\n", described.columns[c].name,
                        id, (int)a->state, a->state == VALUE_PRESENT ? a->data : "", (int)b->state,
                        b->state == VALUE_PRESENT ? b->data : "");
            wrong++;
        }
        struct buf first = {0}, second = {0};
        if (read.row[id]) {
            must(audit_write_row(&first, &described, logged.row[id], &err), &err);
            must(audit_write_row(&second, &described, read.row[id], &err), &err);
            assert_string_equal(buf_cstr(&first), buf_cstr(&second));
        }
        buf_fini(&first);
        buf_fini(&second);
    }
    assert_int_equal(wrong, 0);
    arena_fini(&arena);
    arena_fini(&logged.arena);
    arena_fini(&read.arena);
}

/* --- tests --- */

/* A column each, and values at its edges; the last ones in rows of their own. */
static const struct {
    const char *type, *values[10];
} cases[] = {
    {"bool", {"true", "false"}},
    {"int2", {"-32768", "32767"}},
    {"int4", {"-2147483648", "2147483647"}},
    {"int8", {"-9223372036854775808", "9223372036854775807"}},
    {"oid", {"0", "4294967295"}},
    {"float4", {"0.1", "1e-45", "3.4028235e38", "'-0'", "'NaN'", "'-Infinity'", "16777217"}},
    {"float8", {"0.1", "5e-324", "1.7976931348623157e308", "'-0'", "'NaN'", "'Infinity'", "0.30000000000000004"}},
    {"numeric", {"0", "1.000", "-12345678901234567890.123456789", "1e-30", "1e40", "'NaN'"}},
    {"numeric(12,4)", {"0", "99999999.9999", "-1.5"}},
    {"money", {"'-12345.67'", "0.01"}},
    {"text",
     {"''", "'it''s \"x\" \\'", "repeat('long ', 200000)", "E'\\n\\t'", "'\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80'"}},
    {"varchar(10)", {"''", "'a  '"}},
    {"char(8)", {"''", "'a'", "'12345678'"}},
    {"\"char\"", {"'x'", "''"}},
    {"name", {"'some name'"}},
    {"bytea", {"''", "'\\x00ff5c27'", "decode(repeat('00ff', 100000), 'hex')"}},
    {"date", {"'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'", "'2024-02-29'"}},
    {"time", {"'00:00'", "'24:00'", "'23:59:59.999999'"}},
    {"time(2)", {"'12:34:56.78'"}},
    {"timetz", {"'00:00+00'", "'12:34:56.789-03:30'", "'23:59:59.999999+15:59'"}},
    {"timestamp", {"'infinity'", "'4713-01-01 00:00 BC'", "'290000-12-31 23:59:59.999999'", "'2024-02-29 12:00'"}},
    {"timestamp(3)", {"'2024-02-29 12:00:00.123'"}},
    {"timestamptz", {"'-infinity'", "'1900-01-01 00:00+00'", "'2024-03-31 01:30:00.5+00'", "'0001-01-01 00:00 BC'"}},
    {"interval", {"'0'", "'1 year 2 mons -3 days 04:05:06.789'", "'-10000 years'", "'-00:00:00.000001'"}},
    {"interval day to second(2)", {"'3 days 04:05:06.78'"}},
    {"bit(1)", {"B'0'", "B'1'"}},
    {"bit(9)", {"B'100000001'"}},
    {"varbit", {"B''", "B'1010101010101'"}},
    {"uuid", {"'00000000-0000-0000-0000-000000000000'", "'550E8400-e29b-41d4-a716-446655440000'"}},
    {"json", {"'{\"a\" : [1, 2.50,  null]}'", "'null'"}},
    {"jsonb", {"'{\"b\":1,\"a\":1.50e2}'", "'[]'"}},
    {"inet", {"'10.0.0.1/8'", "'::ffff:1.2.3.4'"}},
    {"cidr", {"'192.168.0.0/24'"}},
    {"macaddr", {"'08:00:2b:01:02:03'"}},
    {"macaddr8", {"'08:00:2b:01:02:03:04:05'"}},
    {"point", {"'(0.1,-1e300)'"}},
    {"line", {"'{1,2,3}'"}},
    {"lseg", {"'[(0,0),(1,0.1)]'"}},
    {"box", {"'(1,1),(0,0)'"}},
    {"path", {"'[(0,0),(1,1)]'", "'((0,0),(1,1))'"}},
    {"polygon", {"'((0,0),(1,1),(2,0))'"}},
    {"circle", {"'<(0,0),0.3>'"}},
    {"tsvector", {"'a:1 fat:2B cat:3'"}},
    {"tsquery", {"'fat & (rat | cat)'"}},
    {"int4range", {"'[1,5)'", "'empty'", "'(,)'"}},
    {"numrange", {"'[1.0,2.50]'"}},
    {"tstzrange", {"'[2024-01-01 00:00+00,2024-07-01 00:00+02)'"}},
    {"int4multirange", {"'{[1,2),[5,9)}'"}},
    {"pg_lsn", {"'16/B374D848'"}},
    {"txid_snapshot", {"'10:20:10,14,15'"}},
    {"int4[]", {"'{}'", "'{1,NULL,-3}'", "'[2:3]={1,2}'"}},
    {"text[]", {"'{\"\",\"a,b\",\"c\\\"d\",NULL,\"NULL\"}'"}},
    {"float8[]", {"'{0.1,NaN,-Infinity}'"}},
    {"timestamptz[]", {"'{2024-03-31 01:30:00.5+00}'"}},
    {"bytea[]", {"ARRAY['\\x00ff'::bytea, '']"}},
    {"mood", {"'sad'", "'it''s \"ok\"'"}},
    {"mood[]", {"'{sad,NULL}'"}},
    {"cents", {"12.30", "0"}},
    {"tags", {"'{x,y}'"}},
    {"pair", {"'(1,\"a \"\"b\"\"\")'", "'(,)'"}},
    {"xml", {"'<a b=\"c\">d</a>'"}},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static int make_types(struct world *w)
{
    struct buf sql = {0};
    int rows = 0;
    run_on(w->sql, "CREATE TYPE mood AS ENUM ('sad', 'it''s \"ok\"'); CREATE DOMAIN cents AS numeric(10, 2);"
                   "CREATE DOMAIN tags AS text[]; CREATE TYPE pair AS (a int, b text)");
    buf_str(&sql, "CREATE TABLE t (id int PRIMARY KEY, gone int");
    for (int i = 0; i < CASES; i++)
        buf_printf(&sql, ", c%d %s", i, cases[i].type);
    buf_str(&sql, ", computed int GENERATED ALWAYS AS (id + 1) STORED, behind text); ALTER TABLE t DROP COLUMN gone");
    run_on(w->sql, "%s", buf_cstr(&sql));
    begin_log(w, "public", "t");
    for (bool any = true; any; rows++) { /* the last row is all NULL */
        any = false;
        buf_clear(&sql);
        buf_printf(&sql, "INSERT INTO t VALUES (%d", rows);
        for (int i = 0; i < CASES; i++) {
            const char *value = rows < 10 ? cases[i].values[rows] : NULL;
            any |= value != NULL;
            buf_printf(&sql, ", %s", value ? value : "NULL");
        }
        run_on(w->sql, "%s, DEFAULT, 'behind')", buf_cstr(&sql));
    }
    buf_fini(&sql);
    return rows;
}

static void every_value_is_read_as_the_log_has_it(void **state)
{
    struct world *w = begin(state);
    int rows = make_types(w);
    same_as_the_log(w, "t", rows);
}

/* Whatever the role's own settings are. */
static void settings_of_the_role_change_nothing(void **state)
{
    struct world *w = begin(state);
    run_on(
        w->sql,
        "ALTER DATABASE %s SET DateStyle = 'German, DMY'; ALTER DATABASE %s SET IntervalStyle = sql_standard; ALTER "
        "DATABASE %s SET extra_float_digits = -5; ALTER DATABASE %s SET bytea_output = escape; ALTER DATABASE %s SET "
        "TimeZone = 'Asia/Kathmandu'",
        w->name, w->name, w->name, w->name, w->name);
    struct sc_error err;
    pg_close(w->sql);
    pg_server_fini(&w->server);
    w->server = (struct pg_server){.url = mem_strdup(w->url), .application = mem_strdup("test")};
    must(pg_server_learn(&w->server, "sql", &w->sql, &err), &err);
    run_on(w->sql, "SET search_path = public");
    assert_string_equal(w->server.timezone, "Asia/Kathmandu");
    int rows = make_types(w);
    same_as_the_log(w, "t", rows);
}

static void changed_rows_and_numbers_of_chance_are_too(void **state)
{
    struct world *w = begin(state);
    run_on(w->sql, "CREATE TABLE r (id int PRIMARY KEY, f float4, d float8, n numeric, i interval, ts timestamptz);"
                   "ALTER TABLE r REPLICA IDENTITY FULL");
    begin_log(w, "public", "r");
    run_on(w->sql,
           "INSERT INTO r SELECT i, (random() - 0.5) * 10 ^ (random() * 70 - 35), (random() - 0.5) * 10 ^ "
           "(random() * 600 - 300), (random() * 1e9)::numeric ^ 2, random() * interval '1000 years', to_timestamp("
           "random() * 4e9) FROM generate_series(0, 399) i");
    run_on(w->sql, "UPDATE r SET d = d / 3, n = NULL WHERE id %% 3 = 0");
    same_as_the_log(w, "r", 400);
}

static struct key *key_of(const char *first, const char *second)
{
    struct key *key = mem_alloc(sizeof(*key));
    key->count = 2;
    key->values = mem_array(2, sizeof(*key->values));
    key->values[0] = mem_strdup(first);
    key->values[1] = mem_strdup(second);
    return key;
}

static void a_range_is_read_without_its_lower_end(void **state)
{
    struct world *w = begin(state);
    static struct rows read;
    run_on(w->sql, "CREATE TABLE k (n int NOT NULL, a text, b int, PRIMARY KEY (a, b));"
                   "INSERT INTO k SELECT i, 'k' || i / 5, i %% 5 FROM generate_series(0, 19) i");
    open_table(w, "k");
    struct key *after = key_of("k1", "2"), *upto = key_of("k2", "3");
    struct chunk range = {.after = after, .upto = upto};
    read_table(w, &range, &read);
    assert_int_equal(read.count, 6);
    for (int i = 0; i < 20; i++)
        assert_int_equal(read.row[i] != NULL, i > 7 && i <= 13);
    arena_fini(&read.arena);
    range.after = NULL;
    read_table(w, &range, &read);
    assert_int_equal(read.count, 14);
    arena_fini(&read.arena);
    range.after = after;
    range.upto = NULL;
    read_table(w, &range, &read);
    assert_int_equal(read.count, 12);
    arena_fini(&read.arena);
    key_free(after);
    key_free(upto);
}

struct writer {
    struct world *world;
    int rows, end_at;
};

static enum sc_result write_meanwhile(void *arg, const struct value *row, struct sc_error *err)
{
    struct writer *to = arg;
    assert_string_equal(row[1].data, "a"); /* as before */
    if (to->rows++ == 0)
        run_on(to->world->sql, "UPDATE s SET v = 'b'; INSERT INTO s SELECT id + 100000, 'b', pad FROM s");
    return to->rows == to->end_at ? error_set(err, SC_REFUSE, "enough") : SC_OK;
}

static void rows_are_those_of_one_moment_and_who_takes_may_end_it(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    run_on(w->sql, "CREATE TABLE s (id int PRIMARY KEY, v text, pad text);"
                   "INSERT INTO s SELECT i, 'a', repeat('x', 1000) FROM generate_series(1, 5000) i");
    open_table(w, "s");
    struct writer to = {.world = w};
    must(postgres_target.audit_rows(w->session, NULL, write_meanwhile, &to, &err), &err);
    assert_int_equal(to.rows, 5000);
    run_on(w->sql, "DELETE FROM s WHERE id > 5000; UPDATE s SET v = 'a'");
    to = (struct writer){.world = w, .end_at = 5};
    assert_int_equal(postgres_target.audit_rows(w->session, NULL, write_meanwhile, &to, &err), SC_REFUSE);
    assert_string_equal(err.what, "enough");
    assert_int_equal(to.rows, 5);
}

static void what_has_no_rows_to_read_is_refused(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    run_on(w->sql, "CREATE TABLE keyless (a int); CREATE VIEW seen AS SELECT * FROM keyless");
    static const char *const tables[][2] = {{"keyless", "no key"}, {"seen", "not an ordinary"}, {"none", "none"}};
    for (size_t i = 0; i < 3; i++) {
        struct migration_spec spec = {.url = w->url, .table = tables[i][0]};
        must(postgres_target.open(&spec, &w->t, &err), &err);
        assert_int_equal(postgres_target.audit_open(w->t, &err), SC_REFUSE);
        assert_says(&err, tables[i][1]);
        postgres_target.close(w->t);
        w->t = NULL;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_value_is_read_as_the_log_has_it),
        TEST(settings_of_the_role_change_nothing),
        TEST(changed_rows_and_numbers_of_chance_are_too),
        TEST(a_range_is_read_without_its_lower_end),
        TEST(rows_are_those_of_one_moment_and_who_takes_may_end_it),
        TEST(what_has_no_rows_to_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
