#include "cdc/mysql/query.h"

#include <ctype.h>
#include <string.h>

#include "cdc/mysql/query_alter.h"
#include "cdc/mysql/query_token.h"

/* Longer ones are not worth the memory for their words: they are stopped at as if they could not be read. */
#define MAX_TEXT (UINT64_C(64) << 20)
/* Names of one statement that are kept; with more, it could mean anything. */
#define MAX_TABLES 1000

struct parse {
    struct arena *arena;
    struct my_tokens tokens;
    size_t at;
    struct my_statement *out;
    size_t cap;
};

static const struct my_token *peek(const struct parse *p, size_t ahead)
{
    size_t i = p->at + ahead;
    return &p->tokens.items[i < p->tokens.count ? i : p->tokens.count];
}

static bool at_end(const struct parse *p)
{
    return p->at >= p->tokens.count;
}

static bool take(struct parse *p, const char *word)
{
    if (!my_token_is(peek(p, 0), word))
        return false;
    p->at++;
    return true;
}

static bool take_mark(struct parse *p, char mark)
{
    if (!my_token_is_mark(peek(p, 0), mark))
        return false;
    p->at++;
    return true;
}

/* Two words, or nothing. */
static bool take_two(struct parse *p, const char *first, const char *second)
{
    if (!my_token_is(peek(p, 0), first) || !my_token_is(peek(p, 1), second))
        return false;
    p->at += 2;
    return true;
}

/* Moves behind the next such word. */
static bool seek(struct parse *p, const char *word)
{
    while (!at_end(p) && !my_token_is(peek(p, 0), word))
        p->at++;
    return take(p, word);
}

static void pass_if_exists(struct parse *p)
{
    if (take(p, "IF")) {
        take(p, "NOT");
        take(p, "EXISTS");
    }
}

static const char *text_of(struct parse *p, const struct my_token *t)
{
    return arena_copy(p->arena, t->text, t->len);
}

static void add_table(struct parse *p, const char *schema, const char *name, bool referenced)
{
    struct my_statement *out = p->out;
    for (size_t i = 0; i < out->ntables; i++) {
        const struct my_statement_table *t = &out->tables[i];
        if (!t->name == !name && t->referenced == referenced && strcmp(t->schema, schema) == 0 &&
            (!name || strcmp(t->name, name) == 0))
            return;
    }
    if (out->ntables == MAX_TABLES) {
        out->opaque = true;
        return;
    }
    if (out->ntables == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 4;
        struct my_statement_table *tables = arena_array(p->arena, cap, sizeof(*tables));
        if (out->ntables)
            memcpy(tables, out->tables, out->ntables * sizeof(*tables));
        out->tables = tables;
        p->cap = cap;
    }
    out->tables[out->ntables++] = (struct my_statement_table){schema, name, referenced};
}

/* "t", "s.t", ".t". False: no name stands there. */
static bool table_name(struct parse *p, bool referenced)
{
    if (my_token_is_mark(peek(p, 0), '.') && my_token_is_name(peek(p, 1)))
        p->at++;
    if (!my_token_is_name(peek(p, 0)))
        return false;
    const char *first = text_of(p, peek(p, 0)), *schema = p->out->schema;
    p->at++;
    if (my_token_is_mark(peek(p, 0), '.') && my_token_is_name(peek(p, 1))) {
        schema = first;
        first = text_of(p, peek(p, 1));
        p->at += 2;
    }
    add_table(p, schema, first, referenced);
    return true;
}

/* Every name, and every pair with a dot between: for what is not understood. */
static void all_names(struct parse *p)
{
    for (p->at = 0; !at_end(p); p->at++) {
        if (!my_token_is_name(peek(p, 0)))
            continue;
        if (my_token_is_mark(peek(p, 1), '.') && my_token_is_name(peek(p, 2)))
            add_table(p, text_of(p, peek(p, 0)), text_of(p, peek(p, 2)), false);
        add_table(p, p->out->schema, text_of(p, peek(p, 0)), false);
    }
}

/* --- DDL --- */

static void ddl(struct parse *p)
{
    p->out->kind = MY_STATEMENT_DDL;
}

/* "t, s.u, ..." */
static void name_list(struct parse *p)
{
    ddl(p);
    if (!table_name(p, false))
        all_names(p);
    while (take_mark(p, ','))
        table_name(p, false);
}

