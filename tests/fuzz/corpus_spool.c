/* First inputs for fuzz_spool: files as they are written, and steps of a queue. */
#include <fcntl.h>
#include <unistd.h>

#include "cdc/spool_segment.h"
#include "fuzz/corpus.h"
#include "fuzz/scratch.h"
#include "fuzz/spool.h"

/* A file of so many blocks. */
static void file(int blocks, size_t len)
{
    struct spool_files *files;
    struct segment *s;
    struct sc_error err;
    char *data = mem_alloc(len + 1), path[512];
    uint64_t stored;
    if (spool_files_open(scratch_directory(), 0, &files, &err) != SC_OK || segment_new(files, &s, &err) != SC_OK)
        exit(1);
    for (int i = 0; i < blocks; i++) {
        for (size_t k = 0; k < len; k++)
            data[k] = (char)(k * k / 64 + (size_t)i);
        if (segment_write(files, s, data, len, &stored, &err) != SC_OK)
            exit(1);
        s->written += stored;
    }
    struct buf b = {0};
    buf_u8(&b, FUZZ_SEGMENT);
    buf_reserve(&b, s->written);
    snprintf(path, sizeof(path), "%s/seachange-%08d.spool", scratch_directory(), 0);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, b.data + 1, s->written) != (ssize_t)s->written)
        exit(1);
    close(fd);
    b.len += s->written;
    corpus_add(&b);
    buf_fini(&b);
    segment_delete(files, s);
    spool_files_close(files);
    mem_free(data);
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    file(1, 0);
    file(1, 5);
    file(3, 100);
    file(2, 3000);
    static const char *const steps[] = {
        "00 05 75 15 71 0f 7f 0f 7f",
        "01 0f 0f 0f 0f 0f 7f 7f 7f 7f",
        "0b 0f 0f 0f 0f 0f 0f 7f 0f 0f 7f 7f 7f 0f 7f 7f 7f 7f",
        "01 0f 0f 0f 0f e0 00 40 55 0013 7f 7f 7f 7f",
        "01 0f 0f 0f 0f e0 00 00 00 0020 7f 7f 7f 7f",
        "01 0f 0f 0f 0f 7f e0 01 40 01 0000 0f 7f 7f 7f 7f",
    };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct buf b = {0};
        buf_u8(&b, FUZZ_QUEUE);
        corpus_hex(&b, steps[i]);
        corpus_add(&b);
        buf_fini(&b);
    }
    return corpus_end();
}
