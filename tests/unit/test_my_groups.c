/* The reader of the binary log over several tables: groups made by hand, event by event, as a server writes them; and
 * that wherever the connection is lost or the process ends, each change is handed on once, and as its table's. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cdc/mysql/position_text.h"
#include "cdc/mysql/stream.h"

/* --- the log ---
 *
 * An event is written as a word:
 *   G  GTID      B  BEGIN      X  XID (COMMIT)
 *   ma     TABLE_MAP of table "a"; "mA" is another one where names are compared with their case
 *   na ra  the same with the names of its columns (binlog_row_metadata = FULL), and with other ones
 *   +a1    an inserted row of "a", its columns all 1; ~a1 updated from 1 to 2; -a1 deleted. With "." behind: the last
 *          event of its statement
 *   Q...   a statement, blanks written as "_"
 *   S1 E1 P1 C1 R1   XA START, XA END, the XA_PREPARE event, XA COMMIT, XA ROLLBACK; O1: committed in one phase
 *   M...   a row of the markers' table, with its TABLE_MAP before it as "mm" */

enum { EVENT_BYTES = 100, MOST_EVENTS = 64, MOST_COLUMNS = 3 };

/* A table has as many columns as its letter says, so that a row behind a wrong RELATION shows. "o" is not ours. */
static const struct source_column columns[MOST_COLUMNS] = {
    {.name = "x", .type = "int"}, {.name = "y", .type = "int"}, {.name = "z", .type = "int"}};
static const struct source_table tables[] = {
    {.schema = "shop", .name = "b", .columns = columns, .ncolumns = 2},
    {.schema = "shop", .name = "a", .columns = columns, .ncolumns = 1},
    {.schema = "shop", .name = "c", .columns = columns, .ncolumns = 3},
};
enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

struct world {
    char directory[64];
    struct spool *spool;
    struct source source;
    struct buf story;
    size_t whole; /* of it, up to the last commit */
    struct position stored;
    char table[8]; /* of the last RELATION */
    uint16_t ncolumns;
    int relations;
    bool goes_on, now_named;       /* config.goes_on; what the server has set */
    const char *told;              /* what the log calls the first column, or NULL: the catalog counts */
    bool altered[3], settled[3];   /* of each table: as the consumer has heard, and with its stored place */
    struct source_table tables[3]; /* with what is stored */
};

static struct world as; /* goes_on and now_named of those that are made */

static uint16_t columns_of(char table)
{
    table = (char)tolower(table);
    return table == 'm' || table == 'o' ? 2 : (uint16_t)(table - 'a' + 1);
}

static void put_image(struct buf *b, uint16_t ncolumns, char digit)
{
    buf_u8(b, 0); /* none is NULL */
    for (uint16_t i = 0; i < ncolumns; i++) {
        buf_u8(b, (uint8_t)(digit - '0'));
        buf_bytes(b, "\0\0\0", 3);
    }
}

/* Text of up to 255 bytes, behind its length in two or one byte, as the map says. */
static void put_marker(struct buf *b, const char *text)
{
    buf_u8(b, 0);
    buf_u8(b, 4);
    buf_str(b, "test");
    buf_u8(b, (uint8_t)strlen(text));
    buf_u8(b, 0);
    buf_str(b, text);
}

static enum sc_result take_event(struct source *s, struct my_event *event, struct sc_error *err)
{
    enum sc_result result = my_group_take(s, event, false, err);
    arena_reset(&s->arena);
    return result;
}

static enum sc_result take_query(struct source *s, const char *text, struct sc_error *err)
{
    struct my_event event = {.kind = MY_EVENT_QUERY,
                             .query = {.schema = "shop", .text = text, .len = strlen(text), .charset = 45}};
    return take_event(s, &event, err);
}

static const char *names[MOST_COLUMNS] = {"x", "y", "z"}, *other_names[MOST_COLUMNS] = {"p", "q", "r"};

