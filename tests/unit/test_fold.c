/* Folding against a naive model: whatever a source does, its changes folded and applied give what it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "applier/fold.h"
#include "base/clock.h"
#include "base/mem.h"

/* The model's table: two key columns, in another order than in the table, one plain column, two that the log leaves out
 * when they do not change. A value is a number: 0 is NULL. */
enum { PLAIN, KEY_B, BIG_1, BIG_2, KEY_A, COLUMNS };
static const uint16_t key_columns[] = {KEY_A, KEY_B};

/* Keys that differ only in where one column ends and the next begins, an empty one, a long one. */
static const char *const key_texts[][2] = {{"a", "bc"}, {"ab", "c"}, {"", "abc"}, {"abc", ""}, {"abcdefghi", "j"}};
enum { KEYS = 5 };

struct model_row {
    bool there;
    int values[COLUMNS]; /* of PLAIN, BIG_1, BIG_2 */
};

enum identity { BY_KEY, FULL };

struct model {
    struct model_row rows[KEYS];
    struct arena arena; /* of the changes it made */
    enum identity identity;
    int version; /* every value written is a new one */
};

static bool is_key(int column)
{
    return column == KEY_A || column == KEY_B;
}

static struct value text_value(struct arena *arena, const char *s)
{
    return (struct value){.state = VALUE_PRESENT, .len = (uint32_t)strlen(s), .data = arena_strdup(arena, s)};
}

static struct value number_value(struct arena *arena, int n)
{
    if (n == 0)
        return (struct value){.state = VALUE_NULL};
    char s[16];
    snprintf(s, sizeof(s), "%d", n);
    return text_value(arena, s);
}

static struct value *image(struct model *m, int key, const struct model_row *row)
{
    struct value *v = arena_array(&m->arena, COLUMNS, sizeof(*v));
    v[KEY_A] = text_value(&m->arena, key_texts[key][0]);
    v[KEY_B] = text_value(&m->arena, key_texts[key][1]);
    for (int i = 0; row && i < COLUMNS; i++)
        if (!is_key(i))
            v[i] = number_value(&m->arena, row->values[i]);
    return v;
}

/* What a source can be told. `set`: bits of the columns an UPDATE sets; a set bit in `nulls` makes it NULL. */
struct action {
    enum change_kind kind;
    int key, to; /* UPDATE: `to` differs when the row moves */
    unsigned set, nulls;
};

/* Does it, and says what the log would say. False: the source would have refused. */
static bool act(struct model *m, const struct action *a, struct change *out)
{
    struct model_row *row = &m->rows[a->key], *to = &m->rows[a->to];
    *out = (struct change){.kind = a->kind, .ncolumns = COLUMNS};
    if (row->there == (a->kind == CHANGE_INSERT) || (a->kind == CHANGE_UPDATE && row != to && to->there))
        return false;
    struct model_row was = *row, now = *row;
    for (int i = 0; i < COLUMNS; i++)
        if (!is_key(i) && (a->kind == CHANGE_INSERT || a->set >> i & 1))
            now.values[i] = a->nulls >> i & 1 ? 0 : ++m->version;
    now.there = a->kind != CHANGE_DELETE;
    row->there = false;
    *to = now;
    if (a->kind != CHANGE_INSERT && (m->identity == FULL || a->kind == CHANGE_DELETE || row != to))
        out->old_row = image(m, a->key, m->identity == FULL ? &was : NULL);
    if (a->kind == CHANGE_DELETE)
        return true;
    struct value *v = out->new_row = image(m, a->to, &now);
    if (a->kind == CHANGE_UPDATE)
        for (int i = BIG_1; i <= BIG_2; i++)
            if (!(a->set >> i & 1) && was.values[i] != 0) /* a NULL is never left out */
                v[i] = (struct value){.state = VALUE_UNCHANGED};
    return true;
}

static int number_of(const struct value *v)
{
    return v->state == VALUE_NULL ? 0 : atoi(v->data);
}

static int key_number(const struct value *a, const struct value *b)
{
    assert_int_equal(a->state, VALUE_PRESENT);
    assert_int_equal(b->state, VALUE_PRESENT);
    for (int k = 0; k < KEYS; k++)
        if (strcmp(a->data, key_texts[k][0]) == 0 && strcmp(b->data, key_texts[k][1]) == 0)
            return k;
    fail_msg("no such key");
    return -1;
}

/* Sets what the values give. */
static void set_values(struct model_row *row, const struct value *values)
{
    for (int i = 0; i < COLUMNS; i++) {
        assert_int_not_equal(values[i].state, VALUE_ABSENT);
        if (!is_key(i) && values[i].state != VALUE_UNCHANGED)
            row->values[i] = number_of(&values[i]);
    }
}

static void check_row_shape(const struct folded_row *row, int key)
{
    assert_true((row->from != NULL) == (row->op == ROW_MOVE));
    if (row->op == ROW_DELETE || row->op == ROW_NOTHING) {
        assert_null(row->values);
        return;
    }
    assert_int_equal(key_number(&row->values[KEY_A], &row->values[KEY_B]), key);
    for (int i = 0; row->op != ROW_UPDATE && row->op != ROW_MOVE && i < COLUMNS; i++)
        assert_int_not_equal(row->values[i].state, VALUE_UNCHANGED);
}

