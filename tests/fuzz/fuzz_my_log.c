/* The binary log of MySQL and MariaDB: events, one behind the other, with their rows and statements, or one event's
 * body of any type. Nothing may be read beyond the input, and nothing may cost memory or time that the input does not
 * justify. */
#include <stdint.h>

#include "lib/mysql_log.h"

#include "fuzz/fuzz.h"
#include "fuzz/my_log.h"

static const struct source_column any[] = {
    {"a", "int(10) unsigned", NULL},
    {"b", "varchar(300)", NULL},
    {"c", "decimal(10,2)", NULL},
    {"d", "longtext", NULL},
    {"e", "enum('a','b')", NULL},
    {"f", "binary(4)", NULL},
    {"g", "char(4)", NULL},
    {"h", "varchar(20)", NULL},
    {"i", "bigint(20)", NULL},
    {"j", "year(4)", NULL},
    {"k", "bigint(20)", NULL},
    {"l", "uuid", NULL},
    {"m", "inet6", NULL},
    {"n", "inet4", NULL},
    {"o", "varchar(200)", NULL},
};
static const struct log_table tables[] = {{"item", any, 15}};

/* Events without checksums, one behind the other, of a server whose FORMAT was read. */
static void events(bool mariadb, const uint8_t *data, size_t len)
{
    struct log_walk w = {.tables = tables, .ntables = mariadb ? 1 : 0};
    my_decoder_init(&w.decoder, mariadb);
    w.decoder.described = true;
    w.decoder.checksum = MY_CHECKSUM_NONE;
    w.decoder.ntypes = mariadb ? 171 : 42;
    memset(w.decoder.post_header, 8, w.decoder.ntypes);
    w.decoder.post_header[2 - 1] = w.decoder.post_header[165 - 1] = 13;
    w.decoder.post_header[18 - 1] = 26;
    log_walk_events(&w, data, len, false);
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
        break;
    case FUZZ_BODY_MYSQL:
    case FUZZ_BODY_MARIADB:
        body(data[0] == FUZZ_BODY_MARIADB, exact, size - 1);
        break;
    default:
        break;
    }
    free(exact);
    return 0;
}
