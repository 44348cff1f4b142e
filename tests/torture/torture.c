/* One migration under clients that know what they were told, with faults that follow from a seed; then every check.
 *
 * usage: sc_torture --server URL --kind postgresql|mysql|mariadb --seachange PROGRAM --work DIRECTORY --seed N
 * [options]
 *   --fault PHASE:KIND one fault in a phase (prepare copy apply verify cutover cleanup), KIND kill term drop crash
 * retry
 *   --fault POINT=KIND at a failpoint, by name; several are parted by commas
 *   --control          no migration at all
 *   --stream           a standing stream (seachange audit) instead of a migration; needs --audit
 *   --crash COMMAND    kills the server and starts it again
 *   --audit BROKERS    with an audit, into a topic that has nothing in it: --topic NAME (torture)
 *   --broker COMMAND   does to Kafka what its argument says (broker.sh)
 *   --clients N --rows N --pause-us N
 *   --points           prints the failpoints this server can come to, and ends
 *
 * Prints one line: ok or FAILED, and what there was. Exit status 0, 1 when a check has failed, 2 for wrong usage. */
#include <getopt.h>
#include <inttypes.h>
#include <mysql.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "torture/audit.h"
#include "torture/check.h"
#include "torture/program.h"

enum { BEFORE_MS = 250, AFTER_MS = 700, SECOND_US = 1000000, RANDOM_MS = 4000 };

struct run {
    struct world world;
    struct program program;
    const char *server_url, *server, *asked; /* asked: --fault */
    const char *database;
    char url[512], other_url[512], program_url[512];
    bool control, stream;
    uint64_t seed, drawn, audit_drawn;
    struct counts counts;
    struct audit_counts audit;
    int64_t began_us;
    char fault_text[400];
};

static uint64_t draw_from(uint64_t *drawn, uint64_t below)
{
    *drawn += 0x9e3779b97f4a7c15u;
    uint64_t x = *drawn;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (x ^ (x >> 31)) % below;
}

static uint64_t draw(struct run *r, uint64_t below)
{
    return draw_from(&r->drawn, below);
}

/* What only a migration with an audit draws: all else is the same with one and without. */
static uint64_t draw_audit(struct run *r, uint64_t below)
{
    return draw_from(&r->audit_drawn, below);
}

/* --- which faults */

static struct fault *add_fault(struct run *r, enum fault_kind kind, const char *point)
{
    struct fault *f = &r->program.faults[r->program.fault_count++];
    *f = (struct fault){.kind = kind, .point = point, .argument = 1};
    return f;
}

static int index_of(const char *const *names, int count, const char *text, size_t len)
{
    for (int i = 0; i < count; i++)
        if (strlen(names[i]) == len && strncmp(names[i], text, len) == 0)
            return i;
    return -1;
}

/* "copy:kill" or "copy_chunk_begin=kill", of `len` characters */
static bool ask_fault(struct run *r, const char *asked, size_t len)
{
    size_t where = strcspn(asked, ":=");
    if (where >= len)
        return false;
    int k = index_of(fault_names, FAULT_KINDS, asked + where + 1, len - where - 1);
    const char *point = NULL;
    if (k < 0 || (k >= FAULT_AT_POINTS && !fault_is_kafkas((enum fault_kind)k)) ||
        r->program.fault_count == FAULTS_MOST)
        return false;
    if (asked[where] == '=') {
        point = mem_strndup(asked, where); /* for as long as the program runs */
    } else {
        int phase = index_of(phase_names, PHASES, asked, where);
        point = phase < 0 ? NULL : fault_point(phase, r->server, (enum fault_kind)k, r->seed);
    }
    if (!point)
        return false;
    struct fault *f = add_fault(r, (enum fault_kind)k, point);
    if (f->kind == FAULT_SLEEP)
        f->argument = 800;
    return true;
}

/* Parted by commas. */
static bool ask_faults(struct run *r)
{
    const char *asked = r->asked;
    bool fine = true;
    while (fine && *asked) {
        size_t len = strcspn(asked, ",");
        fine = ask_fault(r, asked, len);
        asked += len + (asked[len] == ',');
    }
    return fine;
}

