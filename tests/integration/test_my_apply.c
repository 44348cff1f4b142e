/* Batches of changes on MySQL's and MariaDB's ghost. */
#include "applier/mysql/sets.h"
#include "mysql_migration.h"

static const char plain[] = "CREATE TABLE t (id int PRIMARY KEY, v varchar(20), u int NULL) ENGINE=InnoDB "
                            "CHARACTER SET utf8mb4";

static void begin_plain(struct world *w, const char *alter)
{
    run_on(w->sql, "%s", plain);
    start_migration(w, "t", alter);
}

static void assert_rows(struct world *w, const char *expected)
{
    assert_ghost(w, "SELECT GROUP_CONCAT(id, ':', COALESCE(v, '-'), ':', COALESCE(u, '-') ORDER BY id) FROM $",
                 expected);
}

static void lenient_changes_take_whatever_is_there(bool folded, struct world *w)
{
    begin_plain(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    give_insert(w, ROW("1", "one", NULL));
    give_insert(w, ROW("2", "two", NULL));
    must_apply(w, false, folded);
    assert_rows(w, "1:one:-,2:two:-");
    /* There already; not there; neither. */
    give_insert(w, ROW("1", "again", "1"));
    give_update(w, ROW("3", "three", NULL), ROW("3", "THREE", "3"));
    give_delete(w, ROW("9", "nine", NULL));
    give_update(w, ROW("2", "two", NULL), ROW("4", "moved", NULL));
    must_apply(w, false, folded);
    assert_rows(w, "1:again:1,3:THREE:3,4:moved:-");
}

static void a_lenient_folded_batch_takes_whatever_is_there(void **state)
{
    lenient_changes_take_whatever_is_there(true, need(state));
}

static void lenient_changes_one_by_one_take_whatever_is_there(void **state)
{
    lenient_changes_take_whatever_is_there(false, need(state));
}

static void strict_changes_are_applied(bool folded, struct world *w)
{
    begin_plain(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    give_insert(w, ROW("1", "one", NULL));
    give_insert(w, ROW("2", "it's \\ \"quoted\" \xc3\xa9", NULL));
    give_insert(w, ROW("3", "three", NULL));
    must_apply(w, true, folded);
    give_update(w, ROW("1", "one", NULL), ROW("1", NULL, "5"));
    give_delete(w, ROW("3", "three", NULL));
    give_update(w, ROW("2", "it's \\ \"quoted\" \xc3\xa9", NULL), ROW("4", "moved", "6"));
    give_insert(w, ROW("3", "new three", NULL));
    must_apply(w, true, folded);
    assert_rows(w, "1:-:5,3:new three:-,4:moved:6");
    assert_ghost(w, "SELECT SUM(extra) FROM $", "21");
}

static void a_strict_folded_batch_is_applied(void **state)
{
    strict_changes_are_applied(true, need(state));
}

static void strict_changes_one_by_one_are_applied(void **state)
{
    strict_changes_are_applied(false, need(state));
}

/* Each gives a change that contradicts the ghost, which has row 1. */
static void contradict(struct world *w, bool folded, int which)
{
    struct sc_error err = {0};
    run_on(w->sql, "DROP TABLE IF EXISTS t");
    begin_plain(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    give_insert(w, ROW("1", "one", NULL));
    must_apply(w, true, folded);
    if (which == 0)
        give_insert(w, ROW("1", "once more", NULL));
    else if (which == 1)
        give_update(w, ROW("2", "two", NULL), ROW("2", "TWO", NULL));
    else
        give_delete(w, ROW("2", "two", NULL));
    give_insert(w, ROW("5", "five", NULL));
    assert_int_equal(apply_given(w, true, folded, &err), SC_FAIL);
    assert_true(strlen(err.hint) > 0);
    assert_rows(w, "1:one:-");
    char *at = mem_printf("%d", 2);
    assert_answer(w->sql, "SELECT applied_order FROM _seachange_migration", at);
    mem_free(at);
}

static void a_strict_insert_of_a_row_that_is_there_stops(void **state)
{
    contradict(need(state), true, 0);
}
static void a_strict_update_of_a_row_that_is_not_there_stops(void **state)
{
    contradict(need(state), true, 1);
}
static void a_strict_delete_of_a_row_that_is_not_there_stops(void **state)
{
    contradict(need(state), true, 2);
}
static void one_by_one_a_strict_insert_of_a_row_that_is_there_stops(void **state)
{
    contradict(need(state), false, 0);
}
static void one_by_one_a_strict_update_of_a_row_that_is_not_there_stops(void **state)
{
    contradict(need(state), false, 1);
}
static void one_by_one_a_strict_delete_of_a_row_that_is_not_there_stops(void **state)
{
    contradict(need(state), false, 2);
}

static void truncate_empties_the_ghost_with_its_checkpoint(void **state)
{
    struct world *w = need(state);
    begin_plain(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    give_insert(w, ROW("1", "one", NULL));
    give_insert(w, ROW("2", "two", NULL));
    must_apply(w, true, true);
    give_truncate(w);
    give_insert(w, ROW("2", "after", NULL));
    must_apply(w, true, false);
    assert_rows(w, "2:after:-");
}

/* --- unique indexes ------------------------------------------------------------------------------------------------
 */

static void exchange(struct world *w, const char *table, const char *alter)
{
    run_on(w->sql, "%s", table);
    start_migration(w, "t", alter);
    give_insert(w, ROW("1", "a", "10"));
    give_insert(w, ROW("2", "b", "20"));
    give_insert(w, ROW("3", "c", "30"));
    must_apply(w, true, true);
    build_stages(w);
}

static void rows_that_exchange_a_unique_value_are_parked(void **state)
{
    struct world *w = need(state);
    exchange(w, "CREATE TABLE t (id int PRIMARY KEY, v varchar(20), u int NULL, UNIQUE KEY u (u)) ENGINE=InnoDB",
             "ADD COLUMN extra int NOT NULL DEFAULT 7");
    give_update(w, ROW("1", "a", "10"), ROW("1", "a", NULL));
    give_update(w, ROW("2", "b", "20"), ROW("2", "b", "10"));
    give_update(w, ROW("1", "a", NULL), ROW("1", "a", "20"));
    must_apply(w, true, true);
    assert_rows(w, "1:a:20,2:b:10,3:c:30");
    assert_true(w->session->apply->sets->parks);
}

/* The source went over a value that nobody has; NULL is not allowed. */
static void rows_that_exchange_a_unique_value_go_one_by_one_where_null_is_not_allowed(void **state)
{
    struct world *w = need(state);
    exchange(w, "CREATE TABLE t (id int PRIMARY KEY, v varchar(20), u int NOT NULL, UNIQUE KEY u (u)) ENGINE=InnoDB",
             "ADD COLUMN extra int NOT NULL DEFAULT 7");
    give_update(w, ROW("1", "a", "10"), ROW("1", "a", "99"));
    give_update(w, ROW("2", "b", "20"), ROW("2", "b", "10"));
    give_update(w, ROW("1", "a", "99"), ROW("1", "a", "20"));
    must_apply(w, true, true);
    assert_rows(w, "1:a:20,2:b:10,3:c:30");
}

static void rows_that_do_not_fit_a_new_unique_index_stop_and_name_it(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    exchange(w, "CREATE TABLE t (id int PRIMARY KEY, v varchar(20), u int NOT NULL) ENGINE=InnoDB",
             "ADD UNIQUE KEY only_once (u)");
    give_update(w, ROW("1", "a", "10"), ROW("1", "a", "20"));
    assert_int_equal(apply_given(w, true, true, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "only_once"));
    assert_rows(w, "1:a:10,2:b:20,3:c:30");
}

/* --- conversion ----------------------------------------------------------------------------------------------------
 */

static void columns_that_convert_are_converted_by_the_server(bool folded, struct world *w)
{
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, v varchar(20) CHARACTER SET latin1, u int NULL) ENGINE=InnoDB");
    start_migration(w, "t", "MODIFY v varchar(30) CHARACTER SET utf8mb4, MODIFY u varchar(10)");
    assert_true(w->session->apply == NULL);
    give_insert(w, ROW("1", "caf\xe9", "17"));
    give_insert(w, ROW("2", "two", NULL));
    must_apply(w, true, folded);
    assert_true(w->session->apply->sets->staged);
    give_update(w, ROW("2", "two", NULL), ROW("3", "\xfc", "-5"));
    must_apply(w, true, folded);
    give_delete(w, ROW("1", "caf\xe9", "17"));
    give_update(w, ROW("3", "\xfc", "-5"), ROW("3", "\xfc\xfc", "6"));
    must_apply(w, true, folded);
    assert_ghost(w, "SELECT GROUP_CONCAT(id, ':', HEX(v), ':', u) FROM $", "3:C3BCC3BC:6");
    give_insert(w, ROW("7", "seven", "7"));
    give_update(w, ROW("3", "\xfc\xfc", "6"), ROW("3", "x", "8"));
    must_apply(w, false, folded);
    assert_ghost(w, "SELECT GROUP_CONCAT(id, ':', v, ':', u ORDER BY id) FROM $", "3:x:8,7:seven:7");
}

static void columns_that_convert_are_converted_by_the_server_folded(void **state)
{
    columns_that_convert_are_converted_by_the_server(true, need(state));
}
static void columns_that_convert_are_converted_by_the_server_one_by_one(void **state)
{
    columns_that_convert_are_converted_by_the_server(false, need(state));
}

/* Rounding is what the server's own ALTER does; cutting off is not. */
static void a_value_that_does_not_fit_stops_and_says_of_which_column(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, v varchar(20), u decimal(10,4)) ENGINE=InnoDB");
    start_migration(w, "t", "MODIFY u decimal(10,2), MODIFY v varchar(5)");
    give_insert(w, ROW("1", "a", "1.2345"));
    must_apply(w, true, true);
    assert_ghost(w, "SELECT u FROM $", "1.23");
    give_insert(w, ROW("2", "secret", "1.5000"));
    assert_int_equal(apply_given(w, true, true, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "'v'"));
    assert_null(strstr(err.what, "secret"));
    assert_ghost(w, "SELECT COUNT(*) FROM $", "1");
}

/* As many bytes as the server takes in one statement, less a bit: as digits they are twice as many. */
static void a_row_that_is_larger_than_a_statement_is_sent_in_pieces(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, b longblob, v longtext CHARACTER SET latin1) ENGINE=InnoDB");
    start_migration(w, "t", "MODIFY b longblob COMMENT 'large', ADD COLUMN extra int NOT NULL DEFAULT 7");
    size_t size = w->server.max_allowed_packet / 20 * 7;
    struct value *row = row_of(w, 3, (const char *const[]){"1", "", ""});
    char *bytes = arena_alloc(&w->arena, size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 7 % 251);
    row[1] = row[2] = (struct value){.state = VALUE_PRESENT, .len = (uint32_t)size, .data = bytes};
    give_insert(w, ROW("2", "before", "x"));
    give(w, (struct change){.kind = CHANGE_INSERT, .ncolumns = 3, .new_row = row});
    give_insert(w, ROW("3", "behind", "x"));
    must_apply(w, true, true);
    give(w, (struct change){.kind = CHANGE_UPDATE, .ncolumns = 3, .old_row = row, .new_row = row});
    must_apply(w, true, false);
    char *length = mem_printf("3 %zu", size);
    assert_ghost(w, "SELECT CONCAT((SELECT COUNT(*) FROM $), ' ', LENGTH(b)) FROM $ WHERE id = 1", length);
    assert_ghost(w, "SELECT CRC32(b) = CRC32(v) FROM $ WHERE id = 1", "1");
    assert_ghost(w, "SELECT HEX(SUBSTRING(b, 249, 5)) FROM $ WHERE id = 1", "E6EDF40007");
    mem_free(length);
}

/* --- keys ----------------------------------------------------------------------------------------------------------
 */

static void keys_of_several_columns_and_of_text_find_their_rows(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, "CREATE TABLE t (a varbinary(10), b bigint unsigned, v varchar(20), PRIMARY KEY (a, b)) "
                   "ENGINE=InnoDB");
    start_migration(w, "t", "ADD COLUMN extra int NOT NULL DEFAULT 7");
    give_insert(w, ROW("x", "18446744073709551615", "one"));
    give_insert(w, ROW("x'", "0", "two"));
    give_insert(w, ROW("", "0", "three"));
    must_apply(w, true, true);
    give_update(w, ROW("x", "18446744073709551615", "one"), ROW("x", "18446744073709551615", "ONE"));
    give_delete(w, ROW("x'", "0", "two"));
    give_update(w, ROW("", "0", "three"), ROW("", "1", "THREE"));
    must_apply(w, true, true);
    assert_ghost(w, "SELECT GROUP_CONCAT(a, ':', b, ':', v ORDER BY a, b) FROM $",
                 ":1:THREE,x:18446744073709551615:ONE");
}