static int key_of(const struct value *key)
{
    return key_number(&key[0], &key[1]);
}

/* The ghost's row moves as it is, and then is set to what is known. */
static void move_row(struct model_row ghost[KEYS], const struct folded_row *move)
{
    int from = key_of(move->from), to = key_of(move->key);
    assert_true(ghost[from].there && (from == to || !ghost[to].there));
    struct model_row row = ghost[from];
    ghost[from].there = false;
    ghost[to] = row;
    set_values(&ghost[to], move->values);
}

/* Some operations of one part. Inserts last, onto keys that are free by then. */
static void apply_part(struct model_row ghost[KEYS], struct fold *fold, uint32_t part, uint32_t parts, int first,
                       int behind)
{
    for (int op = first; op < behind; op++) {
        size_t count;
        const struct folded_row *const *rows = fold_rows(fold, (enum row_op)op, &count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(rows[i]->op, op);
            if (rows[i]->part % parts != part)
                continue;
            int key = key_of(rows[i]->key);
            check_row_shape(rows[i], key);
            if (op == ROW_MOVE) {
                move_row(ghost, rows[i]);
                continue;
            }
            struct model_row *row = &ghost[key];
            assert_int_equal(row->there, row_expected(rows[i]->op));
            row->there = rows[i]->values != NULL;
            if (row->there)
                set_values(row, rows[i]->values);
        }
    }
}

/* Behind the fence: every operation finds exactly what it expects. As a whole, or in parts, of which any may be first
 * and which know nothing of each other; and in one step, or all deletes of all parts before the rest. */
static void apply_strict(struct model_row ghost[KEYS], struct fold *fold)
{
    static unsigned variant;
    uint32_t parts = 1 + variant % 4, first = variant / 4 % parts;
    bool two_steps = variant / 16 % 2;
    variant++;
    for (uint32_t i = 0; i < parts; i++)
        apply_part(ghost, fold, (first + i) % parts, parts, 0, two_steps ? ROW_MOVE : ROW_OPS);
    for (uint32_t i = 0; i < parts && two_steps; i++)
        apply_part(ghost, fold, (first + i) % parts, parts, ROW_MOVE, ROW_OPS);
    fold_reset(fold);
}

static void assert_same_rows(const struct model_row *a, const struct model_row *b)
{
    for (int k = 0; k < KEYS; k++) {
        assert_int_equal(a[k].there, b[k].there);
        for (int i = 0; a[k].there && i < COLUMNS; i++)
            if (!is_key(i))
                assert_int_equal(a[k].values[i], b[k].values[i]);
    }
}

static void apply_alone_strict(struct model_row ghost[KEYS], const struct change *c)
{
    int from = key_number(&c->old_row[KEY_A], &c->old_row[KEY_B]);
    int to = key_number(&c->new_row[KEY_A], &c->new_row[KEY_B]);
    assert_true(from != to && ghost[from].there && !ghost[to].there);
    ghost[to] = ghost[from];
    ghost[from].there = false;
    set_values(&ghost[to], c->new_row);
}

static enum fold_result must_add(struct fold *fold, const struct change *c)
{
    struct sc_error err;
    enum fold_result result = fold_add(fold, c, &err);
    if (result == FOLD_FAIL)
        fail_msg("%s", err.what);
    return result;
}

/* Folds one change, or applies all and then it alone. */
static int fold_or_alone(struct fold *fold, struct model_row ghost[KEYS], const struct change *c)
{
    if (must_add(fold, c) == FOLD_OK)
        return 0;
    apply_strict(ghost, fold);
    apply_alone_strict(ghost, c);
    return 1;
}

static void every_sequence_of_up_to_four_changes_folds_to_what_the_source_has(void **state)
{
    (void)state;
    const unsigned all = 1u << PLAIN | 1u << BIG_1 | 1u << BIG_2, some = 1u << PLAIN, other = 1u << BIG_1;
    struct action actions[16];
    int n = 0;
    for (int k = 0; k < 2; k++) {
        actions[n++] = (struct action){.kind = CHANGE_INSERT, .key = k, .to = k, .nulls = 1u << BIG_2};
        actions[n++] = (struct action){.kind = CHANGE_UPDATE, .key = k, .to = k, .set = all};
        actions[n++] = (struct action){.kind = CHANGE_UPDATE, .key = k, .to = k, .set = some};
        actions[n++] = (struct action){.kind = CHANGE_UPDATE, .key = k, .to = k, .set = other, .nulls = other};
        actions[n++] = (struct action){.kind = CHANGE_DELETE, .key = k, .to = k};
        actions[n++] = (struct action){.kind = CHANGE_UPDATE, .key = k, .to = 1 - k, .set = all};
        actions[n++] = (struct action){.kind = CHANGE_UPDATE, .key = k, .to = 1 - k, .set = some};
    }
    struct fold *fold = fold_new(key_columns, 2, COLUMNS);
    int ran = 0, refused = 0, barriers = 0;
    for (int identity = BY_KEY; identity <= FULL; identity++)
        for (int start = 0; start < 4; start++)
            for (int length = 1; length <= 4; length++) {
                int sequences = 1;
                for (int i = 0; i < length; i++)
                    sequences *= n;
                for (int sequence = 0; sequence < sequences; sequence++) {
                    struct model m = {.identity = (enum identity)identity, .version = 100};
                    for (int k = 0; k < 2; k++)
                        m.rows[k] = (struct model_row){.there = start >> k & 1, .values = {k + 1, 0, k + 11, k + 21}};
                    struct model_row ghost[KEYS];
                    memcpy(ghost, m.rows, sizeof(ghost));
                    bool possible = true;
                    for (int i = 0, rest = sequence; i < length && possible; i++, rest /= n) {
                        struct change c;
                        possible = act(&m, &actions[rest % n], &c);
                        if (possible)
                            barriers += fold_or_alone(fold, ghost, &c);
                    }
                    if (possible) {
                        apply_strict(ghost, fold);
                        assert_same_rows(ghost, m.rows);
                    }
                    ran += possible;
                    refused += !possible;
                    fold_reset(fold);
                    arena_fini(&m.arena);
                }
            }
    assert_true(ran > 1000 && refused > 1000);
    assert_int_equal(barriers, 0); /* it takes a third key */
    fold_free(fold);
}

