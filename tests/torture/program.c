#include "torture/program.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "torture/stream.h"

enum {
    ATTEMPTS_MOST = 25,
    ATTEMPT_MS = 180000,
    SLOW_MS = 75000, /* clients that write faster than the machine applies it are slowed down then */
    SLOWER = 4,
    POLL_MS = 5,
    LOCK_MS = 2500,
    ROW_MS = 1200,
    DARK_MS = 3000,
    EXIT_DONE = 0,
    EXIT_REFUSED = 3,
    EXIT_FAILED = 4,
    EXIT_UNKNOWN = 5,
    EXIT_RESUMABLE = 75
};

/* One start of the program. */
struct attempt {
    struct program *program;
    pid_t pid, second;
    pthread_t listener;
    int pipe, pipe_in;
    int64_t began_us;
    struct session locker; /* somebody else's transaction */
    int64_t lock_until_us;
    bool twice; /* a second instance was there */
};

/* --- what it says */

static void heard(struct program *p, const char *line)
{
    if (p->stream)
        stream_heard(p, line);
    const char *phase = strstr(line, "\"message\":\"phase ");
    if (!phase || p->phase_count == PHASE_TIMES_MOST)
        return;
    struct phase_time *t = &p->phases[p->phase_count];
    if (sscanf(phase, "\"message\":\"phase %19[a-z-]", t->name) != 1)
        return;
    t->at_us = clock_us();
    p->phase_count++;
    if (strcmp(t->name, "cleanup") == 0 && p->swapped_us == 0)
        p->swapped_us = t->at_us;
}

/* Its standard error, line by line, into a file and for the phases' times. */
static void *listen_to(void *arg)
{
    struct attempt *a = arg;
    char *line = NULL, path[4096];
    size_t size = 0;
    snprintf(path, sizeof(path), "%s/stderr", a->program->work);
    FILE *in = fdopen(a->pipe, "r"), *out = fopen(path, "a");
    while (in && out && getline(&line, &size, in) > 0) {
        heard(a->program, line);
        fputs(line, out);
    }
    free(line);
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    return NULL;
}

/* --- processes */

static void orders(const struct program *p, struct buf *out)
{
    for (int i = 0; i < p->fault_count; i++) {
        char text[120];
        if (!p->faults[i].point || p->faults[i].happened)
            continue;
        fault_order(&p->faults[i], text, sizeof(text));
        buf_printf(out, "%s%s", out->len ? ";" : "", text);
    }
}

static pid_t start(const struct program *p, const char *failpoints, int error, const char *stdout_name)
{
    char out[4096], hits[4096];
    snprintf(out, sizeof(out), "%s/%s", p->work, stdout_name);
    snprintf(hits, sizeof(hits), "%s/hits", p->work);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(error, STDERR_FILENO) < 0)
        _exit(126);
    setenv("SEACHANGE_FAILPOINT_HITS", hits, 1);
    if (*failpoints)
        setenv("SEACHANGE_FAILPOINT", failpoints, 1);
    const char *streaming[] = {p->path,
                               "audit",
                               "--source",
                               p->url,
                               "--table",
                               "t",
                               "--audit-kafka",
                               p->brokers,
                               "--audit-topic",
                               p->topic,
                               "--audit-columns",
                               "*=plain",
                               "--spool-dir",
                               p->work,
                               "--spool-memory",
                               "256KiB",
                               "--give-up",
                               "60s",
                               "--log-format",
                               "json",
                               "--log-level",
                               "debug",
                               "--progress-interval",
                               "1s",
                               NULL};
    const char *migrating[] = {p->path, "migrate", "--source", p->url, "--table", "t", "--alter",
                               p->world->shape.family->alters[p->world->shape.alter], "--spool-dir", p->work,
                               "--spool-memory", "256KiB", "--chunk-time", "20ms", "--give-up", "60s", "--log-format",
                               "json", "--log-level", "debug", "--progress-interval", "1s",
                               /* the rest only with an audit */
                               p->brokers ? "--audit-kafka" : NULL, p->brokers, "--audit-topic", p->topic,
                               "--audit-columns", "*=plain", NULL};
    execv(p->path, (char *const *)(uintptr_t)(p->stream ? streaming : migrating));
    _exit(127);
}

static bool attempt_start(struct attempt *a)
{
    struct program *p = a->program;
    struct buf failpoints = {0};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    orders(p, &failpoints);
    a->began_us = clock_us();
    a->pid = start(p, buf_cstr(&failpoints), ends[1], "stdout");
    a->pipe = ends[0];
    a->pipe_in = ends[1];
    buf_fini(&failpoints);
    p->attempts++;
    if (p->stream == STREAM_ENDS) /* that was the one before, which died of something else */
        p->stream = STREAM_DRAINS;
    return a->pid > 0 && pthread_create(&a->listener, NULL, listen_to, a) == 0;
}

/* --- faults from outside */

/* Comes back when it has begun; it ends by itself. */
static void tell_broker(struct program *p, const char *what)
{
    struct buf command = {0};
    buf_printf(&command, "%s %s", p->broker, what);
    if (system(buf_cstr(&command)) != 0)
        world_error(p->world, "this could not be done to Kafka: %s", what);
    buf_fini(&command);
}

