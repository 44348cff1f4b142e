/* A table's rows read by a query are, byte for byte, what the binary log says of them: of every type, on a real server.
 * SEACHANGE_TEST_MYSQL_URL: an account that may do everything, on a throwaway server with log_bin and
 * binlog_format=ROW. */
#include "applier/mysql/mysql.h"
#include "applier/mysql/ops.h"
#include "cdc/audit/mysql/types.h"
#include "cdc/mysql/log_end.h"
#include "my_log_rows.h"

/* A table that is read by itself. */
struct opened {
    struct target *target;
    struct session *session;
};

static struct opened open_table(const char *table)
{
    struct opened o = {0};
    struct sc_error err;
    const char *url = getenv("SEACHANGE_TEST_MYSQL_URL"), *slash = strchr(url + strlen("mysql://"), '/');
    char *with = mem_printf("%.*s/sc_values", slash ? (int)(slash - url) : (int)strlen(url), url);
    struct migration_spec spec = {.url = with, .table = table};
    if (mysql_target.open(&spec, &o.target, &err) != SC_OK || mysql_target.audit_open(o.target, &err) != SC_OK ||
        mysql_target.session_open(o.target, "rows", &o.session, &err) != SC_OK)
        fail_msg("%s: %s", table, err.what);
    mem_free(with);
    return o;
}

static void close_table(struct opened *o)
{
    mysql_target.session_close(o->session);
    mysql_target.close(o->target);
}

/* The rows by their first column, a number. */
struct found {
    struct rows *rows;
    int columns, count;
};

static enum sc_result collect(void *arg, const struct value *row, struct sc_error *err)
{
    (void)err;
    struct found *f = arg;
    long id = strtol(row[0].data, NULL, 10);
    assert_in_range(id, 0, MAX_ROWS - 1);
    assert_null(f->rows->row[id]);
    f->rows->row[id] = copy_row(&f->rows->arena, row, (uint16_t)f->columns);
    f->count++;
    return SC_OK;
}

static void read_table(const struct opened *o, const struct chunk *range, struct rows *out)
{
    struct sc_error err;
    struct found f = {.rows = out, .columns = o->target->source.ncolumns};
    *out = (struct rows){0};
    if (mysql_target.audit_rows(o->session, range, collect, &f, &err) != SC_OK)
        fail_msg("%s", err.what);
    out->count = f.count;
}

/* What becomes of it in an event; NULL: its text cannot be converted. */
static char *written(const struct my_column *c, const struct value *v)
{
    struct arena arena = {0};
    struct audit_type type;
    struct sc_error err;
    struct buf b = {0};
    if (my_audit_type(&(struct my_audit_type){.type = c->type,
                                              .charset = c->charset,
                                              .members = c->members,
                                              .nmembers = (size_t)c->nmembers,
                                              .optional = !c->not_null},
                      AUDIT_DECIMALS_PRECISE, &arena, &type, &err) != SC_OK)
        return NULL;
    if (!type.write(&b, &type, v->data, v->len)) {
        buf_clear(&b);
        buf_str(&b, "cannot be written");
    }
    audit_type_close(&type);
    arena_fini(&arena);
    return buf_take(&b);
}

static void add_shown(struct buf *b, const struct value *v)
{
    if (v->state != VALUE_PRESENT)
        buf_printf(b, "state %d", (int)v->state);
    else
        my_add_hex(b, v->data, v->len);
}

