/* Tables change places again and again while clients read and write in every way that could stand in the way: no client
 * ever sees an error, and every acknowledged row is in one of the tables (correctness D7). */
#include <pthread.h>
#include <stdatomic.h>

#include "migration.h"
#include "wire.h"

#define CLIENTS 16
#define SWAPS 30
#define TRIES 400

enum kind {
    INSERTS,          /* one statement, its own transaction */
    PREPARED_INSERTS, /* prepared before the first swap */
    TRANSACTIONS,     /* update, insert, commit */
    PREPARED_UPDATES, /* of the client's own row */
    NEXTVAL_FIRST,    /* holds a lock on the sequence before it comes to the table, as some ORMs do */
    CHILD_INSERTS,    /* of rows whose foreign key points to the table */
    VIEW_READS,       /* holds a lock on the view before it comes to the table */
    REPEATABLE_READS, /* transactions that read the table twice */
};
static const char *const kinds[] = {"insert",        "prepared insert", "transaction", "prepared update",
                                    "nextval first", "child insert",    "view",        "repeatable read"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct client {
    pthread_t thread;
    const char *url;
    int number;
    enum kind kind;
    long inserted, updated, done;
    char error[400];
    int64_t longest_us;
};

static atomic_bool stopping;
static struct client clients[CLIENTS];

static bool ask(struct client *c, PGconn *pg, const char *sql)
{
    PGresult *res = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(res);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!ok && !c->error[0])
        snprintf(c->error, sizeof(c->error), "%s: %s: %s", kinds[c->kind], sql, PQresultErrorMessage(res));
    PQclear(res);
    return ok;
}

static bool once(struct client *c, PGconn *pg)
{
    char sql[300];
    switch (c->kind) {
    case INSERTS:
        snprintf(sql, sizeof(sql), "INSERT INTO t (client, note) VALUES (%d, 'n')", c->number);
        return ask(c, pg, sql) && ++c->inserted;
    case PREPARED_INSERTS:
        return ask(c, pg, "EXECUTE ins") && ++c->inserted;
    case TRANSACTIONS:
        if (!ask(c, pg, "BEGIN") || !ask(c, pg, "EXECUTE upd"))
            return false;
        snprintf(sql, sizeof(sql), "INSERT INTO t (client, note) VALUES (%d, 'n')", c->number);
        if (!ask(c, pg, sql) || !ask(c, pg, "COMMIT"))
            return false;
        return ++c->inserted && ++c->updated;
    case PREPARED_UPDATES:
        return ask(c, pg, "EXECUTE upd") && ++c->updated;
    case NEXTVAL_FIRST:
        if (!ask(c, pg, "BEGIN") || !ask(c, pg, "SELECT nextval('t_id_seq')"))
            return false;
        snprintf(sql, sizeof(sql), "INSERT INTO t (id, client, note) VALUES (currval('t_id_seq'), %d, 'n')", c->number);
        if (!ask(c, pg, sql) || !ask(c, pg, "COMMIT"))
            return false;
        return ++c->inserted;
    case CHILD_INSERTS:
        snprintf(sql, sizeof(sql), "INSERT INTO child (t_id) VALUES (-%d)", c->number);
        return ask(c, pg, sql);
    case VIEW_READS:
        return ask(c, pg, "SELECT count(*) FROM v WHERE id < 0");
    case REPEATABLE_READS:
        return ask(c, pg, "BEGIN ISOLATION LEVEL REPEATABLE READ") &&
               ask(c, pg, "SELECT count(*) FROM t WHERE id < 0") && ask(c, pg, "SELECT note FROM t WHERE id = -1") &&
               ask(c, pg, "COMMIT");
    }
    return false;
}

static void *work(void *arg)
{
    struct client *c = arg;
    PGconn *pg = PQconnectdb(c->url);
    char sql[300];
    snprintf(sql, sizeof(sql),
             "PREPARE ins AS INSERT INTO t (client, note) VALUES (%d, 'p'); "
             "PREPARE upd AS UPDATE t SET updates = updates + 1 WHERE id = -%d",
             c->number, c->number);
    bool ok = ask(c, pg, sql);
    while (ok && !atomic_load(&stopping)) {
        int64_t start = clock_us();
        ok = once(c, pg);
        if (clock_us() - start > c->longest_us)
            c->longest_us = clock_us() - start;
        c->done++;
        /* Two processors are shared with the server; what counts is that somebody is always on the way. */
        usleep(2000);
    }
    PQfinish(pg);
    return NULL;
}

/* The rows with ids below zero are updated, and are what the drain brings over; inserted ones stay in the table in
 * which they were acknowledged, and are counted there. */
static enum sc_result try_swap(struct world *w, struct sc_error *err)
{
    enum sc_result result = pg_cutover_ready(w->session, err);
    if (result == SC_OK)
        result = pg_cutover_lock(w->session, 500, err);
    if (result == SC_OK) {
        result =
            pg_runf(w->session->conn, err, "DELETE FROM %s.t; INSERT INTO %s.t SELECT * FROM public.t WHERE id < 0",
                    w->t->ghost_schema, w->t->ghost_schema);
        if (result == SC_OK)
            result = pg_cutover_swap(w->session, err);
        else
            pg_cutover_unlock(w->session);
    }
    return result;
}

