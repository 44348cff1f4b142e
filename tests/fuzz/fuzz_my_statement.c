/* Statements of QUERY events: a byte of settings, and the text; or, with 0xff in front, a name that has to come out of
 * statements that name it. */
#include "base/mem.h"
#include "cdc/mysql/query.h"
#include "cdc/mysql/query_token.h"
#include "fuzz/fuzz.h"

enum { UTF8MB4 = 45 };
static const uint16_t charsets[] = {UTF8MB4, 8, 28, 13, 1, 248, 95, 0};

static struct my_query_event query_of(uint8_t how, const char *text, size_t len)
{
    return (struct my_query_event){.schema = how & 8 ? "shop" : "other",
                                   .text = text,
                                   .len = len,
                                   .charset = charsets[how & 7],
                                   .sql_mode = (how & 16 ? MY_SQL_MODE_ANSI_QUOTES : 0) |
                                               (how & 32 ? MY_SQL_MODE_NO_BACKSLASH_ESCAPES : 0)};
}

static bool same_statement(const struct my_statement *a, const struct my_statement *b)
{
    if (a->kind != b->kind || strcmp(a->name, b->name) != 0 || a->one_phase != b->one_phase || a->opaque != b->opaque ||
        a->ntables != b->ntables)
        return false;
    for (size_t i = 0; i < a->ntables; i++)
        if (strcmp(a->tables[i].schema, b->tables[i].schema) != 0 ||
            !fuzz_same_text(a->tables[i].name, b->tables[i].name) || a->tables[i].referenced != b->tables[i].referenced)
            return false;
    return true;
}

/* What stands between two words changes nothing: blanks, comments, line ends. */
static void spaced(const struct my_query_event *query, const struct my_statement *s, struct arena *arena)
{
    static const char *const spaces[] = {" ", "\n", "/* ' */", " -- `\n", "#\"\n"};
    struct my_tokens tokens = my_tokenize(arena, query->text, query->len, query->sql_mode, query->charset);
    struct buf text = {0};
    for (size_t i = 0; i < tokens.count; i++) {
        buf_str(&text, spaces[i % (sizeof(spaces) / sizeof(spaces[0]))]);
        buf_bytes(&text, tokens.items[i].raw, tokens.items[i].raw_len);
    }
    buf_char(&text, '\n');
    if (!tokens.bad && !tokens.uncertain && tokens.count) {
        struct my_query_event other = *query;
        struct my_statement t;
        other.text = text.data;
        other.len = text.len;
        my_statement_read(arena, &other, &t);
        HOLDS(same_statement(s, &t));
    }
    buf_fini(&text);
    my_tokens_fini(&tokens);
}

static void statement(uint8_t how, const char *text, size_t len)
{
    struct arena arena = {0};
    struct my_statement s;
    const char *why;
    struct my_query_event query = query_of(how, text, len);
    my_statement_read(&arena, &query, &s);
    enum my_statement_effect effect =
        my_statement_effect(&s, "shop", how & 64 ? "item" : "stra\xc3\x9f\x65", how >> 7, &why);
    HOLDS((effect == MY_EFFECT_STOP) == (*why != 0));
    HOLDS(s.kind != MY_STATEMENT_UNKNOWN || effect == MY_EFFECT_STOP);
    HOLDS(effect != MY_EFFECT_TRUNCATE || s.kind == MY_STATEMENT_TRUNCATE);
    if ((how & 7) < 2) /* in others half a character would take what follows with it */
        spaced(&query, &s, &arena);
    arena_fini(&arena);
}

/* --- a table's name is found wherever it stands --- */

static const char *const patterns[] = {
    "DROP TABLE %s",
    "DROP TABLE IF EXISTS a, %s",
    "TRUNCATE TABLE %s",
    "TRUNCATE %s",
    "ALTER TABLE %s ADD x INT",
    "ALTER ONLINE IGNORE TABLE IF EXISTS %s WAIT 5 ADD x INT",
    "RENAME TABLE a TO b, %s TO c",
    "RENAME TABLE a TO %s",
    "ALTER TABLE a RENAME TO %s",
    "ALTER TABLE a EXCHANGE PARTITION p WITH TABLE %s",
    "CREATE TABLE %s (a INT)",
    "CREATE OR REPLACE TABLE %s LIKE b",
    "CREATE INDEX i ON %s (a)",
    "DROP INDEX i ON %s",
    "CREATE TRIGGER t BEFORE INSERT ON %s FOR EACH ROW SET @a = 1",
};

static void named(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    char *name = fuzz_text(data + 1, size - 1);
    bool ansi = data[0] & 1, qualified = data[0] & 2;
    struct buf table = {0}, text = {0};
    if (qualified)
        buf_str(&table, "/**/`shop` . ");
    buf_char(&table, ansi ? '"' : '`');
    for (const char *p = name; *p; p++) {
        buf_char(&table, *p);
        if (*p == (ansi ? '"' : '`'))
            buf_char(&table, *p);
    }
    buf_char(&table, ansi ? '"' : '`');
    const char *pattern = patterns[(data[0] >> 2) % (sizeof(patterns) / sizeof(patterns[0]))];
    const char *hole = strchr(pattern, '%');
    buf_bytes(&text, pattern, (size_t)(hole - pattern));
    buf_bytes(&text, table.data, table.len);
    buf_str(&text, hole + 2);
    struct my_query_event query = {.schema = qualified ? "elsewhere" : "shop",
                                   .text = text.data,
                                   .len = text.len,
                                   .charset = UTF8MB4,
                                   .sql_mode = ansi ? MY_SQL_MODE_ANSI_QUOTES : 0};
    struct my_statement s;
    const char *why;
    my_statement_read(&arena, &query, &s);
    HOLDS(*name == 0 || my_statement_effect(&s, "shop", name, 0, &why) != MY_EFFECT_NONE);
    buf_fini(&table);
    buf_fini(&text);
    free(name);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (data[0] == 0xff && size > 2) {
        named(data + 1, size - 1);
        return 0;
    }
    uint8_t *exact = fuzz_exact(data + 1, size - 1);
    statement(data[0], (const char *)exact, size - 1);
    free(exact);
    return 0;
}