static void crash_server(struct program *p)
{
    p->crashes++;
    if (system(p->crash) != 0)
        world_error(p->world, "the server could not be killed and started again: %s", p->crash);
}

static void end_sessions(struct program *p)
{
    struct session asking, ending;
    const struct family *family = p->world->shape.family;
    if (session_open(&asking, family->sql, p->world->url) && session_open(&ending, family->sql, p->world->url) &&
        session_run(&asking, "%s", family->program_sessions) == SQL_OK) {
        for (int i = 0; i < asking.rows.count; i++) {
            struct buf sql = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            buf_printf(&sql, family->end_session, session_value(&asking, i, 0));
#pragma GCC diagnostic pop
            session_run(&ending, "%s", buf_cstr(&sql));
            buf_fini(&sql);
        }
        session_close(&ending);
    }
    session_close(&asking);
}

static void lock_something(struct attempt *a, bool row)
{
    struct world *world = a->program->world;
    if (a->locker.connection || !session_open(&a->locker, world->shape.family->sql, world->url))
        return;
    session_run(&a->locker, "BEGIN");
    session_run(&a->locker, row ? "SELECT n FROM t WHERE n = 0 FOR UPDATE" : "SELECT count(*) FROM t");
    a->lock_until_us = clock_us() + (row ? ROW_MS : LOCK_MS) * INT64_C(1000);
}

/* One after the other, each once: a second ADD of the same column would fail. */
static void alter_table(struct program *p)
{
    struct session session;
    const struct family *family = p->world->shape.family;
    const char *sql = family->stream_alters[p->altered++ % ALTERS];
    if (!session_open(&session, family->sql, p->world->url) || session_run(&session, "%s", sql) != SQL_OK)
        world_error(p->world, "the table could not be changed: %s: %s", sql, session.error);
    session_close(&session);
}

static void start_second(struct attempt *a)
{
    if (a->second == 0)
        a->second = start(a->program, "", a->pipe_in, "stdout.second");
    a->twice = true;
}

static void by_time(struct attempt *a, int64_t first_us)
{
    struct program *p = a->program;
    int64_t ms = (clock_us() - first_us) / 1000;
    for (int i = 0; i < p->fault_count; i++) {
        struct fault *f = &p->faults[i];
        if (f->point || f->happened || ms < f->at_ms)
            continue;
        f->happened = true;
        switch (f->kind) {
        case FAULT_KILL:
            kill(a->pid, SIGKILL);
            break;
        case FAULT_TERM:
            kill(a->pid, SIGTERM);
            break;
        case FAULT_CRASH:
            crash_server(p);
            break;
        case FAULT_LOCK:
        case FAULT_ROW:
            lock_something(a, f->kind == FAULT_ROW);
            break;
        case FAULT_RESET:
            proxy_reset(p->proxy);
            break;
        case FAULT_HALF:
            proxy_half(p->proxy);
            break;
        case FAULT_BLACKHOLE:
            proxy_blackhole(p->proxy, DARK_MS);
            break;
        case FAULT_TWICE:
            start_second(a);
            break;
        case FAULT_ALTER:
            alter_table(p);
            break;
        case FAULT_DOWN:
        case FAULT_SLOW:
        case FAULT_BROKER:
            tell_broker(p, fault_names[f->kind]);
            break;
        default:
            end_sessions(p);
        }
    }
    if (a->locker.connection && clock_us() > a->lock_until_us)
        session_close(&a->locker);
}

/* Has the program come to this failpoint, ever? */
static bool was_hit(const struct program *p, const char *point)
{
    char path[4096], line[200];
    bool was = false;
    snprintf(path, sizeof(path), "%s/hits", p->work);
    FILE *f = fopen(path, "r");
    while (f && !was && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        was = strcmp(line, point) == 0;
    }
    if (f)
        fclose(f);
    return was;
}

/* What has happened is not asked for again. */
static void note_hits(struct program *p)
{
    for (int i = 0; i < p->fault_count; i++)
        p->faults[i].happened |= p->faults[i].point && was_hit(p, p->faults[i].point);
}

/* At a failpoint at which something is done to a server: to Kafka, or to the database's. */
static void while_it_stands_still(struct program *p)
{
    for (int i = 0; i < p->fault_count; i++) {
        struct fault *f = &p->faults[i];
        if (!f->point || f->happened || !fault_is_kafkas(f->kind) || !was_hit(p, f->point))
            continue;
        f->happened = true;
        tell_broker(p, fault_names[f->kind]);
        return;
    }
    crash_server(p);
}

/* --- one start, from its beginning to its end */

