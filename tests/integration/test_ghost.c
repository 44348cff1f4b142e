/* The table after a migration equals what the native ALTER makes of it: dump against dump.
 *
 * Each case is set up in two databases. In one the ALTER runs natively. In the other the ghost is made, filled by one
 * chunk, gets what was captured, and takes the source's place, by the same functions a migration uses; then the old
 * table is dropped. pg_dump of both must be the same, to the byte. Cases with a reason are refused by the plan, which
 * must leave nothing behind. Needs SEACHANGE_TEST_URL: a superuser's URL of a server with wal_level = logical, and
 * pg_dump of its version, in the path or in SEACHANGE_TEST_BIN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "applier/postgres/postgres.h"
#include "applier/postgres/target.h"
#include "base/log.h"
#include "tests/integration/ghost_cases.h"

#define NATIVE "seachange_test_native"
#define GHOST "seachange_test_ghost"

static const char *server_url; /* ends before the database's name */
static char *admin_url;

static char *url_of(const char *database, const char *role)
{
    /* postgresql://user@host:port/database */
    const char *at = strchr(server_url, '@'), *slash = strrchr(server_url, '/');
    return role ? mem_printf("postgresql://%s%.*s/%s", role, (int)(slash - at), at, database)
                : mem_printf("%.*s/%s", (int)(slash - server_url), server_url, database);
}

static void run_sql(const char *url, const char *sql)
{
    PGconn *pg = PQconnectdb(url);
    if (PQstatus(pg) != CONNECTION_OK)
        fail_msg("cannot connect: %s", PQerrorMessage(pg));
    PGresult *res = PQexec(pg, "SET client_min_messages = warning");
    PQclear(res);
    res = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
        fail_msg("%s\nin: %s", PQerrorMessage(pg), sql);
    PQclear(res);
    PQfinish(pg);
}

static int server_version(void)
{
    PGconn *pg = PQconnectdb(admin_url);
    int version = PQserverVersion(pg);
    PQfinish(pg);
    return version;
}

/* pg_dump's text without what is never the same: its comments and its random keys. */
static char *dump(const char *database)
{
    char *url = url_of(database, NULL);
    const char *programs = getenv("SEACHANGE_TEST_BIN");
    char *command = mem_printf("%s%spg_dump -d '%s'", programs ? programs : "", programs ? "/" : "", url);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    struct buf out = {0};
    char line[8192];
    while (fgets(line, sizeof(line), pipe))
        if (strncmp(line, "--", 2) != 0 && strncmp(line, "\\restrict", 9) != 0 &&
            strncmp(line, "\\unrestrict", 11) != 0 && strcmp(line, "\n") != 0)
            buf_str(&out, line);
    assert_int_equal(pclose(pipe), 0);
    mem_free(command);
    mem_free(url);
    return buf_take(&out);
}

/* What pg_dump does not tell. */
static char *details(const char *database)
{
    char *url = url_of(database, NULL);
    PGconn *pg = PQconnectdb(url);
    PGresult *res = PQexec(
        pg,
        "SELECT 'constraint', c.conrelid::regclass::text, conname, convalidated::text, COALESCE(x.relname::text, ''),"
        " i.indisvalid::text, i.indisclustered::text FROM pg_constraint c LEFT JOIN pg_class x ON x.oid = conindid"
        " LEFT JOIN pg_index i ON i.indexrelid = x.oid"
        " WHERE c.conrelid <> 0 AND c.connamespace::regnamespace::text !~ '^(pg_|information_schema)'"
        " UNION ALL SELECT 'class', oid::regclass::text, relkind::text, relowner::regrole::text,"
        " COALESCE(relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, relowner))::text,"
        " relreplident::text, relrowsecurity::text"
        " FROM pg_class WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)'"
        " UNION ALL SELECT 'statistics', stxname::text, stxowner::regrole::text, stxnamespace::regnamespace::text,"
        " '', '', '' FROM pg_statistic_ext"
        " UNION ALL SELECT 'trigger', tgrelid::regclass::text, CASE WHEN tgisinternal THEN 'internal' ELSE"
        " tgname::text END, tgenabled::text, tgfoid::regproc::text, tgconstrrelid::regclass::text, '' FROM pg_trigger"
        " UNION ALL SELECT 'schema', nspname::text, '', '', '', '', '' FROM pg_namespace WHERE nspname !~ '^pg_'"
        " ORDER BY 1, 2, 3, 4, 5, 6, 7");
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(pg));
    struct buf out = {0};
    for (int i = 0; i < PQntuples(res); i++)
        for (int c = 0; c < PQnfields(res); c++)
            buf_printf(&out, "%s%s", PQgetvalue(res, i, c), c + 1 < PQnfields(res) ? "|" : "\n");
    PQclear(res);
    PQfinish(pg);
    mem_free(url);
    return buf_take(&out);
}

