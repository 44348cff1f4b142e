/* First inputs for fuzz_my_groups: the recorded logs, a few groups at a time, with a lost connection or an ended
 * process behind each of their events; the statement that changes two tables, in a group of its own and in an XA
 * transaction; and for streams that go on, statements that change a table between rows that the log describes. */
#include "cdc/mysql/event_types.h"
#include "fuzz/corpus.h"
#include "fuzz/my_groups.h"
#include "lib/mysql_log.h"

enum { HEADER = 19, CHECKSUM = 4, GROUPS = 3 };

static void put_length(char *event, size_t len)
{
    for (int i = 0; i < 4; i++)
        event[9 + i] = (char)(len >> 8 * i);
}

static void put_cut(struct buf *b, uint8_t type)
{
    size_t start = b->len;
    for (int i = 0; i < HEADER; i++)
        buf_u8(b, 0);
    b->data[start + 4] = (char)type;
    put_length(b->data + start, HEADER);
}

struct window {
    struct buf plain, lost, died;
};

static void flush(struct window *w, bool mariadb)
{
    struct buf *all[] = {&w->plain, &w->lost, &w->died};
    for (int i = 0; i < 3; i++) {
        if (all[i]->len > 1 && all[i]->len < 4000)
            corpus_add(all[i]);
        buf_clear(all[i]);
        buf_u8(all[i], mariadb);
    }
}

/* What is decided about later: an XA transaction that is prepared, another one, the end of a process, the decision. */
struct decided {
    struct buf prepared, other, decision, group;
    bool prepares, decides, has_rows, has_xid, has_copy;
    /* An XA transaction up to its XA END, that and what follows, and its decision; rows of two tables. */
    struct buf xa_begin, xa_rest, xa_decision, both;
    bool tells_item, tells_blind; /* it has a map with names */
    size_t alter_at, alter_text_at;
    struct going_on *going_on;
    size_t xa_end;                  /* where that begins in `group`; 0: it has none */
    size_t first_map, xa_first_map; /* likewise in `group`; in `xa_begin` */
};

static void move(struct buf *to, const struct buf *from)
{
    buf_clear(to);
    buf_bytes(to, from->data, from->len);
}

/* The rows of two tables, held back, behind each cut; and put at once. */
static void both_tables(struct decided *d, bool mariadb)
{
    for (int i = 0; i < 5 && d->both.len; i++) {
        struct buf b = {0};
        buf_u8(&b, mariadb);
        if (i < 3 && d->xa_decision.len) {
            buf_bytes(&b, d->xa_begin.data, d->xa_begin.len);
            buf_bytes(&b, d->both.data, d->both.len);
            buf_bytes(&b, d->xa_rest.data, d->xa_rest.len);
            buf_bytes(&b, d->other.data, d->other.len);
            if (i)
                put_cut(&b, i == 1 ? FUZZ_LOST : FUZZ_DIED);
            buf_bytes(&b, d->xa_decision.data, d->xa_decision.len);
        } else {
            buf_bytes(&b, d->group.data, d->group.len);
            put_cut(&b, i == 3 ? FUZZ_LOST : FUZZ_DIED);
        }
        corpus_add(&b);
        buf_fini(&b);
    }
}

/* For streams that go on, from all of a server's files: rows with what the log tells of their tables
 * (binlog_row_metadata = FULL), and an ALTER TABLE, whose text is the last of its group. */
struct going_on {
    struct buf item, blind, alter;
    size_t event_at, text_at; /* in `alter` */
    /* For rows of `item` in an XA transaction, and a change of the table before that is decided about. */
    struct buf rows, xa_begin, xa_rest, xa_decision;
};

static void put_alter(struct buf *b, const struct going_on *g, const char *text)
{
    size_t start = b->len;
    buf_bytes(b, g->alter.data, g->text_at);
    buf_str(b, text);
    put_length(b->data + start + g->event_at, b->len - start - g->event_at);
}

/* `at_once`: no other row comes between the change and the decision, and it is the first one. */
static void going_on_xa(const struct going_on *g, uint8_t flags, uint8_t cut, bool at_once)
{
    struct buf b = {0};
    buf_u8(&b, flags);
    if (!(flags & FUZZ_TOLD) && !at_once)
        put_alter(&b, g, "ALTER TABLE item ADD COLUMN extra INT");
    buf_bytes(&b, g->xa_begin.data, g->xa_begin.len);
    buf_bytes(&b, g->rows.data, g->rows.len);
    buf_bytes(&b, g->xa_rest.data, g->xa_rest.len);
    buf_bytes(&b, g->blind.data, g->blind.len);
    put_alter(&b, g, "ALTER TABLE item ADD INDEX (n)");
    if (cut)
        put_cut(&b, cut);
    if (!at_once)
        buf_bytes(&b, g->item.data, g->item.len);
    buf_bytes(&b, g->xa_decision.data, g->xa_decision.len);
    buf_bytes(&b, g->item.data, g->item.len);
    if (cut)
        put_cut(&b, cut);
    corpus_add(&b);
    buf_fini(&b);
}

