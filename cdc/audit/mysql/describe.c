/* A table as the log tells it (cdc/mysql/told.h), for consumers: what audit_describe makes of the catalog. */
#include <ctype.h>
#include <string.h>

#include "cdc/audit/mysql/types.h"

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "enum(0x61,0x62)": the members in UTF-8. What is no text there, or has a NUL in it, has no name here. */
static enum sc_result read_members(const struct relation_column *c, struct arena *arena, struct my_audit_type *out,
                                   struct sc_error *err)
{
    size_t most = 1;
    for (const char *p = c->told_type; *p; p++)
        most += *p == ',';
    const char **members = arena_array(arena, most, sizeof(*members));
    struct buf bytes = {0};
    bool good = true;
    for (const char *p = strchr(c->told_type, '('); p && *p && *p != ')' && good; p += strcspn(p, ",)")) {
        good = strncmp(p + 1, "0x", 2) == 0;
        buf_clear(&bytes);
        for (p += 3; good && hex_digit(p[0]) >= 0 && hex_digit(p[1]) >= 0; p += 2)
            buf_u8(&bytes, (uint8_t)(hex_digit(p[0]) * 16 + hex_digit(p[1])));
        good = good && my_audit_text(c->told_charset, bytes.data, bytes.len, arena, &members[out->nmembers++]);
    }
    buf_fini(&bytes);
    out->members = members;
    return good ? SC_OK
                : error_set(err, SC_FAIL, "the members of column %.100s, in the character set %s, cannot be read",
                            c->name, c->told_charset ? c->told_charset : "binary");
}

static bool has_members(const char *type)
{
    return strncmp(type, "enum(", 5) == 0 || strncmp(type, "set(", 4) == 0;
}

enum sc_result my_audit_told(const struct relation *relation, enum audit_decimals decimals, struct arena *arena,
                             struct audit_table *out, struct sc_error *err)
{
    out->ncolumns = relation->ncolumns;
    out->columns = arena_array(arena, out->ncolumns + 1, sizeof(*out->columns));
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < out->ncolumns && result == SC_OK; i++) {
        const struct relation_column *c = &relation->columns[i];
        struct audit_column *to = &out->columns[i];
        struct my_audit_type type = {.type = arena_strdup(arena, c->told_type),
                                     .charset = c->told_charset ? arena_strdup(arena, c->told_charset) : NULL,
                                     .optional = c->told_optional};
        *to = (struct audit_column){.name = arena_strdup(arena, c->name),
                                    .optional = c->told_optional,
                                    .left_out = c->told_absent,
                                    .key = c->told_key};
        if (has_members(c->told_type))
            result = read_members(c, arena, &type, err);
        if (result == SC_OK)
            result = my_audit_type(&type, decimals, arena, &to->type, err);
    }
    return result;
}
