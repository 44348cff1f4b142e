/* What a failpoint does, and what is wrong with its environment. Each try is a process of its own, since the
 * environment is read once a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/failpoint.h"

#ifdef SEACHANGE_FAILPOINTS

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* --- what the environment says --- */

static enum sc_result parse(const char *text, struct failpoint_order *orders, size_t *count, struct sc_error *err)
{
    return failpoints_parse(text, orders, 4, count, err);
}

static void each_part_of_an_order_is_read(void **state)
{
    (void)state;
    struct failpoint_order o[4];
    struct sc_error err;
    size_t count;
    assert_int_equal(parse("copy_chunk_begin=kill", o, &count, &err), SC_OK);
    assert_int_equal(count, 1);
    assert_string_equal(failpoint_name(o[0].point), "copy_chunk_begin");
    assert_int_equal(o[0].action, FAILPOINT_KILL);
    assert_int_equal(o[0].nth, 1);
    assert_int_equal(
        parse("copy_ended=sleep:250@3;copy_ended=drop:0x5;copy_ended=drop:3;phase_stored=drop@2", o, &count, &err),
        SC_OK);
    assert_int_equal(count, 4);
    assert_int_equal(o[0].action, FAILPOINT_SLEEP);
    assert_int_equal(o[0].argument, 250);
    assert_int_equal(o[0].nth, 3);
    assert_int_equal(o[1].argument, 5);
    assert_int_equal(o[2].argument, 3);
    assert_int_equal(o[3].action, FAILPOINT_DROP);
    assert_int_equal(o[3].argument, 0);
    assert_int_equal(o[3].nth, 2);
    assert_int_equal(parse("", o, &count, &err), SC_OK);
    assert_int_equal(count, 0);
}

static void what_is_malformed_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } wrong[] = {
        {"no_such=kill", "no failpoint \"no_such\""},
        {"COPY=kill", "no failpoint \"COPY\""},
        {"copy_ended2=kill", "no failpoint"},
        {"=kill", "no failpoint \"\""},
        {";", "no failpoint"},
        {"copy_ended=kill;", "no failpoint"},
        {"copy_ended", "no action for"},
        {"copy_ended kill", "no action for"},
        {"copy_ended=", "there is no action \"\""},
        {"copy_ended=die", "there is no action \"die\""},
        {"copy_ended=kill:1", "copy_ended=kill:"},
        {"copy_ended=kill@0", "copy_ended=kill:"},
        {"copy_ended=kill@-1", "copy_ended=kill:"},
        {"copy_ended=kill@", "copy_ended=kill:"},
        {"copy_ended=kill@1x", "copy_ended=kill:"},
        {"copy_ended=kill@1@2", "copy_ended=kill:"},
        {"copy_ended=kill@99999999999999999999", "copy_ended=kill:"},
        {"copy_ended=sleep", "copy_ended=sleep:"},
        {"copy_ended=sleep:", "copy_ended=sleep:"},
        {"copy_ended=sleep:86400001", "copy_ended=sleep:"},
        {"copy_ended=drop:0", "copy_ended=drop:"},
        {"copy_ended=drop:-1", "copy_ended=drop:"},
        {"copy_ended=retry", "copy_ended: nothing can fail there"},
        {"copy_ended=fail@2", "copy_ended: nothing can fail there"},
        {"copy_ended=kill;copy_ended=kill;copy_ended=kill;copy_ended=kill;copy_ended=kill", "more than 4"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct failpoint_order o[4];
        struct sc_error err;
        size_t count;
        assert_int_equal(parse(wrong[i].text, o, &count, &err), SC_REFUSE);
        if (!strstr(err.what, wrong[i].said))
            fail_msg("%s: %s", wrong[i].text, err.what);
    }
}

