/* Planning, preparing, resuming, listing and removing a migration on MySQL and MariaDB. */
#include "applier/mysql/ghost.h"
#include "applier/mysql/state.h"
#include "mysql_migration.h"

static struct target *open_target(struct world *w, const char *table, const char *alter, const char *id)
{
    struct sc_error err = {0};
    struct migration_spec spec = {
        .url = w->url, .table = table, .alter = alter, .id = id, .workers = 2, .lock_timeout_ms = 500};
    struct target *t = NULL;
    must(mysql_target.open(&spec, &t, &err), &err);
    return t;
}

static void assert_tables(struct world *w, const char *expected)
{
    assert_answer(w->sql,
                  "SELECT GROUP_CONCAT(TABLE_NAME ORDER BY TABLE_NAME) FROM information_schema.TABLES WHERE "
                  "TABLE_SCHEMA = 'sc_data'",
                  expected);
}

static void print_reasons(const struct plan *plan)
{
    for (size_t i = 0; i < plan->refusals.count; i++)
        print_error("refused: %s\n", plan->refusals.items[i]);
}

static bool plan_has(const struct strlist *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strstr(list->items[i], text))
            return true;
    return false;
}

static void assert_refused(struct world *w, const char *table, const char *alter, const char *reason)
{
    struct sc_error err = {0};
    struct plan plan = {0};
    struct target *t = open_target(w, table, alter, NULL);
    must(mysql_target.plan(t, &plan, &err), &err);
    if (!plan_has(&plan.refusals, reason)) {
        print_reasons(&plan);
        fail_msg("%s, %s: not refused because \"%s\"", table, alter, reason);
    }
    plan_fini(&plan);
    mysql_target.close(t);
}

#define TABLE                                                                                                          \
    "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a int NOT NULL, b varchar(30), UNIQUE KEY u (b), KEY k (a, "   \
    "b)) "                                                                                                             \
    "ENGINE=InnoDB COMMENT 'it''s a \\\\ comment'"

/* --- plan --------------------------------------------------------------------------------------------------------- */

static void a_plan_says_what_would_be_done_and_leaves_nothing(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    struct plan plan = {0};
    run_on(w->sql, TABLE);
    struct target *t = open_target(w, "sc_data.t", "MODIFY a bigint NOT NULL, DROP KEY k", NULL);
    must(mysql_target.plan(t, &plan, &err), &err);
    print_reasons(&plan);
    assert_int_equal(plan.refusals.count, 0);
    assert_string_equal(plan.table, "sc_data.t");
    assert_true(plan_has(&plan.statements, "MODIFY a bigint NOT NULL, DROP KEY k"));
    assert_true(plan_has(&plan.statements, "ADD UNIQUE KEY `u` (`b`)"));
    assert_false(plan_has(&plan.statements, "KEY `k`"));
    assert_true(plan_has(&plan.statements, "RENAME TABLE `sc_data`.`t` TO"));
    plan_fini(&plan);
    mysql_target.close(t);
    assert_tables(w, "t");
}

static void every_table_that_cannot_be_migrated_is_refused_with_the_reason(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, TABLE);
    run_on(w->sql, "CREATE VIEW v AS SELECT * FROM t");
    run_on(w->sql, "CREATE TABLE isam (id int PRIMARY KEY) ENGINE=MyISAM");
    run_on(w->sql, "CREATE TABLE keyless (a int UNIQUE, b varchar(300), KEY (b(10)))");
    run_on(w->sql, "CREATE TABLE prefix (b varchar(300) NOT NULL, UNIQUE KEY (b(10)))");
    run_on(w->sql, "CREATE TABLE parent (id int PRIMARY KEY)");
    run_on(w->sql,
           "CREATE TABLE child (id int PRIMARY KEY, p int, CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (id))");
    run_on(w->sql,
           "CREATE TABLE self (id int PRIMARY KEY, p int, CONSTRAINT own FOREIGN KEY (p) REFERENCES self (id))");
    assert_refused(w, "v", "ADD x int", "it is a view");
    assert_refused(w, "isam", "ADD x int", "its engine is MyISAM");
    assert_refused(w, "keyless", "ADD x int", "it has no key");
    assert_refused(w, "prefix", "ADD x int", "it has no key");
    assert_refused(w, "self", "ADD x int", "foreign key own refers to the table itself");
    assert_refused(w, "parent", "ADD x int", "table sc_data.child refers to it (foreign key fk)");
    assert_refused(w, "mysql.user", "ADD x int", "belongs to the system");
    if (w->server.family == MY_MARIADB) {
        run_on(w->sql, "CREATE SEQUENCE sequence1");
        run_on(w->sql, "CREATE TABLE versioned (id int PRIMARY KEY) WITH SYSTEM VERSIONING");
        assert_refused(w, "sequence1", "ADD x int", "it is a sequence");
        assert_refused(w, "versioned", "ADD x int", "system-versioned");
    }
}