static void make_database(const char *name)
{
    char *sql = mem_printf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
    run_sql(admin_url, sql);
    mem_free(sql);
    sql = mem_printf("CREATE DATABASE %s", name);
    run_sql(admin_url, sql);
    mem_free(sql);
    sql = mem_printf("GRANT CREATE ON DATABASE %s TO seachange_test_owner", name);
    run_sql(admin_url, sql);
    mem_free(sql);
    char *url = url_of(name, NULL);
    run_sql(url, "GRANT CREATE ON SCHEMA public TO seachange_test_owner");
    mem_free(url);
}

static void set_up(const char *database, const struct ghost_case *c, bool alter)
{
    make_database(database);
    char *url = url_of(database, c->as_owner ? "seachange_test_owner" : NULL);
    if (c->superuser_setup) {
        char *super = url_of(database, NULL);
        run_sql(super, c->superuser_setup);
        mem_free(super);
    }
    run_sql(url, c->setup);
    if (alter) {
        char *sql = mem_printf("ALTER TABLE %s %s", c->table ? c->table : "t", c->alter);
        run_sql(url, sql);
        mem_free(sql);
        if (c->after)
            run_sql(url, c->after);
    }
    mem_free(url);
}

static void must(enum sc_result result, const struct sc_error *err, const char *step)
{
    if (result != SC_OK)
        fail_msg("%s: %s: %s %s", step, sc_result_name(result), err->what, err->hint);
}

