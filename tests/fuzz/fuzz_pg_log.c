/* PostgreSQL's log as it comes: frames of the stream, each with two bytes of length in front; in them pgoutput's
 * messages, which go into the spool. Where the length is 0 the connection is lost, and the server sends again what
 * stands behind the last whole transaction: what the applier gets must be the same as without that, each change of the
 * same table. */
#include "base/reader.h"
#include "cdc/postgres/feed.h"
#include "cdc/postgres/frame.h"
#include "cdc/postgres/pgoutput.h"
#include "fuzz/fuzz.h"
#include "fuzz/scratch.h"

static const uint32_t tables[] = {0x400b, 0x4017};
#define PREFIX "seachange test"

enum { TABLES = sizeof(tables) / sizeof(tables[0]), MOST_CUTS = 12 };

/* What the applier gets, but for descriptions of the tables: each session begins with them. Instead there is with each
 * change the table that it is of. */
struct taken {
    struct buf records;
    enum sc_result result;
    bool in_transaction;
    uint32_t table; /* of the last description; 0: none yet */
    uint16_t ncolumns;
};

static bool is_of_table(enum change_kind kind)
{
    return kind == CHANGE_INSERT || kind == CHANGE_UPDATE || kind == CHANGE_DELETE || kind == CHANGE_TRUNCATE;
}

static struct spool *spool(void)
{
    static struct spool *one;
    struct sc_error err;
    const struct spool_config config = {.directory = scratch_directory(),
                                        .memory_bytes = 64 << 20,
                                        .block_bytes = 16 << 10,
                                        .segment_bytes = 1 << 20,
                                        .record_bytes = 1 << 20};
    if (!one)
        HOLDS(spool_open(&config, &one, &err) == SC_OK);
    return one;
}

/* Transactions come whole and in order, and every record reads back as it was written. */
static void take_all(struct taken *t)
{
    const void *record;
    size_t len;
    struct sc_error err;
    struct arena arena = {0};
    while (spool_take(spool(), &record, &len, 0, &err) == SC_OK) {
        struct change change;
        struct buf again = {0};
        HOLDS(change_decode(&arena, record, len, &change, &err) == SC_OK);
        change_encode(&again, &change);
        HOLDS(again.len == len && memcmp(again.data, record, len) == 0);
        buf_fini(&again);
        HOLDS(change.kind != CHANGE_BEGIN || !t->in_transaction);
        HOLDS((change.kind == CHANGE_BEGIN || change.kind == CHANGE_RELATION || change.kind == CHANGE_MARKER) ||
              t->in_transaction);
        if (change.kind == CHANGE_BEGIN || change.kind == CHANGE_COMMIT)
            t->in_transaction = change.kind == CHANGE_BEGIN;
        if (change.kind == CHANGE_RELATION) {
            t->table = change.relation.id;
            t->ncolumns = change.relation.ncolumns;
            continue;
        }
        if (is_of_table(change.kind)) {
            HOLDS(t->table && (change.kind == CHANGE_TRUNCATE || change.ncolumns == t->ncolumns));
            buf_u32(&t->records, t->table);
        }
        buf_u32(&t->records, (uint32_t)len);
        buf_bytes(&t->records, record, len);
    }
    arena_fini(&arena);
}

struct session {
    struct pgoutput pgoutput;
    struct feed feed;
    struct arena arena;
};

/* As stream.c does it. *relation: the table that it describes, TABLES: none. */
static enum sc_result take_frame(struct session *s, const uint8_t *data, size_t len, size_t *relation,
                                 struct sc_error *err)
{
    struct frame frame;
    struct pgoutput_message message = {0};
    uint8_t *exact = fuzz_exact(data, len);
    enum sc_result result = frame_read(exact, len, &frame, err);
    *relation = TABLES;
    if (result == SC_OK && frame.kind == FRAME_DATA) {
        HOLDS((const uint8_t *)frame.data + frame.len == exact + len);
        result = pgoutput_decode(&s->pgoutput, &s->arena, frame.data, frame.len, &message, err);
        if (result == SC_OK && message.ours && message.change.kind == CHANGE_RELATION)
            *relation = message.table;
        if (result == SC_OK && message.ours)
            result = feed_take(&s->feed, &message, err);
    }
    /* Idle: the checkpoint moves on (advance_if_idle()). */
    if (result == SC_OK && frame.kind == FRAME_KEEPALIVE && !s->feed.in_transaction && !s->feed.cut &&
        frame.end > s->feed.received.order)
        result = feed_advance(&s->feed, frame.end, err);
    HOLDS(result == SC_OK || (result == SC_FAIL && err->what[0]));
    arena_reset(&s->arena);
    free(exact);
    return result;
}

struct piece {
    const uint8_t *data;
    size_t len; /* 0: a cut */
};

static struct taken run(const struct piece *pieces, size_t count, bool with_cuts)
{
    struct session s = {0};
    struct taken taken = {.result = SC_OK};
    struct sc_error err;
    const struct piece *relation[TABLES] = {0}, *relation_before[TABLES] = {0};
    size_t resume = 0, cuts = 0, described = TABLES;
    pgoutput_init(&s.pgoutput, tables, TABLES, PREFIX);
    feed_init(&s.feed, spool(), TABLES, &(struct position){0}, NULL, NULL);
    for (size_t i = 0; i < count && taken.result == SC_OK; i++) {
        if (pieces[i].len == 0) {
            if (!with_cuts || ++cuts > MOST_CUTS)
                continue;
            feed_lost(&s.feed);
            pgoutput_reset(&s.pgoutput);
            for (size_t t = 0; t < TABLES; t++)
                if (relation_before[t])
                    HOLDS(take_frame(&s, relation_before[t]->data, relation_before[t]->len, &described, &err) == SC_OK);
            for (size_t k = resume; k < i; k++)
                if (pieces[k].len)
                    HOLDS(take_frame(&s, pieces[k].data, pieces[k].len, &described, &err) == SC_OK);
            continue;
        }
        uint64_t transactions = s.feed.received.order;
        bool within = s.feed.in_transaction;
        taken.result = take_frame(&s, pieces[i].data, pieces[i].len, &described, &err);
        if (described < TABLES)
            relation[described] = &pieces[i];
        if ((within && !s.feed.in_transaction) || transactions != s.feed.received.order) {
            resume = i + 1;
            memcpy(relation_before, relation, sizeof(relation));
        }
    }
    take_all(&taken);
    feed_fini(&s.feed);
    pgoutput_fini(&s.pgoutput);
    arena_fini(&s.arena);
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MOST_PIECES = 256 };
    static struct piece pieces[MOST_PIECES];
    size_t count = 0;
    bool cut = false;
    struct reader r = reader_of(data, size);
    while (reader_left(&r) > 0 && count < MOST_PIECES) {
        size_t len = read_u16(&r);
        len = len < reader_left(&r) ? len : reader_left(&r);
        pieces[count++] = (struct piece){(const uint8_t *)read_bytes(&r, len), len};
        cut |= len == 0;
    }
    struct taken plain = run(pieces, count, false);
    if (cut) {
        struct taken resent = run(pieces, count, true);
        HOLDS(plain.result == resent.result && plain.records.len == resent.records.len);
        HOLDS(!plain.records.len || memcmp(plain.records.data, resent.records.data, plain.records.len) == 0);
        buf_fini(&resent.records);
    }
    buf_fini(&plain.records);
    return 0;
}
