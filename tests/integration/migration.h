/* A migration step by step on a real server: a database of its own for each test, and the functions of the target
 * called as the coordinator would, without its log reader.
 *
 * SEACHANGE_TEST_URL: a superuser on a throwaway server with wal_level = logical and max_prepared_transactions > 0. */
#ifndef SC_TESTS_INTEGRATION_MIGRATION_H
#define SC_TESTS_INTEGRATION_MIGRATION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "applier/postgres/cutover.h"
#include "applier/postgres/ops.h"
#include "applier/postgres/postgres.h"
#include "base/clock.h"
#include "base/log.h"

struct world {
    char *url, *name; /* of the database */
    struct pg_server server, maintenance;
    struct pg_conn *admin;       /* in another database */
    struct pg_conn *sql, *other; /* somebody's sessions */
    struct target *t;
    struct session *session; /* the cutover's */
};

static inline void must(enum sc_result result, const struct sc_error *err)
{
    if (result != SC_OK)
        fail_msg("%s: %s %s", sc_result_name(result), err->what, err->hint);
}

static inline void run_on(struct pg_conn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void run_on(struct pg_conn *conn, const char *format, ...)
{
    struct sc_error err = {0};
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    enum sc_result result = pg_run(conn, &err, buf_cstr(&sql));
    buf_fini(&sql);
    must(result, &err);
}

static inline long number_of(struct pg_conn *conn, const char *sql)
{
    struct sc_error err = {0};
    char *value = NULL;
    must(pg_value(conn, &err, &value, sql, 0, NULL), &err);
    long number = value ? strtol(value, NULL, 10) : -1;
    mem_free(value);
    return number;
}

static inline void assert_answer(struct pg_conn *conn, const char *sql, const char *expected)
{
    struct sc_error err = {0};
    char *value = NULL;
    must(pg_value(conn, &err, &value, sql, 0, NULL), &err);
    assert_string_equal(value ? value : "(null)", expected);
    mem_free(value);
}

static inline char *url_of_database(const char *url, const char *name)
{
    const char *slash = strrchr(url, '/');
    return mem_printf("%.*s/%s", (int)(slash - url), url, name);
}

static inline int world_up(void **state)
{
    static int number;
    const char *url = getenv("SEACHANGE_TEST_URL");
    if (!url)
        return 0;
    struct sc_error err = {0};
    struct world *w = mem_alloc(sizeof(*w));
    w->name = mem_printf("it_%d_%d", (int)getpid(), ++number);
    w->url = url_of_database(url, w->name);
    w->maintenance.url = mem_strdup(url);
    w->maintenance.application = mem_strdup("test");
    must(pg_server_learn(&w->maintenance, "admin", &w->admin, &err), &err);
    run_on(w->admin, "CREATE DATABASE %s", w->name);
    w->server.url = mem_strdup(w->url);
    w->server.application = mem_strdup("test");
    must(pg_server_learn(&w->server, "sql", &w->sql, &err), &err);
    must(pg_open(&w->server, "other", PG_DDL, &w->other, &err), &err);
    run_on(w->sql, "SET search_path = public");
    run_on(w->other, "SET search_path = public");
    *state = w;
    return 0;
}

static inline void leave_migration(struct world *w)
{
    if (!w->t)
        return;
    if (w->session)
        postgres_target.session_close(w->session);
    postgres_target.close(w->t);
    w->session = NULL;
    w->t = NULL;
}

static inline int world_down(void **state)
{
    struct world *w = *state;
    if (!w)
        return 0;
    leave_migration(w);
    struct sc_error err = {0};
    if (pg_alive(w->other))
        pg_run(w->other, NULL, "ROLLBACK");
    if (pg_alive(w->sql)) {
        pg_run(w->sql, NULL, "ROLLBACK");
        PGresult *res = NULL;
        pg_query(w->sql, &err, &res,
                 "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = "
                 "current_database()",
                 0, NULL);
        PQclear(res);
    }
    pg_close(w->sql);
    pg_close(w->other);
    run_on(w->admin, "DROP DATABASE %s WITH (FORCE)", w->name);
    pg_close(w->admin);
    pg_server_fini(&w->server);
    pg_server_fini(&w->maintenance);
    mem_free(w->url);
    mem_free(w->name);
    mem_free(w);
    return 0;
}

static inline struct world *begin(void **state)
{
    if (!*state)
        skip();
    return *state;
}

static inline void open_as(struct world *w, const char *url, const char *table, const char *alter)
{
    struct sc_error err = {0};
    struct migration_spec spec = {.url = url,
                                  .table = table,
                                  .alter = alter,
                                  .workers = 1,
                                  .lock_timeout_ms = 500,
                                  .slot_wait_ms = 20000,
                                  .old_snapshot_wait_ms = 1000};
    must(postgres_target.open(&spec, &w->t, &err), &err);
}

/* As far as a filled ghost with its indexes, in step, behind the fence. */
static inline void migrate_as(struct world *w, const char *url, const char *table, const char *alter)
{
    struct sc_error err = {0};
    struct plan plan = {0};
    open_as(w, url, table, alter);
    struct target *t = w->t;
    must(postgres_target.begin(t, &err), &err);
    must(pg_preflight(t, &plan, &err), &err);
    if (plan.refusals.count > 0)
        fail_msg("%s", plan.refusals.items[0]);
    plan_fini(&plan);
    must(postgres_target.enter_phase(t, PHASE_PREPARE, &err), &err);
    must(postgres_target.prepare(t, NULL, NULL, &err), &err);
    must(postgres_target.enter_phase(t, PHASE_COPY, &err), &err);
    must(postgres_target.session_open(t, "cutover", &w->session, &err), &err);
    uint64_t rows;
    struct chunk all = {.number = 1};
    must(postgres_target.chunk_copy(w->session, &all, &rows, &err), &err);
    for (int stage = 0; stage < pg_stage_count(t); stage++)
        for (int job = 0; job < pg_stage_jobs(t, stage); job++)
            must(pg_job_run(w->session, stage, job, &err), &err);
    struct position fence = {.order = 1};
    must(postgres_target.fence_store(w->session, &fence, &err), &err);
    must(postgres_target.enter_phase(t, PHASE_CUTOVER, &err), &err);
}

static inline void migrate(struct world *w, const char *table, const char *alter)
{
    migrate_as(w, w->url, table, alter);
}

static inline void reopen_session(struct world *w)
{
    struct sc_error err = {0};
    postgres_target.session_close(w->session);
    must(postgres_target.session_open(w->t, "cutover", &w->session, &err), &err);
}

static inline void lock(struct world *w)
{
    struct sc_error err = {0};
    must(pg_cutover_ready(w->session, &err), &err);
    must(pg_cutover_lock(w->session, 500, &err), &err);
}

static inline void swap(struct world *w)
{
    struct sc_error err = {0};
    lock(w);
    must(pg_cutover_swap(w->session, &err), &err);
}

static inline void assert_says(const struct sc_error *err, const char *text)
{
    if (!strstr(err->what, text))
        fail_msg("\"%s\" does not say \"%s\"", err->what, text);
}

static inline void assert_says_pid(const struct sc_error *err, int pid)
{
    char text[32];
    snprintf(text, sizeof(text), "pid %d ", pid);
    assert_says(err, text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)

#endif
