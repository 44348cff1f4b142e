/* Clients that run a script again and again, as pgbench does for PostgreSQL: the traffic of a case.
 *
 * usage: sc_traffic URL SCRIPT CLIENTS      until SIGTERM; prints how often the script ran, and how long the longest
 * run took that began before a SIGUSR1, and after it
 *
 * A script has SQL statements, each ending with ";" at a line's end, in which :name stands for a variable, and lines
 *     \set NAME random(A, B)       a number of that range; A and B are numbers or variables
 *     \if :NAME = N, \elif ..., \else, \endif        also < <= > >= <>; not nested
 *     \concurrent                  as the first line: the script's own transactions, at the same time as other clients'
 * Without \concurrent each run is one transaction, under a lock that lets no other client in: so that the table and its
 * mirror see the same order, and no client can be in another's way. The first error ends the program: what comes from
 * the server is printed behind "ERROR". */
#include <inttypes.h>
#include <mysql.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define LINES_MOST 200
#define VARIABLES_MOST 16

struct variable {
    char name[32];
    int64_t value;
};

struct client {
    pthread_t thread;
    MYSQL *my;
    uint64_t seed;
    struct variable variables[VARIABLES_MOST];
    int variable_count;
    uint64_t runs;
    int64_t longest_us[2]; /* before SIGUSR1, after it */
};

static char *script[LINES_MOST]; /* a directive or a whole statement each */
static int script_count;
static bool concurrent;
static atomic_bool stopping;
static atomic_bool failed;
static atomic_int marked;

static void on_term(int number)
{
    (void)number;
    atomic_store(&stopping, true);
}

static void on_usr1(int number)
{
    (void)number;
    atomic_store(&marked, 1);
}

static void script_fail(const char *what)
{
    fprintf(stderr, "ERROR in the script: %s\n", what);
    exit(2);
}

static void script_read(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        script_fail(path);
    struct buf statement = {0};
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        size_t len = strlen(line);
        if (len == 0 || strncmp(line, "--", 2) == 0)
            continue;
        if (script_count == LINES_MOST)
            script_fail("it is too long");
        if (line[0] == '\\') {
            script[script_count++] = mem_strdup(line);
        } else {
            buf_printf(&statement, "%s%s", statement.len ? "\n" : "", line);
            if (line[len - 1] != ';')
                continue;
            statement.len--;
            script[script_count++] = mem_strdup(buf_cstr(&statement));
            buf_fini(&statement);
            statement = (struct buf){0};
        }
    }
    if (statement.len > 0 || script_count == 0)
        script_fail("its last statement does not end with ;");
    buf_fini(&statement);
    free(line);
    fclose(f);
    concurrent = strcmp(script[0], "\\concurrent") == 0;
}

static struct variable *variable(struct client *c, const char *name, size_t len, bool make)
{
    for (int i = 0; i < c->variable_count; i++)
        if (strlen(c->variables[i].name) == len && memcmp(c->variables[i].name, name, len) == 0)
            return &c->variables[i];
    if (!make || c->variable_count == VARIABLES_MOST || len >= sizeof(c->variables[0].name))
        return NULL;
    struct variable *v = &c->variables[c->variable_count++];
    memcpy(v->name, name, len);
    return v;
}

static int64_t number_of(struct client *c, const char *text)
{
    while (*text == ' ')
        text++;
    if (*text != ':')
        return strtoll(text, NULL, 10);
    size_t len = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_0123456789");
    struct variable *v = variable(c, text + 1, len, false);
    if (!v)
        script_fail(text);
    return v->value;
}

static void set(struct client *c, const char *line)
{
    char name[32], low[64], high[64];
    if (sscanf(line, "\\set %31s random(%63[^,],%63[^)])", name, low, high) != 3)
        script_fail(line);
    int64_t from = number_of(c, low), to = number_of(c, high);
    if (to < from)
        script_fail(line);
    c->seed ^= c->seed << 13;
    c->seed ^= c->seed >> 7;
    c->seed ^= c->seed << 17;
    variable(c, name, strlen(name), true)->value = from + (int64_t)(c->seed % (uint64_t)(to - from + 1));
}

static bool holds(struct client *c, const char *line)
{
    char left[64], op[3], right[64];
    if (sscanf(line, "\\%*[a-z] %63s %2[=<>] %63s", left, op, right) != 3)
        script_fail(line);
    int64_t a = number_of(c, left), b = number_of(c, right);
    if (strcmp(op, "=") == 0)
        return a == b;
    if (strcmp(op, "<>") == 0)
        return a != b;
    if (strcmp(op, "<") == 0)
        return a < b;
    if (strcmp(op, "<=") == 0)
        return a <= b;
    return strcmp(op, ">") == 0 ? a > b : a >= b;
}

