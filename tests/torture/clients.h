/* The clients: threads that change the table all the time, and one that reads it in long snapshots. They share rows, so
 * they wait for each other and have deadlocks, as clients do; an error of any other kind is a failure. */
#ifndef TORTURE_CLIENTS_H
#define TORTURE_CLIENTS_H

#include <stdatomic.h>

#include "torture/history.h"
#include "torture/shape.h"

enum { BALANCE = 1000, ERRORS_MOST = 10 };

/* Keys that may be there; some no longer are. */
struct pool {
    pthread_mutex_t lock;
    int64_t *keys;
    uint32_t count, cap;
};

/* A snapshot in which the balances' sum was another. */
struct odd_snapshot {
    int64_t began_us, ended_us; /* the statement that took it */
    int64_t sum;
};
enum { ODD_MOST = 16 };

struct world {
    struct shape shape;
    const char *url;
    uint64_t seed;
    int clients, rows;        /* rows: that are there before the first client comes */
    _Atomic int64_t pause_us; /* between two operations of a client */
    bool slowed;              /* it was made longer, so that a machine that is too slow gets on */
    struct history histories[CLIENTS_MOST];
    struct pool pool;
    atomic_uint next_row; /* numbers keys and unique values */
    atomic_bool stopping;
    pthread_mutex_t lock; /* errors */
    char *errors[ERRORS_MOST];
    int error_count;
    uint64_t stall_us[CLIENTS_MOST]; /* the longest one statement took that was answered */
    uint64_t snapshots;              /* read, twice each */
    struct odd_snapshot odd[ODD_MOST];
    int odd_count;
    void *threads;
};

/* Makes the tables and fills them, as client 0. False with errors. */
bool world_make(struct world *world, const char *database_url);
/* Statements one after the other, each ending with ";" and with none inside; false at the first that fails. */
bool run_all(struct session *session, const char *statements);
void clients_start(struct world *world);
void clients_stop(struct world *world); /* and waits for them */
/* When they have stopped: one more row, the last change of all. Its trail is *trail; false with errors. */
bool clients_last(struct world *world, char trail[40]);
void world_fini(struct world *world);
void world_error(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
