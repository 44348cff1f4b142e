/* The forms a plan and a list are shown in. */
#ifndef SC_CLI_SHOW_H
#define SC_CLI_SHOW_H

#include "applier/target.h"
#include "base/mem.h"
#include "cdc/audit/standing.h"
#include "coordinator/audit_check.h"
#include "coordinator/tables.h"

/* What the operator reads before a migration. */
void plan_text(struct buf *out, const struct plan *plan);
/* One JSON document whose field names do not change. */
void plan_json(struct buf *out, const struct plan *plan);

/* A table with one line a migration, and below it what exists of each. */
void list_text(struct buf *out, const struct listed *list, size_t count);

/* The same of standing streams, beside the migrations: nothing where there is none. */
void streams_text(struct buf *out, const struct standing_listed *list, size_t count);
/* One JSON document of both. */
void list_json(struct buf *out, const struct listed *list, size_t count, const struct standing_listed *streams,
               size_t stream_count);

/* What was found in two tables. `result` as tables_verify() returned it. */
void verify_text(struct buf *out, const struct tables_found *found, enum sc_result result);
void verify_json(struct buf *out, const struct tables_found *found, enum sc_result result);

/* What was found in a topic. `result` as audit_check() returned it. */
void audit_text(struct buf *out, const struct audit_checked *checked, enum sc_result result);
void audit_json(struct buf *out, const struct audit_checked *checked, enum sc_result result,
                const struct sc_error *err);

#endif
