/* The binary log from events to the spool: groups, statements, rows, XA transactions. A byte of flags (my_groups.h),
 * then events, one behind the other. An event of type FUZZ_LOST is a lost connection: the server sends again from where
 * reading is resumed. One of type FUZZ_DIED is a process that ended: the next one reads from the last place that the
 * applier can have stored. What the applier gets must be the same as without either, each change of the same table.
 *
 * A stream that goes on over changes of its tables gets no row behind a change before the table was described anew. */
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
    {.name = "extra", .type = "int"},
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
    {.name = "extra", .type = "int(11)"},
    {.name = "more", .type = "int(11)"},
};
/* What was recorded with descriptions of the tables in it (binlog_row_metadata = FULL) has the last ones, too. */
enum { MYSQL_COLUMNS = 11, MARIADB_COLUMNS = 15 };
static bool virtual_columns[] = {[7] = true, [16] = false};
static struct source_column mysql_copied[] = {{.name = "id", .type = "int unsigned"},
                                              {.name = "name", .type = "varchar(300)"}};
static struct source_column mariadb_copied[] = {{.name = "id", .type = "int(10) unsigned"},
                                                {.name = "name", .type = "varchar(300)"}};

/* Of a stream that goes on: what maps do not tell of some columns, and names that none may lose or get. */
static const struct source_untold untold[] = {
    {"v", "virtual"}, {"s", "stored"}, {"u", "uuid"}, {"i6", "inet6"}, {"i4", "inet4"}};
static const char *const ruled[] = {"name", "nom"};
/* In the order of their numbers. */
static struct my_charset charsets[] = {{8, 1, "latin1"},    {33, 3, "utf8mb3"},  {45, 4, "utf8mb4"},
                                       {46, 4, "utf8mb4"},  {63, 1, "binary"},   {83, 3, "utf8mb3"},
                                       {255, 4, "utf8mb4"}, {2304, 4, "utf8mb4"}};

enum { TABLES = 3, MIGRATED = 2 }; /* the last one only the log describes */
static const struct source_table mysql_tables[TABLES] = {
    {.schema = "shop",
     .name = "item",
     .columns = mysql_columns,
     .ncolumns = MYSQL_COLUMNS,
     .computed = virtual_columns},
    {.schema = "shop", .name = "copy", .columns = mysql_copied, .ncolumns = 2},
    {.schema = "shop", .name = "blind"},
};
static const struct source_table mariadb_tables[TABLES] = {
    {.schema = "shop",
     .name = "item",
     .columns = mariadb_columns,
     .ncolumns = MARIADB_COLUMNS,
     .computed = virtual_columns},
    {.schema = "shop", .name = "copy", .columns = mariadb_copied, .ncolumns = 2},
    {.schema = "shop", .name = "blind"},
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
    bool altered; /* it says no more than that there will be another one */
    /* Of a stream that goes on; bits of tables, by number in the list: */
    uint8_t flags;
    unsigned told;        /* since it was changed in the log, its rows are as the log tells */
    unsigned last_told;   /* its last description says so; behind rows of before (XA) it does again at the commit */
    unsigned told_stored; /* ... and that was so at the last commit */
};

static unsigned bit_of(const char *table)
{
    for (unsigned i = 0; i < TABLES; i++)
        if (strcmp(mysql_tables[i].name, table) == 0)
            return 1u << i;
    return 0;
}

static void take_description(struct taken *t, const struct relation *r)
{
    HOLDS(strcmp(r->schema, "shop") == 0 && bit_of(r->name));
    /* A migration goes over nothing; and what begins with what the log tells goes back to the catalog never. */
    HOLDS(t->flags & FUZZ_GOES_ON ? r->told || r->altered || !(t->flags & FUZZ_TOLD) : !r->told && !r->altered);
    HOLDS(!(t->flags & FUZZ_UNNAMED) || t->flags & FUZZ_TOLD || bit_of(r->name) == 1u << MIGRATED || !r->altered);
    /* That it was changed comes first. */
    HOLDS(!r->told || t->flags & FUZZ_TOLD || (t->told | 1u << MIGRATED) & bit_of(r->name));
    for (uint16_t i = 0; r->told && i < r->ncolumns; i++)
        HOLDS(r->columns[i].told_type[0] && strlen(r->columns[i].name) <= 255 && r->columns[i].told_key <= r->ncolumns);
    snprintf(t->table, sizeof(t->table), "%s", r->name);
    t->ncolumns = r->ncolumns;
    t->altered = r->altered;
    t->last_told &= ~bit_of(r->name);
    if (r->told || r->altered) {
        t->told |= bit_of(r->name);
        t->last_told |= bit_of(r->name);
    }
}

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
            take_description(t, &change.relation);
            continue;
        }
        if (is_of_table(change.kind)) {
            HOLDS(t->table[0] && (change.kind == CHANGE_TRUNCATE || (change.ncolumns == t->ncolumns && !t->altered)));
            buf_str(&t->records, t->table);
        }
        HOLDS(change.kind == CHANGE_MARKER || (change.kind == CHANGE_BEGIN) != t->in_transaction);
        t->in_transaction = change.kind != CHANGE_COMMIT && (change.kind == CHANGE_BEGIN || t->in_transaction);
        if (change.kind == CHANGE_COMMIT) {
            t->stored = change.position;
            t->told_stored = t->told;
            HOLDS(t->told == t->last_told);
        }
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
    uint8_t flags;
    bool mariadb, cuts, deaths;
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
            log->deaths |= e->died;
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

