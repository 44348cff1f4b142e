/* Reads an audit's topic back: is it whole, and does it come to what the table is? Behind `seachange audit check`. */
#ifndef SC_COORDINATOR_AUDIT_CHECK_H
#define SC_COORDINATOR_AUDIT_CHECK_H

#include "applier/target.h"
#include "cdc/audit/fold.h"
#include "coordinator/audit.h"

struct engine;

struct audit_check_config {
    const struct engine *engine; /* NULL: the topic alone */
    struct migration_spec spec;  /* its url and table */
    const struct audit_settings *settings;
    const char *stream;    /* NULL: the only one that the topic has */
    int64_t messages;      /* so many were sent in all; -1: not known */
    uint64_t memory_bytes; /* for keys; more keys take more passes */
    int timeout_ms;        /* brokers that tell nothing for so long are given up */
};

#define AUDIT_FOUND_PLACES 20

struct audit_checked {
    char *topic, *stream, *table; /* NULL: not known; the table: not asked for */
    int32_t partitions;
    uint64_t read; /* messages of all kinds, in one pass */
    struct audit_proven proven;
    bool kept;  /* it was compared with where the stream stood when that was last stored */
    char *gap;  /* why the stream ended before its migration; NULL: it did not, or that is not known */
    int passes; /* over the topic */
    struct audit_folded folded;
    bool counted; /* folded.keys, rows, partial are of all keys */
    bool compared;
    uint64_t table_rows, covered; /* rows of the table, and those that were compared */
    uint64_t same, different, removed, missing, never, partial;
    struct {
        enum audit_row verdict;
        struct audit_place place;
    } places[AUDIT_FOUND_PLACES]; /* of the first rows that differ */
    size_t nplaces;
    int64_t duration_ms;
};

/* SC_FAIL: the trail is broken, and err names the place; or it is not what the table is. SC_REFUSE: it cannot be
 * checked. SC_RETRY, SC_STOP: it was not, this time. *out is the caller's, in every case. */
enum sc_result audit_check(const struct audit_check_config *config, struct audit_checked *out, struct sc_error *err);
void audit_checked_fini(struct audit_checked *checked);

/* What is the matter with such a row: "is another one in the table". */
const char *audit_row_says(enum audit_row verdict);

#endif