static uint64_t seed = 42;

static unsigned chance(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

/* Mostly moves, so that rows go round in chains and exchange their keys. */
static struct action random_action(int keys)
{
    struct action a = {.key = (int)chance((unsigned)keys)};
    unsigned kind = chance(10);
    a.kind = kind < 2 ? CHANGE_INSERT : kind < 4 ? CHANGE_DELETE : CHANGE_UPDATE;
    a.to = a.kind == CHANGE_UPDATE && kind > 6 ? (int)chance((unsigned)keys) : a.key;
    a.set = chance(1u << COLUMNS);
    a.nulls = chance(3) == 0 ? chance(1u << COLUMNS) : 0;
    return a;
}

static void a_hundred_thousand_random_batches_fold_to_what_the_source_has(void **state)
{
    (void)state;
    struct fold *fold = fold_new(key_columns, 2, COLUMNS);
    struct model m = {0};
    struct model_row ghost[KEYS] = {{0}};
    int barriers = 0, changes = 0;
    for (int batch = 0; batch < 100000; batch++) {
        int keys = 3 + (int)chance(3);
        m.identity = chance(4) == 0 ? FULL : BY_KEY;
        for (unsigned n = chance(20); n > 0; n--) {
            struct action a = random_action(keys);
            struct change c;
            if (!act(&m, &a, &c))
                continue;
            changes++;
            barriers += fold_or_alone(fold, ghost, &c);
        }
        apply_strict(ghost, fold);
        assert_same_rows(ghost, m.rows);
        arena_reset(&m.arena);
    }
    assert_true(changes > 300000 && barriers > 100);
    arena_fini(&m.arena);
    fold_free(fold);
}

/* ---- lenient: while rows are being copied ---- */

enum { CHANGES = 60 };

/* A migration of a source whose history is known: `now` is how much of it has happened, `applied` how much the ghost
 * has had from the log. Each key is a chunk of its own. */
struct run {
    struct model_row history[CHANGES + 1][KEYS];
    struct change changes[CHANGES];
    int now, applied;
    struct model_row ghost[KEYS];
    int reads, ahead[KEYS];       /* of the source; the number of the one that last touched the key */
    bool marked, settled, fenced; /* a marker is on its way; one that came back was no fence; one was */
    int marker, marker_reads,
        trusted; /* the marker's place in the log; the reads before it; those before a settled one */
};

static bool is_ahead(const struct run *r, int key)
{
    return !r->settled || r->ahead[key] > r->trusted;
}

static void read_source(struct run *r, int key)
{
    if (!r->ghost[key].there)
        r->ghost[key] = r->history[r->now][key];
}

static void apply_moves_lenient(struct run *r, struct fold *fold)
{
    size_t count, nahead = 0;
    bool missing = false;
    const struct folded_row *const *rows = fold_rows(fold, ROW_MOVE, &count);
    const struct folded_row *ahead[KEYS];
    for (size_t i = 0; i < count; i++)
        if (is_ahead(r, key_of(rows[i]->from))) {
            r->ghost[key_of(rows[i]->from)].there = false;
            ahead[nahead++] = rows[i];
        }
    for (size_t i = 0; i < count; i++)
        if (!is_ahead(r, key_of(rows[i]->from)))
            move_row(r->ghost, rows[i]);
    for (size_t i = 0; i < nahead; i++)
        missing |= !r->ghost[key_of(ahead[i]->key)].there;
    r->reads += missing;
    for (size_t i = 0; i < nahead; i++) {
        int key = key_of(ahead[i]->key);
        if (missing) {
            read_source(r, key);
            r->ahead[key] = r->reads;
        }
        if (r->ghost[key].there)
            set_values(&r->ghost[key], ahead[i]->values);
    }
}

static void apply_lenient(struct run *r, struct fold *fold)
{
    for (int op = 0; op < ROW_OPS; op++) {
        if (op == ROW_MOVE) {
            apply_moves_lenient(r, fold);
            continue;
        }
        size_t count;
        const struct folded_row *const *rows = fold_rows(fold, (enum row_op)op, &count);
        for (size_t i = 0; i < count; i++) {
            struct model_row *row = &r->ghost[key_of(rows[i]->key)];
            if (op == ROW_DELETE || op == ROW_NOTHING)
                row->there = false;
            else if (op == ROW_UPDATE && !row->there)
                continue;
            else
                row->there = true;
            if (row->there)
                set_values(row, rows[i]->values);
        }
    }
    fold_reset(fold);
}

/* What the change leaves out is not taken from the old key's row, unless that is known to be as the log has it: a chunk
 * may have put a later row there that never was this one. */
static void apply_alone_lenient(struct run *r, const struct change *c)
{
    int from = key_number(&c->old_row[KEY_A], &c->old_row[KEY_B]);
    int to = key_number(&c->new_row[KEY_A], &c->new_row[KEY_B]);
    if (!is_ahead(r, from)) {
        apply_alone_strict(r->ghost, c);
        return;
    }
    r->ghost[from].there = false;
    if (!r->ghost[to].there) {
        r->ahead[to] = ++r->reads;
        read_source(r, to);
    }
    if (r->ghost[to].there)
        set_values(&r->ghost[to], c->new_row);
}

static void apply_until(struct run *r, struct fold *fold, int end)
{
    for (; r->applied < end; r->applied++) {
        const struct change *c = &r->changes[r->applied];
        if (r->fenced)
            fold_or_alone(fold, r->ghost, c);
        else if (must_add(fold, c) == FOLD_BARRIER) {
            apply_lenient(r, fold);
            apply_alone_lenient(r, c);
        }
    }
    if (r->fenced)
        apply_strict(r->ghost, fold);
    else
        apply_lenient(r, fold);
}

static void marker_comes_back(struct run *r)
{
    r->marked = false;
    r->fenced = r->reads == r->marker_reads;
    r->settled = true;
    r->trusted = r->marker_reads;
    if (r->fenced)
        assert_same_rows(r->ghost, r->history[r->applied]);
}

/* Chunks are copied at some time, with a snapshot that has seen at least what was applied, and maybe much that is still
 * to be applied; so have rows that are read for a move. Behind the fence everything must find what it expects. */
static void rows_copied_between_folded_batches_converge_at_the_fence(void **state)
{
    (void)state;
    struct fold *fold = fold_new(key_columns, 2, COLUMNS);
    int fenced = 0, settled = 0, reads = 0, moves = 0;
    for (int round = 0; round < 40000; round++) {
        struct model m = {.identity = chance(4) == 0 ? FULL : BY_KEY};
        for (int k = 0; k < KEYS; k++)
            m.rows[k] = (struct model_row){.there = chance(2), .values = {k + 1, 0, k + 11, k + 21}};
        m.version = 100;
        static struct run r;
        r = (struct run){0};
        memcpy(r.history[0], m.rows, sizeof(m.rows));
        for (int i = 0; i < CHANGES;) {
            struct action a = random_action(KEYS);
            if (act(&m, &a, &r.changes[i]))
                memcpy(r.history[++i], m.rows, sizeof(m.rows));
        }
        int to_copy[KEYS] = {0, 1, 2, 3, 4}, left = KEYS;
        unsigned lag = 1 + chance(15);
        while (r.applied < CHANGES) {
            while (r.now < CHANGES && (r.now <= r.applied || chance(lag) > 0))
                r.now++;
            while (left > 0 && chance(2) == 0) {
                int pick = (int)chance((unsigned)left), key = to_copy[pick];
                to_copy[pick] = to_copy[--left];
                read_source(&r, key);
            }
            if (left == 0 && !r.marked && !r.fenced) {
                r.marked = true;
                r.marker = r.now;
                r.marker_reads = r.reads;
            }
            int end = r.applied + 1 + (int)chance(10);
            end = end < r.now ? end : r.now;
            if (end >= CHANGES && left > 0)
                continue; /* the fence is behind the last chunk */
            if (r.marked && end >= r.marker)
                end = r.marker;
            for (int i = r.applied; i < end; i++)
                moves += r.settled && !r.fenced && r.changes[i].old_row && r.changes[i].new_row;
            apply_until(&r, fold, end);
            if (r.marked && r.applied == r.marker)
                marker_comes_back(&r);
        }
        assert_same_rows(r.ghost, m.rows);
        fenced += r.fenced;
        settled += r.settled && r.trusted > 0;
        reads += r.reads;
        arena_fini(&m.arena);
    }
    print_message("fenced %d, settled first %d, reads %d, moves meanwhile %d\n", fenced, settled, reads, moves);
    assert_true(fenced > 1000 && settled > 1000 && reads > 1000 && moves > 1000);
    fold_free(fold);
}

/* ---- single stories ---- */

struct story {
    struct model m;
    struct fold *fold;
};

static struct story begin_story(unsigned keys_there)
{
    struct story s = {.m = {.version = 100}, .fold = fold_new(key_columns, 2, COLUMNS)};
    for (int k = 0; k < KEYS; k++)
        s.m.rows[k] = (struct model_row){.there = keys_there >> k & 1, .values = {k + 1, 0, k + 11, k + 21}};
    return s;
}

static void end_story(struct story *s)
{
    fold_free(s->fold);
    arena_fini(&s->m.arena);
}

static enum fold_result tell(struct story *s, struct action a)
{
    struct change c;
    assert_true(act(&s->m, &a, &c));
    return must_add(s->fold, &c);
}

static const struct folded_row *only_row(struct story *s, enum row_op op)
{
    size_t count;
    const struct folded_row *const *rows = fold_rows(s->fold, op, &count);
    assert_int_equal(count, 1);
    return rows[0];
}

static void an_insert_s_value_is_not_hidden_by_a_later_update_that_leaves_it_out(void **state)
{
    (void)state;
    struct story s = begin_story(0);
    tell(&s, (struct action){.kind = CHANGE_INSERT});                     /* 101, 102, 103 */
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .set = 1u << PLAIN}); /* 104 */
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .set = 1u << BIG_1}); /* 105 */
    const struct folded_row *row = only_row(&s, ROW_INSERT);
    assert_string_equal(row->values[PLAIN].data, "104");
    assert_string_equal(row->values[BIG_1].data, "105");
    assert_string_equal(row->values[BIG_2].data, "103");
    assert_int_equal(row->changes, 3);
    end_story(&s);
}