static void every_alter_that_cannot_be_done_is_refused_and_leaves_nothing(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, TABLE);
    assert_refused(w, "t", "ADD a int", "Duplicate column name 'a'");
    assert_refused(w, "t", "nonsense", "the ALTER fails on an empty copy");
    assert_refused(w, "t", "RENAME TO x", "RENAME TO");
    assert_refused(w, "t", "ENGINE=MyISAM", "InnoDB");
    assert_refused(w, "t", "MODIFY id int, DROP PRIMARY KEY, ADD PRIMARY KEY (a)", "another primary key");
    assert_refused(w, "t", "DROP COLUMN id", "drops column id of the key");
    assert_refused(w, "t",
                   "DROP PRIMARY KEY, DROP COLUMN id, ADD COLUMN id bigint NOT NULL FIRST, ADD PRIMARY KEY (id)",
                   "drops column id of the key");
    assert_refused(w, "t", "ADD FOREIGN KEY (a) REFERENCES t (id)", "refers to the table itself");
    assert_refused(w, "t", "ADD FOREIGN KEY (a) REFERENCES nowhere (id)", "cannot be put on the new table");
    assert_refused(w, "t", "DROP FOREIGN KEY nothing", "there is no foreign key nothing");
    assert_refused(w, "t", "ADD p point NOT NULL", "NOT NULL without a default");
    run_on(w->sql, "CREATE TABLE texts (k varchar(20) COLLATE utf8mb4_bin PRIMARY KEY)");
    assert_refused(w, "texts", "MODIFY k varchar(20) COLLATE utf8mb4_general_ci", "two rows could have the same key");
    assert_refused(w, "texts", "MODIFY k varchar(10) COLLATE utf8mb4_bin", "two rows could have the same key");
    assert_tables(w, "t,texts");
}

static void a_table_that_is_not_there_is_refused(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    struct plan plan = {0};
    struct target *t = open_target(w, "nothing", "ADD x int", NULL);
    assert_int_equal(mysql_target.plan(t, &plan, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "there is no table nothing"));
    plan_fini(&plan);
    mysql_target.close(t);
}

static void what_a_killed_plan_left_is_removed_by_the_next_migration_and_nothing_else(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    run_on(w->sql, TABLE);
    run_on(w->sql, "CREATE TABLE t_seachange_new_0000dead LIKE t");
    run_on(w->sql, "CREATE TABLE t_seachange_new_0000beef LIKE t");
    run_on(w->sql, "INSERT INTO t_seachange_new_0000beef VALUES (1, 1, 'rows of somebody')");
    run_on(w->sql, "CREATE TABLE t_seachange_new_00000a11 LIKE t");
    run_on(w->sql, "CREATE TABLE other_seachange_new_00000001 (a int)");
    run_on(w->other, "DO GET_LOCK('seachange 00000a11 0', 0)"); /* a plan that is at work */
    struct target *t = open_target(w, "t", "ADD x int", NULL);
    must(mysql_target.begin(t, &err), &err);
    mysql_target.close(t);
    assert_tables(w, "other_seachange_new_00000001,t,t_seachange_new_00000a11,t_seachange_new_0000beef");
}

