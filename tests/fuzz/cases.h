/* The ALTERs of the cases (tests/cases), each of which some server has run. */
#ifndef SC_TESTS_FUZZ_CASES_H
#define SC_TESTS_FUZZ_CASES_H

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static inline void cases_each_alter(const char *directory, void (*take)(const char *text))
{
    DIR *dir = opendir(directory);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[4096], text[8192];
        snprintf(path, sizeof(path), "%s/%s/alter", directory, e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!f)
            continue;
        text[fread(text, 1, sizeof(text) - 1, f)] = 0;
        fclose(f);
        take(text);
    }
    if (dir)
        closedir(dir);
}

#endif