static void a_column_set_to_null_is_not_the_same_as_one_left_out(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .set = 1u << BIG_1, .nulls = 1u << BIG_1});
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .set = 1u << PLAIN});
    const struct folded_row *row = only_row(&s, ROW_UPDATE);
    assert_int_equal(row->values[BIG_1].state, VALUE_NULL);
    assert_int_equal(row->values[BIG_2].state, VALUE_UNCHANGED);
    end_story(&s);
}

static void deleted_and_inserted_again_replaces_the_row_as_a_whole(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .set = 1u << PLAIN});
    tell(&s, (struct action){.kind = CHANGE_DELETE});
    tell(&s, (struct action){.kind = CHANGE_INSERT, .nulls = 1u << BIG_2});
    const struct folded_row *row = only_row(&s, ROW_REPLACE);
    assert_true(row_expected(row->op));
    assert_int_equal(row->values[BIG_2].state, VALUE_NULL);
    end_story(&s);
}

static void inserted_and_deleted_is_still_told_because_a_chunk_may_have_seen_it(void **state)
{
    (void)state;
    struct story s = begin_story(0);
    tell(&s, (struct action){.kind = CHANGE_INSERT});
    tell(&s, (struct action){.kind = CHANGE_DELETE});
    const struct folded_row *row = only_row(&s, ROW_NOTHING);
    assert_false(row_expected(row->op));
    assert_string_equal(row->key[0].data, key_texts[0][0]);
    assert_string_equal(row->key[1].data, key_texts[0][1]);
    end_story(&s);
}

