/* A workload that knows what it was told.
 *
 * Each client owns its rows and keeps in memory what the server has acknowledged: inserts, updates with and without a
 * large value, deletes, rows that move to another key, two rows that exchange a unique value, many rows at once,
 * rollbacks. At the end it reads its rows back and compares every column. It runs until its standard input is closed,
 * so that whoever started it decides when, and prints counts, errors and the longest stall of one statement.
 *
 * The MySQL and MariaDB variant of ../load.c: the same work, in their SQL. Clients do not get in each other's way: rows
 * and unique values of one are apart from those of another, with a row that nobody writes to between them (run.sh), so
 * that every error is the migration's doing.
 *
 * usage: sc_load_mysql URL TABLE CLIENTS SEED [PAUSE_US] */
#include <inttypes.h>
#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define ROWS_MOST 2000

struct row {
    int64_t id;
    int64_t ver;
    int64_t unique_number;
    int64_t big;
    bool alive;
};

struct client {
    int number, clients;
    const char *url, *table;
    int64_t pause_us;
    uint64_t seed;
    pthread_t thread;
    MYSQL *my;
    struct row *rows;
    int count;
    int64_t next_id, next_unique;
    uint64_t done, errors, stall_us, mismatches;
    uint64_t by_kind[10];
};

static atomic_bool stopping;

static uint64_t draw(struct client *c, uint64_t below)
{
    c->seed ^= c->seed << 13;
    c->seed ^= c->seed >> 7;
    c->seed ^= c->seed << 17;
    return c->seed % below;
}