/* CREATE TABLE, ALTER TABLE: what else they name besides the table. */
static void other_tables(struct parse *p)
{
    while (!at_end(p)) {
        if (take(p, "REFERENCES")) {
            table_name(p, true);
        } else if (take_two(p, "RENAME", "COLUMN") || take_two(p, "RENAME", "INDEX") || take_two(p, "RENAME", "KEY")) {
            if (my_token_is_name(peek(p, 0)))
                p->at++;
            take(p, "TO");
        } else if (take(p, "RENAME")) {
            if (!take(p, "TO") && !take(p, "AS"))
                take_mark(p, '=');
            table_name(p, false);
        } else if (take(p, "TABLE")) { /* EXCHANGE PARTITION p WITH TABLE t, CONVERT TABLE t, ... TO TABLE t */
            pass_if_exists(p);
            table_name(p, false);
        } else if (take(p, "UNION")) { /* UNION = (t, u): rows are put into tables of a MERGE table */
            take_mark(p, '=');
            if (!take_mark(p, '('))
                continue;
            do {
                table_name(p, false);
            } while (take_mark(p, ','));
        } else if (my_token_is_mark(peek(p, 0), '.')) {
            p->at += 2; /* a name behind a dot is no keyword */
        } else {
            p->at++;
        }
    }
}

static void create_or_alter_table(struct parse *p)
{
    ddl(p);
    pass_if_exists(p);
    if (!table_name(p, false))
        all_names(p);
    other_tables(p);
}

static void rename_tables(struct parse *p)
{
    ddl(p);
    pass_if_exists(p);
    do {
        if (!table_name(p, false)) {
            all_names(p);
            return;
        }
        if (seek(p, "TO")) /* over WAIT n, NOWAIT */
            table_name(p, false);
    } while (take_mark(p, ','));
}

static void schema_itself(struct parse *p)
{
    ddl(p);
    pass_if_exists(p);
    if (my_token_is_name(peek(p, 0)))
        add_table(p, text_of(p, peek(p, 0)), NULL, false);
    else
        p->out->opaque = true;
}

static void behind_on(struct parse *p)
{
    ddl(p);
    if (!seek(p, "ON") || !table_name(p, false))
        all_names(p);
}

static void truncate_table(struct parse *p)
{
    take(p, "TABLE");
    p->out->kind = MY_STATEMENT_TRUNCATE;
    if (!table_name(p, false)) {
        p->out->kind = MY_STATEMENT_UNKNOWN;
        return;
    }
    /* MariaDB: WAIT n, NOWAIT */
    if (!at_end(p) && !my_token_is(peek(p, 0), "WAIT") && !my_token_is(peek(p, 0), "NOWAIT") &&
        !my_token_is_mark(peek(p, 0), ';'))
        ddl(p);
}

static void dml(struct parse *p, bool opaque)
{
    p->out->kind = MY_STATEMENT_DML;
    p->out->opaque = opaque;
    for (p->at = 0; !at_end(p); p->at++) {
        if (!my_token_is_name(peek(p, 0)) || !my_token_is_mark(peek(p, 1), '.') || !my_token_is_name(peek(p, 2)))
            continue;
        if (peek(p, 0)->kind == MY_TOKEN_WORD && isdigit((unsigned char)*peek(p, 0)->text) &&
            peek(p, 2)->kind == MY_TOKEN_WORD && isdigit((unsigned char)*peek(p, 2)->text))
            continue; /* 1.5 */
        add_table(p, text_of(p, peek(p, 0)), text_of(p, peek(p, 2)), false);
    }
}

/* Behind CREATE, ALTER or DROP: everything up to the word that says of what. */
static void object(struct parse *p, const char *verb)
{
    bool create = strcmp(verb, "CREATE") == 0, drop = strcmp(verb, "DROP") == 0, replaces = false, temporary = false;
    for (; !at_end(p); p->at++) {
        if (take(p, "TABLE") || take(p, "TABLES")) {
            if (temporary) /* hides our table from its own session only */
                return;
            if (!drop) {
                create_or_alter_table(p);
                return;
            }
            pass_if_exists(p);
            name_list(p);
            return;
        }
        if (take(p, "INDEX")) {
            behind_on(p);
            return;
        }
        if (take(p, "DATABASE") || take(p, "SCHEMA")) {
            if (drop || replaces)
                schema_itself(p);
            return;
        }
        if (take(p, "TRIGGER")) {
            if (!drop)
                behind_on(p);
            return;
        }
        if (take(p, "SEQUENCE")) { /* of MariaDB: a table of its own kind */
            if (temporary)
                return;
            pass_if_exists(p);
            name_list(p);
            return;
        }
        static const char *const harmless[] = {"VIEW",    "FUNCTION", "PROCEDURE", "PACKAGE",  "EVENT",
                                               "USER",    "ROLE",     "SERVER",    "INSTANCE", "TABLESPACE",
                                               "LOGFILE", "UNDO",     "RESOURCE",  "LIBRARY",  "CATALOG"};
        for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
            if (my_token_is(peek(p, 0), harmless[i]))
                return;
        if (take_two(p, "SPATIAL", "REFERENCE"))
            return;
        if (take_two(p, "OR", "REPLACE")) {
            replaces = create;
            p->at--;
        } else if (my_token_is(peek(p, 0), "TEMPORARY")) {
            temporary = true;
        }
    }
    p->out->kind = MY_STATEMENT_UNKNOWN;
}