static enum sc_result take_map(struct source *s, char table, const char **named, struct sc_error *err)
{
    static const uint8_t ints[MOST_COLUMNS] = {3, 3, 3}, texts[2] = {15, 15}, nullable = 0, all_signed = 0;
    static const uint16_t none[MOST_COLUMNS] = {0}, sizes[2] = {64, 1020};
    const char name[] = {table, 0};
    bool marker = table == 'm';
    struct my_event event = {.kind = MY_EVENT_TABLE_MAP,
                             .table_map = {.table_id = (uint64_t)table,
                                           .schema = "shop",
                                           .table = marker ? MY_MARKER_TABLE : name,
                                           .ncolumns = columns_of(table),
                                           .types = marker ? texts : ints,
                                           .metadata = marker ? sizes : none,
                                           .nullable = &nullable}};
    if (named) {
        event.table_map.names = named;
        event.table_map.unsigned_bits = &all_signed;
        event.table_map.unsigned_len = 1;
        event.table_map.primary = (struct my_map_field){&nullable, 1};
    }
    return take_event(s, &event, err);
}

static enum sc_result take_rows(struct source *s, const char *word, struct sc_error *err)
{
    static const uint8_t all = 0xff;
    char op = word[0], table = op == 'M' ? 'm' : word[1];
    struct buf rows = {0};
    if (op == 'M')
        put_marker(&rows, word + 1);
    else
        put_image(&rows, columns_of(table), word[2]);
    if (op == '~')
        put_image(&rows, columns_of(table), (char)(word[2] + 1));
    struct my_event event = {.kind = MY_EVENT_ROWS,
                             .rows = {.op = op == '~'   ? MY_ROWS_UPDATE
                                            : op == '-' ? MY_ROWS_DELETE
                                                        : MY_ROWS_INSERT,
                                      .table_id = (uint64_t)table,
                                      .end_of_statement = word[strlen(word) - 1] == '.',
                                      .ncolumns = columns_of(table),
                                      .before = op == '~' || op == '-' ? &all : NULL,
                                      .after = op != '-' ? &all : NULL,
                                      .rows = (const uint8_t *)rows.data,
                                      .rows_len = rows.len}};
    enum sc_result result = take_event(s, &event, err);
    buf_fini(&rows);
    return result;
}

static enum sc_result take_xa(struct source *s, char what, const char *number, struct sc_error *err)
{
    struct my_event event = {.kind = MY_EVENT_XA_PREPARE,
                             .xa = {.one_phase = what == 'O', .format = 1, .gtrid_len = 1, .data = number}};
    if (what == 'P' || what == 'O')
        return take_event(s, &event, err);
    char text[64];
    snprintf(text, sizeof(text), "XA %s X'%02x',X'',1",
             what == 'S'   ? "START"
             : what == 'E' ? "END"
             : what == 'C' ? "COMMIT"
                           : "ROLLBACK",
             (unsigned)number[0]);
    return take_query(s, text, err);
}

static enum sc_result take_word(struct source *s, const char *word, struct sc_error *err)
{
    struct my_event event = {0};
    char text[100];
    s->began = s->at;
    s->at.offset += EVENT_BYTES;
    switch (word[0]) {
    case 'G':
        event = (struct my_event){.kind = MY_EVENT_GTID, .gtid = {.anonymous = true}};
        return take_event(s, &event, err);
    case 'B':
        return take_query(s, "BEGIN", err);
    case 'X':
        event = (struct my_event){.kind = MY_EVENT_XID};
        return take_event(s, &event, err);
    case 'm':
        return take_map(s, word[1], NULL, err);
    case 'n':
    case 'r':
        return take_map(s, word[1], word[0] == 'n' ? names : other_names, err);
    case 'Q':
        snprintf(text, sizeof(text), "%s", word + 1);
        for (char *c = text; *c; c++)
            *c = *c == '_' ? ' ' : *c;
        return take_query(s, text, err);
    case 'S':
    case 'E':
    case 'P':
    case 'C':
    case 'R':
    case 'O':
        return take_xa(s, word[0], word + 1, err);
    default:
        return take_rows(s, word, err);
    }
}

/* --- the reader --- */

