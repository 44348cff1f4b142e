/* A connection whose bytes pass by here from now on: it can break between two statements for the client alone, while
 * the server's side stays open and gets what was sent late, or never. */
#ifndef SC_TESTS_INTEGRATION_WIRE_H
#define SC_TESTS_INTEGRATION_WIRE_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

struct wire {
    /* What becomes of the first thing that the client sends. */
    bool cut;               /* the client finds the connection broken */
    int late_ms;            /* the server gets it so much later; -1: never */
    void (*before)(void *); /* called before anything happens; may be NULL */
    void *arg;

    int client, server;
    atomic_bool ended;
    pthread_t thread;
};

static inline bool wire_pass(int from, int to)
{
    char bytes[65536];
    ssize_t got = read(from, bytes, sizeof(bytes));
    for (ssize_t at = 0; at < got;) {
        ssize_t put = write(to, bytes + at, (size_t)(got - at));
        if (put <= 0)
            return false;
        at += put;
    }
    return got > 0;
}

static inline void wire_first(struct wire *w)
{
    if (w->before)
        w->before(w->arg);
    int64_t until = clock_us() + (int64_t)w->late_ms * 1000;
    if (w->cut)
        shutdown(w->client, SHUT_WR); /* the other end reads that it is over; what it has sent is here */
    while (!atomic_load(&w->ended) && (w->late_ms < 0 || clock_us() < until))
        clock_sleep_ms(5);
    if (w->late_ms >= 0 && !atomic_load(&w->ended))
        wire_pass(w->client, w->server);
}

static inline void *wire_run(void *arg)
{
    struct wire *w = arg;
    bool first = true, open = true;
    while (open && !atomic_load(&w->ended)) {
        struct pollfd p[] = {{.fd = w->client, .events = first || !w->cut ? POLLIN : 0},
                             {.fd = w->server, .events = POLLIN}};
        if (poll(p, 2, 20) <= 0)
            continue;
        if ((p[0].revents & POLLIN) && first) {
            first = false;
            wire_first(w);
        } else if (p[0].revents & POLLIN) {
            open = wire_pass(w->client, w->server);
        }
        if (p[1].revents & (POLLIN | POLLHUP))
            open = wire_pass(w->server, w->client) && open;
        if (!first && w->cut)
            clock_sleep_ms(5);
    }
    while (!atomic_load(&w->ended))
        clock_sleep_ms(5);
    return NULL;
}

static inline void wire_start(struct wire *w, int fd)
{
    int ends[2];
    w->server = dup(fd);
    if (w->server < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 ||
        fcntl(ends[0], F_SETFL, fcntl(fd, F_GETFL)) != 0 || dup2(ends[0], fd) < 0)
        abort();
    fcntl(w->server, F_SETFL, fcntl(w->server, F_GETFL) & ~O_NONBLOCK);
    close(ends[0]);
    w->client = ends[1];
    atomic_init(&w->ended, false);
    if (pthread_create(&w->thread, NULL, wire_run, w) != 0)
        abort();
}

static inline void wire_end(struct wire *w)
{
    atomic_store(&w->ended, true);
    pthread_join(w->thread, NULL);
    close(w->client);
    close(w->server);
}

#endif
