/* What is done to a migration, and where. */
#ifndef TORTURE_FAULTS_H
#define TORTURE_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_KILL,  /* SIGKILL */
    FAULT_TERM,  /* SIGTERM */
    FAULT_DROP,  /* its connections are cut */
    FAULT_CRASH, /* the server is killed and started again, while seachange stands still */
    FAULT_RETRY, /* a step fails as with a lost connection */
    FAULT_SLEEP, /* a step takes long */
    FAULT_AT_POINTS,
    FAULT_SESSIONS = FAULT_AT_POINTS, /* the server ends its sessions */
    FAULT_LOCK,                       /* somebody reads the table in a transaction that stays open for seconds */
    FAULT_ROW,                        /* somebody keeps a row locked for a second or two */
    FAULT_RESET,                      /* the network resets its connections */
    FAULT_HALF,                       /* ... after half of what comes next */
    FAULT_BLACKHOLE,                  /* ... after seconds in which nothing arrives and nobody is told */
    FAULT_TWICE,                      /* a second instance is started */
    FAULT_DOWN,                       /* nobody answers at Kafka's port, for seconds */
    FAULT_SLOW,                       /* Kafka takes its time for each answer, for seconds */
    FAULT_BROKER,                     /* Kafka is killed and started again; the pretended one refuses what it gets */
    FAULT_ALTER,                      /* somebody changes the table's columns (a standing stream alone) */
    FAULT_KINDS
};
extern const char *const fault_names[FAULT_KINDS];

enum { PHASES = 8, PHASE_AUDIT = 6, PHASE_STREAM };
/* prepare, copy, apply, verify, cutover, cleanup, audit; stream: a standing one */
extern const char *const phase_names[PHASES];

struct fault {
    enum fault_kind kind;
    const char *point; /* of the registry of failpoints; NULL: by time */
    int argument;      /* nth; FAULT_SLEEP: milliseconds */
    int at_ms;         /* after the first start, where it is by time */
    bool happened;
};

/* A failpoint of this phase, for a fault of this kind, that this server ("postgresql", "mysql", "mariadb") can come to;
 * NULL: there is none. */
const char *fault_point(int phase, const char *server, enum fault_kind kind, uint64_t drawn);
/* Any failpoint of a migration without an audit, not of abort. */
const char *fault_point_any(const char *server, enum fault_kind kind, uint64_t drawn);
/* Is it done to Kafka? */
bool fault_is_kafkas(enum fault_kind kind);
/* "name=action[:argument][@nth]" for the environment. */
void fault_order(const struct fault *fault, char *text, int size);
/* Prints all failpoints that this server can come to, one a line. */
void fault_points_print(const char *server);

#endif