/* One to four, half of them at failpoints. */
static void draw_faults(struct run *r)
{
    int count = 1 + (int)draw(r, 4);
    for (int i = 0; i < count; i++) {
        if (draw(r, 2) == 0) {
            enum fault_kind kind = (enum fault_kind)draw(r, FAULT_AT_POINTS);
            struct fault *f = add_fault(r, kind, fault_point_any(r->server, kind, draw(r, 1u << 20)));
            f->argument = kind == FAULT_SLEEP ? 50 + (int)draw(r, 1500) : 1 + (int)(draw(r, 3) == 0 ? draw(r, 5) : 0);
        } else {
            static const enum fault_kind kinds[] = {FAULT_KILL, FAULT_TERM,     FAULT_CRASH, FAULT_SESSIONS,
                                                    FAULT_LOCK, FAULT_ROW,      FAULT_TWICE, FAULT_RESET,
                                                    FAULT_HALF, FAULT_BLACKHOLE};
            add_fault(r, kinds[draw(r, sizeof(kinds) / sizeof(kinds[0]))], NULL)->at_ms = (int)draw(r, RANDOM_MS);
        }
    }
}

/* Two of the audit's own: half of them at its failpoints, half done to Kafka, at a failpoint of any phase or some time.
 */
static void draw_audit_faults(struct run *r)
{
    for (int i = 0; i < 2; i++) {
        enum fault_kind kind = (enum fault_kind)draw_audit(r, FAULT_AT_POINTS);
        bool kafka = draw_audit(r, 2) == 0, by_time = draw_audit(r, 2) == 0;
        if (kafka)
            kind = FAULT_DOWN + (enum fault_kind)draw_audit(r, 3);
        const char *point = !kafka || draw_audit(r, 3) == 0
                                ? fault_point(PHASE_AUDIT, r->server, kind, draw_audit(r, 1u << 20))
                                : fault_point_any(r->server, kind, draw_audit(r, 1u << 20));
        struct fault *f = add_fault(r, kind, kafka && by_time ? NULL : point);
        bool later = draw_audit(r, 3) == 0 && !kafka;
        if (f->point)
            f->argument = kind == FAULT_SLEEP ? 50 + (int)draw_audit(r, 1500) : 1 + (later ? (int)draw_audit(r, 4) : 0);
        else
            f->at_ms = (int)draw_audit(r, RANDOM_MS);
    }
}

/* What cannot be done to a server is done to the program. */
static void without_server_faults(struct run *r)
{
    struct program *p = &r->program;
    for (int i = 0; i < p->fault_count; i++)
        if ((p->faults[i].kind == FAULT_CRASH && !p->crash) || (fault_is_kafkas(p->faults[i].kind) && !p->broker))
            p->faults[i].kind = FAULT_KILL;
}

static void tell_faults(struct run *r)
{
    struct buf b = {0};
    for (int i = 0; i < r->program.fault_count; i++) {
        const struct fault *f = &r->program.faults[i];
        if (f->point)
            buf_printf(&b, "%s%s=%s", i ? "," : "", f->point, fault_names[f->kind]);
        else
            buf_printf(&b, "%s%s at %d ms", i ? "," : "", fault_names[f->kind], f->at_ms);
        if (f->point && !f->happened)
            buf_str(&b, " (not come to)");
    }
    snprintf(r->fault_text, sizeof(r->fault_text), "%s", b.len ? buf_cstr(&b) : "none");
    buf_fini(&b);
}