static void same_value(struct world *w, const struct my_column *c, int row, const struct value *logged,
                       const struct value *read)
{
    bool json = w->server.family == MY_MYSQL && strcmp(c->data_type, "json") == 0;
    bool same = logged->state == read->state;
    if (same && logged->state == VALUE_PRESENT && !json)
        same = logged->len == read->len && memcmp(logged->data, read->data, read->len) == 0;
    if (!same) {
        struct buf a = {0}, b = {0};
        add_shown(&a, logged);
        add_shown(&b, read);
        complain(w, "%s, row %d: the log has %.200s, the table %.200s", c->type, row, buf_cstr(&a), buf_cstr(&b));
        buf_fini(&a);
        buf_fini(&b);
    } else if (logged->state == VALUE_PRESENT) {
        char *first = written(c, logged), *second = written(c, read);
        if (first ? strcmp(first, "cannot be written") == 0 || strcmp(first, second) != 0 : second != NULL)
            complain(w, "%s, row %d: %.300s and %.300s in events", c->type, row, first, second);
        mem_free(first);
        mem_free(second);
    }
}

/* The last image that the log has of each row is what is read. */
static void same_as_the_log(struct world *w, const char *table, const struct position *from, int rows)
{
    static struct rows logged, last, read;
    logged = last = (struct rows){0};
    struct opened o = open_table(table);
    const struct my_table *t = &o.target->source;
    read_log(w, t, from, &logged);
    for (int i = 0; i < logged.count; i++)
        last.row[strtol(logged.row[i][0].data, NULL, 10)] = logged.row[i];
    read_table(&o, NULL, &read);
    assert_int_equal(read.count, rows);
    for (int id = 0; id < MAX_ROWS; id++) {
        assert_true(!last.row[id] == !read.row[id]);
        for (int c = 0; last.row[id] && c < t->ncolumns; c++)
            if (!t->columns[c].generated || (t->columns[c].stored && !my_log_leaves_out_stored(&w->server)))
                same_value(w, &t->columns[c], id, &last.row[id][c], &read.row[id][c]);
    }
    arena_fini(&logged.arena);
    arena_fini(&read.arena);
    close_table(&o);
}

/* --- tests --- */

static void every_value_is_read_as_the_log_has_it(void **state)
{
    struct world *w = need(state);
    struct matrix m;
    for (size_t at = 0; next_cases(w, &at, NULL, &m);) {
        make_tables(w, &m);
        same_as_the_log(w, "v", &m.from, m.rows);
    }
    assert_int_equal(w->wrong, 0);
}

static void numbers_of_chance_are_too(void **state)
{
    struct world *w = need(state);
    run(w->sql, "DROP TABLE IF EXISTS r");
    run(w->sql, "CREATE TABLE r (id int PRIMARY KEY, f float, g float, d double, e double, n decimal(40,20), t time(6),"
                " dt datetime(6), ts timestamp(6) NULL, b varbinary(40))");
    struct position from = log_end(w);
    for (int i = 0; i < 300; i++)
        run(w->sql,
            "INSERT INTO r VALUES (%d, (rand() - 0.5) * pow(10, floor(rand() * 76 - 38)), rand() * 100000,"
            " (rand() - 0.5) * pow(10, floor(rand() * 600 - 300)), rand() * 1000, (rand() - 0.5) * 1e10,"
            " sec_to_time((rand() - 0.5) * 6000000), from_unixtime(rand() * 2000000000),"
            " from_unixtime(rand() * 2000000000), unhex(sha2(rand(), 256)))",
            i);
    same_as_the_log(w, "r", &from, 300);
    assert_int_equal(w->wrong, 0);
}

/* ZEROFILL, digits behind the point of floats, columns that nobody sees or that are computed; and rows that were
 * changed, by sessions of other settings. */
