/* A migration on MySQL or MariaDB step by step: a database of its own for each test, and the functions of the target
 * called as the coordinator would, with changes made by hand instead of a log reader's.
 *
 * SEACHANGE_TEST_MYSQL_URL: an account that may do everything, on a throwaway server with log_bin and
 * binlog_format=ROW.
 */
#ifndef SC_TESTS_INTEGRATION_MYSQL_MIGRATION_H
#define SC_TESTS_INTEGRATION_MYSQL_MIGRATION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "applier/batch.h"
#include "applier/mysql/mysql.h"
#include "applier/mysql/ops.h"
#include "base/clock.h"
#include "base/log.h"

struct world {
    char *url; /* of the database */
    struct my_server server;
    struct my_conn *sql, *other; /* somebody's sessions */
    struct target *t;
    struct session *session;
    /* A batch that is being put together. */
    struct buf bytes[1000];
    struct batch_change changes[1000];
    struct arena arena;
    size_t nchanges;
    struct fold *fold;
    uint64_t at; /* checkpoint of the last batch */
};

static inline void must(enum sc_result result, const struct sc_error *err)
{
    if (result != SC_OK)
        fail_msg("%s: %s %s", sc_result_name(result), err->what, err->hint);
}

static inline void run_on(struct my_conn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void run_on(struct my_conn *conn, const char *format, ...)
{
    struct sc_error err = {0};
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    enum sc_result result = my_run(conn, &err, buf_cstr(&sql));
    if (result != SC_OK)
        print_error("%s\n", buf_cstr(&sql));
    buf_fini(&sql);
    must(result, &err);
}

static inline void assert_answer(struct my_conn *conn, const char *sql, const char *expected)
{
    struct sc_error err = {0};
    char *value = NULL;
    must(my_value(conn, &err, &value, sql), &err);
    if (strcmp(value ? value : "(null)", expected) != 0)
        print_error("%s\n", sql);
    assert_string_equal(value ? value : "(null)", expected);
    mem_free(value);
}

/* As before, of the ghost: G stands for its name. */
static inline void assert_ghost(struct world *w, const char *sql, const char *expected)
{
    struct buf b = {0};
    for (const char *p = sql; *p; p++) {
        if (*p == '$')
            my_add_ghost(&b, w->t);
        else
            buf_char(&b, *p);
    }
    assert_answer(w->sql, buf_cstr(&b), expected);
    buf_fini(&b);
}

static inline int world_up(void **state)
{
    const char *url = getenv("SEACHANGE_TEST_MYSQL_URL");
    *state = NULL;
    if (!url)
        return 0;
    struct sc_error err = {0};
    struct world *w = mem_alloc(sizeof(*w));
    log_setup(LOG_ERROR, false);
    w->server.url = mem_strdup(url);
    w->server.application = mem_strdup("seachange test");
    if (my_server_learn(&w->server, "test", &w->sql, &err) != SC_OK ||
        my_open(&w->server, "other", MY_DDL, &w->other, &err) != SC_OK) {
        print_error("%s\n", err.what);
        return 1;
    }
    run_on(w->sql, "DROP DATABASE IF EXISTS sc_data");
    run_on(w->sql, "CREATE DATABASE sc_data");
    run_on(w->sql, "USE sc_data");
    run_on(w->other, "USE sc_data");
    const char *slash = strchr(url + strlen("mysql://"), '/');
    w->url = mem_printf("%.*s/sc_data", slash ? (int)(slash - url) : (int)strlen(url), url);
    w->at = 1;
    *state = w;
    return 0;
}

static inline struct world *need(void **state)
{
    if (!*state) {
        print_message("SEACHANGE_TEST_MYSQL_URL is not set\n");
        skip();
    }
    return *state;
}

/* Opens another session of the migration. */
static inline struct session *open_session(struct world *w, const char *role)
{
    struct sc_error err = {0};
    struct session *s = NULL;
    must(mysql_target.session_open(w->t, role, &s, &err), &err);
    return s;
}

static inline void start_migration(struct world *w, const char *table, const char *alter)
{
    struct sc_error err = {0};
    struct migration_spec spec = {
        .url = w->url, .table = table, .alter = alter, .workers = 2, .lock_timeout_ms = 500, .slot_wait_ms = 1000};
    must(mysql_target.open(&spec, &w->t, &err), &err);
    must(mysql_target.begin(w->t, &err), &err);
    must(mysql_target.enter_phase(w->t, PHASE_PREPARE, &err), &err);
    must(mysql_target.prepare(w->t, NULL, NULL, &err), &err);
    must(mysql_target.enter_phase(w->t, PHASE_COPY, &err), &err);
    w->session = open_session(w, "test");
    struct row_shape shape;
    mysql_target.row_shape(w->t, &shape);
    w->fold = shape.folds ? fold_new(shape.key, shape.nkey, shape.ncolumns) : NULL;
}

/* Indexes and what else comes behind the fence. */
static inline void build_stages(struct world *w)
{
    struct sc_error err = {0};
    for (int stage = 0; stage < mysql_target.stage_count(w->t); stage++)
        for (int job = 0; job < mysql_target.stage_jobs(w->t, stage); job++)
            must(mysql_target.job_run(w->session, stage, job, &err), &err);
}

static inline int world_down(void **state)
{
    struct world *w = *state;
    if (!w)
        return 0;
    struct sc_error err;
    mysql_target.session_close(w->session);
    if (w->t)
        mysql_target.close(w->t);
    my_close(w->other);
    (void)my_run(w->sql, &err, "DROP DATABASE sc_data");
    my_close(w->sql);
    my_server_fini(&w->server);
    fold_free(w->fold);
    for (size_t i = 0; i < 1000; i++)
        buf_fini(&w->bytes[i]);
    arena_fini(&w->arena);
    mem_free(w->url);
    mem_free(w);
    return 0;
}

/* --- changes
 * -------------------------------------------------------------------------------------------------------------- */

/* A row from texts: "1", "abc", NULL. */
static inline struct value *row_of(struct world *w, int count, const char *const *texts)
{
    struct value *row = arena_array(&w->arena, (size_t)count, sizeof(*row));
    for (int i = 0; i < count; i++) {
        if (texts[i])
            row[i] = (struct value){
                .state = VALUE_PRESENT, .len = (uint32_t)strlen(texts[i]), .data = arena_strdup(&w->arena, texts[i])};
        else
            row[i].state = VALUE_NULL;
    }
    return row;
}

static inline void give(struct world *w, struct change change)
{
    assert_true(w->nchanges < 1000);
    struct buf *bytes = &w->bytes[w->nchanges];
    buf_clear(bytes);
    change_encode(bytes, &change);
    w->changes[w->nchanges++] = (struct batch_change){.data = bytes->data, .len = (uint32_t)bytes->len};
}

#define ROW(...)                                                                                                       \
    ((const char *const[]){__VA_ARGS__}), (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static inline void give_insert(struct world *w, const char *const *texts, int count)
{
    give(w, (struct change){.kind = CHANGE_INSERT, .ncolumns = (uint16_t)count, .new_row = row_of(w, count, texts)});
}
static inline void give_delete(struct world *w, const char *const *texts, int count)
{
    give(w, (struct change){.kind = CHANGE_DELETE, .ncolumns = (uint16_t)count, .old_row = row_of(w, count, texts)});
}
static inline void give_update(struct world *w, const char *const *old, int count, const char *const *new, int count2)
{
    assert_int_equal(count, count2);
    give(w, (struct change){.kind = CHANGE_UPDATE,
                            .ncolumns = (uint16_t)count,
                            .old_row = row_of(w, count, old),
                            .new_row = row_of(w, count, new)});
}
static inline void give_truncate(struct world *w)
{
    give(w, (struct change){.kind = CHANGE_TRUNCATE});
}

/* What was given, as a batch; folded where that can be done. */
static inline struct batch batch_of(struct world *w, bool strict, bool folded)
{
    struct sc_error err = {0};
    w->at++;
    struct batch batch = {.changes = w->changes, .count = w->nchanges, .strict = strict};
    batch.applied.order = w->at;
    snprintf(batch.applied.text, sizeof(batch.applied.text), "binlog.000001:%llu", (unsigned long long)w->at);
    if (folded) {
        assert_non_null(w->fold);
        fold_reset(w->fold);
        for (size_t i = 0; i < w->nchanges; i++) {
            struct change *change = arena_alloc(&w->arena, sizeof(*change));
            must(change_decode(&w->arena, w->changes[i].data, w->changes[i].len, change, &err), &err);
            if (fold_add(w->fold, change, &err) != FOLD_OK)
                fail_msg("%s", err.what);
        }
        batch.fold = w->fold;
    }
    w->nchanges = 0;
    return batch;
}

static inline enum sc_result apply_given(struct world *w, bool strict, bool folded, struct sc_error *err)
{
    struct batch batch = batch_of(w, strict, folded);
    return mysql_target.apply(w->session, &batch, true, err);
}

static inline void must_apply(struct world *w, bool strict, bool folded)
{
    struct sc_error err = {0};
    must(apply_given(w, strict, folded, &err), &err);
}

#endif
