/* A network between the program and the server that can go bad: every connection of the program comes through here. */
#ifndef TORTURE_PROXY_H
#define TORTURE_PROXY_H

#include <stdbool.h>

struct proxy;

/* Listens on a port of 127.0.0.1 and passes everything on to `port` there, in a thread of its own. NULL: it cannot. */
struct proxy *proxy_start(int port);
int proxy_port(const struct proxy *proxy);
void proxy_stop(struct proxy *proxy); /* NULL is fine */

/* From any thread; each takes effect within some milliseconds. */
void proxy_reset(struct proxy *proxy); /* both sides of every connection get a reset */
/* Nothing is passed on, in neither direction, and nobody is told: for so long, then every connection is reset. */
void proxy_blackhole(struct proxy *proxy, int ms);
/* Of what comes next on each connection, from either side, half is passed on; then it is reset. */
void proxy_half(struct proxy *proxy);

#endif