static void odd_columns_and_changed_rows_are_too(void **state)
{
    struct world *w = need(state);
    bool invisible = w->server.family == MY_MARIADB || w->server.version >= 80023;
    run(w->sql, "DROP TABLE IF EXISTS odd");
    run(w->sql,
        "CREATE TABLE odd (id int(8) unsigned zerofill PRIMARY KEY, b bigint unsigned zerofill, d decimal(10,3) "
        "zerofill, z decimal(5,5) zerofill, f float(9,4) zerofill, x double(12,2) zerofill, y year, c char(6) "
        "character set latin1, cu char(6), en enum('a','b') character set latin1, gv int GENERATED ALWAYS AS (y + 1) "
        "VIRTUAL, gs double GENERATED ALWAYS AS (x / 3) STORED, gt varchar(30) GENERATED ALWAYS AS (concat(b, y)) "
        "STORED, nobody int %s, ts timestamp(2) NULL) CHARACTER SET utf8mb4",
        invisible ? "INVISIBLE DEFAULT 7" : "DEFAULT 7");
    struct position from = log_end(w);
    run(w->sql, "INSERT INTO odd (id, b, d, z, f, x, y, c, cu, en, ts) VALUES"
                " (1, 0, 0, 0, 0, 0, 0, '', '', 'a', '2024-03-31 02:30:00.25'),"
                " (2, 18446744073709551615, 9999999.999, 0.99999, 12345.6789, 1234567890.12, 2155, 'a  ', '\xc3\xb6', "
                "'b', NULL), (3, 42, 12.5, 0.00001, 0.1, 0.1, 1901, ' x', ' x', NULL, '1970-01-01 00:00:01'),"
                " (4, 7, 100, 0.1, 100, 1000000000.01, 2000, NULL, NULL, NULL, NULL)");
    run(w->sql, "SET time_zone = '+05:30', sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'");
    run(w->sql, "UPDATE odd SET x = x + 1, c = concat(trim(c), 'q') WHERE id IN (1, 3)");
    run(w->sql, "UPDATE odd SET ts = '2024-06-01 12:00:00.75' WHERE id = 4");
    run(w->sql, "SET time_zone = '+00:00', sql_mode = ''");
    same_as_the_log(w, "odd", &from, 4);
    assert_int_equal(w->wrong, 0);
}

/* MariaDB's forms of before it had those of MySQL 5.6: tables of that time still have them. */
static void old_forms_of_times_are_too(void **state)
{
    struct world *w = need(state);
    only_if(w->server.family == MY_MARIADB, "MariaDB");
    struct sc_error err;
    only_if(my_run(w->sql, &err, "SET GLOBAL mysql56_temporal_format = OFF") == SC_OK,
            "a MariaDB that can still make them");
    run(w->sql, "DROP TABLE IF EXISTS o");
    run(w->sql, "CREATE TABLE o (id int PRIMARY KEY, t0 time, t3 time(3), t6 time(6), d0 datetime, d5 datetime(5),"
                " s0 timestamp NULL, s6 timestamp(6) NULL)");
    run(w->sql, "SET GLOBAL mysql56_temporal_format = ON");
    struct position from = log_end(w);
    run(w->sql, "INSERT INTO o VALUES (0, '-838:59:59', '-00:00:00.001', '-00:00:00.000001', '0000-00-00',"
                " '9999-12-31 23:59:59.99999', '0000-00-00', '1970-01-01 00:00:01.000001'),"
                " (1, '838:59:59', '838:59:59.999', '838:59:59.999999', '1000-01-01 00:00:01',"
                " '2024-02-29 12:34:56.78901', '1970-01-01 00:00:01', '2024-10-27 01:30:00.654321')");
    same_as_the_log(w, "o", &from, 2);
    assert_int_equal(w->wrong, 0);
}

/* --- the log's description, and the catalog's --- */

struct described {
    struct world *w;
    const struct my_table *table;
    struct relation relation; /* the last one */
    struct arena arena;
    int rows;
};

static enum sc_result by_catalog(const struct my_column *c, struct arena *arena, struct audit_type *out)
{
    struct sc_error err;
    return my_audit_type(&(struct my_audit_type){.type = c->type,
                                                 .charset = c->charset,
                                                 .members = c->members,
                                                 .nmembers = (size_t)c->nmembers,
                                                 .optional = !c->not_null},
                         AUDIT_DECIMALS_PRECISE, arena, out, &err);
}

static enum sc_result by_log(const struct described *d, int i, struct arena *arena, struct audit_table *out)
{
    struct sc_error err;
    struct relation one = {.ncolumns = 1, .columns = &d->relation.columns[i], .told = true};
    *out = (struct audit_table){.name = "one"};
    return my_audit_told(&one, AUDIT_DECIMALS_PRECISE, arena, out, &err);
}

