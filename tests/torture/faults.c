#include "torture/faults.h"

#include <stdio.h>
#include <string.h>

const char *const fault_names[FAULT_KINDS] = {"kill",     "term", "drop", "crash",  "retry", "sleep",
                                              "sessions", "lock", "row",  "reset",  "half",  "blackhole",
                                              "twice",    "down", "slow", "broker", "alter"};
const char *const phase_names[PHASES] = {"prepare", "copy", "apply", "verify", "cutover", "cleanup", "audit", "stream"};

enum server { POSTGRES = 1, MYSQL = 2, MARIADB = 4, MYSQL_FAMILY = MYSQL | MARIADB, ALL = POSTGRES | MYSQL_FAMILY };

static const struct {
    const char *name;
    int servers;
    bool can_fail;
} points[] = {
#define FAILPOINT_STEP(name, servers, text) {#name, servers, true},
#define FAILPOINT_PLACE(name, servers, text) {#name, servers, false},
#include "base/failpoints.def"
#undef FAILPOINT_STEP
#undef FAILPOINT_PLACE
};

/* By the beginning of a failpoint's name: which phase it is of. What is not here happens in several or only now and
 * then. */
static const struct {
    const char *prefix;
    int phase;
} phases[] = {
    {"run_", 0},
    {"prepare_", 0},
    {"slot_", 0},
    {"copy_", 1},
    {"fence_", 2},
    {"apply_", 2},
    {"index_", 2},
    {"verify_", 3},
    {"cutover_", 4},
    {"rename_", 4},
    {"sentry_", 4},
    {"table_", 4},
    {"cleanup_", 5},
    {"remove_", 5},
    {"audit_", PHASE_AUDIT},
    {"standing_", PHASE_STREAM},
};

static bool is_of_server(size_t i, const char *server)
{
    int bit = strcmp(server, "postgresql") == 0 ? POSTGRES : strcmp(server, "mysql") == 0 ? MYSQL : MARIADB;
    return (points[i].servers & bit) != 0;
}

static bool is_of_phase(size_t i, int phase)
{
    for (size_t p = 0; p < sizeof(phases) / sizeof(phases[0]); p++)
        if (strncmp(points[i].name, phases[p].prefix, strlen(phases[p].prefix)) == 0)
            return phases[p].phase == phase || (phase < 0 && phases[p].phase != PHASE_AUDIT);
    return phase < 0;
}

/* Of no use here: what only `seachange abort` comes to; and where nothing is stored any more but that it is done, so
 * that the same command would begin anew (docs/failures.md). */
static bool is_left_out(size_t i)
{
    static const char *const names[] = {"abort_begin", "abort_sequence_given_back", "remove_state_row_removed",
                                        "remove_state_ended"};
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
        if (strcmp(points[i].name, names[n]) == 0)
            return true;
    return false;
}

static const char *choose(int phase, const char *server, enum fault_kind kind, uint64_t drawn)
{
    size_t all = sizeof(points) / sizeof(points[0]), count = 0;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < all; i++) {
            if (!is_of_server(i, server) || !is_of_phase(i, phase) || is_left_out(i) ||
                (kind == FAULT_RETRY && !points[i].can_fail))
                continue;
            if (round == 1 && drawn-- == 0)
                return points[i].name;
            count += round == 0;
        }
        if (count == 0)
            return NULL;
        drawn = round == 0 ? drawn % count : drawn;
    }
    return NULL;
}

const char *fault_point(int phase, const char *server, enum fault_kind kind, uint64_t drawn)
{
    return choose(phase, server, kind, drawn);
}

const char *fault_point_any(const char *server, enum fault_kind kind, uint64_t drawn)
{
    return choose(-1, server, kind, drawn);
}

bool fault_is_kafkas(enum fault_kind kind)
{
    return kind == FAULT_DOWN || kind == FAULT_SLOW || kind == FAULT_BROKER;
}

/* For what is done to a server the program stands still meanwhile. */
void fault_order(const struct fault *fault, char *text, int size)
{
    static const char *const actions[FAULT_AT_POINTS] = {"kill", "term", "drop", "stop", "retry", "sleep"};
    if (fault->kind == FAULT_SLEEP)
        snprintf(text, (size_t)size, "%s=sleep:%d", fault->point, fault->argument);
    else
        snprintf(text, (size_t)size, "%s=%s@%d", fault->point,
                 actions[fault_is_kafkas(fault->kind) ? FAULT_CRASH : fault->kind], fault->argument);
}

void fault_points_print(const char *server)
{
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        if (is_of_server(i, server))
            puts(points[i].name);
}