static void names_are_told_apart(void **state)
{
    (void)state;
    for (int i = 0; i < FAILPOINT_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(failpoint_name((enum failpoint)i), failpoint_name((enum failpoint)j));
}

/* --- what happens: in a child, which hands back an exit code --- */

static int hit_times(int times)
{
    for (int i = 1; i <= times; i++) {
        enum sc_result result = SC_OK;
        struct sc_error err;
        FAILPOINT(result, copy_chunk_begin, &err);
        if (result != SC_OK)
            return 10 * i + (result == SC_RETRY ? 1 : result == SC_FAIL ? 2 : 3) + (result == err.result ? 0 : 5);
    }
    return 0;
}

static int once(void)
{
    return hit_times(1);
}

static int five_times(void)
{
    return hit_times(5);
}

/* How the child ended, as waitpid() says; WUNTRACED. */
static int child(const char *orders, int (*body)(void), pid_t *pid)
{
    fflush(NULL);
    *pid = fork();
    assert_true(*pid >= 0);
    if (*pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        alarm(30);
        setenv("SEACHANGE_FAILPOINT", orders, 1);
        if (!freopen("/dev/null", "w", stderr))
            _exit(99);
        _exit(body());
    }
    int status = 0;
    assert_int_equal(waitpid(*pid, &status, WUNTRACED), *pid);
    return status;
}

static int exit_of(const char *orders, int (*body)(void))
{
    pid_t pid;
    int status = child(orders, body, &pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void without_an_order_nothing_happens(void **state)
{
    (void)state;
    assert_int_equal(exit_of("", five_times), 0);
    assert_int_equal(exit_of("phase_stored=kill", five_times), 0);
}

static void it_acts_once_at_the_time_that_was_said(void **state)
{
    (void)state;
    assert_int_equal(exit_of("copy_chunk_begin=retry", five_times), 11);
    assert_int_equal(exit_of("copy_chunk_begin=retry@3", five_times), 31);
    assert_int_equal(exit_of("copy_chunk_begin=fail@5", five_times), 52);
    assert_int_equal(exit_of("copy_chunk_begin=fail@6", five_times), 0);
    assert_int_equal(exit_of("copy_chunk_begin=fail@4;copy_chunk_begin=retry@2", five_times), 21);
}

static int keeps_what_failed_before(void)
{
    struct sc_error err;
    enum sc_result result = error_set(&err, SC_REFUSE, "before");
    FAILPOINT(result, copy_chunk_begin, &err);
    return result == SC_REFUSE && strcmp(err.what, "before") == 0 ? 0 : 1;
}

static void a_step_that_has_failed_already_is_no_hit(void **state)
{
    (void)state;
    assert_int_equal(exit_of("copy_chunk_begin=kill", keeps_what_failed_before), 0);
}

static void it_sends_itself_signals(void **state)
{
    (void)state;
    pid_t pid;
    int status = child("copy_chunk_begin=kill@2", five_times, &pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    status = child("copy_chunk_begin=term", once, &pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    status = child("copy_chunk_begin=stop@2;copy_chunk_begin=fail@3", five_times, &pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 32);
}

static void *blocks_all_signals(void *arg)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    FAILPOINT_PASS(copy_ended);
    return arg;
}

static int in_a_thread_without_signals(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, blocks_all_signals, NULL) != 0)
        return 1;
    pthread_join(thread, NULL);
    clock_sleep_ms(1000);
    return 2;
}

static void a_thread_that_takes_no_signals_can_send_them(void **state)
{
    (void)state;
    pid_t pid;
    int status = child("copy_ended=term", in_a_thread_without_signals, &pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    status = child("copy_ended=kill", in_a_thread_without_signals, &pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    status = child("copy_ended=stop", in_a_thread_without_signals, &pid);
    assert_true(WIFSTOPPED(status));
    kill(pid, SIGCONT);
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
}

static void *other_thread(void *arg)
{
    int64_t *took_us = arg, began = clock_us();
    FAILPOINT_PASS(copy_ended);
    *took_us = clock_us() - began;
    return NULL;
}

static int sleep_in_one_thread(void)
{
    pthread_t thread;
    int64_t took_us = 0, began = clock_us();
    if (pthread_create(&thread, NULL, other_thread, &took_us) != 0)
        return 1;
    enum sc_result result = SC_OK;
    FAILPOINT(result, copy_chunk_begin, NULL);
    int64_t here_us = clock_us() - began;
    pthread_join(thread, NULL);
    return took_us < 300000 ? 2 : here_us > 250000 ? 3 : 0;
}

static void only_the_thread_that_hits_it_sleeps(void **state)
{
    (void)state;
    assert_int_equal(exit_of("copy_ended=sleep:300", sleep_in_one_thread), 0);
}

#define THREADS 8
#define TIMES 1000

static void *many_hits(void *arg)
{
    int *failed = arg;
    for (int i = 0; i < TIMES; i++) {
        enum sc_result result = SC_OK;
        FAILPOINT(result, copy_chunk_begin, NULL);
        *failed += result != SC_OK;
    }
    return NULL;
}

static int many_threads(void)
{
    pthread_t threads[THREADS];
    int failed[THREADS] = {0}, sum = 0;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, many_hits, &failed[i]) != 0)
            return 99;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += failed[i];
    }
    return sum;
}

static void of_many_threads_one_is_struck(void **state)
{
    (void)state;
    assert_int_equal(
        exit_of("copy_chunk_begin=retry@3000;copy_chunk_begin=fail@8000;copy_chunk_begin=fail@8001", many_threads), 2);
}

static bool is_cut(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_DONTWAIT) == 0; /* else EAGAIN */
}