/* --- the ghost ---------------------------------------------------------------------------------------------------- */

static char *without_counter(const char *create)
{
    const char *from = strchr(create, '\n'), *counter = strstr(from, " AUTO_INCREMENT=");
    if (!counter)
        return mem_strdup(from);
    return mem_printf("%.*s%s", (int)(counter - from), from, counter + 1 + strcspn(counter + 1, " "));
}

static void assert_same_definition(struct world *w, const char *expected_table)
{
    struct sc_error err = {0};
    struct my_table ghost, expected;
    must(my_table_load(w->sql, "sc_data", w->t->ghost_name, &ghost, &err), &err);
    must(my_table_load(w->sql, "sc_data", expected_table, &expected, &err), &err);
    /* Behind the name, and without the counter. */
    char *a = without_counter(ghost.create), *b = without_counter(expected.create);
    assert_string_equal(a, b);
    mem_free(a);
    mem_free(b);
    my_table_fini(&ghost);
    my_table_fini(&expected);
}

static void the_ghost_has_nothing_but_its_key_and_everything_comes_back(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, TABLE);
    run_on(w->sql, "CREATE TABLE native LIKE t");
    static const char alter[] = "MODIFY a bigint NOT NULL, ADD FULLTEXT KEY f (b), ADD KEY n (b(3), id DESC)";
    run_on(w->sql, "ALTER TABLE native %s", alter);
    start_migration(w, "t", alter);
    assert_int_equal(w->t->ghost.nindexes, 5);
    assert_answer(w->sql,
                  "SELECT GROUP_CONCAT(DISTINCT INDEX_NAME) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = "
                  "'sc_data' AND TABLE_NAME LIKE 't\\_seachange%'",
                  "PRIMARY");
    build_stages(w);
    assert_same_definition(w, "native");
}

static void a_new_column_that_is_not_null_has_a_default_while_it_is_filled(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, TABLE);
    start_migration(w, "t", "ADD n int NOT NULL, ADD s text NOT NULL, ADD e enum('it''s','b') NOT NULL");
    assert_ghost(w, "SELECT COUNT(*) FROM $", "0");
    run_on(w->sql, "INSERT INTO `%s` (id, a) VALUES (1, 1)", w->t->ghost_name);
    assert_ghost(w, "SELECT CONCAT(n, '|', s, '|', e) FROM $", "0||it's");
    int defaults = 0;
    for (int i = 0; i < w->t->ntodo; i++)
        defaults += w->t->todo[i].stage == MY_STAGE_POST && strstr(w->t->todo[i].sql, "DROP DEFAULT");
    assert_int_equal(defaults, 3);
}

static void columns_are_found_by_the_names_the_alter_gives_them(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, a int, b int, c int, d int)");
    start_migration(w, "t", "CHANGE a b int, CHANGE b a bigint, DROP COLUMN c, ADD c int, DROP d");
    const struct my_map *map = &w->t->map;
    assert_int_equal(map->ncolumns, 3);
    for (int i = 0; i < map->ncolumns; i++) {
        const char *from = w->t->source.columns[map->columns[i].source_column].name, *to = map->columns[i].ghost_column;
        if (strcmp(from, "a") == 0)
            assert_string_equal(to, "b");
        if (strcmp(from, "b") == 0)
            assert_string_equal(to, "a");
        assert_int_equal(map->columns[i].converts, strcmp(from, "b") == 0);
    }
}

static void a_key_that_the_alter_leaves_without_an_index_gets_one_for_a_while(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, TABLE);
    start_migration(w, "t", "DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)");
    assert_string_equal(w->t->key.ghost_index_name, MY_HELPER_KEY);
    assert_false(w->t->key.ghost_primary);
    run_on(w->sql, "INSERT INTO `%s` (id, a) VALUES (1, 1)", w->t->ghost_name);
    struct sc_error err = {0};
    char *sql = mem_printf("INSERT INTO `%s` (id, a) VALUES (1, 2)", w->t->ghost_name);
    assert_int_equal(my_run(w->sql, &err, sql), SC_FAIL);
    assert_int_equal(my_errno(w->sql), 1062);
    mem_free(sql);
}

