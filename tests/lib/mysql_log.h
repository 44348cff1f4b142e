/* A binary log file read from its begin to its end, as the program would, and told as text, one line for each event:
 * what the tests compare, and what a fuzzer runs. */
#ifndef SC_TESTS_MYSQL_LOG_H
#define SC_TESTS_MYSQL_LOG_H

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cdc/mysql/events.h"
#include "cdc/mysql/payload.h"
#include "cdc/mysql/position.h"
#include "cdc/mysql/query.h"
#include "cdc/mysql/rows.h"

/* The columns of a table, where the log is silent about them. */
struct log_table {
    const char *name;
    const struct source_column *columns;
    uint16_t ncolumns;
};

#define LOG_MAX_MAPS 64

struct log_walk {
    struct my_decoder decoder;
    struct my_log_position position;
    const struct log_table *tables;
    size_t ntables;
    struct arena arena;                      /* of one event */
    struct arena maps_arena;                 /* of the file */
    struct my_table_map *maps[LOG_MAX_MAPS]; /* the last ones */
    size_t nmaps;
    struct buf text;
    struct sc_error err;
    /* Called for each row; NULL none. */
    void (*row)(void *context, const struct my_table_map *map, enum my_rows_op op, const struct my_row *row);
    void *context;
};

static inline void log_walk_fini(struct log_walk *w)
{
    arena_fini(&w->arena);
    arena_fini(&w->maps_arena);
    buf_fini(&w->text);
}

static inline void log_bytes(struct buf *b, const char *data, size_t len)
{
    bool plain = true;
    for (size_t i = 0; i < len; i++)
        plain = plain && data[i] >= ' ' && data[i] < 0x7f && data[i] != '\'';
    if (plain) {
        buf_printf(b, "'%.*s'", (int)len, data);
        return;
    }
    buf_str(b, "0x");
    for (size_t i = 0; i < len; i++)
        buf_printf(b, "%02x", (unsigned char)data[i]);
}

static inline void log_values(struct buf *b, const struct value *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        buf_str(b, i ? ", " : "(");
        if (values[i].state == VALUE_NULL)
            buf_str(b, "NULL");
        else if (values[i].state == VALUE_ABSENT)
            buf_str(b, "-");
        else
            log_bytes(b, values[i].data, values[i].len);
    }
    buf_str(b, ")");
}

