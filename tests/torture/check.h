/* Whether the table in the end is what the clients were told, and nothing else. Each finding begins with the checker's
 * name:
 *   C1  every acknowledged change is there, an unknown one whole or not at all
 *   C2  nothing is there that nobody wrote, nothing twice, nothing deleted or rolled back
 *   C3  the changes of each row are in the order in which each client made them, and none is missing in between
 *   C4  the sum of the balances is what it was (also in clients.c, in each snapshot)
 *   C5  every value of every row is what its last writer wrote; what was swapped out is a beginning of what is there
 *       now, and the same where nobody wrote since
 *   C6  no client saw an error but conflicts between clients, and lost connections (clients.c)
 *   C7  the audit's history is what happened to the table that was swapped out (audit.h)
 *   C8  the table is defined as a native ALTER defines it, and nothing is left behind
 *   C9  the stored position never went back (program.c)
 *   C10 the clients did write while it copied, and right before and after the swap (torture.c) */
#ifndef TORTURE_CHECK_H
#define TORTURE_CHECK_H

#include "torture/rows.h"

struct counts {
    uint64_t done, not_done, unknown, unknown_seen; /* operations */
    uint64_t rows, graves, old_rows;
};

/* Adds what it finds to world's errors. False when there is a finding. */
bool check_all(struct world *world, const struct content *content, struct counts *counts);

/* The table against one that was altered natively: a database of the same shape, without rows, is made at other_url. */
bool check_definition(struct world *world, const char *other_url);
bool check_nothing_left(struct world *world);

#endif
