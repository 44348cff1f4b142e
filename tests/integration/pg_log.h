/* What the log says of one table, change by change: for tests on migration.h's world. */
#ifndef SC_TESTS_INTEGRATION_PG_LOG_H
#define SC_TESTS_INTEGRATION_PG_LOG_H

#include "cdc/postgres/postgres.h"
#include "cdc/postgres/slot.h"
#include "cdc/spool.h"
#include "migration.h"

#define LOG_NAME "it_log" /* of slot, publication and messages */

static inline void begin_log(struct world *w, const char *schema, const char *table)
{
    struct sc_error err;
    uint64_t point;
    must(pg_publication_create(w->sql, LOG_NAME, schema, table, &err), &err);
    must(pg_slot_create(&w->server, w->sql, LOG_NAME, 10000, NULL, NULL, &point, &err), &err);
}

/* From where the log was begun, always, to its end. */
static inline void each_change(struct world *w, const char *table, void (*take)(void *arg, const struct change *change),
                               void *arg)
{
    static int ends;
    struct sc_error err;
    char directory[] = "/tmp/it_log.XXXXXX", sql[100], end[32];
    assert_non_null(mkdtemp(directory));
    snprintf(sql, sizeof(sql), "SELECT '%s'::regclass::oid", table);
    snprintf(end, sizeof(end), "end %d", ++ends);
    const struct spool_config spool_config = {.directory = directory,
                                              .memory_bytes = 16 << 20,
                                              .block_bytes = 64 << 10,
                                              .segment_bytes = 64 << 20,
                                              .record_bytes = 64 << 20};
    const struct source_table read = {.id = (uint32_t)number_of(w->sql, sql)};
    const struct source_config config = {.url = w->server.url,
                                         .application = w->server.application,
                                         .slot = LOG_NAME,
                                         .publication = LOG_NAME,
                                         .message_prefix = LOG_NAME,
                                         .timezone = w->server.timezone,
                                         .date_order = w->server.date_order,
                                         .tables = &read,
                                         .ntables = 1,
                                         .system_identifier = w->server.system_identifier,
                                         .timeline = w->server.timeline,
                                         .status_interval_ms = 100,
                                         .give_up_ms = 30000};
    struct spool *spool = NULL;
    struct source *source = NULL;
    run_on(w->sql, "SELECT pg_logical_emit_message(false, '" LOG_NAME "', '%s')", end);
    run_on(w->sql, "SELECT txid_current()");
    must(spool_open(&spool_config, &spool, &err), &err);
    must(postgres_source.start(&config, spool, &source, &err), &err);
    for (bool done = false; !done;) {
        const void *record;
        size_t len;
        struct change change;
        struct arena arena = {0};
        must(spool_take(spool, &record, &len, 20000, &err), &err);
        must(change_decode(&arena, record, len, &change, &err), &err);
        take(arg, &change);
        done = change.kind == CHANGE_MARKER && strcmp(change.marker, end) == 0;
        arena_fini(&arena);
    }
    (postgres_source.stop)(source);
    spool_close(spool);
    rmdir(directory);
}

#endif
