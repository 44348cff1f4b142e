/* The queue between the reader and the applier. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stop.h"
#include "cdc/spool.h"
#include "coordinator/run.h"

#define KIB 1024u
#define MIB (1024u * KIB)

static char parent[] = "/tmp/seachange-test-XXXXXX";
static char directory[64];

static struct spool_config small(void)
{
    return (struct spool_config){.directory = directory,
                                 .memory_bytes = 256 * KIB,
                                 .block_bytes = 32 * KIB,
                                 .segment_bytes = 256 * KIB,
                                 .record_bytes = 64 * MIB};
}

static struct spool *open_spool(const struct spool_config *config)
{
    struct spool *spool;
    struct sc_error err;
    if (spool_open(config, &spool, &err) != SC_OK)
        fail_msg("%s", err.what);
    return spool;
}

static int files_in(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* The n-th record of a run: its number, then bytes that only this number has; sizes and packability vary. */
static size_t make_record(char *out, uint64_t number, size_t largest)
{
    uint64_t seed = number * 0x9E3779B97F4A7C15u + 1;
    uint32_t shape = next_random(&seed);
    size_t len = 8 + (shape % 1000 == 0 ? next_random(&seed) % largest : next_random(&seed) % 300);
    memcpy(out, &number, 8);
    for (size_t i = 8; i < len; i++)
        out[i] = shape & 1024 ? (char)next_random(&seed) : (char)(number + i / 32);
    return len;
}

#define LARGEST (100 * KIB)

static void check_record(const void *record, size_t len, uint64_t number)
{
    static _Thread_local char expected[LARGEST + 8];
    size_t expected_len = make_record(expected, number, LARGEST);
    assert_int_equal(len, expected_len);
    assert_memory_equal(record, expected, len);
}

static enum sc_result put_number(struct spool *spool, uint64_t number)
{
    static _Thread_local char record[LARGEST + 8];
    size_t len = make_record(record, number, LARGEST);
    struct sc_error err;
    return spool_put(spool, record, len, NULL, NULL, &err);
}

static void take_number(struct spool *spool, uint64_t number)
{
    const void *record;
    size_t len;
    struct sc_error err;
    if (spool_take(spool, &record, &len, 0, &err) != SC_OK)
        fail_msg("%s", err.what);
    check_record(record, len, number);
}

static void records_come_out_in_order_over_memory_disk_and_memory_again(void **state)
{
    (void)state;
    struct spool_config config = small();
    struct spool *spool = open_spool(&config);
    struct spool_stats stats;
    uint64_t put = 0, taken = 0;
    uint64_t seed = 5;
    bool on_disk = false;
    int came_back = 0;
    for (int round = 0; round < 300; round++) {
        for (uint32_t n = next_random(&seed) % 2000; n > 0; n--)
            assert_int_equal(put_number(spool, put++), SC_OK);
        spool_stats(spool, &stats);
        on_disk = on_disk || stats.disk_bytes > 0;
        uint64_t waiting = put - taken;
        for (uint64_t n = round % 4 == 3 ? waiting : next_random(&seed) % (waiting + 1); n > 0; n--)
            take_number(spool, taken++);
        spool_stats(spool, &stats);
        assert_int_equal(stats.put, put);
        assert_int_equal(stats.taken, taken);
        if (on_disk && stats.disk_bytes == 0) {
            came_back++;
            on_disk = false;
        }
        if (put == taken) {
            assert_int_equal(stats.memory_bytes + stats.disk_bytes + stats.disk_raw_bytes, 0);
            assert_int_equal(files_in(directory), 1); /* the lock */
        }
    }
    assert_true(came_back > 20);
    spool_close(spool);
    assert_int_equal(files_in(directory), 0);
}