/* --- transactions --- */

/* An xid or a name up to the statement's end or one of the words behind it, without blanks. */
static void rest_as_name(struct parse *p)
{
    struct buf name = {0};
    for (; !at_end(p); p->at++) {
        const struct my_token *t = peek(p, 0);
        if (my_token_is(t, "ONE") || my_token_is(t, "JOIN") || my_token_is(t, "RESUME") || my_token_is(t, "SUSPEND") ||
            my_token_is_mark(t, ';'))
            break;
        if (t->kind == MY_TOKEN_QUOTED)
            buf_bytes(&name, t->text, t->len);
        else
            buf_bytes(&name, t->raw, t->raw_len);
    }
    p->out->name = arena_copy(p->arena, buf_cstr(&name), name.len);
    buf_fini(&name);
}

static void xa(struct parse *p)
{
    struct my_statement *out = p->out;
    if (take(p, "START") || take(p, "BEGIN"))
        out->kind = MY_STATEMENT_XA_START;
    else if (take(p, "END"))
        out->kind = MY_STATEMENT_XA_END;
    else if (take(p, "PREPARE"))
        out->kind = MY_STATEMENT_XA_PREPARE;
    else if (take(p, "COMMIT"))
        out->kind = MY_STATEMENT_XA_COMMIT;
    else if (take(p, "ROLLBACK"))
        out->kind = MY_STATEMENT_XA_ROLLBACK;
    else
        return;
    rest_as_name(p);
    out->one_phase = take_two(p, "ONE", "PHASE");
}

static bool transaction(struct parse *p)
{
    struct my_statement *out = p->out;
    if (take(p, "BEGIN")) {
        take(p, "WORK");
        out->kind = at_end(p) || my_token_is_mark(peek(p, 0), ';') ? MY_STATEMENT_BEGIN : MY_STATEMENT_UNKNOWN;
    } else if (take_two(p, "START", "TRANSACTION")) {
        out->kind = MY_STATEMENT_BEGIN;
    } else if (take(p, "COMMIT")) {
        out->kind = MY_STATEMENT_COMMIT;
    } else if (take(p, "ROLLBACK")) {
        take(p, "WORK");
        out->kind = MY_STATEMENT_ROLLBACK;
        if (take(p, "TO")) {
            take(p, "SAVEPOINT");
            out->kind = MY_STATEMENT_ROLLBACK_TO;
            rest_as_name(p);
        }
    } else if (take(p, "SAVEPOINT")) {
        out->kind = MY_STATEMENT_SAVEPOINT;
        rest_as_name(p);
    } else if (take_two(p, "RELEASE", "SAVEPOINT")) {
        out->kind = MY_STATEMENT_RELEASE;
        rest_as_name(p);
    } else if (take(p, "XA")) {
        out->kind = MY_STATEMENT_UNKNOWN;
        xa(p);
    } else {
        return false;
    }
    return true;
}

/* --- by the first word --- */

static bool is_one_of(const struct my_token *t, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (my_token_is(t, words[i]))
            return true;
    return false;
}

/* Words that begin a statement which changes rows, and whether it can reach tables that it does not name. */
static const char *const plain_dml[] = {"INSERT", "REPLACE", "UPDATE", "DELETE", "LOAD", "WITH"};
static const char *const opaque_dml[] = {"CALL",    "DO",      "SELECT",  "VALUES",  "EXECUTE", "PREPARE",
                                         "HANDLER", "IF",      "CASE",    "LOOP",    "WHILE",   "REPEAT",
                                         "FOR",     "DECLARE", "EXPLAIN", "DESCRIBE"};