/* What consumers are told of a column and of a value in it is the same to the last byte. */
static void same_told(struct described *d, int i, const struct value *v)
{
    const struct my_column *c = &d->table->columns[i];
    struct arena arena = {0};
    struct audit_type known = {0};
    struct audit_table told;
    struct buf first = {0}, second = {0};
    enum sc_result catalog = by_catalog(c, &arena, &known), log = by_log(d, i, &arena, &told);
    const struct audit_type *t = &told.columns[0].type;
    if (catalog != log)
        complain(d->w, "%s: %s by the catalog, %s by the log", c->type, sc_result_name(catalog), sc_result_name(log));
    else if (log == SC_OK && (strcmp(known.head, t->head) != 0 || strcmp(known.tail, t->tail) != 0))
        complain(d->w, "%s: %s%s by the catalog, %s%s by the log", c->type, known.head, known.tail, t->head, t->tail);
    else if (log == SC_OK && v && v->state == VALUE_PRESENT &&
             (known.write(&first, &known, v->data, v->len) != t->write(&second, t, v->data, v->len) ||
              strcmp(buf_cstr(&first), buf_cstr(&second)) != 0))
        complain(d->w, "%s: %.200s by the catalog, %.200s by the log", c->type, buf_cstr(&first), buf_cstr(&second));
    buf_fini(&first);
    buf_fini(&second);
    audit_type_close(&known);
    audit_table_close(&told);
    arena_fini(&arena);
}

static void compare(void *arg, const struct change *change)
{
    struct described *d = arg;
    if (change->kind == CHANGE_RELATION) {
        assert_true(change->relation.told);
        assert_int_equal(change->relation.ncolumns, d->table->ncolumns);
        d->relation = change->relation;
        d->relation.columns = arena_array(&d->arena, d->relation.ncolumns, sizeof(*d->relation.columns));
        for (int i = 0; i < d->relation.ncolumns; i++) {
            struct relation_column *to = &d->relation.columns[i], from = change->relation.columns[i];
            const struct my_column *c = &d->table->columns[i];
            *to = from;
            to->name = arena_strdup(&d->arena, from.name);
            to->told_type = arena_strdup(&d->arena, from.told_type);
            to->told_charset = from.told_charset ? arena_strdup(&d->arena, from.told_charset) : NULL;
            if (strcmp(to->name, c->name) != 0 || to->told_optional == c->not_null || to->told_key != (i == 0))
                complain(d->w, "%s %s: %s, optional %d, key %d by the log", c->name, c->type, to->name,
                         to->told_optional, to->told_key);
            if (to->told_absent != (c->generated && (!c->stored || my_log_leaves_out_stored(&d->w->server))))
                complain(d->w, "%s %s: absent %d", c->name, c->type, to->told_absent);
        }
    }
    for (int i = 0; change->new_row && i < d->relation.ncolumns; i++)
        same_told(d, i, &change->new_row[i]);
    d->rows += change->new_row != NULL;
}

static void the_log_tells(struct world *w, const char *table, const struct position *from, int rows)
{
    struct opened o = open_table(table);
    struct source_config config;
    mysql_target.source_config(o.target, &config);
    assert_null(config.describes_if);
    struct described d = {.w = w, .table = &o.target->source};
    w->told = config.tables;
    each_change(w, d.table, from, compare, &d);
    w->told = NULL;
    assert_int_equal(d.rows, rows);
    arena_fini(&d.arena);
    close_table(&o);
}

