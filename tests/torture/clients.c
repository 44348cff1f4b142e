#include "torture/clients.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { SPREAD = 1000, MANY_ROWS = 200, RECONNECT_MS = 50, SNAPSHOT_MS = 60 };

struct client {
    struct world *world;
    struct history *history;
    struct session session;
    pthread_t thread;
    uint64_t seed;
    uint32_t number; /* of the operation */
    int client;
    bool committing; /* from here on a lost connection leaves it unknown what was done */
    bool prepared;
};

/* A row as it was read, locked. */
struct row {
    int64_t n, birth, slot, bal;
};

void world_error(struct world *world, const char *format, ...)
{
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&b, format, args);
    va_end(args);
    pthread_mutex_lock(&world->lock);
    if (world->error_count < ERRORS_MOST)
        world->errors[world->error_count++] = buf_take(&b);
    pthread_mutex_unlock(&world->lock);
    buf_fini(&b);
}

static uint64_t draw(struct client *c, uint64_t below)
{
    c->seed ^= c->seed << 13;
    c->seed ^= c->seed >> 7;
    c->seed ^= c->seed << 17;
    return (c->seed >> 11) % below;
}

/* --- keys */

static void pool_add(struct pool *pool, int64_t n)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->count == pool->cap) {
        pool->cap = pool->cap ? pool->cap * 2 : 4096;
        pool->keys = mem_resize(pool->keys, pool->cap * sizeof(*pool->keys));
    }
    pool->keys[pool->count++] = n;
    pthread_mutex_unlock(&pool->lock);
}

static int64_t pool_pick(struct client *c, bool take)
{
    struct pool *pool = &c->world->pool;
    pthread_mutex_lock(&pool->lock);
    uint32_t i = (uint32_t)draw(c, pool->count ? pool->count : 1);
    int64_t n = pool->count ? pool->keys[i] : 0;
    if (take && pool->count)
        pool->keys[i] = pool->keys[--pool->count];
    pthread_mutex_unlock(&pool->lock);
    return n;
}

/* All over the range, between the rows that were there first. */
static int64_t new_key(struct world *world, uint32_t i)
{
    uint32_t rows = (uint32_t)world->rows;
    return (int64_t)((uint64_t)i * 7919 % rows) * SPREAD - (int64_t)rows / 2 * SPREAD + 1 + i / rows;
}

/* --- statements */

