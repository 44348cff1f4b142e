#include "base/mysql/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/url.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL: a % that no two hexadecimal digits follow, or an encoded NUL. */
static char *decoded(const char *text, size_t len)
{
    char *out = mem_alloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1, low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                mem_free(out);
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[n++] = c;
    }
    return out;
}

static enum sc_result set(char **field, const char *text, size_t len, const char *what, struct sc_error *err)
{
    char *value = decoded(text, len);
    if (!value) {
        error_set(err, SC_REFUSE, "the URL's %s has a %% that is not followed by two hexadecimal digits", what);
        return error_hint(err, "Write %% as %%25.");
    }
    mem_free(*field);
    *field = NULL;
    if (value[0])
        *field = value;
    else
        mem_free(value);
    return SC_OK;
}

static bool number(const char *text, size_t len, unsigned long most, unsigned *out)
{
    unsigned long n = 0;
    if (len == 0 || len > 9)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        n = n * 10 + (unsigned long)(text[i] - '0');
    }
    *out = (unsigned)n;
    return n > 0 && n <= most;
}

static enum sc_result parse_tls(const char *mode, enum my_tls *out, struct sc_error *err)
{
    static const char *const names[] = {"DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (mode && strcasecmp(mode, names[i]) == 0) {
            *out = (enum my_tls)i;
            return SC_OK;
        }
    return error_set(err, SC_REFUSE,
                     "the URL's ssl-mode must be one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY");
}

static enum sc_result parse_parameter(struct my_url *url, const char *key, const char *text, size_t len, bool *tls_told,
                                      struct sc_error *err)
{
    const struct {
        const char *key;
        char **field;
    } texts[] = {
        {"user", &url->user},       {"password", &url->password},
        {"socket", &url->socket},   {"defaults-file", &url->defaults_file},
        {"ssl-ca", &url->tls_ca},   {"ssl-cert", &url->tls_cert},
        {"ssl-key", &url->tls_key},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(key, texts[i].key) == 0)
            return set(texts[i].field, text, len, key, err);
    if (strcmp(key, "connect-timeout") == 0) {
        if (!number(text, len, 3600, &url->connect_timeout_s))
            return error_set(err, SC_REFUSE, "the URL's connect-timeout must be a number of seconds from 1 to 3600");
        return SC_OK;
    }
    char *value = NULL;
    enum sc_result result = set(&value, text, len, key, err);
    if (result == SC_OK && strcmp(key, "ssl-mode") == 0) {
        result = parse_tls(value, &url->tls, err);
        *tls_told = true;
    } else if (result == SC_OK && strcmp(key, "get-server-public-key") == 0) {
        url->get_server_public_key = value && (strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0);
    } else if (result == SC_OK) {
        result = error_set(err, SC_REFUSE, "the URL has an unknown parameter \"%s\"", key);
        error_hint(err, "Known are user, password, socket, defaults-file, connect-timeout, ssl-mode, ssl-ca, ssl-cert, "
                        "ssl-key and get-server-public-key.");
    }
    mem_free(value);
    return result;
}

static enum sc_result parse_parameters(struct my_url *url, const char *p, struct sc_error *err)
{
    bool tls_told = false;
    while (*p) {
        size_t len = strcspn(p, "&"), key_len = strcspn(p, "=&");
        char key[32] = "";
        if (key_len >= sizeof(key) || key_len == 0 || key_len == len)
            return error_set(err, SC_REFUSE, "a parameter of the URL is not of the form name=value");
        for (size_t i = 0; i < key_len; i++)
            key[i] = p[i] == '_' ? '-' : (char)tolower((unsigned char)p[i]);
        enum sc_result result = parse_parameter(url, key, p + key_len + 1, len - key_len - 1, &tls_told, err);
        if (result != SC_OK)
            return result;
        p += len;
        p += *p == '&';
    }
    /* Who names a certificate authority wants it to be asked. */
    if (url->tls_ca && !tls_told)
        url->tls = MY_TLS_VERIFY_CA;
    return SC_OK;
}

static enum sc_result parse_host(struct my_url *url, const char *from, const char *end, struct sc_error *err)
{
    const char *host_end = end, *port = NULL;
    if (from < end && *from == '[') {
        const char *close = memchr(from, ']', (size_t)(end - from));
        if (!close || (close + 1 < end && close[1] != ':'))
            return error_set(err, SC_REFUSE, "the URL's host begins with [ and is not an address in brackets");
        if (close + 1 < end)
            port = close + 2;
        from++;
        host_end = close;
    } else {
        const char *colon = memchr(from, ':', (size_t)(end - from));
        if (colon) {
            host_end = colon;
            port = colon + 1;
        }
    }
    if (port && !number(port, (size_t)(end - port), 65535, &url->port))
        return error_set(err, SC_REFUSE, "the URL's port must be a number from 1 to 65535");
    return set(&url->host, from, (size_t)(host_end - from), "host", err);
}

static enum sc_result parse_user(struct my_url *url, const char *from, const char *end, struct sc_error *err)
{
    const char *colon = memchr(from, ':', (size_t)(end - from));
    enum sc_result result = set(&url->user, from, (size_t)((colon ? colon : end) - from), "user", err);
    if (result == SC_OK && colon)
        result = set(&url->password, colon + 1, (size_t)(end - colon - 1), "password", err);
    return result;
}

enum sc_result my_url_parse(const char *text, struct my_url *out, struct sc_error *err)
{
    *out = (struct my_url){.tls = MY_TLS_PREFERRED};
    size_t scheme = url_scheme_len(text);
    if (scheme == 0)
        return error_set(err, SC_REFUSE, "not a URL of the form mysql://user@host:port/database");
    const char *p = text + scheme + 3;
    const char *parameters = p + strcspn(p, "?");
    /* As base/url.c: a password in which / or @ was not written as %2F or %40 is still a password. */
    const char *at = NULL;
    for (const char *c = p; c < parameters; c++)
        if (*c == '@')
            at = c;
    enum sc_result result = SC_OK;
    if (at) {
        result = parse_user(out, p, at, err);
        p = at + 1;
    }
    const char *slash = memchr(p, '/', (size_t)(parameters - p));
    if (result == SC_OK)
        result = parse_host(out, p, slash ? slash : parameters, err);
    if (result == SC_OK && slash)
        result = set(&out->database, slash + 1, (size_t)(parameters - slash - 1), "database", err);
    if (result == SC_OK && *parameters)
        result = parse_parameters(out, parameters + 1, err);
    return result;
}

void my_url_fini(struct my_url *url)
{
    char **const texts[] = {&url->user,          &url->password, &url->host,     &url->database, &url->socket,
                            &url->defaults_file, &url->tls_ca,   &url->tls_cert, &url->tls_key};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        mem_free(*texts[i]);
    *url = (struct my_url){0};
}
