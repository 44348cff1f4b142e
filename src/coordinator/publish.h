/* From what runs to the snapshot that others read (status/status.h). */
#ifndef SC_COORDINATOR_PUBLISH_H
#define SC_COORDINATOR_PUBLISH_H

#include "cdc/audit/pump.h"
#include "status/status.h"

struct run;
struct progress_view;

/* Of a migration, at this moment. */
void run_publish(struct run *r, const struct progress_view *view);
/* While it is opened again: not ready, for this reason. */
void run_publish_retry(const struct run *r, const char *why);
/* The part that migrations' audits and standing streams have in common: counts of this process, whichever sink they are
 * of. Without a sink and a pump: what is known from before. By one thread. */
void publish_audit(struct status_audit *out, struct audit_sink *sink, struct audit_pump *pump, struct spool *spool);
/* A stream that sends the rows that are there first: so many were read so far. By the same thread. */
void publish_audit_rows(struct status_audit *out, struct audit_sink *sink, uint64_t rows);

#endif
