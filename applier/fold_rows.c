/* What a fold gives: its rows arranged by operation, and where one statement can serve many, by which columns they
 * leave unchanged. Made once, when rows are first asked for. */
#include <assert.h>
#include <string.h>

#include "applier/fold_table.h"
#include "base/mem.h"

/* ROW_OPS: nothing is to be done at this key. */
static enum row_op op_of(const struct entry *e)
{
    if (!e->is_there)
        return !e->was_there ? ROW_NOTHING : e->moved_out ? ROW_OPS : ROW_DELETE;
    if (e->origin)
        return ROW_MOVE;
    if (!e->was_there || e->moved_out)
        return ROW_INSERT;
    return e->made_here ? ROW_REPLACE : ROW_UPDATE;
}

static bool is_grouped(enum row_op op)
{
    return op == ROW_MOVE || op == ROW_UPDATE;
}

/* What else is to be done where a row has moved to: away with what was there. ROW_OPS: nothing. */
static enum row_op op_before(const struct fold *f, const struct entry *e)
{
    if (e->row.op != ROW_MOVE || !e->used || &f->entries[e->origin - 1] == e)
        return ROW_OPS;
    return e->was_there ? ROW_DELETE : ROW_NOTHING;
}

static uint64_t *mask_at(const struct fold *f, uint32_t group)
{
    return f->masks + (size_t)group * f->nwords;
}

static size_t mask_slot(const struct fold *f, const uint64_t *mask)
{
    size_t bytes = f->nwords * sizeof(*mask);
    size_t i = fold_hash_bytes(f->seed, (const char *)mask, bytes) & (f->nmask_slots - 1);
    while (f->mask_slots[i] && memcmp(mask_at(f, f->mask_slots[i] - 1), mask, bytes) != 0)
        i = (i + 1) & (f->nmask_slots - 1);
    return i;
}

static void grow_masks(struct fold *f)
{
    if (f->ngroups + 1 >= f->masks_capacity) {
        f->masks_capacity = f->masks_capacity ? f->masks_capacity * 2 : 16;
        f->masks = mem_resize(f->masks, f->masks_capacity * f->nwords * sizeof(*f->masks));
    }
    if ((f->ngroups + 1) * 2 > f->nmask_slots) {
        mem_free(f->mask_slots);
        f->nmask_slots = f->nmask_slots ? f->nmask_slots * 2 : 64;
        f->mask_slots = mem_array(f->nmask_slots, sizeof(*f->mask_slots));
        for (uint32_t g = 0; g < f->ngroups; g++)
            f->mask_slots[mask_slot(f, mask_at(f, g))] = g + 1;
    }
}

/* Writes the row's mask behind the last group's, where it stays when it is a new one. `last`: the row before had this
 * group. */
static uint32_t group_of(struct fold *f, const struct value *values, uint32_t last)
{
    grow_masks(f);
    uint64_t *mask = mask_at(f, f->ngroups);
    size_t bytes = f->nwords * sizeof(*mask);
    memset(mask, 0, bytes);
    for (uint16_t i = 0; i < f->ncolumns; i++)
        mask[i / 64] |= (uint64_t)(values[i].state == VALUE_UNCHANGED) << (i % 64);
    if (last < f->ngroups && memcmp(mask_at(f, last), mask, bytes) == 0)
        return last;
    size_t slot = mask_slot(f, mask);
    if (!f->mask_slots[slot])
        f->mask_slots[slot] = ++f->ngroups;
    return f->mask_slots[slot] - 1;
}

static size_t *group_starts(const struct fold *f, enum row_op op)
{
    return f->group_start + (op == ROW_MOVE ? 0 : f->ngroups + 1);
}

/* From how many rows each group has to where each starts; the last number is where the last ends. */
static void add_up(size_t *starts, uint32_t groups, size_t start)
{
    for (uint32_t g = 0; g <= groups; g++) {
        size_t count = starts[g];
        starts[g] = start;
        start += count;
    }
}

