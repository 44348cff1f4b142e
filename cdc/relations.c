#include "cdc/relations.h"

#include <assert.h>

void relations_init(struct relations *r, size_t count)
{
    *r = (struct relations){.records = mem_array(count, sizeof(*r->records)), .count = count, .told = count};
}

void relations_fini(struct relations *r)
{
    for (size_t i = 0; i < r->count; i++)
        buf_fini(&r->records[i]);
    mem_free(r->records);
    *r = (struct relations){0};
}

void relations_describe(struct relations *r, size_t table, const struct buf *record)
{
    assert(table < r->count);
    buf_clear(&r->records[table]);
    buf_bytes(&r->records[table], record->data, record->len);
    r->told = table;
}

bool relations_described(const struct relations *r, size_t table)
{
    assert(table < r->count);
    return r->records[table].len > 0;
}

enum sc_result relations_before(struct relations *r, size_t table, const struct buf **record, struct sc_error *err)
{
    *record = NULL;
    if (!relations_described(r, table))
        return error_set(err, SC_FAIL, "the log has a change of a table that it did not describe");
    if (r->told == table)
        return SC_OK;
    r->told = table;
    *record = &r->records[table];
    return SC_OK;
}