/* As many as for a migration: half at failpoints of a stream, or of the reader that both have. */
static void draw_stream_faults(struct run *r)
{
    static const enum fault_kind kinds[] = {FAULT_KILL,  FAULT_TERM,  FAULT_CRASH, FAULT_SESSIONS,
                                            FAULT_TWICE, FAULT_RESET, FAULT_HALF,  FAULT_BLACKHOLE,
                                            FAULT_DOWN,  FAULT_SLOW,  FAULT_BROKER};
    static const char *const reader[] = {"reader_before_start", "reader_before_reconnect", "reader_commit_spooled"};
    int count = 1 + (int)draw(r, 4);
    for (int i = 0; i < count; i++) {
        if (draw(r, 2) == 0) {
            enum fault_kind kind = (enum fault_kind)draw(r, FAULT_AT_POINTS);
            const char *point =
                draw(r, 4) == 0 ? reader[draw(r, 3)] : fault_point(PHASE_STREAM, r->server, kind, draw(r, 1u << 20));
            add_fault(r, kind, point)->argument =
                kind == FAULT_SLEEP ? 50 + (int)draw(r, 1500) : 1 + (int)(draw(r, 2) == 0 ? draw(r, 8) : 0);
        } else {
            add_fault(r, kinds[draw(r, sizeof(kinds) / sizeof(kinds[0]))], NULL)->at_ms = (int)draw(r, RANDOM_MS);
        }
    }
    int alters = r->world.shape.family->log_describes ? (int)draw_audit(r, 3) : 0;
    for (int i = 0; i < alters; i++)
        add_fault(r, FAULT_ALTER, NULL)->at_ms = (int)draw_audit(r, 2 * RANDOM_MS);
    r->program.altered = alters ? (int)draw_audit(r, ALTERS) : 0;
}

/* The log has to describe the table where it is to change under a stream. */
static bool describe_in_log(struct run *r)
{
    const char *sql = r->world.shape.family->log_describes;
    bool wanted = false;
    for (int i = 0; i < r->program.fault_count; i++)
        wanted |= r->program.faults[i].kind == FAULT_ALTER;
    if (!wanted || !sql)
        return true;
    struct session session;
    bool fine =
        session_open(&session, r->world.shape.family->sql, r->url) && session_run(&session, "%s", sql) == SQL_OK;
    if (!fine)
        world_error(&r->world, "the log cannot be made to describe tables: %s", session.error);
    setenv("SERVER_OPTIONS", r->world.shape.family->log_describes_option, 1); /* when it is started again */
    session_close(&session);
    return fine;
}

/* PostgreSQL's log has rows whole only when it is told so: in some migrations with an audit it is. */
static bool draw_images(struct run *r)
{
    const char *statement = r->world.shape.family->full_images;
    if (!r->program.brokers || !statement || draw_audit(r, 3) != 0)
        return true;
    struct session session;
    bool fine =
        session_open(&session, r->world.shape.family->sql, r->url) && session_run(&session, "%s", statement) == SQL_OK;
    if (!fine)
        world_error(&r->world, "the table cannot be made: %s", session.error);
    session_close(&session);
    return fine;
}

/* --- the database */