static void quiet(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

static struct target *open_target(const struct ghost_case *c)
{
    char *url = url_of(GHOST, c->as_owner ? "seachange_test_owner" : NULL);
    struct migration_spec spec = {.url = url,
                                  .table = c->table ? c->table : "t",
                                  .alter = c->alter,
                                  .workers = 1,
                                  .drop_old = true,
                                  .lock_timeout_ms = 1000,
                                  .slot_wait_ms = 10000};
    struct target *t = NULL;
    struct sc_error err = {0};
    must(postgres_target.open(&spec, &t, &err), &err, "open");
    mem_free(url);
    return t;
}

static void migrate(const struct ghost_case *c)
{
    const struct target_ops *ops = &postgres_target;
    struct sc_error err = {0};
    struct target *t = open_target(c);
    struct plan plan = {0};
    must(ops->begin(t, &err), &err, "begin");
    must(ops->plan(t, &plan, &err), &err, "plan");
    if (plan.refusals.count)
        fail_msg("refused: %s", plan.refusals.items[0]);
    plan_fini(&plan);
    must(ops->enter_phase(t, PHASE_PREPARE, &err), &err, "enter prepare");
    must(ops->prepare(t, quiet, NULL, &err), &err, "prepare");
    must(ops->enter_phase(t, PHASE_COPY, &err), &err, "enter copy");
    struct session *s = NULL;
    must(ops->session_open(t, "copy 1", &s, &err), &err, "session");
    uint64_t rows;
    struct chunk all = {.number = 1};
    must(ops->chunk_copy(s, &all, &rows, &err), &err, "copy");
    for (int stage = 0; stage < ops->stage_count(t); stage++)
        for (int job = 0; job < ops->stage_jobs(t, stage); job++)
            must(ops->job_run(s, stage, job, &err), &err, ops->job_name(t, stage, job));
    must(ops->check(t, &err), &err, "check");
    must(ops->enter_phase(t, PHASE_CUTOVER, &err), &err, "enter cutover");
    must(ops->cutover_ready(s, &err), &err, "ready");
    must(ops->cutover_lock(s, 1000, &err), &err, "lock");
    must(ops->cutover_swap(s, &err), &err, "swap");
    if (c->after) {
        char *url = url_of(GHOST, NULL);
        run_sql(url, c->after);
        mem_free(url);
    }
    struct strlist notes = {0};
    must(ops->finish(t, &notes, &err), &err, "finish");
    if (notes.count)
        fail_msg("finish: %s", notes.items[0]);
    strlist_fini(&notes);
    ops->session_close(s);
    ops->close(t);
}

static void check_same(char *native, char *ghost, const char *what)
{
    if (strcmp(native, ghost) != 0) {
        FILE *f = fopen("/tmp/seachange-test-native.sql", "w");
        if (f) {
            fputs(native, f);
            fclose(f);
        }
        f = fopen("/tmp/seachange-test-ghost.sql", "w");
        if (f) {
            fputs(ghost, f);
            fclose(f);
        }
        if (system("diff /tmp/seachange-test-native.sql /tmp/seachange-test-ghost.sql >&2") == 0)
            fputs("(they differ only in where lines end)\n", stderr);
        fail_msg("%s differ", what);
    }
    mem_free(native);
    mem_free(ghost);
}

static void is_refused(const struct ghost_case *c)
{
    char *before = dump(GHOST);
    struct sc_error err = {0};
    struct target *t = open_target(c);
    struct plan plan = {0};
    must(postgres_target.plan(t, &plan, &err), &err, "plan");
    bool found = false;
    for (size_t i = 0; i < plan.refusals.count; i++)
        found |= strstr(plan.refusals.items[i], c->refused) != NULL;
    if (!found)
        fail_msg("not refused by '%s' but by: %s", c->refused,
                 plan.refusals.count ? plan.refusals.items[0] : "nothing");
    plan_fini(&plan);
    postgres_target.close(t);
    check_same(before, dump(GHOST), "dumps before and after the plan");
}

static void run_case(void **state)
{
    const struct ghost_case *c = *state;
    set_up(GHOST, c, false);
    if (c->refused) {
        is_refused(c);
        return;
    }
    set_up(NATIVE, c, true);
    migrate(c);
    check_same(dump(NATIVE), dump(GHOST), "dumps");
    check_same(details(NATIVE), details(GHOST), "catalogs");
}

static void is_skipped(void **state)
{
    (void)state;
    print_message("SEACHANGE_TEST_URL is not set\n");
    skip();
}

static void drop_all(void)
{
    run_sql(admin_url, "DROP DATABASE IF EXISTS " NATIVE " WITH (FORCE)");
    run_sql(admin_url, "DROP DATABASE IF EXISTS " GHOST " WITH (FORCE)");
    run_sql(admin_url, "DROP ROLE IF EXISTS seachange_test_owner, seachange_test_reader, seachange_test_other");
}

int main(int argc, char **argv)
{
    server_url = getenv("SEACHANGE_TEST_URL");
    if (!server_url) {
        const struct CMUnitTest none[] = {cmocka_unit_test(is_skipped)};
        return cmocka_run_group_tests(none, NULL, NULL);
    }
    log_setup(LOG_ERROR, false);
    admin_url = url_of("postgres", NULL);
    drop_all();
    run_sql(admin_url, "CREATE ROLE seachange_test_owner LOGIN REPLICATION; CREATE ROLE seachange_test_reader; "
                       "CREATE ROLE seachange_test_other");
    int version = server_version();
    struct CMUnitTest *tests = mem_array(ghost_case_count, sizeof(*tests));
    size_t n = 0;
    for (size_t i = 0; i < ghost_case_count; i++) {
        const struct ghost_case *c = &ghost_cases[i];
        if (version < c->from_version || (argc > 1 && !strstr(c->name, argv[1])))
            continue;
        tests[n++] = (struct CMUnitTest){.name = c->name, .test_func = run_case, .initial_state = (void *)(uintptr_t)c};
    }
    int failed = _cmocka_run_group_tests("ghost", tests, n, NULL, NULL);
    drop_all();
    mem_free(tests);
    mem_free(admin_url);
    return failed;
}
