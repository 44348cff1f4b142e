/* What the operator writes, where it may be written, and what is said when it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/audit_options.h"
#include "cli/command.h"
#include "cli/exit.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/values.h"

static char *no_environment[] = {NULL};

#define ARGS(...) ((char *[]){"seachange", __VA_ARGS__, NULL})
#define MIGRATE "migrate", "-s", "postgresql://app@db1/shop", "-t", "shop.orders", "-a", "ADD COLUMN a int"

static enum sc_result parse(struct options *o, char **argv, char **environment, struct sc_error *err)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return options_parse(o, argc, argv, environment, err);
}

/* Wrong usage: `what` and `hint` must be found in what is said. */
static void refused(char **argv, char **environment, const char *what, const char *hint)
{
    struct options o;
    struct sc_error err;
    assert_int_equal(parse(&o, argv, environment, &err), SC_REFUSE);
    if (!strstr(err.what, what) || !strstr(err.hint, hint))
        fail_msg("said \"%s\" / \"%s\", not \"%s\" / \"%s\"", err.what, err.hint, what, hint);
    options_fini(&o);
}

static void accepted(struct options *o, char **argv, char **environment)
{
    struct sc_error err;
    if (parse(o, argv, environment, &err) != SC_OK)
        fail_msg("refused: %s / %s", err.what, err.hint);
}

