#include "base/failpoint.h"

#ifdef SEACHANGE_FAILPOINTS

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define EXIT_WRONG_USAGE 2
#define ORDERS_MOST 64
#define SLEEP_MOST_MS 86400000
#define SOCKETS_MOST 64 /* as many bits as an argument has */

static const struct {
    const char *name;
    bool fails;
} points[] = {
#define FAILPOINT_STEP(name, servers, text) [FAILPOINT_STEP_##name] = {#name, true},
#define FAILPOINT_PLACE(name, servers, text) [FAILPOINT_PLACE_##name] = {#name, false},
#include "base/failpoints.def"
#undef FAILPOINT_STEP
#undef FAILPOINT_PLACE
};

static const struct {
    const char *name;
    uint64_t most; /* of the argument; 0: takes none */
    bool optional;
} actions[] = {
    [FAILPOINT_KILL] = {"kill", 0, true},          [FAILPOINT_TERM] = {"term", 0, true},
    [FAILPOINT_STOP] = {"stop", 0, true},          [FAILPOINT_SLEEP] = {"sleep", SLEEP_MOST_MS, false},
    [FAILPOINT_RETRY] = {"retry", 0, true},        [FAILPOINT_FAIL] = {"fail", 0, true},
    [FAILPOINT_DROP] = {"drop", UINT64_MAX, true},
};

const char *failpoint_name(enum failpoint point)
{
    return points[point].name;
}

/* --- what the environment says
 * ------------------------------------------------------------------------------------- */

