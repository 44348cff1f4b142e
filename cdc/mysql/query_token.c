#include "cdc/mysql/query_token.h"

#include <string.h>
#include <strings.h>

#include "cdc/mysql/query.h"

struct scan {
    struct arena *arena;
    const char *p, *end;
    bool ansi_quotes, escapes;
    uint16_t charset;
    int versioned; /* versioned comments that are open */
    struct my_tokens *out;
    size_t cap;
};

/* MariaDB numbers collations that do not pad 1024 above. */
static uint16_t plain(uint16_t charset)
{
    return charset >= 1024 && charset < 2048 ? (uint16_t)(charset - 1024) : charset;
}

bool my_charset_is_utf8(uint16_t charset)
{
    if (charset >= 2048) /* MariaDB's uca1400 collations: 2048 utf8mb3, 2304 utf8mb4, 256 each */
        return charset < 2560;
    uint16_t n = plain(charset);
    return n == 33 || n == 45 || n == 46 || n == 76 || n == 83 || (n >= 192 && n <= 247) || (n >= 255 && n <= 323) ||
           (n >= 576 && n <= 640);
}

/* Character sets of clients whose second bytes can look like ASCII: big5, sjis, gbk, cp932, gb18030. In them a byte
 * above 0x80 takes the next with it, which may be a backslash or a quote to who reads bytes. */
static size_t char_len(const struct scan *s)
{
    uint8_t c = (uint8_t)*s->p;
    if (c < 0x81 || s->end - s->p < 2)
        return 1;
    switch (plain(s->charset)) {
    case 13:
    case 88:
    case 95:
    case 96: /* one byte: half-width katakana */
        return c >= 0xa0 && c <= 0xdf ? 1 : 2;
    case 1:
    case 84:
    case 28:
    case 87:
    case 248:
    case 249:
    case 250:
        return 2;
    default:
        return 1;
    }
}

static void add(struct scan *s, enum my_token_kind kind, const char *text, size_t len, const char *raw)
{
    struct my_tokens *out = s->out;
    if (out->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 32;
        out->items = mem_resize(out->items, s->cap * sizeof(*out->items));
    }
    out->items[out->count++] = (struct my_token){kind, text, len, raw, (size_t)(s->p - raw)};
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           (c & 0x80);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool starts(const struct scan *s, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(s->end - s->p) >= len && memcmp(s->p, text, len) == 0;
}

static void word(struct scan *s)
{
    const char *start = s->p;
    while (s->p < s->end && is_word(*s->p))
        s->p += char_len(s);
    add(s, MY_TOKEN_WORD, start, (size_t)(s->p - start), start);
}

/* Quoted by the character at s->p. A doubled quote stands for one. */
static void quoted(struct scan *s, enum my_token_kind kind)
{
    const char *raw = s->p, quote = *s->p++, *start = s->p;
    size_t doubled = 0;
    for (;;) {
        if (s->p >= s->end) {
            s->out->bad = true;
            return;
        }
        if (*s->p == quote) {
            s->p++;
            if (s->p >= s->end || *s->p != quote)
                break;
            doubled++;
            s->p++;
        } else if (*s->p == '\\' && kind == MY_TOKEN_STRING && s->escapes) {
            s->p++;
            if (s->p < s->end)
                s->p += char_len(s);
        } else {
            s->p += char_len(s);
        }
    }
    size_t len = (size_t)(s->p - 1 - start);
    if (kind == MY_TOKEN_STRING) {
        add(s, kind, NULL, 0, raw);
        return;
    }
    if (doubled) {
        char *copy = arena_alloc(s->arena, len + 1);
        size_t n = 0;
        for (size_t i = 0; i < len; i++) {
            copy[n++] = start[i];
            if (start[i] == quote)
                i++;
        }
        start = copy;
        len = n;
    }
    add(s, kind, start, len, raw);
}

static void line_comment(struct scan *s)
{
    while (s->p < s->end && *s->p != '\n')
        s->p++;
}

/* Behind slash-star. Versions up to 5.6 and none at all are read as text by every server that is supported. */
static void comment(struct scan *s)
{
    enum { READ_BY_ALL = 50699 };
    bool versioned = starts(s, "/*!") || starts(s, "/*M!");
    if (!versioned) {
        for (s->p += 2; !starts(s, "*/"); s->p++) {
            if (s->p >= s->end) {
                s->out->bad = true;
                return;
            }
        }
        s->p += 2;
        return;
    }
    if (starts(s, "/*M!"))
        s->out->uncertain = true;
    s->p = memchr(s->p, '!', 4);
    s->p++;
    unsigned version = 0;
    for (int digits = 0; digits < 6 && s->p < s->end && *s->p >= '0' && *s->p <= '9'; digits++)
        version = version * 10 + (unsigned)(*s->p++ - '0');
    if (version > READ_BY_ALL)
        s->out->uncertain = true;
    s->versioned++;
}

static void next(struct scan *s)
{
    char c = *s->p;
    if (is_blank(c)) {
        s->p++;
    } else if (c == '#' || (starts(s, "--") && (s->end - s->p == 2 || (uint8_t)s->p[2] <= ' '))) {
        line_comment(s);
    } else if (starts(s, "/*")) {
        comment(s);
    } else if (s->versioned && starts(s, "*/")) {
        s->versioned--;
        s->p += 2;
    } else if (c == '\'' || (c == '"' && !s->ansi_quotes)) {
        quoted(s, MY_TOKEN_STRING);
    } else if (c == '`' || c == '"') {
        quoted(s, MY_TOKEN_QUOTED);
    } else if (is_word(c)) {
        word(s);
    } else {
        s->p++;
        add(s, MY_TOKEN_MARK, s->p - 1, 1, s->p - 1);
    }
}

struct my_tokens my_tokenize(struct arena *arena, const char *text, size_t len, uint64_t sql_mode, uint16_t charset)
{
    struct my_tokens out = {0};
    struct scan s = {.arena = arena,
                     .p = text,
                     .end = text + len,
                     .ansi_quotes = sql_mode & MY_SQL_MODE_ANSI_QUOTES,
                     .escapes = !(sql_mode & MY_SQL_MODE_NO_BACKSLASH_ESCAPES),
                     .charset = charset,
                     .out = &out};
    while (s.p < s.end && !out.bad)
        next(&s);
    if (s.versioned || s.p > s.end)
        out.bad = true;
    /* A few, so that looking ahead needs no counting. */
    enum { BEHIND = 4 };
    for (int i = 0; i < BEHIND; i++)
        add(&s, MY_TOKEN_END, "", 0, s.end);
    out.count -= BEHIND;
    return out;
}

void my_tokens_fini(struct my_tokens *tokens)
{
    mem_free(tokens->items);
    *tokens = (struct my_tokens){0};
}

bool my_token_is(const struct my_token *token, const char *word_wanted)
{
    return token->kind == MY_TOKEN_WORD && strlen(word_wanted) == token->len &&
           strncasecmp(token->text, word_wanted, token->len) == 0;
}

bool my_token_is_mark(const struct my_token *token, char mark)
{
    return token->kind == MY_TOKEN_MARK && *token->text == mark;
}

bool my_token_is_name(const struct my_token *token)
{
    return token->kind == MY_TOKEN_WORD || token->kind == MY_TOKEN_QUOTED;
}