static void changes_only_its_case(bool folded, struct world *w)
{
    run_on(w->sql, "CREATE TABLE t (id varchar(20) PRIMARY KEY, v varchar(20), u int) ENGINE=InnoDB "
                   "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci");
    start_migration(w, "t", "ADD COLUMN extra int NOT NULL DEFAULT 7");
    give_insert(w, ROW("abc", "one", "1"));
    give_insert(w, ROW("def", "two", "2"));
    must_apply(w, true, folded);
    give_update(w, ROW("abc", "one", "1"), ROW("ABC", "one", "1"));
    give_delete(w, ROW("def", "two", "2"));
    give_insert(w, ROW("DEF", "three", "3"));
    must_apply(w, true, folded);
    assert_ghost(w, "SELECT GROUP_CONCAT(id, ':', v ORDER BY id) FROM $", "ABC:one,DEF:three");
    give_update(w, ROW("ABC", "one", "1"), ROW("aBc", "ONE", "1"));
    give_insert(w, ROW("deF", "four", "3"));
    must_apply(w, false, folded);
    assert_ghost(w, "SELECT GROUP_CONCAT(id, ':', v ORDER BY id) FROM $", "aBc:ONE,deF:four");
}

static void a_key_that_changes_only_its_case_is_the_same_row_folded(void **state)
{
    changes_only_its_case(true, need(state));
}

