#include "torture/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* How often the tag of an operation whose rows the client does not know was seen. */
struct seen {
    uint32_t *by_number[CLIENTS_MOST];
};

struct checking {
    struct world *world;
    const struct rows_read *all, *old;
    struct seen seen;
};

static bool quiet(struct checking *k)
{
    return k->world->error_count == ERRORS_MOST;
}

#define FOUND(k, ...) world_error((k)->world, __VA_ARGS__)

/* --- a row by its trail */

static bool follow_trail(struct checking *k, const struct row *row, struct expected *e)
{
    char name[ROW_NAME];
    row_name(name, row->birth);
    uint32_t last[CLIENTS_MOST] = {0};
    const char *trail = row->values[COL_TRAIL] ? row->values[COL_TRAIL] : "";
    int client;
    uint32_t number;
    *e = (struct expected){.slot = NOT_SET, .n = NOT_SET};
    while (trail_next(&trail, &client, &number)) {
        const struct op *op = history_find(&k->world->histories[client], number);
        if (!op || op->outcome == OUTCOME_NOT_DONE) {
            FOUND(k, "C2: %s was changed by %d.%" PRIu32 ", which %s", name, client, number,
                  op ? "was not done" : "nobody has done");
            return false;
        }
        const struct touch *t = op_touch(op, row->birth);
        if (!t && op->kind != OP_APPEND && op->kind != OP_MANY) {
            FOUND(k, "C2: %s was changed by %d.%" PRIu32 ", which did not touch it", name, client, number);
            return false;
        }
        if ((e->ver == 0) != (t && t->born)) {
            FOUND(k, "C3: the trail of %s does not begin with who inserted it, or has two of them", name);
            return false;
        }
        if (number <= last[client]) {
            FOUND(k, "C3: %s was changed by %d.%" PRIu32 " after %d.%" PRIu32, name, client, number, client,
                  last[client]);
            return false;
        }
        last[client] = number;
        e->ver++;
        k->seen.by_number[client][number]++;
        if (t)
            expected_touch(e, t, client, number);
    }
    if (*trail || e->ver == 0)
        FOUND(k, "C2: the trail of %s is none: it ends with %.20s", name, trail);
    return *trail == '\0' && e->ver > 0;
}

static void must_be_number(struct checking *k, const struct row *row, enum column column, int64_t expected)
{
    char name[ROW_NAME], number[32] = "NULL";
    const char *is = row->values[column] ? row->values[column] : "NULL";
    if (expected != NOT_SET)
        snprintf(number, sizeof(number), "%" PRId64, expected);
    if (strcmp(is, number) == 0)
        return;
    row_name(name, row->birth);
    FOUND(k, "%s: column %s of %s%s is %s and must be %s", column == COL_VER ? "C3" : "C5", column_names[column], name,
          row->dead ? " (deleted)" : "", is, number);
}

static void must_have_content(struct checking *k, const struct row *row, const struct expected *e)
{
    struct buf text = {0};
    char name[ROW_NAME];
    for (int column = CONTENT_FIRST; column < COL_KEY; column++) {
        buf_clear(&text);
        bool value = content_text((enum column)column, &text, e->content_client, e->content_number);
        const char *is = row->values[column];
        if (value == (is != NULL) && (!value || strcmp(is, buf_cstr(&text)) == 0))
            continue;
        row_name(name, row->birth);
        FOUND(k, "C5: column %s of %s%s is not what %d.%" PRIu32 " wrote: it is %.60s", column_names[column], name,
              row->dead ? " (deleted)" : "", e->content_client, e->content_number, is ? is : "NULL");
    }
    if (!row->dead) {
        buf_clear(&text);
        shape_key_text(&k->world->shape, &text, e->n);
        if (strcmp(row->values[COL_KEY] ? row->values[COL_KEY] : "", buf_cstr(&text)) != 0) {
            row_name(name, row->birth);
            FOUND(k, "C5: the key of %s is %s, and must be %s", name, row->values[COL_KEY], buf_cstr(&text));
        }
    }
    buf_fini(&text);
}

