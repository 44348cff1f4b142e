/* seachange as a process: started, ended, started again, until it says that it is done; what is done to it and to the
 * server meanwhile. */
#ifndef TORTURE_PROGRAM_H
#define TORTURE_PROGRAM_H

#include "torture/clients.h"
#include "torture/faults.h"
#include "torture/proxy.h"

enum { FAULTS_MOST = 6, PHASE_TIMES_MOST = 200 };

struct phase_time {
    char name[20];
    int64_t at_us;
};

/* A standing stream has no end of its own: it runs while the clients do, then until their last change is in Kafka. */
enum stream_stage { STREAM_NONE, STREAM_RUNS, STREAM_DRAINS, STREAM_ENDS };

struct program {
    struct world *world;
    const char *path, *work;     /* the program; a directory for its logs and spool */
    const char *url;             /* with the account that migrates */
    struct proxy *proxy;         /* that its connections go through */
    const char *crash;           /* a command that kills the server and starts it again; NULL: not possible */
    const char *brokers, *topic; /* of the audit; NULL: there is none */
    const char *broker;          /* a command that is told what is to be done to Kafka: down, slow, broker, or well */
    struct fault faults[FAULTS_MOST];
    int fault_count;

    enum stream_stage stream; /* STREAM_NONE: a migration */
    int64_t reading_us;       /* when the stream said first that it reads the log; 0 not yet */
    int64_t looked_us;        /* into the topic, for the last change */
    int altered;              /* so many changes of the table were made */
    char last[60];            /* what the last change has in its message */

    struct phase_time phases[PHASE_TIMES_MOST]; /* each phase that began, in order */
    int phase_count;
    int attempts, deaths, crashes; /* started; ended by a signal; the server */
    int64_t position, audited;     /* the last stored ones that were seen */
    int64_t swapped_us;            /* when it said that it had swapped; 0 not yet */
    char *old_table;
    char *summary; /* what it wrote in the end */
    bool helped;   /* another instance was there in the end, too, and may have done it */
};

/* When it said first that this phase began; 0: never. */
int64_t program_phase_us(const struct program *program, const char *name);
/* Runs it to the end; false with world's errors when it does not come to one. */
bool program_run(struct program *program);
void program_fini(struct program *program);

#endif
