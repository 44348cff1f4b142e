/* The binary log from events to the spool: groups, statements, rows, XA transactions. A byte that says which family,
 * then events, one behind the other. An event of type FUZZ_LOST is a lost connection: the server sends again from where
 * reading is resumed. One of type FUZZ_DIED is a process that ended: the next one reads from the last place that the
 * applier can have stored. What the applier gets must be the same as without either, each change of the same table. */
#include "base/reader.h"
#include "cdc/mysql/position_text.h"
#include "cdc/mysql/stream.h"
#include "fuzz/fuzz.h"
#include "fuzz/my_groups.h"
#include "fuzz/scratch.h"

enum { HEADER = 19, LENGTH_AT = 9, END_AT = 13, MOST_EVENTS = 128, MOST_CUTS = 8 };

static struct source_column mysql_columns[] = {
    {.name = "id", .type = "int unsigned"},
    {.name = "name", .type = "varchar(300)"},
    {.name = "price", .type = "decimal(10,2)"},
    {.name = "doc", .type = "json"},
    {.name = "kind", .type = "enum('a','b')"},
    {.name = "raw", .type = "binary(4)"},
    {.name = "code", .type = "char(4)"},
    {.name = "v", .type = "varchar(400)"},
    {.name = "s", .type = "bigint"},
    {.name = "y", .type = "year"},
    {.name = "n", .type = "bigint"},
};
static struct source_column mariadb_columns[] = {
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
};
static bool virtual_columns[] = {[7] = true, [14] = false};
static struct source_column mysql_copied[] = {{.name = "id", .type = "int unsigned"},
                                              {.name = "name", .type = "varchar(300)"}};
static struct source_column mariadb_copied[] = {{.name = "id", .type = "int(10) unsigned"},
                                                {.name = "name", .type = "varchar(300)"}};

enum { TABLES = 2 };
static const struct source_table mysql_tables[TABLES] = {
    {.schema = "shop",
     .name = "item",
     .columns = mysql_columns,
     .ncolumns = sizeof(mysql_columns) / sizeof(mysql_columns[0]),
     .computed = virtual_columns},
    {.schema = "shop", .name = "copy", .columns = mysql_copied, .ncolumns = 2},
};
static const struct source_table mariadb_tables[TABLES] = {
    {.schema = "shop",
     .name = "item",
     .columns = mariadb_columns,
     .ncolumns = sizeof(mariadb_columns) / sizeof(mariadb_columns[0]),
     .computed = virtual_columns},
    {.schema = "shop", .name = "copy", .columns = mariadb_copied, .ncolumns = 2},
};

static struct spool *spool(void)
{
    static struct spool *one;
    struct sc_error err;
    const struct spool_config config = {.directory = scratch_directory(),
                                        .memory_bytes = 64 << 20,
                                        .block_bytes = 64 << 10,
                                        .segment_bytes = 1 << 20,
                                        .record_bytes = 16 << 20};
    if (!one)
        HOLDS(spool_open(&config, &one, &err) == SC_OK);
    return one;
}

/* --- what the applier gets --- */

struct taken {
    /* But for descriptions of the tables, which each session begins with; instead there is with each change the table
     * that it is of. */
    struct buf records;
    size_t whole; /* of them, up to the last commit */
    struct position stored;
    enum sc_result result;
    bool in_transaction;
    char table[16]; /* of the last description; empty: none yet */
    uint16_t ncolumns;
};

static bool is_of_table(enum change_kind kind)
{
    return kind == CHANGE_INSERT || kind == CHANGE_UPDATE || kind == CHANGE_DELETE || kind == CHANGE_TRUNCATE;
}