static void many_segments_are_read_in_order_and_each_removed_when_read(void **state)
{
    (void)state;
    struct spool_config config = small();
    struct spool *spool = open_spool(&config);
    const uint64_t n = 60000;
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(put_number(spool, i), SC_OK);
    int before = files_in(directory);
    assert_true(before > 10);
    struct stat st;
    char path[128];
    snprintf(path, sizeof(path), "%s/seachange-00000000.spool", directory);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    for (uint64_t i = 0; i < n / 2; i++)
        take_number(spool, i);
    assert_true(files_in(directory) < before - 3);
    for (uint64_t i = n / 2; i < n; i++)
        take_number(spool, i);
    assert_int_equal(files_in(directory), 1);
    spool_close(spool);
}

struct side {
    struct spool *spool;
    uint64_t count;
    uint32_t pause_every; /* rest now and then, so that the other side gets ahead */
    atomic_bool done;
    enum sc_result result;
};

static void *producer_main(void *arg)
{
    struct side *side = arg;
    for (uint64_t i = 0; i < side->count && side->result == SC_OK; i++) {
        side->result = put_number(side->spool, i);
        if (side->pause_every && i % side->pause_every == side->pause_every - 1)
            clock_sleep_ms(20);
    }
    side->done = true;
    return NULL;
}

static void a_million_records_of_random_size_keep_their_order_between_two_threads(void **state)
{
    (void)state;
    struct spool_config config = small();
    struct spool *spool = open_spool(&config);
    struct side producer = {.spool = spool, .count = 1000000, .pause_every = 130000};
    pthread_t thread;
    pthread_create(&thread, NULL, producer_main, &producer);
    uint64_t most_memory = 0, spilled_at_half = 0;
    for (uint64_t i = 0; i < producer.count; i++) {
        const void *record;
        size_t len;
        struct sc_error err;
        enum sc_result result;
        while ((result = spool_take(spool, &record, &len, 1000, &err)) == SC_RETRY)
            ;
        if (result != SC_OK)
            fail_msg("record %llu: %s", (unsigned long long)i, err.what);
        check_record(record, len, i);
        if (i % 1000 == 0) {
            struct spool_stats stats;
            spool_stats(spool, &stats);
            most_memory = stats.memory_bytes > most_memory ? stats.memory_bytes : most_memory;
            spilled_at_half = i < producer.count / 2 ? stats.spilled_bytes : spilled_at_half;
        }
        if (i % 200000 == 100000)
            clock_sleep_ms(60);
    }
    pthread_join(thread, NULL);
    assert_int_equal(producer.result, SC_OK);
    assert_true(spilled_at_half > 0);
    assert_true(most_memory <= config.memory_bytes + LARGEST + config.block_bytes);
    struct spool_stats stats;
    spool_stats(spool, &stats);
    assert_int_equal(stats.taken, producer.count);
    assert_int_equal(stats.disk_bytes + stats.memory_bytes, 0);
    spool_close(spool);
}

static void memory_stays_bounded_whatever_waits(void **state)
{
    (void)state;
    struct spool_config config = small();
    struct spool *spool = open_spool(&config);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    static char record[1000];
    for (uint64_t i = 0; i < 300000; i++) {
        memset(record, (int)i, sizeof(record));
        assert_int_equal(spool_put(spool, record, sizeof(record), NULL, NULL, NULL), SC_OK);
        if (i % 10000 == 0) {
            struct spool_stats stats;
            spool_stats(spool, &stats);
            assert_true(stats.memory_bytes <= config.memory_bytes + config.block_bytes);
        }
    }
    struct spool_stats stats;
    spool_stats(spool, &stats);
    assert_true(stats.disk_raw_bytes > 280u * MIB);
    assert_true(stats.disk_bytes < stats.disk_raw_bytes / 10);
    assert_int_equal(stats.disk_bytes, stats.spilled_bytes);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 30 * 1024);
    spool_close(spool);
}

