/* First inputs for fuzz_my_groups: the recorded logs, a few groups at a time, with a lost connection or an ended
 * process behind each of their events; and the statement that changes two tables, in a group of its own and in an XA
 * transaction. */
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
    size_t xa_end; /* where that begins in `group`; 0: it has none */
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

static void keep_xa(struct decided *d)
{
    if (d->xa_end && d->has_rows && d->prepares && !d->xa_rest.len) {
        buf_bytes(&d->xa_begin, d->group.data, d->xa_end);
        buf_bytes(&d->xa_rest, d->group.data + d->xa_end, d->group.len - d->xa_end);
    }
    if (d->decides && !d->xa_decision.len)
        move(&d->xa_decision, &d->group);
}

static void group_ended(struct decided *d, bool mariadb)
{
    keep_xa(d);
    if (d->has_copy && d->has_rows && d->has_xid)
        both_tables(d, mariadb);
    buf_clear(&d->both);
    d->has_copy = false;
    d->xa_end = 0;
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
    d->has_copy |= event->kind == MY_EVENT_TABLE_MAP && strcmp(event->table_map.table, "copy") == 0;
    if (event->kind == MY_EVENT_QUERY && event->query.len > 6 && memcmp(event->query.text, "XA END", 6) == 0)
        d->xa_end = start;
    d->prepares |= event->kind == MY_EVENT_XA_PREPARE;
    d->has_rows |= event->kind == MY_EVENT_ROWS;
    d->has_xid |= event->kind == MY_EVENT_XID;
    d->decides |=
        event->kind == MY_EVENT_QUERY && event->query.len > 9 && memcmp(event->query.text, "XA COMMIT", 9) == 0;
}

static void log_file(const char *path, bool mariadb)
{
    struct decided decided = {0};
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
        for (int number = 1; number < 10; number++) {
            char path[512];
            snprintf(path, sizeof(path), "%s/binlog/%s.%d", TEST_DATA_DIR, servers[i], number);
            log_file(path, strncmp(servers[i], "mariadb", 7) == 0);
        }
    }
    return corpus_end();
}
