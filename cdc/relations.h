/* Which table a row is of: a row does not say. It is of the table whose RELATION the consumer got last, so one is put
 * in between wherever rows of another table follow. Here is the last description of each table that is read, and whose
 * the consumer has; both stay when a connection is lost, as what was put stays in the spool.
 *
 * As many tables as the source was asked for, by number from 0. One thread. */
#ifndef SC_CDC_RELATIONS_H
#define SC_CDC_RELATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

struct relations {
    struct buf *records; /* of each table: its RELATION, encoded; empty: none came yet */
    size_t count;
    size_t told; /* the consumer's; `count`: it has none */
};

void relations_init(struct relations *r, size_t count);
void relations_fini(struct relations *r);

/* `record`, an encoded RELATION, describes the table from here on. The caller puts it at once: the consumer checks a
 * new description whether or not rows follow. */
void relations_describe(struct relations *r, size_t table, const struct buf *record);
bool relations_described(const struct relations *r, size_t table);

/* A row or a TRUNCATE of the table is put next. *record: what the caller has to put before it; NULL: nothing, the
 * consumer's last one is the table's. SC_FAIL: the table was never described. */
enum sc_result relations_before(struct relations *r, size_t table, const struct buf **record, struct sc_error *err);

#endif