static void a_record_larger_than_a_block_passes_through_memory_and_disk(void **state)
{
    (void)state;
    struct spool_config config = small();
    struct spool *spool = open_spool(&config);
    const size_t big = 20 * MIB;
    char *record = malloc(big);
    uint64_t seed = 3;
    for (size_t i = 0; i < big; i++)
        record[i] = (char)(next_random(&seed) % 3 ? 'x' : next_random(&seed));
    const void *out;
    size_t len;
    for (int pass = 0; pass < 2; pass++) { /* first taken at once, then pushed to disk by what follows */
        assert_int_equal(put_number(spool, 1), SC_OK);
        assert_int_equal(spool_put(spool, record, big, NULL, NULL, NULL), SC_OK);
        if (pass == 1)
            assert_int_equal(spool_put(spool, record, big / 2, NULL, NULL, NULL), SC_OK);
        assert_int_equal(spool_put(spool, "", 0, NULL, NULL, NULL), SC_OK);
        take_number(spool, 1);
        assert_int_equal(spool_take(spool, &out, &len, 0, NULL), SC_OK);
        assert_int_equal(len, big);
        assert_memory_equal(out, record, big);
        if (pass == 1) {
            assert_int_equal(spool_take(spool, &out, &len, 0, NULL), SC_OK);
            assert_int_equal(len, big / 2);
            assert_memory_equal(out, record, big / 2);
        }
        assert_int_equal(spool_take(spool, &out, &len, 0, NULL), SC_OK);
        assert_int_equal(len, 0);
        assert_int_equal(spool_take(spool, &out, &len, 0, NULL), SC_RETRY);
    }
    free(record);
    spool_close(spool);
}

static void a_record_beyond_the_limit_is_refused_and_the_consumer_hears_of_it(void **state)
{
    (void)state;
    struct spool_config config = small();
    config.record_bytes = 10;
    struct spool *spool = open_spool(&config);
    struct sc_error err;
    const void *out;
    size_t len;
    assert_int_equal(spool_put(spool, "0123456789", 10, NULL, NULL, &err), SC_OK);
    assert_int_equal(spool_put(spool, "0123456789a", 11, NULL, NULL, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "11 bytes"));
    assert_int_equal(spool_take(spool, &out, &len, 0, &err), SC_OK);
    assert_int_equal(spool_take(spool, &out, &len, 0, &err), SC_FAIL);
    spool_close(spool);
}

static void a_single_record_is_handed_over_at_once(void **state)
{
    (void)state;
    struct spool_config config = small();
    struct spool *spool = open_spool(&config);
    struct side producer = {.spool = spool, .count = 3, .pause_every = 1};
    const void *record;
    size_t len;
    struct sc_error err;
    int64_t begin = clock_us();
    assert_int_equal(spool_take(spool, &record, &len, 30, &err), SC_RETRY);
    assert_true(clock_us() - begin >= 30000);
    pthread_t thread;
    pthread_create(&thread, NULL, producer_main, &producer);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(spool_take(spool, &record, &len, 5000, &err), SC_OK);
        check_record(record, len, i);
    }
    assert_true(clock_us() - begin < 2000000);
    pthread_join(thread, NULL);
    spool_close(spool);
}

static void count_idle(void *arg)
{
    atomic_int *calls = arg;
    atomic_fetch_add(calls, 1);
}

struct limited {
    struct spool *spool;
    atomic_int idle_calls;
    atomic_uint_fast64_t put;
    enum sc_result result;
    uint64_t count;
};

/* Bytes that do not pack: what is put is what is on disk. */
static void noise(char *out, size_t len, uint64_t number)
{
    uint64_t seed = number + 77;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)next_random(&seed);
}

static void *limited_main(void *arg)
{
    struct limited *l = arg;
    char record[4000];
    for (; l->put < l->count && l->result == SC_OK; l->put++) {
        noise(record, sizeof(record), l->put);
        l->result = spool_put(l->spool, record, sizeof(record), count_idle, &l->idle_calls, NULL);
    }
    return NULL;
}

