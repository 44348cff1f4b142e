/* Runs the fuzz target over the recorded logs and some changes of them, without a fuzzer:
 *   corpus_mysql [ROUNDS]         every event and statement recorded, each changed at random ROUNDS times (default 20)
 *   corpus_mysql --seeds DIR      writes them as the seeds of a fuzzer */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "fuzz/fuzz.h"
#include "lib/mysql_log.h"

enum { HEADER = 19, CHECKSUM = 4 };

static const char *seeds;
static int rounds = 20;
static uint32_t random_state = 1;
static size_t count;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return random_state >> 8;
}

static void run(const struct buf *input)
{
    count++;
    if (seeds) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%05zu", seeds, count);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(input->data, 1, input->len, f) != input->len || fclose(f) != 0) {
            perror(path);
            exit(1);
        }
        return;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)input->data, input->len);
    uint8_t *changed = malloc(input->len);
    for (int i = 0; i < rounds; i++) {
        memcpy(changed, input->data, input->len);
        for (uint32_t n = 1 + next_random() % 4; n > 0; n--)
            changed[1 + next_random() % (input->len - 1)] = (uint8_t)next_random();
        size_t len = next_random() % 8 ? input->len : 2 + next_random() % (input->len - 1);
        LLVMFuzzerTestOneInput(changed, len);
    }
    free(changed);
}

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
            run(&one);
            buf_fini(&one);
        }
        if (event.kind == MY_EVENT_QUERY) {
            struct buf text = {0};
            buf_u8(&text, FUZZ_STATEMENT);
            buf_u8(&text, 64 + 8);
            buf_bytes(&text, event.query.text, event.query.len);
            run(&text);
            buf_fini(&text);
        }
        if (event.kind == MY_EVENT_GTIDS && event.gtids.set) {
            struct buf set = {0};
            buf_u8(&set, FUZZ_GTIDS);
            buf_bytes(&set, event.gtids.set, event.gtids.set_len);
            run(&set);
            buf_fini(&set);
        }
        at += size;
    }
    run(&all);
    buf_fini(&all);
    arena_fini(&arena);
    mem_free(data);
}

static void text(uint8_t mode, const char *s)
{
    struct buf b = {0};
    buf_u8(&b, mode);
    buf_str(&b, s);
    run(&b);
    buf_fini(&b);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
        seeds = argv[2];
    else if (argc == 2)
        rounds = atoi(argv[1]);
    static const char *const servers[] = {"mysql-9", "mariadb-10", "mariadb-11"};
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        for (int number = 1; number < 10; number++) {
            char path[512];
            snprintf(path, sizeof(path), "%s/binlog/%s.%d", TEST_DATA_DIR, servers[i], number);
            log_file(path, strncmp(servers[i], "mariadb", 7) == 0);
        }
    }
    static const char *const statements[] = {
        "HRENAME TABLE item WAIT 5 TO away, b TO c",
        "HALTER TABLE part EXCHANGE PARTITION p WITH TABLE item",
        "HCREATE OR REPLACE DEFINER=`a`@`%` TRIGGER t AFTER UPDATE ON shop.item FOR EACH ROW SET @a = 1",
        "H/*!40000 ALTER TABLE `item` DISABLE KEYS */",
        "JINSERT INTO a.b VALUES ('\x95\\', \"x\", `y`, N'n', 0x1, 1.5) -- end",
        "hXA COMMIT X'78',X'',1 ONE PHASE",
        "HSET STATEMENT a = 1 FOR DROP TABLE IF EXISTS one, shop.item /*M!100500 WAIT 1 */",
    };
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        text(FUZZ_STATEMENT, statements[i]);
    text(FUZZ_GTIDS, "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-3:tag:1-2:4,4e11fa47-71ca-11e1-9e33-c80aa9429562:9");
    text(FUZZ_GTIDS, "0-1-100,5-2-18446744073709551615");
    printf("%zu inputs%s\n", count, seeds ? " written" : ", each changed as often as told");
    return 0;
}
