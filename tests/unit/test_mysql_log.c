/* Binary logs recorded from servers, read whole and compared with what is in them; and the same logs damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "lib/mysql_log.h"

/* Of the tables in mariadb.sql, whose logs are silent about it. */
static const struct source_column item[] = {
    {.name = "id", .type = "int(10) unsigned"},
    {.name = "name", .type = "varchar(300)"},
    {.name = "price", .type = "decimal(10,2)"},
    {.name = "doc", .type = "longtext"},
    {.name = "kind", .type = "enum('a','b')"},
    {.name = "raw", .type = "binary(4)"},
    {.name = "code", .type = "char(4)"},
    {.name = "v", .type = "varchar(400)"},
    {.name = "s", .type = "bigint(20)"},
    {.name = "y", .type = "year(4)"},
    {.name = "n", .type = "bigint(20)"},
    {.name = "u", .type = "uuid"},
    {.name = "i6", .type = "inet6"},
    {.name = "i4", .type = "inet4"},
    {.name = "cc", .type = "varchar(200)"},
    {.name = "extra", .type = "int(11)"},
    {.name = "more", .type = "int(11)"},
};
static const struct source_column copy[] = {{.name = "id", .type = "int(10) unsigned"},
                                            {.name = "name", .type = "varchar(300)"}};
static const struct source_column blind[] = {
    {.name = "a", .type = "int(11)"},
    {.name = "b", .type = "timestamp(3)"},
    {.name = "c", .type = "set('x','y','z')"},
    {.name = "d", .type = "bit(11)"},
    {.name = "e", .type = "datetime(6)"},
    {.name = "f", .type = "time(1)"},
    {.name = "g", .type = "date"},
    {.name = "h", .type = "double"},
    {.name = "i", .type = "float"},
    {.name = "j", .type = "mediumtext"},
    {.name = "k", .type = "geometry"},
};
static const struct source_column numbers[] = {
    {.name = "a", .type = "bigint(21)"},          {.name = "b", .type = "bigint(21)"},
    {.name = "c", .type = "bigint(21)"},          {.name = "d", .type = "bigint(21)"},
    {.name = "e", .type = "bigint(21)"},          {.name = "f", .type = "bigint(21)"},
    {.name = "g", .type = "tinyint(1) unsigned"}, {.name = "h", .type = "bigint(21)"},
};
static const struct log_table mariadb_tables[] = {
    {"item", item, 15}, {"item", item, 16},   {"item", item, 17},
    {"copy", copy, 2},  {"blind", blind, 11}, {"numbers", numbers, 8},
};

enum { MAGIC = 4 };

static struct log_walk walk_of(const char *server)
{
    struct log_walk w = {0};
    bool mariadb = strncmp(server, "mariadb", 7) == 0;
    my_decoder_init(&w.decoder, mariadb);
    if (mariadb) {
        w.tables = mariadb_tables;
        w.ntables = sizeof(mariadb_tables) / sizeof(mariadb_tables[0]);
    }
    return w;
}

static char *log_of(const char *server, int number, size_t *len)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/binlog/%s.%d", TEST_DATA_DIR, server, number);
    return log_file_read(path, len);
}

/* All of a server's files, as text. */
static char *tell(const char *server)
{
    struct buf all = {0};
    for (int number = 1;; number++) {
        size_t len = 0;
        char *data = log_of(server, number, &len);
        if (!data)
            return buf_take(&all);
        struct log_walk w = walk_of(server);
        struct sc_error err;
        char name[32];
        snprintf(name, sizeof(name), "binlog.%06d", number);
        my_log_position_set(&w.position, name, MAGIC, &err);
        buf_printf(&all, "--- file %d\n", number);
        enum sc_result result = log_walk_events(&w, (const uint8_t *)data + MAGIC, len - MAGIC, true);
        buf_str(&all, buf_cstr(&w.text));
        if (result == SC_OK && w.position.offset != len)
            buf_printf(&all, "ended at %" PRIu64 " of %zu\n", w.position.offset, len);
        log_walk_fini(&w);
        mem_free(data);
    }
}

static void check_log(const char *server)
{
    char path[512];
    size_t len;
    snprintf(path, sizeof(path), "%s/binlog/%s.txt", TEST_DATA_DIR, server);
    char *wanted = log_file_read(path, &len);
    assert_non_null(wanted);
    char *got = tell(server);
    /* Line by line: the first that differs is what somebody wants to see. */
    char *want_line = wanted, *got_line = got;
    while (*want_line || *got_line) {
        size_t want_len = strcspn(want_line, "\n"), got_len = strcspn(got_line, "\n");
        want_line[want_len] = got_line[got_len] = 0;
        assert_string_equal(got_line, want_line);
        want_line += want_len + 1;
        got_line += got_len + 1;
    }
    mem_free(wanted);
    mem_free(got);
}

