#include "applier/postgres/alter.h"

#include <pthread.h>
#include <string.h>

#include <pg_query.h>
#include <pg_query.pb-c.h>

#define PREFIX "ALTER TABLE seachange_table "
/* Longer than any ALTER a person or a tool writes; what is parsed grows with it. */
#define ALTER_BYTES_MOST (256u << 10)

static enum sc_result refuse_statement(const PgQuery__Node *node, struct sc_error *err)
{
    if (node->node_case == PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT)
        error_set(err, SC_REFUSE, "SET SCHEMA only changes the catalog and takes no time");
    else if (node->node_case == PG_QUERY__NODE__NODE_RENAME_STMT)
        error_set(err, SC_REFUSE, "RENAME TO only changes the catalog and takes no time");
    else
        return error_set(err, SC_REFUSE, "--alter must be what follows ALTER TABLE name, and nothing else");
    return error_hint(err, "Run it in psql; use SET lock_timeout before it.");
}

static enum sc_result check_statement(const PgQuery__Node *node, struct alter *out, struct sc_error *err)
{
    if (node->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
        out->count = (int)node->alter_table_stmt->n_cmds;
        return SC_OK;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_RENAME_STMT &&
        node->rename_stmt->rename_type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
        out->count = 1;
        return SC_OK;
    }
    return refuse_statement(node, err);
}

/* Where each command begins and ends in the text: commas that are in no parenthesis or bracket. Also finds USING at the
 * top of a command. */
struct piece {
    int start, end; /* bytes */
    int using_end;  /* just behind the first USING outside parentheses; 0: none */
};

static enum sc_result cut(const char *sql, struct alter *out, struct piece **pieces, int *count, struct sc_error *err)
{
    PgQueryScanResult scan = pg_query_scan(sql);
    *count = 0;
    *pieces = NULL;
    if (scan.error) {
        pg_query_free_scan_result(scan);
        return error_set(err, SC_REFUSE, "--alter cannot be split into words");
    }
    PgQuery__ScanResult *tokens = pg_query__scan_result__unpack(NULL, scan.pbuf.len, (const uint8_t *)scan.pbuf.data);
    int depth = 0;
    *pieces = arena_array(&out->arena, tokens->n_tokens + 1, sizeof(**pieces));
    struct piece *piece = *pieces;
    piece->start = (int)strlen(PREFIX);
    for (size_t i = 0; i < tokens->n_tokens; i++) {
        const PgQuery__ScanToken *t = tokens->tokens[i];
        if (t->start < (int)strlen(PREFIX) || t->token == PG_QUERY__TOKEN__SQL_COMMENT ||
            t->token == PG_QUERY__TOKEN__C_COMMENT)
            continue;
        if (t->token == PG_QUERY__TOKEN__ASCII_40 || t->token == PG_QUERY__TOKEN__ASCII_91)
            depth++;
        else if (t->token == PG_QUERY__TOKEN__ASCII_41 || t->token == PG_QUERY__TOKEN__ASCII_93)
            depth--;
        else if (t->token == PG_QUERY__TOKEN__USING) {
            out->has_using = true;
            if (depth == 0 && !piece->using_end)
                piece->using_end = t->end;
        } else if (t->token == PG_QUERY__TOKEN__ASCII_44 && depth == 0) {
            piece->end = t->start;
            piece++;
            piece->start = t->end;
        }
        if (t->token == PG_QUERY__TOKEN__ASCII_59 && depth == 0) {
            piece->end = t->start;
            break;
        }
        piece->end = t->end;
    }
    *count = (int)(piece - *pieces) + 1;
    pg_query__scan_result__free_unpacked(tokens, NULL);
    pg_query_free_scan_result(scan);
    return SC_OK;
}