/* A file for --config, gone after the test. */
static char file_name[64];
static void write_file(const char *text)
{
    snprintf(file_name, sizeof(file_name), "/tmp/seachange-test-options-%d.conf", (int)getpid());
    FILE *f = fopen(file_name, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}
static int remove_file(void **state)
{
    (void)state;
    if (file_name[0])
        unlink(file_name);
    return 0;
}

static void the_defaults_of_the_table_are_what_a_plain_run_gets(void **state)
{
    (void)state;
    struct options o;
    accepted(&o, ARGS(MIGRATE), no_environment);
    assert_int_equal(o.command, COMMAND_MIGRATE);
    assert_string_equal(o.source, "postgresql://app@db1/shop");
    assert_string_equal(o.table, "shop.orders");
    assert_string_equal(o.alter, "ADD COLUMN a int");
    assert_int_equal(o.workers, 2);
    assert_int_equal(o.chunk_time_ms, 500);
    assert_int_equal(o.lock_timeout_ms, 500);
    assert_int_equal(o.cutover_tries, 60);
    assert_int_equal(o.spool_memory_bytes, 8 << 20);
    assert_int_equal(o.spool_disk_bytes, 0);
    assert_int_equal(o.slot_wait_ms, 600000);
    assert_int_equal(o.old_snapshot_wait_ms, 60000);
    assert_int_equal(o.kill_blockers_ms, 0);
    assert_int_equal(o.max_lag_ms, 1000);
    assert_int_equal(o.give_up_ms, 600000);
    assert_int_equal(o.progress_interval_ms, 10000);
    assert_false(o.drop_old);
    assert_string_equal(o.spool_dir, "/var/tmp");
    options_fini(&o);
    accepted(&o, ARGS(MIGRATE), (char *[]){"TMPDIR=/scratch", NULL});
    assert_string_equal(o.spool_dir, "/scratch");
    options_fini(&o);
}

static void a_value_may_follow_an_equals_sign_a_space_or_a_letter_before_or_after_the_command(void **state)
{
    (void)state;
    struct options o;
    accepted(&o,
             ARGS("--workers=3", "-tshop.orders", "migrate", "--chunk-time", "2s", "--drop-old", "--source=dbname=shop",
                  "-a", "--not-an-option-but-an-alter"),
             no_environment);
    assert_int_equal(o.workers, 3);
    assert_int_equal(o.chunk_time_ms, 2000);
    assert_true(o.drop_old);
    assert_string_equal(o.table, "shop.orders");
    assert_string_equal(o.source, "dbname=shop");
    assert_string_equal(o.alter, "--not-an-option-but-an-alter");
    options_fini(&o);
    accepted(&o, ARGS("abort", "-s", "dbname=shop", "--", "0123abcd"), no_environment);
    assert_string_equal(o.id, "0123abcd");
    options_fini(&o);
    accepted(&o, ARGS(MIGRATE, "--drop-old=no"), no_environment);
    assert_false(o.drop_old);
    options_fini(&o);
}

static void blockers_are_ended_after_ten_seconds_or_after_the_time_behind_an_equals_sign(void **state)
{
    (void)state;
    struct options o;
    accepted(&o, ARGS("migrate", "-sdbname=shop", "--kill-blockers", "-torders", "-aADD COLUMN a int"), no_environment);
    assert_int_equal(o.kill_blockers_ms, 10000);
    assert_string_equal(o.table, "orders");
    options_fini(&o);
    accepted(&o, ARGS(MIGRATE, "--kill-blockers"), no_environment);
    assert_int_equal(o.kill_blockers_ms, 10000);
    options_fini(&o);
    accepted(&o, ARGS(MIGRATE, "--kill-blockers=90s"), (char *[]){"SEACHANGE_KILL_BLOCKERS=5s", NULL});
    assert_int_equal(o.kill_blockers_ms, 90000);
    options_fini(&o);
    accepted(&o, ARGS(MIGRATE), (char *[]){"SEACHANGE_KILL_BLOCKERS=5s", NULL});
    assert_int_equal(o.kill_blockers_ms, 5000);
    options_fini(&o);
    accepted(&o, ARGS(MIGRATE, "--kill-blockers=0"), (char *[]){"SEACHANGE_KILL_BLOCKERS=5s", NULL});
    assert_int_equal(o.kill_blockers_ms, 0);
    options_fini(&o);
    refused(ARGS(MIGRATE, "--kill-blockers=100ms"), no_environment, "100ms is out of range", "nobody is ended");
    refused(ARGS(MIGRATE, "--kill-blockers", "30s"), no_environment, "must follow an equals sign",
            "--kill-blockers=30s");
    refused(ARGS(MIGRATE, "--kill-blockers", "4mysql://u:secret@h"), no_environment, "must follow an equals sign",
            "--kill-blockers=4mysql://u:***@h");
    refused(ARGS("list", "-sdbname=shop", "--kill-blockers"), no_environment, "has no option --kill-blockers", "");
}

static void the_command_line_comes_before_the_environment_before_the_file_before_the_default(void **state)
{
    (void)state;
    struct options o;
    write_file("# our settings\r\n\nworkers = 7\n  chunk-time=3s  \nlock-timeout = 70ms\ndrop-old = on\n"
               "alter = ADD COLUMN a text DEFAULT 'x = #1'");
    accepted(&o, ARGS("migrate", "-t", "orders", "--config", file_name, "--workers", "9"),
             (char *[]){"SEACHANGE_WORKERS=8", "SEACHANGE_CHUNK_TIME=4s", "SEACHANGE_SOURCE=dbname=shop",
                        "SEACHANGE_TABLE=other", "SEACHANGE_LOCK_TIMEOUT=", "SEACHANGE_PORT=tcp://10.0.0.1:80", NULL});
    assert_int_equal(o.workers, 9);          /* all three say it */
    assert_int_equal(o.chunk_time_ms, 4000); /* environment and file */
    assert_int_equal(o.lock_timeout_ms, 70); /* an empty variable is none */
    assert_int_equal(o.max_lag_ms, 1000);    /* nobody says it */
    assert_true(o.drop_old);
    assert_string_equal(o.table, "orders");
    assert_string_equal(o.alter, "ADD COLUMN a text DEFAULT 'x = #1'");
    options_fini(&o);
}

static void the_file_may_be_named_by_the_environment(void **state)
{
    (void)state;
    struct options o;
    write_file("\xef\xbb\xbfsource = postgresql://app:secret@db1/shop\n");
    char variable[128];
    snprintf(variable, sizeof(variable), "SEACHANGE_CONFIG=%s", file_name);
    accepted(&o, ARGS("list"), (char *[]){variable, NULL});
    assert_string_equal(o.source, "postgresql://app:secret@db1/shop");
    options_fini(&o);
}

static void a_bad_line_of_the_file_is_named_by_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what, *hint;
    } bad[] = {
        {"workers = 2\nchunk-tme = 1s\n", ":2: unknown key \"chunk-tme\"", "Did you mean chunk-time?"},
        {"\n\nworkers\n", ":3: no \"=\"", "key = value"},
        {"workers = many\n", ":1: workers: \"many\" is not a whole number", ""},
        {"workers = 0\n", ":1: workers: 0 is out of range", "1 to 64"},
        {"workers = 2\n#\nworkers = 3\n", ":3: \"workers\" is given twice, first in line 1", ""},
        {"table =\n", ":1: table: the value is empty", ""},
        {"config = other.conf\n", ":1: a file cannot name another", ""},
        {"postgresql://u:topsecret@h/d?a=b\n", ":1: unknown key \"postgresql://u:***@h/d?a\"", ""},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_file(bad[i].text);
        refused(ARGS(MIGRATE, "--config", file_name), no_environment, bad[i].what, bad[i].hint);
        refused(ARGS(MIGRATE, "--config", file_name), no_environment, i == 7 ? "/tmp/" : file_name, "");
    }
    refused(ARGS(MIGRATE, "--config", "/nowhere/x.conf"), no_environment,
            "cannot open the file of --config, /nowhere/x.conf", "");
    refused(ARGS(MIGRATE, "--config", "/tmp"), no_environment, "cannot read", "");
}