static bool run(struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool run(struct client *c, const char *format, ...)
{
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    int64_t start = clock_us();
    bool ok = mysql_real_query(c->my, buf_cstr(&sql), sql.len) == 0;
    uint64_t took = (uint64_t)(clock_us() - start);
    if (took > c->stall_us)
        c->stall_us = took;
    if (!ok) {
        c->errors++;
        fprintf(stderr, "client %d: error %u: %s: %.80s\n", c->number, mysql_errno(c->my), mysql_error(c->my),
                buf_cstr(&sql));
    } else if (mysql_affected_rows(c->my) == 0 && strchr("UDI", buf_cstr(&sql)[0])) {
        /* Every statement names a row that is there. */
        c->errors++;
        fprintf(stderr, "client %d: a row it was told is there was not found: %.60s\n", c->number, buf_cstr(&sql));
    }
    buf_fini(&sql);
    return ok;
}

/* What fills the large column: of one value in four long enough to lie outside of the row's page. */
#define BIG "REPEAT(SHA2(bk, 256), IF(bk %% 4 = 0, 150, 5))"

static struct row *pick(struct client *c)
{
    if (c->count == 0)
        return NULL;
    for (int i = 0; i < 50; i++) {
        struct row *r = &c->rows[draw(c, (uint64_t)c->count)];
        if (r->alive)
            return r;
    }
    return NULL;
}

static int64_t new_id(struct client *c)
{
    /* All over the key's range, negative too, so that rows come before and behind what is copied. */
    int64_t n = c->next_id++;
    int64_t id = (int64_t)((uint64_t)n * 2654435761u % 4000000) - 2000000;
    return (id * 64 + n / 4000000) * 64 + c->number;
}

static void insert(struct client *c)
{
    if (c->count == ROWS_MOST)
        return;
    struct row r = {
        .id = new_id(c), .ver = 1, .unique_number = c->next_unique++, .big = (int64_t)draw(c, 1u << 30), .alive = true};
    if (run(c,
            "INSERT INTO %s (id, client, ver, u, bk, big, note) VALUES (%" PRId64 ", %d, 1, '%03d-%" PRId64
            "', %" PRId64 ", " BIG ", NULL)",
            c->table, r.id, c->number, c->number, r.unique_number, r.big))
        c->rows[c->count++] = r;
}

static void update(struct client *c, struct row *r)
{
    if (run(c,
            "UPDATE %s SET ver = ver + 1, note = CASE WHEN ver %% 2 = 0 THEN NULL ELSE CONCAT('v', ver) END WHERE id = "
            "%" PRId64,
            c->table, r->id))
        r->ver++;
}

static void update_big(struct client *c, struct row *r)
{
    int64_t big = (int64_t)draw(c, 1u << 30);
    if (run(c, "UPDATE %s SET ver = ver + 1, note = NULL, bk = %" PRId64 ", big = " BIG " WHERE id = %" PRId64,
            c->table, big, r->id)) {
        r->ver++;
        r->big = big;
    }
}

static void delete_row(struct client *c, struct row *r)
{
    if (run(c, "DELETE FROM %s WHERE id = %" PRId64, c->table, r->id)) {
        *r = c->rows[--c->count];
    }
}

static void move_key(struct client *c, struct row *r)
{
    int64_t id = new_id(c);
    if (run(c, "UPDATE %s SET id = %" PRId64 ", ver = ver + 1, note = NULL WHERE id = %" PRId64, c->table, id, r->id)) {
        r->id = id;
        r->ver++;
    }
}

static void swap_unique(struct client *c, struct row *a, struct row *b)
{
    if (a == b)
        return;
    bool ok = run(c, "BEGIN") &&
              run(c, "UPDATE %s SET u = '%03d-swap', ver = ver + 1, note = NULL WHERE id = %" PRId64, c->table,
                  c->number, a->id) &&
              run(c, "UPDATE %s SET u = '%03d-%" PRId64 "', ver = ver + 1, note = NULL WHERE id = %" PRId64, c->table,
                  c->number, a->unique_number, b->id) &&
              run(c, "UPDATE %s SET u = '%03d-%" PRId64 "' WHERE id = %" PRId64, c->table, c->number, b->unique_number,
                  a->id) &&
              run(c, "COMMIT");
    if (ok) {
        int64_t u = a->unique_number;
        a->unique_number = b->unique_number;
        b->unique_number = u;
        a->ver++;
        b->ver++;
    } else {
        mysql_query(c->my, "ROLLBACK");
    }
}

static void delete_and_insert_again(struct client *c, struct row *r)
{
    int64_t big = (int64_t)draw(c, 1u << 30);
    bool ok = run(c, "BEGIN") && run(c, "DELETE FROM %s WHERE id = %" PRId64, c->table, r->id) &&
              run(c,
                  "INSERT INTO %s (id, client, ver, u, bk, big) VALUES (%" PRId64 ", %d, 1, '%03d-%" PRId64
                  "', %" PRId64 ", " BIG ")",
                  c->table, r->id, c->number, c->number, r->unique_number, big) &&
              run(c, "COMMIT");
    if (ok) {
        r->ver = 1;
        r->big = big;
    } else {
        mysql_query(c->my, "ROLLBACK");
    }
}

static void rolled_back(struct client *c, struct row *r)
{
    run(c, "BEGIN");
    run(c, "UPDATE %s SET ver = -1 WHERE id = %" PRId64, c->table, r->id);
    run(c, "SAVEPOINT s");
    run(c, "DELETE FROM %s WHERE id = %" PRId64, c->table, r->id);
    run(c, "ROLLBACK TO SAVEPOINT s");
    run(c, "ROLLBACK");
}

static void many(struct client *c)
{
    if (c->count > 0 && run(c, "UPDATE %s SET ver = ver + 1, note = NULL WHERE client = %d", c->table, c->number))
        for (int i = 0; i < c->count; i++)
            c->rows[i].ver++;
}

static void step(struct client *c)
{
    unsigned kind = (unsigned)draw(c, 1000);
    struct row *r = pick(c);
    if (!r || kind < 250)
        insert(c), c->by_kind[0]++;
    else if (kind < 550)
        update(c, r), c->by_kind[1]++;
    else if (kind < 630)
        update_big(c, r), c->by_kind[2]++;
    else if (kind < 780)
        delete_row(c, r), c->by_kind[3]++;
    else if (kind < 860)
        move_key(c, r), c->by_kind[4]++;
    else if (kind < 930) {
        struct row *b = pick(c);
        if (b)
            swap_unique(c, r, b), c->by_kind[5]++;
    } else if (kind < 970)
        delete_and_insert_again(c, r), c->by_kind[6]++;
    else if (kind < 998)
        rolled_back(c, r), c->by_kind[7]++;
    else if (c->count < 150)
        many(c), c->by_kind[8]++;
    c->done++;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = ((const struct row *)a)->id, y = ((const struct row *)b)->id;
    return x < y ? -1 : x > y;
}

static void compare(struct client *c)
{
    struct buf sql = {0};
    buf_printf(&sql, "SELECT id, ver, u, bk, big = " BIG " FROM %s WHERE client = %d ORDER BY id", c->table, c->number);
    MYSQL_RES *res = mysql_query(c->my, buf_cstr(&sql)) == 0 ? mysql_store_result(c->my) : NULL;
    buf_fini(&sql);
    if (!res) {
        fprintf(stderr, "client %d: %s\n", c->number, mysql_error(c->my));
        c->errors++;
        return;
    }
    qsort(c->rows, (size_t)c->count, sizeof(*c->rows), by_id);
    int k = 0;
    MYSQL_ROW row = mysql_fetch_row(res);
    while (row || k < c->count) {
        int64_t id = row ? strtoll(row[0], NULL, 10) : INT64_MAX;
        int64_t expected = k < c->count ? c->rows[k].id : INT64_MAX;
        const char *wrong = NULL;
        if (id < expected) {
            wrong = "was never acknowledged, or was deleted";
        } else if (id > expected) {
            wrong = "was acknowledged and is missing";
        } else {
            char unique[64];
            snprintf(unique, sizeof(unique), "%03d-%" PRId64, c->number, c->rows[k].unique_number);
            if (strtoll(row[1], NULL, 10) != c->rows[k].ver)
                wrong = "has another version";
            else if (strcmp(row[2], unique) != 0)
                wrong = "has another unique value";
            else if (strtoll(row[3], NULL, 10) != c->rows[k].big || row[4][0] != '1')
                wrong = "has another large value";
        }
        if (wrong && c->mismatches++ < 5)
            fprintf(stderr, "client %d: row %" PRId64 " %s\n", c->number, id < expected ? id : expected, wrong);
        bool there = id <= expected;
        k += expected <= id;
        if (there)
            row = mysql_fetch_row(res);
    }
    mysql_free_result(res);
}

static void *work(void *arg)
{
    struct client *c = arg;
    while (!atomic_load(&stopping)) {
        step(c);
        if (c->pause_us)
            usleep((useconds_t)c->pause_us);
    }
    compare(c);
    return NULL;
}

/* mysql://user@host:port/database */
static MYSQL *connect_to(const char *url)
{
    char user[64], host[64], port[8], database[65];
    if (sscanf(url, "mysql://%63[^@]@%63[^:]:%7[0-9]/%64s", user, host, port, database) != 4) {
        fprintf(stderr, "the URL is to be mysql://user@host:port/database\n");
        exit(2);
    }
    MYSQL *my = mysql_init(NULL);
    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(my, MYSQL_INIT_COMMAND, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    unsigned number = (unsigned)strtoul(port, NULL, 10);
    if (!mysql_real_connect(my, host, user, NULL, database, number, NULL, CLIENT_FOUND_ROWS)) {
        fprintf(stderr, "%s\n", mysql_error(my));
        exit(2);
    }
    return my;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: sc_load_mysql URL TABLE CLIENTS SEED [PAUSE_US]\n");
        return 2;
    }
    int clients = (int)strtol(argv[3], NULL, 10);
    mysql_library_init(0, NULL, NULL);
    struct client *all = mem_array((size_t)clients, sizeof(*all));
    for (int i = 0; i < clients; i++) {
        all[i] =
            (struct client){.number = i + 1, .clients = clients, .url = argv[1], .table = argv[2], .next_unique = 1};
        all[i].seed = (strtoull(argv[4], NULL, 10) + 1) * 0x9e3779b97f4a7c15u + (uint64_t)i * 7919;
        all[i].pause_us = argc > 5 ? strtoll(argv[5], NULL, 10) : 0;
        all[i].rows = mem_array(ROWS_MOST, sizeof(struct row));
        all[i].my = connect_to(argv[1]);
    }
    for (int i = 0; i < clients; i++)
        pthread_create(&all[i].thread, NULL, work, &all[i]);
    char c;
    while (read(0, &c, 1) > 0)
        ;
    atomic_store(&stopping, true);
    uint64_t done = 0, errors = 0, mismatches = 0, stall = 0, rows = 0, kinds[10] = {0};
    for (int i = 0; i < clients; i++) {
        pthread_join(all[i].thread, NULL);
        done += all[i].done;
        errors += all[i].errors;
        mismatches += all[i].mismatches;
        rows += (uint64_t)all[i].count;
        stall = all[i].stall_us > stall ? all[i].stall_us : stall;
        for (int k = 0; k < 10; k++)
            kinds[k] += all[i].by_kind[k];
        mysql_close(all[i].my);
        mem_free(all[i].rows);
    }
    mem_free(all);
    printf("operations %" PRIu64 " (insert %" PRIu64 ", update %" PRIu64 ", large %" PRIu64 ", delete %" PRIu64
           ", move %" PRIu64 ", swap %" PRIu64 ", again %" PRIu64 ", rolled back %" PRIu64 ", many %" PRIu64
           "), rows %" PRIu64 ", longest stall %" PRIu64 " ms, errors %" PRIu64 ", mismatches %" PRIu64 "\n",
           done, kinds[0], kinds[1], kinds[2], kinds[3], kinds[4], kinds[5], kinds[6], kinds[7], kinds[8], rows,
           stall / 1000, errors, mismatches);
    /* A run without writes proves nothing. */
    return errors || mismatches || done == 0 ? 1 : 0;
}
