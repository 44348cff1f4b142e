/* Every type, end to end, on a real server: what is read from the binary log, written as a literal and read from the
 * log again is the same value; bounds of chunks find their row, through the index. SEACHANGE_TEST_MYSQL_URL: an account
 * that may do everything, on a throwaway server with log_bin and binlog_format=ROW. */
#include "my_log_rows.h"

/* --- there and back --- */

struct twin {
    struct my_table source, copy;
    struct my_literal *literals;
};

static void load(struct world *w, struct twin *t, const char *source, const char *copy)
{
    struct sc_error err;
    if (my_table_load(w->data, "sc_values", source, &t->source, &err) != SC_OK ||
        my_table_load(w->data, "sc_values", copy, &t->copy, &err) != SC_OK)
        fail_msg("%s", err.what);
    t->literals = mem_array((size_t)t->source.ncolumns, sizeof(*t->literals));
    for (int i = 0; i < t->source.ncolumns; i++)
        if (my_literal_init(&t->literals[i], w->server.family, &t->source.columns[i], &err) != SC_OK)
            fail_msg("%s", err.what);
}

static void unload(struct twin *t)
{
    my_table_fini(&t->source);
    my_table_fini(&t->copy);
    mem_free(t->literals);
}

static void write_row(struct world *w, const struct twin *t, const struct value *row)
{
    struct sc_error err;
    struct buf sql = {0};
    uint64_t affected;
    buf_printf(&sql, "INSERT INTO `%s` VALUES (", t->copy.name);
    for (int i = 0; i < t->source.ncolumns; i++) {
        buf_str(&sql, i ? ", " : "");
        if (my_add_value(&sql, &t->literals[i], &row[i], &err) != SC_OK) {
            complain(w, "%s: %s", t->source.columns[i].type, err.what);
            buf_fini(&sql);
            return;
        }
    }
    buf_char(&sql, ')');
    if (my_change(w->data, &err, buf_cstr(&sql), sql.len, &affected) != SC_OK)
        complain(w, "%s: %.400s: %s", t->source.columns[1].type, buf_cstr(&sql), err.what);
    buf_fini(&sql);
}

static void compare(struct world *w, const struct my_column *column, int row, const struct value *a,
                    const struct value *b)
{
    struct buf x = {0}, y = {0};
    if (a->state == b->state && (a->state != VALUE_PRESENT || (a->len == b->len && !memcmp(a->data, b->data, a->len))))
        return;
    if (a->state == VALUE_PRESENT)
        my_add_hex(&x, a->data, a->len);
    if (b->state == VALUE_PRESENT)
        my_add_hex(&y, b->data, b->len);
    complain(w, "%s, row %d: %.300s became %.300s", column->type, row, buf_cstr(&x), buf_cstr(&y));
}

static void all_there_and_back(struct world *w, const char *source, const char *copy, const struct position *from,
                               int expected)
{
    struct twin t;
    static struct rows first, second;
    first = second = (struct rows){0};
    load(w, &t, source, copy);
    read_log(w, &t.source, from, &first);
    assert_int_equal(first.count, expected);
    for (int i = 0; i < first.count; i++)
        write_row(w, &t, first.row[i]);
    read_log(w, &t.copy, from, &second);
    if (second.count != first.count)
        complain(w, "%s: %d rows of %d", t.source.columns[1].type, second.count, first.count);
    for (int i = 0; i < first.count && second.count == first.count; i++)
        for (int k = 0; k < t.source.ncolumns; k++)
            compare(w, &t.source.columns[k], i, &first.row[i][k], &second.row[i][k]);
    arena_fini(&first.arena);
    arena_fini(&second.arena);
    unload(&t);
}

static void every_value_comes_back_from_its_literal_bit_for_bit(void **state)
{
    struct world *w = need(state);
    struct matrix m;
    for (size_t at = 0; next_cases(w, &at, NULL, &m);) {
        make_tables(w, &m);
        all_there_and_back(w, "v", "v_copy", &m.from, m.rows);
        /* What the log shows the same, SQL shows the same. */
        for (int i = 0; i < m.columns; i++) {
            struct buf sql = {0};
            buf_printf(&sql,
                       "SELECT COUNT(*) FROM v JOIN v_copy x USING (id) WHERE NOT (CAST(v.c%d AS BINARY) <=>"
                       " CAST(x.c%d AS BINARY)) OR NOT (HEX(v.c%d) <=> HEX(x.c%d))",
                       i, i, i, i);
            char *differ = ask(w->sql, buf_cstr(&sql));
            if (strcmp(differ, "0") != 0)
                complain(w, "%s: %s values differ", m.cases[i]->type, differ);
            mem_free(differ);
            buf_fini(&sql);
        }
    }
    assert_int_equal(w->wrong, 0);
}