static enum answer run(struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static enum answer run(struct client *c, const char *format, ...)
{
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    int64_t began = clock_us();
    enum answer answer = session_run(&c->session, "%s", buf_cstr(&sql));
    uint64_t took = (uint64_t)(clock_us() - began);
    if (answer == SQL_OK && took > c->world->stall_us[c->client])
        c->world->stall_us[c->client] = took;
    if (answer == SQL_REFUSED)
        world_error(c->world, "C6: client %d was told: %s (%s) for: %.70s", c->client, c->session.error,
                    c->session.code, buf_cstr(&sql));
    buf_fini(&sql);
    return answer;
}

static enum answer commit(struct client *c)
{
    c->committing = true;
    return run(c, "COMMIT");
}

static char *where(struct client *c, int64_t n)
{
    struct buf b = {0};
    shape_key_where(&c->world->shape, &b, n);
    return buf_take(&b);
}

/* SQL_OK with *found false: there is no such row (any more). */
static enum answer lock_row(struct client *c, int64_t n, struct row *row, bool *found)
{
    char *key = where(c, n);
    enum answer answer = run(c, "SELECT n, birth, slot, bal FROM t WHERE %s FOR UPDATE", key);
    mem_free(key);
    *found = answer == SQL_OK && c->session.rows.count == 1;
    if (*found)
        *row = (struct row){.n = session_number(&c->session, 0, 0),
                            .birth = session_number(&c->session, 0, 1),
                            .slot = session_value(&c->session, 0, 2) ? session_number(&c->session, 0, 2) : NOT_SET,
                            .bal = session_number(&c->session, 0, 3)};
    return answer;
}

static struct touch *touch(struct op *op, int64_t birth)
{
    struct touch *t = &op->touches[op->touch_count++];
    *t = (struct touch){.birth = birth, .slot = NOT_SET, .n = NOT_SET};
    return t;
}

/* Changes a row that is locked; `more` is put into SET. */
static enum answer change(struct client *c, int64_t n, const char *more)
{
    char *key = where(c, n);
    enum answer answer = run(c, "UPDATE t SET ver = ver + 1, trail = trail || ':%d.%" PRIu32 "'%s%s WHERE %s",
                             c->client, c->number, *more ? ", " : "", more, key);
    if (answer == SQL_OK && c->session.affected != 1)
        world_error(c->world, "C6: client %d changed %" PRIu64 " rows where it had locked one", c->client,
                    c->session.affected);
    mem_free(key);
    return answer;
}

/* Two rows are locked in the order of their keys, mostly. */
static enum answer lock_two(struct client *c, struct row *a, struct row *b, bool *found)
{
    int64_t first = pool_pick(c, false), second = pool_pick(c, false);
    if ((first > second) != (draw(c, 10) == 0)) {
        int64_t swap = first;
        first = second;
        second = swap;
    }
    enum answer answer = lock_row(c, first, a, found);
    if (answer == SQL_OK && *found)
        answer = lock_row(c, second, b, found);
    *found = *found && a->birth != b->birth;
    return answer;
}

static enum answer insert_row(struct client *c, struct op *op, int64_t n)
{
    uint32_t i = atomic_fetch_add(&c->world->next_row, 1);
    struct touch *t = touch(op, BIRTH(c->client, c->number, op->touch_count));
    t->born = t->content = true;
    t->n = n != NOT_SET ? n : new_key(c->world, i);
    t->slot = draw(c, 6) == 0 ? NOT_SET : 1000000 + (int64_t)i;
    struct buf key = {0}, content = {0}, slot = {0};
    shape_key_values(&c->world->shape, &key, t->n);
    content_values(c->world->shape.family, &content, c->client, c->number);
    if (t->slot == NOT_SET)
        buf_str(&slot, "NULL");
    else
        buf_printf(&slot, "%" PRId64, t->slot);
    enum answer answer = run(c,
                             "INSERT INTO t (%s, n, birth, slot, bal, ver, trail, " CONTENT_COLUMNS
                             ") VALUES (%s, %" PRId64 ", %" PRId64 ", %s, 0, 1, ':%d.%" PRIu32 "', %s)",
                             c->world->shape.key == KEY_COMPOSITE ? "grp, id" : "id", buf_cstr(&key), t->n, t->birth,
                             buf_cstr(&slot), c->client, c->number, buf_cstr(&content));
    buf_fini(&key);
    buf_fini(&content);
    buf_fini(&slot);
    return answer;
}

/* What is deleted is written down beside it, in the same transaction, with who does it. */
static enum answer delete_row(struct client *c, struct op *op, const struct row *row)
{
    char *key = where(c, row->n);
    touch(op, row->birth)->died = true;
    enum answer answer = run(c,
                             "INSERT INTO graves SELECT n, birth, slot, bal, ver, trail, " CONTENT_COLUMNS
                             ", '%d.%" PRIu32 "' FROM t WHERE %s",
                             c->client, c->number, key);
    if (answer == SQL_OK)
        answer = run(c, "DELETE FROM t WHERE %s", key);
    mem_free(key);
    return answer;
}

/* --- operations. Each returns SQL_OK with op->outcome still unknown when it was committed, and OUTCOME_NOT_DONE when
 * it found no row to work with or has rolled back. */

static enum answer nothing_done(struct client *c, struct op *op)
{
    op->outcome = OUTCOME_NOT_DONE;
    return run(c, "ROLLBACK");
}

static enum answer op_transfer(struct client *c, struct op *op)
{
    struct row a, b;
    bool found;
    char more[60];
    enum answer answer = lock_two(c, &a, &b, &found);
    if (answer != SQL_OK || !found)
        return answer == SQL_OK ? nothing_done(c, op) : answer;
    int64_t amount = 1 + (int64_t)draw(c, 50);
    touch(op, a.birth)->delta = -amount;
    touch(op, b.birth)->delta = amount;
    snprintf(more, sizeof(more), "bal = bal - %" PRId64, amount);
    answer = change(c, a.n, more);
    snprintf(more, sizeof(more), "bal = bal + %" PRId64, amount);
    if (answer == SQL_OK)
        answer = change(c, b.n, more);
    return answer == SQL_OK ? commit(c) : answer;
}

/* A unique value that both have for a moment would be refused: one is NULL in between. */
static enum answer op_exchange(struct client *c, struct op *op)
{
    struct row a, b;
    bool found;
    enum answer answer = lock_two(c, &a, &b, &found);
    if (answer != SQL_OK || !found || a.slot == NOT_SET || b.slot == NOT_SET)
        return answer == SQL_OK ? nothing_done(c, op) : answer;
    touch(op, a.birth)->slot = b.slot;
    touch(op, b.birth)->slot = a.slot;
    char more[60], *key = where(c, a.n);
    answer = run(c, "UPDATE t SET slot = NULL WHERE %s", key);
    mem_free(key);
    snprintf(more, sizeof(more), "slot = %" PRId64, a.slot);
    if (answer == SQL_OK)
        answer = change(c, b.n, more);
    snprintf(more, sizeof(more), "slot = %" PRId64, b.slot);
    if (answer == SQL_OK)
        answer = change(c, a.n, more);
    return answer == SQL_OK ? commit(c) : answer;
}

static enum answer op_savepoint(struct client *c, struct op *op)
{
    struct row a, b;
    bool found;
    enum answer answer = lock_two(c, &a, &b, &found);
    if (answer != SQL_OK || !found)
        return answer == SQL_OK ? nothing_done(c, op) : answer;
    touch(op, a.birth);
    answer = change(c, a.n, "");
    if (answer == SQL_OK)
        answer = run(c, "SAVEPOINT middle");
    if (answer == SQL_OK)
        answer = change(c, b.n, "bal = bal + 1000000");
    if (answer == SQL_OK)
        answer = run(c, "ROLLBACK TO SAVEPOINT middle");
    return answer == SQL_OK ? commit(c) : answer;
}

static enum answer op_content(struct client *c, struct op *op)
{
    struct row row;
    bool found;
    enum answer answer = lock_row(c, pool_pick(c, false), &row, &found);
    if (answer != SQL_OK || !found)
        return answer == SQL_OK ? nothing_done(c, op) : answer;
    touch(op, row.birth)->content = true;
    struct buf set = {0};
    content_set(c->world->shape.family, &set, c->client, c->number);
    answer = change(c, row.n, buf_cstr(&set));
    buf_fini(&set);
    if (answer != SQL_OK || op->kind != OP_ROLLBACK)
        return answer == SQL_OK ? commit(c) : answer;
    return nothing_done(c, op);
}

static enum answer op_move(struct client *c, struct op *op)
{
    struct row row;
    bool found;
    enum answer answer = lock_row(c, pool_pick(c, true), &row, &found);
    if (answer != SQL_OK || !found)
        return answer == SQL_OK ? nothing_done(c, op) : answer;
    struct touch *t = touch(op, row.birth);
    t->n = new_key(c->world, atomic_fetch_add(&c->world->next_row, 1));
    struct buf set = {0};
    buf_printf(&set, "n = %" PRId64 ", ", t->n);
    shape_key_set(&c->world->shape, &set, t->n);
    answer = change(c, row.n, buf_cstr(&set));
    buf_fini(&set);
    pool_add(&c->world->pool, row.n); /* if it is not committed, or another takes this key */
    pool_add(&c->world->pool, t->n);
    return answer == SQL_OK ? commit(c) : answer;
}

static enum answer op_delete(struct client *c, struct op *op)
{
    struct row row;
    bool found;
    enum answer answer = lock_row(c, pool_pick(c, false), &row, &found);
    if (answer != SQL_OK || !found)
        return answer == SQL_OK ? nothing_done(c, op) : answer;
    answer = delete_row(c, op, &row);
    /* Its balance goes with it, so the sum is over both tables. */
    if (answer == SQL_OK && op->kind == OP_REINSERT)
        answer = insert_row(c, op, row.n);
    return answer == SQL_OK ? commit(c) : answer;
}

static enum answer op_insert(struct client *c, struct op *op)
{
    c->committing = true;
    enum answer answer = insert_row(c, op, NOT_SET);
    pool_add(&c->world->pool, op->touches[0].n);
    return answer;
}

/* Without reading the row before; half of the clients by a statement that they prepared when they came. */
static enum answer op_append(struct client *c, struct op *op)
{
    const struct family *family = c->world->shape.family;
    char tag[40];
    long long n = pool_pick(c, false);
    enum answer answer = SQL_OK;
    snprintf(tag, sizeof(tag), "%d.%" PRIu32, c->client, c->number);
    c->committing = true;
    if (!c->prepared)
        answer = run(c, "UPDATE t SET ver = ver + 1, trail = trail || ':%s' WHERE n = %lld", tag, n);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (c->prepared && family->execute_first)
        answer = run(c, family->execute_first, tag, n);
    if (c->prepared && answer == SQL_OK)
        answer = run(c, family->execute, tag, n);
#pragma GCC diagnostic pop
    op->counted = c->session.affected;
    return answer;
}

static enum answer op_many(struct client *c, struct op *op)
{
    int64_t first = pool_pick(c, false);
    enum answer answer = run(
        c, "UPDATE t SET ver = ver + 1, trail = trail || ':%d.%" PRIu32 "' WHERE n BETWEEN %" PRId64 " AND %" PRId64,
        c->client, c->number, first, first + (int64_t)SPREAD * MANY_ROWS);
    op->counted = c->session.affected;
    return answer == SQL_OK ? commit(c) : answer;
}

static const struct {
    unsigned weight;
    bool alone; /* one statement, which commits by itself */
    enum answer (*run)(struct client *c, struct op *op);
} operations[OP_KINDS] = {
    [OP_INSERT] = {24, true, op_insert},    [OP_TRANSFER] = {20, false, op_transfer},
    [OP_APPEND] = {20, true, op_append},    [OP_CONTENT] = {10, false, op_content},
    [OP_MOVE] = {5, false, op_move},        [OP_EXCHANGE] = {5, false, op_exchange},
    [OP_DELETE] = {10, false, op_delete},   [OP_REINSERT] = {5, false, op_delete},
    [OP_ROLLBACK] = {4, false, op_content}, [OP_SAVEPOINT] = {3, false, op_savepoint},
    [OP_MANY] = {1, false, op_many},
};

static enum kind draw_kind(struct client *c)
{
    unsigned all = 0;
    for (int i = 0; i < OP_KINDS; i++)
        all += operations[i].weight;
    unsigned drawn = (unsigned)draw(c, all);
    int kind = 0;
    while (drawn >= operations[kind].weight)
        drawn -= operations[kind++].weight;
    return (enum kind)kind;
}

static void perform(struct client *c)
{
    enum kind kind = draw_kind(c);
    struct op *op = history_add(c->history, kind, &c->number);
    op->began_us = clock_us();
    op->outcome = OUTCOME_UNKNOWN;
    c->committing = false;
    enum answer answer = operations[kind].alone ? SQL_OK : run(c, "BEGIN");
    if (answer == SQL_OK)
        answer = operations[kind].run(c, op);
    if (answer == SQL_OK && op->outcome == OUTCOME_UNKNOWN)
        op->outcome = OUTCOME_DONE;
    else if (answer == SQL_CONFLICT || answer == SQL_REFUSED || !c->committing)
        op->outcome = OUTCOME_NOT_DONE;
    op->ended_us = clock_us();
    if ((answer == SQL_CONFLICT || answer == SQL_REFUSED) && !operations[kind].alone)
        answer = run(c, "ROLLBACK");
    if (answer == SQL_LOST)
        session_close(&c->session);
}

static bool connect_client(struct client *c)
{
    const struct family *family = c->world->shape.family;
    if (!session_open(&c->session, family->sql, c->world->url))
        return false;
    bool fine =
        session_run(&c->session, "%s", c->client % 2 ? family->read_committed : family->repeatable_read) == SQL_OK;
    c->prepared = c->client % 4 < 2;
    if (fine && c->prepared)
        fine = session_run(&c->session, "%s", family->prepare) == SQL_OK;
    if (!fine)
        session_close(&c->session);
    return fine;
}

static void *client_main(void *arg)
{
    struct client *c = arg;
    while (!atomic_load(&c->world->stopping)) {
        if (!c->session.connection && !connect_client(c)) {
            clock_sleep_ms(RECONNECT_MS);
            continue;
        }
        perform(c);
        if (c->world->pause_us)
            clock_sleep_ms(c->world->pause_us / 1000);
    }
    session_close(&c->session);
    return NULL;
}

/* --- who reads it */

#define SUMS                                                                                                           \
    "SELECT (SELECT coalesce(sum(bal), 0) FROM t) + (SELECT coalesce(sum(bal), 0) FROM graves), "                      \
    "(SELECT count(*) FROM t), (SELECT coalesce(sum(ver), 0) FROM t)"

/* Whether the same snapshot has as many rows by every index. */
static void tell_counts(struct client *c)
{
    const char *counts = c->world->shape.family->counts;
    if (counts && session_run(&c->session, "%s", counts) == SQL_OK)
        world_error(c->world,
                    "    by indexes: %" PRId64 " rows by the key, %" PRId64 ", %" PRId64 ", %" PRId64 " by the others",
                    session_number(&c->session, 0, 0), session_number(&c->session, 0, 1),
                    session_number(&c->session, 0, 2), session_number(&c->session, 0, 3));
}

/* C4: the sum is the same in every snapshot, and a snapshot stays what it is, also across the swap. */
static void read_snapshot(struct client *c)
{
    int64_t seen[2][3], began_us = clock_us(), ended_us = 0;
    enum answer answer = session_run(&c->session, "%s", c->world->shape.family->begin_repeatable_read);
    for (int look = 0; look < 2 && answer == SQL_OK; look++) {
        answer = session_run(&c->session, SUMS);
        for (int i = 0; i < 3 && answer == SQL_OK; i++)
            seen[look][i] = session_number(&c->session, 0, i);
        if (look == 0) {
            ended_us = clock_us();
            clock_sleep_ms(SNAPSHOT_MS);
        }
    }
    if (answer == SQL_OK) {
        c->world->snapshots++;
        if (seen[0][0] != (int64_t)c->world->rows * BALANCE && c->world->odd_count < ODD_MOST)
            c->world->odd[c->world->odd_count++] =
                (struct odd_snapshot){.began_us = began_us, .ended_us = ended_us, .sum = seen[0][0]};
        if (memcmp(seen[0], seen[1], sizeof(seen[0])) != 0) {
            world_error(c->world,
                        "C4: a snapshot changed: %" PRId64 " rows, then %" PRId64 " (sums of balances %" PRId64
                        ", %" PRId64 "; of versions %" PRId64 ", %" PRId64 ")",
                        seen[0][1], seen[1][1], seen[0][0], seen[1][0], seen[0][2], seen[1][2]);
            tell_counts(c);
        }
    }
    if (answer == SQL_REFUSED)
        world_error(c->world, "C6: who reads the table was told: %s (%s)", c->session.error, c->session.code);
    if (answer == SQL_LOST || session_run(&c->session, "ROLLBACK") == SQL_LOST)
        session_close(&c->session);
}

static void *reader_main(void *arg)
{
    struct client *c = arg;
    while (!atomic_load(&c->world->stopping)) {
        if (c->session.connection || session_open(&c->session, c->world->shape.family->sql, c->world->url))
            read_snapshot(c);
        clock_sleep_ms(RECONNECT_MS);
    }
    session_close(&c->session);
    return NULL;
}

void clients_start(struct world *world)
{
    struct client *all = mem_array((size_t)world->clients + 1, sizeof(*all));
    world->threads = all;
    for (int i = 0; i <= world->clients; i++) {
        all[i] =
            (struct client){.world = world,
                            .client = i,
                            .history = &world->histories[i],
                            .seed = (world->seed + 1) * 0x9e3779b97f4a7c15u + (uint64_t)i * 0xbf58476d1ce4e5b9u + 1};
        pthread_create(&all[i].thread, NULL, i == 0 ? reader_main : client_main, &all[i]);
    }
}

void clients_stop(struct world *world)
{
    struct client *all = world->threads;
    atomic_store(&world->stopping, true);
    for (int i = 0; all && i <= world->clients; i++)
        pthread_join(all[i].thread, NULL);
    mem_free(all);
    world->threads = NULL;
}

bool clients_last(struct world *world, char trail[40])
{
    struct client c = {.world = world, .history = &world->histories[0], .seed = world->seed};
    struct op *op = history_add(c.history, OP_INSERT, &c.number);
    op->outcome = OUTCOME_UNKNOWN;
    op->began_us = clock_us();
    bool done = session_open(&c.session, world->shape.family->sql, world->url) && op_insert(&c, op) == SQL_OK;
    op->ended_us = clock_us();
    if (done)
        op->outcome = OUTCOME_DONE;
    else
        world_error(world, "the last row cannot be inserted: %s", c.session.error);
    session_close(&c.session);
    snprintf(trail, 40, ":0.%" PRIu32, c.number);
    return done;
}

/* --- before they come */

static bool fill(struct world *world, struct session *session)
{
    enum { AT_ONCE = 100 };
    struct buf sql = {0};
    bool fine = true;
    for (int i = 0; i < world->rows && fine; i++) {
        uint32_t number;
        struct op *op = history_add(&world->histories[0], OP_INSERT, &number);
        op->outcome = OUTCOME_DONE;
        struct touch *t = touch(op, BIRTH(0, number, 0));
        t->n = (int64_t)(i - world->rows / 2) * SPREAD;
        t->slot = i;
        t->delta = BALANCE;
        t->content = t->born = true;
        buf_str(&sql, sql.len ? ", (" : "(");
        shape_key_values(&world->shape, &sql, t->n);
        buf_printf(&sql, ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %d, 1, ':0.%" PRIu32 "', ", t->n, t->birth, t->slot,
                   BALANCE, number);
        content_values(world->shape.family, &sql, 0, number);
        buf_char(&sql, ')');
        pool_add(&world->pool, t->n);
        if ((i + 1) % AT_ONCE == 0 || i + 1 == world->rows) {
            fine = session_run(session,
                               "INSERT INTO t (%s, n, birth, slot, bal, ver, trail, " CONTENT_COLUMNS ") VALUES %s",
                               world->shape.key == KEY_COMPOSITE ? "grp, id" : "id", buf_cstr(&sql)) == SQL_OK;
            buf_clear(&sql);
        }
    }
    buf_fini(&sql);
    return fine;
}

bool run_all(struct session *session, const char *statements)
{
    bool fine = true;
    while (fine && *statements) {
        size_t len = strcspn(statements, ";");
        fine = session_run(session, "%.*s", (int)len, statements) == SQL_OK;
        statements += len + 1;
        statements += strspn(statements, " ");
    }
    return fine;
}

bool world_make(struct world *world, const char *database_url)
{
    struct session session;
    pthread_mutex_init(&world->lock, NULL);
    pthread_mutex_init(&world->pool.lock, NULL);
    world->url = database_url;
    const struct family *family = world->shape.family;
    if (!session_open(&session, family->sql, database_url)) {
        world_error(world, "the database cannot be reached: %s", session.error);
        return false;
    }
    struct buf tables = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    buf_printf(&tables, family->create_tables, family->key_definitions[world->shape.key]);
#pragma GCC diagnostic pop
    bool fine = run_all(&session, buf_cstr(&tables)) && fill(world, &session);
    if (!fine)
        world_error(world, "the table cannot be made: %s", session.error);
    buf_fini(&tables);
    session_close(&session);
    return fine;
}

void world_fini(struct world *world)
{
    for (int i = 0; i < CLIENTS_MOST; i++)
        history_fini(&world->histories[i]);
    for (int i = 0; i < world->error_count; i++)
        mem_free(world->errors[i]);
    mem_free(world->pool.keys);
}