static void a_wrong_value_in_the_file_is_told_even_when_the_command_line_has_a_right_one(void **state)
{
    (void)state;
    write_file("workers = many\n");
    refused(ARGS(MIGRATE, "--workers=2", "--config", file_name), no_environment, ":1: workers", "");
}

static void an_unknown_word_is_answered_with_the_nearest_known_one(void **state)
{
    (void)state;
    refused(ARGS("migrte"), no_environment, "\"migrte\" is not a command", "seachange migrate");
    refused(ARGS("abrot", "x"), no_environment, "\"abrot\"", "seachange abort");
    refused(ARGS("frobnicate"), no_environment, "\"frobnicate\" is not a command", "");
    refused(ARGS(MIGRATE, "--wrokers=4"), no_environment, "unknown option --wrokers", "--workers");
    refused(ARGS(MIGRATE, "--chunk_time", "1s"), no_environment, "unknown option --chunk_time", "--chunk-time");
    refused(ARGS(MIGRATE, "--work", "1"), no_environment, "unknown option --work", "--workers");
    refused(ARGS(MIGRATE, "-workers=1"), no_environment, "unknown option -workers", "two dashes: --workers");
    refused(ARGS(MIGRATE, "-x"), no_environment, "unknown option -x", "");
    refused(ARGS(MIGRATE, "--help=x"), no_environment, "--help takes no value", "");
    refused(ARGS(MIGRATE, "--version=1"), no_environment, "--version takes no value", "");
    refused(ARGS(MIGRATE, "--markdown"), no_environment, "unknown option --markdown", "");
    refused(ARGS("list", "-s", "dbname=d", "--workers", "2"), no_environment,
            "`seachange list` has no option --workers", "");
}

static void numbers_outside_their_range_are_told_the_range(void **state)
{
    (void)state;
    refused(ARGS(MIGRATE, "--workers", "65"), no_environment, "--workers: 65 is out of range", "1 to 64");
    refused(ARGS(MIGRATE, "--workers", "-1"), no_environment, "--workers: -1 is out of range", "1 to 64");
    refused(ARGS(MIGRATE, "--chunk-time", "9ms"), no_environment, "--chunk-time: 9ms is out of range", "10ms to 1m");
    refused(ARGS(MIGRATE, "--chunk-time", "0"), no_environment, "--chunk-time: 0 is out of range", "10ms to 1m");
    refused(ARGS(MIGRATE, "--cutover-tries", "-1"), no_environment, "-1 is out of range", "or 0 (no limit)");
    refused(ARGS(MIGRATE, "--spool-memory", "1KiB"), no_environment, "1KiB is out of range", "256KiB to 64GiB");
    refused(ARGS(MIGRATE), (char *[]){"SEACHANGE_WORKERS=many", NULL}, "SEACHANGE_WORKERS: \"many\"", "");
    refused(ARGS(MIGRATE, "--log-format", "xml"), no_environment, "\"xml\" is not one", "text or json");
    refused(ARGS(MIGRATE, "--log-level", "loud"), no_environment, "\"loud\"", "debug, info, warning or error");
    struct options o;
    accepted(&o, ARGS(MIGRATE, "--cutover-tries", "0", "--spool-disk=0", "--old-snapshot-wait=0", "--log-format=json"),
             no_environment);
    assert_int_equal(o.cutover_tries, 0);
    assert_int_equal(o.log_format, 1);
    options_fini(&o);
}