static void at_the_limit_on_disk_the_producer_waits_calls_idle_and_goes_on_when_there_is_room(void **state)
{
    (void)state;
    struct spool_config config = small();
    config.disk_bytes = 1 * MIB;
    struct limited l = {.spool = open_spool(&config), .count = 2000};
    pthread_t thread;
    pthread_create(&thread, NULL, limited_main, &l);
    for (int ms = 0; l.idle_calls < 3 && ms < 10000; ms += 10)
        clock_sleep_ms(10);
    assert_true(l.idle_calls >= 3);
    struct spool_stats stats;
    spool_stats(l.spool, &stats);
    assert_in_range(stats.disk_bytes, 900 * KIB, 1 * MIB);
    uint64_t at_limit = l.put;
    clock_sleep_ms(50);
    assert_int_equal(l.put, at_limit);

    char expected[4000];
    for (uint64_t i = 0; i < l.count; i++) {
        const void *record;
        size_t len;
        assert_int_equal(spool_take(l.spool, &record, &len, 5000, NULL), SC_OK);
        noise(expected, sizeof(expected), i);
        assert_int_equal(len, sizeof(expected));
        assert_memory_equal(record, expected, len);
        if (i % 50 == 0) {
            spool_stats(l.spool, &stats);
            assert_true(stats.disk_bytes <= config.disk_bytes);
        }
    }
    pthread_join(thread, NULL);
    assert_int_equal(l.result, SC_OK);

    /* The room of what was read can be used again, all of it. */
    spool_stats(l.spool, &stats);
    assert_int_equal(stats.disk_bytes, 0);
    l.idle_calls = 0;
    l.count = 4000;
    pthread_create(&thread, NULL, limited_main, &l);
    for (int ms = 0; l.idle_calls < 1 && ms < 10000; ms += 10)
        clock_sleep_ms(10);
    spool_stats(l.spool, &stats);
    assert_in_range(stats.disk_bytes, 900 * KIB, 1 * MIB);
    spool_stop(l.spool);
    pthread_join(thread, NULL);
    spool_close(l.spool);
}

static void a_limit_smaller_than_a_block_does_not_stand_still(void **state)
{
    (void)state;
    struct spool_config config = small();
    config.disk_bytes = 1;
    config.memory_bytes = 0;
    struct limited l = {.spool = open_spool(&config), .count = 200};
    pthread_t thread;
    pthread_create(&thread, NULL, limited_main, &l);
    for (uint64_t i = 0; i < l.count; i++) {
        const void *record;
        size_t len;
        assert_int_equal(spool_take(l.spool, &record, &len, 5000, NULL), SC_OK);
        assert_int_equal(len, 4000);
    }
    pthread_join(thread, NULL);
    assert_int_equal(l.result, SC_OK);
    spool_close(l.spool);
}

static void *stop_later(void *arg)
{
    clock_sleep_ms(50);
    spool_stop(arg);
    return NULL;
}

static void stop_wakes_a_waiting_consumer_and_a_waiting_producer(void **state)
{
    (void)state;
    struct spool_config config = small();
    config.disk_bytes = 256 * KIB;
    struct limited l = {.spool = open_spool(&config), .count = 2000};
    pthread_t thread;
    pthread_create(&thread, NULL, limited_main, &l);
    for (int ms = 0; l.idle_calls < 1 && ms < 10000; ms += 10)
        clock_sleep_ms(10);
    spool_stop(l.spool);
    pthread_join(thread, NULL);
    assert_int_equal(l.result, SC_STOP);
    const void *record;
    size_t len;
    assert_int_equal(spool_take(l.spool, &record, &len, 0, NULL), SC_STOP);
    assert_int_equal(put_number(l.spool, 0), SC_STOP);
    spool_close(l.spool);

    struct spool *spool = open_spool(&config);
    pthread_create(&thread, NULL, stop_later, spool);
    int64_t begin = clock_us();
    assert_int_equal(spool_take(spool, &record, &len, 20000, NULL), SC_STOP);
    assert_true(clock_us() - begin < 5000000);
    pthread_join(thread, NULL);
    spool_close(spool);
}

static void a_producer_s_failure_reaches_the_consumer_behind_all_that_was_put(void **state)
{
    (void)state;
    struct spool_config config = small();
    struct spool *spool = open_spool(&config);
    const uint64_t n = 5000;
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(put_number(spool, i), SC_OK);
    struct sc_error err, got;
    error_set(&err, SC_RETRY, "no connection for 10 minutes");
    error_hint(&err, "run it again");
    spool_fail(spool, &err);
    for (uint64_t i = 0; i < n; i++)
        take_number(spool, i);
    const void *record;
    size_t len;
    /* SC_RETRY would read as "none came yet" for ever. */
    for (int again = 0; again < 2; again++) {
        assert_int_equal(spool_take(spool, &record, &len, 0, &got), SC_FAIL);
        assert_int_equal(got.result, SC_FAIL);
        assert_string_equal(got.what, "no connection for 10 minutes");
        assert_string_equal(got.hint, "run it again");
    }
    spool_close(spool);
}

