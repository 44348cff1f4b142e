/* The spool, with its files damaged in between: what is taken is what was put, in that order, or nothing any more. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/reader.h"
#include "cdc/spool.h"
#include "cdc/spool_segment.h"
#include "fuzz/fuzz.h"
#include "fuzz/scratch.h"
#include "fuzz/spool.h"

enum { SPOOLS = 16, FOR_SEGMENTS = SPOOLS };

static const char *directory(int number)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%d", scratch_directory(), number);
    if (number == FOR_SEGMENTS)
        mkdir(path, 0700);
    return path;
}

/* --- a segment that holds anything --- */

static char *grow(void *arg, size_t len)
{
    struct buf *b = arg;
    buf_clear(b);
    buf_reserve(b, len);
    b->len = len;
    return b->data;
}

static void segment(const uint8_t *data, size_t size)
{
    enum { LARGEST = 1 << 16 };
    static struct spool_files *files; /* its memory for decompressing costs more than a try */
    struct segment *s;
    struct sc_error err;
    struct buf block = {0};
    char path[512];
    if (!files)
        HOLDS(spool_files_open(directory(FOR_SEGMENTS), 0, &files, &err) == SC_OK);
    HOLDS(segment_new(files, &s, &err) == SC_OK);
    snprintf(path, sizeof(path), "%s/seachange-%08u.spool", directory(FOR_SEGMENTS), (unsigned)s->number);
    int fd = open(path, O_WRONLY);
    HOLDS(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    uint64_t stored, at = 0;
    /* A file may also be shorter than what was written. */
    uint64_t end = size && data[size - 1] == 0xff ? size + 100 : size;
    while (segment_read(files, s, end, LARGEST, grow, &block, &stored, &err) == SC_OK) {
        at += stored;
        HOLDS(block.len <= LARGEST && stored > 20 && s->read_at == at && at <= size);
    }
    HOLDS(err.what[0]);
    segment_delete(files, s);
    buf_fini(&block);
}

/* --- puts, takes, damage --- */

/* Enough for some files of the largest kind; more says nothing new, and takes its time. */
enum { RECORDS = 128 };

struct run {
    struct spool *spool;
    int number;          /* of its directory */
    uint32_t put, taken; /* records */
    bool damaged, lost;
};

/* The n-th record: its length and bytes follow from its number. */
static size_t record(uint32_t n, uint8_t *out)
{
    uint32_t x = n * 2654435761u;
    size_t len = (x >> 8) % 37 == 0 ? 200 + x % 200 : x % 60;
    for (size_t i = 0; i < len; i++)
        out[i] = x & 1 ? (uint8_t)(x = x * 1664525 + 1013904223) : (uint8_t)(n + i / 8);
    return len;
}

static void put(struct run *r)
{
    uint8_t bytes[512];
    struct sc_error err;
    size_t len = record(r->put, bytes);
    enum sc_result result = spool_put(r->spool, bytes, len, NULL, NULL, &err);
    HOLDS(result == SC_OK || r->damaged);
    r->put += result == SC_OK;
}

static void take(struct run *r)
{
    uint8_t bytes[512];
    const void *taken;
    size_t len;
    struct sc_error err;
    enum sc_result result = spool_take(r->spool, &taken, &len, 0, &err);
    if (result != SC_OK) {
        HOLDS(result == SC_RETRY ? r->taken == r->put && !r->lost : r->damaged);
        r->lost |= result == SC_FAIL;
        return;
    }
    HOLDS(!r->lost && r->taken < r->put);
    HOLDS(len == record(r->taken, bytes) && memcmp(bytes, taken, len) == 0);
    r->taken++;
}

static void damage(struct run *r, struct reader *how)
{
    char path[1024];
    int which = read_u8(how), fd = -1;
    DIR *dir = opendir(directory(r->number));
    for (struct dirent *e; dir && (e = readdir(dir)) && which >= 0;) {
        if (!strstr(e->d_name, ".spool") || (which -= 64) >= 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory(r->number), e->d_name);
        fd = open(path, O_RDWR);
    }
    if (dir)
        closedir(dir);
    uint8_t what = read_u8(how), with = read_u8(how), old = 0;
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END), at = size ? read_u16(how) % size : 0;
    if (size && what < 16) {
        r->damaged |= ftruncate(fd, at) == 0;
    } else if (size && with && pread(fd, &old, 1, at) == 1) {
        old ^= with;
        r->damaged |= pwrite(fd, &old, 1, at) == 1;
    }
    if (fd >= 0)
        close(fd);
}

static void queue(const uint8_t *data, size_t size)
{
    struct run r = {0};
    struct sc_error err;
    struct reader steps = reader_of(data, size);
    uint8_t how = read_u8(&steps);
    static struct spool *spools[SPOOLS]; /* those that were not damaged: to open one costs more than a try */
    r.number = how % SPOOLS;
    const struct spool_config config = {.directory = directory(r.number),
                                        .memory_bytes = how & 1 ? 0 : 512,
                                        .block_bytes = 64 << (how >> 1 & 3),
                                        .segment_bytes = how & 8 ? 200 : 1600,
                                        .record_bytes = 512};
    if (!spools[r.number])
        HOLDS(spool_open(&config, &spools[r.number], &err) == SC_OK);
    r.spool = spools[r.number];
    while (reader_left(&steps) > 0 && r.put < RECORDS) {
        uint8_t step = read_u8(&steps);
        for (int i = 0; step < 0x70 && i <= step % 16; i++)
            put(&r);
        for (int i = 0; step >= 0x70 && step < 0xe0 && i <= step % 16; i++)
            take(&r);
        if (step >= 0xe0)
            damage(&r, &steps);
    }
    for (uint32_t left = r.put - r.taken + 1; left > 0; left--)
        take(&r);
    HOLDS(r.damaged || r.taken == r.put);
    HOLDS((spool_unreadable(r.spool, &err) != SC_OK) == r.lost);
    if (r.damaged) {
        spool_close(r.spool);
        spools[r.number] = NULL;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (data[0] == FUZZ_SEGMENT)
        segment(data + 1, size - 1);
    else if (data[0] == FUZZ_QUEUE && size < 50)
        queue(data + 1, size - 1);
    return 0;
}