static void what_a_command_needs_is_asked_for_with_all_three_ways_to_give_it(void **state)
{
    (void)state;
    refused(ARGS("plan"), no_environment, "--source is missing", "SEACHANGE_SOURCE");
    refused(ARGS("plan", "-s", "dbname=d"), no_environment, "--table is missing", "`table = NAME`");
    refused(ARGS("migrate", "-s", "dbname=d", "-t", "x"), no_environment, "--alter is missing", "SEACHANGE_ALTER");
    refused(ARGS("migrate", "--alter"), no_environment, "--alter needs a value", "--alter ACTIONS");
    refused(ARGS("migrate", "-s", "dbname=d", "-t", "", "-a", "x"), no_environment, "--table: the value is empty", "");
    refused(ARGS("--workers", "2"), no_environment, "no command", "seachange plan");
    refused(ARGS("abort", "-s", "dbname=d"), no_environment, "which migration?", "abort ID");
}

static void an_option_given_twice_or_a_word_too_many_is_refused_rather_than_dropped(void **state)
{
    (void)state;
    refused(ARGS(MIGRATE, "--alter", "DROP COLUMN b"), no_environment, "--alter is given twice", "parted by commas");
    refused(ARGS(MIGRATE, "--workers=1", "--workers=2"), no_environment, "--workers is given twice", "");
    refused(ARGS("migrate", "ADD", "COLUMN", "a"), no_environment, "\"ADD\" is one argument too many", "quoted");
    refused(ARGS("list", "postgresql://u:secret@h/d"), no_environment, "\"postgresql://u:***@h/d\"", "");
    refused(ARGS("abort", "-s", "dbname=d", "0123abcd", "--id", "0123abcd"), no_environment, "--id is given twice", "");
}

static void an_alter_that_begins_with_alter_table_is_sent_back(void **state)
{
    (void)state;
    struct options o;
    refused(ARGS("plan", "-s", "dbname=d", "-t", "a", "-a", " Alter\n table a ADD b int"), no_environment,
            "--alter begins with ALTER TABLE", "Leave out");
    refused(ARGS("plan", "-s", "dbname=d", "-t", "a", "-a", " \n"), no_environment, "--alter is empty", "");
    accepted(&o, ARGS("plan", "-s", "dbname=d", "-t", "a", "-a", "ALTER table_id TYPE bigint"), no_environment);
    options_fini(&o);
}

static void an_abort_takes_an_id_or_a_table_and_the_nearer_one_wins(void **state)
{
    (void)state;
    struct options o;
    refused(ARGS("abort", "-s", "dbname=d", "0123abcd", "-t", "a"), no_environment, "both an id and --table", "");
    refused(ARGS("abort", "-s", "dbname=d", "shop.orders"), no_environment, "not the id of a migration", "--table");
    accepted(&o, ARGS("abort", "-s", "dbname=d", "0123abcd"), (char *[]){"SEACHANGE_TABLE=a", NULL});
    assert_string_equal(o.id, "0123abcd");
    assert_null(o.table);
    options_fini(&o);
    accepted(&o, ARGS("abort", "-s", "dbname=d", "-t", "a"), (char *[]){"SEACHANGE_ID=0123abcd", NULL});
    assert_null(o.id);
    assert_string_equal(o.table, "a");
    options_fini(&o);
}