static void going_on_add(struct going_on *g, bool mariadb)
{
    static const char *const texts[] = {"ALTER TABLE item ADD COLUMN extra INT /* and a comment */",
                                        "ALTER TABLE item MODIFY n INT, DROP COLUMN extra, ALGORITHM=INPLACE",
                                        "ALTER TABLE item CHANGE kind nom TEXT",
                                        "ALTER TABLE item RENAME COLUMN n TO m, ENGINE=InnoDB",
                                        "ALTER TABLE item DROP COLUMN v",
                                        "ALTER TABLE item ADD COLUMN w INT AS (n + 1)",
                                        "ALTER TABLE blind ADD COLUMN w INT",
                                        "CREATE INDEX i ON item (n)",
                                        "TRUNCATE TABLE item"};
    static const uint8_t modes[] = {FUZZ_GOES_ON, FUZZ_GOES_ON | FUZZ_TOLD, FUZZ_GOES_ON | FUZZ_UNNAMED};
    static const uint8_t cuts[] = {0, FUZZ_LOST, FUZZ_DIED};
    for (size_t i = 0; g->alter.len && i < sizeof(texts) / sizeof(texts[0]) * sizeof(modes) * sizeof(cuts); i++) {
        uint8_t cut = cuts[i % sizeof(cuts)], mode = modes[i / sizeof(cuts) % sizeof(modes)];
        struct buf b = {0};
        buf_u8(&b, (uint8_t)(mode | (mariadb ? FUZZ_MARIADB : 0)));
        buf_bytes(&b, g->blind.data, g->blind.len);
        if (mode & FUZZ_TOLD)
            buf_bytes(&b, g->item.data, g->item.len);
        put_alter(&b, g, texts[i / sizeof(cuts) / sizeof(modes)]);
        if (cut)
            put_cut(&b, cut);
        buf_bytes(&b, g->item.data, g->item.len);
        put_alter(&b, g, texts[0]);
        if (cut)
            put_cut(&b, cut);
        buf_bytes(&b, g->item.data, g->item.len);
        buf_bytes(&b, g->blind.data, g->blind.len);
        if (cut)
            put_cut(&b, cut);
        corpus_add(&b);
        buf_fini(&b);
    }
    for (size_t i = 0; g->xa_decision.len && i < 4 * sizeof(cuts); i++)
        going_on_xa(g, (uint8_t)(modes[i / sizeof(cuts) % 2] | (mariadb ? FUZZ_MARIADB : 0)), cuts[i % sizeof(cuts)],
                    i < 2 * sizeof(cuts));
    struct buf *all[] = {&g->item, &g->blind, &g->alter, &g->rows, &g->xa_begin, &g->xa_rest, &g->xa_decision};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        buf_fini(all[i]);
}

static void keep_xa(struct decided *d)
{
    if (d->xa_end && d->has_rows && d->prepares && !d->xa_rest.len) {
        buf_bytes(&d->xa_begin, d->group.data, d->xa_end);
        d->xa_first_map = d->first_map;
        buf_bytes(&d->xa_rest, d->group.data + d->xa_end, d->group.len - d->xa_end);
    }
    if (d->decides && !d->xa_decision.len)
        move(&d->xa_decision, &d->group);
}

static void keep_going_on(struct decided *d)
{
    struct going_on *g = d->going_on;
    if (d->tells_item && d->has_rows && d->has_xid) {
        move(&g->item, &d->group);
        move(&g->rows, &d->both);
    }
    if (d->xa_begin.len && d->xa_decision.len && !g->xa_begin.len) {
        buf_bytes(&g->xa_begin, d->xa_begin.data, d->xa_first_map);
        move(&g->xa_rest, &d->xa_rest);
        move(&g->xa_decision, &d->xa_decision);
    }
    if (d->tells_blind && d->has_rows && d->has_xid)
        move(&g->blind, &d->group);
    if (d->alter_text_at && !g->alter.len) {
        move(&g->alter, &d->group);
        g->event_at = d->alter_at;
        g->text_at = d->alter_text_at;
    }
    d->tells_item = d->tells_blind = false;
    d->alter_text_at = 0;
}

static void group_ended(struct decided *d, bool mariadb)
{
    keep_xa(d);
    keep_going_on(d);
    if (d->has_copy && d->has_rows && d->has_xid)
        both_tables(d, mariadb);
    buf_clear(&d->both);
    d->has_copy = false;
    d->xa_end = d->first_map = 0;
    if (d->prepares && d->has_rows)
        move(&d->prepared, &d->group);
    else if (d->decides)
        move(&d->decision, &d->group);
    else if (d->has_rows && d->has_xid && !d->other.len)
        move(&d->other, &d->group);
    if (d->decides && d->prepared.len && d->other.len) {
        for (int i = 0; i < 2; i++) {
            struct buf b = {0};
            buf_u8(&b, mariadb);
            buf_bytes(&b, d->prepared.data, d->prepared.len);
            buf_bytes(&b, d->other.data, d->other.len);
            put_cut(&b, i ? FUZZ_LOST : FUZZ_DIED);
            buf_bytes(&b, d->decision.data, d->decision.len);
            corpus_add(&b);
            buf_fini(&b);
        }
        buf_clear(&d->prepared);
    }
    buf_clear(&d->group);
    d->prepares = d->decides = d->has_rows = d->has_xid = false;
}

