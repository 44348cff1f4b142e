/* Of each key three things are known: whether its row was there before the batch, whether it is there now, and whether
 * it was made within the batch (then its values are complete). These give the operation:
 *
 *   was there   is there   made here
 *      no         no          -         NOTHING
 *      no         yes        yes        INSERT
 *      yes        no          -         DELETE
 *      yes        yes         no        UPDATE
 *      yes        yes        yes        REPLACE
 *
 * A row that moves to another key is gone from the old one and made under the new one, if all its columns are known.
 * If not, it is a MOVE: the new key's entry knows whose original it is (`origin`), and the old key's that its original
 * lives elsewhere (`moved_out`) and is not there to be deleted, or to be replaced by a row made there: that is an
 * INSERT. When the row's last columns become known it is made at its new key after all, and when it is deleted it is
 * the original that is. */
#include "applier/fold.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include "applier/fold_table.h"
#include "base/mem.h"
#include "base/plant.h"

bool row_expected(enum row_op op)
{
    return op == ROW_DELETE || op == ROW_MOVE || op == ROW_UPDATE || op == ROW_REPLACE;
}

const char *row_op_name(enum row_op op)
{
    static const char *const names[ROW_OPS] = {"DELETE", "NOTHING", "MOVE", "UPDATE", "REPLACE", "INSERT"};
    return op < ROW_OPS ? names[op] : "?";
}

struct fold *fold_new(const uint16_t *key_columns, uint16_t nkey, uint16_t ncolumns)
{
    assert(nkey > 0);
    struct fold *f = mem_alloc(sizeof(*f));
    f->nkey = nkey;
    f->ncolumns = ncolumns;
    f->nwords = (uint16_t)((ncolumns + 63u) / 64u);
    f->key_columns = mem_array(nkey, sizeof(*f->key_columns));
    memcpy(f->key_columns, key_columns, nkey * sizeof(*f->key_columns));
    for (uint16_t i = 0; i < nkey; i++)
        assert(key_columns[i] < ncolumns);
    f->old_key = mem_array(nkey, sizeof(*f->old_key));
    f->new_key = mem_array(nkey, sizeof(*f->new_key));
    /* Keys come from the application's users: nobody shall choose ones that all collide. Without randomness it still
     * works. */
    if (getrandom(&f->seed, sizeof(f->seed), GRND_NONBLOCK) != sizeof(f->seed))
        f->seed = (uint64_t)(uintptr_t)f;
    f->nslots = 1024;
    f->slots = mem_array(f->nslots, sizeof(*f->slots));
    f->stamp = 1;
    return f;
}

void fold_free(struct fold *f)
{
    if (!f)
        return;
    arena_fini(&f->arena);
    mem_free(f->key_columns);
    mem_free(f->old_key);
    mem_free(f->new_key);
    mem_free(f->entries);
    mem_free(f->slots);
    mem_free(f->rows);
    mem_free(f->masks);
    mem_free(f->group_start);
    mem_free(f->mask_slots);
    mem_free(f);
}

void fold_reset(struct fold *f)
{
    arena_reset(&f->arena);
    f->nentries = 0;
    f->arranged = false;
    if (++f->stamp == 0) {
        memset(f->slots, 0, f->nslots * sizeof(*f->slots));
        f->stamp = 1;
    }
}

size_t fold_keys(const struct fold *f)
{
    return f->nentries;
}

size_t fold_bytes(const struct fold *f)
{
    return f->arena.bytes + f->nentries * (sizeof(*f->entries) + 2 * sizeof(*f->slots) + sizeof(*f->rows));
}

/* ---- keys ---- */

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
}

uint64_t fold_hash_bytes(uint64_t h, const char *p, size_t len)
{
    h = mix(h, len);
    uint64_t word;
    for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        h = mix(h, word);
    }
    word = 0;
    if (len)
        memcpy(&word, p, len);
    return mix(h, word);
}

uint64_t fold_hash_key(const struct fold *f, const struct value *key, uint64_t seed)
{
    uint64_t h = seed;
    for (uint16_t i = 0; i < f->nkey; i++)
        h = fold_hash_bytes(h, key[i].data, key[i].len);
    return mix(h, seed);
}

static bool same_key(const struct fold *f, const struct value *a, const struct value *b)
{
    for (uint16_t i = 0; i < f->nkey; i++)
        if (a[i].len != b[i].len || (a[i].len > 0 && memcmp(a[i].data, b[i].data, a[i].len) != 0))
            return false;
    return true;
}

/* NULL: the batch has not touched this key. */
static struct entry *find(struct fold *f, const struct value *key, uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    for (size_t i = hash & (f->nslots - 1); f->slots[i].stamp == f->stamp; i = (i + 1) & (f->nslots - 1)) {
        struct entry *e = &f->entries[f->slots[i].entry];
        if (f->slots[i].tag == tag && same_key(f, e->row.key, key))
            return e;
    }
    return NULL;
}

