#include "applier/mysql/alter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mysql/conn.h"

/* Longer than any ALTER a person or a tool writes. */
#define ALTER_BYTES_MOST (1u << 20)

enum kind { END, WORD, NAME, STRING, NUMBER, SYMBOL };

struct token {
    enum kind kind;
    const char *text; /* WORD and NAME: without quotes; SYMBOL: one character */
    size_t start, end;
    int depth; /* how many brackets are open */
};

struct parser {
    struct my_alter *out;
    struct token *tokens;
    int count, at;
    struct sc_error *err;
};

struct my_alter_mode my_alter_mode_of(const char *sql_mode)
{
    return (struct my_alter_mode){.ansi_quotes = sql_mode && strstr(sql_mode, "ANSI_QUOTES"),
                                  .no_backslash_escapes = sql_mode && strstr(sql_mode, "NO_BACKSLASH_ESCAPES")};
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static bool in_word(unsigned char c)
{
    return isalnum(c) || c == '_' || c == '$' || c >= 0x80;
}

static bool blank(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Behind a comment at s, or s itself where there is none. NULL: one that never ends, or that the server would run. */
static const char *skip_comment(const char *s, struct sc_error *err)
{
    if (*s == '#' ||
        (s[0] == '-' && s[1] == '-' && (!s[2] || blank((unsigned char)s[2]) || iscntrl((unsigned char)s[2]))))
        return s + strcspn(s, "\n");
    if (s[0] != '/' || s[1] != '*')
        return s;
    if (s[2] == '!' || (s[2] == 'M' && s[3] == '!')) {
        error_set(err, SC_REFUSE, "--alter holds a comment that some servers run and others do not (/*! ... */)");
        error_hint(err, "Write what this server is to do, without it.");
        return NULL;
    }
    const char *end = strstr(s + 2, "*/");
    if (!end)
        error_set(err, SC_REFUSE, "--alter holds a comment that does not end");
    return end ? end + 2 : NULL;
}

/* Behind the quoted text at s; NULL: it does not end. Its content goes to `out`, or nowhere (NULL). */
static const char *quoted(const char *s, bool backslash, char *out)
{
    char quote = *s++;
    for (;; s++) {
        if (!*s)
            return NULL;
        if (*s == quote && s[1] != quote)
            break;
        if (*s == quote || (*s == '\\' && backslash && quote != '`' && s[1]))
            s++;
        if (out)
            *out++ = *s;
    }
    if (out)
        *out = 0;
    return s + 1;
}

static enum sc_result split(const char *text, struct my_alter_mode mode, struct parser *p)
{
    size_t len = strlen(text);
    p->tokens = arena_array(&p->out->arena, len + 1, sizeof(*p->tokens));
    int depth = 0;
    for (const char *s = text; *s;) {
        if (blank((unsigned char)*s)) {
            s++;
            continue;
        }
        const char *behind = skip_comment(s, p->err);
        if (!behind)
            return SC_REFUSE;
        if (behind != s) {
            s = behind;
            continue;
        }
        struct token *t = &p->tokens[p->count++];
        t->start = (size_t)(s - text);
        t->depth = depth;
        if (*s == '`' || *s == '"' || *s == '\'') {
            bool name = *s == '`' || (*s == '"' && mode.ansi_quotes);
            bool backslash = !mode.no_backslash_escapes && !name;
            const char *close = quoted(s, backslash, NULL);
            if (!close)
                return error_set(p->err, SC_REFUSE, "--alter holds a quote that does not end");
            char *content = arena_alloc(&p->out->arena, (size_t)(close - s));
            quoted(s, backslash, content);
            t->kind = name ? NAME : STRING;
            t->text = content;
            s = close;
        } else if (in_word((unsigned char)*s)) {
            const char *end = s;
            while (in_word((unsigned char)*end))
                end++;
            size_t digits = strspn(s, "0123456789");
            t->kind = s + digits == end ? NUMBER : WORD;
            t->text = arena_copy(&p->out->arena, s, (size_t)(end - s));
            s = end;
        } else {
            depth += *s == '(' ? 1 : *s == ')' ? -1 : 0;
            t->kind = SYMBOL;
            t->text = arena_copy(&p->out->arena, s, 1);
            if (*s == ')')
                t->depth = depth;
            s++;
        }
        t->end = (size_t)(s - text);
        if (depth < 0)
            return error_set(p->err, SC_REFUSE, "--alter closes a bracket that it does not open");
    }
    if (depth != 0)
        return error_set(p->err, SC_REFUSE, "--alter opens a bracket that it does not close");
    return SC_OK;
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static const struct token *peek(const struct parser *p, int ahead)
{
    static const struct token end = {.kind = END, .text = ""};
    return p->at + ahead < p->count ? &p->tokens[p->at + ahead] : &end;
}

static bool is_word(const struct token *t, const char *word)
{
    return t->kind == WORD && strcasecmp(t->text, word) == 0;
}

static bool is_symbol(const struct token *t, char symbol)
{
    return t->kind == SYMBOL && t->text[0] == symbol;
}

static bool take_word(struct parser *p, const char *word)
{
    if (!is_word(peek(p, 0), word))
        return false;
    p->at++;
    return true;
}

static bool take_either(struct parser *p, const char *one, const char *other)
{
    return take_word(p, one) || take_word(p, other);
}

static void take_if_exists(struct parser *p)
{
    if (is_word(peek(p, 0), "IF")) {
        p->at++;
        take_word(p, "NOT");
        take_word(p, "EXISTS");
    }
}

static bool is_name(const struct token *t)
{
    return t->kind == NAME || t->kind == WORD;
}

static const struct token *take_name(struct parser *p)
{
    const struct token *t = peek(p, 0);
    if (!is_name(t))
        return NULL;
    p->at++;
    return t;
}

static enum sc_result refuse(struct parser *p, const char *what, const char *hint)
{
    error_set(p->err, SC_REFUSE, "--alter: %s", what);
    return error_hint(p->err, "%s", hint);
}

static enum sc_result not_understood(struct parser *p)
{
    const struct token *t = peek(p, 0);
    error_set(p->err, SC_REFUSE, "--alter is not understood near %s%.40s", t->kind == END ? "its end" : "",
              t->kind == STRING ? "a text" : t->text);
    return error_hint(p->err, "It must be what follows ALTER TABLE name.");
}

static void renames(struct parser *p, const struct token *from, const struct token *to)
{
    p->out->renamed[p->out->nrenamed++] = (struct my_renamed){from->text, to->text};
}

static void names_constraint(struct parser *p)
{
    const struct token *t = take_name(p);
    if (t)
        p->out->named[p->out->nnamed++] = (struct my_named){t->text, t->start, t->end};
}

/* --- foreign keys ------------------------------------------------------------------------------------------------- */

static bool at_foreign_key(const struct parser *p, int ahead)
{
    return is_word(peek(p, ahead), "FOREIGN") && is_word(peek(p, ahead + 1), "KEY");
}

static void drops_foreign(struct parser *p, bool certain, bool if_exists, const struct token *name)
{
    p->out->foreign_dropped[p->out->nforeign_dropped++] = (struct my_foreign_dropped){
        .name = name->text, .action = p->out->count, .certain = certain, .if_exists = if_exists};
    p->out->actions[p->out->count].cut = certain;
}

/* "(a, b)" */
static const char **take_columns(struct parser *p, int *count)
{
    if (!is_symbol(peek(p, 0), '('))
        return NULL;
    size_t most = 1;
    for (int i = 1; peek(p, i)->kind != END && !is_symbol(peek(p, i), ')'); i++)
        most += is_symbol(peek(p, i), ',');
    const char **names = arena_array(&p->out->arena, most, sizeof(*names));
    *count = 0;
    do {
        p->at++;
        const struct token *name = take_name(p);
        if (!name)
            return NULL;
        names[(*count)++] = name->text;
    } while (is_symbol(peek(p, 0), ','));
    if (!is_symbol(peek(p, 0), ')'))
        return NULL;
    p->at++;
    return names;
}

static const char *take_rule(struct parser *p)
{
    if (take_word(p, "CASCADE"))
        return "CASCADE";
    if (take_word(p, "RESTRICT"))
        return "RESTRICT";
    bool set = take_word(p, "SET");
    if (set && take_word(p, "NULL"))
        return "SET NULL";
    if (set && take_word(p, "DEFAULT"))
        return "SET DEFAULT";
    return !set && take_word(p, "NO") && take_word(p, "ACTION") ? "NO ACTION" : NULL;
}

static bool take_rules(struct parser *p, struct my_foreign_clause *f)
{
    while (take_word(p, "ON")) {
        const char **rule = take_word(p, "DELETE") ? &f->on_delete : take_word(p, "UPDATE") ? &f->on_update : NULL;
        if (!rule || *rule || (*rule = take_rule(p)) == NULL)
            return false;
    }
    return peek(p, 0)->kind == END || is_symbol(peek(p, 0), ',');
}

/* Behind [CONSTRAINT [name]]. */
static enum sc_result add_foreign(struct parser *p, const char *name)
{
    struct my_foreign_clause f = {.name = name};
    p->at += 2;
    if (is_word(peek(p, 0), "IF")) {
        take_if_exists(p);
        f.if_not_exists = true;
    }
    if (!is_symbol(peek(p, 0), '(')) {
        const struct token *index = take_name(p);
        f.index_name = index ? index->text : NULL;
    }
    int nrefs = 0;
    f.columns = take_columns(p, &f.ncolumns);
    const struct token *table = f.columns && take_word(p, "REFERENCES") ? take_name(p) : NULL;
    if (table && is_symbol(peek(p, 0), '.')) {
        p->at++;
        f.schema = table->text;
        table = take_name(p);
    }
    f.table = table ? table->text : NULL;
    f.refs = table ? take_columns(p, &nrefs) : NULL;
    if (!f.refs || nrefs != f.ncolumns || !take_rules(p, &f))
        return not_understood(p);
    p->out->foreign_added[p->out->nforeign_added++] = f;
    p->out->actions[p->out->count].cut = true;
    return SC_OK;
}

/* --- other actions ------------------------------------------------------------------------------------------------ */

static enum sc_result drop(struct parser *p)
{
    static const char *const others[] = {"INDEX", "KEY", "PRIMARY", NULL};
    if (take_word(p, "PARTITION"))
        return refuse(p, "DROP PARTITION removes rows", "It takes no time: run it in the client.");
    if (take_word(p, "SYSTEM") || is_word(peek(p, 0), "PERIOD"))
        return refuse(p, "system versioning and periods cannot be changed by a copy", "Run it in the client.");
    if (at_foreign_key(p, 0)) {
        p->at += 2;
        bool if_exists = is_word(peek(p, 0), "IF");
        take_if_exists(p);
        const struct token *name = take_name(p);
        if (!name)
            return not_understood(p);
        drops_foreign(p, true, if_exists, name);
        return SC_OK;
    }
    bool constraint = is_word(peek(p, 0), "CONSTRAINT");
    if (take_either(p, "CONSTRAINT", "CHECK")) {
        bool if_exists = is_word(peek(p, 0), "IF");
        take_if_exists(p);
        if (constraint && is_name(peek(p, 0)))
            drops_foreign(p, false, if_exists, peek(p, 0));
        names_constraint(p);
        return SC_OK;
    }
    for (int i = 0; others[i]; i++)
        if (is_word(peek(p, 0), others[i]))
            return SC_OK;
    take_word(p, "COLUMN");
    take_if_exists(p);
    const struct token *name = take_name(p);
    if (!name)
        return not_understood(p);
    p->out->dropped[p->out->ndropped++] = name->text;
    return SC_OK;
}

static enum sc_result change(struct parser *p)
{
    take_word(p, "COLUMN");
    take_if_exists(p);
    const struct token *from = take_name(p), *to = take_name(p);
    if (!from || !to)
        return not_understood(p);
    renames(p, from, to);
    return SC_OK;
}

static enum sc_result rename_something(struct parser *p)
{
    if (is_word(peek(p, 0), "INDEX") || is_word(peek(p, 0), "KEY"))
        return SC_OK;
    if (!take_word(p, "COLUMN"))
        return refuse(p, "RENAME TO only changes the catalog and takes no time",
                      "Run it in the client; use SET lock_wait_timeout before it.");
    take_if_exists(p);
    const struct token *from = take_name(p);
    bool to_word = take_word(p, "TO");
    const struct token *to = take_name(p);
    if (!from || !to_word || !to)
        return not_understood(p);
    renames(p, from, to);
    return SC_OK;
}

static enum sc_result add(struct parser *p)
{
    if (take_word(p, "SYSTEM") || is_word(peek(p, 0), "PERIOD"))
        return refuse(p, "system versioning and periods cannot be changed by a copy", "Run it in the client.");
    if (at_foreign_key(p, 0))
        return add_foreign(p, NULL);
    if (is_word(peek(p, 0), "CONSTRAINT") && at_foreign_key(p, 1)) {
        p->at++;
        return add_foreign(p, NULL);
    }
    if (is_word(peek(p, 0), "CONSTRAINT") && is_name(peek(p, 1)) && at_foreign_key(p, 2)) {
        p->at += 2;
        return add_foreign(p, peek(p, -1)->text);
    }
    return SC_OK;
}

/* ALTER CHECK name, ALTER CONSTRAINT name; ALTER [COLUMN] and ALTER INDEX need no look. */
static enum sc_result alter_something(struct parser *p)
{
    if (take_either(p, "CHECK", "CONSTRAINT")) {
        take_if_exists(p);
        names_constraint(p);
    }
    return SC_OK;
}

static enum sc_result table_option(struct parser *p)
{
    if (take_word(p, "ENGINE")) {
        if (is_symbol(peek(p, 0), '='))
            p->at++;
        if (strcasecmp(peek(p, 0)->text, "InnoDB") != 0)
            return refuse(p, "the new table has to be InnoDB",
                          "Only changes of InnoDB tables can be followed exactly.");
    }
    if (is_word(peek(p, 0), "AUTO_INCREMENT")) {
        const struct token *number = peek(p, is_symbol(peek(p, 1), '=') ? 2 : 1);
        p->out->sets_counter = number->kind == NUMBER;
        p->out->counter = p->out->sets_counter ? strtoull(number->text, NULL, 10) : 0;
    }
    return SC_OK;
}

static const struct {
    const char *word, *what, *hint;
} refused_actions[] = {
    {"DISCARD", "DISCARD and IMPORT work on the table's own file", "Run it in the client."},
    {"IMPORT", "DISCARD and IMPORT work on the table's own file", "Run it in the client."},
    {"EXCHANGE", "EXCHANGE PARTITION moves rows between tables", "It takes no time: run it in the client."},
    {"TRUNCATE", "TRUNCATE PARTITION removes rows", "It takes no time: run it in the client."},
    {"CONVERT PARTITION", "CONVERT PARTITION moves rows between tables", "Run it in the client."},
    {"CONVERT TABLE", "CONVERT TABLE moves rows between tables", "Run it in the client."},
    {"ANALYZE", "it changes no definition", "Run it in the client."},
    {"CHECK", "it changes no definition", "Run it in the client."},
    {"OPTIMIZE", "it changes no definition", "`--alter FORCE` rebuilds the table."},
    {"REPAIR", "it changes no definition", "Run it in the client."},
    {"REBUILD", "it changes no definition", "`--alter FORCE` rebuilds the table."},
    {"SECONDARY_LOAD", "secondary engines are not followed", "Run it in the client."},
    {"SECONDARY_UNLOAD", "secondary engines are not followed", "Run it in the client."},
    {"ALGORITHM", "ALGORITHM and LOCK say how the server would do it",
     "Leave them out: the ALTER is made on an empty table."},
    {"LOCK", "ALGORITHM and LOCK say how the server would do it",
     "Leave them out: the ALTER is made on an empty table."},
    {"WITH", "WITH and WITHOUT VALIDATION say how the server would do it", "Leave it out."},
    {"WITHOUT", "WITH and WITHOUT VALIDATION say how the server would do it", "Leave it out."},
};

static enum sc_result action(struct parser *p)
{
    for (size_t i = 0; i < sizeof(refused_actions) / sizeof(refused_actions[0]); i++) {
        const char *word = refused_actions[i].word, *second = strchr(word, ' ');
        char first[32];
        size_t len = second ? (size_t)(second - word) : strlen(word);
        memcpy(first, word, len);
        first[len] = 0;
        if (is_word(peek(p, 0), first) && (!second || is_word(peek(p, 1), second + 1)))
            return refuse(p, refused_actions[i].what, refused_actions[i].hint);
    }
    if (take_word(p, "DROP"))
        return drop(p);
    if (take_word(p, "CHANGE"))
        return change(p);
    if (take_word(p, "RENAME"))
        return rename_something(p);
    if (take_word(p, "ALTER"))
        return alter_something(p);
    if (take_word(p, "ADD"))
        return add(p);
    if (take_word(p, "MODIFY"))
        return SC_OK;
    if (peek(p, 0)->kind != WORD)
        return not_understood(p);
    while (peek(p, 0)->kind != END && !(is_symbol(peek(p, 0), ',') && peek(p, 0)->depth == 0)) {
        enum sc_result result = table_option(p);
        if (result != SC_OK)
            return result;
        p->at++;
    }
    return SC_OK;
}

static enum sc_result actions(struct parser *p)
{
    while (p->at < p->count) {
        p->out->actions[p->out->count].start = p->tokens[p->at].start;
        enum sc_result result = action(p);
        if (result != SC_OK)
            return result;
        for (; p->at < p->count && !(is_symbol(peek(p, 0), ',') && peek(p, 0)->depth == 0); p->at++)
            if (is_word(peek(p, 0), "FOREIGN") && is_word(peek(p, 1), "KEY"))
                p->out->foreign = true;
        p->out->actions[p->out->count++].end = p->tokens[p->at - 1].end;
        if (p->at < p->count && ++p->at == p->count)
            return not_understood(p);
    }
    return SC_OK;
}

static enum sc_result parse(const char *text, struct my_alter_mode mode, struct parser *p)
{
    if (strlen(text) > ALTER_BYTES_MOST)
        return error_set(p->err, SC_REFUSE, "--alter is longer than %u bytes", ALTER_BYTES_MOST);
    enum sc_result result = split(text, mode, p);
    if (result != SC_OK)
        return result;
    while (p->count > 0 && is_symbol(&p->tokens[p->count - 1], ';'))
        p->count--;
    for (int i = 0; i < p->count; i++)
        if (is_symbol(&p->tokens[i], ';'))
            return refuse(p, "it holds several statements",
                          "It must be what follows ALTER TABLE name, and nothing else.");
    if (p->count == 0)
        return error_set(p->err, SC_REFUSE, "--alter is empty");
    if (is_word(&p->tokens[0], "ALTER") && is_word(peek(p, 1), "TABLE"))
        return refuse(p, "it begins with ALTER TABLE", "It must be what follows ALTER TABLE name, and nothing else.");
    size_t words = (size_t)p->count + 1;
    struct my_alter *out = p->out;
    out->text = arena_copy(&out->arena, text, p->tokens[p->count - 1].end);
    out->renamed = arena_array(&out->arena, words, sizeof(*out->renamed));
    out->dropped = arena_array(&out->arena, words, sizeof(*out->dropped));
    out->named = arena_array(&out->arena, words, sizeof(*out->named));
    out->actions = arena_array(&out->arena, words, sizeof(*out->actions));
    out->foreign_added = arena_array(&out->arena, words, sizeof(*out->foreign_added));
    out->foreign_dropped = arena_array(&out->arena, words, sizeof(*out->foreign_dropped));
    return actions(p);
}

enum sc_result my_alter_parse(const char *text, struct my_alter_mode mode, struct my_alter *out, struct sc_error *err)
{
    *out = (struct my_alter){0};
    struct parser p = {.out = out, .err = err};
    enum sc_result result = parse(text, mode, &p);
    if (result != SC_OK)
        my_alter_fini(out);
    return result;
}

void my_alter_fini(struct my_alter *alter)
{
    arena_fini(&alter->arena);
    *alter = (struct my_alter){0};
}

/* The bytes [at, end) of the text, with the names in them replaced. */
static void add_range(struct buf *b, const struct my_alter *alter, size_t at, size_t end,
                      const struct my_renamed *names, int count)
{
    for (int i = 0; i < alter->nnamed; i++) {
        const struct my_named *n = &alter->named[i];
        for (int k = 0; k < count && n->start >= at && n->end <= end; k++) {
            if (strcasecmp(names[k].from, n->name) != 0)
                continue;
            buf_bytes(b, alter->text + at, n->start - at);
            my_add_ident(b, names[k].to);
            at = n->end;
            if (alter->text[at] == '`') /* else it would go on with the name */
                buf_char(b, ' ');
            break;
        }
    }
    buf_bytes(b, alter->text + at, end - at);
}

char *my_alter_text(const struct my_alter *alter, const struct my_renamed *names, int count)
{
    struct buf b = {0};
    int cut = 0;
    for (int i = 0; i < alter->count; i++)
        cut += alter->actions[i].cut;
    if (cut == 0)
        add_range(&b, alter, 0, strlen(alter->text), names, count);
    for (int i = 0; i < alter->count && cut > 0; i++) {
        const struct my_action *a = &alter->actions[i];
        if (a->cut)
            continue;
        buf_str(&b, b.len ? ", " : "");
        add_range(&b, alter, a->start, a->end, names, count);
    }
    return buf_take(&b);
}