static void two_rows_that_exchange_their_keys_replace_each_other(void **state)
{
    (void)state;
    struct story s = begin_story(3);
    const unsigned all = 1u << PLAIN | 1u << BIG_1 | 1u << BIG_2;
    assert_int_equal(tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = 0, .to = 2, .set = all}), FOLD_OK);
    assert_int_equal(tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = 1, .to = 0, .set = all}), FOLD_OK);
    assert_int_equal(tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = 2, .to = 1}), FOLD_OK);
    size_t count;
    const struct folded_row *const *rows = fold_rows(s.fold, ROW_REPLACE, &count);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0]->values[PLAIN].data, "104");
    assert_string_equal(rows[1]->values[PLAIN].data, "101");
    fold_rows(s.fold, ROW_NOTHING, &count);
    assert_int_equal(count, 1);
    assert_int_equal(fold_keys(s.fold), 3);
    end_story(&s);
}

static void assert_key(const struct value *key, int number)
{
    assert_int_equal(key_of(key), number);
}

static void assert_no_rows(struct story *s, enum row_op op)
{
    size_t count;
    fold_rows(s->fold, op, &count);
    assert_int_equal(count, 0);
}

static void a_move_that_leaves_a_column_out_is_a_move_and_not_a_delete_and_an_insert(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    assert_int_equal(tell(&s, (struct action){.kind = CHANGE_UPDATE, .to = 2, .set = 1u << BIG_1}), FOLD_OK);
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = 2, .to = 2, .set = 1u << PLAIN});
    const struct folded_row *row = only_row(&s, ROW_MOVE);
    assert_key(row->from, 0);
    assert_key(row->key, 2);
    assert_string_equal(row->values[PLAIN].data, "102");
    assert_string_equal(row->values[BIG_1].data, "101");
    assert_int_equal(row->values[BIG_2].state, VALUE_UNCHANGED);
    assert_true(fold_mask_has(fold_group_mask(s.fold, row->group), BIG_2));
    size_t count;
    assert_ptr_equal(fold_group_rows(s.fold, ROW_MOVE, row->group, &count)[0], row);
    assert_int_equal(count, 1);
    fold_group_rows(s.fold, ROW_UPDATE, row->group, &count);
    assert_int_equal(count, 0);
    for (int op = 0; op < ROW_OPS; op++)
        if (op != ROW_MOVE)
            assert_no_rows(&s, (enum row_op)op);
    end_story(&s);
}

static void a_row_that_moves_twice_moves_once_from_where_it_was(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .to = 2});
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = 2, .to = 3});
    const struct folded_row *row = only_row(&s, ROW_MOVE);
    assert_key(row->from, 0);
    assert_key(row->key, 3);
    assert_key(only_row(&s, ROW_NOTHING)->key, 2);
    assert_no_rows(&s, ROW_DELETE);
    end_story(&s);
}

static void a_row_that_comes_back_to_its_key_is_still_a_move(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .to = 2});
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = 2, .to = 0});
    const struct folded_row *row = only_row(&s, ROW_MOVE);
    assert_key(row->from, 0);
    assert_key(row->key, 0);
    assert_no_rows(&s, ROW_DELETE);
    end_story(&s);
}