static void check_rows(struct checking *k)
{
    const struct rows_read *all = k->all;
    int64_t sum = 0;
    for (size_t i = 0; i < all->count && !quiet(k); i++) {
        const struct row *row = &all->items[i];
        struct expected e;
        char name[ROW_NAME];
        if (i > 0 && all->items[i - 1].birth == row->birth) {
            row_name(name, row->birth);
            FOUND(k, "C2: %s is there %s", name,
                  all->items[i - 1].dead != row->dead ? "though it was deleted" : "twice");
        }
        sum += strtoll(row->values[COL_BAL], NULL, 10);
        if (!follow_trail(k, row, &e))
            continue;
        must_be_number(k, row, COL_VER, e.ver);
        must_be_number(k, row, COL_BAL, e.bal);
        must_be_number(k, row, COL_SLOT, e.slot);
        must_be_number(k, row, COL_N, e.n);
        must_have_content(k, row, &e);
    }
    if (sum != (int64_t)k->world->rows * BALANCE && !quiet(k))
        FOUND(k, "C4: the balances' sum is %" PRId64 " in the end, and was %" PRId64, sum,
              (int64_t)k->world->rows * BALANCE);
}

/* --- the history against the rows */

/* Is the tag of this operation in the row's trail? */
static bool has_tag(const struct row *row, int client, uint32_t number)
{
    char tag[40];
    size_t len = (size_t)snprintf(tag, sizeof(tag), ":%d.%" PRIu32, client, number);
    for (const char *at = row->values[COL_TRAIL]; at && (at = strstr(at, tag)); at += len)
        if (at[len] == ':' || at[len] == '\0')
            return true;
    return false;
}

static bool touch_is_there(const struct checking *k, const struct touch *t, int client, uint32_t number)
{
    const struct row *row = rows_find(k->all, t->birth);
    char tag[40];
    snprintf(tag, sizeof(tag), "%d.%" PRIu32, client, number);
    return row && (t->died ? row->dead && strcmp(row->values[COL_KEY], tag) == 0 : has_tag(row, client, number));
}

static void check_op(struct checking *k, const struct op *op, int client, uint32_t number, struct counts *counts)
{
    char name[ROW_NAME];
    int there = 0;
    if (op->outcome == OUTCOME_NOT_DONE) {
        counts->not_done++;
        return; /* its tag in a trail is found there; a grave of it is found here */
    }
    for (int i = 0; i < op->touch_count; i++)
        there += touch_is_there(k, &op->touches[i], client, number);
    if (op->outcome == OUTCOME_UNKNOWN) {
        counts->unknown++;
        counts->unknown_seen += there > 0 || k->seen.by_number[client][number] > 0;
        if (there != 0 && there != op->touch_count)
            FOUND(k, "C1: %s %d.%" PRIu32 " was in doubt, and is there in part", kind_names[op->kind], client, number);
        return;
    }
    counts->done++;
    for (int i = 0; i < op->touch_count && there < op->touch_count; i++) {
        const struct touch *t = &op->touches[i];
        if (touch_is_there(k, t, client, number))
            continue;
        const struct row *row = rows_find(k->all, t->birth);
        row_name(name, t->birth);
        FOUND(k, "C1: %s %d.%" PRIu32 " was acknowledged, and %s %s", kind_names[op->kind], client, number, name,
              !row      ? "is lost"
              : t->died ? "is still there"
                        : "does not have the change");
    }
    bool anonymous = op->kind == OP_APPEND || op->kind == OP_MANY;
    if (anonymous && k->seen.by_number[client][number] != op->counted)
        FOUND(k, "C1: %s %d.%" PRIu32 " was acknowledged for %" PRIu64 " rows, and %" PRIu32 " have it",
              kind_names[op->kind], client, number, op->counted, k->seen.by_number[client][number]);
}

static void check_history(struct checking *k, struct counts *counts)
{
    for (int client = 0; client <= k->world->clients; client++) {
        const struct history *history = &k->world->histories[client];
        for (uint32_t i = 0; i < history->count && !quiet(k); i++)
            check_op(k, &history->ops[i], client, i + 1, counts);
    }
}

/* Whoever is dead was deleted by an operation that was done. */
static void check_deaths(struct checking *k)
{
    size_t deaths = 0, graves = 0;
    for (int client = 0; client <= k->world->clients; client++) {
        const struct history *history = &k->world->histories[client];
        for (uint32_t i = 0; i < history->count; i++) {
            const struct op *op = &history->ops[i];
            for (int j = 0; j < op->touch_count && op->outcome != OUTCOME_NOT_DONE; j++)
                deaths += op->touches[j].died && touch_is_there(k, &op->touches[j], client, i + 1);
        }
    }
    for (size_t i = 0; i < k->all->count; i++)
        graves += k->all->items[i].dead;
    if (deaths != graves)
        FOUND(k, "C2: %zu rows were deleted, and %zu deletions are written down", deaths, graves);
}