static inline const char *log_file_only(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static inline const struct my_table_map *log_map(const struct log_walk *w, uint64_t id)
{
    for (size_t i = w->nmaps; i > 0; i--)
        if (w->maps[i - 1]->table_id == id)
            return w->maps[i - 1];
    return NULL;
}

static inline enum sc_result log_rows(struct log_walk *w, const struct my_rows_event *rows)
{
    static const char *const ops[] = {"insert", "update", "delete"};
    const struct my_table_map *map = log_map(w, rows->table_id);
    if (!map) {
        buf_str(&w->text, " of an unknown table\n");
        return SC_OK;
    }
    const struct log_table *table = NULL;
    for (size_t i = 0; i < w->ntables; i++)
        if (strcmp(w->tables[i].name, map->table) == 0 && w->tables[i].ncolumns == map->ncolumns)
            table = &w->tables[i];
    buf_printf(&w->text, " %s.%s%s\n", map->schema, map->table, rows->end_of_statement ? ", end of statement" : "");
    struct my_log_column *columns;
    struct my_rows it;
    enum sc_result result =
        my_columns_build(map, table ? table->columns : NULL, table ? table->ncolumns : 0, &w->arena, &columns, &w->err);
    if (result == SC_OK)
        result = my_rows_begin(&it, rows, columns, map->ncolumns, &w->err);
    for (bool more = true; result == SC_OK;) {
        struct my_row row;
        result = my_rows_next(&it, &w->arena, &row, &more, &w->err);
        if (result != SC_OK || !more)
            break;
        buf_printf(&w->text, "    %s ", ops[rows->op]);
        if (row.before)
            log_values(&w->text, row.before, rows->ncolumns);
        if (row.before && row.after)
            buf_str(&w->text, " -> ");
        if (row.after)
            log_values(&w->text, row.after, rows->ncolumns);
        buf_char(&w->text, '\n');
        if (w->row)
            w->row(w->context, map, rows->op, &row);
    }
    return result;
}

static inline void log_query(struct log_walk *w, const struct my_query_event *query)
{
    static const char *const kinds[] = {"harmless", "begin",    "commit", "rollback",   "savepoint", "rollback to",
                                        "release",  "xa start", "xa end", "xa prepare", "xa commit", "xa rollback",
                                        "truncate", "ddl",      "dml",    "unknown"};
    static const char *const effects[] = {"", " => truncate item", " => stops item: "};
    struct my_statement s;
    const char *why;
    my_statement_read(&w->arena, query, &s);
    enum my_statement_effect effect = my_statement_effect(&s, "shop", "item", 0, &why);
    buf_printf(&w->text, " [%s] ", query->schema);
    for (size_t i = 0; i < query->len && i < 70; i++)
        buf_char(&w->text, query->text[i] >= ' ' && query->text[i] < 0x7f ? query->text[i] : ' ');
    if (query->error_code)
        buf_printf(&w->text, " (error %u)", (unsigned)query->error_code);
    buf_printf(&w->text, "\n    %s", kinds[s.kind]);
    if (*s.name)
        buf_printf(&w->text, " %s", s.name);
    if (s.one_phase)
        buf_str(&w->text, ", one phase");
    for (size_t i = 0; i < s.ntables; i++)
        buf_printf(&w->text, " %s.%s", s.tables[i].schema, s.tables[i].name ? s.tables[i].name : "*");
    if (s.opaque)
        buf_str(&w->text, ", opaque");
    buf_printf(&w->text, "%s%s\n", effects[effect], effect == MY_EFFECT_STOP ? why : "");
}

static inline void log_table_map(struct log_walk *w, const struct my_table_map *map)
{
    if (w->nmaps == LOG_MAX_MAPS) {
        memmove(w->maps, w->maps + 1, (LOG_MAX_MAPS - 1) * sizeof(w->maps[0]));
        w->nmaps--;
    }
    w->maps[w->nmaps++] = my_table_map_copy(map, &w->maps_arena);
    buf_printf(&w->text, " %s.%s", map->schema, map->table);
    for (uint16_t i = 0; i < map->ncolumns; i++) {
        buf_printf(&w->text, " %s%s%d", map->names ? map->names[i] : "", map->names ? ":" : "", map->types[i]);
        if (map->metadata && map->metadata[i])
            buf_printf(&w->text, "/%x", (unsigned)map->metadata[i]);
        if (map->nullable[i / 8] >> i % 8 & 1)
            buf_char(&w->text, '?');
    }
    buf_char(&w->text, '\n');
}

static inline void log_gtid(struct log_walk *w, const struct my_gtid_event *gtid)
{
    if (gtid->anonymous) {
        buf_str(&w->text, " anonymous");
    } else if (w->decoder.mariadb) {
        buf_printf(&w->text, " %u-S-%" PRIu64 "%s%s%s", gtid->domain.domain, gtid->domain.number,
                   gtid->standalone ? " standalone" : "", gtid->xa_prepare ? " xa prepare" : "",
                   gtid->xa_complete ? " xa complete" : "");
    } else {
        struct buf text = {0};
        my_gtid_print(&gtid->gtid, &text);
        /* The server's own uuid is another one whenever this is recorded. */
        buf_printf(&w->text, " UUID%s", buf_cstr(&text) + 36);
        buf_fini(&text);
    }
    if (gtid->transaction_length)
        buf_printf(&w->text, ", %" PRIu64 " bytes", gtid->transaction_length);
    if (gtid->commit_us)
        buf_str(&w->text, ", has its time");
    buf_char(&w->text, '\n');
}

static inline void log_gtids(struct log_walk *w, const struct my_gtids_event *gtids)
{
    if (!gtids->set) {
        for (uint32_t i = 0; i < gtids->ndomains; i++)
            buf_printf(&w->text, " %u-S-%" PRIu64, gtids->domains[i].domain, gtids->domains[i].number);
        buf_char(&w->text, '\n');
        return;
    }
    struct my_gtid_set set = {0};
    struct buf text = {0}, back = {0};
    if (my_gtid_set_decode(&set, gtids->set, gtids->set_len, &w->err) != SC_OK) {
        buf_printf(&w->text, " %s\n", w->err.what);
        return;
    }
    my_gtid_set_print(&set, &text);
    my_gtid_set_encode(&set, &back);
    buf_printf(&w->text, "%s%s\n", text.len > 36 ? " UUID" : "", text.len > 36 ? text.data + 36 : "");
    if (text.len && (back.len != gtids->set_len || memcmp(back.data, gtids->set, back.len) != 0))
        buf_str(&w->text, "    which is written in another way than the server did\n");
    buf_fini(&text);
    buf_fini(&back);
    my_gtid_set_fini(&set);
}

static inline enum sc_result log_payload(struct log_walk *w, const struct my_payload_event *payload);

static inline enum sc_result log_event(struct log_walk *w, const struct my_event *event)
{
    buf_printf(&w->text, "%s%s", event->name, event->kind == MY_EVENT_SKIP ? " (skipped)" : "");
    switch (event->kind) {
    case MY_EVENT_ROTATE:
        buf_printf(&w->text, " to %s:%" PRIu64 "\n", log_file_only(event->rotate.file), event->rotate.offset);
        return SC_OK;
    case MY_EVENT_GTID:
        log_gtid(w, &event->gtid);
        return SC_OK;
    case MY_EVENT_GTIDS:
        log_gtids(w, &event->gtids);
        return SC_OK;
    case MY_EVENT_QUERY:
        log_query(w, &event->query);
        return SC_OK;
    case MY_EVENT_TABLE_MAP:
        log_table_map(w, &event->table_map);
        return SC_OK;
    case MY_EVENT_ROWS:
        return log_rows(w, &event->rows);
    case MY_EVENT_XA_PREPARE:
        buf_printf(&w->text, " %u ", event->xa.format);
        log_bytes(&w->text, event->xa.data, event->xa.gtrid_len);
        buf_char(&w->text, ' ');
        log_bytes(&w->text, event->xa.data + event->xa.gtrid_len, event->xa.bqual_len);
        buf_printf(&w->text, "%s\n", event->xa.one_phase ? ", one phase" : "");
        return SC_OK;
    case MY_EVENT_PAYLOAD:
        return log_payload(w, &event->payload);
    case MY_EVENT_HEARTBEAT:
        buf_printf(&w->text, " at %s:%" PRIu64 "\n", event->heartbeat.file, event->heartbeat.offset);
        return SC_OK;
    case MY_EVENT_INCIDENT:
        buf_printf(&w->text, " %u %s\n", (unsigned)event->incident.number, event->incident.message);
        return SC_OK;
    default:
        buf_char(&w->text, '\n');
        return SC_OK;
    }
}

static inline enum sc_result log_payload(struct log_walk *w, const struct my_payload_event *payload)
{
    struct my_payload *p;
    enum sc_result result = my_payload_open(payload, &p, &w->err);
    buf_printf(&w->text, " of %" PRIu64 " bytes {\n", payload->uncompressed_len);
    while (result == SC_OK) {
        const uint8_t *data;
        size_t len;
        struct my_event event;
        result = my_payload_next(p, &data, &len, &w->err);
        if (result != SC_OK || !data)
            break;
        result = my_event_decode_inner(&w->decoder, &w->arena, data, len, &event, &w->err);
        if (result == SC_OK && event.kind == MY_EVENT_PAYLOAD)
            result = error_set(&w->err, SC_FAIL, "a payload in a payload");
        if (result == SC_OK)
            result = log_event(w, &event);
    }
    my_payload_close(p);
    if (result == SC_OK)
        buf_str(&w->text, "}\n");
    return result;
}

/* The events from `data` on, which have no magic number before them; stops at the first that cannot be read. */
static inline enum sc_result log_walk_events(struct log_walk *w, const uint8_t *data, size_t len, bool check_positions)
{
    enum sc_result result = SC_OK;
    for (size_t at = 0; at < len && result == SC_OK;) {
        struct my_event event;
        struct reader r = reader_of(data + at, len - at);
        read_bytes(&r, 9);
        size_t size = read_u32_le(&r);
        if (!reader_ok(&r) || size < 19 || size > len - at)
            size = len - at;
        /* Exactly the event's memory, so that a sanitizer sees what is read beyond it. */
        uint8_t *exact = malloc(size);
        memcpy(exact, data + at, size);
        arena_reset(&w->arena);
        result = my_event_decode(&w->decoder, &w->arena, exact, size, &event, &w->err);
        if (result == SC_OK)
            result = log_event(w, &event);
        if (result == SC_OK && check_positions && event.kind == MY_EVENT_ROTATE)
            w->position.offset += event.length; /* to the end of this file */
        else if (result == SC_OK && check_positions)
            result = my_log_position_advance(&w->position, &event, false, &w->err);
        free(exact);
        at += size;
    }
    if (result != SC_OK)
        buf_printf(&w->text, "\n    %s\n", w->err.what);
    return result;
}

static inline char *log_file_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    struct buf b = {0};
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
        buf_bytes(&b, piece, n);
    fclose(f);
    *len = b.len;
    buf_reserve(&b, 1);
    return buf_take(&b);
}

#endif