/* Columns of the random kinds, 300 rows of them. */
static void random_floats_and_decimals_come_back_too(void **state)
{
    struct world *w = need(state);
    run(w->sql, "DROP TABLE IF EXISTS r, r_copy");
    run(w->sql, "CREATE TABLE r (id int PRIMARY KEY, f float, d double, e double, n decimal(40,20), t time(6),"
                " dt datetime(6), b varbinary(40))");
    run(w->sql, "CREATE TABLE r_copy LIKE r");
    struct position from = log_end(w);
    for (int i = 0; i < 300; i++)
        run(w->sql,
            "INSERT INTO r VALUES (%d, (rand() - 0.5) * pow(10, floor(rand() * 76 - 38)),"
            " (rand() - 0.5) * pow(10, floor(rand() * 600 - 300)), rand() * 1000,"
            " (rand() - 0.5) * 1e10, sec_to_time((rand() - 0.5) * 6000000),"
            " from_unixtime(rand() * 2000000000), unhex(sha2(rand(), 256)))",
            i);
    all_there_and_back(w, "r", "r_copy", &from, 300);
    assert_int_equal(w->wrong, 0);
}

/* MariaDB's forms of before it had those of MySQL 5.6: tables of that time still have them. */
static void old_forms_of_times_come_back_too(void **state)
{
    struct world *w = need(state);
    only_if(w->server.family == MY_MARIADB, "MariaDB");
    struct sc_error err;
    only_if(my_run(w->sql, &err, "SET GLOBAL mysql56_temporal_format = OFF") == SC_OK,
            "a MariaDB that can still make them");
    run(w->sql, "DROP TABLE IF EXISTS o, o_copy");
    run(w->sql, "CREATE TABLE o (id int PRIMARY KEY, t0 time, t1 time(1), t3 time(3), t6 time(6), d0 datetime,"
                " d2 datetime(2), d5 datetime(5), d6 datetime(6), s0 timestamp NULL, s1 timestamp(1) NULL,"
                " s6 timestamp(6) NULL)");
    run(w->sql, "CREATE TABLE o_copy LIKE o");
    run(w->sql, "SET GLOBAL mysql56_temporal_format = ON");
    struct position from = log_end(w);
    run(w->sql, "INSERT INTO o VALUES (0, '-838:59:59', '-838:59:59.9', '-00:00:00.001', '-00:00:00.000001',"
                " '0000-00-00', '2024-00-00 00:00:00.01', '9999-12-31 23:59:59.99999', '9999-12-31 23:59:59.999999',"
                " '0000-00-00', '2038-01-19 03:14:07.9', '1970-01-01 00:00:01.000001'),"
                " (1, '838:59:59', '838:59:59.9', '838:59:59.999', '838:59:59.999999', '1000-01-01 00:00:01',"
                " '0000-00-00', '2024-02-29 12:34:56.78901', '0000-00-00', '1970-01-01 00:00:01', '0000-00-00',"
                " '2024-10-27 01:30:00.654321')");
    all_there_and_back(w, "o", "o_copy", &from, 2);
    char *differ = ask(w->sql, "SELECT COUNT(*) FROM o JOIN o_copy x USING (id) WHERE NOT (o.t0 <=> x.t0 AND"
                               " o.t1 <=> x.t1 AND o.t3 <=> x.t3 AND o.t6 <=> x.t6 AND o.d0 <=> x.d0 AND o.d2 <=> x.d2"
                               " AND o.d5 <=> x.d5 AND o.d6 <=> x.d6 AND o.s0 <=> x.s0 AND o.s1 <=> x.s1 AND"
                               " o.s6 <=> x.s6)");
    assert_string_equal(differ, "0");
    mem_free(differ);
    assert_int_equal(w->wrong, 0);
}

/* --- keys --- */

/* Is it the index of the column that the plan uses, and not all of it? */
static void assert_uses_index(struct world *w, int column, const char *type, const char *sql)
{
    struct sc_error err;
    MYSQL_RES *res;
    struct buf explain = {0};
    char index[16];
    snprintf(index, sizeof(index), "k%d", column);
    buf_printf(&explain, "EXPLAIN %s %s", w->server.family == MY_MYSQL ? "FORMAT=TRADITIONAL" : "", sql);
    if (my_query(w->data, &err, &res, buf_cstr(&explain)) != SC_OK)
        fail_msg("%s: %s", sql, err.what);
    MYSQL_ROW row = mysql_fetch_row(res);
    unsigned count = mysql_num_fields(res);
    const MYSQL_FIELD *fields = mysql_fetch_fields(res);
    bool used = false, whole = false;
    for (unsigned i = 0; row && i < count; i++) {
        if (strcmp(fields[i].name, "key") == 0)
            used |= row[i] && strcmp(row[i], index) == 0;
        if (strcmp(fields[i].name, "type") == 0)
            whole = row[i] && strcmp(row[i], "index") == 0;
        if (strcmp(fields[i].name, "Extra") == 0)
            used |= row[i] && strstr(row[i], "mpossible"); /* nothing can be beyond the last value of a type */
    }
    if (!used || whole)
        complain(w, "%s: no range of the index: %s", type, sql);
    mysql_free_result(res);
    buf_fini(&explain);
}