/* Takes until something else than a record comes. */
static enum sc_result drain(struct spool *spool, uint64_t *taken, struct sc_error *err)
{
    const void *record;
    size_t len;
    enum sc_result result;
    for (*taken = 0; (result = spool_take(spool, &record, &len, 0, err)) == SC_OK; ++*taken)
        check_record(record, len, *taken);
    return result;
}

static void a_flipped_byte_anywhere_in_a_segment_is_found_and_the_file_named(void **state)
{
    (void)state;
    struct spool_config config = small();
    config.memory_bytes = 0;
    char path[128];
    snprintf(path, sizeof(path), "%s/seachange-00000000.spool", directory);
    for (long where = 0; where < 60; where++) {
        struct spool *spool = open_spool(&config);
        for (uint64_t i = 0; i < 1000; i++)
            assert_int_equal(put_number(spool, i), SC_OK);
        int fd = open(path, O_RDWR);
        assert_true(fd >= 0);
        struct stat st;
        assert_int_equal(fstat(fd, &st), 0);
        off_t at = where < 40 ? where : (off_t)(st.st_size - 1) * (where - 40) / 19;
        char byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= (char)(1 << where % 8);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        struct sc_error err;
        uint64_t taken;
        if (drain(spool, &taken, &err) != SC_FAIL)
            fail_msg("byte %ld of %ld was flipped and nobody saw", (long)at, (long)st.st_size);
        assert_true(taken < 1000);
        assert_non_null(strstr(err.what, path));
        assert_non_null(strstr(err.hint, "Nothing is lost"));
        assert_int_equal(drain(spool, &taken, &err), SC_FAIL);
        assert_int_equal(taken, 0);
        /* For the queue that is the end; for who can fill another one it is not. */
        assert_int_equal(spool_unreadable(spool, &err), SC_RETRY);
        assert_int_equal(err.result, SC_RETRY);
        assert_non_null(strstr(err.what, path));
        spool_close(spool);
    }
}

static void an_unreadable_spool_is_filled_again_unless_that_does_not_help(void **state)
{
    (void)state;
    struct spool_config config = small();
    config.memory_bytes = 0;
    char path[128];
    snprintf(path, sizeof(path), "%s/seachange-00000000.spool", directory);
    struct migration migration = {.applied = {.order = 1000}};
    struct run run = {.migration = &migration};
    struct sc_error err;
    assert_int_equal(pipeline_check_spool(&run, &err), SC_OK); /* there is none */
    static const enum sc_result expected[] = {SC_RETRY, SC_RETRY, SC_RETRY, SC_RETRY, SC_RETRY, SC_FAIL};
    for (int i = 0; i < 6; i++) {
        migration.partial_changes = i > 0;             /* the first time helped a little, ... */
        migration.applied.order = i > 2 ? 2000 : 1000; /* the third a lot */
        run.spool = open_spool(&config);
        for (uint64_t n = 0; n < 1000; n++)
            assert_int_equal(put_number(run.spool, n), SC_OK);
        assert_int_equal(pipeline_check_spool(&run, &err), SC_OK);
        assert_int_equal(truncate(path, 0), 0);
        uint64_t taken;
        assert_int_equal(drain(run.spool, &taken, &err), SC_FAIL);
        error_init(&err);
        assert_int_equal(pipeline_check_spool(&run, &err), expected[i]);
        assert_int_equal(err.result, expected[i]);
        assert_non_null(strstr(err.what, path));
        spool_close(run.spool);
    }
    assert_non_null(strstr(err.what, "3 times at the same place of the log"));
}

