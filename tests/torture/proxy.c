#include "torture/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { PAIRS_MOST = 64, CHUNK = 65536, TICK_MS = 20 };

/* What one side has sent and the other has not taken yet. */
struct direction {
    char data[CHUNK];
    size_t from, to;
    bool ended; /* nothing more comes */
};

/* A connection: [0] with the program, [1] with the server. */
struct pair {
    int fd[2];
    struct direction sent_by[2];
    bool half;
};

struct proxy {
    pthread_t thread;
    int listener, port, server_port;
    atomic_bool stopping, reset, half;
    atomic_llong dark_until_us;
    struct pair *pairs[PAIRS_MOST];
    int count;
};

static struct sockaddr_in address_of(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* With a reset, not an orderly end. */
static void cut(int fd)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

static void drop(struct proxy *p, int i)
{
    cut(p->pairs[i]->fd[0]);
    cut(p->pairs[i]->fd[1]);
    mem_free(p->pairs[i]);
    p->pairs[i] = p->pairs[--p->count];
}

static void take_connection(struct proxy *p)
{
    int one = 1, client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0)
        return;
    struct sockaddr_in to = address_of(p->server_port);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0 || p->count == PAIRS_MOST || connect(server, (struct sockaddr *)&to, sizeof(to)) != 0) {
        cut(client);
        if (server >= 0)
            close(server);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct pair *pair = mem_alloc(sizeof(*pair));
    pair->fd[0] = client;
    pair->fd[1] = server;
    p->pairs[p->count++] = pair;
}

/* False: the connection is over. */
static bool take_bytes(struct pair *pair, int side)
{
    struct direction *d = &pair->sent_by[side];
    ssize_t n = recv(pair->fd[side], d->data, CHUNK, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    d->from = 0;
    d->to = (size_t)n;
    d->ended = n == 0;
    if (pair->half && n > 0) {
        ssize_t sent = send(pair->fd[!side], d->data, (size_t)(n + 1) / 2, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent;
        clock_sleep_ms(TICK_MS / 4); /* it arrives before the reset */
        return false;
    }
    if (d->ended)
        shutdown(pair->fd[!side], SHUT_WR);
    return !(pair->sent_by[0].ended && pair->sent_by[1].ended);
}

static bool pass_bytes(struct pair *pair, int side)
{
    struct direction *d = &pair->sent_by[side];
    ssize_t n = send(pair->fd[!side], d->data + d->from, d->to - d->from, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    d->from += (size_t)n;
    return true;
}

static short wanted(const struct pair *pair, int side)
{
    const struct direction *in = &pair->sent_by[side], *out = &pair->sent_by[!side];
    return (short)((in->from == in->to && !in->ended ? POLLIN : 0) | (out->from < out->to ? POLLOUT : 0));
}

static bool serve(struct pair *pair, const struct pollfd *fds)
{
    for (int side = 0; side < 2; side++) {
        if ((fds[side].revents & POLLOUT) && !pass_bytes(pair, !side))
            return false;
        if ((fds[side].revents & (POLLIN | POLLHUP | POLLERR)) && (wanted(pair, side) & POLLIN) &&
            !take_bytes(pair, side))
            return false;
        if ((fds[side].revents & (POLLHUP | POLLERR)) && pair->sent_by[side].ended)
            return false;
    }
    return true;
}

static void pass_on(struct proxy *p)
{
    struct pollfd fds[1 + 2 * PAIRS_MOST];
    int count = p->count;
    fds[0] = (struct pollfd){.fd = p->listener, .events = POLLIN};
    for (int i = 0; i < count; i++)
        for (int side = 0; side < 2; side++)
            fds[1 + 2 * i + side] = (struct pollfd){.fd = p->pairs[i]->fd[side], .events = wanted(p->pairs[i], side)};
    if (poll(fds, (nfds_t)(1 + 2 * count), TICK_MS) <= 0)
        return;
    for (int i = count - 1; i >= 0; i--)
        if (!serve(p->pairs[i], &fds[1 + 2 * i]))
            drop(p, i);
    if (fds[0].revents & POLLIN)
        take_connection(p);
}

static void drop_all(struct proxy *p)
{
    while (p->count > 0)
        drop(p, p->count - 1);
}

static void *proxy_main(void *arg)
{
    struct proxy *p = arg;
    while (!atomic_load(&p->stopping)) {
        long long dark_us = atomic_load(&p->dark_until_us);
        if (dark_us && clock_us() < dark_us) {
            clock_sleep_ms(TICK_MS);
            continue;
        }
        if (dark_us || atomic_exchange(&p->reset, false)) {
            atomic_store(&p->dark_until_us, 0);
            drop_all(p);
        }
        if (atomic_exchange(&p->half, false))
            for (int i = 0; i < p->count; i++)
                p->pairs[i]->half = true;
        pass_on(p);
    }
    drop_all(p);
    return NULL;
}

struct proxy *proxy_start(int port)
{
    struct proxy *p = mem_alloc(sizeof(*p));
    struct sockaddr_in at = address_of(0);
    socklen_t size = sizeof(at);
    p->server_port = port;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (p->listener >= 0 && bind(p->listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
        listen(p->listener, PAIRS_MOST) == 0 && getsockname(p->listener, (struct sockaddr *)&at, &size) == 0 &&
        pthread_create(&p->thread, NULL, proxy_main, p) == 0) {
        p->port = ntohs(at.sin_port);
        return p;
    }
    if (p->listener >= 0)
        close(p->listener);
    mem_free(p);
    return NULL;
}

int proxy_port(const struct proxy *proxy)
{
    return proxy->port;
}

void proxy_stop(struct proxy *proxy)
{
    if (!proxy)
        return;
    atomic_store(&proxy->stopping, true);
    pthread_join(proxy->thread, NULL);
    close(proxy->listener);
    mem_free(proxy);
}

void proxy_reset(struct proxy *proxy)
{
    atomic_store(&proxy->reset, true);
}

void proxy_blackhole(struct proxy *proxy, int ms)
{
    atomic_store(&proxy->dark_until_us, clock_us() + ms * INT64_C(1000));
}

void proxy_half(struct proxy *proxy)
{
    atomic_store(&proxy->half, true);
}