static void a_moved_row_that_is_deleted_is_deleted_where_it_was(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .to = 2});
    tell(&s, (struct action){.kind = CHANGE_DELETE, .key = 2, .to = 2});
    assert_key(only_row(&s, ROW_DELETE)->key, 0);
    assert_key(only_row(&s, ROW_NOTHING)->key, 2);
    assert_no_rows(&s, ROW_MOVE);
    end_story(&s);
}

static void a_moved_row_whose_last_columns_become_known_is_made_where_it_is(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .to = 2, .set = 1u << BIG_1});
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = 2, .to = 2, .set = 1u << BIG_2});
    assert_key(only_row(&s, ROW_DELETE)->key, 0);
    assert_key(only_row(&s, ROW_INSERT)->key, 2);
    assert_no_rows(&s, ROW_MOVE);
    end_story(&s);
}

static void a_row_made_where_another_moved_away_is_inserted_behind_the_move(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .to = 2});
    tell(&s, (struct action){.kind = CHANGE_INSERT});
    assert_key(only_row(&s, ROW_MOVE)->from, 0);
    assert_key(only_row(&s, ROW_INSERT)->key, 0);
    tell(&s, (struct action){.kind = CHANGE_DELETE, .key = 2, .to = 2});
    assert_key(only_row(&s, ROW_REPLACE)->key, 0); /* now the first row of that key is gone, and another one there */
    assert_key(only_row(&s, ROW_NOTHING)->key, 2);
    end_story(&s);
}

static void a_row_that_moves_to_where_another_was_deleted_has_it_deleted_first(void **state)
{
    (void)state;
    struct story s = begin_story(3);
    tell(&s, (struct action){.kind = CHANGE_DELETE, .key = 1, .to = 1});
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = 0, .to = 1});
    assert_key(only_row(&s, ROW_DELETE)->key, 1);
    assert_key(only_row(&s, ROW_MOVE)->key, 1);
    end_story(&s);
}

static void a_row_that_moves_to_where_another_one_moved_away_ends_the_batch_and_changes_nothing(void **state)
{
    (void)state;
    struct story s = begin_story(3);
    assert_int_equal(tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = 0, .to = 2}), FOLD_OK);
    assert_int_equal(tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = 1, .to = 0}), FOLD_BARRIER);
    assert_int_equal(fold_keys(s.fold), 2);
    assert_key(only_row(&s, ROW_MOVE)->key, 2);
    assert_no_rows(&s, ROW_DELETE);
    end_story(&s);
}

static void a_move_takes_what_it_leaves_out_from_the_batch(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .set = 1u << BIG_1});
    tell(&s, (struct action){.kind = CHANGE_UPDATE, .set = 1u << BIG_2});
    assert_int_equal(tell(&s, (struct action){.kind = CHANGE_UPDATE, .to = 2}), FOLD_OK);
    const struct folded_row *row = only_row(&s, ROW_INSERT);
    assert_string_equal(row->values[BIG_1].data, "101");
    assert_string_equal(row->values[BIG_2].data, "102");
    assert_string_equal(row->values[KEY_B].data, key_texts[2][1]);
    only_row(&s, ROW_DELETE);
    end_story(&s);
}

static void a_full_old_image_fills_what_is_left_out(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    s.m.identity = FULL;
    assert_int_equal(tell(&s, (struct action){.kind = CHANGE_UPDATE, .to = 2}), FOLD_OK);
    const struct folded_row *row = only_row(&s, ROW_INSERT);
    assert_string_equal(row->values[BIG_1].data, "11");
    assert_string_equal(row->values[BIG_2].data, "21");
    end_story(&s);
}

static void a_key_column_left_out_as_unchanged_is_taken_from_the_old_key(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    struct change c;
    assert_true(act(&s.m, &(struct action){.kind = CHANGE_UPDATE, .key = 0, .to = 0, .set = 1u << PLAIN}, &c));
    c.new_row[KEY_B] = (struct value){.state = VALUE_UNCHANGED};
    assert_int_equal(fold_add(s.fold, &c, NULL), FOLD_FAIL); /* from where? */
    c.old_row = image(&s.m, 0, NULL);
    assert_int_equal(must_add(s.fold, &c), FOLD_OK);
    const struct folded_row *row = only_row(&s, ROW_UPDATE);
    assert_string_equal(row->values[KEY_B].data, key_texts[0][1]);
    assert_string_equal(row->key[1].data, key_texts[0][1]);
    end_story(&s);
}