/* Bit i of the result: the i-th pair is cut; bit 7: standard input, a socket here, too. A datagram socket and a pipe
 * are among them, and do not count. */
static int which_are_cut(void)
{
    int pairs[3][2], other[2], pipes[2], input[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, input) != 0 || dup2(input[0], STDIN_FILENO) < 0)
        return 98;
    close(input[0]);
    close(input[1]);
    for (int i = 0; i < 3; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) != 0 || pipe(pipes) != 0 ||
            socketpair(AF_UNIX, SOCK_DGRAM, 0, other) != 0)
            return 99;
    }
    enum sc_result result = SC_OK;
    FAILPOINT(result, copy_chunk_begin, NULL);
    int cut = is_cut(other[0]) ? 0x40 : 0;
    for (int i = 0; i < 3; i++)
        for (int end = 0; end < 2; end++)
            cut |= is_cut(pairs[i][end]) ? 1 << i : 0;
    return result == SC_OK ? cut : 97;
}

static void it_cuts_all_connections_or_some(void **state)
{
    (void)state;
    assert_int_equal(exit_of("copy_chunk_begin=drop", which_are_cut), 7);
    assert_int_equal(exit_of("copy_chunk_begin=drop:1", which_are_cut), 1); /* the two ends of the first pair are two */
    assert_int_equal(exit_of("copy_chunk_begin=drop:0x10", which_are_cut), 4);
    assert_int_equal(exit_of("copy_chunk_begin=drop:0x40", which_are_cut), 0);
}

static void a_wrong_environment_ends_the_program_at_once(void **state)
{
    (void)state;
    assert_int_equal(exit_of("no_such=kill", once), 2);
    assert_int_equal(exit_of("copy_ended=sleep", once), 2);
}

static char hits_path[] = "/tmp/seachange-hits-XXXXXX";

static int hits_told(void)
{
    if (setenv("SEACHANGE_FAILPOINT_HITS", hits_path, 1) != 0)
        return 1;
    hit_times(3);
    FAILPOINT_PASS(copy_ended);
    FAILPOINT_PASS(copy_ended);
    return hit_times(1);
}

static void the_first_hit_of_each_is_told(void **state)
{
    (void)state;
    int fd = mkstemp(hits_path);
    assert_true(fd >= 0);
    pid_t pid;
    assert_int_equal(exit_of("", hits_told), 0);
    child("copy_ended=kill@2", hits_told, &pid);
    char text[256] = "";
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "copy_chunk_begin\ncopy_ended\ncopy_chunk_begin\ncopy_ended\n");
    close(fd);
    unlink(hits_path);
}

static void hits_that_cannot_be_told_end_the_program(void **state)
{
    (void)state;
    static char nowhere[] = "/dev/null/hits";
    memcpy(hits_path, nowhere, sizeof(nowhere));
    assert_int_equal(exit_of("", hits_told), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_of_an_order_is_read),
        cmocka_unit_test(what_is_malformed_is_said),
        cmocka_unit_test(names_are_told_apart),
        cmocka_unit_test(without_an_order_nothing_happens),
        cmocka_unit_test(it_acts_once_at_the_time_that_was_said),
        cmocka_unit_test(a_step_that_has_failed_already_is_no_hit),
        cmocka_unit_test(it_sends_itself_signals),
        cmocka_unit_test(a_thread_that_takes_no_signals_can_send_them),
        cmocka_unit_test(only_the_thread_that_hits_it_sleeps),
        cmocka_unit_test(of_many_threads_one_is_struck),
        cmocka_unit_test(it_cuts_all_connections_or_some),
        cmocka_unit_test(a_wrong_environment_ends_the_program_at_once),
        cmocka_unit_test(the_first_hit_of_each_is_told),
        cmocka_unit_test(hits_that_cannot_be_told_end_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void in_what_is_shipped_they_are_nothing(void **state)
{
    (void)state;
    enum sc_result result = SC_OK;
    FAILPOINTS_BEGIN();
    FAILPOINT(result, no_such_name, NULL);
    FAILPOINT_PASS(no_such_name);
    assert_int_equal(result, SC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_what_is_shipped_they_are_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
