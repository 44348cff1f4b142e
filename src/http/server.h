/* What is asked by HTTP, of this process alone (libmicrohttpd, in a thread of its own):
 *
 *   GET /healthz  200 as long as the process answers: a statement may take hours, and is no reason to end it
 *   GET /readyz   200 while it is connected and what it does is under way; else 503
 *   GET /metrics  for Prometheus
 *   GET /status   one JSON object
 *
 * Nothing can be changed by it, nothing that it shows is a row's value or a password. */
#ifndef SC_HTTP_SERVER_H
#define SC_HTTP_SERVER_H

#include <stdint.h>

#include "base/error.h"

struct http_server;

/* Where to listen: "PORT" and ":PORT" (loopback only), "ADDRESS:PORT", "[ADDRESS]:PORT"; addresses are numbers, not
 * names. Port 0: one that is free. */
struct http_address {
    char host[64];
    uint16_t port;
};
/* SC_REFUSE: it is none of these. */
enum sc_result http_address_parse(const char *text, struct http_address *out, struct sc_error *err);

/* Begins to answer. `version` is the program's. SC_REFUSE: the address cannot be had. */
enum sc_result http_start(const struct http_address *address, const char *version, struct http_server **out,
                          struct sc_error *err);
uint16_t http_port(const struct http_server *server);
/* Ends what is being answered within seconds. NULL is fine. */
void http_stop(struct http_server *server);

#endif