static void a_counter_that_is_unique_beside_the_key_is_not_unique_while_it_is_filled(void **state)
{
    struct world *w = need(state);
    run_on(w->sql,
           "CREATE TABLE t (k int PRIMARY KEY, n int NOT NULL AUTO_INCREMENT, a int, UNIQUE KEY u (n), KEY a (a))");
    run_on(w->sql, "CREATE TABLE native LIKE t");
    run_on(w->sql, "ALTER TABLE native MODIFY a bigint");
    start_migration(w, "t", "MODIFY a bigint");
    run_on(w->sql, "INSERT INTO `%s` (k, n) VALUES (1, 1), (2, 1)", w->t->ghost_name);
    run_on(w->sql, "DELETE FROM `%s`", w->t->ghost_name);
    build_stages(w);
    assert_same_definition(w, "native");
}

/* --- one at a time, and again ------------------------------------------------------------------------------------- */

static void a_second_instance_is_refused_and_so_is_another_alter(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    run_on(w->sql, TABLE);
    start_migration(w, "t", "ADD x int");
    struct target *second = open_target(w, "sc_data.t", "ADD x int", NULL);
    assert_int_equal(mysql_target.begin(second, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "another seachange is working on table"));
    mysql_target.close(second);
    mysql_target.session_close(w->session);
    mysql_target.close(w->t);
    w->session = NULL;
    w->t = open_target(w, "t", "ADD y int", NULL);
    assert_int_equal(mysql_target.begin(w->t, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "with another ALTER is stored"));
}

static void whoever_takes_over_finds_all_of_it_and_the_one_before_changes_nothing_more(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    run_on(w->sql, TABLE);
    start_migration(w, "t", "MODIFY a bigint NOT NULL, ADD KEY n (a)");
    struct target *first = w->t;
    run_on(w->sql, "KILL %lu", first->control->thread_id); /* its lock is free, and it does not know */
    w->t = open_target(w, "t", "MODIFY a bigint NOT NULL, ADD KEY n (a)", NULL);
    must(mysql_target.begin(w->t, &err), &err);
    assert_true(w->t->migration.resumed);
    assert_int_equal(w->t->migration.phase, PHASE_COPY);
    assert_string_equal(w->t->migration.id, first->migration.id);
    assert_string_equal(w->t->migration.applied.text, first->migration.applied.text);
    assert_string_equal(w->t->ghost_name, first->ghost_name);
    assert_int_equal(w->t->ntodo, first->ntodo);
    for (int i = 0; i < first->ntodo; i++)
        assert_string_equal(w->t->todo[i].sql, first->todo[i].sql);
    assert_int_equal(w->t->map.ncolumns, first->map.ncolumns);
    assert_string_equal(w->t->key.index_name, "PRIMARY");
    /* The first one's session was ended; one that it opens now is refused by the token. */
    assert_int_equal(mysql_target.checkpoint_load(w->session, &err), SC_RETRY);
    mysql_target.session_close(w->session);
    w->session = NULL;
    struct session *late = NULL;
    must(mysql_target.session_open(first, "late", &late, &err), &err);
    struct position at = {.order = UINT64_C(1) << 40 | 5, .text = "binlog.000001:5"}, none = {0};
    assert_int_equal(my_checkpoint_write(first, late->conn, &at, &none, 0, &err), SC_FENCED);
    assert_non_null(strstr(err.what, "has taken migration"));
    mysql_target.session_close(late);
    mysql_target.close(first);
    must(mysql_target.check(w->t, &err), &err);
}

static void assert_begin_refuses(struct world *w, const char *change, const char *reason)
{
    struct sc_error err = {0};
    run_on(w->sql, "%s", change);
    struct target *t = open_target(w, "t", "ADD x int", NULL);
    assert_int_equal(mysql_target.begin(t, &err), SC_REFUSE);
    if (!strstr(err.what, reason))
        fail_msg("refused with: %s", err.what);
    mysql_target.close(t);
}

