/* Runs one migration from where it stands to its end: who does what when. */
#ifndef SC_COORDINATOR_COORDINATOR_H
#define SC_COORDINATOR_COORDINATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "applier/target.h"
#include "base/error.h"

struct engine; /* engines.h */

/* Everything the operator said. Strings are the caller's and outlive the run. */
struct run_config {
    const struct engine *engine;
    struct migration_spec spec;
    int64_t chunk_time_ms;        /* how long one chunk's transaction should take */
    int64_t max_lag_ms;           /* the cutover starts only below it */
    int64_t give_up_ms;           /* no server for this long: stop, resumable */
    int64_t progress_interval_ms; /* lines where there is no terminal; 0: no progress at all */
    int cutover_tries;            /* 0: no limit */
    bool verify;                  /* compare every row before the cutover */
    const char *spool_dir;        /* the spool's own directory seachange-<id> is made in it */
    uint64_t spool_memory_bytes;
    uint64_t spool_disk_bytes;          /* 0: no limit */
    bool json;                          /* of progress and summary (the log knows already) */
    const struct audit_settings *audit; /* NULL: none */
};

/* Returns when the migration is done, cannot go on, or stop_requested() (base/stop.h). Prints progress and the summary;
 * does not log `err`: the caller does, once. SC_OK: swapped. SC_REFUSE: nothing was touched. SC_FAIL: the source is
 * untouched. SC_UNKNOWN: whether the swap happened could not be learnt. SC_STOP, SC_RETRY: the same command resumes. */
enum sc_result coordinator_run(const struct run_config *config, struct sc_error *err);

#endif