static void updates_are_grouped_by_the_columns_they_leave_out(void **state)
{
    (void)state;
    struct story s = begin_story(31);
    const unsigned sets[KEYS] = {1u << BIG_1, 0, 1u << BIG_1, 1u << BIG_1 | 1u << BIG_2, 0};
    for (int k = 0; k < KEYS; k++)
        tell(&s, (struct action){.kind = CHANGE_UPDATE, .key = k, .to = k, .set = sets[k]});
    assert_int_equal(fold_groups(s.fold), 3);
    static const int members[3][2] = {{0, 2}, {1, 4}, {3, -1}};
    static const bool big_1[3] = {false, true, false}, big_2[3] = {true, true, false};
    size_t all;
    const struct folded_row *const *updates = fold_rows(s.fold, ROW_UPDATE, &all);
    assert_int_equal(all, KEYS);
    for (uint32_t g = 0; g < 3; g++) {
        size_t count;
        const struct folded_row *const *rows = fold_group_rows(s.fold, ROW_UPDATE, g, &count);
        assert_int_equal(count, g < 2 ? 2 : 1);
        const uint64_t *mask = fold_group_mask(s.fold, g);
        assert_int_equal(fold_mask_has(mask, BIG_1), big_1[g]);
        assert_int_equal(fold_mask_has(mask, BIG_2), big_2[g]);
        assert_false(fold_mask_has(mask, PLAIN) || fold_mask_has(mask, KEY_A) || fold_mask_has(mask, KEY_B));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(rows[i]->group, g);
            assert_int_equal(key_number(&rows[i]->key[0], &rows[i]->key[1]), members[g][i]);
            assert_ptr_equal(rows[i], *updates++);
        }
    }
    end_story(&s);
}

static void every_row_with_columns_of_its_own_left_out_is_a_group_of_its_own(void **state)
{
    (void)state;
    enum { WIDE = 80, ROWS = 3000 };
    static const uint16_t first[] = {0};
    struct fold *fold = fold_new(first, 1, WIDE);
    struct arena arena = {0};
    for (int i = 0; i < ROWS; i++) {
        struct change c = {.kind = CHANGE_UPDATE, .ncolumns = WIDE};
        c.new_row = arena_array(&arena, WIDE, sizeof(*c.new_row));
        c.new_row[0] = number_value(&arena, i + 1);
        for (int bit = 1; bit < WIDE; bit++)
            c.new_row[bit].state = bit > 60 && i >> (bit - 61) & 1 ? VALUE_UNCHANGED : VALUE_NULL;
        assert_int_equal(must_add(fold, &c), FOLD_OK);
    }
    assert_int_equal(fold_groups(fold), ROWS);
    for (uint32_t g = 0; g < ROWS; g++) {
        size_t count;
        const struct folded_row *const *rows = fold_group_rows(fold, ROW_UPDATE, g, &count);
        assert_int_equal(count, 1);
        assert_int_equal(atoi(rows[0]->key[0].data), g + 1);
        for (uint16_t bit = 0; bit < WIDE; bit++)
            assert_int_equal(fold_mask_has(fold_group_mask(fold, g), bit),
                             rows[0]->values[bit].state == VALUE_UNCHANGED);
    }
    arena_fini(&arena);
    fold_free(fold);
}

static void refuse(struct fold *fold, const struct change *c, const char *says)
{
    struct sc_error err;
    size_t keys = fold_keys(fold);
    assert_int_equal(fold_add(fold, c, &err), FOLD_FAIL);
    assert_int_equal(err.result, SC_FAIL);
    assert_non_null(strstr(err.what, change_kind_name(c->kind)));
    if (!strstr(err.what, says))
        fail_msg("%s", err.what);
    assert_null(strstr(err.what, "secret"));
    assert_int_equal(fold_keys(fold), keys);
}

static void contradictions_are_faults_and_never_show_values(void **state)
{
    (void)state;
    static const uint16_t second[] = {1};
    struct fold *fold = fold_new(second, 1, 2);
    struct value row_a[] = {{VALUE_PRESENT, 6, "secret"}, {VALUE_PRESENT, 7, "secretA"}};
    struct value row_b[] = {{VALUE_PRESENT, 6, "secret"}, {VALUE_PRESENT, 7, "secretB"}};
    const struct change insert_a = {.kind = CHANGE_INSERT, .ncolumns = 2, .new_row = row_a};
    const struct change update_a = {.kind = CHANGE_UPDATE, .ncolumns = 2, .new_row = row_a};
    const struct change delete_a = {.kind = CHANGE_DELETE, .ncolumns = 2, .old_row = row_a};
    const struct change update_b = {.kind = CHANGE_UPDATE, .ncolumns = 2, .new_row = row_b};
    const struct change a_to_b = {.kind = CHANGE_UPDATE, .ncolumns = 2, .old_row = row_a, .new_row = row_b};
    assert_int_equal(must_add(fold, &update_a), FOLD_OK);
    refuse(fold, &insert_a, "already there");
    assert_int_equal(must_add(fold, &update_b), FOLD_OK);
    refuse(fold, &a_to_b, "taken");
    assert_int_equal(must_add(fold, &delete_a), FOLD_OK);
    refuse(fold, &delete_a, "already gone");
    refuse(fold, &update_a, "already gone");
    refuse(fold, &a_to_b, "already gone");

    struct value absent[] = {{.state = VALUE_ABSENT}, {VALUE_PRESENT, 7, "secretC"}};
    struct value no_key[] = {{VALUE_PRESENT, 6, "secret"}, {.state = VALUE_ABSENT}};
    struct value null_key[] = {{VALUE_PRESENT, 6, "secret"}, {.state = VALUE_NULL}};
    struct value unchanged[] = {{.state = VALUE_UNCHANGED}, {VALUE_PRESENT, 7, "secretC"}};
    refuse(fold, &(struct change){.kind = CHANGE_INSERT, .ncolumns = 2, .new_row = absent}, "all columns");
    refuse(fold, &(struct change){.kind = CHANGE_INSERT, .ncolumns = 2, .new_row = unchanged}, "all columns");
    refuse(fold, &(struct change){.kind = CHANGE_UPDATE, .ncolumns = 2, .new_row = absent}, "all columns");
    refuse(fold, &(struct change){.kind = CHANGE_INSERT, .ncolumns = 2, .new_row = null_key}, "its key");
    refuse(fold, &(struct change){.kind = CHANGE_DELETE, .ncolumns = 2, .old_row = no_key}, "its key");
    refuse(fold, &(struct change){.kind = CHANGE_UPDATE, .ncolumns = 2, .old_row = no_key, .new_row = row_a},
           "its key");
    refuse(fold, &(struct change){.kind = CHANGE_DELETE, .ncolumns = 1, .old_row = row_a}, "number of columns");
    refuse(fold, &(struct change){.kind = CHANGE_TRUNCATE}, "changes of rows");
    fold_free(fold);
}