/* As source.c and connect.c make it. */
static void source_begin(struct world *w, const struct position *from)
{
    struct sc_error err;
    struct source *s = &w->source;
    struct my_log_position at;
    char *gtids = NULL;
    *s = (struct source){.spool = w->spool};
    static const struct source_untold untold[] = {{"g", "virtual"}};
    static const char *const kept[] = {"email"}, *const ruled[] = {"email", "ssn"};
    for (int i = 0; i < TABLES; i++) {
        w->tables[i] = tables[i];
        w->tables[i].told = w->altered[i] = w->settled[i];
        w->tables[i].untold = untold;
        w->tables[i].kept = kept;
        w->tables[i].ruled = ruled;
        w->tables[i].nruled = 2;
        w->tables[i].nuntold = w->tables[i].nkept = 1;
    }
    s->config.tables = w->tables;
    s->config.ntables = TABLES;
    s->config.goes_on = w->goes_on;
    s->named = w->now_named;
    s->config.marker_schema = "shop";
    s->config.message_prefix = "test";
    my_tables_init(s);
    assert_int_equal(my_position_read(from, &at, &s->resume, &gtids, &err), SC_OK);
    mem_free(gtids);
    my_feed_init(&s->feed, w->spool, TABLES, from, NULL, NULL);
    s->at = s->resume;
}

static void source_end(struct world *w)
{
    my_feed_fini(&w->source.feed);
    my_xa_fini(&w->source.xa);
    my_tables_fini(&w->source);
    arena_fini(&w->source.arena);
}

static void set_up(struct world *w)
{
    struct sc_error err;
    struct my_log_position begin = {.file = "binlog.000001", .number = 1, .offset = EVENT_BYTES};
    *w = (struct world){.goes_on = as.goes_on, .now_named = as.now_named};
    snprintf(w->directory, sizeof(w->directory), "/tmp/seachange-groups-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    const struct spool_config config = {.directory = w->directory,
                                        .memory_bytes = 1 << 20,
                                        .block_bytes = 1 << 16,
                                        .segment_bytes = 1 << 20,
                                        .record_bytes = 1 << 20};
    assert_int_equal(spool_open(&config, &w->spool, &err), SC_OK);
    my_position_write(&begin, NULL, NULL, &w->stored);
    source_begin(w, &w->stored);
}

static void tear_down(struct world *w)
{
    source_end(w);
    spool_close(w->spool);
    rmdir(w->directory);
    buf_fini(&w->story);
}

static char digit_of(const struct world *w, const struct value *row, uint16_t ncolumns)
{
    for (uint16_t i = 0; i < ncolumns; i++)
        if (ncolumns != w->ncolumns || row[i].state != VALUE_PRESENT || row[i].len != 1 ||
            row[i].data[0] != row[0].data[0])
            fail_msg("a row of %u columns came behind the RELATION of %s", ncolumns, w->table);
    return row[0].data[0];
}