static void a_segment_cut_short_or_gone_is_found_and_the_file_named(void **state)
{
    (void)state;
    struct spool_config config = small();
    config.memory_bytes = 0;
    char path[128];
    snprintf(path, sizeof(path), "%s/seachange-00000000.spool", directory);
    for (int way = 0; way < 4; way++) {
        struct spool *spool = open_spool(&config);
        for (uint64_t i = 0; i < 1000; i++)
            assert_int_equal(put_number(spool, i), SC_OK);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        if (way < 3)
            assert_int_equal(truncate(path, way == 0 ? st.st_size - 1 : way == 1 ? st.st_size / 2 : 0), 0);
        else
            unlink(path);
        struct sc_error err;
        uint64_t taken;
        assert_int_equal(drain(spool, &taken, &err), SC_FAIL);
        assert_non_null(strstr(err.what, path));
        spool_close(spool);
    }
}

/* Puts until it fails; then what was accepted must come out, and the failure behind it. */
static void fill_until_full(const struct spool_config *config)
{
    struct spool *spool = open_spool(config);
    struct sc_error err;
    static char record[4000];
    uint64_t accepted = 0;
    enum sc_result result = SC_OK;
    for (; accepted < 10000; accepted++) {
        noise(record, sizeof(record), accepted);
        if ((result = spool_put(spool, record, sizeof(record), NULL, NULL, &err)) != SC_OK)
            break;
    }
    assert_int_equal(result, SC_RETRY);
    assert_non_null(strstr(err.what, config->directory));
    assert_non_null(strstr(err.hint, "Nothing is lost"));
    assert_non_null(strstr(err.hint, "Free room"));
    assert_int_equal(spool_put(spool, "x", 1, NULL, NULL, &err), SC_FAIL);
    for (uint64_t i = 0; i < accepted; i++) {
        const void *out;
        size_t len;
        assert_int_equal(spool_take(spool, &out, &len, 0, &err), SC_OK);
        noise(record, sizeof(record), i);
        assert_memory_equal(out, record, len);
    }
    const void *out;
    size_t len;
    assert_int_equal(spool_take(spool, &out, &len, 0, &err), SC_FAIL);
    assert_non_null(strstr(err.hint, "Free room"));
    spool_close(spool);
}

static void a_full_disk_fails_with_advice_and_keeps_what_was_accepted(void **state)
{
    (void)state;
    char small_disk[80];
    snprintf(small_disk, sizeof(small_disk), "%s/small", parent);
    mkdir(small_disk, 0700);
    if (mount("tmpfs", small_disk, "tmpfs", 0, "size=1m") < 0) {
        rmdir(small_disk);
        skip();
    }
    struct spool_config config = small();
    config.directory = small_disk;
    fill_until_full(&config);
    umount(small_disk);
    rmdir(small_disk);
}

static void a_file_size_limit_fails_with_the_same_advice(void **state)
{
    (void)state;
    struct rlimit was, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    limit = was;
    limit.rlim_cur = 150 * KIB;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct spool_config config = small();
    fill_until_full(&config);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_DFL);
}

static void touch(const char *name)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void leftovers_of_a_dead_process_are_removed_and_nothing_else(void **state)
{
    (void)state;
    mkdir(directory, 0700);
    touch("seachange-00000000.spool");
    touch("seachange-12345678.spool");
    touch("precious.txt");
    touch("seachange-.txt");
    struct spool_config config = small();
    struct spool *spool = open_spool(&config);
    assert_int_equal(files_in(directory), 3); /* two that are not ours, and the lock */
    spool_close(spool);
    assert_int_equal(files_in(directory), 2);
    char path[160];
    snprintf(path, sizeof(path), "%s/precious.txt", directory);
    unlink(path);
    snprintf(path, sizeof(path), "%s/seachange-.txt", directory);
    unlink(path);
}