static void a_fold_used_again_remembers_nothing(void **state)
{
    (void)state;
    struct story s = begin_story(1);
    tell(&s, (struct action){.kind = CHANGE_DELETE});
    fold_reset(s.fold);
    size_t count;
    for (int op = 0; op < ROW_OPS; op++) {
        fold_rows(s.fold, (enum row_op)op, &count);
        assert_int_equal(count, 0);
    }
    assert_int_equal(fold_groups(s.fold), 0);
    tell(&s, (struct action){.kind = CHANGE_INSERT});
    only_row(&s, ROW_INSERT);
    end_story(&s);
}

/* Slower than any server sends would be a fault of the design; the bound is far below what is usual, for slow machines.
 */
static void a_million_changes_fold_in_seconds(void **state)
{
    (void)state;
    enum { WIDTH = 10, BATCH = 10000 };
    static const uint16_t first[] = {0};
    struct fold *fold = fold_new(first, 1, WIDTH);
    struct arena arena = {0};
    struct change *changes = arena_array(&arena, BATCH, sizeof(*changes));
    for (int i = 0; i < BATCH; i++) {
        changes[i] = (struct change){.kind = CHANGE_UPDATE, .ncolumns = WIDTH};
        changes[i].new_row = arena_array(&arena, WIDTH, sizeof(struct value));
        changes[i].new_row[0] = number_value(&arena, (int)chance(5000) + 1);
        for (int column = 1; column < WIDTH; column++)
            changes[i].new_row[column] =
                column == 9 && i % 2 ? (struct value){.state = VALUE_UNCHANGED} : number_value(&arena, i + 1);
    }
    int64_t begin = clock_us();
    for (int batch = 0; batch < 100; batch++) {
        for (int i = 0; i < BATCH; i++)
            assert_int_equal(fold_add(fold, &changes[i], NULL), FOLD_OK);
        size_t count;
        fold_rows(fold, ROW_UPDATE, &count);
        assert_in_range(count, 4000, 5000);
        fold_reset(fold);
    }
    int64_t us = clock_us() - begin;
    print_message("%.1f million changes a second\n", 1e6 / (double)us);
    assert_true(us < 10000000);
    arena_fini(&arena);
    fold_free(fold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_of_up_to_four_changes_folds_to_what_the_source_has),
        cmocka_unit_test(a_hundred_thousand_random_batches_fold_to_what_the_source_has),
        cmocka_unit_test(rows_copied_between_folded_batches_converge_at_the_fence),
        cmocka_unit_test(an_insert_s_value_is_not_hidden_by_a_later_update_that_leaves_it_out),
        cmocka_unit_test(a_column_set_to_null_is_not_the_same_as_one_left_out),
        cmocka_unit_test(deleted_and_inserted_again_replaces_the_row_as_a_whole),
        cmocka_unit_test(inserted_and_deleted_is_still_told_because_a_chunk_may_have_seen_it),
        cmocka_unit_test(two_rows_that_exchange_their_keys_replace_each_other),
        cmocka_unit_test(a_move_that_leaves_a_column_out_is_a_move_and_not_a_delete_and_an_insert),
        cmocka_unit_test(a_row_that_moves_twice_moves_once_from_where_it_was),
        cmocka_unit_test(a_row_that_comes_back_to_its_key_is_still_a_move),
        cmocka_unit_test(a_moved_row_that_is_deleted_is_deleted_where_it_was),
        cmocka_unit_test(a_moved_row_whose_last_columns_become_known_is_made_where_it_is),
        cmocka_unit_test(a_row_made_where_another_moved_away_is_inserted_behind_the_move),
        cmocka_unit_test(a_row_that_moves_to_where_another_was_deleted_has_it_deleted_first),
        cmocka_unit_test(a_row_that_moves_to_where_another_one_moved_away_ends_the_batch_and_changes_nothing),
        cmocka_unit_test(a_move_takes_what_it_leaves_out_from_the_batch),
        cmocka_unit_test(a_full_old_image_fills_what_is_left_out),
        cmocka_unit_test(a_key_column_left_out_as_unchanged_is_taken_from_the_old_key),
        cmocka_unit_test(updates_are_grouped_by_the_columns_they_leave_out),
        cmocka_unit_test(every_row_with_columns_of_its_own_left_out_is_a_group_of_its_own),
        cmocka_unit_test(contradictions_are_faults_and_never_show_values),
        cmocka_unit_test(a_fold_used_again_remembers_nothing),
        cmocka_unit_test(a_million_changes_fold_in_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