/* What the consumer makes of what is in the spool: "[+a1 ~b1] <marker>". */
static void take_story(struct world *w)
{
    struct sc_error err;
    struct arena arena = {0};
    const void *record;
    size_t len;
    while (spool_take(w->spool, &record, &len, 0, &err) == SC_OK) {
        struct change c;
        assert_int_equal(change_decode(&arena, record, len, &c, &err), SC_OK);
        if (c.kind != CHANGE_RELATION && c.kind != CHANGE_COMMIT && w->story.len &&
            w->story.data[w->story.len - 1] != '[')
            buf_char(&w->story, ' ');
        if (c.kind == CHANGE_RELATION) {
            assert_string_equal(c.relation.schema, "shop");
            snprintf(w->table, sizeof(w->table), "%s", c.relation.name);
            w->relations++;
            int number = w->table[0] == 'a' ? 1 : w->table[0] == 'b' ? 0 : 2; /* as in `tables` */
            w->altered[number] |= c.relation.altered;
            w->ncolumns = c.relation.ncolumns;
            w->told = NULL;
            if (c.relation.altered)
                continue;
            assert_int_equal(w->ncolumns, columns_of(w->table[0]));
            assert_true(!c.relation.told || w->altered[number]);
            for (uint16_t i = 0; i < w->ncolumns; i++)
                if (c.relation.told)
                    assert_string_equal(c.relation.columns[i].told_type, "int");
                else
                    assert_string_equal(c.relation.columns[i].name, columns[i].name);
            if (c.relation.told)
                w->told = *c.relation.columns[0].name == 'x' ? "x" : "p";
        } else if (c.kind == CHANGE_BEGIN) {
            buf_char(&w->story, '[');
        } else if (c.kind == CHANGE_COMMIT) {
            buf_char(&w->story, ']');
            w->stored = c.position;
            memcpy(w->settled, w->altered, sizeof(w->settled));
        } else if (c.kind == CHANGE_MARKER) {
            buf_printf(&w->story, "<%s>", c.marker);
        } else if (c.kind == CHANGE_TRUNCATE) {
            buf_printf(&w->story, "T%s", w->table);
        } else {
            buf_printf(&w->story, "%c%s%c",
                       c.kind == CHANGE_INSERT   ? '+'
                       : c.kind == CHANGE_UPDATE ? '~'
                                                 : '-',
                       w->table, digit_of(w, c.old_row ? c.old_row : c.new_row, c.ncolumns));
            buf_str(&w->story, w->told ? w->told : "");
            if (c.kind == CHANGE_UPDATE)
                assert_int_equal(digit_of(w, c.new_row, c.ncolumns), c.old_row[0].data[0] + 1);
        }
        if (c.kind == CHANGE_COMMIT || c.kind == CHANGE_MARKER)
            w->whole = w->story.len;
    }
    arena_fini(&arena);
}

/* --- a log is played --- */

struct script {
    char text[600];
    const char *words[MOST_EVENTS];
    int count;
};

static struct script *script_of(const char *text)
{
    static struct script s;
    s.count = 0;
    snprintf(s.text, sizeof(s.text), "%s", text);
    for (char *word = strtok(s.text, " "); word; word = strtok(NULL, " ")) {
        assert_true(s.count < MOST_EVENTS);
        s.words[s.count++] = word;
    }
    return &s;
}

/* From the event that stands where reading is resumed. */
static enum sc_result play(struct world *w, const struct script *script, int to, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (int i = (int)(w->source.at.offset / EVENT_BYTES) - 1; i < to && result == SC_OK; i++)
        result = take_word(&w->source, script->words[i], err);
    return result;
}

static void must_play(struct world *w, const struct script *script, int to)
{
    struct sc_error err;
    if (play(w, script, to, &err) != SC_OK)
        fail_msg("%s", err.what);
}

/* As my_stream_open() does it behind my_stream_close(). */
static void lose(struct world *w)
{
    struct source *s = &w->source;
    my_feed_lost(&s->feed);
    s->at = s->resume;
    my_tables_forget(s);
    s->group = MY_GROUP_NONE;
    s->has_gtid = false;
}

/* The process ends; another one goes on from what the consumer stored. */
static void die(struct world *w)
{
    take_story(w);
    w->story.len = w->whole;
    w->table[0] = 0;
    w->ncolumns = 0;
    w->told = NULL;
    source_end(w);
    source_begin(w, &w->stored);
}

static void assert_story(struct world *w, const char *expected)
{
    take_story(w);
    if (strcmp(buf_cstr(&w->story), expected) != 0)
        fail_msg("\"%s\" came, \"%s\" was due", buf_cstr(&w->story), expected);
}

static void assert_read(const char *log, const char *expected)
{
    struct world w;
    set_up(&w);
    const struct script *script = script_of(log);
    must_play(&w, script, script->count);
    assert_story(&w, expected);
    tear_down(&w);
}

