/* Failpoints: places at which a test can end, stop or delay the program, cut its connections or make a step fail. Each
 * has a name (failpoints.def says what has happened there and what has not); docs/internals/failpoints.md tells how to
 * use one.
 *
 * Compiled in with the CMake option SEACHANGE_FAILPOINTS only (presets dev, asan, tsan). Without it the macros are
 * nothing, and nothing of this is in the program. */
#ifndef SC_BASE_FAILPOINT_H
#define SC_BASE_FAILPOINT_H

#include "base/error.h"

#ifdef SEACHANGE_FAILPOINTS

#include <stddef.h>
#include <stdint.h>

enum failpoint {
#define FAILPOINT_STEP(name, servers, text) FAILPOINT_STEP_##name,
#define FAILPOINT_PLACE(name, servers, text) FAILPOINT_PLACE_##name,
#include "base/failpoints.def"
#undef FAILPOINT_STEP
#undef FAILPOINT_PLACE
    FAILPOINT_COUNT
};

/* A step that may fail: where `result` (an lvalue) is SC_OK so far, the failpoint is hit and may change it; `err` is
 * filled then. The name must be a FAILPOINT_STEP of the registry, or this does not compile. */
#define FAILPOINT(result, name, err)                                                                                   \
    do {                                                                                                               \
        if ((result) == SC_OK)                                                                                         \
            (result) = failpoint_hit(FAILPOINT_STEP_##name, (err));                                                    \
    } while (0)
/* A place at which nothing can fail: a FAILPOINT_PLACE of the registry. */
#define FAILPOINT_PASS(name) ((void)failpoint_hit(FAILPOINT_PLACE_##name, NULL))
/* Reads the environment now, so that what is wrong with it ends the program before it does anything. */
#define FAILPOINTS_BEGIN() failpoints_load()

/* SC_OK, or what the environment wants of this step, once: SC_RETRY as after a lost connection, SC_FAIL. From any
 * thread. */
enum sc_result failpoint_hit(enum failpoint point, struct sc_error *err);
/* Reads SEACHANGE_FAILPOINT and SEACHANGE_FAILPOINT_HITS, once a process; ends it with exit code 2 and a message where
 * they are malformed. */
void failpoints_load(void);

enum failpoint_action {
    FAILPOINT_KILL,  /* SIGKILL, to the process itself */
    FAILPOINT_TERM,  /* SIGTERM */
    FAILPOINT_STOP,  /* SIGSTOP */
    FAILPOINT_SLEEP, /* this thread */
    FAILPOINT_RETRY, /* the step fails as with a lost connection */
    FAILPOINT_FAIL,  /* the step fails for good */
    FAILPOINT_DROP,  /* shutdown(2) of connected sockets of the process */
};

/* What is to happen at a failpoint: when it is hit for the nth time, from 1. */
struct failpoint_order {
    enum failpoint point;
    enum failpoint_action action;
    uint64_t argument; /* sleep: milliseconds; drop: bit i is the i-th connected socket, in the order of descriptors */
    uint64_t nth;
};

/* "name=action[:argument][@nth][;...]" into *count orders, at most `most`; "" is none. SC_REFUSE: malformed, and err
 * says where and how. */
enum sc_result failpoints_parse(const char *text, struct failpoint_order *orders, size_t most, size_t *count,
                                struct sc_error *err);
const char *failpoint_name(enum failpoint point);

#else

#define FAILPOINT(result, name, err) ((void)(result), (void)(err))
#define FAILPOINT_PASS(name) ((void)0)
#define FAILPOINTS_BEGIN() ((void)0)

#endif
#endif
