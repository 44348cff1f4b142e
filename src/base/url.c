#include "base/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* A secret's place in the text: url[from] up to, not including, url[to]. */
struct span {
    size_t from, to;
};

/* Calls back for each secret, in order of the text. */
typedef void (*on_secret)(void *arg, struct span secret);

size_t url_scheme_len(const char *url)
{
    size_t n = 0;
    if (!url || !isalpha((unsigned char)url[0]))
        return 0;
    while (isalnum((unsigned char)url[n]) || url[n] == '+' || url[n] == '-' || url[n] == '.')
        n++;
    return strncmp(url + n, "://", 3) == 0 ? n : 0;
}

static bool names_a_secret(const char *key)
{
    return strcasestr(key, "password") || strcasestr(key, "passwd") || strcasestr(key, "secret");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Where the user part user:password ends (its '@'), or NULL without one. libpq takes the first '@' that no '/'
 * precedes; a password in which someone forgot to write '/' or '@' as %2F or %40 is still a password, so the last '@'
 * before the parameters counts. */
static const char *user_part_end(const char *start)
{
    const char *end = NULL;
    for (const char *p = start; *p && *p != '?'; p++)
        if (*p == '@')
            end = p;
    if (end)
        return end;
    /* The same with a '?' before the '/': a parameter would have its '=' before the '@', a password has none. */
    const char *p = start + strcspn(start, "@/");
    if (*p == '@')
        return p;
    const char *question = strchr(start, '?'), *at = question ? strchr(question, '@') : NULL;
    return at && question < p && !memchr(question, '=', (size_t)(at - question)) ? at : NULL;
}

/* "?name=value&name=value" at p, or NULL. */
static void secrets_of_parameters(const char *url, const char *p, on_secret found, void *arg)
{
    while (p) {
        char key[128];
        size_t n = 0;
        for (p++; *p && *p != '=' && *p != '&'; p++) {
            char c = *p;
            if (c == '%' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
                c = (char)(hex_digit(p[1]) * 16 + hex_digit(p[2]));
                p += 2;
            }
            if (n < sizeof(key) - 1)
                key[n++] = c;
        }
        key[n] = 0;
        const char *next = strchr(p, '&');
        if (*p == '=' && names_a_secret(key)) {
            const char *to = next ? next : p + strlen(p);
            if (to > p + 1)
                found(arg, (struct span){(size_t)(p + 1 - url), (size_t)(to - url)});
        }
        p = next;
    }
}

/* `start`: behind the "://". Where a '?' stands before the '@', libpq still sees a user, and others see parameters:
 * whatever is a secret to one of them is one. */
static void secrets_of_url(const char *url, const char *start, on_secret found, void *arg)
{
    const char *end = user_part_end(start), *question = strchr(start, '?');
    if (end) {
        const char *colon = memchr(start, ':', (size_t)(end - start));
        if (colon && colon + 1 < end)
            found(arg, (struct span){(size_t)(colon + 1 - url), (size_t)(end - url)});
        secrets_of_parameters(url, strchr(end, '?'), found, arg);
    }
    if (question && (!end || question < end))
        secrets_of_parameters(url, question, found, arg);
}

/* keyword = value, values quoted with ' and escaped with \ (libpq, "Keyword/Value Connection Strings"). What does not
 * fit that form is passed over: the engine will refuse it. */
static void secrets_of_conninfo(const char *text, on_secret found, void *arg)
{
    const char *p = text;
    for (;;) {
        p += strspn(p, " \t\r\n\f\v");
        if (!*p)
            return;
        char key[128];
        size_t len = strcspn(p, "= \t\r\n\f\v"), n = len < sizeof(key) ? len : sizeof(key) - 1;
        memcpy(key, p, n);
        key[n] = 0;
        p += len;
        p += strspn(p, " \t\r\n\f\v");
        if (*p != '=')
            continue;
        p++;
        p += strspn(p, " \t\r\n\f\v");
        const char *from = p;
        if (*p == '\'') {
            for (p++; *p && *p != '\''; p++)
                if (*p == '\\' && p[1])
                    p++;
            if (*p == '\'')
                p++;
        } else {
            for (; *p && !isspace((unsigned char)*p); p++)
                if (*p == '\\' && p[1])
                    p++;
        }
        bool empty = p == from || (p == from + 2 && *from == '\'');
        if (!empty && names_a_secret(key))
            found(arg, (struct span){(size_t)(from - text), (size_t)(p - text)});
    }
}

/* Of each place where a secret begins: where the longest of them ends. */
struct ends {
    size_t *of; /* 0: none begins there */
};

static void collect(void *arg, struct span secret)
{
    struct ends *ends = arg;
    if (secret.to > ends->of[secret.from])
        ends->of[secret.from] = secret.to;
}

/* Wherever "://" stands a URL may stand: this is also asked of words that are something else, or nothing right. The
 * parameters behind the last one are those of each before it, too, and found as often. */
static void each_secret(const char *url, on_secret found, void *arg)
{
    size_t len = strlen(url);
    struct ends ends = {.of = mem_array(len + 1, sizeof(*ends.of))};
    if (url_scheme_len(url) == 0)
        secrets_of_conninfo(url, collect, &ends);
    for (const char *p = strstr(url, "://"); p; p = strstr(p + 3, "://"))
        secrets_of_url(url, p + 3, collect, &ends);
    for (size_t from = 0; from <= len; from++) {
        if (!ends.of[from])
            continue;
        struct span one = {from, ends.of[from]};
        for (; from <= one.to && from <= len; from++)
            one.to = ends.of[from] > one.to ? ends.of[from] : one.to;
        found(arg, one);
        from--;
    }
    mem_free(ends.of);
}

static void count_secret(void *arg, struct span secret)
{
    (void)secret;
    ++*(size_t *)arg;
}

bool url_has_password(const char *url)
{
    size_t count = 0;
    if (url)
        each_secret(url, count_secret, &count);
    return count > 0;
}

struct redaction {
    const char *url;
    size_t shown; /* copied up to here */
    struct buf out;
};

static void hide_secret(void *arg, struct span secret)
{
    struct redaction *r = arg;
    buf_bytes(&r->out, r->url + r->shown, secret.from - r->shown);
    buf_str(&r->out, "***");
    r->shown = secret.to;
}

char *url_redacted(const char *url)
{
    if (!url)
        return NULL;
    struct redaction r = {.url = url};
    each_secret(url, hide_secret, &r);
    buf_str(&r.out, url + r.shown);
    return buf_take(&r.out);
}
