/* What is read out of the operator's ALTER on MySQL and MariaDB, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "applier/mysql/alter.h"
#include "applier/mysql/names.h"

static struct my_alter read_alter(const char *text)
{
    struct my_alter alter;
    struct sc_error err = {0};
    if (my_alter_parse(text, (struct my_alter_mode){0}, &alter, &err) != SC_OK)
        fail_msg("%s: %s", text, err.what);
    return alter;
}

static void assert_refused(const char *text, const char *what)
{
    struct my_alter alter;
    struct sc_error err = {0};
    assert_int_equal(my_alter_parse(text, (struct my_alter_mode){0}, &alter, &err), SC_REFUSE);
    if (!strstr(err.what, what))
        fail_msg("%s: refused with \"%s\"", text, err.what);
}

static void columns_that_are_renamed_and_dropped_are_found(void **state)
{
    (void)state;
    struct my_alter a = read_alter("CHANGE COLUMN a `b``c` varchar(10) COMMENT 'x, DROP y', RENAME COLUMN d TO e,\n"
                                   " drop f, DROP COLUMN IF EXISTS `g h`, CHANGE i j int(11) unsigned -- , DROP z\n"
                                   ", MODIFY k decimal(10,2) /* , DROP z */ # DROP z\n ; ");
    assert_int_equal(a.count, 6);
    assert_int_equal(a.nrenamed, 3);
    assert_string_equal(a.renamed[0].from, "a");
    assert_string_equal(a.renamed[0].to, "b`c");
    assert_string_equal(a.renamed[1].from, "d");
    assert_string_equal(a.renamed[1].to, "e");
    assert_string_equal(a.renamed[2].to, "j");
    assert_int_equal(a.ndropped, 2);
    assert_string_equal(a.dropped[0], "f");
    assert_string_equal(a.dropped[1], "g h");
    assert_string_equal(a.text + strlen(a.text) - 13, "decimal(10,2)");
    my_alter_fini(&a);
}

static void what_is_not_a_column_is_not_taken_for_one(void **state)
{
    (void)state;
    struct my_alter a =
        read_alter("DROP KEY k, DROP INDEX i, DROP PRIMARY KEY, RENAME INDEX a TO b, RENAME KEY c TO d,"
                   " ADD COLUMN `drop` int, ADD COLUMN engine varchar(3) DEFAULT 'x', ADD (x int, y int),"
                   " ALTER COLUMN a SET DEFAULT 3, FORCE, COMMENT = 'ENGINE=MyISAM; DROP TABLE t',"
                   " ROW_FORMAT=DYNAMIC ENGINE = InnoDB, CONVERT TO CHARACTER SET utf8mb4");
    assert_int_equal(a.nrenamed, 0);
    assert_int_equal(a.ndropped, 0);
    assert_false(a.foreign);
    my_alter_fini(&a);
}

static void quotes_follow_the_sql_mode(void **state)
{
    (void)state;
    struct my_alter a;
    struct sc_error err = {0};
    assert_int_equal(my_alter_parse("DROP \"a b\"", my_alter_mode_of("REAL_AS_FLOAT,ANSI_QUOTES"), &a, &err), SC_OK);
    assert_string_equal(a.dropped[0], "a b");
    my_alter_fini(&a);
    assert_refused("DROP \"a b\"", "not understood");
    assert_int_equal(
        my_alter_parse("COMMENT 'a\\', DROP b, COMMENT ''", my_alter_mode_of("NO_BACKSLASH_ESCAPES"), &a, &err), SC_OK);
    assert_int_equal(a.ndropped, 1);
    my_alter_fini(&a);
    a = read_alter("COMMENT 'a\\', DROP b, COMMENT '''");
    assert_int_equal(a.ndropped, 0);
    my_alter_fini(&a);
}

