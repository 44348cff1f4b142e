/* Names and texts that go into statements: whatever is quoted comes back, under every sql_mode; a table's name as the
 * operator writes it; names made of others. */
#include "applier/mysql/ghost.h"
#include "applier/mysql/names.h"
#include "base/json.h"
#include "base/mysql/conn.h"
#include "base/postgres/conn.h"
#include "fuzz/fuzz.h"

/* What a server reads of a text in quotes, which is all of `sql`; malloc'd, NULL: it is not one. */
static char *unquoted(const char *sql, char quote, bool backslash)
{
    size_t len = strlen(sql);
    char *out = malloc(len + 1), *end = out;
    const char *p = sql;
    if (*p++ != quote) {
        free(out);
        return NULL;
    }
    for (; *p; p++) {
        if (*p == quote && p[1] != quote)
            break;
        if (*p == quote || (backslash && *p == '\\' && p[1]))
            p++;
        *end++ = *p;
    }
    *end = 0;
    if (*p == quote && !p[1])
        return out;
    free(out);
    return NULL;
}

static void comes_back(const char *sql, char quote, bool backslash, const char *text)
{
    char *back = unquoted(sql, quote, backslash);
    HOLDS(back && strcmp(back, text) == 0);
    free(back);
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

static void check_literals(const char *text)
{
    struct buf b = {0};
    my_add_literal(&b, text);
    if (b.data[0] == '\'') {
        comes_back(b.data, '\'', true, text);
        comes_back(b.data, '\'', false, text);
    } else {
        const char *p = b.data + strlen("_utf8mb4 X'");
        HOLDS(strncmp(b.data, "_utf8mb4 X'", 11) == 0 && strlen(p) == 2 * strlen(text) + 1);
        for (size_t i = 0; text[i]; i++)
            HOLDS((char)(digit(p[2 * i]) << 4 | digit(p[2 * i + 1])) == text[i]);
        HOLDS(strcmp(p + 2 * strlen(text), "'") == 0);
    }
    buf_clear(&b);
    my_add_text(&b, text);
    comes_back(b.data, '\'', true, text);
    char *pg = pg_literal(text);
    comes_back(pg, '\'', false, text);
    mem_free(pg);
    buf_clear(&b);
    pg_add_array_element(&b, text);
    comes_back(b.data, '"', true, text);
    buf_fini(&b);
}

static void check_names(const char *text)
{
    char *ident = my_ident(text);
    comes_back(ident, '`', false, text);
    mem_free(ident);
    ident = pg_ident(text);
    comes_back(ident, '"', false, text);
    mem_free(ident);
}

/* JSON: no control characters, quotes and backslashes only as escapes, and what is UTF-8 stays. */
static void check_json(const char *text)
{
    struct buf b = {0};
    json_string(&b, text);
    HOLDS(b.len >= 2 && b.data[0] == '"' && b.data[b.len - 1] == '"');
    for (size_t i = 1; i + 1 < b.len; i++) {
        unsigned char c = (unsigned char)b.data[i];
        HOLDS(c >= 0x20 && c != '"');
        if (c == '\\') {
            i++;
            HOLDS(i + 1 < b.len && strchr("\"\\u", b.data[i]));
            HOLDS(b.data[i] != 'u' || (i + 5 < b.len && strspn(b.data + i + 1, "0123456789abcdef") >= 4));
        }
    }
    buf_fini(&b);
}

static void table_name(const char *text, bool ansi_quotes)
{
    char *schema, *name, *schema_again, *name_again;
    if (!my_parse_table(text, ansi_quotes, &schema, &name)) {
        HOLDS(!schema && !name);
        return;
    }
    HOLDS(name[0] && (!schema || schema[0]));
    char *shown = schema ? my_shown_name(schema, name) : my_ident(name);
    HOLDS(my_parse_table(shown, ansi_quotes, &schema_again, &name_again));
    HOLDS(fuzz_same_text(schema, schema_again) && fuzz_same_text(name, name_again));
    mem_free(shown);
    mem_free(schema);
    mem_free(name);
    mem_free(schema_again);
    mem_free(name_again);
}

/* A name made of another one fits, tells what it is by its end, and sorts behind the other. */
static void made_names(const char *name)
{
    const char *suffix = MY_OLD_SUFFIX "0123abcd";
    char *with = my_name_with(name, suffix), *table = my_table_name_with(name, suffix);
    size_t len = strlen(with), end = strlen(suffix);
    HOLDS(my_name_characters(with) <= 64 && my_name_characters(table) <= 55);
    HOLDS(len >= end && strcmp(with + len - end, suffix) == 0);
    HOLDS(strcmp(table + strlen(table) - end, suffix) == 0);
    /* Names have no characters beyond U+FFFF (manual, "Schema Object Names"); the last thousands are not looked at. */
    bool usual = my_name_characters(name) <= 64;
    for (const char *p = name; *p; p++)
        usual = usual && (unsigned char)*p < 0xef;
    HOLDS(!usual || (strcmp(name, with) < 0 && strcmp(name, table) < 0));
    mem_free(with);
    mem_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = fuzz_text(data + 1, size - 1);
    check_literals(text);
    check_names(text);
    check_json(text);
    table_name(text, data[0] & 1);
    made_names(text);
    free(text);
    return 0;
}
