/* `seachange audit`: a stream of row changes into Kafka that stands by itself, of one table or several, until it is
 * told to stop. Where it stands is kept in the database (cdc/audit/standing.h); the same command goes on there. */
#ifndef SC_COORDINATOR_STANDING_H
#define SC_COORDINATOR_STANDING_H

#include "coordinator/audit.h"

struct engine;

struct standing_config {
    const struct engine *engine;
    const char *url;
    const char *name;          /* of the stream */
    const char *const *tables; /* as the operator wrote them */
    size_t ntables;
    const struct audit_settings *settings;
    bool snapshot;        /* begins with the rows that are there */
    bool transactions;    /* Kafka's */
    int64_t heartbeat_ms; /* 0: none */
    const char *spool_dir;
    uint64_t spool_memory_bytes, spool_disk_bytes;
    int64_t give_up_ms;           /* so long without anything that gets on: it ends, SC_RETRY */
    int64_t wait_ms;              /* a begin waits so long for open transactions */
    int64_t progress_interval_ms; /* 0: no lines of progress */
};

/* Runs it until a signal asks it to stop, which is SC_OK once everything that was acknowledged is stored. SC_REFUSE:
 * it cannot be begun so, or not go on so; SC_FAIL: a change cannot be written, and everything before it is in Kafka. */
enum sc_result standing_run(const struct standing_config *config, struct sc_error *err);

/* Removes a stream's place in the log and what is stored of it; what is in Kafka stays. `tables`: the stream's, or for
 * engines without a place of their own for such things the first of them. */
enum sc_result standing_forget(const struct standing_config *config, struct sc_error *err);

#endif
