#include "torture/stream.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "torture/topic.h"

/* Faults that happen at a time do so within the first seconds. */
enum { RUNS_MS = 7000, LOOK_MS = 700 };

void stream_heard(struct program *p, const char *line)
{
    if (p->reading_us == 0 && strstr(line, ": reading the log\""))
        p->reading_us = clock_us();
}

static bool faults_to_come(const struct program *p)
{
    for (int i = 0; i < p->fault_count; i++)
        if (!p->faults[i].point && !p->faults[i].happened)
            return true;
    return false;
}

/* What was asked of Kafka is over before anything is expected of it. */
static void begin_draining(struct program *p)
{
    char trail[40];
    clients_stop(p->world);
    p->stream = STREAM_DRAINS;
    if (p->broker) {
        struct buf command = {0};
        buf_printf(&command, "%s well", p->broker);
        if (system(buf_cstr(&command)) != 0)
            world_error(p->world, "Kafka cannot be made well again");
        buf_fini(&command);
    }
    clients_last(p->world, trail);
    snprintf(p->last, sizeof(p->last), "\"%s\"", trail);
}

void stream_step(struct program *p, pid_t pid)
{
    int64_t now = clock_us();
    if (p->stream == STREAM_RUNS && p->reading_us && now - p->reading_us > RUNS_MS * INT64_C(1000) &&
        !faults_to_come(p)) {
        begin_draining(p);
    } else if (p->stream == STREAM_DRAINS && now - p->looked_us > LOOK_MS * INT64_C(1000)) {
        if (topic_has(p->world, p->brokers, p->topic, p->last)) {
            p->stream = STREAM_ENDS;
            kill(pid, SIGTERM);
        }
        p->looked_us = clock_us();
    }
}

bool stream_was_told(const struct program *p)
{
    for (int i = 0; i < p->fault_count; i++)
        if (p->faults[i].kind == FAULT_TERM)
            return true;
    return p->stream == STREAM_ENDS;
}

bool stream_remove(const struct program *p)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        const char *arguments[] = {p->path, "audit", "remove", "--source", p->url, NULL};
        char path[4096];
        snprintf(path, sizeof(path), "%s/removed", p->work);
        if (!freopen(path, "w", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
            _exit(126);
        execv(p->path, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    bool fine = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!fine)
        world_error(p->world, "C8: the stream cannot be removed (status %d): %s/removed", status, p->work);
    return fine;
}
