/* Values on their way into change events. What is written is one JSON value; what is text comes back. */
#include <jansson.h>

#include "cdc/audit/mysql/types.h"
#include "cdc/audit/postgres/types.h"
#include "fuzz/audit.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a \"quote\"", "b,c"};
    if (size < 2)
        return 0;
    struct arena arena = {0};
    struct audit_type type;
    struct sc_error err;
    unsigned which = data[0] % (AUDIT_PG + AUDIT_MY);
    if (which < AUDIT_PG) {
        pg_audit_type(&(struct pg_audit_type){.type = audit_pg[which].type,
                                              .modifier = audit_pg[which].modifier,
                                              .element = audit_pg[which].element},
                      (enum audit_decimals)(data[1] % 3), &arena, &type);
    } else {
        const char *text = audit_my[which - AUDIT_PG];
        struct my_audit_type from = {.type = text, .members = names, .nmembers = 2, .optional = data[1] & 4};
        if (strncmp(text, "varchar", 7) == 0)
            from.charset = audit_charsets[(data[1] >> 3) % AUDIT_CHARSETS];
        HOLDS(my_audit_type(&from, (enum audit_decimals)(data[1] % 3), &arena, &type, &err) == SC_OK);
    }
    size -= 2;
    uint8_t *value = fuzz_exact(data + 2, size);
    struct buf out = {0};
    if (type.write(&out, &type, (const char *)value, size)) {
        json_error_t problem;
        json_t *read =
            json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &problem);
        /* Numbers may be larger than Jansson's: then it is the number alone that it does not like. */
        HOLDS(read || strstr(problem.text, "too big") || strstr(problem.text, "overflow"));
        if (read && type.write == audit_string && !memchr(out.data, 0xef, out.len) && !strstr(out.data, "\\ufffd"))
            HOLDS(json_string_length(read) == size && memcmp(json_string_value(read), value, size) == 0);
        json_decref(read);
    }
    buf_fini(&out);
    audit_type_close(&type);
    free(value);
    arena_fini(&arena);
    return 0;
}
