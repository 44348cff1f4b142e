/* C7: the audit's history in Kafka is what happened to the table that was swapped out, from the beginning of its log to
 * the swap: no change is missing, none is there that nobody made, and those of a row are in their order. */
#ifndef TORTURE_AUDIT_H
#define TORTURE_AUDIT_H

#include "torture/rows.h"
#include "torture/topic.h"

/* What is known from elsewhere. */
struct audit_facts {
    int64_t copy_us;        /* when the copy was seen to begin: the log that is read began before */
    int64_t cutover_us;     /* when the first cutover was: nothing was swapped before */
    const char *summary;    /* what seachange wrote in the end */
    bool another_was_there; /* who may have ended the migration, and then the summary is its */
};

struct audit_counts {
    uint64_t messages, repeats, rows; /* rows: with a history */
};

/* Adds what it finds to world's errors, as C7. */
void check_audit(struct world *world, const struct content *content, const struct topic *topic,
                 const struct audit_facts *facts, struct audit_counts *counts);

#endif
