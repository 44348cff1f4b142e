/* What the operator sees: lines that fit, numbers people read, rates that settle, and a summary machines can rely on.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/human.h"
#include "base/log.h"
#include "base/stop.h"
#include "base/url.h"
#include "coordinator/progress.h"

static struct progress_view copying(void)
{
    return (struct progress_view){.phase = "copy",
                                  .rows_copied = 1234567,
                                  .rows_estimated = 2700000,
                                  .copy_rate = 35123.4,
                                  .changes_applied = 1200,
                                  .change_rate = 250,
                                  .lag_ms = 120,
                                  .spool_disk_bytes = 3 << 20,
                                  .eta_s = 42,
                                  .elapsed_ms = 35000};
}

static const char *line(struct buf *b, const struct progress_view *view, int width)
{
    buf_clear(b);
    progress_line(b, view, width);
    return buf_cstr(b);
}

static void a_line_fits_every_width_and_keeps_what_matters_most(void **state)
{
    (void)state;
    struct buf b = {0};
    struct progress_view plain = copying(), noted = copying();
    noted.note = "waits for 2 transactions that are older than the slot: pid 4711, 4712";
    for (int width = 20; width <= 200; width++) {
        assert_true((int)strlen(line(&b, &plain, width)) <= width);
        assert_non_null(strstr(b.data, "copy"));
        assert_non_null(strstr(b.data, "45%"));
        assert_null(strchr(b.data, '\n'));
        assert_true((int)strlen(line(&b, &noted, width)) <= width);
        assert_non_null(strstr(b.data, "copy"));
        if (width >= 30)
            assert_non_null(strstr(b.data, "waits for"));
    }
    for (int width = 1; width < 20; width++)
        assert_true((int)strlen(line(&b, &noted, width)) <= width);
    assert_string_equal(line(&b, &plain, 20), "copy  45%  ETA 42 s");
    assert_string_equal(line(&b, &plain, 160),
                        "copy  [##################----------------------]  45%  1.23M/2.70M rows  35.1k rows/s  "
                        "1.20k changes (250/s)  spool 3.00 MiB  lag 120 ms  ETA 42 s  35 s");
    buf_fini(&b);
}

static void a_note_of_wide_characters_fits_too_and_is_cut_between_them(void **state)
{
    (void)state;
    struct buf b = {0};
    struct progress_view view = {
        .phase = "prepare", .note = "表表表表表表表表表表表表表表表表", .lag_ms = -1, .eta_s = -1};
    for (int width = 20; width <= 60; width++) {
        const char *text = line(&b, &view, width);
        int columns = 0;
        for (const unsigned char *p = (const unsigned char *)text; *p; p++)
            columns += *p < 0x80 ? 1 : (*p & 0xc0) != 0x80 ? 2 : 0;
        assert_true(columns <= width);
        assert_int_equal((strlen(text) - strspn(text, "prepare ") - (strstr(text, "...") ? 3 : 0)) % 3, 0);
    }
    view.note = "a\x1b[31mb\n";
    assert_string_equal(line(&b, &view, 0), "prepare: a [31mb ");
    buf_fini(&b);
}

static void what_is_behind_the_copy_has_a_step_of_its_own(void **state)
{
    (void)state;
    struct buf b = {0};
    struct progress_view view = {.phase = "drain",
                                 .note = "all rows are copied",
                                 .rows_copied = 10,
                                 .rows_estimated = 10,
                                 .changes_applied = 2000,
                                 .change_rate = 50,
                                 .spool_memory_bytes = 1 << 20,
                                 .spool_disk_bytes = 2 << 20,
                                 .lag_ms = 12000,
                                 .eta_s = -1};
    assert_string_equal(line(&b, &view, 0),
                        "drain, 2.00k changes (50/s), spool 3.00 MiB, lag 12 s: all rows are copied");
    view.phase = "index"; /* changes wait: a rate would be that of before */
    view.note = "1 of 3 done, at index b";
    view.spool_memory_bytes = 100 << 10;
    view.spool_disk_bytes = 0;
    assert_string_equal(line(&b, &view, 0), "index, 2.00k changes, lag 12 s: 1 of 3 done, at index b");
    buf_fini(&b);
}