/* Lost, or ended, behind each event; and once more behind each one while it comes again. */
static void assert_read_however_cut(const char *log, const char *expected)
{
    assert_read(log, expected);
    const struct script *script = script_of(log);
    void (*const faults[])(struct world * w) = {lose, die};
    for (int kinds = 0; kinds < 4; kinds++)
        for (int first = 0; first <= script->count; first++)
            for (int second = 0; second <= script->count; second++) {
                struct world w;
                set_up(&w);
                must_play(&w, script, first);
                faults[kinds & 1](&w);
                must_play(&w, script, second);
                faults[kinds >> 1](&w);
                must_play(&w, script, script->count);
                assert_story(&w, expected);
                tear_down(&w);
            }
}

static void assert_refused(const char *log, const char *reason)
{
    struct world w;
    struct sc_error err = {0};
    set_up(&w);
    const struct script *script = script_of(log);
    assert_int_equal(play(&w, script, script->count, &err), SC_FAIL);
    if (!strstr(err.what, reason))
        fail_msg("expected \"%s\" in \"%s\"", reason, err.what);
    tear_down(&w);
}

static void tables_by_turns_are_told_apart(void **state)
{
    (void)state;
    assert_read_however_cut("G B ma +a1. mb +b1. ma +a2. mb ~b3. ma -a4. X", "[+a1 +b1 +a2 ~b3 -a4]");
    assert_read_however_cut("G B ma +a1. mc +c1. mo +o1. mb +b1. mc +c2. mo +o2. ma +a2. X", "[+a1 +c1 +b1 +c2 +a2]");
    assert_read_however_cut("G B ma +a1. X G B mb +b1. X G B mo +o1. X G B ma +a2. X", "[+a1] [+b1] [+a2]");
}

static void a_statement_can_change_several_tables(void **state)
{
    (void)state;
    assert_read_however_cut("G B ma mb ~a1 ~b1. X", "[~a1 ~b1]");
    assert_read_however_cut("G B ma mo mb mc ~c1 ~a1 ~o1 ~b1 ~c3 ~a3. ma +a5. X", "[~c1 ~a1 ~b1 ~c3 ~a3 +a5]");
}

static void numbers_of_tables_hold_until_the_statement_s_end(void **state)
{
    (void)state;
    assert_refused("G B ma mb +a1. +b1 X", "did not describe");
    assert_refused("G B ma +b1 X", "did not describe");
}

/* In no log that a server writes: a group that is passed over until it turns out to be an XA transaction. */
static void rows_behind_a_description_that_was_passed_over_are_refused(void **state)
{
    (void)state;
    struct world w;
    struct sc_error err = {0};
    set_up(&w);
    const struct script *script = script_of("G S1 ma +a1. E1 P1 G B mb S2 +b2. X G B ma +a9. X");
    must_play(&w, script, script->count);
    die(&w);
    assert_string_equal(buf_cstr(&w.story), "[+a9]");
    assert_int_equal(play(&w, script, script->count, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "did not describe"));
    tear_down(&w);
}

static void an_xa_transaction_keeps_which_table_each_row_is_of(void **state)
{
    (void)state;
    assert_read_however_cut("G S1 ma +a1. mb +b1. ma +a2. E1 P1 G B mc +c1. X G C1", "[+c1] [+a1 +b1 +a2]");
    assert_read_however_cut("G S1 ma mb ~b1 ~a1. E1 P1 G S2 mc +c1. ma +a5. E2 P2 G C2 G B mb +b5. X G C1",
                            "[+c1 +a5] [+b5] [~b1 ~a1]");
    assert_read_however_cut("G S1 ma +a1. mb +b1. E1 O1 G B ma +a2. X", "[+a1 +b1] [+a2]");
    assert_read_however_cut("G S1 ma +a1. mb +b1. E1 P1 G B mb +b2. X G R1 G B ma +a2. X", "[+b2] [+a2]");
}

static void a_truncate_is_of_the_table_it_names(void **state)
{
    (void)state;
    assert_read_however_cut("G B ma +a1. mb +b1. X G QTRUNCATE_TABLE_a G QTRUNCATE_b G B mb +b2. X",
                            "[+a1 +b1] [Ta] [Tb] [+b2]");
    assert_read_however_cut("G QTRUNCATE_TABLE_c G QTRUNCATE_TABLE_o G QTRUNCATE_TABLE_a G B mc +c1. ma +a1. X",
                            "[Tc] [Ta] [+c1 +a1]");
}

