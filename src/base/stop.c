#include "base/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_bool requested;
static atomic_int event = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void wake(int fd)
{
    if (fd >= 0) {
        uint64_t one = 1;
        ssize_t n = write(fd, &one, sizeof(one));
        (void)n; /* full means that it is readable already */
    }
}

static void make_event(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        fprintf(stderr, "seachange: cannot create an eventfd: %s\n", strerror(errno));
        abort();
    }
    atomic_store(&event, fd);
    if (atomic_load(&requested)) /* asked for before there was anything to wake */
        wake(fd);
}

int stop_fd(void)
{
    pthread_once(&once, make_event);
    return atomic_load(&event);
}

bool stop_requested(void)
{
    return atomic_load(&requested);
}

void stop_request(void)
{
    int saved = errno;
    if (!atomic_exchange(&requested, true))
        wake(atomic_load(&event));
    errno = saved;
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    stop_request();
}

void stop_on_signals(void)
{
    stop_fd();
    struct sigaction stop = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&stop.sa_mask);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
}