static void a_key_that_changes_only_its_case_is_the_same_row_one_by_one(void **state)
{
    changes_only_its_case(false, need(state));
}

/* --- parts ---------------------------------------------------------------------------------------------------------
 */

/* The first binary log, in the order of positions. */
#define FILE_1 (UINT64_C(1) << 40)

static void a_batch_in_parts_is_applied_once(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    exchange(w, "CREATE TABLE t (id int PRIMARY KEY, v varchar(20), u int NULL, UNIQUE KEY u (u)) ENGINE=InnoDB",
             "ADD COLUMN extra int NOT NULL DEFAULT 7");
    int steps = -1;
    must(mysql_target.parts_steps(w->session, true, &steps, &err), &err);
    assert_int_equal(steps, 2);
    give_update(w, ROW("1", "a", "10"), ROW("1", "a", NULL));
    give_update(w, ROW("2", "b", "20"), ROW("2", "b", "10"));
    give_update(w, ROW("1", "a", NULL), ROW("1", "a", "20"));
    give_delete(w, ROW("3", "c", "30"));
    give_insert(w, ROW("4", "d", "30"));
    struct batch batch = batch_of(w, true, true);
    struct parts_cut cut = {
        .parts = 3, .steps = 2, .last = {.order = FILE_1 | 77, .text = "binlog.000001:77"}, .last_changes = 5};
    for (int step = 1; step <= 2; step++) {
        for (uint32_t part = 0; part < 3; part++) {
            batch.part = part;
            batch.parts = 3;
            must(mysql_target.part_apply(w->session, &batch, &cut, step, &err), &err);
            /* Once more: it is in. */
            must(mysql_target.part_apply(w->session, &batch, &cut, step, &err), &err);
        }
        struct parts_cut found;
        must(mysql_target.parts_pending(w->session, &found, &err), &err);
        assert_int_equal(found.parts, 3);
        assert_int_equal(found.steps, 2);
        assert_int_equal(found.last.order, FILE_1 | 77);
        assert_int_equal(found.last_changes, 5);
    }
    assert_rows(w, "1:a:20,2:b:10,4:d:30");
    struct parts_cut other = cut;
    other.last.order = FILE_1 | 78;
    assert_int_equal(mysql_target.part_apply(w->session, &batch, &other, 2, &err), SC_FAIL);
    must(mysql_target.parts_end(w->session, &batch, &err), &err);
    must(mysql_target.parts_pending(w->session, &cut, &err), &err);
    assert_int_equal(cut.parts, 0);
}