static void state_of_another_server_or_a_newer_seachange_is_refused(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, TABLE);
    start_migration(w, "t", "ADD x int");
    mysql_target.session_close(w->session);
    mysql_target.close(w->t);
    w->session = NULL;
    w->t = NULL;
    run_on(w->sql, "CREATE TABLE was AS SELECT * FROM _seachange_migration");
    assert_begin_refuses(w, "UPDATE _seachange_migration SET server_identity = 'elsewhere'", "was started on server");
    assert_begin_refuses(w, "UPDATE _seachange_migration SET format = 99", "by a newer seachange");
    assert_begin_refuses(w, "UPDATE _seachange_migration SET format = 1, phase = 'dancing'", "a phase this seachange");
}

static void a_change_of_the_definition_is_noticed(void **state)
{
    struct world *w = need(state);
    static const char *const changes[] = {"ALTER TABLE t ADD surprise int",
                                          "CREATE TRIGGER surprise BEFORE INSERT ON t "
                                          "FOR EACH ROW SET @x = 1",
                                          "ALTER TABLE t COMMENT 'another'", "DROP TABLE t"};
    static const char *const undo[] = {"ALTER TABLE t DROP surprise", "DROP TRIGGER surprise",
                                       "ALTER TABLE t COMMENT 'it''s a \\\\ comment'", NULL};
    struct sc_error err = {0};
    run_on(w->sql, TABLE);
    start_migration(w, "t", "ADD x int");
    run_on(w->sql, "INSERT INTO t (a) VALUES (1)"); /* its counter is no change */
    must(mysql_target.check(w->t, &err), &err);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        run_on(w->sql, "%s", changes[i]);
        assert_int_equal(mysql_target.check(w->t, &err), SC_FAIL);
        if (!strstr(err.what, "somebody changed the definition"))
            fail_msg("%s", err.what);
        if (undo[i]) {
            run_on(w->sql, "%s", undo[i]);
            must(mysql_target.check(w->t, &err), &err);
        }
    }
}

static void a_lock_that_is_gone_is_noticed(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    run_on(w->sql, TABLE);
    start_migration(w, "t", "ADD x int");
    must(my_runf(w->t->control, &err, "DO RELEASE_LOCK('%s')", w->t->lock_name), &err);
    assert_int_equal(mysql_target.check(w->t, &err), SC_RETRY);
}

static void an_index_whose_record_was_lost_is_not_built_twice(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, TABLE);
    start_migration(w, "t", "ADD x int");
    build_stages(w);
    run_on(w->sql, "UPDATE _seachange_todo SET done = 0");
    for (int i = 0; i < w->t->ntodo; i++)
        w->t->todo[i].done = false;
    build_stages(w);
    run_on(w->sql, "CREATE TABLE native LIKE t");
    run_on(w->sql, "ALTER TABLE native ADD x int");
    assert_same_definition(w, "native");
}

/* --- triggers ----------------------------------------------------------------------------------------------------- */

static void triggers_are_made_in_the_cutover_and_taken_off_when_it_fails(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    static const char count[] = "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'sc_data' AND "
                                "EVENT_OBJECT_TABLE <> 't'";
    run_on(w->sql, TABLE);
    run_on(w->sql, "CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1");
    run_on(w->sql, "CREATE TRIGGER two BEFORE INSERT ON t FOR EACH ROW PRECEDES one /* FOR EACH ROW */ SET NEW.b = "
                   "'it''s FOR EACH ROW'");
    start_migration(w, "t", "ADD x int");
    assert_answer(w->sql, count, "0");
    must(my_triggers_make(w->t, w->session->conn, &err), &err);
    assert_answer(w->sql, count, "2");
    assert_answer(w->sql,
                  "SELECT GROUP_CONCAT(LEFT(TRIGGER_NAME, 14) ORDER BY ACTION_ORDER) FROM information_schema.TRIGGERS "
                  "WHERE TRIGGER_SCHEMA = 'sc_data' AND EVENT_OBJECT_TABLE <> 't'",
                  "two_seachange_,one_seachange_");
    /* The session has its settings again. */
    assert_answer(w->session->conn, "SELECT @@SESSION.sql_mode LIKE '%STRICT_ALL_TABLES%'", "1");
    struct session *next = open_session(w, "next");
    assert_answer(w->sql, count, "0");
    mysql_target.session_close(next);
}

