/* First inputs for fuzz_my_log: every event of the recorded logs, and each log as a whole. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "fuzz/corpus.h"
#include "fuzz/my_log.h"
#include "lib/mysql_log.h"

enum { HEADER = 19, CHECKSUM = 4 };

static void put_length(char *event, size_t len)
{
    for (int i = 0; i < 4; i++)
        event[9 + i] = (char)(len >> 8 * i);
}

/* A recorded file: the whole without its checksums, every event's body, every statement. */
static void log_file(const char *path, bool mariadb)
{
    size_t len;
    char *data = log_file_read(path, &len);
    if (!data)
        return;
    struct my_decoder d;
    struct arena arena = {0};
    struct buf all = {0};
    enum { FIRST = 1200 };
    for (size_t part = 4; part < len && part < 4 + 6 * FIRST; part += FIRST) { /* FORMAT, and pieces of what follows */
        struct buf file = {0};
        struct reader r = reader_of(data + 4 + 9, 4);
        size_t format = read_u32_le(&r);
        buf_u8(&file, mariadb ? FUZZ_FILE_MARIADB : FUZZ_FILE_MYSQL);
        buf_bytes(&file, data + 4, format);
        for (size_t at = 4 + format; at + HEADER <= len;) {
            r = reader_of(data + at + 9, 4);
            size_t size = read_u32_le(&r);
            if (at >= part && at + size < part + FIRST)
                buf_bytes(&file, data + at, size);
            at += size;
        }
        corpus_add(&file);
        buf_fini(&file);
    }
    my_decoder_init(&d, mariadb);
    buf_u8(&all, mariadb ? FUZZ_EVENTS_MARIADB : FUZZ_EVENTS_MYSQL);
    for (size_t at = 4; at + HEADER <= len;) {
        struct my_event event;
        struct sc_error err;
        struct reader r = reader_of(data + at + 9, 4);
        size_t size = read_u32_le(&r), sum;
        arena_reset(&arena);
        if (size > len - at || my_event_decode(&d, &arena, data + at, size, &event, &err) != SC_OK) {
            fprintf(stderr, "%s cannot be read at %zu: %s\n", path, at, err.what);
            exit(1);
        }
        sum = d.checksum == MY_CHECKSUM_CRC32 ? CHECKSUM : 0;
        if (event.kind != MY_EVENT_FORMAT) {
            struct buf one = {0};
            size_t start = all.len;
            buf_bytes(&all, data + at, size - sum);
            put_length(all.data + start, size - sum);
            buf_u8(&one, mariadb ? FUZZ_BODY_MARIADB : FUZZ_BODY_MYSQL);
            buf_u8(&one, event.type);
            buf_bytes(&one, data + at + HEADER, size - HEADER - sum);
            corpus_add(&one);
            buf_fini(&one);
        }
        at += size;
    }
    corpus_add(&all);
    buf_fini(&all);
    arena_fini(&arena);
    mem_free(data);
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    static const char *const servers[] = {"mysql-9", "mariadb-10", "mariadb-11"};
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        for (int number = 1; number < 10; number++) {
            char path[512];
            snprintf(path, sizeof(path), "%s/binlog/%s.%d", TEST_DATA_DIR, servers[i], number);
            log_file(path, strncmp(servers[i], "mariadb", 7) == 0);
        }
    }
    return corpus_end();
}