/* --- what was swapped out */

static void check_old(struct checking *k)
{
    char name[ROW_NAME];
    for (size_t i = 0; i < k->old->count && !quiet(k); i++) {
        const struct row *was = &k->old->items[i], *is = rows_find(k->all, was->birth);
        row_name(name, was->birth);
        size_t len = strlen(was->values[COL_TRAIL]);
        if (!is) {
            FOUND(k, "C5: %s was in the table that was swapped out, and is lost", name);
        } else if (!trail_begins(is->values[COL_TRAIL], was->values[COL_TRAIL], len)) {
            FOUND(k, "C5: the changes of %s do not begin with those it had when it was swapped out", name);
        } else if (is->values[COL_TRAIL][len] == '\0') {
            for (int column = 0; column < (is->dead ? COL_KEY : COLUMNS); column++) {
                const char *a = was->values[column], *b = is->values[column];
                if ((a == NULL) != (b == NULL) || (a && strcmp(a, b) != 0))
                    FOUND(k, "C5: column %s of %s is not the same as in the table that was swapped out",
                          column_names[column], name);
            }
        }
    }
}

bool check_all(struct world *world, const struct content *content, struct counts *counts)
{
    struct checking k = {.world = world, .all = &content->all, .old = &content->old};
    *counts = (struct counts){.old_rows = k.old->count};
    for (size_t i = 0; i < k.all->count; i++)
        counts->graves += k.all->items[i].dead;
    counts->rows = k.all->count - counts->graves;
    for (int i = 0; i < CLIENTS_MOST; i++)
        k.seen.by_number[i] = mem_array(world->histories[i].count + 1, sizeof(uint32_t));
    check_rows(&k);
    check_history(&k, counts);
    check_deaths(&k);
    check_old(&k);
    for (int i = 0; i < CLIENTS_MOST; i++)
        mem_free(k.seen.by_number[i]);
    return world->error_count == 0;
}

/* --- what it looks like */

/* The cells of a query's answer, one after the other. */
static bool answer_text(struct session *session, const char *query, struct buf *text)
{
    if (session_run(session, "%s", query) != SQL_OK)
        return false;
    for (int row = 0; row < session->rows.count; row++)
        for (int column = 0; column < session->rows.columns; column++)
            buf_printf(text, "%s\n",
                       session_value(session, row, column) ? session_value(session, row, column) : "NULL");
    return true;
}

bool check_definition(struct world *world, const char *other_url)
{
    struct world other = {.shape = world->shape};
    struct session a, b;
    struct buf is = {0}, must = {0};
    const struct family *family = world->shape.family;
    bool fine = world_make(&other, other_url);
    fine = session_open(&a, family->sql, world->url) && fine;
    fine = session_open(&b, family->sql, other_url) && fine;
    fine = fine && session_run(&b, "ALTER TABLE t %s", family->alters[world->shape.alter]) == SQL_OK &&
           answer_text(&a, family->columns_of, &is) && answer_text(&b, family->columns_of, &must);
    if (!fine)
        world_error(world, "C8: the table's definition cannot be compared: %s %s", a.error, b.error);
    else if (strcmp(buf_cstr(&is), buf_cstr(&must)) != 0)
        world_error(world, "C8: the table is defined as\n%s\nand a native ALTER makes it\n%s", buf_cstr(&is),
                    buf_cstr(&must));
    session_close(&a);
    session_close(&b);
    buf_fini(&is);
    buf_fini(&must);
    world_fini(&other);
    return world->error_count == 0;
}

bool check_nothing_left(struct world *world)
{
    enum { TRIES = 100, APART_MS = 100 }; /* a session that was closed takes its time to end */
    struct session session;
    struct buf left = {0};
    bool fine = session_open(&session, world->shape.family->sql, world->url);
    for (int i = 0; i < TRIES && fine; i++) {
        buf_clear(&left);
        fine = answer_text(&session, world->shape.family->left_behind, &left);
        if (left.len == 0)
            break;
        clock_sleep_ms(APART_MS);
    }
    if (!fine || left.len)
        world_error(world, "C8: left behind: %s%s", buf_cstr(&left), fine ? "" : session.error);
    session_close(&session);
    buf_fini(&left);
    return world->error_count == 0;
}