static void verification_shows_the_rows_it_has_compared(void **state)
{
    (void)state;
    struct buf b = {0};
    struct progress_view view = copying();
    view.phase = "verify";
    view.rows_verified = 540000;
    view.verify_rate = 100000;
    assert_string_equal(line(&b, &view, 0), "verify: 20%, 540k/2.70M rows, 100k rows/s, 1.20k changes (250/s), "
                                            "spool 3.00 MiB, lag 120 ms, ETA 42 s, 35 s");
    buf_fini(&b);
}

static void what_is_not_known_is_not_shown(void **state)
{
    (void)state;
    struct buf b = {0};
    struct progress_view view = {.phase = "copy", .rows_copied = 10, .lag_ms = -1, .eta_s = -1};
    assert_string_equal(line(&b, &view, 80), "copy  10 rows");
    view = (struct progress_view){
        .phase = "catch-up", .rows_copied = 10, .rows_estimated = 10, .lag_ms = 5200, .eta_s = -1};
    assert_string_equal(line(&b, &view, 80), "catch-up  lag 5.2 s");
    view = copying();
    view.rows_copied = 5000000; /* the estimate was too low */
    assert_non_null(strstr(line(&b, &view, 80), "99%"));
    assert_string_equal(line(&b, &view, 0), "copy: 99%, 5.00M/2.70M rows, 35.1k rows/s, 1.20k changes (250/s), "
                                            "spool 3.00 MiB, lag 120 ms, ETA 42 s, 35 s");
    buf_fini(&b);
}

typedef void (*humanizer)(struct buf *out, uint64_t n);
static void reads(humanizer f, uint64_t n, const char *expected)
{
    struct buf b = {0};
    f(&b, n);
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
}
static void ms_of(struct buf *out, uint64_t n)
{
    human_ms(out, (int64_t)n);
}

static void numbers_are_written_for_people(void **state)
{
    (void)state;
    reads(human_count, 0, "0");
    reads(human_count, 999, "999");
    reads(human_count, 1000, "1.00k");
    reads(human_count, 999999, "999k");
    reads(human_count, 12345678, "12.3M");
    reads(human_count, UINT64_MAX, "18446744T");
    reads(human_exact, 0, "0");
    reads(human_exact, 999, "999");
    reads(human_exact, 1000, "1,000");
    reads(human_exact, 12345678, "12,345,678");
    reads(human_bytes, 1023, "1023 B");
    reads(human_bytes, 1024, "1.00 KiB");
    reads(human_bytes, 64ull << 20, "64.0 MiB");
    reads(human_bytes, UINT64_MAX, "16383 PiB");
    reads(ms_of, 85, "85 ms");
    reads(ms_of, 4250, "4.2 s");
    reads(ms_of, 59999, "59 s");
    reads(ms_of, 80000, "1m 20s");
    reads(ms_of, 3 * 3600000 + 5 * 60000, "3h 05m");
    reads(ms_of, 51 * 3600000, "2d 03h");
}

static void a_rate_settles_on_what_is_steady_and_forgets_what_was(void **state)
{
    (void)state;
    struct progress_rate rate = {0};
    int64_t now = 1000000;
    uint64_t rows = 500; /* copied by an earlier run: no part of the rate */
    assert_true(progress_rate_update(&rate, rows, now) == 0);
    for (int i = 0; i < 10; i++)
        progress_rate_update(&rate, rows += 100, now += 100000);
    assert_true(rate.per_second > 999 && rate.per_second < 1001);
    double before = rate.per_second;
    progress_rate_update(&rate, rows + 1000000, now + 10); /* too soon to say anything */
    assert_true(rate.per_second == before);
    for (int i = 0; i < 600; i++)
        progress_rate_update(&rate, rows += 10, now += 100000);
    assert_true(rate.per_second > 99 && rate.per_second < 110);
    for (int i = 0; i < 1200; i++)
        progress_rate_update(&rate, rows, now += 100000);
    assert_true(rate.per_second < 0.1);                              /* stands still */
    assert_true(progress_rate_update(&rate, 0, now += 100000) == 0); /* begun again */
    assert_true(progress_rate_update(&rate, 50, now += 1000000) > 49);
}

