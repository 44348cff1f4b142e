/* What may be said of a server's message, and what it means. */
#include <string.h>

#include "base/postgres/conn.h"

/* Quotation marks of the languages the server speaks. */
static const char *const quotes[] = {"\"",     "\u00bb", "\u00ab", "\u201e", "\u201c", "\u201d", "'",
                                     "\u2018", "\u2019", "\u300c", "\u300d", "\u300a", "\u300b"};

static const char *next_quote(const char *from, size_t *len)
{
    for (const char *p = from; *p; p++)
        for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
            if (strncmp(p, quotes[i], strlen(quotes[i])) == 0) {
                *len = strlen(quotes[i]);
                return p;
            }
    return NULL;
}

/* From the first quotation mark to the last: the value may hold some itself. One that is never closed was cut off. */
static void mask_quoted(char *text)
{
    size_t len, last_len;
    const char *first = next_quote(text, &len);
    if (!first)
        return;
    char *inside = text + (first - text) + len;
    const char *last = NULL;
    for (const char *p = inside; (p = next_quote(p, &last_len)); p += last_len)
        last = p;
    if (last && last == inside)
        return;
    *inside++ = '*';
    if (last)
        memmove(inside, last, strlen(last) + 1);
    else
        *inside = 0;
}

void pg_mask_values(char *message, const char *sqlstate)
{
    if (strncmp(sqlstate, "22", 2) != 0)
        return;
    mask_quoted(message);
    /* invalid byte sequence for encoding "*": 0xe4 0x62 */
    char *bytes = strstr(message, "0x");
    if (bytes)
        memcpy(bytes, "*", 2);
}

void pg_mask_url(char *message)
{
    if (strchr(message, '@') || strstr(message, "conninfo") || strstr(message, "connection info string") ||
        strstr(message, "connection option") || strstr(message, "URI") || strstr(message, "port number") ||
        strstr(message, "percent"))
        mask_quoted(message);
}

enum sc_result pg_classify_connect(const char *message)
{
    static const char *const refusals[] = {
        "authentication failed",
        "no pg_hba.conf entry",
        "pg_hba.conf rejects",
        "does not exist",
        "not permitted to log in",
        "not currently accepting connections",
        "permission denied for database",
        "must be superuser",
        "must have the REPLICATION",
        "permission denied to start WAL sender",
        "no password supplied",
        "invalid connection option",
        "invalid URI",
        "invalid percent-encoded",
        "missing \"=\"",
        "invalid port number",
        "invalid integer value",
        "invalid sslmode value",
        "unterminated quoted string",
        "unexpected character",
        "extra key/value separator",
        "missing key/value separator",
        "certificate verify failed",
        "does not support SSL",
        "does not match host name",
    };
    /* The server has no room now, whatever name it has none for. */
    if (strstr(message, "too many connections") || strstr(message, "max_wal_senders"))
        return SC_RETRY;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (strstr(message, refusals[i]))
            return SC_REFUSE;
    return SC_RETRY;
}

bool pg_is_write_failure(const char *message)
{
    static const char *const texts[] = {
        "server closed the connection unexpectedly",
        "could not send data to server",
        "connection not open",
        "SSL connection has been closed unexpectedly",
        "SSL SYSCALL error",
        "SSL error",
        "GSSAPI",
    };
    for (size_t i = 0; message && i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strstr(message, texts[i]))
            return true;
    return false;
}