static void triggers_of_a_cutover_that_died_are_taken_off_before_anything_is_applied(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    run_on(w->sql, TABLE);
    run_on(w->sql, "CREATE TRIGGER one AFTER DELETE ON t FOR EACH ROW SET @x = 1");
    start_migration(w, "t", "ADD x int");
    must(my_triggers_make(w->t, w->session->conn, &err), &err);
    mysql_target.session_close(w->session);
    mysql_target.close(w->t);
    w->session = NULL;
    w->t = open_target(w, "t", "ADD x int", NULL);
    must(mysql_target.begin(w->t, &err), &err);
    assert_answer(w->sql, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'sc_data'", "1");
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void abort_removes_everything_from_any_point_and_says_when_there_is_nothing(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    run_on(w->sql, TABLE);
    for (int how = 0; how < 3; how++) {
        start_migration(w, "t", "ADD x int");
        char *id = mem_strdup(w->t->migration.id);
        if (how == 2)
            run_on(w->sql, "DROP TABLE `%s`", w->t->ghost_name); /* somebody was faster */
        struct target *t = open_target(w, "t", NULL, how == 0 ? NULL : id);
        struct strlist removed = {0};
        assert_int_equal(mysql_target.abort(t, &removed, &err), SC_REFUSE);
        assert_non_null(strstr(err.what, "is running"));
        mysql_target.close(t);
        mysql_target.session_close(w->session);
        mysql_target.close(w->t);
        fold_free(w->fold);
        w->fold = NULL;
        w->session = NULL;
        w->t = NULL;
        t = open_target(w, "t", NULL, how == 0 ? NULL : id);
        must(mysql_target.abort(t, &removed, &err), &err);
        assert_int_equal(removed.count, how == 2 ? 1 : 2);
        mysql_target.close(t);
        assert_tables(w, "t");
        t = open_target(w, "t", NULL, NULL);
        assert_int_equal(mysql_target.abort(t, &removed, &err), SC_REFUSE);
        mysql_target.close(t);
        strlist_fini(&removed);
        mem_free(id);
    }
}

static void two_migrations_in_one_database_do_not_take_each_others_state(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    run_on(w->sql, TABLE);
    run_on(w->sql, "CREATE TABLE other LIKE t");
    start_migration(w, "t", "ADD x int");
    struct target *other = open_target(w, "other", "ADD x int", NULL);
    must(mysql_target.begin(other, &err), &err);
    must(mysql_target.enter_phase(other, PHASE_PREPARE, &err), &err);
    must(mysql_target.prepare(other, NULL, NULL, &err), &err);
    struct strlist removed = {0};
    must(mysql_target.abort(other, &removed, &err), &err);
    strlist_fini(&removed);
    mysql_target.close(other);
    must(mysql_target.check(w->t, &err), &err);
    must(mysql_target.checkpoint_load(w->session, &err), &err);
    must(mysql_target.abort(w->t, &removed, &err), &err);
    strlist_fini(&removed);
    assert_tables(w, "other,t");
}

static void list_shows_what_is_stored_and_what_is_left(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    struct listed *list = NULL;
    size_t count = 0;
    bool found = false, orphan = false;
    run_on(w->sql, TABLE);
    run_on(w->sql, "CREATE TABLE lost_seachange_old_0badcafe (a int)");
    start_migration(w, "t", "ADD x int");
    must(mysql_target.list(w->t, &list, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].id, w->t->migration.id) == 0) {
            found = true;
            assert_string_equal(list[i].table, "sc_data.t");
            assert_string_equal(list[i].phase, "copy");
            assert_string_equal(list[i].alter, "ADD x int");
            assert_non_null(strstr(list[i].note, "running: pid"));
            assert_int_equal(list[i].objects.count, 1);
        } else if (strcmp(list[i].id, "0badcafe") == 0) {
            orphan = true;
            assert_string_equal(list[i].phase, "orphan");
        }
    }
    assert_true(found && orphan);
    listed_free(list, count);
}