static void a_slow_first_moment_does_not_count_for_long(void **state)
{
    (void)state;
    struct progress_rate rate = {0};
    int64_t now = 0;
    progress_rate_update(&rate, 0, now);
    progress_rate_update(&rate, 0, now += 100000); /* nothing yet */
    double shown = 0;
    for (uint64_t rows = 100000; rows <= 900000; rows += 100000)
        shown = progress_rate_update(&rate, rows, now += 100000);
    assert_true(shown > 890000 && shown < 910000); /* 900,000 rows in the first second */
}

static void an_eta_is_said_only_when_there_is_one(void **state)
{
    (void)state;
    assert_int_equal(progress_eta_s(0, 1000, 100), 10);
    assert_int_equal(progress_eta_s(999, 1000, 100), 0);
    assert_int_equal(progress_eta_s(2000, 1000, 100), 0);
    assert_int_equal(progress_eta_s(0, 0, 100), -1);
    assert_int_equal(progress_eta_s(0, 1000, 0), -1);
    assert_int_equal(progress_eta_s(0, UINT64_MAX, 1), -1);
    assert_int_equal(progress_eta_s(0, 1000, 0.0 / 1 + 1e-300), -1);
}

static void the_summary_has_stable_field_names(void **state)
{
    (void)state;
    struct buf b = {0};
    struct strlist notes = {0};
    strlist_add(&notes, "a \"note\"");
    struct strlist ended = {0};
    strlist_add(&ended, "pid 4711 (app) was ended");
    struct summary_view view = {.result = SUMMARY_SWAPPED,
                                .id = "7f3a91c2",
                                .table = "shop.orders",
                                .rows_copied = 12345678,
                                .changes_applied = 1234,
                                .rows_verified = 12345679,
                                .duration_ms = 80000,
                                .writers_held_ms = 85,
                                .cutover_tries = 1,
                                .lag_at_cutover_ms = 12,
                                .old_table = "seachange_old_7f3a91c2.orders",
                                .ended = &ended,
                                .notes = &notes};
    summary_format(&b, &view, true);
    assert_string_equal(
        buf_cstr(&b), "{\"result\":\"swapped\",\"id\":\"7f3a91c2\",\"table\":\"shop.orders\",\"rows_copied\":12345678,"
                      "\"changes_applied\":1234,\"rows_verified\":12345679,\"duration_ms\":80000,\"writers_held_ms\":"
                      "85,\"cutover_tries\":1,"
                      "\"lag_at_cutover_ms\":12,\"old_table\":\"seachange_old_7f3a91c2.orders\","
                      "\"sessions_ended\":[\"pid 4711 (app) was ended\"],\"notes\":[\"a \\\"note\\\"\"]}\n");
    buf_clear(&b);
    summary_format(&b, &view, false);
    assert_string_equal(buf_cstr(&b), "Done: shop.orders has its new shape.\n\n"
                                      "  rows copied       12,345,678\n"
                                      "  changes applied   1,234\n"
                                      "  rows verified     12,345,679, all the same\n"
                                      "  took              1m 20s\n"
                                      "  writers waited    85 ms at the cutover (1 try)\n"
                                      "  old table         seachange_old_7f3a91c2.orders\n"
                                      "  migration         7f3a91c2\n\n"
                                      "  - in the way of the cutover: pid 4711 (app) was ended\n"
                                      "  - a \"note\"\n");
    buf_clear(&b);
    view = (struct summary_view){.result = SUMMARY_REFUSED,
                                 .id = "",
                                 .table = "t",
                                 .rows_verified = -1,
                                 .writers_held_ms = -1,
                                 .lag_at_cutover_ms = -1};
    summary_format(&b, &view, true);
    assert_non_null(strstr(buf_cstr(&b), "\"result\":\"refused\",\"id\":null"));
    assert_non_null(strstr(buf_cstr(&b), "\"rows_verified\":null"));
    assert_non_null(strstr(buf_cstr(&b), "\"writers_held_ms\":null"));
    buf_fini(&b);
    strlist_fini(&ended);
    strlist_fini(&notes);
}