static void steps_of(struct world *w, const char *table, int expected)
{
    struct sc_error err = {0};
    exchange(w, table, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    int steps = -1;
    must(mysql_target.parts_steps(w->session, true, &steps, &err), &err);
    assert_int_equal(steps, expected);
    must(mysql_target.parts_steps(w->session, false, &steps, &err), &err);
    assert_int_equal(steps, 1);
}

static void without_unique_indexes_a_batch_in_parts_has_one_step(void **state)
{
    steps_of(need(state), "CREATE TABLE t (id int PRIMARY KEY, v varchar(20), u int NOT NULL, KEY u (u)) ENGINE=InnoDB",
             1);
}
static void a_batch_is_not_cut_where_a_unique_value_cannot_be_null(void **state)
{
    steps_of(need(state),
             "CREATE TABLE t (id int PRIMARY KEY, v varchar(20), u int NOT NULL, UNIQUE KEY u (u)) ENGINE=InnoDB", 0);
}
static void a_batch_is_not_cut_where_a_check_would_see_null(void **state)
{
    steps_of(need(state),
             "CREATE TABLE t (id int PRIMARY KEY, v varchar(20), u int NULL, UNIQUE KEY u (u), CHECK (u > 0)) "
             "ENGINE=InnoDB",
             0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lenient_folded_batch_takes_whatever_is_there),
        TEST(lenient_changes_one_by_one_take_whatever_is_there),
        TEST(a_strict_folded_batch_is_applied),
        TEST(strict_changes_one_by_one_are_applied),
        TEST(a_strict_insert_of_a_row_that_is_there_stops),
        TEST(a_strict_update_of_a_row_that_is_not_there_stops),
        TEST(a_strict_delete_of_a_row_that_is_not_there_stops),
        TEST(one_by_one_a_strict_insert_of_a_row_that_is_there_stops),
        TEST(one_by_one_a_strict_update_of_a_row_that_is_not_there_stops),
        TEST(one_by_one_a_strict_delete_of_a_row_that_is_not_there_stops),
        TEST(truncate_empties_the_ghost_with_its_checkpoint),
        TEST(rows_that_exchange_a_unique_value_are_parked),
        TEST(rows_that_exchange_a_unique_value_go_one_by_one_where_null_is_not_allowed),
        TEST(rows_that_do_not_fit_a_new_unique_index_stop_and_name_it),
        TEST(columns_that_convert_are_converted_by_the_server_folded),
        TEST(columns_that_convert_are_converted_by_the_server_one_by_one),
        TEST(a_value_that_does_not_fit_stops_and_says_of_which_column),
        TEST(a_row_that_is_larger_than_a_statement_is_sent_in_pieces),
        TEST(keys_of_several_columns_and_of_text_find_their_rows),
        TEST(a_key_that_changes_only_its_case_is_the_same_row_folded),
        TEST(a_key_that_changes_only_its_case_is_the_same_row_one_by_one),
        TEST(a_batch_in_parts_is_applied_once),
        TEST(without_unique_indexes_a_batch_in_parts_has_one_step),
        TEST(a_batch_is_not_cut_where_a_unique_value_cannot_be_null),
        TEST(a_batch_is_not_cut_where_a_check_would_see_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
