/* From the reader's queue to Kafka: a thread that takes what was read, makes messages of it, sends them, and keeps
 * where they stand in the database, once everything before was acknowledged.
 *
 * Killed at any moment it goes on at what was kept, and sends the same messages again that it had sent behind it. */
#ifndef SC_CDC_AUDIT_PUMP_H
#define SC_CDC_AUDIT_PUMP_H

#include "cdc/audit/heartbeat.h"
#include "cdc/audit/sink.h"
#include "cdc/spool.h"

struct audit_pump;

struct audit_pump_config {
    struct spool *spool; /* of which it is the only consumer */
    struct audit_sink *sink;
    struct audit_stream_config stream; /* of one table or several; `send` and `arg` are the pump's */
    const struct audit_state *from;    /* of each table; all at the same place of the log */
    /* Makes them durable, all or none. SC_RETRY: not now. By the pump's thread. */
    enum sc_result (*store)(void *arg, const struct audit_state *states, struct sc_error *err);
    void *store_arg;
    int64_t store_ms; /* so often, if there is something new */
    struct audit_heartbeat heartbeat;
    int64_t drain_ms; /* so long a failure waits for what was sent before it, at most; 0: not at all */
    bool commit_each; /* with transactions of Kafka: one for each of the database, so that a bad one takes no other
                         along */
    const char *end;  /* as audit_pump_end(), of a log that may have it already; NULL: not known yet */
};

#define AUDIT_MARKER_TEXT 128

struct audit_pump_stats {
    struct position stored; /* all before it is in Kafka, and known to be */
    uint64_t messages;      /* that were made of all tables, since the streams began */
    int64_t lag_ms; /* how old the oldest transaction is that was taken and is not acknowledged whole; 0: none */
    bool drained;   /* behind a failure: everything before it is acknowledged and stored */
    char passed[AUDIT_MARKER_TEXT]; /* a marker before which everything was acknowledged, one of the newest; "": none */
};

enum sc_result audit_pump_start(const struct audit_pump_config *config, struct audit_pump **out, struct sc_error *err);
/* Ends the thread, within a second or so: what is acknowledged by then is stored if that can be done at once. The spool
 * has to be stopped first. NULL is fine. */
void audit_pump_stop(struct audit_pump *pump);

/* SC_OK while it goes on; else why it has ended. */
enum sc_result audit_pump_check(struct audit_pump *pump, struct sc_error *err);
void audit_pump_stats(struct audit_pump *pump, struct audit_pump_stats *out);

/* Is the log not being read? Then nothing says that the stream lives. */
void audit_pump_cut_off(struct audit_pump *pump, bool is);

/* The stream ends at this marker, which the log does not have yet: nothing behind it is taken. NULL: it goes on, also
 * behind a marker that it was to end at. */
void audit_pump_end(struct audit_pump *pump, const char *marker);
/* SC_OK: everything before that marker was acknowledged, and where the stream stands is stored. SC_RETRY: not yet. Else
 * why it never will be. */
enum sc_result audit_pump_ended(struct audit_pump *pump, struct sc_error *err);

#endif
