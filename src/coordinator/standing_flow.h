/* What the files of a standing stream share. */
#ifndef SC_COORDINATOR_STANDING_FLOW_H
#define SC_COORDINATOR_STANDING_FLOW_H

#include "applier/target.h"
#include "cdc/audit/pump.h"
#include "cdc/audit/standing.h"
#include "coordinator/standing.h"

/* One table: its target is open to learn from and to be described by, and nothing is written through it. */
struct table {
    struct target *target;
    size_t asked; /* which one of config->tables */
    char *settings;
};

/* All of a stream that is opened anew when it has failed. */
struct flow {
    const struct standing_config *config;
    const struct target_ops *ops;
    const struct standing_ops *standing_ops;

    struct arena arena;
    struct table *tables;            /* in the order of their names */
    struct audit_table *described;   /* of each */
    struct source_table *sources;    /* of each */
    struct standing_table *standing; /* of each */
    const char **names;              /* schema and name of each */
    size_t count;
    bool goes_on;             /* what is stored has to be there: it was a moment ago */
    const char *describes_if; /* how the server is to be set so that its log describes tables; NULL: it does */
    bool may_change;          /* tables may change while it runs: what the log does not tell of them is known */
    bool careful;             /* a change could not be written: what is before it gets on by itself */

    struct standing *stream;
    struct audit_sink *sink;
    struct spool *spool;
    char *spool_dir;
    struct source *source;
    struct audit_pump *pump;
    atomic_bool stop;
};

/* standing_tables.c: fills tables, described, sources, standing and names. SC_REFUSE: no such table, no rule for a
 * column, or a log that does not tell everything. */
enum sc_result standing_learn(struct flow *f, struct sc_error *err);

/* standing_change.c: going on over changes of the tables, where the log does not describe them at all times.
 *
 * Appends to a table's settings what they must be gone on with: a digest of its columns, and what
 * standing_change_read() reads. Nothing where the log always describes tables. */
void standing_change_add(struct buf *settings, const struct flow *f, size_t i);
/* Of table i, from what is stored: sources[i].untold and .kept. False: it is from before there was such a thing. */
bool standing_change_read(struct flow *f, size_t i, const char *settings);
/* Of table i, from what is stored: SC_REFUSE: a column that a rule names has another name, by the catalog's numbers. */
enum sc_result standing_change_check(struct flow *f, size_t i, const char *settings, struct sc_error *err);
/* For standing_ops.begin(), behind the place in the log: SC_RETRY: a table was changed since it was learnt. */
enum sc_result standing_change_none(struct flow *f, struct sc_error *err);
/* As audit_stream_config.describe; `arg` is the flow. SC_FAIL: another key. SC_REFUSE: a column that has no rule, or
 * one that has a rule of its own is gone. */
enum sc_result standing_change_describe(void *arg, const struct audit_table *known, const struct relation *relation,
                                        struct arena *arena, struct audit_table *out, struct sc_error *err);

/* Its messages bear the stream's id, once it has one; Kafka's transactions only then. */
enum sc_result standing_open_sink(struct flow *f, const atomic_bool *stop, struct audit_sink **out,
                                  struct sc_error *err);

/* standing_copy.c: sends the rows that are there, as the begin of the stream `arg` (a flow); for standing_ops.begin().
 * Rows that are changed meanwhile may come as they are then, and their changes follow. */
enum sc_result standing_copy(void *arg, struct sc_error *err);

#endif