static void a_password_on_the_command_line_is_refused_and_not_repeated(void **state)
{
    (void)state;
    char *const sources[] = {
        "postgresql://u:topsecret@h/d",
        "postgres://h/d?password=topsecret",
        "postgresql://h/d?a=b&p%61ssword=topsecret",
        "host=h password=topsecret",
        "host=h password = 'topsecret x'",
        "postgresql://u:top/topsecret@h/d",
        "postgresql://h/?sslpassword=topsecret",
    };
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct options o;
        struct sc_error err;
        assert_int_equal(parse(&o, ARGS("list", "--source", sources[i]), no_environment, &err), SC_REFUSE);
        assert_non_null(strstr(err.what, "--source has a password in it"));
        assert_non_null(strstr(err.hint, "PGPASSFILE"));
        assert_non_null(strstr(err.hint, "SEACHANGE_SOURCE"));
        assert_null(strstr(err.what, "topsecret"));
        assert_null(strstr(err.hint, "topsecret"));
        options_fini(&o);
        char variable[128];
        snprintf(variable, sizeof(variable), "SEACHANGE_SOURCE=%s", sources[i]);
        accepted(&o, ARGS("list"), (char *[]){variable, NULL});
        assert_string_equal(o.source, sources[i]);
        options_fini(&o);
    }
}

static void a_url_in_the_place_of_another_value_is_not_shown(void **state)
{
    (void)state;
    struct options o;
    struct sc_error err;
    assert_int_equal(parse(&o, ARGS(MIGRATE, "--workers", "postgresql://u:topsecret@h/d"), no_environment, &err),
                     SC_REFUSE);
    assert_null(strstr(err.what, "topsecret"));
    options_fini(&o);
    assert_int_equal(parse(&o, ARGS(MIGRATE, "--sorce=postgresql://u:topsecret@h/d"), no_environment, &err), SC_REFUSE);
    assert_null(strstr(err.what, "topsecret"));
    options_fini(&o);
}

static void durations_have_units_and_may_be_put_together(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"500ms", 500},      {"10s", 10000},    {"2m", 120000},   {"1m30s", 90000}, {"1.5h", 5400000},
                {"1h 30m", 5400000}, {"2 min", 120000}, {"1d", 86400000}, {"0", 0},         {"0.25s", 250}};
    static const char *const bad[] = {"",
                                      "10",
                                      "ten seconds",
                                      "1x",
                                      "1.5.5s",
                                      "-1s",
                                      "s",
                                      "1s30",
                                      "1 2s",
                                      "0.1ms",
                                      "99999999999999999999s",
                                      "9223372036854775807d",
                                      "1.0000001s"};
    int64_t ms = -1;
    struct sc_error err;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(value_duration(good[i].text, &ms, &err), SC_OK);
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        error_init(&err);
        if (value_duration(bad[i], &ms, &err) != SC_REFUSE)
            fail_msg("took %s for a duration", bad[i]);
        assert_non_null(strstr(err.hint, "500ms"));
    }
}

static void sizes_have_binary_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"64MiB", 64 << 20}, {"64 mib", 64 << 20}, {"1.5KiB", 1536},
                {"100B", 100},       {"2TiB", 2LL << 40},  {"0", 0}};
    static const char *const bad[] = {"64", "64MB", "MiB", "1.3B", "99999999TiB", "64MiB x", "64MiB1KiB"};
    int64_t bytes = -1;
    struct sc_error err;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(value_size(good[i].text, &bytes, &err), SC_OK);
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        error_init(&err);
        if (value_size(bad[i], &bytes, &err) != SC_REFUSE)
            fail_msg("took %s for a size", bad[i]);
        assert_non_null(strstr(err.hint, "64MiB"));
    }
}

static void every_default_reads_back_as_it_is_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_def *def = &option_table[i];
        struct options o = {0};
        struct sc_error err;
        assert_true(strlen(def->name) < 40);
        assert_int_equal(option_find(def->name, strlen(def->name)), i);
        if (def->standard)
            assert_int_equal(option_store(&o, (int)i, def->standard, ORIGIN_DEFAULT, def->name, &err), SC_OK);
        for (size_t j = 0; j < i; j++)
            assert_true(!def->letter || option_table[j].letter != def->letter);
        options_fini(&o);
    }
}

static void every_result_has_its_exit_code(void **state)
{
    (void)state;
    assert_int_equal(exit_status_of(SC_OK), 0);
    assert_int_equal(exit_status_of(SC_REFUSE), 3);
    assert_int_equal(exit_status_of(SC_FAIL), 4);
    assert_int_equal(exit_status_of(SC_UNKNOWN), 5);
    assert_int_equal(exit_status_of(SC_RETRY), 75);
    assert_int_equal(exit_status_of(SC_STOP), 75);
}

