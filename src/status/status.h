/* What this process does right now: one snapshot, published by the thread that decides and read by anybody, e.g. the
 * HTTP server. Reading it never makes the work wait: a copy is made under a lock that is held for no longer. */
#ifndef SC_STATUS_STATUS_H
#define SC_STATUS_STATUS_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

/* Of this process. */
struct status_audit_counts {
    uint64_t sent;         /* messages handed to the producer */
    uint64_t acknowledged; /* of these */
    uint64_t bytes;        /* of these: keys and values */
    uint64_t queue_full;   /* times that sending had to wait for room */
    uint64_t errors;       /* that brokers or connections to them gave */
};

/* Of the stream of row changes into Kafka. */
struct status_audit {
    bool there;
    bool connected;         /* to a broker, as far as is known */
    char error[256];        /* the last one of a broker since the last acknowledgement; "": none */
    uint64_t messages;      /* made since the stream began, in other processes, too */
    uint64_t snapshot_rows; /* of those that were there when it began, read by this process; 0: none were wanted */
    struct status_audit_counts counts;
    uint64_t queued;        /* in memory: neither acknowledged nor refused yet */
    uint64_t waiting_bytes; /* read from the log and not taken by the stream yet, in memory and on disk */
    int64_t lag_ms;         /* age of the oldest transaction that is not acknowledged whole; 0: none; -1: unknown */
    char position[128];     /* all before it is in Kafka, and that is stored */
};

struct status {
    char command[16]; /* "migrate", "audit" */
    char engine[16];
    char table[300]; /* as the operator wrote it; a stream of several: with commas */
    char id[40];     /* of the migration or the stream; "": none yet */
    char phase[24];
    char note[256]; /* what it waits for, or what went wrong last; "": nothing */
    bool ready;     /* it is connected, and what it does is under way */
    bool reads_log; /* changes are being read right now */

    /* Of a migration. */
    uint64_t rows_copied, rows_estimated; /* estimated 0: unknown */
    uint64_t rows_verified;
    uint64_t changes_applied;
    double copy_rate, verify_rate, change_rate; /* a second */
    uint64_t spool_memory_bytes, spool_disk_bytes;
    int64_t lag_ms;          /* -1: unknown */
    int64_t eta_s;           /* -1: unknown */
    int64_t writers_held_ms; /* by the cutover that went through; -1: none has */
    int cutover_tries;

    struct status_audit audit;

    int64_t began_us; /* wall clock; set by status_begin() */
};

/* Once, before anything is published. */
void status_begin(const char *command);
/* Takes a copy; `command` and `began_us` stay what they were. Any thread. */
void status_publish(const struct status *status);
/* A copy, and how long ago it was published. */
void status_read(struct status *out, int64_t *age_ms);

/* For Prometheus (text format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/). Appends. */
void status_metrics(struct buf *out, const struct status *status, int64_t age_ms, const char *version);
/* As one JSON object with a newline behind it; names do not change. Appends. */
void status_json(struct buf *out, const struct status *status, int64_t age_ms, const char *version);

#endif