static void count_groups(struct fold *f)
{
    if (f->group_capacity < 2 * ((size_t)f->ngroups + 1)) {
        f->group_capacity = 4 * ((size_t)f->ngroups + 1);
        f->group_start = mem_resize(f->group_start, f->group_capacity * sizeof(*f->group_start));
    }
    memset(f->group_start, 0, 2 * ((size_t)f->ngroups + 1) * sizeof(*f->group_start));
    for (size_t i = 0; i < f->nentries; i++) {
        const struct folded_row *row = &f->entries[i].row;
        if (is_grouped(row->op))
            group_starts(f, row->op)[row->group]++;
    }
    add_up(group_starts(f, ROW_MOVE), f->ngroups, f->op_start[ROW_MOVE]);
    add_up(group_starts(f, ROW_UPDATE), f->ngroups, f->op_start[ROW_UPDATE]);
}

static void place_rows(struct fold *f)
{
    size_t next[ROW_OPS];
    memcpy(next, f->op_start, sizeof(next));
    for (size_t i = 0; i < f->nentries; i++) {
        const struct entry *e = &f->entries[i];
        if (e->row.op == ROW_OPS)
            continue;
        f->rows[is_grouped(e->row.op) ? group_starts(f, e->row.op)[e->row.group]++ : next[e->row.op]++] = &e->row;
        enum row_op before = op_before(f, e);
        if (before == ROW_OPS)
            continue;
        struct folded_row *gone = arena_array(&f->arena, 1, sizeof(*gone));
        *gone = (struct folded_row){.op = before, .key = e->row.key, .part = e->row.part};
        f->rows[next[before]++] = gone;
    }
    /* Each group's start has become its end, which is the next one's start. */
    for (enum row_op op = ROW_MOVE; op <= ROW_UPDATE; op++) {
        size_t *starts = group_starts(f, op);
        memmove(starts + 1, starts, f->ngroups * sizeof(*starts));
        starts[0] = f->op_start[op];
    }
}

/* A row that moves goes with the key it comes from: a row made there has that part, too, and what was at its new key
 * gets its part from it (place_rows). The same in every process, so that a batch that was applied in part can be gone
 * on with. */
static uint32_t part_of(const struct fold *f, const struct value *key)
{
    return (uint32_t)(fold_hash_key(f, key, 0x5EAC4A96Eu) >> 32);
}

/* A counting sort: by operation, then by group, then by first touch. */
static void arrange(struct fold *f)
{
    if (f->arranged)
        return;
    f->arranged = true;
    if (f->rows_capacity < f->nentries * 2) { /* a move can have a second row */
        f->rows_capacity = f->capacity * 2;
        f->rows = mem_resize(f->rows, f->rows_capacity * sizeof(*f->rows));
    }
    f->ngroups = 0;
    if (f->mask_slots)
        memset(f->mask_slots, 0, f->nmask_slots * sizeof(*f->mask_slots));
    size_t counts[ROW_OPS + 1] = {0};
    uint32_t last = 0;
    for (size_t i = 0; i < f->nentries; i++) {
        struct entry *e = &f->entries[i];
        struct folded_row *row = &e->row;
        row->op = op_of(e);
        row->group = is_grouped(row->op) ? (last = group_of(f, row->values, last)) : 0;
        row->from = row->op == ROW_MOVE ? f->entries[e->origin - 1].row.key : NULL;
        row->part = part_of(f, row->from ? row->from : row->key);
        counts[row->op]++;
        counts[op_before(f, e)]++;
    }
    f->op_start[0] = 0;
    for (int op = 0; op < ROW_OPS; op++)
        f->op_start[op + 1] = f->op_start[op] + counts[op];
    count_groups(f);
    place_rows(f);
}

static const struct folded_row *const *slice(const struct fold *f, size_t start, size_t end, size_t *count)
{
    *count = end - start;
    return f->rows ? f->rows + start : NULL;
}

const struct folded_row *const *fold_rows(struct fold *f, enum row_op op, size_t *count)
{
    arrange(f);
    return slice(f, f->op_start[op], f->op_start[op + 1], count);
}

uint32_t fold_groups(struct fold *f)
{
    arrange(f);
    return f->ngroups;
}

const struct folded_row *const *fold_group_rows(struct fold *f, enum row_op op, uint32_t group, size_t *count)
{
    arrange(f);
    assert(is_grouped(op) && group < f->ngroups);
    const size_t *starts = group_starts(f, op);
    return slice(f, starts[group], starts[group + 1], count);
}

const uint64_t *fold_group_mask(struct fold *f, uint32_t group)
{
    arrange(f);
    assert(group < f->ngroups);
    return mask_at(f, group);
}