static void a_bound_finds_its_row(struct world *w, const struct twin *t, int column, int id)
{
    struct sc_error err;
    struct buf sql = {0}, bound = {0};
    const struct my_literal *l = &t->literals[column + 1];
    const char *type = t->source.columns[column + 1].type;
    bool by_number = l->kind == MY_LITERAL_ENUM || l->kind == MY_LITERAL_SET;
    buf_str(&sql, "SELECT ");
    my_add_key_select(&sql, l, "a");
    buf_printf(&sql, " FROM v a WHERE id = %d", id);
    char *text = ask(w->data, buf_cstr(&sql));
    assert_non_null(text);
    if (my_add_key_literal(&bound, l, text, &err) != SC_OK)
        fail_msg("%s: %s", type, err.what);
    static const char *const operators[] = {"=", ">=", "<=", ">", "<"};
    for (int i = 0; i < 5; i++) {
        buf_clear(&sql);
        buf_printf(&sql, "SELECT COUNT(*) FROM v FORCE INDEX (k%d) WHERE c%d %s %s AND id = %d", column, column,
                   operators[i], buf_cstr(&bound), id);
        char *found = ask(w->data, buf_cstr(&sql));
        if (strcmp(found, i < 3 ? "1" : "0") != 0)
            complain(w, "%s: %s gives %s", type, buf_cstr(&sql), found);
        mem_free(found);
        buf_clear(&sql);
        buf_printf(&sql, "SELECT id FROM v FORCE INDEX (k%d) WHERE c%d %s %s", column, column, operators[i],
                   buf_cstr(&bound));
        if (i == 0 || (i == 3 && !by_number)) /* neither server takes a range of numbers of ENUM or SET */
            assert_uses_index(w, column, type, buf_cstr(&sql));
    }
    mem_free(text);
    buf_fini(&sql);
    buf_fini(&bound);
}

static void a_value_finds_its_row(struct world *w, const struct twin *t, int column, const struct value *row)
{
    struct sc_error err;
    struct buf sql = {0};
    const char *type = t->source.columns[column + 1].type;
    buf_printf(&sql, "SELECT COUNT(*) FROM v FORCE INDEX (k%d) WHERE c%d = ", column, column);
    if (my_add_key_value(&sql, &t->literals[column + 1], &row[column + 1], &err) != SC_OK)
        fail_msg("%s: %s", type, err.what);
    buf_printf(&sql, " AND id = %s", row[0].data);
    char *found = ask(w->data, buf_cstr(&sql));
    if (strcmp(found, "1") != 0)
        complain(w, "%s: %s", type, buf_cstr(&sql));
    mem_free(found);
    buf_fini(&sql);
}

static void every_key_finds_its_row_through_the_index(void **state)
{
    struct world *w = need(state);
    struct matrix m;
    for (size_t at = 0; next_cases(w, &at, NULL, &m);) {
        struct twin t;
        static struct rows rows;
        rows = (struct rows){0};
        make_tables(w, &m);
        load(w, &t, "v", "v_copy");
        read_log(w, &t.source, &m.from, &rows);
        assert_int_equal(rows.count, m.rows);
        for (int i = 0; i < m.columns; i++) {
            for (int id = 0; m.cases[i]->key && id < MAX_VALUES && m.cases[i]->values[id]; id++) {
                a_bound_finds_its_row(w, &t, i, id);
                a_value_finds_its_row(w, &t, i, rows.row[id]);
            }
        }
        arena_fini(&rows.arena);
        unload(&t);
    }
    assert_int_equal(w->wrong, 0);
}

/* --- JSON --- */

