/* A directory for the files of one process, removed when it ends. */
#ifndef SC_TESTS_FUZZ_SCRATCH_H
#define SC_TESTS_FUZZ_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_path[256];

static inline void scratch_remove(void)
{
    DIR *dir = opendir(scratch_path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/%s", scratch_path, e->d_name);
        unlink(path);
    }
    if (dir)
        closedir(dir);
    rmdir(scratch_path);
}

static inline const char *scratch_directory(void)
{
    if (!scratch_path[0]) {
        struct stat s;
        const char *memory = "/dev/shm", *given = getenv("TMPDIR");
        const char *where = stat(memory, &s) == 0 && access(memory, W_OK) == 0 ? memory : given ? given : "/tmp";
        snprintf(scratch_path, sizeof(scratch_path), "%s/seachange-fuzz-XXXXXX", where);
        if (!mkdtemp(scratch_path)) {
            perror(scratch_path);
            exit(1);
        }
        atexit(scratch_remove);
    }
    return scratch_path;
}

#endif