static void the_log_of_mysql_9_is_read_whole(void **state)
{
    (void)state;
    check_log("mysql-9");
}

static void the_log_of_mariadb_10_is_read_whole(void **state)
{
    (void)state;
    check_log("mariadb-10");
}

static void the_log_of_mariadb_11_is_read_whole(void **state)
{
    (void)state;
    check_log("mariadb-11");
}

static const char *const servers[] = {"mysql-9", "mariadb-10", "mariadb-11"};

/* Every bit counts: with checksums on, no event with a bit changed is taken. */
static void a_changed_bit_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t len = 0;
        char *data = log_of(servers[i], 1, &len);
        assert_non_null(data);
        /* Every 97th byte, which meets all parts of events; the magic number is the caller's to check. */
        for (size_t at = MAGIC; at < len; at += 97) {
            struct log_walk w = walk_of(servers[i]);
            data[at] ^= 1 << at % 8;
            enum sc_result result = log_walk_events(&w, (const uint8_t *)data + MAGIC, len - MAGIC, false);
            assert_int_equal(result, SC_FAIL);
            assert_true(strlen(w.err.what) > 0 && strlen(w.err.hint) > 0);
            data[at] ^= 1 << at % 8;
            log_walk_fini(&w);
        }
        mem_free(data);
    }
}

/* With its checksum put right behind the damage, which is what a decoder must survive, and without one at all. */
static void damage_behind_a_right_checksum_is_survived(void **state)
{
    (void)state;
    uint32_t random = 2026;
    for (size_t i = 0; i < 3; i++) {
        size_t len = 0;
        char *data = log_of(servers[i], 1, &len);
        assert_non_null(data);
        for (int round = 0; round < 150; round++) {
            char *copy_of = malloc(len);
            memcpy(copy_of, data, len);
            for (size_t at = MAGIC; at + 23 < len;) {
                struct reader r = reader_of(copy_of + at + 9, 4);
                size_t size = read_u32_le(&r);
                if (size < 23 || size > len - at)
                    break;
                random = random * 1103515245 + 12345;
                if (at > MAGIC && random >> 16 & 1 && size > 23) {
                    copy_of[at + 19 + (random >> 8) % (size - 23)] ^= (char)(1 << (random >> 4) % 8);
                    uint32_t crc = (uint32_t)crc32(0, (const uint8_t *)copy_of + at, (uInt)size - 4);
                    for (int b = 0; b < 4; b++)
                        copy_of[at + size - 4 + (size_t)b] = (char)(crc >> 8 * b);
                }
                struct log_walk w = walk_of(servers[i]);
                /* The format's own event first, so that the damaged one is read at all. */
                struct reader first = reader_of(data + MAGIC + 9, 4);
                enum sc_result result = log_walk_events(&w, (const uint8_t *)data + MAGIC, read_u32_le(&first), false);
                assert_int_equal(result, SC_OK);
                log_walk_events(&w, (const uint8_t *)copy_of + at, size, false);
                log_walk_fini(&w);
                at += size;
            }
            free(copy_of);
        }
        mem_free(data);
    }
}

static void a_log_that_is_cut_off_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t len = 0;
        char *data = log_of(servers[i], 1, &len);
        assert_non_null(data);
        size_t ends = 0;
        for (size_t cut = MAGIC + 1; cut < len; cut += 13) {
            struct log_walk w = walk_of(servers[i]);
            if (log_walk_events(&w, (const uint8_t *)data + MAGIC, cut - MAGIC, false) == SC_OK)
                ends++; /* between two events */
            log_walk_fini(&w);
        }
        assert_true(ends < 20);
        mem_free(data);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--tell") == 0) {
        char *text = tell(argv[2]);
        fputs(text, stdout);
        mem_free(text);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_of_mysql_9_is_read_whole),
        cmocka_unit_test(the_log_of_mariadb_10_is_read_whole),
        cmocka_unit_test(the_log_of_mariadb_11_is_read_whole),
        cmocka_unit_test(a_changed_bit_is_noticed),
        cmocka_unit_test(damage_behind_a_right_checksum_is_survived),
        cmocka_unit_test(a_log_that_is_cut_off_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