static void progress_as_json_is_one_log_object_an_interval(void **state)
{
    (void)state;
    int pipe_ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipe_ends), 0);
    fflush(stderr);
    dup2(pipe_ends[1], STDERR_FILENO);
    log_setup(LOG_INFO, true);
    struct progress_view view = copying();
    view.lag_ms = -1;
    progress_start(true, 1);
    usleep(3000);
    progress_show(&view);
    progress_show(&view); /* not yet time for another, at most one more */
    progress_end();
    progress_start(true, 0);
    usleep(2000);
    progress_show(&view); /* 0: none at all */
    progress_end();
    log_setup(LOG_INFO, false);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_ends[1]);
    char text[4096] = "";
    ssize_t n = read(pipe_ends[0], text, sizeof(text) - 1);
    close(pipe_ends[0]);
    assert_true(n > 0);
    assert_non_null(strstr(text,
                           "\"level\":\"info\",\"message\":\"progress\",\"phase\":\"copy\",\"rows_copied\":1234567,"
                           "\"rows_estimated\":2700000,\"copy_rate\":35123.4,\"rows_verified\":0,\"verify_rate\":0.0,"
                           "\"changes_applied\":1200,"
                           "\"change_rate\":250.0,\"lag_ms\":null,\"spool_memory_bytes\":0,"
                           "\"spool_disk_bytes\":3145728,\"eta_s\":42,\"elapsed_ms\":35000,\"note\":null}\n"));
}

static void a_url_is_shown_without_its_passwords(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"postgresql://app@db1/shop", "postgresql://app@db1/shop"},
        {"postgresql://db1:5432/shop?application_name=a", "postgresql://db1:5432/shop?application_name=a"},
        {"postgresql://app:secret@db1:5432/shop", "postgresql://app:***@db1:5432/shop"},
        {"postgresql://app:se@cr/et@db1/shop", "postgresql://app:***@db1/shop"},
        {"postgresql://app:se?cret@db1/shop", "postgresql://app:***@db1/shop"},
        {"postgresql://app:se?cr/et@db1/shop", "postgresql://app:***@db1/shop"},
        {"postgresql://app:se?c/r?et@db1/shop?sslmode=require", "postgresql://app:***@db1/shop?sslmode=require"},
        {"postgresql://db1:5432/shop?application_name=a@b", "postgresql://db1:5432/shop?application_name=a@b"},
        {"postgresql://db1:5432?host=/tmp&user=a@b", "postgresql://db1:5432?host=/tmp&user=a@b"},
        {"postgresql://app@[::1]:5432/shop", "postgresql://app@[::1]:5432/shop"},
        {"postgresql:///shop?host=/tmp&password=secret&user=a", "postgresql:///shop?host=/tmp&password=***&user=a"},
        {"postgresql:///shop?p%61ssword=secret", "postgresql:///shop?p%61ssword=***"},
        {"host=db1 password=secret user=a", "host=db1 password=*** user=a"},
        {"host=db1 password = 'a b\\' c' user=a", "host=db1 password = *** user=a"},
        {"password='never ends", "password=***"},
        {"host=db1 passfile=/x password=''", "host=db1 passfile=/x password=''"},
        {"mysql://root:secret@db1/shop", "mysql://root:***@db1/shop"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *shown = url_redacted(cases[i][0]);
        assert_string_equal(shown, cases[i][1]);
        assert_int_equal(url_has_password(cases[i][0]), strcmp(cases[i][0], cases[i][1]) != 0);
        mem_free(shown);
    }
    assert_null(url_redacted(NULL));
    assert_int_equal(url_scheme_len("postgresql://x"), 10);
    assert_int_equal(url_scheme_len("host=x options='a://b'"), 0);
    assert_int_equal(url_scheme_len("://x"), 0);
}

