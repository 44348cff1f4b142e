/* Foreign keys over the swap on MySQL and MariaDB, and what is found again when the program dies between two steps. */
#include "mysql_migration.h"

static void begin(struct world *w, const char *alter)
{
    struct sc_error err = {0};
    run_on(w->sql, "CREATE TABLE parent (id int PRIMARY KEY)");
    run_on(w->sql, "INSERT INTO parent VALUES (1), (2), (3), (4)");
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, p int, q int, CONSTRAINT one FOREIGN KEY (p) REFERENCES parent "
                   "(id), FOREIGN KEY (q) REFERENCES parent (id))");
    run_on(w->sql, "INSERT INTO t VALUES (1, 1, 1), (2, 2, NULL)");
    start_migration(w, "t", alter);
    struct chunk all = {.number = 0};
    uint64_t rows;
    must(mysql_target.chunk_copy(w->session, &all, &rows, &err), &err);
    build_stages(w);
}

static void swap(struct world *w)
{
    struct sc_error err = {0};
    must(mysql_target.enter_phase(w->t, PHASE_CUTOVER, &err), &err);
    must(mysql_target.cutover_ready(w->session, &err), &err);
    must(mysql_target.cutover_lock(w->session, 1000, &err), &err);
    must(mysql_target.cutover_swap(w->session, &err), &err);
}

/* As if the program had died. */
static void die_and_come_back(struct world *w, const char *alter)
{
    struct sc_error err = {0};
    mysql_target.session_close(w->session);
    w->session = NULL;
    mysql_target.close(w->t);
    struct migration_spec spec = {
        .url = w->url, .table = "t", .alter = alter, .workers = 2, .lock_timeout_ms = 500, .slot_wait_ms = 1000};
    must(mysql_target.open(&spec, &w->t, &err), &err);
    must(mysql_target.begin(w->t, &err), &err);
    assert_int_equal(w->t->migration.phase, PHASE_CLEANUP);
}

static void finish(struct world *w, struct strlist *notes)
{
    struct sc_error err = {0};
    must(mysql_target.finish(w->t, notes, &err), &err);
}

static void assert_keys(struct world *w, const char *table, const char *names)
{
    char *sql = mem_printf("SELECT COALESCE(GROUP_CONCAT(CONSTRAINT_NAME ORDER BY CONSTRAINT_NAME), '') FROM "
                           "information_schema.TABLE_CONSTRAINTS WHERE TABLE_SCHEMA = 'sc_data' AND CONSTRAINT_TYPE = "
                           "'FOREIGN KEY' AND TABLE_NAME = '%s'",
                           table);
    assert_answer(w->sql, sql, names);
    mem_free(sql);
}

static bool noted(const struct strlist *notes, const char *text)
{
    for (size_t i = 0; i < notes->count; i++)
        if (strstr(notes->items[i], text))
            return true;
    return false;
}

static void keys_are_on_the_new_table_as_soon_as_it_is_swapped_and_never_before(void **state)
{
    struct world *w = need(state);
    struct strlist notes = {0};
    begin(w, "ADD x int");
    assert_keys(w, w->t->ghost_name, "");
    assert_keys(w, "t", "one,t_ibfk_1");
    swap(w);
    assert_keys(w, "t", "one,t_ibfk_1");
    assert_keys(w, w->t->old_name, "");
    struct sc_error err = {0};
    assert_int_equal(my_run(w->sql, &err, "INSERT INTO t (id, p) VALUES (9, 99)"), SC_FAIL);
    assert_int_equal(my_run(w->sql, &err, "DELETE FROM parent WHERE id = 1"), SC_FAIL);
    run_on(w->sql, "DELETE FROM t WHERE id = 1");
    run_on(w->sql, "DELETE FROM parent WHERE id = 1"); /* the old table does not keep it */
    finish(w, &notes);
    assert_false(noted(&notes, "foreign key"));
    strlist_fini(&notes);
}

static void a_key_that_was_dropped_and_not_yet_put_on_comes_when_it_goes_on(void **state)
{
    struct world *w = need(state);
    struct strlist notes = {0};
    begin(w, "ADD x int");
    swap(w);
    /* It died behind the DROP. */
    run_on(w->sql, "ALTER TABLE t DROP FOREIGN KEY one, DROP FOREIGN KEY t_ibfk_1");
    die_and_come_back(w, "ADD x int");
    finish(w, &notes);
    assert_keys(w, "t", "one,t_ibfk_1");
    assert_false(noted(&notes, "foreign key"));
    strlist_fini(&notes);
}