static void a_directory_in_use_is_refused_by_name_and_free_again_after_a_kill(void **state)
{
    (void)state;
    struct spool_config config = small();
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct spool *held;
        if (spool_open(&config, &held, NULL) != SC_OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct spool *spool;
    struct sc_error err;
    assert_int_equal(spool_open(&config, &spool, &err), SC_REFUSE);
    assert_null(spool);
    assert_non_null(strstr(err.what, directory));
    assert_non_null(strstr(err.what, "in use"));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
    spool_close(open_spool(&config));
}

static void *close_soon(void *spool)
{
    clock_sleep_ms(200);
    spool_close(spool);
    return NULL;
}

static void one_that_is_about_to_leave_is_waited_for(void **state)
{
    (void)state;
    struct spool_config config = small();
    struct spool *leaving = open_spool(&config), *next;
    pthread_t thread;
    pthread_create(&thread, NULL, close_soon, leaving);
    config.lock_wait_ms = 10000;
    assert_int_equal(spool_open(&config, &next, NULL), SC_OK);
    pthread_join(thread, NULL);
    spool_close(next);
}

/* The wish cannot be taken back: this test is the last one. */
static void a_wish_to_stop_ends_the_wait(void **state)
{
    (void)state;
    struct spool_config config = small();
    struct spool *held = open_spool(&config), *next;
    struct sc_error err;
    config.lock_wait_ms = 60000;
    stop_request();
    assert_int_equal(spool_open(&config, &next, &err), SC_STOP);
    assert_null(next);
    spool_close(held);
}

static void a_directory_that_cannot_be_made_is_refused(void **state)
{
    (void)state;
    struct spool_config config = small();
    config.directory = "/nonexistent/deeper/spool";
    struct spool *spool;
    struct sc_error err;
    assert_int_equal(spool_open(&config, &spool, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, config.directory));
    touch("file");
    char path[160];
    snprintf(path, sizeof(path), "%s/file", directory);
    config.directory = path;
    assert_int_equal(spool_open(&config, &spool, &err), SC_REFUSE);
    unlink(path);
}

static int make_parent(void **state)
{
    (void)state;
    if (!mkdtemp(parent))
        return -1;
    snprintf(directory, sizeof(directory), "%s/spool", parent);
    return 0;
}

static int remove_parent(void **state)
{
    (void)state;
    rmdir(directory);
    return rmdir(parent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_in_order_over_memory_disk_and_memory_again),
        cmocka_unit_test(many_segments_are_read_in_order_and_each_removed_when_read),
        cmocka_unit_test(a_million_records_of_random_size_keep_their_order_between_two_threads),
        cmocka_unit_test(memory_stays_bounded_whatever_waits),
        cmocka_unit_test(a_record_larger_than_a_block_passes_through_memory_and_disk),
        cmocka_unit_test(a_record_beyond_the_limit_is_refused_and_the_consumer_hears_of_it),
        cmocka_unit_test(a_single_record_is_handed_over_at_once),
        cmocka_unit_test(at_the_limit_on_disk_the_producer_waits_calls_idle_and_goes_on_when_there_is_room),
        cmocka_unit_test(a_limit_smaller_than_a_block_does_not_stand_still),
        cmocka_unit_test(stop_wakes_a_waiting_consumer_and_a_waiting_producer),
        cmocka_unit_test(a_producer_s_failure_reaches_the_consumer_behind_all_that_was_put),
        cmocka_unit_test(a_flipped_byte_anywhere_in_a_segment_is_found_and_the_file_named),
        cmocka_unit_test(an_unreadable_spool_is_filled_again_unless_that_does_not_help),
        cmocka_unit_test(a_segment_cut_short_or_gone_is_found_and_the_file_named),
        cmocka_unit_test(a_full_disk_fails_with_advice_and_keeps_what_was_accepted),
        cmocka_unit_test(a_file_size_limit_fails_with_the_same_advice),
        cmocka_unit_test(leftovers_of_a_dead_process_are_removed_and_nothing_else),
        cmocka_unit_test(a_directory_in_use_is_refused_by_name_and_free_again_after_a_kill),
        cmocka_unit_test(one_that_is_about_to_leave_is_waited_for),
        cmocka_unit_test(a_directory_that_cannot_be_made_is_refused),
        cmocka_unit_test(a_wish_to_stop_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, make_parent, remove_parent);
}
