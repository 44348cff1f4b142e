/* How fast the audit gets what waits in a spool to Kafka: COUNT changes (inserts, updates, deletes of a row with ten
 * columns) are put into a queue, and then sent. Prints "events N ms M bytes B".
 *
 * usage: sc_audit_rate BROKERS TOPIC DIRECTORY COUNT [NAME=VALUE...] (librdkafka's properties) */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cdc/audit/postgres/types.h"
#include "cdc/audit/pump.h"

#define SEND_WITHIN_S 600

enum { COLUMNS = 10 };

/* As an order of a shop: what is in it is like no other row's, or hardly. */
static const struct {
    const char *name;
    uint32_t type;
    const char *before, *behind; /* of the row's number; NULL: it has none in it */
} columns[COLUMNS] = {
    {"id", 20, "", ""},
    {"customer", 20, "7", ""},
    {"created_at", 1184, "2026-11-22 10:11:12.", "+00"},
    {"status", 25, "shipped-", ""},
    {"amount", 701, "", ".25"},
    {"currency", 25, "EUR", NULL},
    {"note", 25, "please leave it with the neighbour at number ", ""},
    {"email", 25, "customer-", "@example.org"},
    {"paid", 16, "t", NULL},
    {"items", 23, "", ""},
};

static int failed(const char *what, const struct sc_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->what);
    return 1;
}

static struct audit_table make_table(struct arena *arena, const char *topic)
{
    struct audit_column *out = arena_array(arena, COLUMNS, sizeof(*out));
    for (int i = 0; i < COLUMNS; i++) {
        out[i] = (struct audit_column){.name = columns[i].name, .key = i == 0, .optional = i > 0};
        pg_audit_type(&(struct pg_audit_type){.type = columns[i].type, .modifier = -1}, AUDIT_DECIMALS_PRECISE, arena,
                      &out[i].type);
    }
    return (struct audit_table){.prefix = "bench",
                                .catalog = "shop",
                                .schema = "public",
                                .name = "orders",
                                .ncolumns = COLUMNS,
                                .columns = out,
                                .source = pg_audit_engine.source,
                                .topic = topic};
}

static void put(struct spool *spool, const struct change *change, struct buf *b)
{
    struct sc_error err;
    buf_clear(b);
    change_encode(b, change);
    if (spool_put(spool, b->data, b->len, NULL, NULL, &err) != SC_OK)
        exit(failed("the queue", &err));
}

static void fill(struct spool *spool, uint64_t count)
{
    struct relation_column described[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        described[i] = (struct relation_column){.name = columns[i].name, .type = columns[i].type, .key = i == 0};
    struct buf b = {0};
    put(spool,
        &(struct change){
            .kind = CHANGE_RELATION,
            .relation = {.id = 1, .schema = "public", .name = "orders", .ncolumns = COLUMNS, .columns = described}},
        &b);
    for (uint64_t n = 1; n <= count; n++) {
        char texts[COLUMNS][100];
        struct value row[COLUMNS], key[COLUMNS] = {{0}};
        for (int i = 0; i < COLUMNS; i++) {
            if (columns[i].behind)
                snprintf(texts[i], sizeof(texts[i]), "%s%" PRIu64 "%s", columns[i].before, 100000 + n % 800000,
                         columns[i].behind);
            else
                snprintf(texts[i], sizeof(texts[i]), "%s", columns[i].before);
            row[i] = (struct value){.state = VALUE_PRESENT, .data = texts[i], .len = (uint32_t)strlen(texts[i])};
        }
        key[0] = row[0];
        struct change begin = {.kind = CHANGE_BEGIN, .position.order = n * 100, .xid = n, .commit_us = (int64_t)n};
        struct change commit = {.kind = CHANGE_COMMIT, .position.order = n * 100 + 50};
        snprintf(begin.position.text, sizeof(begin.position.text), "0/%" PRIX64, n * 100);
        snprintf(commit.position.text, sizeof(commit.position.text), "0/%" PRIX64, n * 100 + 50);
        struct change change = {.kind = n % 10 == 0 ? CHANGE_DELETE
                                        : n % 2     ? CHANGE_INSERT
                                                    : CHANGE_UPDATE,
                                .ncolumns = COLUMNS,
                                .new_row = n % 10 ? row : NULL,
                                .old_row = n % 10 ? NULL : key};
        put(spool, &begin, &b);
        put(spool, &change, &b);
        put(spool, &commit, &b);
    }
    put(spool, &(struct change){.kind = CHANGE_MARKER, .marker = "end"}, &b);
    buf_fini(&b);
}

static enum sc_result store(void *arg, const struct audit_state *state, struct sc_error *err)
{
    (void)arg, (void)state, (void)err;
    return SC_OK;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: sc_audit_rate BROKERS TOPIC DIRECTORY COUNT [NAME=VALUE...]\n");
        return 2;
    }
    uint64_t count = strtoull(argv[4], NULL, 10);
    struct arena arena = {0};
    struct sc_error err;
    error_init(&err);
    struct audit_table table = make_table(&arena, argv[2]);
    struct audit_sink *sink = NULL;
    struct spool *spool = NULL;
    struct audit_pump *pump = NULL;
    if (audit_table_prepare(&table, &arena, &err) != SC_OK)
        return failed("the table", &err);
    struct audit_sink_config to = {.brokers = argv[1],
                                   .stream = "bench",
                                   .timeout_ms = 30000,
                                   .properties = (const char *const *)argv + 5,
                                   .nproperties = (size_t)argc - 5};
    struct spool_config queue = {.directory = argv[3],
                                 .memory_bytes = 8 << 20,
                                 .block_bytes = 256 << 10,
                                 .segment_bytes = 64 << 20,
                                 .record_bytes = 1 << 20};
    struct audit_state from = {.partitions = 0};
    if (audit_sink_open(&to, &sink, &err) != SC_OK ||
        audit_sink_partitions(sink, table.topic, &from.partitions, &err) != SC_OK)
        return failed("Kafka", &err);
    if (spool_open(&queue, &spool, &err) != SC_OK)
        return failed("the queue", &err);
    fill(spool, count);
    int64_t began_us = clock_us();
    struct audit_pump_config config = {
        .spool = spool,
        .sink = sink,
        .stream = {.engine = &pg_audit_engine, .tables = &table, .ntables = 1, .version = "bench"},
        .from = &from,
        .store = store,
        .store_ms = 1000,
        .end = "end"};
    if (audit_pump_start(&config, &pump, &err) != SC_OK)
        return failed("the audit", &err);
    enum sc_result result;
    while ((result = audit_pump_ended(pump, &err)) == SC_RETRY && clock_us() - began_us < SEND_WITHIN_S * 1000000LL)
        clock_sleep_ms(5);
    int64_t took_us = clock_us() - began_us;
    struct audit_sink_stats stats;
    audit_sink_stats(sink, &stats);
    if (result != SC_OK)
        failed("the audit", &err);
    else
        printf("events %" PRIu64 " ms %" PRId64 " bytes %" PRIu64 "\n", stats.acknowledged, took_us / 1000,
               stats.bytes);
    spool_stop(spool);
    audit_pump_stop(pump);
    audit_sink_close(sink);
    spool_close(spool);
    arena_fini(&arena);
    return result == SC_OK ? 0 : 1;
}