static enum sc_result take_using(const char *sql, const PgQuery__AlterTableStmt *stmt, const struct piece *pieces,
                                 int npieces, struct alter *out, struct sc_error *err)
{
    out->using = arena_array(&out->arena, stmt->n_cmds + 1, sizeof(*out->using));
    for (size_t i = 0; i < stmt->n_cmds; i++) {
        const PgQuery__AlterTableCmd *cmd = stmt->cmds[i]->alter_table_cmd;
        if (cmd->subtype != PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType || !cmd->def ||
            cmd->def->node_case != PG_QUERY__NODE__NODE_COLUMN_DEF || !cmd->def->column_def->raw_default)
            continue;
        if (npieces != (int)stmt->n_cmds || !pieces[i].using_end)
            return error_set(err, SC_REFUSE, "the USING expression of column %s cannot be told apart in --alter",
                             cmd->name);
        struct alter_using *u = &out->using[out->nusing++];
        u->column = arena_strdup(&out->arena, cmd->name);
        u->expression =
            arena_copy(&out->arena, sql + pieces[i].using_end, (size_t)(pieces[i].end - pieces[i].using_end));
    }
    return SC_OK;
}

struct parse {
    const char *sql;
    struct alter *out;
    struct sc_error *err;
    enum sc_result result;
};

static void *parse(void *arg)
{
    struct parse *p = arg;
    struct piece *pieces = NULL;
    int npieces = 0;
    p->result = cut(p->sql, p->out, &pieces, &npieces, p->err);
    if (p->result != SC_OK)
        return NULL;
    PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(p->sql);
    if (!parsed.error) {
        PgQuery__ParseResult *tree =
            pg_query__parse_result__unpack(NULL, parsed.parse_tree.len, (const uint8_t *)parsed.parse_tree.data);
        p->out->parsed = true;
        if (tree->n_stmts != 1)
            p->result = error_set(p->err, SC_REFUSE, "--alter holds %zu statements; give one", tree->n_stmts);
        else
            p->result = check_statement(tree->stmts[0]->stmt, p->out, p->err);
        if (p->result == SC_OK && tree->stmts[0]->stmt->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT)
            p->result = take_using(p->sql, tree->stmts[0]->stmt->alter_table_stmt, pieces, npieces, p->out, p->err);
        pg_query__parse_result__free_unpacked(tree, NULL);
    }
    pg_query_free_protobuf_parse_result(parsed);
    return NULL;
}

/* The library packs and unpacks what it has parsed by recursion, two kilobytes or less for each level of "a + a + a",
 * and checks no depth. A long text gets a stack on which as many levels fit as it can have. */
enum { OWN_STACK_FROM = 2048, STACK_PER_BYTE = 4096, STACK_LEAST = 8 << 20 };

static void parse_with_room(struct parse *p)
{
    size_t len = strlen(p->sql);
    if (len < OWN_STACK_FROM) {
        parse(p);
        return;
    }
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_LEAST + len * STACK_PER_BYTE);
    int code = pthread_create(&thread, &attr, parse, p);
    pthread_attr_destroy(&attr);
    if (code == 0)
        pthread_join(thread, NULL);
    else
        p->result = error_set(p->err, SC_REFUSE, "--alter has %zu bytes, for which there is no memory: %s", len,
                              strerror(code));
}

enum sc_result alter_parse(const char *text, struct alter *out, struct sc_error *err)
{
    *out = (struct alter){0};
    if (!text || !text[strspn(text, " \t\r\n;")])
        return error_set(err, SC_REFUSE, "--alter is empty");
    if (strlen(text) > ALTER_BYTES_MOST)
        return error_set(err, SC_REFUSE, "--alter is longer than %u bytes", ALTER_BYTES_MOST);
    char *sql = mem_printf(PREFIX "%s", text);
    struct parse p = {.sql = sql, .out = out, .err = err};
    parse_with_room(&p);
    mem_free(sql);
    return p.result;
}

void alter_fini(struct alter *alter)
{
    arena_fini(&alter->arena);
    *alter = (struct alter){0};
}
