/* Compares two tables of a server that are no migration's to compare: walks over both, and looks again at what differs.
 */
#ifndef SC_COORDINATOR_TABLES_H
#define SC_COORDINATOR_TABLES_H

#include "applier/verify.h"

struct engine; /* engines.h */

/* Everything the operator said. Strings are the caller's and outlive the call. */
struct tables_config {
    const struct engine *engine;
    struct migration_spec spec; /* of it: url, table, workers */
    struct pair_spec pair;
    int64_t chunk_time_ms;
    int64_t give_up_ms;           /* no server for this long: stop */
    int64_t progress_interval_ms; /* lines where there is no terminal; 0: no progress at all */
    int64_t recheck_ms;           /* between two looks at what differs */
    int looks;                    /* so many, from 1 */
    bool json;
};

struct tables_found {
    struct pair pair;  /* its names are NULL when it was not found out which tables they are */
    uint64_t compared; /* rows that are in either */
    uint64_t same;
    uint64_t differ;
    uint64_t only_table, only_with;
    uint64_t changing;  /* never the same in both, and another one each time */
    uint64_t unsettled; /* differed, and were not looked at often enough: it was ended before */
    struct verify_row rows[VERIFY_ROWS_NAMED];
    size_t nrows;
    int64_t duration_ms;
};
void tables_found_fini(struct tables_found *found);

/* "differs", "is only in shop.orders" ... of a row; malloc'd. */
char *tables_row_says(const struct tables_found *found, const struct verify_row *row);

/* Shows progress; `found` is filled whatever becomes of it, and the caller's. SC_OK: every row of both was compared and
 * is the same. SC_FAIL: rows differ; err names keys. SC_REFUSE: the tables cannot be compared. SC_STOP, SC_RETRY: not
 * all rows were. Writes nothing to the server. */
enum sc_result tables_verify(const struct tables_config *config, struct tables_found *found, struct sc_error *err);

#endif
