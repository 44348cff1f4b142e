/* shop.public.t (id bigint, v text), key (id), in topic p.public.t. */
#ifndef SC_TESTS_UNIT_AUDIT_TABLE_H
#define SC_TESTS_UNIT_AUDIT_TABLE_H

#include "cdc/audit/postgres/types.h"
#include "cdc/audit/source.h"

static inline struct audit_table audit_test_table_named(struct arena *arena, const char *name)
{
    struct audit_column *columns = arena_array(arena, 2, sizeof(*columns));
    columns[0] = (struct audit_column){.name = "id", .key = 1};
    columns[1] = (struct audit_column){.name = "v", .optional = true};
    for (int i = 0; i < 2; i++)
        pg_audit_type(&(struct pg_audit_type){.type = i ? 25 : 20, .modifier = -1}, AUDIT_DECIMALS_PRECISE, arena,
                      &columns[i].type);
    struct audit_table table = {.prefix = "p",
                                .catalog = "shop",
                                .schema = "public",
                                .name = name,
                                .ncolumns = 2,
                                .columns = columns,
                                .source = pg_audit_engine.source};
    struct sc_error err;
    assert_int_equal(audit_table_prepare(&table, arena, &err), SC_OK);
    return table;
}

static inline struct audit_table audit_test_table(struct arena *arena)
{
    return audit_test_table_named(arena, "t");
}

#endif