/* A stream goes on with what the log tells as it began with what the catalog had. */
static void what_the_log_tells_of_every_type_is_what_the_catalog_has(void **state)
{
    struct world *w = need(state);
    struct sc_error err;
    only_if(my_run(w->sql, &err, "SET GLOBAL binlog_row_metadata = FULL") == SC_OK, "a server whose log can tell");
    struct matrix m;
    for (size_t at = 0; next_cases(w, &at, NULL, &m);) {
        make_tables(w, &m);
        the_log_tells(w, "v", &m.from, m.rows);
    }
    run(w->sql, "DROP TABLE IF EXISTS odd");
    run(w->sql,
        "CREATE TABLE odd (id int(8) unsigned zerofill PRIMARY KEY, d decimal(10,3) zerofill, f float(9,4) zerofill,"
        " c char(6) character set latin1, en enum('a','Ã¶') character set latin1, e16 enum('x','Ã¶') "
        "character set utf16, st set('p','q') character set ucs2, ej enum('ã') character set sjis, gv int "
        "GENERATED ALWAYS AS (d + 1) VIRTUAL, gs double GENERATED ALWAYS AS (d / 3) STORED, n int NOT NULL DEFAULT 7, "
        "ts timestamp(2) NULL, g3 char(3) character set utf8mb3, cb char(3) character set utf8mb4 collate utf8mb4_bin) "
        "CHARACTER SET utf8mb4");
    struct position from = log_end(w);
    run(w->sql, "INSERT INTO odd (id, d, f, c, en, e16, st, ej, ts, g3, cb) VALUES (1, 2.5, 3.5, 'Ã¶', 'Ã¶',"
                " 'Ã¶', 'p,q', 'ã', '2024-03-31 02:30:00.25', 'Ã¶', 'Ã¶')");
    the_log_tells(w, "odd", &from, 1);
    run(w->sql, "SET GLOBAL binlog_row_metadata = DEFAULT");
    assert_int_equal(w->wrong, 0);
}

static struct key *key_of(int count, const char *first, const char *second)
{
    struct key *key = mem_alloc(sizeof(*key));
    key->count = count;
    key->values = mem_array(2, sizeof(*key->values));
    key->values[0] = mem_strdup(first);
    key->values[1] = mem_strdup(second);
    return key;
}

static void a_range_is_read_without_its_lower_end(void **state)
{
    struct world *w = need(state);
    static struct rows read;
    run(w->sql, "DROP TABLE IF EXISTS k");
    run(w->sql, "CREATE TABLE k (n int NOT NULL, a varchar(10) NOT NULL, b int NOT NULL, PRIMARY KEY (a, b))");
    for (int i = 0; i < 20; i++)
        run(w->sql, "INSERT INTO k VALUES (%d, 'k%d', %d)", i, i / 5, i % 5);
    struct opened o = open_table("k");
    struct key *after = key_of(2, "6B31", "2"), *upto = key_of(2, "6B32", "3"); /* k1, k2 */
    struct chunk range = {.after = after, .upto = upto};
    read_table(&o, &range, &read);
    assert_int_equal(read.count, 6);
    for (int i = 0; i < 20; i++)
        assert_int_equal(read.row[i] != NULL, i > 7 && i <= 13);
    arena_fini(&read.arena);
    range.after = NULL;
    read_table(&o, &range, &read);
    assert_int_equal(read.count, 14);
    arena_fini(&read.arena);
    range.after = after;
    range.upto = NULL;
    read_table(&o, &range, &read);
    assert_int_equal(read.count, 12);
    arena_fini(&read.arena);
    key_free(after);
    key_free(upto);
    close_table(&o);
}

struct writer {
    struct world *world;
    int rows, end_at;
};

static enum sc_result write_meanwhile(void *arg, const struct value *row, struct sc_error *err)
{
    struct writer *to = arg;
    assert_int_equal(row[1].len, 1); /* 'a': as before */
    if (to->rows++ == 0) {
        run(to->world->sql, "UPDATE s SET v = 'bb'");
        run(to->world->sql, "INSERT INTO s SELECT id + 100000, 'bb', pad FROM s");
    }
    return to->rows == to->end_at ? error_set(err, SC_REFUSE, "enough") : SC_OK;
}