/* Transactions come whole and in order. Texts of places may lack the GTIDs in another process. */
static void take_all(struct taken *t)
{
    const void *record;
    size_t len;
    struct sc_error err;
    struct arena arena = {0};
    while (spool_take(spool(), &record, &len, 0, &err) == SC_OK) {
        struct change change;
        HOLDS(change_decode(&arena, record, len, &change, &err) == SC_OK);
        if (change.kind == CHANGE_RELATION) {
            HOLDS(strcmp(change.relation.schema, "shop") == 0);
            snprintf(t->table, sizeof(t->table), "%s", change.relation.name);
            t->ncolumns = change.relation.ncolumns;
            continue;
        }
        if (is_of_table(change.kind)) {
            HOLDS(t->table[0] && (change.kind == CHANGE_TRUNCATE || change.ncolumns == t->ncolumns));
            buf_str(&t->records, t->table);
        }
        HOLDS(change.kind == CHANGE_MARKER || (change.kind == CHANGE_BEGIN) != t->in_transaction);
        t->in_transaction = change.kind != CHANGE_COMMIT && (change.kind == CHANGE_BEGIN || t->in_transaction);
        if (change.kind == CHANGE_COMMIT)
            t->stored = change.position;
        change.position.text[0] = 0;
        change_encode(&t->records, &change);
        if (change.kind == CHANGE_COMMIT || (change.kind == CHANGE_MARKER && !t->in_transaction))
            t->whole = t->records.len;
    }
    arena_fini(&arena);
}

/* --- the log --- */

struct log_event {
    uint8_t *data;
    size_t len; /* 0: a cut */
    bool died;
    uint64_t offset;
    struct my_decoder decoder; /* as it is before the event */
};

struct log {
    struct log_event events[MOST_EVENTS];
    size_t count;
    uint64_t end;
    bool mariadb, cuts;
};