/* It looks into every database, one after the other. */
static void a_database_that_is_dropped_while_all_are_looked_at_is_none(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    run_on(w->sql, TABLE);
    start_migration(w, "t", "ADD x int");
    MYSQL_RES *res = NULL;
    must(my_state_rows_in(w->t, "sc_data", "TRUE", &res, &err), &err);
    assert_int_equal(mysql_num_rows(res), 1);
    mysql_free_result(res);
    must(my_state_rows_in(w->t, "sc_dropped", "TRUE", &res, &err), &err);
    assert_null(res);
    must(my_state_rows_in(w->t, "mysql", "TRUE", &res, &err), &err);
    assert_null(res);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_plan_says_what_would_be_done_and_leaves_nothing, world_up, world_down),
        cmocka_unit_test_setup_teardown(every_table_that_cannot_be_migrated_is_refused_with_the_reason, world_up,
                                        world_down),
        cmocka_unit_test_setup_teardown(every_alter_that_cannot_be_done_is_refused_and_leaves_nothing, world_up,
                                        world_down),
        cmocka_unit_test_setup_teardown(a_table_that_is_not_there_is_refused, world_up, world_down),
        cmocka_unit_test_setup_teardown(what_a_killed_plan_left_is_removed_by_the_next_migration_and_nothing_else,
                                        world_up, world_down),
        cmocka_unit_test_setup_teardown(the_ghost_has_nothing_but_its_key_and_everything_comes_back, world_up,
                                        world_down),
        cmocka_unit_test_setup_teardown(a_new_column_that_is_not_null_has_a_default_while_it_is_filled, world_up,
                                        world_down),
        cmocka_unit_test_setup_teardown(columns_are_found_by_the_names_the_alter_gives_them, world_up, world_down),
        cmocka_unit_test_setup_teardown(a_key_that_the_alter_leaves_without_an_index_gets_one_for_a_while, world_up,
                                        world_down),
        cmocka_unit_test_setup_teardown(a_counter_that_is_unique_beside_the_key_is_not_unique_while_it_is_filled,
                                        world_up, world_down),
        cmocka_unit_test_setup_teardown(a_second_instance_is_refused_and_so_is_another_alter, world_up, world_down),
        cmocka_unit_test_setup_teardown(whoever_takes_over_finds_all_of_it_and_the_one_before_changes_nothing_more,
                                        world_up, world_down),
        cmocka_unit_test_setup_teardown(state_of_another_server_or_a_newer_seachange_is_refused, world_up, world_down),
        cmocka_unit_test_setup_teardown(a_change_of_the_definition_is_noticed, world_up, world_down),
        cmocka_unit_test_setup_teardown(a_lock_that_is_gone_is_noticed, world_up, world_down),
        cmocka_unit_test_setup_teardown(an_index_whose_record_was_lost_is_not_built_twice, world_up, world_down),
        cmocka_unit_test_setup_teardown(triggers_are_made_in_the_cutover_and_taken_off_when_it_fails, world_up,
                                        world_down),
        cmocka_unit_test_setup_teardown(triggers_of_a_cutover_that_died_are_taken_off_before_anything_is_applied,
                                        world_up, world_down),
        cmocka_unit_test_setup_teardown(abort_removes_everything_from_any_point_and_says_when_there_is_nothing,
                                        world_up, world_down),
        cmocka_unit_test_setup_teardown(two_migrations_in_one_database_do_not_take_each_others_state, world_up,
                                        world_down),
        cmocka_unit_test_setup_teardown(a_database_that_is_dropped_while_all_are_looked_at_is_none, world_up,
                                        world_down),
        cmocka_unit_test_setup_teardown(list_shows_what_is_stored_and_what_is_left, world_up, world_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