static int swap_in_the_end(struct world *w)
{
    struct sc_error err = {0};
    for (int i = 1; i <= TRIES; i++) {
        enum sc_result result = try_swap(w, &err);
        if (result == SC_OK)
            return i;
        if (getenv("SEACHANGE_TEST_VERBOSE"))
            fprintf(stderr, "try %d: %s\n", i, err.what);
        if (result != SC_RETRY)
            must(result, &err);
        clock_sleep_ms(5);
    }
    fail_msg("not swapped in %d tries: %s", TRIES, err.what);
    return 0;
}

static void nobody_notices_swap_after_swap_under_load(void **state)
{
    struct world *w = begin(state);
    run_on(w->sql,
           "CREATE TABLE t (id bigserial PRIMARY KEY, client int NOT NULL, note text, updates int NOT NULL DEFAULT 0);"
           "CREATE INDEX t_client ON t (client); CREATE VIEW v AS SELECT id, client FROM t;"
           "CREATE TABLE child (t_id bigint NOT NULL REFERENCES t);"
           "INSERT INTO t (id, client, note) SELECT -i, i, 'own' FROM generate_series(1, %d) i",
           CLIENTS);
    atomic_store(&stopping, false);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.url = w->url, .number = i + 1, .kind = (enum kind)(i % (int)KINDS)};
        pthread_create(&clients[i].thread, NULL, work, &clients[i]);
    }
    int tries = 0, most = 0;
    struct strlist notes = {0};
    struct sc_error err = {0};
    int swaps = getenv("SEACHANGE_TEST_SWAPS") ? (int)strtol(getenv("SEACHANGE_TEST_SWAPS"), NULL, 10) : SWAPS;
    for (int i = 0; i < swaps; i++) {
        migrate(w, "t", "ALTER COLUMN note SET NOT NULL");
        int needed = swap_in_the_end(w);
        tries += needed;
        most = needed > most ? needed : most;
        must(pg_finish(w->t, &notes, &err), &err);
        leave_migration(w);
    }
    atomic_store(&stopping, true);
    long inserted = 0, updated = 0;
    int64_t longest_us = 0;
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        inserted += clients[i].inserted;
        updated += clients[i].updated;
        longest_us = clients[i].longest_us > longest_us ? clients[i].longest_us : longest_us;
    }
    printf("%d swaps in %d tries (at most %d for one), %ld rows inserted, longest a client waited %ld ms\n", swaps,
           tries, most, inserted, (long)(longest_us / 1000));
    for (int i = 0; i < CLIENTS; i++) {
        assert_string_equal(clients[i].error, "");
        assert_true(clients[i].done > swaps);
    }
    strlist_fini(&notes);
    assert_int_equal(number_of(w->sql, "SELECT sum(updates) FROM t"), updated);
    struct buf all = {0};
    buf_str(&all, "SELECT count(DISTINCT id) FROM (SELECT id FROM t WHERE id > 0");
    PGresult *res = NULL;
    must(pg_query(w->sql, &err, &res, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^seachange_old_'", 0, NULL),
         &err);
    assert_int_equal(PQntuples(res), swaps);
    for (int i = 0; i < PQntuples(res); i++)
        buf_printf(&all, " UNION ALL SELECT id FROM %s.t WHERE id > 0", PQgetvalue(res, i, 0));
    PQclear(res);
    buf_str(&all, ") x");
    assert_int_equal(number_of(w->sql, buf_cstr(&all)), inserted);
    buf_fini(&all);
}

/* The server has not noticed that it is gone, and holds what it has locked. */
static void a_lock_that_was_lost_holds_nobody_up(void **state)
{
    struct world *w = begin(state);
    struct sc_error err = {0};
    run_on(w->sql, "CREATE TABLE t (id bigint PRIMARY KEY, note text); INSERT INTO t VALUES (1, 'a')");
    migrate(w, "t", "ALTER COLUMN note SET NOT NULL");
    must(pg_cutover_ready(w->session, &err), &err);
    must(pg_cutover_lock(w->session, 500, &err), &err);
    struct wire wire = {.cut = true, .late_ms = -1};
    wire_start(&wire, PQsocket(w->session->conn->pg));
    assert_int_equal(pg_cutover_swap(w->session, &err), SC_RETRY);
    run_on(w->sql, "SET lock_timeout = '2s'");
    struct sc_error held = {0};
    enum sc_result result = pg_run(w->sql, &held, "UPDATE t SET note = 'b'");
    wire_end(&wire);
    must(result, &held);
    leave_migration(w);
}

int main(void)
{
    if (!getenv("SEACHANGE_TEST_URL"))
        printf("skipped: SEACHANGE_TEST_URL is not set\n");
    log_setup(LOG_ERROR, false);
    const struct CMUnitTest tests[] = {TEST(a_lock_that_was_lost_holds_nobody_up),
                                       TEST(nobody_notices_swap_after_swap_under_load)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