static void rows_are_those_of_one_moment(void **state)
{
    struct world *w = need(state);
    struct sc_error err;
    run(w->sql, "DROP TABLE IF EXISTS s");
    run(w->sql, "CREATE TABLE s (id int PRIMARY KEY AUTO_INCREMENT, v varchar(2), pad varchar(2000))");
    run(w->sql, "INSERT INTO s (v, pad) VALUES ('a', repeat('x', 2000))");
    for (int i = 0; i < 12; i++)
        run(w->sql, "INSERT INTO s (v, pad) SELECT v, pad FROM s");
    struct opened o = open_table("s");
    struct writer to = {.world = w};
    if (mysql_target.audit_rows(o.session, NULL, write_meanwhile, &to, &err) != SC_OK)
        fail_msg("%s", err.what);
    assert_int_equal(to.rows, 4096);
    close_table(&o);
}

static void who_takes_may_end_it_at_once(void **state)
{
    struct world *w = need(state);
    struct sc_error err;
    run(w->sql, "DROP TABLE IF EXISTS s");
    run(w->sql, "CREATE TABLE s (id int PRIMARY KEY AUTO_INCREMENT, v varchar(2), pad varchar(2000))");
    run(w->sql, "INSERT INTO s (v, pad) VALUES ('a', repeat('x', 2000))");
    for (int i = 0; i < 12; i++)
        run(w->sql, "INSERT INTO s (v, pad) SELECT v, pad FROM s");
    struct opened o = open_table("s");
    struct writer to = {.world = w, .end_at = 5};
    assert_int_equal(mysql_target.audit_rows(o.session, NULL, write_meanwhile, &to, &err), SC_REFUSE);
    assert_string_equal(err.what, "enough");
    assert_int_equal(to.rows, 5);
    assert_false(my_alive(o.session->conn));
    close_table(&o);
}

static void what_has_no_rows_to_read_is_refused(void **state)
{
    struct world *w = need(state);
    struct sc_error err;
    const char *url = getenv("SEACHANGE_TEST_MYSQL_URL"), *slash = strchr(url + strlen("mysql://"), '/');
    char *with = mem_printf("%.*s/sc_values", slash ? (int)(slash - url) : (int)strlen(url), url);
    run(w->sql, "DROP TABLE IF EXISTS keyless, aria");
    run(w->sql, "CREATE TABLE keyless (a int, UNIQUE (a))");
    run(w->sql, "CREATE TABLE aria (a int PRIMARY KEY) ENGINE=MyISAM");
    run(w->sql, "CREATE OR REPLACE VIEW seen AS SELECT * FROM keyless");
    static const char *const tables[][2] = {
        {"keyless", "no key"}, {"aria", "MyISAM"}, {"seen", "not an ordinary"}, {"none", "none"}};
    for (size_t i = 0; i < 4; i++) {
        struct target *t;
        struct migration_spec spec = {.url = with, .table = tables[i][0]};
        assert_int_equal(mysql_target.open(&spec, &t, &err), SC_OK);
        assert_int_equal(mysql_target.audit_open(t, &err), SC_REFUSE);
        if (!strstr(err.what, tables[i][1]))
            fail_msg("%s", err.what);
        mysql_target.close(t);
    }
    mem_free(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_read_as_the_log_has_it),
        cmocka_unit_test(numbers_of_chance_are_too),
        cmocka_unit_test(odd_columns_and_changed_rows_are_too),
        cmocka_unit_test(old_forms_of_times_are_too),
        cmocka_unit_test(what_the_log_tells_of_every_type_is_what_the_catalog_has),
        cmocka_unit_test(a_range_is_read_without_its_lower_end),
        cmocka_unit_test(rows_are_those_of_one_moment),
        cmocka_unit_test(who_takes_may_end_it_at_once),
        cmocka_unit_test(what_has_no_rows_to_read_is_refused),
    };
    return cmocka_run_group_tests_name("rows of MySQL and MariaDB as the log has them", tests, begin, end);
}