static void statements_stop_it_whichever_table_they_touch(void **state)
{
    (void)state;
    assert_refused("G B ma +a1. X G QALTER_TABLE_b_ADD_x_INT", "touches or may touch table shop.b");
    assert_refused("G B mb +b1. X G QDROP_TABLE_o,_c", "touches or may touch table shop.c");
    assert_refused("G QRENAME_TABLE_o_TO_a", "touches or may touch table shop.a");
    assert_read("G QALTER_TABLE_o_ADD_x_INT G B ma +a1. X", "[+a1]");
    assert_refused("G B mb +b1. ma +a1. QROLLBACK_TO_s X", "changes table shop.a");
    assert_refused("G B ma +a1. mb +b1. QROLLBACK_TO_s X", "changes table shop.b");
}

static struct world going_on(void)
{
    return (struct world){.goes_on = true, .now_named = true};
}

/* From the change on, a table is what the log says of it; whatever is lost, and wherever the process ends. */
static void it_goes_on_over_a_change_where_the_log_names_columns(void **state)
{
    (void)state;
    as = going_on();
    assert_read_however_cut("G B na +a1. X G QALTER_TABLE_a_ADD_y_INT G B ra +a2. nb +b1. X", "[+a1] [+a2p +b1]");
    assert_read_however_cut("G QCREATE_INDEX_i_ON_a_(x) G B nb +b1. X G B na ~a1. X G B na ~a2. X",
                            "[+b1] [~a1x] [~a2x]");
    assert_read_however_cut(
        "G QALTER_TABLE_a_ADD_y_INT G B na +a1. X G QALTER_TABLE_a_CHANGE_x_p_INT G B nb +b1. X G B "
        "ra +a2. nb +b2. ra +a3. X",
        "[+a1x] [+b1] [+a2p +b2 +a3p]");
    assert_read_however_cut("G B nb +b1. X G QALTER_TABLE_a_ADD_y_INT G QTRUNCATE_a G B ra +a1. X",
                            "[+b1] [Ta] [+a1p]");
    as = (struct world){0};
}

/* In no log that a server writes, as who has prepared keeps others from changing the table. */
static void a_prepared_transaction_keeps_the_form_it_had(void **state)
{
    (void)state;
    as = going_on();
    assert_read("G S1 na +a1. nb +b1. E1 P1 G QALTER_TABLE_a_ADD_y_INT G B ra +a2. X G C1 G B ra +a3. X",
                "[+a2p] [+a1 +b1] [+a3p]");
    assert_read_however_cut("G QALTER_TABLE_a_ADD_y_INT G S1 na +a1. nb +b1. na -a4. E1 P1 G QALTER_TABLE_a_DROP_y G B "
                            "ra +a2. X G C1 G B ra +a3. X",
                            "[+a2p] [+a1x +b1 -a4x] [+a3p]");
    as = (struct world){0};
}

