/* The operator's ALTER for PostgreSQL. Whatever it is: what is taken as an expression behind USING has to be one
 * expression also where this program puts it, in parentheses. */
#include "applier/postgres/alter.h"

#include <pg_query.h>

#include "fuzz/fuzz.h"

static void check_expression(const char *expression)
{
    char *sql = mem_printf("SELECT (%s\n)", expression);
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(sql);
    HOLDS(!result.error);
    pg_query_free_protobuf_parse_result(result);
    mem_free(sql);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct alter alter;
    struct sc_error err;
    enum sc_result result = alter_parse(text, &alter, &err);
    HOLDS(result == SC_OK || (result == SC_REFUSE && err.what[0]));
    HOLDS(result != SC_OK || alter.parsed == (alter.count > 0));
    for (int i = 0; result == SC_OK && i < alter.nusing; i++) {
        HOLDS(alter.has_using && alter.using[i].column[0]);
        HOLDS(strstr(text, alter.using[i].expression));
        check_expression(alter.using[i].expression);
    }
    alter_fini(&alter);
    free(text);
    return 0;
}
