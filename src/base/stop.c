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
#include <time.h>
#include <unistd.h>

#define AT_ONCE_MS 1000
#define EXIT_STOPPED 75 /* as after a first signal: EX_TEMPFAIL */

static atomic_bool requested;
static atomic_int event = -1;
static atomic_int_fast64_t signalled_ms; /* 0: not yet */
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

const atomic_bool *stop_flag(void)
{
    return &requested;
}

void stop_request(void)
{
    int saved = errno;
    if (!atomic_exchange(&requested, true))
        wake(atomic_load(&event));
    errno = saved;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A wrapper and the terminal may both hand on the same Ctrl-C: what comes at once is not a second wish. */
static void on_signal(int signal_number)
{
    (void)signal_number;
    int64_t now = now_ms(), first = 0;
    if (!atomic_compare_exchange_strong(&signalled_ms, &first, now) && now - first >= AT_ONCE_MS) {
        static const char text[] =
            "\nseachange: ended at once by a second signal; the same command goes on, `seachange "
            "abort` removes what was made\n";
        ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);
        (void)n;
        _exit(EXIT_STOPPED);
    }
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