static void rows_that_came_while_a_key_was_not_there_are_said(void **state)
{
    struct world *w = need(state);
    struct strlist notes = {0};
    begin(w, "ADD x int");
    swap(w);
    run_on(w->sql, "ALTER TABLE t DROP FOREIGN KEY one");
    run_on(w->sql, "INSERT INTO t (id, p) VALUES (9, 987654321)");
    die_and_come_back(w, "ADD x int");
    finish(w, &notes);
    assert_keys(w, "t", "one,t_ibfk_1");
    assert_true(noted(&notes, "foreign key one: some rows"));
    assert_true(noted(&notes, "SELECT child.* FROM `sc_data`.`t`"));
    assert_false(noted(&notes, "foreign key t_ibfk_1"));
    assert_false(noted(&notes, "987654321"));
    strlist_fini(&notes);
}

static void the_old_table_s_keys_are_dropped_when_it_goes_on(void **state)
{
    struct world *w = need(state);
    struct strlist notes = {0};
    begin(w, "ADD x int");
    swap(w);
    /* It died before the DROP. */
    run_on(w->sql, "ALTER TABLE t DROP FOREIGN KEY one, DROP FOREIGN KEY t_ibfk_1");
    run_on(w->sql, "ALTER TABLE `%s` ADD CONSTRAINT one FOREIGN KEY (p) REFERENCES parent (id)", w->t->old_name);
    die_and_come_back(w, "ADD x int");
    finish(w, &notes);
    assert_keys(w, "t", "one,t_ibfk_1");
    assert_keys(w, w->t->old_name, "");
    strlist_fini(&notes);
}

/* Somebody else took the name: the migration is done, and says what is not. */
static void a_key_that_cannot_be_put_on_is_said_with_its_statement(void **state)
{
    struct world *w = need(state);
    struct strlist notes = {0};
    begin(w, "ADD x int");
    swap(w);
    run_on(w->sql, "ALTER TABLE t DROP FOREIGN KEY one");
    run_on(w->sql, "CREATE TABLE thief (p int, CONSTRAINT one FOREIGN KEY (p) REFERENCES parent (id))");
    die_and_come_back(w, "ADD x int");
    finish(w, &notes);
    assert_true(noted(&notes, "foreign key one failed"));
    assert_true(noted(&notes, "ADD CONSTRAINT `one` FOREIGN KEY (`p`) REFERENCES `sc_data`.`parent` (`id`)"));
    assert_keys(w, "t", "t_ibfk_1");
    strlist_fini(&notes);
}

static void a_plan_leaves_nothing_of_what_it_tried(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    struct plan plan = {0};
    run_on(w->sql, "CREATE TABLE parent (id int PRIMARY KEY)");
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, p int, CONSTRAINT one FOREIGN KEY (p) REFERENCES parent (id))");
    struct migration_spec spec = {.url = w->url,
                                  .table = "t",
                                  .alter = "ADD q int, ADD FOREIGN KEY (q) REFERENCES parent (id)",
                                  .workers = 2,
                                  .lock_timeout_ms = 500,
                                  .slot_wait_ms = 1000};
    must(mysql_target.open(&spec, &w->t, &err), &err);
    must(mysql_target.plan(w->t, &plan, &err), &err);
    assert_int_equal(plan.refusals.count, 0);
    assert_true(noted(&plan.statements, "ADD CONSTRAINT `t_ibfk_1` FOREIGN KEY (`q`)"));
    assert_true(noted(&plan.statements, "ADD CONSTRAINT `one` FOREIGN KEY (`p`)"));
    assert_true(noted(&plan.notes, "foreign key one: put on the new table"));
    assert_answer(w->sql,
                  "SELECT GROUP_CONCAT(TABLE_NAME ORDER BY TABLE_NAME) FROM information_schema.TABLES WHERE "
                  "TABLE_SCHEMA = 'sc_data'",
                  "parent,t");
    assert_keys(w, "t", "one");
    plan_fini(&plan);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(keys_are_on_the_new_table_as_soon_as_it_is_swapped_and_never_before),
        WITH_WORLD(a_key_that_was_dropped_and_not_yet_put_on_comes_when_it_goes_on),
        WITH_WORLD(rows_that_came_while_a_key_was_not_there_are_said),
        WITH_WORLD(the_old_table_s_keys_are_dropped_when_it_goes_on),
        WITH_WORLD(a_key_that_cannot_be_put_on_is_said_with_its_statement),
        WITH_WORLD(a_plan_leaves_nothing_of_what_it_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