/* The length of the name at the beginning of the text. */
static size_t name_length(const char *text)
{
    size_t n = 0;
    while (islower((unsigned char)text[n]) || isdigit((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

static bool is_name(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

/* A positive number: decimal, or hexadecimal behind 0x. NULL: there is none, or it is larger than `most`. */
static const char *read_number(const char *text, uint64_t most, uint64_t *out)
{
    char *end = NULL;
    if (!isdigit((unsigned char)*text))
        return NULL;
    errno = 0;
    *out = strtoull(text, &end, text[0] == '0' && text[1] == 'x' ? 16 : 10);
    return errno || *out == 0 || *out > most ? NULL : end;
}

/* One order, and where it ends; NULL: it is malformed. */
static const char *read_order(const char *text, struct failpoint_order *order, struct sc_error *err)
{
    size_t len = name_length(text), point = 0, action = 0;
    while (point < FAILPOINT_COUNT && !is_name(points[point].name, text, len))
        point++;
    if (point == FAILPOINT_COUNT || text[len] != '=') {
        error_set(err, SC_REFUSE,
                  point == FAILPOINT_COUNT ? "there is no failpoint \"%.*s\"" : "no action for \"%.*s\"",
                  len ? (int)len : (int)strcspn(text, "=;"), text);
        return NULL;
    }
    text += len + 1;
    len = name_length(text);
    while (action < sizeof(actions) / sizeof(actions[0]) && !is_name(actions[action].name, text, len))
        action++;
    if (action == sizeof(actions) / sizeof(actions[0])) {
        error_set(err, SC_REFUSE,
                  "%s: there is no action \"%.*s\"; kill, term, stop, sleep:MS, retry, fail, drop[:MASK]",
                  points[point].name, (int)strcspn(text, ":@;"), text);
        return NULL;
    }
    *order =
        (struct failpoint_order){.point = (enum failpoint)point, .action = (enum failpoint_action)action, .nth = 1};
    if ((order->action == FAILPOINT_RETRY || order->action == FAILPOINT_FAIL) && !points[point].fails) {
        error_set(err, SC_REFUSE, "%s: nothing can fail there", points[point].name);
        return NULL;
    }
    text += len;
    if (*text == ':' && actions[action].most)
        text = read_number(text + 1, actions[action].most, &order->argument);
    else if (!actions[action].optional)
        text = NULL;
    if (text && *text == '@')
        text = read_number(text + 1, UINT32_MAX, &order->nth);
    if (!text || (*text && *text != ';')) {
        error_set(err, SC_REFUSE, "%s=%s: argument and time are numbers from 1, as in sleep:100@2", points[point].name,
                  actions[action].name);
        return NULL;
    }
    return text;
}

enum sc_result failpoints_parse(const char *text, struct failpoint_order *orders, size_t most, size_t *count,
                                struct sc_error *err)
{
    *count = 0;
    if (!*text)
        return SC_OK;
    for (;;) {
        if (*count == most)
            return error_set(err, SC_REFUSE, "more than %zu failpoints", most);
        if (!(text = read_order(text, &orders[*count], err)))
            return SC_REFUSE;
        ++*count;
        if (!*text)
            return SC_OK;
        text++;
    }
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct failpoint_order orders[ORDERS_MOST];
static size_t order_count;
static const char *hits_file; /* the environment's; nothing of the program changes that */
static atomic_uint_fast64_t hits[FAILPOINT_COUNT];

static void wrong(const char *variable, const char *why)
{
    fprintf(stderr, "seachange: %s: %s\n", variable, why);
    _exit(EXIT_WRONG_USAGE);
}

static void load(void)
{
    struct sc_error err;
    const char *text = getenv("SEACHANGE_FAILPOINT");
    if (text && failpoints_parse(text, orders, ORDERS_MOST, &order_count, &err) != SC_OK)
        wrong("SEACHANGE_FAILPOINT", err.what);
    hits_file = getenv("SEACHANGE_FAILPOINT_HITS");
    if (hits_file && !*hits_file)
        hits_file = NULL;
}

void failpoints_load(void)
{
    pthread_once(&once, load);
}

/* --- what happens
 * -------------------------------------------------------------------------------------------------- */

/* One write each, so that lines of several threads and processes stay whole. */
static void tell_hit(enum failpoint point)
{
    char line[128];
    int len = snprintf(line, sizeof(line), "%s\n", points[point].name);
    int fd = open(hits_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, line, (size_t)len) != len)
        wrong("SEACHANGE_FAILPOINT_HITS", strerror(errno));
    close(fd);
}

static bool is_connected(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);
    int type = 0;
    socklen_t type_len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM &&
           getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Both directions: whoever uses the connection finds it closed. Standard input and output may be sockets of others. */
static void drop_connections(uint64_t mask)
{
    int fds[SOCKETS_MOST];
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        wrong("SEACHANGE_FAILPOINT", "drop needs /proc/self/fd");
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (fd > STDERR_FILENO && count < SOCKETS_MOST && is_connected(fd))
            fds[count++] = fd;
    }
    closedir(dir);
    qsort(fds, count, sizeof(fds[0]), by_number);
    for (size_t i = 0; i < count; i++)
        if (mask == 0 || mask >> i & 1)
            shutdown(fds[i], SHUT_RDWR);
}

static enum sc_result act(const struct failpoint_order *order, struct sc_error *err)
{
    const char *name = points[order->point].name;
    log_info("failpoint %s: %s", name, actions[order->action].name);
    switch (order->action) {
    case FAILPOINT_KILL:
        raise(SIGKILL);
        break;
    case FAILPOINT_TERM:
        kill(getpid(), SIGTERM); /* some threads do not take it */
        break;
    case FAILPOINT_STOP:
        raise(SIGSTOP);
        break;
    case FAILPOINT_SLEEP:
        clock_sleep_ms((int64_t)order->argument);
        break;
    case FAILPOINT_RETRY:
        return error_set(err, SC_RETRY, "failpoint %s: as if the connection were lost", name);
    case FAILPOINT_FAIL:
        return error_set(err, SC_FAIL, "failpoint %s: as if this could not be done", name);
    case FAILPOINT_DROP:
        drop_connections(order->argument);
        break;
    }
    return SC_OK;
}

enum sc_result failpoint_hit(enum failpoint point, struct sc_error *err)
{
    failpoints_load();
    uint64_t time = atomic_fetch_add(&hits[point], 1) + 1; /* each number is one thread's, so each order acts once */
    if (time == 1 && hits_file)
        tell_hit(point);
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < order_count && result == SC_OK; i++)
        if (orders[i].point == point && orders[i].nth == time)
            result = act(&orders[i], err);
    return result;
}

#endif