/* Neither rows nor the definitions of tables change. */
static const char *const harmless_words[] = {
    "CHECK",  "REPAIR", "FLUSH",  "CHECKSUM", "GRANT",      "REVOKE",   "SET",     "RESET",  "KILL",   "USE",
    "SHOW",   "LOCK",   "UNLOCK", "INSTALL",  "UNINSTALL",  "CHANGE",   "START",   "STOP",   "PURGE",  "CACHE",
    "BINLOG", "IMPORT", "BACKUP", "CLONE",    "DEALLOCATE", "SHUTDOWN", "RESTART", "SIGNAL", "RETURN", "HELP"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void statement(struct parse *p)
{
    struct my_statement *out = p->out;
    if (transaction(p))
        return;
    /* MariaDB: SET STATEMENT variable = value FOR statement; ANALYZE statement. */
    while (take_two(p, "SET", "STATEMENT")) {
        if (!seek(p, "FOR")) {
            out->kind = MY_STATEMENT_UNKNOWN;
            return;
        }
        if (transaction(p))
            return;
    }
    if (take_two(p, "OPTIMIZE", "TABLE") || take_two(p, "OPTIMIZE", "TABLES"))
        return;
    if (take(p, "OPTIMIZE") || take(p, "ANALYZE")) {
        if (!take(p, "NO_WRITE_TO_BINLOG"))
            take(p, "LOCAL");
        if (take(p, "TABLE") || take(p, "TABLES"))
            return;
        if (take(p, "FORMAT") && take_mark(p, '='))
            p->at++;
        dml(p, true);
        return;
    }
    if (take(p, "BINLOG")) { /* rows by hand, which are logged as rows */
        return;
    }
    if (is_one_of(peek(p, 0), plain_dml, COUNT(plain_dml))) {
        if (take_two(p, "LOAD", "INDEX"))
            return;
        dml(p, false);
    } else if (is_one_of(peek(p, 0), opaque_dml, COUNT(opaque_dml)) || my_token_is_mark(peek(p, 0), '(')) {
        dml(p, true);
    } else if (take(p, "TRUNCATE")) {
        truncate_table(p);
    } else if (take(p, "RENAME")) {
        if (take(p, "TABLE") || take(p, "TABLES"))
            rename_tables(p);
        else if (!take(p, "USER"))
            out->kind = MY_STATEMENT_UNKNOWN;
    } else if (take(p, "CREATE")) {
        object(p, "CREATE");
    } else if (take(p, "ALTER")) {
        object(p, "ALTER");
    } else if (take(p, "DROP")) {
        if (!take(p, "PREPARE"))
            object(p, "DROP");
    } else if (!is_one_of(peek(p, 0), harmless_words, COUNT(harmless_words))) {
        out->kind = MY_STATEMENT_UNKNOWN;
    }
}

/* The first two words, in upper case; digits and quoted things are none of it. */
static const char *verb_of(struct parse *p)
{
    enum { LONGEST = 24 };
    struct buf verb = {0};
    for (size_t i = 0; i < 2; i++) {
        const struct my_token *t = peek(p, i);
        if (t->kind != MY_TOKEN_WORD || t->len > LONGEST || !isalpha((unsigned char)*t->text))
            break;
        if (i)
            buf_char(&verb, ' ');
        for (size_t j = 0; j < t->len; j++)
            buf_char(&verb, (char)((t->text[j] & 0x80) ? '?' : toupper((unsigned char)t->text[j])));
        /* The word behind these may be a name. */
        if (!my_token_is(t, "CREATE") && !my_token_is(t, "ALTER") && !my_token_is(t, "DROP") &&
            !my_token_is(t, "RENAME") && !my_token_is(t, "XA") && !my_token_is(t, "LOAD") &&
            !my_token_is(t, "INSERT") && !my_token_is(t, "DELETE"))
            break;
    }
    const char *text = arena_copy(p->arena, buf_cstr(&verb), verb.len);
    buf_fini(&verb);
    return text;
}

void my_statement_read(struct arena *arena, const struct my_query_event *query, struct my_statement *out)
{
    *out = (struct my_statement){.kind = MY_STATEMENT_HARMLESS,
                                 .verb = "",
                                 .name = "",
                                 .schema = query->schema,
                                 .utf8_names = my_charset_is_utf8(query->charset)};
    if (query->len > MAX_TEXT) {
        out->kind = MY_STATEMENT_UNKNOWN;
        return;
    }
    struct parse p = {.arena = arena,
                      .tokens = my_tokenize(arena, query->text, query->len, query->sql_mode, query->charset),
                      .out = out};
    out->verb = verb_of(&p);
    if (p.tokens.bad) {
        out->kind = MY_STATEMENT_UNKNOWN;
    } else if (query->load) {
        dml(&p, false);
    } else if (p.tokens.count > 0) {
        statement(&p);
        if (p.tokens.uncertain && out->kind != MY_STATEMENT_DML) {
            /* What is in the comment may count or not: each name may be a table's. */
            if (out->kind == MY_STATEMENT_TRUNCATE)
                ddl(&p);
            if (out->kind == MY_STATEMENT_DDL)
                all_names(&p);
            else if (out->kind != MY_STATEMENT_HARMLESS)
                out->kind = MY_STATEMENT_UNKNOWN;
        } else if (out->kind == MY_STATEMENT_DDL && out->ntables == 1 && out->tables[0].name && !out->opaque) {
            my_statement_alters(arena, &p.tokens, out);
        }
    }
    my_tokens_fini(&p.tokens);
}
