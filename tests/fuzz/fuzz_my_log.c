/* The binary log of MySQL and MariaDB: events, one behind the other, with their rows and statements, or one event's
 * body of any type. Nothing may be read beyond the input, and nothing may cost memory or time that the input does not
 * justify. */
#include <stdint.h>
#include <zlib.h>

#include "lib/mysql_log.h"

#include "fuzz/fuzz.h"
#include "fuzz/my_log.h"

static const struct source_column any[] = {
    {.name = "a", .type = "int(10) unsigned"},
    {.name = "b", .type = "varchar(300)"},
    {.name = "c", .type = "decimal(10,2)"},
    {.name = "d", .type = "longtext"},
    {.name = "e", .type = "enum('a','b')"},
    {.name = "f", .type = "binary(4)"},
    {.name = "g", .type = "char(4)"},
    {.name = "h", .type = "varchar(20)"},
    {.name = "i", .type = "bigint(20)"},
    {.name = "j", .type = "year(4)"},
    {.name = "k", .type = "bigint(20)"},
    {.name = "l", .type = "uuid"},
    {.name = "m", .type = "inet6"},
    {.name = "n", .type = "inet4"},
    {.name = "o", .type = "varchar(200)"},
};
static const struct log_table tables[] = {{"item", any, 15}};

/* A server whose FORMAT was read, and which writes no checksums. */
static void begin(struct log_walk *w, bool mariadb)
{
    my_decoder_init(&w->decoder, mariadb);
    w->decoder.described = true;
    w->decoder.checksum = MY_CHECKSUM_NONE;
    w->decoder.ntypes = mariadb ? 171 : 42;
    memset(w->decoder.post_header, 8, w->decoder.ntypes);
    w->decoder.post_header[2 - 1] = w->decoder.post_header[165 - 1] = 13;
    w->decoder.post_header[18 - 1] = 26;
}

/* Events one behind the other. */
static void events(bool mariadb, const uint8_t *data, size_t len)
{
    struct log_walk w = {.tables = tables, .ntables = mariadb ? 1 : 0};
    begin(&w, mariadb);
    log_walk_events(&w, data, len, false);
    log_walk_fini(&w);
}

/* A log from its begin on: FORMAT, which says whether there are checksums. A fuzzer cannot guess them, so each event
 * gets the right one, but for events that say otherwise (a bit of their time). */
static void file(bool mariadb, uint8_t *data, size_t len)
{
    struct log_walk w = {.tables = tables, .ntables = mariadb ? 1 : 0};
    for (size_t start = 0; len - start >= 19 + 4;) {
        struct reader r = reader_of(data + start + 9, 4);
        size_t size = read_u32_le(&r);
        size = size < 19 + 4 || size > len - start ? len - start : size;
        uint32_t sum = (uint32_t)crc32(0, data + start, (uInt)size - 4);
        for (size_t i = 0; i < 4 && !(data[start + 3] & 0x80); i++)
            data[start + size - 4 + i] = (uint8_t)(sum >> 8 * i);
        start += size;
    }
    my_decoder_init(&w.decoder, mariadb);
    log_walk_events(&w, data, len, false);
    log_walk_fini(&w);
}

/* As events(), but only places: whatever an event says of its end, the place moves on, within what is
 * supported, or not at all. */
static void places(bool mariadb, const uint8_t *data, size_t len)
{
    struct log_walk w = {0};
    struct my_log_position at = {.file = "binlog.000001", .number = 1, .offset = 4};
    struct sc_error err;
    begin(&w, mariadb);
    for (size_t start = 0; len - start >= 19;) {
        struct reader r = reader_of(data + start + 9, 4);
        size_t size = read_u32_le(&r);
        struct my_event event;
        struct my_log_position before = at;
        bool gaps = data[start + 17] & 0x80, ahead;
        size = size < 19 || size > len - start ? len - start : size;
        if (my_event_decode(&w.decoder, &w.arena, data + start, size, &event, &err) != SC_OK)
            break;
        if (event.kind == MY_EVENT_HEARTBEAT)
            my_log_position_heartbeat(&at, &event.heartbeat, &ahead, &err);
        if (my_log_position_advance(&at, &event, gaps, &err) != SC_OK) {
            if (memcmp(&at, &before, sizeof(at)) != 0)
                abort();
            break;
        }
        if (event.kind != MY_EVENT_ROTATE && (at.offset < before.offset || at.number != before.number))
            abort();
        if (at.offset >= UINT64_C(1) << MY_LOG_OFFSET_BITS)
            abort();
        arena_reset(&w.arena);
        start += size;
    }
    log_walk_fini(&w);
}

/* The body of one event of any type. */
static void body(bool mariadb, const uint8_t *data, size_t len)
{
    uint8_t *event = calloc(1, len + 18);
    event[4] = data[0];
    for (int i = 0; i < 4; i++)
        event[9 + i] = (uint8_t)((len + 18) >> 8 * i);
    memcpy(event + 19, data + 1, len - 1);
    events(mariadb, event, len + 18);
    free(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint8_t *exact = fuzz_exact(data + 1, size - 1);
    switch (data[0]) {
    case FUZZ_EVENTS_MYSQL:
    case FUZZ_EVENTS_MARIADB:
        events(data[0] == FUZZ_EVENTS_MARIADB, exact, size - 1);
        places(data[0] == FUZZ_EVENTS_MARIADB, exact, size - 1);
        break;
    case FUZZ_BODY_MYSQL:
    case FUZZ_BODY_MARIADB:
        body(data[0] == FUZZ_BODY_MARIADB, exact, size - 1);
        break;
    case FUZZ_FILE_MYSQL:
    case FUZZ_FILE_MARIADB:
        file(data[0] == FUZZ_FILE_MARIADB, exact, size - 1);
        break;
    default:
        break;
    }
    free(exact);
    return 0;
}
