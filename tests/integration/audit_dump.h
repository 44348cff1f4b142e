/* What consumers of the audit are told of a table's columns, a line each. */
#ifndef SC_TESTS_INTEGRATION_AUDIT_DUMP_H
#define SC_TESTS_INTEGRATION_AUDIT_DUMP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/audit/table.h"

/* NAME TYPE [SEMANTIC NAME ...] [optional] [key N] [left out] */
static inline char *audit_dump(const struct audit_table *t)
{
    struct buf b = {0};
    for (size_t i = 0; i < t->ncolumns; i++) {
        const struct audit_column *c = &t->columns[i];
        const char *type = strstr(c->type.head, "\"type\":\"") + 8, *name = strstr(c->type.tail, "\"name\":\""),
                   *parameters = strstr(c->type.tail, "\"parameters\":");
        buf_printf(&b, "%s %.*s", c->name, (int)strcspn(type, "\""), type);
        if (c->type.items)
            buf_printf(&b, " of {%s%s}", c->type.items->head, c->type.items->tail);
        if (name) {
            const char *last = name + 8; /* behind the last dot */
            for (const char *p = last; *p != '"'; p++)
                last = *p == '.' ? p + 1 : last;
            buf_printf(&b, " %.*s", (int)strcspn(last, "\""), last);
        }
        if (parameters)
            buf_printf(&b, " %s", parameters + 13);
        buf_str(&b, c->optional ? " optional" : "");
        if (c->key)
            buf_printf(&b, " key %d", c->key);
        buf_str(&b, c->left_out ? " left out\n" : "\n");
    }
    return buf_take(&b);
}

static inline void assert_described(const struct audit_table *t, const char *want)
{
    char *got = audit_dump(t);
    if (strcmp(got, want) != 0)
        print_error("%s", got);
    assert_string_equal(got, want);
    mem_free(got);
}

#endif
