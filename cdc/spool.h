/* The spool: a first-in first-out queue of encoded changes between the reader and the applier.
 *
 * What the applier cannot take yet stays in memory up to a limit; beyond it, blocks are compressed with zstd and
 * appended to segment files in a directory of our own, and deleted once read. Nothing in it has to survive: the log
 * position is confirmed to the server only when a change has been applied, so after a crash the server sends again what
 * was here. Leftovers of a dead process are removed when the directory is opened. One producer thread, one consumer
 * thread. */
#ifndef SC_CDC_SPOOL_H
#define SC_CDC_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct spool;

struct spool_config {
    const char *directory; /* made if missing (0700); files in it are named seachange-*.spool (0600); one process at a
                            * time, kept by a lock on seachange.lock in it */
    size_t memory_bytes;   /* blocks waiting in memory, e.g. 8 MiB; one block a side and a few spare ones come on top */
    size_t block_bytes;    /* e.g. 256 KiB; a larger record gets a block of its own */
    uint64_t segment_bytes; /* compressed bytes a file, e.g. 64 MiB */
    uint64_t disk_bytes;    /* 0: no limit. When reached, spool_put() waits for the consumer. Counts whole segments
                             * until they are removed; one block is always taken */
    int lock_wait_ms;       /* how long to wait for another process that is about to leave the directory */
    size_t record_bytes;    /* largest record taken, e.g. 1 GiB + slack; 4 GiB at most */
};

/* What seachange itself takes, for any of its streams. */
#define SPOOL_BLOCK_BYTES (256u << 10)
#define SPOOL_SEGMENT_BYTES (64ull << 20)
#define SPOOL_RECORD_BYTES (2000ull << 20) /* PostgreSQL's rows are below 1 GiB; an update can hold two */
/* An instance that this one has taken over from on the same machine ends at its next write. */
#define SPOOL_LOCK_WAIT_MS 10000

struct spool_stats {
    uint64_t put, taken;     /* records */
    uint64_t memory_bytes;   /* waiting in memory */
    uint64_t disk_bytes;     /* waiting on disk, compressed */
    uint64_t disk_raw_bytes; /* the same before compression */
    uint64_t spilled_bytes;  /* ever written to disk, compressed */
};

/* SC_REFUSE: the directory cannot be used, or another process uses it. SC_STOP: told to stop while it waited for that.
 */
enum sc_result spool_open(const struct spool_config *config, struct spool **out, struct sc_error *err);
/* Both sides have ended. Removes its files, but not the directory; NULL is fine. */
void spool_close(struct spool *spool);

/* A second queue with a consumer of its own, who is slower or faster than this one's: whatever is put here is put
 * there, too, and the failure of either is the producer's. Before the first record. The follower outlives the producer,
 * and is stopped by itself.
 * expendable: the producer goes on without it. Where there is no room the follower fails instead of being waited for;
 * its failure, and its end, are only its own consumer's. */
void spool_follow(struct spool *spool, struct spool *follower, bool expendable);

/* Producer. Appends one record. Waits while the disk limit is reached, calling `idle(arg)` about every 100 ms so that
 * the caller can answer keepalives; SC_STOP when spool_stop() was called meanwhile. SC_RETRY: disk full or I/O error:
 * nothing is lost (the log still has it), but this process cannot go on; another may, with room. SC_FAIL: the record is
 * too large. It is the queue's failure, too: the consumer gets it, as SC_FAIL, after all records that were taken
 * before, and every later call returns it. */
enum sc_result spool_put(struct spool *spool, const void *record, size_t len, void (*idle)(void *arg), void *arg,
                         struct sc_error *err);

/* Consumer. *record points to the next record until the next call. Waits up to timeout_ms; SC_RETRY: none came.
 * SC_STOP: stopped by spool_stop(). SC_FAIL: the producer reported failure (its error is handed on, with its class
 * where that is SC_REFUSE or SC_UNKNOWN) or a segment cannot be read back; every later call returns the same. */
enum sc_result spool_take(struct spool *spool, const void **record, size_t *len, int timeout_ms, struct sc_error *err);

/* SC_OK, or SC_RETRY and why, when spool_take() failed because a segment cannot be read back: nothing is lost, for a
 * queue that is filled again from where the applier is has it again. From any thread. */
enum sc_result spool_unreadable(struct spool *spool, struct sc_error *err);

/* SC_OK, or why nothing more can be put, as the consumer will hear behind all that was. From any thread. */
enum sc_result spool_failure(struct spool *spool, struct sc_error *err);

/* The producer failed for good: the consumer gets this error after all records that were put before. */
void spool_fail(struct spool *spool, const struct sc_error *err);

/* Wakes both sides; every later call returns SC_STOP. */
void spool_stop(struct spool *spool);

void spool_stats(struct spool *spool, struct spool_stats *out);

#endif
