/* A directory for the files of one process, removed when it ends. */
#ifndef SC_TESTS_FUZZ_SCRATCH_H
#define SC_TESTS_FUZZ_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_path[256];

static inline void scratch_empty(const char *directory)
{
    DIR *dir = opendir(directory);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[1024];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, e->d_name);
        if (unlink(path) != 0)
            scratch_empty(path);
    }
    if (dir)
        closedir(dir);
    rmdir(directory);
}

static inline void scratch_remove(void)
{
    scratch_empty(scratch_path);
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