/* What the log alone tells: by then, or from the begin on. */
static const struct source_table *tables_of(uint8_t flags, unsigned told)
{
    static struct source_table tables[TABLES];
    memcpy(tables, flags & FUZZ_MARIADB ? mariadb_tables : mysql_tables, sizeof(tables));
    if (flags & FUZZ_GOES_ON)
        tables[0].ncolumns += flags & FUZZ_MARIADB ? 2 : 1;
    for (unsigned i = 0; i < TABLES && flags & FUZZ_GOES_ON; i++) {
        tables[i].told = flags & FUZZ_TOLD || told & 1u << i || !tables[i].columns;
        tables[i].untold = untold;
        tables[i].nuntold = sizeof(untold) / sizeof(untold[0]);
        tables[i].ruled = ruled;
        tables[i].nruled = sizeof(ruled) / sizeof(ruled[0]);
    }
    return tables;
}

/* As source.c and connect.c make it. `from`: what is stored. */
static void source_begin(struct source *s, uint8_t flags, unsigned told, const struct position *from)
{
    struct sc_error err;
    char *gtids = NULL;
    bool mariadb = flags & FUZZ_MARIADB;
    *s = (struct source){.spool = spool()};
    s->config.tables = tables_of(flags, told);
    s->config.goes_on = flags & FUZZ_GOES_ON;
    s->config.ntables = s->config.goes_on ? TABLES : MIGRATED;
    s->named = !(flags & FUZZ_UNNAMED);
    s->charsets = charsets;
    s->ncharsets = sizeof(charsets) / sizeof(charsets[0]);
    s->server.version = mariadb ? 110800 : 90700;
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
    my_feed_init(&s->feed, spool(), s->config.ntables, from, NULL, NULL);
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
    struct taken t = {.result = SC_OK, .flags = log->flags};
    struct source s;
    struct sc_error err;
    bool used[MOST_EVENTS] = {0};
    int cuts = 0;
    struct my_log_position begin = {.file = "binlog.000001", .number = 1, .offset = 4};
    my_position_write(&begin, NULL, log->mariadb ? "0-1-1" : "3e11fa47-71ca-11e1-9e33-c80aa9429562:1", &t.stored);
    source_begin(&s, log->flags, 0, &t.stored);
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
            t.altered = false;
            source_end(&s);
            t.told = t.last_told = t.told_stored;
            source_begin(&s, log->flags, t.told, &t.stored);
        } else {
            my_feed_lost(&s.feed);
        }
        i = reconnect(&s, log);
    }
    take_all(&t);
    source_end(&s);
    return t;
}

/* A process that begins with a table as the log tells it refuses what the log does not tell of it; of what comes again
 * because of an XA transaction that may be what was before the table was changed, and what the catalog told then. */
static bool may_end_elsewhere(const struct log *log)
{
    return log->flags & FUZZ_GOES_ON && !(log->flags & FUZZ_TOLD) && log->deaths;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct log log;
    log = (struct log){0};
    if (size < 1 + HEADER)
        return 0;
    log.flags = data[0];
    log.mariadb = data[0] & FUZZ_MARIADB;
    log_read(&log, data + 1, size - 1);
    struct taken plain = run(&log, false);
    if (log.cuts) {
        struct taken again = run(&log, true);
        size_t least = plain.records.len < again.records.len ? plain.records.len : again.records.len;
        HOLDS(may_end_elsewhere(&log) || (plain.result == again.result && plain.records.len == again.records.len));
        HOLDS(plain.result != SC_OK || again.result != SC_OK || plain.records.len == again.records.len);
        HOLDS(!least || memcmp(plain.records.data, again.records.data, least) == 0);
        buf_fini(&again.records);
    }
    buf_fini(&plain.records);
    log_free(&log);
    return 0;
}