static void json_is_printed_as_the_server_prints_it(void **state)
{
    struct world *w = need(state);
    only_if(w->server.family == MY_MYSQL, "MySQL");
    struct matrix m;
    for (size_t at = 0; next_cases(w, &at, "json", &m);) {
        struct twin t;
        static struct rows rows;
        rows = (struct rows){0};
        make_tables(w, &m);
        load(w, &t, "v", "v_copy");
        read_log(w, &t.source, &m.from, &rows);
        for (int i = 0; i < m.columns * rows.count; i++) {
            const struct value *value = &rows.row[i / m.columns][1 + i % m.columns];
            struct buf text = {0}, sql = {0};
            if (value->state != VALUE_PRESENT)
                continue;
            buf_printf(&sql, "SELECT CAST(c%d AS CHAR) FROM v WHERE id = %d", i % m.columns, i / m.columns);
            char *want = ask(w->sql, buf_cstr(&sql));
            assert_true(my_json_text(&text, value->data, value->len));
            assert_string_equal(buf_cstr(&text), want);
            mem_free(want);
            buf_fini(&text);
            buf_fini(&sql);
        }
        arena_fini(&rows.arena);
        unload(&t);
    }
}

/* Changes that the server logs as what changed. */
static const char *const updates[] = {
    "json_set(c, '$.a', 1)",
    "json_set(c, '$.a', 'a longer text than what was there')",
    "json_set(c, '$.list[0]', cast(1.5 as decimal(10,2)))",
    "json_set(c, '$.list[last]', true)",
    "json_replace(c, '$.deep.er.est', json_array(1, 2, json_object('x', _binary X'FF')))",
    "json_set(c, '$.\"a key with \\\\\" and ö\"', 5)",
    "json_set(c, '$.new', null, '$.list[7]', 7)",
    "json_remove(c, '$.list[1]')",
    "json_remove(c, '$.a')",
    "json_set(c, '$.deep.er.other', repeat('x', 70000))",
    "json_set(c, '$.deep.er.other', 2)",
    "json_replace(c, '$.n', 18446744073709551615)",
    "json_replace(c, '$.n', -70000)",
    "json_remove(c, '$.deep.er')",
    "json_remove(c, '$.\"\"')",
    "json_set(c, '$.z', 1, '$.zz', 2, '$.y', 3)",
};

static void partial_updates_give_the_document_that_the_server_has(void **state)
{
    struct world *w = need(state);
    only_if(w->server.family == MY_MYSQL, "MySQL");
    struct twin t;
    static struct rows rows;
    rows = (struct rows){0};
    run(w->sql, "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'");
    run(w->sql, "DROP TABLE IF EXISTS p, p_texts");
    run(w->sql, "CREATE TABLE p (id int PRIMARY KEY, c json, pad json)");
    run(w->sql, "CREATE TABLE p_texts (n int PRIMARY KEY, c longtext)");
    struct position from = log_end(w);
    run(w->sql, "INSERT INTO p VALUES (1, json_object('a', repeat('w', 40), 'list', json_array(1, 2, 3), 'n', 70000,"
                " '', 0, 'a key with \" and \xc3\xb6', 1, 'pad', repeat('y', 2000),"
                " 'deep', json_object('er', json_object('est', 1, 'other', 5))), NULL)");
    int n = (int)(sizeof(updates) / sizeof(updates[0]));
    for (int i = 0; i < n; i++) {
        run(w->sql, "UPDATE p SET c = %s", updates[i]);
        run(w->sql, "INSERT INTO p_texts SELECT %d, CAST(c AS CHAR) FROM p", i + 1);
    }
    run(w->sql, "SET SESSION binlog_row_value_options = ''");
    load(w, &t, "p", "p");
    read_log(w, &t.source, &from, &rows);
    assert_int_equal(rows.count, n + 1);
    for (int i = 1; i <= n; i++) {
        struct buf text = {0}, sql = {0};
        buf_printf(&sql, "SELECT c FROM p_texts WHERE n = %d", i);
        char *want = ask(w->sql, buf_cstr(&sql));
        assert_true(my_json_text(&text, rows.row[i][1].data, rows.row[i][1].len));
        if (strcmp(buf_cstr(&text), want) != 0)
            complain(w, "%s: %.300s is not %.300s", updates[i - 1], buf_cstr(&text), want);
        mem_free(want);
        buf_fini(&text);
        buf_fini(&sql);
    }
    arena_fini(&rows.arena);
    unload(&t);
    assert_int_equal(w->wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_comes_back_from_its_literal_bit_for_bit),
        cmocka_unit_test(random_floats_and_decimals_come_back_too),
        cmocka_unit_test(old_forms_of_times_come_back_too),
        cmocka_unit_test(every_key_finds_its_row_through_the_index),
        cmocka_unit_test(json_is_printed_as_the_server_prints_it),
        cmocka_unit_test(partial_updates_give_the_document_that_the_server_has),
    };
    return cmocka_run_group_tests_name("values of MySQL and MariaDB on a server", tests, begin, end);
}
