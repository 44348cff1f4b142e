#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "status/status.h"

/* Few ask, and none of them holds a connection for long: who does is cut off. */
enum { CONNECTIONS = 32, CONNECTIONS_OF_ONE = 16, TIMEOUT_S = 10, MEMORY = 16 << 10 };

struct http_server {
    struct MHD_Daemon *daemon;
    const char *version;
    uint16_t port;
};

/* --- where
 * ---------------------------------------------------------------------------------------------------------------- */

static enum sc_result no_address(const char *text, struct sc_error *err)
{
    error_set(err, SC_REFUSE, "\"%.80s\" is no address to listen at", text);
    return error_hint(err, "PORT or :PORT is of this machine alone; others are ADDRESS:PORT, [ADDRESS]:PORT, with "
                           "numbers for the address: 0.0.0.0:9187 is all of IPv4.");
}

static bool read_port(const char *text, uint16_t *out)
{
    size_t digits = strspn(text, "0123456789");
    long port = digits > 0 && digits < 6 && !text[digits] ? strtol(text, NULL, 10) : -1;
    *out = (uint16_t)port;
    return port >= 0 && port <= UINT16_MAX;
}

static bool is_number(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(strchr(host, ':') ? AF_INET6 : AF_INET, host, bytes) == 1;
}

enum sc_result http_address_parse(const char *text, struct http_address *out, struct sc_error *err)
{
    const char *colon = strrchr(text, ':'), *host = text;
    size_t len = colon ? (size_t)(colon - text) : 0;
    bool bracketed = len > 0 && text[0] == '[';
    if (!read_port(colon ? colon + 1 : text, &out->port))
        return no_address(text, err);
    if (len == 0) {
        host = "127.0.0.1";
        len = strlen(host);
    } else if (bracketed && text[len - 1] == ']') {
        host++;
        len -= 2;
    } else if (memchr(text, ':', len)) {
        return no_address(text, err); /* which colon ends the address? */
    }
    if (len >= sizeof(out->host))
        return no_address(text, err);
    memcpy(out->host, host, len);
    out->host[len] = 0;
    return is_number(out->host) && bracketed == (strchr(out->host, ':') != NULL) ? SC_OK : no_address(text, err);
}

/* --- what
 * ----------------------------------------------------------------------------------------------------------------- */

struct answer {
    unsigned status;
    const char *type;
    struct buf body;
};

static void answer_to(const struct http_server *s, const char *path, struct answer *a)
{
    struct status status;
    int64_t age_ms;
    status_read(&status, &age_ms);
    a->status = MHD_HTTP_OK;
    a->type = "text/plain; charset=utf-8";
    if (strcmp(path, "/healthz") == 0) {
        buf_str(&a->body, "ok\n");
    } else if (strcmp(path, "/readyz") == 0) {
        if (!status.ready)
            a->status = MHD_HTTP_SERVICE_UNAVAILABLE;
        buf_str(&a->body, status.ready ? "ready\n" : "not ready\n");
    } else if (strcmp(path, "/metrics") == 0) {
        a->type = "text/plain; version=0.0.4; charset=utf-8";
        status_metrics(&a->body, &status, age_ms, s->version);
    } else if (strcmp(path, "/status") == 0) {
        a->type = "application/json";
        status_json(&a->body, &status, age_ms, s->version);
    } else {
        a->status = MHD_HTTP_NOT_FOUND;
        buf_str(&a->body, "there are /healthz, /readyz, /metrics and /status\n");
    }
}

/* --- the server
 * ----------------------------------------------------------------------------------------------------------- */

static enum MHD_Result give(struct MHD_Connection *connection, struct answer *a)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(a->body.len, a->body.data, MHD_RESPMEM_MUST_COPY);
    buf_fini(&a->body);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, a->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_len, void **state)
{
    (void)version, (void)upload;
    static int begun;
    /* Called with the headers first: answered there, a body would be taken for the next request. */
    if (*state != &begun || *upload_len > 0) {
        *state = &begun;
        *upload_len = 0;
        return MHD_YES;
    }
    struct answer a = {.type = "text/plain; charset=utf-8"};
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0) {
        answer_to(arg, url, &a);
    } else {
        a.status = MHD_HTTP_METHOD_NOT_ALLOWED;
        buf_str(&a.body, "this can only be read\n");
    }
    return give(connection, &a);
}

static void say(void *arg, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void say(void *arg, const char *format, va_list args)
{
    (void)arg;
    char text[300];
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = 0;
    log_debug("http: %s", text);
}

static socklen_t make_address(const struct http_address *from, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){0};
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    if (inet_pton(AF_INET6, from->host, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(from->port);
        return sizeof(*six);
    }
    inet_pton(AF_INET, from->host, &four->sin_addr);
    four->sin_family = AF_INET;
    four->sin_port = htons(from->port);
    return sizeof(*four);
}

enum sc_result http_start(const struct http_address *address, const char *version, struct http_server **out,
                          struct sc_error *err)
{
    struct sockaddr_storage at;
    make_address(address, &at);
    unsigned family = strcmp(address->host, "::") == 0 ? MHD_USE_DUAL_STACK
                      : at.ss_family == AF_INET6       ? MHD_USE_IPv6
                                                       : 0;
    struct http_server *s = mem_alloc(sizeof(*s));
    s->version = version;
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = 0;
    s->daemon =
        MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG | family, address->port, NULL, NULL, handle,
                         s, MHD_OPTION_EXTERNAL_LOGGER, say, NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                         (unsigned)CONNECTIONS_OF_ONE, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_END);
    int failed = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!s->daemon) {
        mem_free(s);
        error_set(err, SC_REFUSE, "cannot listen at %s, port %d: %s", address->host, address->port,
                  failed ? strerror(failed) : "no reason was given");
        return error_hint(err, "Nothing was touched. --http names another address, or none.");
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
    s->port = info ? info->port : address->port;
    *out = s;
    return SC_OK;
}

uint16_t http_port(const struct http_server *server)
{
    return server->port;
}

void http_stop(struct http_server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    mem_free(server);
}
