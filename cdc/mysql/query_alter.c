/* What a stream of row changes may go on over: rows stay, under the name they were known by. Every clause has to begin
 * with words that are known to do no more, and some words must not stand anywhere: what moves rows (PARTITION,
 * TABLESPACE), deletes some (IGNORE), lets the engine change rows that the log lacks (REFERENCES ... ON DELETE), makes
 * the table another one (another ENGINE, SYSTEM VERSIONING) or gives it another name. */
#include "cdc/mysql/query_alter.h"

#include <string.h>
#include <strings.h>

struct cursor {
    const struct my_tokens *tokens;
    size_t at;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct my_token *token(const struct cursor *c, size_t ahead)
{
    size_t i = c->at + ahead;
    return &c->tokens->items[i < c->tokens->count ? i : c->tokens->count];
}

static bool at_end(const struct cursor *c)
{
    return c->at >= c->tokens->count || (c->at + 1 == c->tokens->count && my_token_is_mark(token(c, 0), ';'));
}

static bool take(struct cursor *c, const char *word)
{
    bool is = my_token_is(token(c, 0), word);
    c->at += is;
    return is;
}

static bool is_one_of(const struct my_token *t, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (my_token_is(t, words[i]))
            return true;
    return false;
}

static void take_if_exists(struct cursor *c)
{
    if (take(c, "IF")) {
        take(c, "NOT");
        take(c, "EXISTS");
    }
}

static bool take_table(struct cursor *c)
{
    if (my_token_is_mark(token(c, 0), '.'))
        c->at++;
    if (!my_token_is_name(token(c, 0)))
        return false;
    c->at++;
    if (my_token_is_mark(token(c, 0), '.') && my_token_is_name(token(c, 1)))
        c->at += 2;
    return true;
}

/* --- indexes --- */

static bool alters_index(struct cursor c)
{
    static const char *const kinds[] = {"UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR"};
    if (take(&c, "CREATE")) {
        if (take(&c, "OR") && !take(&c, "REPLACE"))
            return false;
        if (is_one_of(token(&c, 0), kinds, COUNT(kinds)))
            c.at++;
    } else if (!take(&c, "DROP")) {
        return false;
    }
    return take(&c, "INDEX");
}

/* --- ALTER TABLE --- */

static const char *const never[] = {"PARTITION",  "PARTITIONS", "PARTITIONING", "TABLESPACE", "EXCHANGE",
                                    "REFERENCES", "VERSIONING", "SYSTEM",       "PERIOD",     "UNION",
                                    "IGNORE",     "TRUNCATE",   "IMPORT",       "DISCARD",    "REMOVE"};

/* Behind ADD and DROP. */
static bool adds_or_drops(const struct cursor *c)
{
    static const char *const others[] = {"PARTITION", "SYSTEM", "PERIOD", "TABLE"};
    return !is_one_of(token(c, 1), others, COUNT(others));
}

static bool clause(const struct cursor *c, struct my_statement *out)
{
    static const char *const more[] = {"ALGORITHM",
                                       "LOCK",
                                       "COMMENT",
                                       "AUTO_INCREMENT",
                                       "ROW_FORMAT",
                                       "KEY_BLOCK_SIZE",
                                       "DEFAULT",
                                       "CHARACTER",
                                       "CHARSET",
                                       "COLLATE",
                                       "FORCE",
                                       "ENABLE",
                                       "DISABLE",
                                       "ORDER",
                                       "STATS_PERSISTENT",
                                       "STATS_AUTO_RECALC",
                                       "STATS_SAMPLE_PAGES",
                                       "MAX_ROWS",
                                       "MIN_ROWS",
                                       "AVG_ROW_LENGTH",
                                       "CHECKSUM",
                                       "PACK_KEYS",
                                       "PAGE_COMPRESSED",
                                       "PAGE_COMPRESSION_LEVEL",
                                       "COMPRESSION",
                                       "ENCRYPTION",
                                       "ENCRYPTED",
                                       "ENGINE",
                                       "WITH",
                                       "WITHOUT",
                                       "NOWAIT"};
    static const char *const renamed[] = {"COLUMN", "INDEX", "KEY"};
    const struct my_token *t = token(c, 0), *next = token(c, 1);
    if (my_token_is(t, "ADD"))
        return adds_or_drops(c);
    if (my_token_is(t, "DROP")) {
        out->changes = true;
        return adds_or_drops(c);
    }
    if (my_token_is(t, "MODIFY") || my_token_is(t, "CHANGE")) {
        out->changes = true;
        out->renames |= my_token_is(t, "CHANGE");
        return true;
    }
    if (my_token_is(t, "RENAME")) {
        bool column = my_token_is(next, "COLUMN");
        out->changes |= column;
        out->renames |= column;
        return is_one_of(next, renamed, COUNT(renamed));
    }
    if (my_token_is(t, "CONVERT"))
        return my_token_is(next, "TO");
    if (my_token_is(t, "ALTER"))
        return true; /* a column's default, an index that is shown or not */
    return is_one_of(t, more, COUNT(more));
}

/* Words that mean more wherever they stand; RENAME only where no clause begins, ENGINE only where it is another one. */
static bool no_other_word(const struct cursor *c, bool begins)
{
    const struct my_token *t = token(c, 0);
    if (is_one_of(t, never, COUNT(never)) || (!begins && my_token_is(t, "RENAME")))
        return false;
    bool equals = my_token_is_mark(token(c, 1), '=');
    if (!my_token_is(t, "ENGINE") && !(equals && my_token_is(t, "TYPE")))
        return true;
    return my_token_is(token(c, equals ? 2 : 1), "InnoDB");
}

/* MariaDB takes the names of some types in quotes, too. */
static bool names_one_of(const struct my_token *t, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count && my_token_is_name(t); i++)
        if (t->len == strlen(words[i]) && strncasecmp(t->text, words[i], t->len) == 0)
            return true;
    return false;
}