static bool make_database(struct run *r)
{
    const struct family *family = r->world.shape.family;
    struct session session;
    struct buf sql = {0};
    if (!session_open(&session, family->sql, r->server_url)) {
        world_error(&r->world, "the server cannot be reached: %s", session.error);
        return false;
    }
    bool fine = true;
    for (int other = 0; other < 2 && fine; other++) {
        char name[80];
        snprintf(name, sizeof(name), "%s%s", r->database, other ? "_native" : "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        buf_clear(&sql);
        buf_printf(&sql, family->clear, name, name);
        for (char *at = sql.data, *end; (end = strchr(at, ';')); at = end + 1) {
            *end = '\0';
            session_run(&session, "%s", at);
        }
        buf_clear(&sql);
        buf_printf(&sql, family->create, name);
#pragma GCC diagnostic pop
        fine = run_all(&session, buf_cstr(&sql));
    }
    if (!fine)
        world_error(&r->world, "the database cannot be made: %s", session.error);
    session_close(&session);
    buf_fini(&sql);
    return fine;
}

/* The server's URL with another user, port (0: its own) and database; and its own port. */
static int make_url(char *out, size_t size, const char *server_url, const char *user, int port, const char *database)
{
    char scheme[16], own_user[64], host[64];
    int own = 0;
    if (sscanf(server_url, "%15[a-z]://%63[^@]@%63[^:]:%d/", scheme, own_user, host, &own) != 4)
        out[0] = '\0';
    else
        snprintf(out, size, "%s://%s@%s:%d/%s", scheme, user ? user : own_user, host, port ? port : own, database);
    return own;
}

/* --- C10: a migration that nobody wrote to proves nothing */

static uint64_t done_between(const struct world *world, int64_t from_us, int64_t to_us)
{
    uint64_t count = 0;
    for (int c = 1; c <= world->clients; c++)
        for (uint32_t i = 0; i < world->histories[c].count; i++) {
            const struct op *op = &world->histories[c].ops[i];
            count += op->outcome == OUTCOME_DONE && op->ended_us >= from_us && op->ended_us < to_us;
        }
    return count;
}

static uint64_t longest_stall_us(const struct world *world)
{
    uint64_t longest = 0;
    for (int c = 1; c <= world->clients; c++)
        longest = world->stall_us[c] > longest ? world->stall_us[c] : longest;
    return longest;
}

static void check_writes(struct run *r)
{
    struct program *p = &r->program;
    int64_t copy_us = program_phase_us(p, "copy");
    if (copy_us == 0 || p->swapped_us == 0) {
        world_error(&r->world, "C10: it did not say when it copied and when it swapped");
        return;
    }
    if (done_between(&r->world, copy_us, p->swapped_us) == 0)
        world_error(&r->world, "C10: nobody wrote between the begin of the copy and the swap");
    if (done_between(&r->world, p->swapped_us, INT64_MAX) == 0)
        world_error(&r->world, "C10: nobody wrote after the swap");
    /* While the swap is made nobody can. */
    int64_t from_us = p->swapped_us - SECOND_US - (int64_t)longest_stall_us(&r->world);
    if (p->crashes == 0 && p->deaths == 0 && done_between(&r->world, from_us, p->swapped_us) == 0)
        world_error(&r->world, "C10: nobody wrote in the second before the swap");
}

/* C4: the sum is the same in every snapshot; but a transaction that has taken its snapshot and then waits for the swap
 * sees the new table as of that snapshot: what was not applied by then is missing (docs/cutover.md). */
static void check_snapshots(struct run *r)
{
    struct world *world = &r->world;
    int64_t cutover_us = program_phase_us(&r->program, "cutover"), total = (int64_t)world->rows * BALANCE;
    for (int i = 0; i < world->odd_count; i++) {
        const struct odd_snapshot *odd = &world->odd[i];
        bool waited = cutover_us && odd->ended_us >= cutover_us && odd->began_us <= r->program.swapped_us;
        if (!waited)
            world_error(world, "C4: the balances' sum was %" PRId64 " in a snapshot, and is to be %" PRId64, odd->sum,
                        total);
    }
}

/* C7 */
static void check_history_in_kafka(struct run *r, const struct content *content)
{
    const struct program *p = &r->program;
    struct audit_facts facts = {.copy_us = program_phase_us(p, "copy"),
                                .cutover_us = program_phase_us(p, "cutover"),
                                .summary = p->summary,
                                .another_was_there = p->helped};
    struct topic topic;
    if (topic_read(&r->world, p->brokers, p->topic, &topic))
        check_audit(&r->world, content, &topic, &facts, &r->audit);
    topic_fini(&topic);
}

/* C7 and C10 of a stream: its history goes on until the clients have ended, and comes to what the table is then. */
static void check_stream_in_kafka(struct run *r, const struct content *content)
{
    const struct program *p = &r->program;
    struct audit_facts facts = {.copy_us = p->reading_us, .cutover_us = INT64_MAX, .another_was_there = true};
    struct topic topic;
    if (topic_read(&r->world, p->brokers, p->topic, &topic)) {
        check_audit(&r->world, content, &topic, &facts, &r->audit);
        /* Another instance may have it, and not have stored it yet when it was ended. */
        if ((int64_t)topic.count != p->audited && !(p->helped && (int64_t)topic.count > p->audited))
            world_error(&r->world, "C7: there are %zu messages, and what is stored says %" PRId64, topic.count,
                        p->audited);
    }
    topic_fini(&topic);
    if (p->reading_us == 0 || done_between(&r->world, p->reading_us, INT64_MAX) < 100)
        world_error(&r->world, "C10: hardly anybody wrote while the log was read");
}

/* --- one run */

static void stream(struct run *r)
{
    struct content content;
    r->program.stream = STREAM_RUNS;
    clients_start(&r->world);
    clock_sleep_ms(BEFORE_MS);
    bool fine = program_run(&r->program);
    clients_stop(&r->world); /* who has not come so far */
    if (!fine)
        return;
    check_snapshots(r);
    if (content_read(&r->world, "t", &content)) {
        check_all(&r->world, &content, &r->counts);
        check_stream_in_kafka(r, &content);
    }
    content_fini(&content);
    check_nothing_left(&r->world);
}

static void migrate(struct run *r)
{
    clients_start(&r->world);
    clock_sleep_ms(BEFORE_MS);
    bool fine = true;
    if (!r->control)
        fine = program_run(&r->program);
    clock_sleep_ms(fine ? AFTER_MS : 0);
    clients_stop(&r->world);
    if (!fine)
        return;
    struct content content;
    check_snapshots(r);
    if (content_read(&r->world, r->program.old_table, &content)) {
        check_all(&r->world, &content, &r->counts);
        if (!r->control && r->program.brokers)
            check_history_in_kafka(r, &content);
    }
    content_fini(&content);
    if (r->control)
        return;
    check_writes(r);
    check_definition(&r->world, r->other_url);
    check_nothing_left(&r->world);
}

static void tell(struct run *r)
{
    struct world *world = &r->world;
    char path[600], audit[100] = "";
    tell_faults(r);
    if (r->program.brokers)
        snprintf(audit, sizeof(audit), " messages=%" PRIu64 " repeated=%" PRIu64 " histories=%" PRIu64,
                 r->audit.messages, r->audit.repeats, r->audit.rows);
    printf("%s seed=%" PRIu64 " server=%s key=%d %s=%d faults=[%s] starts=%d deaths=%d crashes=%d acknowledged=%" PRIu64
           " in_doubt=%" PRIu64 " rows=%" PRIu64 " deleted=%" PRIu64 " snapshots=%" PRIu64 " stall_ms=%" PRIu64
           " seconds=%.1f%s%s\n",
           world->error_count ? "FAILED" : "ok", r->seed, r->server, (int)world->shape.key,
           r->stream ? "stream" : "alter", r->stream ? 1 : world->shape.alter, r->fault_text, r->program.attempts,
           r->program.deaths, r->program.crashes, r->counts.done, r->counts.unknown, r->counts.rows, r->counts.graves,
           world->snapshots, longest_stall_us(world) / 1000, (double)(clock_us() - r->began_us) / 1e6, audit,
           world->slowed ? " slowed=1" : "");
    for (int i = 0; i < world->error_count; i++)
        printf("    %s\n", world->errors[i]);
    if (world->error_count == 0)
        return;
    snprintf(path, sizeof(path), "%s/history", r->program.work);
    if (histories_write(world->histories, CLIENTS_MOST, path))
        printf("    what the clients were told: %s; what seachange said: %s/stderr\n", path, r->program.work);
}

static int one_run(struct run *r)
{
    r->began_us = clock_us();
    const struct family *family = strcmp(r->server, "postgresql") == 0 ? &family_postgresql : &family_mysql;
    r->drawn = r->seed * 0x2545f4914f6cdd1du + 1;
    r->audit_drawn = r->seed * 0xd1342543de82ef95u + 3;
    r->world.seed = r->seed;
    r->world.shape = (struct shape){.family = family, .key = (enum key)draw(r, KEYS), .alter = (int)draw(r, ALTERS)};
    r->program.world = &r->world;
    char other[120];
    snprintf(other, sizeof(other), "%s_native", r->database);
    make_url(r->other_url, sizeof(r->other_url), r->server_url, NULL, 0, other);
    r->program.proxy = proxy_start(make_url(r->url, sizeof(r->url), r->server_url, NULL, 0, r->database));
    if (!r->program.proxy) {
        fprintf(stderr, "no port can be had for a proxy\n");
        return 2;
    }
    make_url(r->program_url, sizeof(r->program_url), r->server_url, family->program_user, proxy_port(r->program.proxy),
             r->database);
    r->program.url = r->program_url;
    if (r->asked && !ask_faults(r)) {
        fprintf(stderr, "no such fault on %s: %s\n", r->server, r->asked);
        return 2;
    }
    if (!r->asked && r->stream)
        draw_stream_faults(r);
    else if (!r->asked && !r->control)
        draw_faults(r);
    if (!r->asked && !r->control && !r->stream && r->program.brokers)
        draw_audit_faults(r);
    without_server_faults(r);
    if (make_database(r) && world_make(&r->world, r->url) && draw_images(r) && describe_in_log(r)) {
        if (r->stream)
            stream(r);
        else
            migrate(r);
    }
    tell(r);
    int status = r->world.error_count ? 1 : 0;
    program_fini(&r->program);
    proxy_stop(r->program.proxy);
    world_fini(&r->world);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"server", 1, 0, 's'},   {"kind", 1, 0, 'k'},     {"seachange", 1, 0, 'p'},
                                            {"work", 1, 0, 'w'},     {"seed", 1, 0, 'n'},     {"fault", 1, 0, 'f'},
                                            {"control", 0, 0, 'c'},  {"crash", 1, 0, 'x'},    {"clients", 1, 0, 'C'},
                                            {"rows", 1, 0, 'R'},     {"pause-us", 1, 0, 'P'}, {"points", 0, 0, 'l'},
                                            {"database", 1, 0, 'd'}, {"audit", 1, 0, 'a'},    {"topic", 1, 0, 't'},
                                            {"broker", 1, 0, 'b'},   {"stream", 0, 0, 'S'},   {0}};
    static struct run r = {.world = {.clients = 8, .rows = 3000, .pause_us = 12000},
                           .program = {.topic = "torture"},
                           .database = "sc_torture"};
    bool points = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            r.server_url = optarg;
            break;
        case 'k':
            r.server = optarg;
            break;
        case 'p':
            r.program.path = optarg;
            break;
        case 'w':
            r.program.work = optarg;
            break;
        case 'n':
            r.seed = strtoull(optarg, NULL, 10);
            break;
        case 'f':
            r.asked = optarg;
            break;
        case 'c':
            r.control = true;
            break;
        case 'S':
            r.stream = true;
            break;
        case 'x':
            r.program.crash = optarg;
            break;
        case 'C':
            r.world.clients = (int)strtol(optarg, NULL, 10);
            break;
        case 'R':
            r.world.rows = (int)strtol(optarg, NULL, 10);
            break;
        case 'P':
            r.world.pause_us = strtoll(optarg, NULL, 10);
            break;
        case 'l':
            points = true;
            break;
        case 'd':
            r.database = optarg;
            break;
        case 'a':
            r.program.brokers = optarg;
            break;
        case 't':
            r.program.topic = optarg;
            break;
        case 'b':
            r.program.broker = optarg;
            break;
        default:
            return 2;
        }
    }
    if (points && r.server) { /* --kind is enough */
        fault_points_print(r.server);
        return 0;
    }
    if (!r.server_url || !r.server || !r.program.path || !r.program.work || r.world.clients < 1 ||
        r.world.clients >= CLIENTS_MOST || r.world.rows < 100 || (r.stream && !r.program.brokers)) {
        fprintf(stderr, "usage: see the head of tests/torture/torture.c\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    mysql_library_init(0, NULL, NULL);
    return one_run(&r);
}