static void a_description_is_held_once_for_all_rows_behind_it(void **state)
{
    (void)state;
    struct my_xa xa = {0};
    struct buf one = {0}, other = {0};
    struct sc_error err;
    struct my_log_position at = {.file = "binlog.000001", .number = 1, .offset = 4};
    buf_str(&one, "one");
    buf_str(&other, "other");
    my_xa_begin(&xa, &at);
    assert_int_equal(my_xa_hold_description(&xa, 1, &one, &err), SC_OK);
    size_t bytes = xa.bytes;
    assert_true(bytes > 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(my_xa_hold_description(&xa, 1, &one, &err), SC_OK);
    assert_int_equal(xa.bytes, bytes);
    assert_int_equal(my_xa_hold_description(&xa, 0, &one, &err), SC_OK); /* another table */
    assert_int_equal(xa.bytes, 2 * bytes);
    assert_int_equal(my_xa_hold_description(&xa, 1, &other, &err), SC_OK);
    assert_int_equal(my_xa_hold_description(&xa, 1, &one, &err), SC_OK);
    assert_int_equal(my_xa_hold_description(&xa, 0, &one, &err), SC_OK);
    assert_int_equal(xa.bytes, 4 * bytes + 2);
    my_xa_begin(&xa, &at); /* in the next transaction anew */
    assert_int_equal(my_xa_hold_description(&xa, 1, &one, &err), SC_OK);
    assert_int_equal(xa.bytes, bytes);
    /* There is a limit to it. */
    enum sc_result result = SC_OK;
    char large[1 << 16];
    memset(large, 'x', sizeof(large));
    for (int i = 0; i < 10000 && result == SC_OK; i++) {
        buf_clear(&other);
        buf_printf(&other, "%d", i);
        buf_bytes(&other, large, sizeof(large));
        result = my_xa_hold_description(&xa, 1, &other, &err);
    }
    assert_int_equal(result, SC_FAIL);
    assert_true(xa.bytes < (size_t)300 << 20);
    my_xa_fini(&xa);
    buf_fini(&one);
    buf_fini(&other);
}

static void what_it_cannot_go_on_over_is_where_it_ends(void **state)
{
    (void)state;
    as = going_on();
    /* What the server has set now counts, whatever older maps are. */
    assert_read("G B ma +a1. mb +b1. X G QALTER_TABLE_a_ADD_y_INT G B ra +a2. X", "[+a1 +b1] [+a2p]");
    assert_refused("G QALTER_TABLE_a_ADD_y_INT G B ma +a1. X", "does not say what its columns are");
    assert_refused("G B na +a1. QALTER_TABLE_a_ADD_y_INT X", "touches or may touch");
    assert_refused("G QALTER_TABLE_a_RENAME_TO_o", "touches or may touch");
    assert_refused("G QRENAME_TABLE_a_TO_o", "touches or may touch");
    assert_refused("G QDROP_TABLE_a", "touches or may touch");
    assert_refused("G QALTER_TABLE_a_ADD_g2_INT_AS_(x)", "may add a column of a kind");
    assert_refused("G QALTER_TABLE_a_DROP_COLUMN_`G`", "may change a column of a kind");
    assert_refused("G QALTER_TABLE_a_CHANGE_eMail_y_INT", "--audit-columns names");
    assert_refused("G QALTER_TABLE_a_RENAME_COLUMN_email_TO_y", "--audit-columns names");
    assert_refused("G QALTER_TABLE_a_RENAME_COLUMN_y_TO_SSN", "--audit-columns names");     /* which it has not */
    assert_refused("G QALTER_TABLE_a_RENAME_COLUMN_y_TO_\xc3\xa9", "touches or may touch"); /* what is this to them? */
    assert_read("G QALTER_TABLE_a_ADD_INDEX_(g) G QALTER_TABLE_a_MODIFY_email_TEXT G B na +a1. X", "[+a1x]");
    as.now_named = false;
    assert_refused("G QALTER_TABLE_a_ADD_y_INT", "binlog_row_metadata is not FULL");
    as = (struct world){0};
    assert_refused("G B na +a1. X G QALTER_TABLE_a_ADD_y_INT", "touches or may touch table shop.a");
}

static void markers_are_read_whatever_the_tables(void **state)
{
    (void)state;
    assert_read("G B mm Mtest!one. X", "");
    struct world w;
    set_up(&w);
    const struct script *script = script_of("G B ma +a1. mm Mtest*one. mb +b1. X G B ma +a2. X");
    for (char *c = strchr(script->words[5], '*'); c; c = strchr(c, '*'))
        *c = ' '; /* words have none */
    must_play(&w, script, script->count);
    assert_story(&w, "[+a1 +b1] <one.> [+a2]");
    tear_down(&w);
    /* No schema of markers: it is a table like others. */
    set_up(&w);
    w.source.config.marker_schema = NULL;
    must_play(&w, script, script->count);
    assert_story(&w, "[+a1 +b1] [+a2]");
    tear_down(&w);
}

static void names_are_compared_as_the_server_does(void **state)
{
    (void)state;
    assert_read("G B mA +A1. mb +b1. X", "[+b1]");
    struct world w;
    set_up(&w);
    w.source.server.lower_case_table_names = 1;
    const struct script *script = script_of("G B mA +A1. mB +B1. mC +C1. mO +O1. ma +a2. X");
    must_play(&w, script, script->count);
    assert_story(&w, "[+a1 +b1 +c1 +a2]");
    tear_down(&w);
}

static void tables_of_one_name_in_two_schemas_and_in_two_cases_are_found(void **state)
{
    (void)state;
    static const struct source_table many[] = {
        {.schema = "b", .name = "t"},  {.schema = "a", .name = "t"}, {.schema = "A", .name = "T"},
        {.schema = "a", .name = "T"},  {.schema = "a", .name = "s"}, {.schema = "ab", .name = "a"},
        {.schema = "aB", .name = "a"},
    };
    enum { MANY = sizeof(many) / sizeof(many[0]) };
    static const uint8_t nullable = 0, type = 3;
    static const uint16_t metadata = 0;
    struct source s = {.config = {.tables = many, .ntables = MANY, .message_prefix = "test"}};
    my_tables_init(&s);
    struct sc_error err;
    s.feed.passing = true; /* so that nothing but the name is looked at */
    for (size_t i = 0; i < MANY; i++) {
        struct my_table_map map = {.table_id = i,
                                   .schema = many[i].schema,
                                   .table = many[i].name,
                                   .ncolumns = 1,
                                   .types = &type,
                                   .metadata = &metadata,
                                   .nullable = &nullable};
        assert_int_equal(my_table_mapped(&s, &map, &err), SC_OK);
        assert_non_null(s.mapped[i].table);
        assert_ptr_equal(s.mapped[i].table->source, &many[i]);
    }
    static const char *const others[][2] = {{"a", "u"}, {"A", "t"}, {"B", "t"}, {"", ""}, {"z", "z"}, {"ab", "A"}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct my_table_map map = {.table_id = 100 + i, .schema = others[i][0], .table = others[i][1]};
        assert_int_equal(my_table_mapped(&s, &map, &err), SC_OK);
        assert_null(s.mapped[MANY + i].table);
    }
    my_tables_fini(&s);
}

static void a_relation_is_put_only_where_the_table_is_another_one(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    const struct script *script =
        script_of("G B ma +a1. ma +a2. X G B ma ~a3. X G B mb +b1. mb +b2. ma +a4. ma +a5. X G QTRUNCATE_a");
    must_play(&w, script, script->count);
    assert_story(&w, "[+a1 +a2] [~a3] [+b1 +b2 +a4 +a5] [Ta]");
    assert_int_equal(w.relations, 3);
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_by_turns_are_told_apart),
        cmocka_unit_test(a_statement_can_change_several_tables),
        cmocka_unit_test(numbers_of_tables_hold_until_the_statement_s_end),
        cmocka_unit_test(rows_behind_a_description_that_was_passed_over_are_refused),
        cmocka_unit_test(an_xa_transaction_keeps_which_table_each_row_is_of),
        cmocka_unit_test(a_truncate_is_of_the_table_it_names),
        cmocka_unit_test(statements_stop_it_whichever_table_they_touch),
        cmocka_unit_test(it_goes_on_over_a_change_where_the_log_names_columns),
        cmocka_unit_test(a_prepared_transaction_keeps_the_form_it_had),
        cmocka_unit_test(a_description_is_held_once_for_all_rows_behind_it),
        cmocka_unit_test(what_it_cannot_go_on_over_is_where_it_ends),
        cmocka_unit_test(markers_are_read_whatever_the_tables),
        cmocka_unit_test(names_are_compared_as_the_server_does),
        cmocka_unit_test(tables_of_one_name_in_two_schemas_and_in_two_cases_are_found),
        cmocka_unit_test(a_relation_is_put_only_where_the_table_is_another_one),
    };
    return cmocka_run_group_tests_name("the binary log's groups of several tables", tests, NULL, NULL);
}
