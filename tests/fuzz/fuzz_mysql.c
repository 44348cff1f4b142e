/* Whatever comes over the wire from MySQL and MariaDB, for libFuzzer or any other driver: events with their rows and
 * statements, statements alone, GTID sets. Nothing may be read beyond the input, and nothing may cost memory or time
 * that the input does not justify. */
#include <stdint.h>

#include "lib/mysql_log.h"

#include "fuzz/fuzz.h"

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

static void statement(uint8_t how, const uint8_t *data, size_t len)
{
    static const uint16_t charsets[] = {45, 8, 28, 13, 1, 248, 95, 0};
    struct arena arena = {0};
    struct my_statement s;
    const char *why;
    struct my_query_event query = {.schema = how & 8 ? "shop" : "other",
                                   .text = (const char *)data,
                                   .len = len,
                                   .charset = charsets[how & 7],
                                   .sql_mode = (how & 16 ? MY_SQL_MODE_ANSI_QUOTES : 0) |
                                               (how & 32 ? MY_SQL_MODE_NO_BACKSLASH_ESCAPES : 0)};
    my_statement_read(&arena, &query, &s);
    my_statement_effect(&s, "shop",
                        how & 64 ? "item"
                                 : "stra\xc3\x9f"
                                   "e",
                        how >> 7, &why);
    arena_fini(&arena);
}

static void gtids(const uint8_t *data, size_t len)
{
    struct my_gtid_set set = {0}, back = {0};
    struct my_domain_position domains = {0};
    struct sc_error err;
    struct buf b = {0}, text = {0};
    char *string = calloc(1, len + 1);
    memcpy(string, data, len);
    my_domain_position_parse(&domains, string, &err);
    /* What is read is written so that it reads the same. */
    if (my_gtid_set_parse(&set, string, &err) == SC_OK || my_gtid_set_decode(&set, data, len, &err) == SC_OK) {
        my_gtid_set_encode(&set, &b);
        if (my_gtid_set_decode(&back, b.data, b.len, &err) != SC_OK || !my_gtid_set_equal(&set, &back))
            abort();
        my_gtid_set_print(&set, &text);
    }
    free(string);
    buf_fini(&b);
    buf_fini(&text);
    my_gtid_set_fini(&set);
    my_gtid_set_fini(&back);
    my_domain_position_fini(&domains);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint8_t *exact = malloc(size - 1); /* so that a sanitizer sees what is read beyond it */
    memcpy(exact, data + 1, size - 1);
    switch (data[0]) {
    case FUZZ_EVENTS_MYSQL:
    case FUZZ_EVENTS_MARIADB:
        events(data[0] == FUZZ_EVENTS_MARIADB, exact, size - 1);
        break;
    case FUZZ_BODY_MYSQL:
    case FUZZ_BODY_MARIADB:
        body(data[0] == FUZZ_BODY_MARIADB, exact, size - 1);
        break;
    case FUZZ_STATEMENT:
        if (size > 2)
            statement(exact[0], exact + 1, size - 2);
        break;
    case FUZZ_GTIDS:
        gtids(exact, size - 1);
        break;
    default:
        break;
    }
    free(exact);
    return 0;
}