/* Its status as waitpid has it; -1 when it had to be given up. */
static int attempt_wait(struct attempt *a, int64_t first_us)
{
    struct program *p = a->program;
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(a->pid, &status, WNOHANG | WUNTRACED);
        if (pid == a->pid && WIFSTOPPED(status)) {
            while_it_stands_still(p);
            kill(a->pid, SIGCONT);
        } else if (pid == a->pid) {
            return status;
        }
        if (pid < 0 && errno != EINTR)
            return -1;
        by_time(a, first_us);
        if (p->stream)
            stream_step(p, a->pid);
        if (!p->world->slowed && clock_us() - a->began_us > SLOW_MS * INT64_C(1000)) {
            p->world->slowed = true;
            p->world->pause_us *= SLOWER;
        }
        if (clock_us() - a->began_us > ATTEMPT_MS * INT64_C(1000)) {
            kill(a->pid, SIGKILL);
            waitpid(a->pid, &status, 0);
            return -1;
        }
        clock_sleep_ms(POLL_MS);
    }
}

static void attempt_end(struct attempt *a)
{
    if (a->second > 0) {
        kill(a->second, SIGKILL);
        waitpid(a->second, NULL, 0);
    }
    close(a->pipe_in);
    pthread_join(a->listener, NULL);
    session_close(&a->locker);
}

/* C9: what is stored as applied, and as sent to Kafka, is never less than it was. */
static void look_at_position(struct program *p, const char *query, const char *what, int64_t *last)
{
    struct session session;
    if (session_open(&session, p->world->shape.family->sql, p->world->url) &&
        session_run(&session, "%s", query) == SQL_OK && session.rows.count == 1 && session_value(&session, 0, 0)) {
        int64_t position = session_number(&session, 0, 0);
        if (position < *last)
            world_error(p->world, "C9: %s went back from %" PRId64 " to %" PRId64, what, *last, position);
        *last = position;
    }
    session_close(&session);
}

static void find_old_table(struct program *p)
{
    struct session session;
    const struct family *family = p->world->shape.family;
    if (session_open(&session, family->sql, p->world->url) &&
        session_run(&session, "%s", family->old_table) == SQL_OK && session.rows.count == 1)
        p->old_table = mem_strdup(session_value(&session, 0, 0));
    else
        world_error(p->world, "C8: the old table is not there, or not the only one");
    session_close(&session);
}

/* True: start it again. */
static bool again(struct program *p, const struct attempt *a, int status)
{
    bool died = status >= 0 && WIFSIGNALED(status);
    int code = status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    p->deaths += died;
    if (status == -1)
        world_error(p->world, "seachange had not ended after %d s", ATTEMPT_MS / 1000);
    else if (died && WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGTERM)
        world_error(p->world, "seachange was ended by signal %d", WTERMSIG(status));
    else if (died || code == EXIT_RESUMABLE || code == EXIT_UNKNOWN ||
             ((code == EXIT_REFUSED || code == EXIT_FAILED) && a->twice)) /* the other one has it */
        return p->attempts < ATTEMPTS_MOST;
    else if (p->stream && code == EXIT_DONE && !stream_was_told(p))
        world_error(p->world, "the stream ended by itself (its log: %s/stderr)", p->work);
    else if (p->stream && code == EXIT_DONE)
        return p->stream != STREAM_ENDS && p->attempts < ATTEMPTS_MOST;
    else if (code != EXIT_DONE)
        world_error(p->world, "seachange ended with exit code %d (its log: %s/stderr)", code, p->work);
    return false;
}

/* What it wrote on its standard output, and a second instance on its own. */
static void read_summary(struct program *p)
{
    static const char *const names[] = {"stdout", "stdout.second"};
    struct buf text = {0};
    for (int i = 0; i < 2; i++) {
        char path[4096], line[1000];
        snprintf(path, sizeof(path), "%s/%s", p->work, names[i]);
        FILE *f = fopen(path, "r");
        while (f && fgets(line, sizeof(line), f))
            buf_str(&text, line);
        if (f)
            fclose(f);
    }
    p->summary = buf_take(&text);
}

int64_t program_phase_us(const struct program *p, const char *name)
{
    for (int i = 0; i < p->phase_count; i++)
        if (strcmp(p->phases[i].name, name) == 0)
            return p->phases[i].at_us;
    return 0;
}

bool program_run(struct program *p)
{
    int64_t first_us = clock_us();
    bool more = true;
    int status = -1;
    while (more) {
        struct attempt a = {.program = p};
        if (!attempt_start(&a)) {
            world_error(p->world, "seachange cannot be started: %s", strerror(errno));
            return false;
        }
        status = attempt_wait(&a, first_us);
        attempt_end(&a);
        note_hits(p);
        const struct family *family = p->world->shape.family;
        look_at_position(p, p->stream ? family->streamed_position : family->position, "the stored position",
                         &p->position);
        if (p->brokers)
            look_at_position(p, p->stream ? family->streamed : family->audited, "the stored number of messages",
                             &p->audited);
        p->helped = a.twice;
        more = again(p, &a, status);
    }
    bool done = status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE;
    if (p->brokers && p->broker)
        tell_broker(p, "well");
    if (p->stream)
        return done && stream_remove(p);
    read_summary(p);
    if (done)
        find_old_table(p);
    else if (p->world->error_count == 0)
        world_error(p->world, "seachange was not done after %d starts", p->attempts);
    return done;
}

void program_fini(struct program *p)
{
    mem_free(p->old_table);
    mem_free(p->summary);
}