static void put_slot(struct fold *f, uint64_t hash, uint32_t entry)
{
    size_t i = hash & (f->nslots - 1);
    while (f->slots[i].stamp == f->stamp)
        i = (i + 1) & (f->nslots - 1);
    f->slots[i] = (struct slot){.stamp = f->stamp, .tag = (uint32_t)(hash >> 32), .entry = entry};
}

static void grow_slots(struct fold *f)
{
    mem_free(f->slots);
    f->nslots *= 2;
    f->slots = mem_array(f->nslots, sizeof(*f->slots));
    f->stamp = 1;
    for (size_t i = 0; i < f->nentries; i++)
        put_slot(f, fold_hash_key(f, f->entries[i].row.key, f->seed), (uint32_t)i);
}

/* Pointers to entries are not valid behind this. */
static struct entry *add(struct fold *f, const struct value *key, uint64_t hash, bool was_there)
{
    if (f->nentries == f->capacity) {
        assert(f->nentries < UINT32_MAX);
        f->capacity = f->capacity ? f->capacity * 2 : 512;
        f->entries = mem_resize(f->entries, f->capacity * sizeof(*f->entries));
    }
    if ((f->nentries + 1) * 2 > f->nslots)
        grow_slots(f);
    struct value *copy = arena_array(&f->arena, f->nkey, sizeof(*copy));
    memcpy(copy, key, f->nkey * sizeof(*copy));
    struct entry *e = &f->entries[f->nentries];
    *e = (struct entry){.row.key = copy, .was_there = was_there, .is_there = was_there};
    put_slot(f, hash, (uint32_t)f->nentries++);
    return e;
}

/* ---- what a change says ---- */

static enum fold_result fault(struct sc_error *err, const struct change *c, const char *what)
{
    error_set(err, SC_FAIL, "the change stream has %s %s %s",
              c->kind == CHANGE_INSERT || c->kind == CHANGE_UPDATE ? "an" : "a", change_kind_name(c->kind), what);
    error_hint(err, "The source is untouched and the batch was not applied. The server's log does not hold such a "
                    "thing, so this is a "
                    "fault of the program: please report it.");
    return FOLD_FAIL;
}

/* The key in `row`; a column it leaves out as unchanged is taken from `instead`. */
static bool get_key(const struct fold *f, struct value *key, const struct value *row, const struct value *instead)
{
    for (uint16_t i = 0; i < f->nkey; i++) {
        const struct value *v = &row[f->key_columns[i]];
        if (v->state == VALUE_UNCHANGED && instead)
            v = &instead[f->key_columns[i]];
        if (v->state != VALUE_PRESENT)
            return false;
        key[i] = *v;
    }
    return true;
}

/* How many columns are left out as unchanged; -1: one is not there at all. */
static int count_unchanged(const struct fold *f, const struct value *row)
{
    int unchanged = 0;
    bool absent = false;
    for (uint16_t i = 0; i < f->ncolumns; i++) {
        unchanged += row[i].state == VALUE_UNCHANGED;
        absent |= row[i].state == VALUE_ABSENT;
    }
    return absent ? -1 : unchanged;
}

static bool known(const struct value *v)
{
    return v->state == VALUE_PRESENT || v->state == VALUE_NULL;
}

/* What the image leaves out as unchanged: from the change's own old image, else from what the batch knows of the row.
 */
static const struct value *fill(const struct change *c, const struct value *before, uint16_t column)
{
    if (c->old_row && known(&c->old_row[column]))
        return &c->old_row[column];
    if (before && known(&before[column]))
        return &before[column];
    return &c->new_row[column];
}

static bool can_fill(const struct fold *f, const struct change *c, const struct value *before)
{
    for (uint16_t i = 0; i < f->ncolumns; i++)
        if (c->new_row[i].state == VALUE_UNCHANGED && fill(c, before, i)->state == VALUE_UNCHANGED)
            return false;
    return true;
}

/* Sets the entry's values to the new image over `before`: what the entry, or for a move the one it comes from, had so
 * far. */
static void merge(struct fold *f, struct entry *e, const struct change *c, const struct value *before)
{
    if (!e->own)
        e->own = arena_array(&f->arena, f->ncolumns, sizeof(*e->own));
    for (uint16_t i = 0; i < f->ncolumns; i++)
        e->own[i] = c->new_row[i].state == VALUE_UNCHANGED && !PLANTED(B3_UNCHANGED_HIDES_A_VALUE) ? *fill(c, before, i)
                                                                                                   : c->new_row[i];
    e->row.values = e->own;
}

/* The row at `e` is not its original key's any more: it is known in full, or it is gone. */
static void settle_origin(struct fold *f, struct entry *e)
{
    if (e->origin)
        f->entries[e->origin - 1].moved_out = false;
    e->origin = 0;
}

static void make(struct entry *e)
{
    e->is_there = e->made_here = true;
    e->row.changes++;
}

