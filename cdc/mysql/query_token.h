/* Words of a statement's text, for cdc/mysql/query.c. */
#ifndef SC_CDC_MYSQL_QUERY_TOKEN_H
#define SC_CDC_MYSQL_QUERY_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

enum my_token_kind {
    MY_TOKEN_END,
    MY_TOKEN_WORD,   /* not quoted: a keyword, a name or a number */
    MY_TOKEN_QUOTED, /* a quoted name */
    MY_TOKEN_STRING,
    MY_TOKEN_MARK, /* any other character; `text` is that */
};

struct my_token {
    enum my_token_kind kind;
    const char *text; /* without quotes, not NUL-terminated; STRING: NULL */
    size_t len;
    const char *raw; /* as in the statement */
    size_t raw_len;
};

struct my_tokens {
    struct my_token *items; /* END behind the last, and at each place behind that; malloc'd */
    size_t count;
    bool bad;       /* a quote or comment without its end: items are of no use */
    bool uncertain; /* the text holds a versioned comment that this or that server reads in another way */
};

/* sql_mode and charset as in struct my_query_event. Texts point into `text`, or come from the arena. */
struct my_tokens my_tokenize(struct arena *arena, const char *text, size_t len, uint64_t sql_mode, uint16_t charset);
void my_tokens_fini(struct my_tokens *tokens);

bool my_token_is(const struct my_token *token, const char *word); /* an unquoted word; ignores case */
bool my_token_is_mark(const struct my_token *token, char mark);
bool my_token_is_name(const struct my_token *token);

/* Does the collation's character set encode names as this program has them? */
bool my_charset_is_utf8(uint16_t charset);

#endif
