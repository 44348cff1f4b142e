/* Runs a fuzz target over files, without a fuzzer, so that every build can repeat a finding: replay_NAME FILE|DIRECTORY
 * ... */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"

static size_t count;

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    struct buf b = {0};
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
        buf_bytes(&b, piece, n);
    fclose(f);
    LLVMFuzzerTestOneInput((const uint8_t *)buf_cstr(&b), b.len);
    buf_fini(&b);
    count++;
}

static void run_directory(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        perror(path);
        exit(1);
    }
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        char *file = mem_printf("%s/%s", path, e->d_name);
        run_file(file);
        mem_free(file);
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat s;
        if (stat(argv[i], &s) == 0 && S_ISDIR(s.st_mode))
            run_directory(argv[i]);
        else
            run_file(argv[i]);
    }
    printf("%zu inputs\n", count);
    return count ? 0 : 1;
}