static void help_fits_eighty_columns_and_names_every_option(void **state)
{
    (void)state;
    for (size_t c = 0; c <= command_count; c++) {
        const struct command *command = c < command_count ? &command_table[c] : NULL;
        struct buf text = {0};
        help_text(&text, command);
        for (size_t i = 0; command && i < option_count; i++)
            assert_true(!(option_table[i].commands & command->id) || strstr(text.data, option_table[i].name));
        for (const char *line = text.data; *line;) {
            size_t len = strcspn(line, "\n");
            if (len > 80)
                fail_msg("too long: %.*s", (int)len, line);
            line += len + (line[len] == '\n');
        }
        buf_fini(&text);
    }
    struct options o;
    accepted(&o, ARGS("migrate", "--help"), no_environment); /* asks for nothing else */
    assert_true(o.help);
    assert_int_equal(o.command, COMMAND_MIGRATE);
    options_fini(&o);
    accepted(&o, ARGS("help", "plan"), no_environment);
    assert_string_equal(o.topic, "plan");
    options_fini(&o);
}

/* Wherever a line was broken is a space again. */
static char *unwrapped(const char *text)
{
    struct buf out = {0};
    for (; *text; text++) {
        char c = *text == '\n' ? ' ' : *text;
        if (c != ' ' || (out.len > 0 && out.data[out.len - 1] != ' '))
            buf_char(&out, c);
    }
    return buf_take(&out);
}

static void help_and_docs_tell_the_limits_that_the_parser_keeps(void **state)
{
    (void)state;
    struct buf help = {0}, docs = {0};
    help_text(&help, command_by_id(COMMAND_MIGRATE));
    help_markdown(&docs);
    char *text = unwrapped(buf_cstr(&help));
    static const char *const in_help[] = {"(1 to 64; default: 2)", "(10ms to 1m; default: 500ms)",
                                          "(1s to 7d; default: 10m)", "(256KiB to 64GiB; default: 8MiB)",
                                          "(1 to 1000000, or 0; default: 60)"};
    for (size_t i = 0; i < sizeof(in_help) / sizeof(in_help[0]); i++)
        if (!strstr(text, in_help[i]))
            fail_msg("not in the help: %s", in_help[i]);
    for (size_t i = 0; i < option_count; i++) {
        const struct option_def *def = &option_table[i];
        struct buf limits = {0}, cell = {0};
        option_limits(&limits, def);
        assert_int_equal(limits.len > 0, def->max > 0);
        buf_printf(&cell, "| %s | ", buf_cstr(&limits));
        char *row = strstr(buf_cstr(&docs), def->name);
        assert_non_null(row);
        for (size_t c = 0; c < command_count; c++) { /* in the help of each command that has it */
            if (!(def->commands & command_table[c].id))
                continue;
            struct buf its_help = {0};
            help_text(&its_help, &command_table[c]);
            char *told = unwrapped(buf_cstr(&its_help));
            if (limits.len > 0 && !strstr(told, buf_cstr(&limits)))
                fail_msg("--%s: its limits are not told: %s", def->name, buf_cstr(&limits));
            mem_free(told);
            buf_fini(&its_help);
        }
        if (limits.len > 0 && !strstr(row, buf_cstr(&cell)))
            fail_msg("--%s: its limits are not told: %s", def->name, buf_cstr(&limits));
        buf_fini(&limits);
        buf_fini(&cell);
    }
    mem_free(text);
    buf_fini(&help);
    buf_fini(&docs);
}

static void docs_options_md_is_what_the_program_prints(void **state)
{
    (void)state;
    struct buf printed = {0}, kept = {0};
    help_markdown(&printed);
    FILE *f = fopen(SOURCE_DIR "/docs/options.md", "r");
    assert_non_null(f);
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        buf_bytes(&kept, piece, n);
    fclose(f);
    if (strcmp(buf_cstr(&printed), buf_cstr(&kept)) != 0)
        fail_msg("docs/options.md is old: run `seachange help --markdown > docs/options.md`");
    buf_fini(&printed);
    buf_fini(&kept);
}

#define AUDITED MIGRATE, "--audit-kafka", "k1:9092,k2:9092"