static void take_into_group(struct decided *d, const struct my_event *event, const char *data, size_t len)
{
    size_t start = d->group.len;
    buf_bytes(&d->group, data, len);
    put_length(d->group.data + start, len);
    if (event->kind == MY_EVENT_TABLE_MAP || event->kind == MY_EVENT_ROWS)
        buf_bytes(&d->both, d->group.data + start, len);
    if (event->kind == MY_EVENT_TABLE_MAP && !d->first_map)
        d->first_map = start;
    d->has_copy |= event->kind == MY_EVENT_TABLE_MAP && strcmp(event->table_map.table, "copy") == 0;
    if (event->kind == MY_EVENT_TABLE_MAP && event->table_map.names) {
        d->tells_item |= strcmp(event->table_map.table, "item") == 0;
        d->tells_blind |= strcmp(event->table_map.table, "blind") == 0;
    }
    bool plain = event->kind == MY_EVENT_QUERY && event->type == MY_TYPE_QUERY; /* not compressed */
    if (plain && event->query.len > 11 && memcmp(event->query.text, "ALTER TABLE", 11) == 0) {
        d->alter_at = start;
        d->alter_text_at = start + (size_t)(event->query.text - data);
    }
    if (event->kind == MY_EVENT_QUERY && event->query.len > 6 && memcmp(event->query.text, "XA END", 6) == 0)
        d->xa_end = start;
    d->prepares |= event->kind == MY_EVENT_XA_PREPARE;
    d->has_rows |= event->kind == MY_EVENT_ROWS;
    d->has_xid |= event->kind == MY_EVENT_XID;
    d->decides |=
        event->kind == MY_EVENT_QUERY && event->query.len > 9 && memcmp(event->query.text, "XA COMMIT", 9) == 0;
}

static void log_file(const char *path, bool mariadb, struct going_on *going_on)
{
    struct decided decided = {.going_on = going_on};
    size_t len;
    char *data = log_file_read(path, &len);
    if (!data)
        return;
    struct my_decoder d;
    struct arena arena = {0};
    struct window w = {0};
    my_decoder_init(&d, mariadb);
    flush(&w, mariadb);
    int groups = 0;
    for (size_t at = 4, n = 0; at + HEADER <= len; n++) {
        struct my_event event;
        struct sc_error err;
        struct reader r = reader_of(data + at + 9, 4);
        size_t size = read_u32_le(&r), sum;
        arena_reset(&arena);
        if (size > len - at || my_event_decode(&d, &arena, data + at, size, &event, &err) != SC_OK)
            break;
        sum = d.checksum == MY_CHECKSUM_CRC32 ? CHECKSUM : 0;
        if (event.kind == MY_EVENT_GTID)
            group_ended(&decided, mariadb);
        if (event.kind != MY_EVENT_FORMAT && event.kind != MY_EVENT_ROTATE)
            take_into_group(&decided, &event, data + at, size - sum);
        if (event.kind == MY_EVENT_GTID && ++groups % GROUPS == 0)
            flush(&w, mariadb);
        struct buf *all[] = {&w.plain, &w.lost, &w.died};
        for (int i = 0; i < 3 && event.kind != MY_EVENT_FORMAT && event.kind != MY_EVENT_ROTATE; i++) {
            size_t start = all[i]->len;
            buf_bytes(all[i], data + at, size - sum);
            put_length(all[i]->data + start, size - sum);
            if (i > 0 && n % 2)
                put_cut(all[i], i == 1 ? FUZZ_LOST : FUZZ_DIED);
        }
        at += size;
    }
    flush(&w, mariadb);
    group_ended(&decided, mariadb);
    buf_fini(&decided.prepared);
    buf_fini(&decided.other);
    buf_fini(&decided.decision);
    buf_fini(&decided.group);
    buf_fini(&decided.xa_begin);
    buf_fini(&decided.xa_rest);
    buf_fini(&decided.xa_decision);
    buf_fini(&decided.both);
    buf_fini(&w.plain);
    buf_fini(&w.lost);
    buf_fini(&w.died);
    arena_fini(&arena);
    mem_free(data);
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    static const char *const servers[] = {"mysql-9", "mariadb-10", "mariadb-11"};
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        struct going_on going_on = {0};
        bool mariadb = strncmp(servers[i], "mariadb", 7) == 0;
        for (int number = 1; number < 10; number++) {
            char path[512];
            snprintf(path, sizeof(path), "%s/binlog/%s.%d", TEST_DATA_DIR, servers[i], number);
            log_file(path, mariadb, &going_on);
        }
        if (!going_on.item.len || !going_on.blind.len || !going_on.alter.len || !going_on.xa_decision.len) {
            fprintf(stderr, "the recorded logs of %s lack what a stream goes on over\n", servers[i]);
            exit(1);
        }
        going_on_add(&going_on, mariadb);
    }
    return corpus_end();
}