static bool run(struct client *c, const char *sql)
{
    if (mysql_query(c->my, sql) == 0) {
        MYSQL_RES *res = mysql_store_result(c->my);
        if (res)
            mysql_free_result(res);
        if (mysql_errno(c->my) == 0)
            return true;
    }
    fprintf(stderr, "ERROR %u: %s: %.100s\n", mysql_errno(c->my), mysql_error(c->my), sql);
    atomic_store(&failed, true);
    atomic_store(&stopping, true);
    return false;
}

static bool run_statement(struct client *c, const char *text)
{
    struct buf sql = {0};
    for (const char *p = text; *p; p++) {
        if (*p == ':' && p[1] >= 'a' && p[1] <= 'z') {
            size_t len = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_0123456789");
            struct variable *v = variable(c, p + 1, len, false);
            if (v) {
                buf_printf(&sql, "%" PRId64, v->value);
                p += len;
                continue;
            }
        }
        buf_char(&sql, *p);
    }
    bool ok = run(c, buf_cstr(&sql));
    buf_fini(&sql);
    return ok;
}

static bool run_script(struct client *c)
{
    bool skip = false, taken = false;
    for (int i = concurrent ? 1 : 0; i < script_count; i++) {
        const char *line = script[i];
        if (strncmp(line, "\\if ", 4) == 0) {
            taken = holds(c, line);
            skip = !taken;
        } else if (strncmp(line, "\\elif ", 6) == 0) {
            skip = taken || !holds(c, line);
            taken = taken || !skip;
        } else if (strcmp(line, "\\else") == 0) {
            skip = taken;
        } else if (strcmp(line, "\\endif") == 0) {
            skip = false;
        } else if (!skip && strncmp(line, "\\set ", 5) == 0) {
            set(c, line);
        } else if (!skip && line[0] == '\\') {
            script_fail(line);
        } else if (!skip && !run_statement(c, line)) {
            return false;
        }
    }
    return true;
}

static void *work(void *arg)
{
    struct client *c = arg;
    while (!atomic_load(&stopping)) {
        int after = atomic_load(&marked);
        int64_t begun = clock_us();
        bool ok = concurrent ? run_script(c)
                             : run(c, "DO GET_LOCK(CONCAT('traffic ', DATABASE()), 60)") &&
                                   run(c, "START TRANSACTION") && run_script(c) && run(c, "COMMIT") &&
                                   run(c, "DO RELEASE_LOCK(CONCAT('traffic ', DATABASE()))");
        if (!ok)
            break;
        c->runs++;
        int64_t took = clock_us() - begun;
        if (took > c->longest_us[after])
            c->longest_us[after] = took;
    }
    mysql_close(c->my); /* here, so that nobody waits for the lock of one that failed */
    return NULL;
}

/* mysql://user@host:port/database */
static MYSQL *connect_to(const char *url)
{
    char user[64], host[64], port[8], database[65];
    if (sscanf(url, "mysql://%63[^@]@%63[^:]:%7[0-9]/%64s", user, host, port, database) != 4)
        script_fail(url);
    MYSQL *my = mysql_init(NULL);
    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(my, MYSQL_INIT_COMMAND, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    if (!mysql_real_connect(my, host, user, NULL, database, (unsigned)strtoul(port, NULL, 10), NULL, 0)) {
        fprintf(stderr, "ERROR %s\n", mysql_error(my));
        exit(2);
    }
    return my;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: sc_traffic URL SCRIPT CLIENTS\n");
        return 2;
    }
    script_read(argv[2]);
    signal(SIGTERM, on_term);
    signal(SIGUSR1, on_usr1);
    int clients = (int)strtol(argv[3], NULL, 10);
    mysql_library_init(0, NULL, NULL);
    struct client *all = mem_array((size_t)clients, sizeof(*all));
    for (int i = 0; i < clients; i++) {
        all[i].my = connect_to(argv[1]);
        all[i].seed = ((uint64_t)getpid() << 20 | (uint64_t)(i + 1)) * 0x9e3779b97f4a7c15u;
    }
    for (int i = 0; i < clients; i++)
        pthread_create(&all[i].thread, NULL, work, &all[i]);
    uint64_t runs = 0;
    int64_t longest_us[2] = {0};
    for (int i = 0; i < clients; i++) {
        pthread_join(all[i].thread, NULL);
        runs += all[i].runs;
        for (int k = 0; k < 2; k++)
            if (all[i].longest_us[k] > longest_us[k])
                longest_us[k] = all[i].longest_us[k];
    }
    mem_free(all);
    for (int i = 0; i < script_count; i++)
        mem_free(script[i]);
    mysql_library_end();
    printf("%" PRIu64 " runs\n", runs);
    printf("longest before SIGUSR1: %" PRId64 " ms\nlongest after it: %" PRId64 " ms\n", longest_us[0] / 1000,
           longest_us[1] / 1000);
    return atomic_load(&failed) ? 1 : 0;
}