static void what_a_new_table_cannot_stand_for_is_refused(void **state)
{
    (void)state;
    assert_refused("RENAME TO x", "RENAME TO");
    assert_refused("RENAME AS x", "RENAME TO");
    assert_refused("add a int, rename x", "RENAME TO");
    assert_refused("ENGINE=MyISAM", "InnoDB");
    assert_refused("ROW_FORMAT=DYNAMIC ENGINE MEMORY", "InnoDB");
    assert_refused("DISCARD TABLESPACE", "DISCARD");
    assert_refused("EXCHANGE PARTITION p WITH TABLE t", "EXCHANGE");
    assert_refused("TRUNCATE PARTITION p", "TRUNCATE");
    assert_refused("DROP PARTITION p", "DROP PARTITION");
    assert_refused("ADD SYSTEM VERSIONING", "versioning");
    assert_refused("DROP SYSTEM VERSIONING", "versioning");
    assert_refused("ADD a int, ALGORITHM=INPLACE, LOCK=NONE", "ALGORITHM");
    assert_refused("ADD a int; DROP TABLE x", "several statements");
    assert_refused("/*!80000 DROP a */", "comment");
    assert_refused("ADD a int /*M! DROP a */", "comment");
    assert_refused("ALTER TABLE t ADD a int", "begins with ALTER TABLE");
    assert_refused("", "empty");
    assert_refused(" ; ", "empty");
    assert_refused("ADD a int,", "not understood");
    assert_refused("ADD a int COMMENT 'x", "quote");
    assert_refused("ADD (a int", "bracket");
    assert_refused("ADD a int)", "bracket");
    assert_refused("CHANGE a", "not understood");
}

static void foreign_keys_are_read_and_taken_out_of_the_text(void **state)
{
    (void)state;
    struct my_alter a =
        read_alter("ADD a int, ADD CONSTRAINT x FOREIGN KEY y (a, `b c`) REFERENCES d.p (e, `f,g`) ON "
                   "DELETE SET NULL /* , */ ON UPDATE no action, drop foreign key z , DROP CONSTRAINT w, "
                   "ADD CONSTRAINT FOREIGN KEY (h) REFERENCES q (i), MODIFY h bigint");
    assert_int_equal(a.count, 6);
    assert_int_equal(a.nforeign_added, 2);
    const struct my_foreign_clause *f = a.foreign_added;
    assert_string_equal(f[0].name, "x");
    assert_string_equal(f[0].index_name, "y");
    assert_int_equal(f[0].ncolumns, 2);
    assert_string_equal(f[0].columns[1], "b c");
    assert_string_equal(f[0].schema, "d");
    assert_string_equal(f[0].table, "p");
    assert_string_equal(f[0].refs[1], "f,g");
    assert_string_equal(f[0].on_delete, "SET NULL");
    assert_string_equal(f[0].on_update, "NO ACTION");
    assert_null(f[1].name);
    assert_null(f[1].schema);
    assert_null(f[1].on_delete);
    assert_int_equal(a.nforeign_dropped, 2);
    assert_string_equal(a.foreign_dropped[0].name, "z");
    assert_true(a.foreign_dropped[0].certain);
    assert_string_equal(a.foreign_dropped[1].name, "w");
    assert_false(a.foreign_dropped[1].certain);
    assert_false(a.foreign);
    struct my_renamed names = {"w", "w2"};
    char *text = my_alter_text(&a, &names, 1);
    assert_string_equal(text, "ADD a int, DROP CONSTRAINT `w2`, MODIFY h bigint");
    mem_free(text);
    a.actions[a.foreign_dropped[1].action].cut = true;
    text = my_alter_text(&a, NULL, 0);
    assert_string_equal(text, "ADD a int, MODIFY h bigint");
    mem_free(text);
    my_alter_fini(&a);
    a = read_alter("DROP FOREIGN KEY IF EXISTS z;");
    assert_true(a.foreign_dropped[0].if_exists);
    text = my_alter_text(&a, NULL, 0);
    assert_string_equal(text, "");
    mem_free(text);
    my_alter_fini(&a);
}

static void foreign_keys_that_are_not_understood_are_seen(void **state)
{
    (void)state;
    struct my_alter a = read_alter("ADD (a int, FOREIGN KEY (a) REFERENCES t (b))");
    assert_true(a.foreign);
    my_alter_fini(&a);
    assert_refused("ADD FOREIGN KEY (a) REFERENCES t", "not understood");
    assert_refused("ADD FOREIGN KEY (a, b) REFERENCES t (c)", "not understood");
    assert_refused("ADD FOREIGN KEY (a) REFERENCES t (c) ON DELETE", "not understood");
    assert_refused("ADD FOREIGN KEY (a) REFERENCES t (c) MATCH FULL", "not understood");
    assert_refused("ADD FOREIGN KEY (a REFERENCES t (c))", "not understood");
    assert_refused("DROP FOREIGN KEY", "not understood");
}