static bool may_be_untold(const struct cursor *c)
{
    static const char *const types[] = {"UUID", "INET4", "INET6"};
    static const char *const words[] = {"AS", "GENERATED", "VIRTUAL", "STORED", "PERSISTENT"};
    if (is_one_of(token(c, 0), words, COUNT(words)))
        return true;
    static const char *const sized[] = {"VECTOR"};
    if (names_one_of(token(c, 0), types, COUNT(types)))
        return !my_token_is_mark(token(c, 1), '('); /* else a function */
    return names_one_of(token(c, 0), sized, COUNT(sized)) && my_token_is_mark(token(c, 1), '(');
}

static bool alters_table(struct cursor c, struct my_statement *out)
{
    if (!take(&c, "ALTER"))
        return false;
    take(&c, "ONLINE");
    if (!take(&c, "TABLE"))
        return false;
    take_if_exists(&c);
    if (!take_table(&c))
        return false;
    if (take(&c, "WAIT"))
        c.at++;
    else
        take(&c, "NOWAIT");
    int depth = 0;
    for (bool begins = true; !at_end(&c); c.at++) {
        if ((begins && !clause(&c, out)) || !no_other_word(&c, begins))
            return false;
        out->untold |= may_be_untold(&c);
        const struct my_token *t = token(&c, 0);
        depth += my_token_is_mark(t, '(') - my_token_is_mark(t, ')');
        begins = depth == 0 && my_token_is_mark(t, ',');
        if (depth < 0 || my_token_is_mark(t, ';'))
            return false;
    }
    return depth == 0;
}

static void keep_words(struct arena *arena, const struct my_tokens *tokens, struct my_statement *out)
{
    out->words = arena_array(arena, tokens->count + 1, sizeof(*out->words));
    for (size_t i = 0; i < tokens->count; i++)
        if (my_token_is_name(&tokens->items[i]))
            out->words[out->nwords++] = arena_copy(arena, tokens->items[i].text, tokens->items[i].len);
}

void my_statement_alters(struct arena *arena, const struct my_tokens *tokens, struct my_statement *out)
{
    struct cursor c = {.tokens = tokens};
    if (tokens->uncertain)
        return;
    if (alters_index(c)) {
        out->alters = MY_ALTERS_INDEXES;
    } else if (alters_table(c, out)) {
        out->alters = MY_ALTERS_COLUMNS;
        keep_words(arena, tokens, out);
    }
}
