/* Batches folded by the bytes of keys, where a collation takes several spellings for one key: whatever comes and goes,
 * in whatever order the parts are applied, the ghost has the rows of the source. */
#include "mysql_migration.h"

#define KEYS 6
#define SPELLINGS 4
#define BATCHES 60
#define CHANGES 25

/* What the source has. At most one row a key, in one of its spellings. */
struct row {
    bool there;
    char key[8], n[12], u[12];
};

struct play {
    struct world *w;
    struct row rows[KEYS];
    unsigned seed;
    int number; /* of values, each of which comes once */
};

static int draw(struct play *p, int below)
{
    p->seed = p->seed * 1103515245u + 12345u;
    return (int)(p->seed >> 16 & 0x7fff) % below;
}

static void spell(struct play *p, int key, char *out, size_t size)
{
    static const char *const behind[SPELLINGS] = {"", " ", "  ", "\xcc\x81"}; /* the last: an accent */
    snprintf(out, size, "%c%s", (draw(p, 2) ? 'a' : 'A') + key, behind[draw(p, SPELLINGS)]);
}

/* A value of the unique column that nobody has, or none. */
static void free_unique(struct play *p, char *out, size_t size)
{
    snprintf(out, size, "%d", draw(p, KEYS * 2));
    for (int i = 0; i < KEYS; i++)
        if (p->rows[i].there && strcmp(p->rows[i].u, out) == 0)
            out[0] = 0;
}

static const char *const *texts(const struct row *row)
{
    static const char *t[2][3];
    static int turn;
    const char **out = t[turn ^= 1];
    out[0] = row->key;
    out[1] = row->n;
    out[2] = row->u[0] ? row->u : NULL;
    return out;
}

static void make(struct play *p, int key)
{
    struct row *row = &p->rows[key];
    *row = (struct row){.there = true};
    spell(p, key, row->key, sizeof(row->key));
    snprintf(row->n, sizeof(row->n), "%d", ++p->number);
    free_unique(p, row->u, sizeof(row->u));
    give_insert(p->w, texts(row), 3);
}

static void take_away(struct play *p, int key)
{
    give_delete(p->w, texts(&p->rows[key]), 3);
    p->rows[key].there = false;
}

/* Another value, another spelling, or another key. */
static void alter(struct play *p, int key)
{
    struct row old = p->rows[key], new = old;
    int to = key;
    if (draw(p, 3) == 0)
        to = draw(p, KEYS);
    if (to != key && p->rows[to].there)
        to = key;
    if (to != key || draw(p, 2))
        spell(p, to, new.key, sizeof(new.key));
    snprintf(new.n, sizeof(new.n), "%d", ++p->number);
    if (draw(p, 3) == 0)
        free_unique(p, new.u, sizeof(new.u));
    p->rows[key].there = false;
    p->rows[to] = new;
    give_update(p->w, texts(&old), 3, texts(&new), 3);
}

static void add_text(struct buf *b, const char *text)
{
    buf_char(b, '\'');
    buf_str(b, text);
    buf_char(b, '\'');
}

/* A chunk has read this key now, before the log's changes are applied. */
static void copy(struct play *p, int key)
{
    const struct row *row = &p->rows[key];
    struct buf b = {0};
    buf_str(&b, "DELETE FROM ");
    my_add_ghost(&b, p->w->t);
    buf_printf(&b, " WHERE k = '%c'", 'a' + key);
    run_on(p->w->sql, "%s", buf_cstr(&b));
    buf_clear(&b);
    if (row->there) {
        buf_str(&b, "INSERT INTO ");
        my_add_ghost(&b, p->w->t);
        buf_str(&b, " (k, n, u) VALUES (");
        add_text(&b, row->key);
        buf_printf(&b, ", %s, %s)", row->n, row->u[0] ? row->u : "NULL");
        run_on(p->w->sql, "%s", buf_cstr(&b));
    }
    buf_fini(&b);
}

static void assert_same(struct play *p)
{
    struct buf b = {0};
    for (int i = 0; i < KEYS; i++) {
        const struct row *row = &p->rows[i];
        if (row->there)
            buf_printf(&b, "%s[%s]%s:%s", b.len ? "," : "", row->key, row->n, row->u[0] ? row->u : "-");
    }
    if (b.len == 0)
        buf_str(&b, "(null)");
    assert_ghost(p->w, "SELECT GROUP_CONCAT('[', k, ']', n, ':', COALESCE(u, '-') ORDER BY k) FROM $", buf_cstr(&b));
    buf_fini(&b);
}

/* As the sessions of a batch in parts would, in the order that does the most harm. */
static void apply_in_parts(struct play *p, bool strict)
{
    struct world *w = p->w;
    struct sc_error err = {0};
    struct batch batch = batch_of(w, strict, true);
    struct parts_cut cut = {.parts = 3, .last = batch.applied, .last_changes = 1};
    must(mysql_target.parts_steps(w->session, strict, &cut.steps, &err), &err);
    assert_int_equal(cut.steps, 2);
    batch.parts = 3;
    int first = draw(p, 3);
    for (int step = 1; step <= cut.steps; step++)
        for (int i = 0; i < 3; i++) {
            batch.part = (uint32_t)((first + i) % 3);
            must(mysql_target.part_apply(w->session, &batch, &cut, step, &err), &err);
        }
    must(mysql_target.parts_end(w->session, &batch, &err), &err);
}

static void play(struct play *p, bool strict)
{
    for (int n = 0; n < BATCHES; n++) {
        unsigned seed = p->seed;
        int changes = 1 + draw(p, CHANGES);
        for (int i = 0; i < changes; i++) {
            int key = draw(p, KEYS);
            if (!strict && draw(p, 8) == 0)
                copy(p, draw(p, KEYS));
            if (!p->rows[key].there)
                make(p, key);
            else if (draw(p, 3) == 0)
                take_away(p, key);
            else
                alter(p, key);
        }
        if (n % 2)
            must_apply(p->w, strict, true);
        else
            apply_in_parts(p, strict);
        print_message("%sbatch %d, seed %u\n", strict ? "strict " : "", n, seed);
        assert_same(p);
        arena_reset(&p->w->arena);
    }
}

static void play_both(struct world *w, const char *alter)
{
    run_on(w->sql, "CREATE TABLE t (k varchar(8) PRIMARY KEY, n int NOT NULL, u int NULL, UNIQUE KEY u (u)) "
                   "ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci");
    start_migration(w, "t", alter);
    struct play p = {.w = w, .seed = 20};
    play(&p, false);
    build_stages(w);
    play(&p, true);
}

static void spellings_of_a_key_are_folded(void **state)
{
    play_both(need(state), "ADD COLUMN extra int NOT NULL DEFAULT 7");
}

static void spellings_of_a_key_are_folded_where_rows_pass_through_the_stage(void **state)
{
    play_both(need(state), "MODIFY n varchar(12) NOT NULL");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(spellings_of_a_key_are_folded),
        TEST(spellings_of_a_key_are_folded_where_rows_pass_through_the_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