static void put_u32_le(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* Events say how long they are and where they end: here they say it right. */
static void log_read(struct log *log, const uint8_t *data, size_t size)
{
    log->end = 4;
    for (size_t at = 0; size - at >= HEADER && log->count < MOST_EVENTS;) {
        struct reader r = reader_of(data + at + LENGTH_AT, 4);
        size_t len = read_u32_le(&r);
        if (len < HEADER || len > size - at)
            len = size - at;
        struct log_event *e = &log->events[log->count++];
        *e = (struct log_event){.offset = log->end};
        uint8_t type = data[at + 4];
        if (type == FUZZ_LOST || type == FUZZ_DIED) {
            e->died = type == FUZZ_DIED;
            log->cuts = true;
            at += HEADER;
            continue;
        }
        e->data = fuzz_exact(data + at, len);
        e->len = len;
        log->end += len;
        put_u32_le(e->data + LENGTH_AT, (uint32_t)len);
        put_u32_le(e->data + END_AT, (uint32_t)log->end);
        at += len;
    }
}

static void log_free(struct log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free(log->events[i].data);
}

static struct my_decoder first_decoder(bool mariadb)
{
    struct my_decoder d;
    my_decoder_init(&d, mariadb);
    d.described = true;
    d.checksum = MY_CHECKSUM_NONE;
    d.ntypes = mariadb ? 171 : 42;
    memset(d.post_header, 8, d.ntypes);
    d.post_header[2 - 1] = d.post_header[165 - 1] = 13;
    d.post_header[18 - 1] = 26;
    return d;
}

/* --- the reader --- */

/* As source.c and connect.c make it. `from`: what is stored. */
static void source_begin(struct source *s, bool mariadb, const struct position *from)
{
    struct sc_error err;
    char *gtids = NULL;
    *s = (struct source){.spool = spool()};
    s->config.tables = mariadb ? mariadb_tables : mysql_tables;
    s->config.ntables = TABLES;
    s->config.marker_schema = "shop";
    s->config.message_prefix = "seachange test";
    my_tables_init(s);
    s->server.family = mariadb ? MY_MARIADB : MY_MYSQL;
    struct my_log_position at;
    HOLDS(my_position_read(from, &at, &s->resume, &gtids, &err) == SC_OK);
    s->has_gtids = gtids[0];
    if (s->has_gtids)
        HOLDS((mariadb ? my_domain_position_parse(&s->last, gtids, &err)
                       : my_gtid_set_parse(&s->executed, gtids, &err)) == SC_OK);
    mem_free(gtids);
    my_feed_init(&s->feed, spool(), TABLES, from, NULL, NULL);
    s->at = s->resume;
}

static void source_end(struct source *s)
{
    my_feed_fini(&s->feed);
    my_xa_fini(&s->xa);
    my_gtid_set_fini(&s->executed);
    my_domain_position_fini(&s->last);
    arena_fini(&s->arena);
    my_tables_fini(s);
}

/* As stream.c takes what the server sends, but for what moves to other files. */
static enum sc_result take_event(struct source *s, const struct log_event *e, struct sc_error *err)
{
    struct my_event event;
    uint8_t *exact = fuzz_exact(e->data, e->len); /* what is left of an event is not looked at later */
    enum sc_result result = my_event_decode(&s->decoder, &s->arena, exact, e->len, &event, err);
    s->began = s->at;
    if (result == SC_OK && (event.kind == MY_EVENT_ROTATE || event.kind == MY_EVENT_HEARTBEAT))
        result = error_set(err, SC_FAIL, "not in this log");
    s->at.offset = e->offset + e->len;
    if (result == SC_OK)
        result = my_group_take(s, &event, false, err);
    HOLDS(result == SC_OK || (result == SC_FAIL && err->what[0]));
    arena_reset(&s->arena);
    free(exact);
    return result;
}

/* Goes back to where the source resumes, and says to which event. */
static size_t reconnect(struct source *s, const struct log *log)
{
    size_t i = 0;
    while (i < log->count && (log->events[i].offset != s->resume.offset || log->events[i].len == 0))
        i++;
    HOLDS(i < log->count ? log->events[i].offset == s->resume.offset : s->resume.offset == log->end);
    s->at = s->resume;
    if (i < log->count)
        s->decoder = log->events[i].decoder;
    my_tables_forget(s);
    s->group = MY_GROUP_NONE;
    s->has_gtid = false;
    return i;
}

static struct taken run(struct log *log, bool with_cuts)
{
    struct taken t = {.result = SC_OK};
    struct source s;
    struct sc_error err;
    bool used[MOST_EVENTS] = {0};
    int cuts = 0;
    struct my_log_position begin = {.file = "binlog.000001", .number = 1, .offset = 4};
    my_position_write(&begin, NULL, log->mariadb ? "0-1-1" : "3e11fa47-71ca-11e1-9e33-c80aa9429562:1", &t.stored);
    source_begin(&s, log->mariadb, &t.stored);
    s.decoder = first_decoder(log->mariadb);
    for (size_t i = 0; i < log->count && t.result == SC_OK;) {
        struct log_event *e = &log->events[i];
        if (e->len > 0) {
            e->decoder = s.decoder;
            t.result = take_event(&s, e, &err);
            i++;
            continue;
        }
        if (!with_cuts || used[i] || ++cuts > MOST_CUTS) {
            i++;
            continue;
        }
        used[i] = true;
        struct log_event *behind = e + 1; /* where reading may go on */
        for (; behind < log->events + log->count; behind++)
            behind->decoder = s.decoder;
        if (e->died) {
            take_all(&t);
            t.records.len = t.whole;
            t.in_transaction = false;
            t.table[0] = 0;
            source_end(&s);
            source_begin(&s, log->mariadb, &t.stored);
        } else {
            my_feed_lost(&s.feed);
        }
        i = reconnect(&s, log);
    }
    take_all(&t);
    source_end(&s);
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct log log;
    log = (struct log){0};
    if (size < 1 + HEADER)
        return 0;
    log.mariadb = data[0] & 1;
    log_read(&log, data + 1, size - 1);
    struct taken plain = run(&log, false);
    if (log.cuts) {
        struct taken again = run(&log, true);
        HOLDS(plain.result == again.result && plain.records.len == again.records.len);
        HOLDS(!plain.records.len || memcmp(plain.records.data, again.records.data, plain.records.len) == 0);
        buf_fini(&again.records);
    }
    buf_fini(&plain.records);
    log_free(&log);
    return 0;
}