static void a_signal_asks_to_stop_and_wakes_who_waits(void **state)
{
    (void)state;
    stop_on_signals();
    struct pollfd wait = {.fd = stop_fd(), .events = POLLIN};
    assert_false(stop_requested());
    assert_int_equal(poll(&wait, 1, 0), 0);
    raise(SIGTERM);
    raise(SIGINT); /* again: changes nothing */
    raise(SIGPIPE);
    assert_true(stop_requested());
    assert_int_equal(poll(&wait, 1, 0), 1);
    assert_int_equal(poll(&wait, 1, 0), 1);
}

/* In a process of its own: the limit cannot be taken back, and what is tested is whether it lives. */
static void a_file_at_its_limit_is_an_error_and_not_the_end(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGXFSZ, SIG_DFL);
        stop_on_signals();
        FILE *file = tmpfile();
        struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
        if (!file || setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(2);
        _exit(pwrite(fileno(file), "x", 1, 4096) == -1 && errno == EFBIG ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_run_stopped_before_it_made_anything_names_no_migration_to_abort(void **state)
{
    (void)state;
    struct buf b = {0};
    struct summary_view view = {
        .result = SUMMARY_INTERRUPTED, .id = "", .table = "t", .writers_held_ms = -1, .lag_at_cutover_ms = -1};
    summary_format(&b, &view, false);
    assert_non_null(strstr(buf_cstr(&b), "Stopped before anything was made: t is untouched."));
    assert_null(strstr(buf_cstr(&b), "seachange abort"));
    buf_clear(&b);
    view.id = "7f3a91c2";
    summary_format(&b, &view, false);
    assert_non_null(strstr(buf_cstr(&b), "`seachange abort 7f3a91c2` removes it."));

    view.result = SUMMARY_REFUSED; /* its place in the log is gone, say */
    buf_clear(&b);
    summary_format(&b, &view, false);
    assert_non_null(strstr(buf_cstr(&b), "`seachange abort 7f3a91c2` removes what has been made."));
    view.id = "";
    buf_clear(&b);
    summary_format(&b, &view, false);
    assert_non_null(strstr(buf_cstr(&b), "Refused: nothing was touched, t is as it was."));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_fits_every_width_and_keeps_what_matters_most),
        cmocka_unit_test(a_note_of_wide_characters_fits_too_and_is_cut_between_them),
        cmocka_unit_test(what_is_behind_the_copy_has_a_step_of_its_own),
        cmocka_unit_test(verification_shows_the_rows_it_has_compared),
        cmocka_unit_test(what_is_not_known_is_not_shown),
        cmocka_unit_test(numbers_are_written_for_people),
        cmocka_unit_test(a_rate_settles_on_what_is_steady_and_forgets_what_was),
        cmocka_unit_test(a_slow_first_moment_does_not_count_for_long),
        cmocka_unit_test(an_eta_is_said_only_when_there_is_one),
        cmocka_unit_test(the_summary_has_stable_field_names),
        cmocka_unit_test(progress_as_json_is_one_log_object_an_interval),
        cmocka_unit_test(a_url_is_shown_without_its_passwords),
        cmocka_unit_test(a_signal_asks_to_stop_and_wakes_who_waits),
        cmocka_unit_test(a_file_at_its_limit_is_an_error_and_not_the_end),
        cmocka_unit_test(a_run_stopped_before_it_made_anything_names_no_migration_to_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