static void audit_refused(char **argv, char **environment, const char *what, const char *hint)
{
    struct options o;
    struct audit_given given;
    struct sc_error err;
    accepted(&o, argv, environment);
    assert_int_equal(audit_options_read(&o, &given, &err), SC_REFUSE);
    if (!strstr(err.what, what) || !strstr(err.hint, hint))
        fail_msg("said \"%s\" / \"%s\", not \"%s\" / \"%s\"", err.what, err.hint, what, hint);
    audit_given_fini(&given);
    options_fini(&o);
}

static void an_audit_needs_brokers_and_rules(void **state)
{
    (void)state;
    struct options o;
    struct audit_given given;
    struct sc_error err;
    accepted(&o, ARGS(MIGRATE), no_environment);
    assert_int_equal(audit_options_read(&o, &given, &err), SC_OK);
    assert_null(given.settings.brokers);
    audit_given_fini(&given);
    options_fini(&o);
    accepted(&o, ARGS(AUDITED, "--audit-columns", "id=plain,*=drop", "--audit-policy", "best-effort"), no_environment);
    assert_int_equal(audit_options_read(&o, &given, &err), SC_OK);
    assert_string_equal(given.settings.brokers, "k1:9092,k2:9092");
    assert_null(given.settings.topic);
    assert_string_equal(given.settings.table.prefix, "seachange");
    assert_false(given.settings.required);
    assert_true(given.settings.tombstones);
    assert_int_equal(given.rules.count, 2);
    audit_given_fini(&given);
    options_fini(&o);
    audit_refused(ARGS(AUDITED), no_environment, "--audit-columns is missing", "*=plain");
    audit_refused(ARGS(AUDITED, "--audit-columns", "id"), no_environment, "--audit-columns", "");
    audit_refused(ARGS(AUDITED, "--audit-columns", "*=plain", "--audit-topic", "a b"), no_environment,
                  "is not a name that Kafka takes", "Letters");
    audit_refused(ARGS(MIGRATE, "--audit-columns", "*=plain"), no_environment, "without --audit-kafka", "");
    audit_refused(ARGS(MIGRATE, "-X", "linger.ms=5"), no_environment, "without --audit-kafka", "");
    audit_refused(ARGS(AUDITED, "--audit-columns", "*=plain", "--audit-key-file", "/nowhere/key"), no_environment,
                  "cannot be read", "");
    write_file("short\n");
    audit_refused(ARGS(AUDITED, "--audit-columns", "*=hash", "--audit-key-file", file_name), no_environment,
                  "fewer than 16 bytes", "");
    refused(ARGS("plan", "-sdbname=shop", "-tt", "-aADD COLUMN a int", "--audit-kafka", "k:1"), no_environment,
            "has no option --audit-kafka", "");
}