static void take_away(struct entry *e)
{
    e->is_there = e->made_here = false;
    e->origin = 0;
    e->row.values = NULL;
    e->row.changes++;
}

/* ---- the three kinds, and the move ---- */

static enum fold_result add_insert(struct fold *f, const struct change *c, struct sc_error *err)
{
    if (!c->new_row || count_unchanged(f, c->new_row) != 0)
        return fault(err, c, "that does not hold all columns");
    if (!get_key(f, f->new_key, c->new_row, NULL))
        return fault(err, c, "without a value in its key");
    uint64_t hash = fold_hash_key(f, f->new_key, f->seed);
    struct entry *e = find(f, f->new_key, hash);
    if (e && e->is_there)
        return fault(err, c, "of a row that is already there");
    if (!e)
        e = add(f, f->new_key, hash, false);
    merge(f, e, c, NULL);
    make(e);
    return FOLD_OK;
}

static enum fold_result add_delete(struct fold *f, const struct change *c, struct sc_error *err)
{
    if (!c->old_row || !get_key(f, f->old_key, c->old_row, NULL))
        return fault(err, c, "without a value in its key");
    uint64_t hash = fold_hash_key(f, f->old_key, f->seed);
    struct entry *e = find(f, f->old_key, hash);
    if (e && !e->is_there)
        return fault(err, c, "of a row that is already gone");
    if (!e)
        e = add(f, f->old_key, hash, true);
    settle_origin(f, e);
    take_away(e);
    return FOLD_OK;
}

/* From old_key to new_key, which differ. */
static enum fold_result add_move(struct fold *f, const struct change *c, int unchanged, struct sc_error *err)
{
    uint64_t old_hash = fold_hash_key(f, f->old_key, f->seed), new_hash = fold_hash_key(f, f->new_key, f->seed);
    struct entry *from = find(f, f->old_key, old_hash), *to = find(f, f->new_key, new_hash);
    if (from && !from->is_there)
        return fault(err, c, "of a row that is already gone");
    if (to && to->is_there)
        return fault(err, c, "that moves a row to a key that is taken");
    const struct value *before = from ? from->row.values : NULL;
    bool complete = unchanged == 0 || can_fill(f, c, before);
    uint32_t origin = from && from->origin ? from->origin : from ? (uint32_t)(from - f->entries) + 1 : 0;
    if (!complete && to && to->moved_out && (uint32_t)(to - f->entries) + 1 != origin)
        return FOLD_BARRIER;
    if (to)
        to->used = true;
    else
        to = add(f, f->new_key, new_hash, false);
    merge(f, to, c, before);
    from = find(f, f->old_key, old_hash); /* entries may have been moved in memory */
    if (!from)
        from = add(f, f->old_key, old_hash, true);
    to = find(f, f->new_key, new_hash);
    if (complete) {
        settle_origin(f, from);
        make(to);
    } else {
        to->origin = origin ? origin : (uint32_t)(from - f->entries) + 1;
        f->entries[to->origin - 1].moved_out = true;
        to->is_there = true;
        to->row.changes++;
    }
    take_away(from);
    return FOLD_OK;
}

static enum fold_result add_update(struct fold *f, const struct change *c, struct sc_error *err)
{
    int unchanged = c->new_row ? count_unchanged(f, c->new_row) : -1;
    if (unchanged < 0)
        return fault(err, c, "that does not hold all columns");
    if (!get_key(f, f->new_key, c->new_row, c->old_row) || (c->old_row && !get_key(f, f->old_key, c->old_row, NULL)))
        return fault(err, c, "without a value in its key");
    if (c->old_row && !same_key(f, f->old_key, f->new_key) && !PLANTED(B2_MOVE_AS_PLAIN_UPDATE))
        return add_move(f, c, unchanged, err);
    uint64_t hash = fold_hash_key(f, f->new_key, f->seed);
    struct entry *e = find(f, f->new_key, hash);
    if (e && !e->is_there)
        return fault(err, c, "of a row that is already gone");
    if (!e)
        e = add(f, f->new_key, hash, true);
    merge(f, e, c, e->row.values);
    e->row.changes++;
    if (e->origin && count_unchanged(f, e->row.values) == 0) {
        settle_origin(f, e);
        e->made_here = true;
    }
    return FOLD_OK;
}

enum fold_result fold_add(struct fold *f, const struct change *c, struct sc_error *err)
{
    if (c->kind != CHANGE_INSERT && c->kind != CHANGE_UPDATE && c->kind != CHANGE_DELETE)
        return fault(err, c, "where only changes of rows are expected");
    if (c->ncolumns != f->ncolumns)
        return fault(err, c, "with another number of columns than the table has");
    f->arranged = false;
    switch (c->kind) {
    case CHANGE_INSERT:
        return add_insert(f, c, err);
    case CHANGE_UPDATE:
        return add_update(f, c, err);
    default:
        return add_delete(f, c, err);
    }
}
