/* The spool's files: one directory held by one process, and segment files of compressed blocks.
 *
 * A segment is written by the producer and read by the consumer at the same time, through descriptors of their own.
 * Nothing here locks: whoever calls sees to it that a block is read only after it was written, and a segment removed
 * only when neither side uses it. Private to cdc/spool.c. */
#ifndef SC_CDC_SPOOL_SEGMENT_H
#define SC_CDC_SPOOL_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct spool_files; /* the directory, its lock, and the memory for compressing and decompressing */

/* Makes the directory if missing, locks it, removes what a dead process left. SC_REFUSE: not ours to use, or in use,
 * and still so after wait_ms. SC_STOP: told to stop while it waited. */
enum sc_result spool_files_open(const char *directory, int wait_ms, struct spool_files **out, struct sc_error *err);
void spool_files_close(struct spool_files *files); /* gives the directory back; NULL is fine */

struct segment {
    struct segment *next;
    uint64_t number;           /* in the file's name */
    int write_fd, read_fd;     /* -1: not open */
    uint64_t written, read_at; /* bytes; `written` is the producer's, `read_at` the consumer's */
    uint64_t blocks;           /* written and not yet read: kept by the caller */
};

/* SC_FAIL: could not be created. */
enum sc_result segment_new(struct spool_files *files, struct segment **out, struct sc_error *err);
void segment_delete(struct spool_files *files, struct segment *segment); /* removes the file too */
void segment_seal(struct segment *segment);                              /* nothing more will be written */

/* Most bytes that a block of `len` bytes can need on disk. */
uint64_t segment_block_bound(size_t len);

/* Appends one block behind `written`; *stored is what it takes on disk: the caller adds it to `written` when the
 * consumer may know of it. On SC_FAIL the file is as it was before. */
enum sc_result segment_write(struct spool_files *files, struct segment *segment, const void *data, size_t len,
                             uint64_t *stored, struct sc_error *err);

/* Reads the next block; `grow(arg, len)` gives the memory for it. `end`: how far the file was written; `max`: largest
 * block that was ever written. SC_FAIL: the file is not what was written. */
enum sc_result segment_read(struct spool_files *files, struct segment *segment, uint64_t end, size_t max,
                            char *(*grow)(void *arg, size_t len), void *arg, uint64_t *stored, struct sc_error *err);

#endif
