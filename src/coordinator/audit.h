/* The audit of a migration: row changes on their way to Kafka beside the applier, from the same reader.
 *
 * The log is read from the earlier of two places, the applier's and the audit's, and confirmed up to the earlier one:
 * so neither misses anything after a restart, and each passes over what it has. */
#ifndef SC_COORDINATOR_AUDIT_H
#define SC_COORDINATOR_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cdc/audit/rules.h"

/* What the operator said. */
struct audit_settings {
    const char *brokers;        /* NULL: no audit is wanted */
    const char *topic;          /* NULL: PREFIX.SCHEMA.TABLE */
    struct audit_options table; /* its prefix, schemas, decimals */
    const char *rules_text;
    const struct audit_rules *rules;
    bool tombstones;
    bool required;                 /* the cutover waits for it; else it may be given up, with a gap on record */
    const char *const *properties; /* librdkafka's, "name=value" */
    size_t nproperties;
};

/* What may not change while a stream goes on, as text without secrets; malloc'd. */
char *audit_settings_text(const struct audit_settings *settings);

struct run;
struct position;
struct sc_error;

/* Preflight, after plan(): SC_REFUSE: no rule for a column, no topic, no right to it. */
enum sc_result run_audit_check(struct run *r, struct sc_error *err);
/* Prepare: stores where the stream begins, which is where the migration's log begins. */
enum sc_result run_audit_create(struct run *r, struct sc_error *err);

/* The pipeline: open before the reader is started, start after it, stop before the reader is stopped. Without an audit
 * they do nothing. SC_REFUSE: what is stored was begun in another way. */
enum sc_result run_audit_open(struct run *r, struct sc_error *err);
enum sc_result run_audit_start(struct run *r, const char *end,
                               struct sc_error *err); /* end: run_audit_end(), or NULL */
void run_audit_stop(struct run *r);
void run_audit_close(struct run *r);
/* Where the reader has to begin for the audit's sake; NULL: nowhere in particular. */
const struct position *run_audit_position(const struct run *r);

/* By run_tick(): why it cannot go on. One that is not required is given up, and that is recorded. */
enum sc_result run_audit_tick(struct run *r, struct sc_error *err);
/* May the cutover be tried, for the audit's sake? *lag_ms: how far behind it is; 0: there is none, or nobody waits. */
bool run_audit_near(struct run *r, int64_t *lag_ms);
/* The cutover's marker is about to be written: behind it there is nothing of the old table. NULL: nothing was swapped,
 * and it goes on. */
void run_audit_end(struct run *r, const char *marker);

/* What others see of it; nothing where there is none. */
struct status_audit;
void run_audit_publish(const struct run *r, struct status_audit *out);

/* After the swap: waits for a moment until what is on its way is acknowledged, so that it is not sent again. */
void run_audit_settle(struct run *r);
/* After the swap, the pipeline being stopped: sends what is left, and records that all was sent. */
enum sc_result run_audit_rest(struct run *r, struct sc_error *err);

#endif