/* What the later one says counts: the file, -X; and of -X all that were given. */
static void properties_of_librdkafka_add_up(void **state)
{
    (void)state;
    struct options o;
    struct audit_given given;
    struct sc_error err;
    write_file("# comment\nsasl.password=not shown\r\n\n  linger.ms=1");
    accepted(&o,
             ARGS(AUDITED, "--audit-columns", "*=plain", "-Xlinger.ms=5", "--audit-config", file_name, "-X", "acks=all",
                  "--audit-property=batch.size=7"),
             (char *[]){"SEACHANGE_AUDIT_PROPERTY=client.id=env", NULL});
    assert_int_equal(audit_options_read(&o, &given, &err), SC_OK);
    static const char *const expected[] = {"sasl.password=not shown", "linger.ms=1", "linger.ms=5", "acks=all",
                                           "batch.size=7"};
    assert_int_equal(given.settings.nproperties, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(given.settings.properties[i], expected[i]);
    audit_given_fini(&given);
    options_fini(&o);
    write_file("audit-property = client.id=a\naudit-property = linger.ms=2\n");
    accepted(&o, ARGS(AUDITED, "--config", file_name), no_environment);
    assert_int_equal(o.audit_properties.count, 2);
    assert_string_equal(o.audit_properties.items[1], "linger.ms=2");
    options_fini(&o);
    refused(ARGS(AUDITED, "-X", "sasl.password=hidden"), no_environment, "-X has a secret in it", "--audit-config");
    refused(ARGS(AUDITED, "-X", "ssl.key.pem=hidden"), no_environment, "-X has a secret in it", "--audit-config");
    char *many[150] = {"seachange", MIGRATE};
    int n = 1;
    while (many[n])
        n++;
    for (int i = 0; i < 65; i++)
        many[n++] = "-Xlinger.ms=1";
    refused(many, no_environment, "--audit-property is given more than 64 times", "");
}

/* What may not change on the way is told apart; what may is not in it; and no secret. */
static void what_a_stream_began_with_is_known_again(void **state)
{
    (void)state;
    struct audit_rules rules = {.secret = "sixteen bytes of key", .secret_len = 20}, other = rules, none = {0};
    other.secret = "sixteen bytes of KEY";
    struct audit_settings settings = {.brokers = "k:1",
                                      .table = {.prefix = "p"},
                                      .rules_text = "*=hash",
                                      .rules = &rules,
                                      .tombstones = true},
                          changed = settings;
    char *was = audit_settings_text(&settings);
    assert_null(strstr(was, "sixteen"));
    changed.brokers = "k:2";
    changed.required = true;
    char *same = audit_settings_text(&changed);
    assert_string_equal(same, was);
    mem_free(same);
    for (int i = 0; i < 7; i++) {
        changed = settings;
        if (i == 0)
            changed.topic = "t";
        else if (i == 1)
            changed.table.prefix = "q";
        else if (i == 2)
            changed.rules_text = "*=plain";
        else if (i == 3)
            changed.tombstones = false;
        else if (i == 4)
            changed.table.decimals = AUDIT_DECIMALS_STRING;
        else if (i == 5)
            changed.table.with_schema = true;
        else
            changed.rules = &other;
        char *is = audit_settings_text(&changed);
        assert_string_not_equal(is, was);
        mem_free(is);
    }
    settings.rules = &none;
    char *without = audit_settings_text(&settings);
    assert_null(strstr(without, "key"));
    mem_free(without);
    mem_free(was);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_of_the_table_are_what_a_plain_run_gets),
        cmocka_unit_test(a_value_may_follow_an_equals_sign_a_space_or_a_letter_before_or_after_the_command),
        cmocka_unit_test(blockers_are_ended_after_ten_seconds_or_after_the_time_behind_an_equals_sign),
        cmocka_unit_test_teardown(the_command_line_comes_before_the_environment_before_the_file_before_the_default,
                                  remove_file),
        cmocka_unit_test_teardown(the_file_may_be_named_by_the_environment, remove_file),
        cmocka_unit_test_teardown(a_bad_line_of_the_file_is_named_by_file_and_line, remove_file),
        cmocka_unit_test_teardown(a_wrong_value_in_the_file_is_told_even_when_the_command_line_has_a_right_one,
                                  remove_file),
        cmocka_unit_test(an_unknown_word_is_answered_with_the_nearest_known_one),
        cmocka_unit_test(numbers_outside_their_range_are_told_the_range),
        cmocka_unit_test(what_a_command_needs_is_asked_for_with_all_three_ways_to_give_it),
        cmocka_unit_test(an_option_given_twice_or_a_word_too_many_is_refused_rather_than_dropped),
        cmocka_unit_test(an_alter_that_begins_with_alter_table_is_sent_back),
        cmocka_unit_test(an_abort_takes_an_id_or_a_table_and_the_nearer_one_wins),
        cmocka_unit_test(a_password_on_the_command_line_is_refused_and_not_repeated),
        cmocka_unit_test(a_url_in_the_place_of_another_value_is_not_shown),
        cmocka_unit_test(durations_have_units_and_may_be_put_together),
        cmocka_unit_test(sizes_have_binary_units),
        cmocka_unit_test(every_default_reads_back_as_it_is_written),
        cmocka_unit_test(every_result_has_its_exit_code),
        cmocka_unit_test(help_fits_eighty_columns_and_names_every_option),
        cmocka_unit_test(help_and_docs_tell_the_limits_that_the_parser_keeps),
        cmocka_unit_test(docs_options_md_is_what_the_program_prints),
        cmocka_unit_test_teardown(an_audit_needs_brokers_and_rules, remove_file),
        cmocka_unit_test_teardown(properties_of_librdkafka_add_up, remove_file),
        cmocka_unit_test(what_a_stream_began_with_is_known_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