static void constraint_names_are_replaced_where_they_stand(void **state)
{
    (void)state;
    struct my_alter a =
        read_alter("DROP CHECK Positive, ADD positive int, DROP CONSTRAINT `other`, ALTER CHECK third NOT"
                   " ENFORCED;");
    struct my_renamed names[] = {{"positive", "t_chk_1"}, {"third", "t_chk_2"}};
    char *text = my_alter_text(&a, names, 2);
    assert_string_equal(text,
                        "DROP CHECK `t_chk_1`, ADD positive int, DROP CONSTRAINT `other`, ALTER CHECK `t_chk_2` NOT"
                        " ENFORCED");
    mem_free(text);
    my_alter_fini(&a);
}

static void the_table_option_that_sets_the_counter_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool sets;
        uint64_t counter;
    } texts[] = {
        {"AUTO_INCREMENT = 7", true, 7},
        {"ENGINE=InnoDB auto_increment 18446744073709551615, ADD b int", true, UINT64_MAX},
        {"ADD b int, AUTO_INCREMENT=0", true, 0},
        {"MODIFY id int AUTO_INCREMENT", false, 0},
        {"ADD auto_increment int", false, 0},
        {"COMMENT = 'AUTO_INCREMENT = 7'", false, 0},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct my_alter a = read_alter(texts[i].text);
        assert_int_equal(a.sets_counter, texts[i].sets);
        assert_true(a.counter == texts[i].counter);
        my_alter_fini(&a);
    }
}

static void names_are_cut_so_that_they_sort_behind(void **state)
{
    (void)state;
    char *name = my_name_with("orders", MY_NEW_SUFFIX "00c0ffee");
    assert_string_equal(name, "orders_seachange_new_00c0ffee");
    mem_free(name);
    char longest[65];
    memset(longest, 'z', 64);
    longest[64] = 0;
    name = my_name_with(longest, MY_OLD_SUFFIX "00c0ffee");
    assert_int_equal(my_name_characters(name), 64);
    assert_true(strcmp(name, longest) > 0);
    assert_non_null(strstr(name, "~" MY_OLD_SUFFIX "00c0ffee"));
    mem_free(name);
    char umlauts[129] = "";
    for (int i = 0; i < 64; i++)
        memcpy(umlauts + 2 * i, "\xc3\xa4", 2);
    name = my_name_with(umlauts, MY_OLD_SUFFIX "00c0ffee");
    assert_int_equal(my_name_characters(name), 64);
    assert_true(strcmp(name, umlauts) > 0);
    mem_free(name);
}

static void names_of_tables_leave_room_for_the_servers_names_of_constraints(void **state)
{
    (void)state;
    char name[65] = "";
    for (int i = 0; i < 64; i++) {
        name[i] = 'm';
        char *old = my_table_name_with(name, MY_OLD_SUFFIX "00c0ffee");
        assert_true(my_name_characters(old) + strlen("_ibfk_999") <= 64);
        assert_true(strcmp(old, name) > 0);
        assert_non_null(strstr(old, MY_OLD_SUFFIX "00c0ffee"));
        mem_free(old);
    }
}

static void tables_are_named_as_in_sql(void **state)
{
    (void)state;
    char *schema, *name;
    assert_true(my_parse_table("app.orders", false, &schema, &name));
    assert_string_equal(schema, "app");
    assert_string_equal(name, "orders");
    mem_free(schema);
    mem_free(name);
    assert_true(my_parse_table("`a.b``c`", false, &schema, &name));
    assert_null(schema);
    assert_string_equal(name, "a.b`c");
    mem_free(name);
    assert_true(my_parse_table("\"my db\".t", true, &schema, &name));
    assert_string_equal(schema, "my db");
    mem_free(schema);
    mem_free(name);
    static const char *const wrong[] = {"", "a.", "a.b.c", "a; DROP TABLE b", "`a", "a b", "\"a\"", "a`b`"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (my_parse_table(wrong[i], false, &schema, &name))
            fail_msg("%s is taken for a name", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_that_are_renamed_and_dropped_are_found),
        cmocka_unit_test(what_is_not_a_column_is_not_taken_for_one),
        cmocka_unit_test(quotes_follow_the_sql_mode),
        cmocka_unit_test(what_a_new_table_cannot_stand_for_is_refused),
        cmocka_unit_test(foreign_keys_are_read_and_taken_out_of_the_text),
        cmocka_unit_test(foreign_keys_that_are_not_understood_are_seen),
        cmocka_unit_test(constraint_names_are_replaced_where_they_stand),
        cmocka_unit_test(the_table_option_that_sets_the_counter_is_found),
        cmocka_unit_test(names_are_cut_so_that_they_sort_behind),
        cmocka_unit_test(names_of_tables_leave_room_for_the_servers_names_of_constraints),
        cmocka_unit_test(tables_are_named_as_in_sql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
