/* A block on disk: magic u32, compressed length u32x2, raw length u32x2 (big-endian), then one zstd frame with a
 * content checksum. The frame is written and read in pieces, so that a block needs no second copy of itself in memory.
 */
#include "cdc/spool_segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/stop.h"

#define LOCK_NAME "seachange.lock"
#define LOCK_POLL_MS 50
#define NAME_START "seachange-"
#define NAME_END ".spool"

enum {
    BLOCK_MAGIC = 0x53434231, /* "SCB1" */
    HEADER_BYTES = 20,
    PIECE_BYTES = 128 * 1024, /* read and written at once */
    ZSTD_LEVEL = 1,           /* the log comes faster than higher levels can pack */
};

struct spool_files {
    char *path;
    int directory_fd, lock_fd;
    uint64_t next_number;
    ZSTD_CCtx *compress;   /* the producer's */
    ZSTD_DCtx *decompress; /* the consumer's */
    char *out_piece;       /* the producer's */
    char *in_piece;        /* the consumer's */
};

static void segment_name(char name[64], uint64_t number)
{
    snprintf(name, 64, NAME_START "%08" PRIu64 NAME_END, number);
}

/* ---- the directory ---- */

static enum sc_result refuse_errno(struct sc_error *err, const char *what, const char *path)
{
    int code = errno;
    error_set(err, SC_REFUSE, "cannot %s the spool directory %s: %s", what, path, strerror(code));
    return error_hint(
        err, "Nothing was touched. Give a directory that exists or whose parent exists, on a disk with room, and "
             "that this user may write to.");
}

/* Takes the lock on a file that is still in the directory: a holder that ends removes the file, and who waited for the
 * removed one would hold nothing. */
static enum sc_result lock_directory(struct spool_files *f, int wait_ms, struct sc_error *err)
{
    for (int64_t until_us = clock_us() + (int64_t)wait_ms * 1000;;) {
        int fd = openat(f->directory_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return refuse_errno(err, "lock", f->path);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            int code = errno;
            close(fd);
            if (code == EINTR)
                continue;
            errno = code;
            if (code != EWOULDBLOCK)
                return refuse_errno(err, "lock", f->path);
            if (wait_ms > 0 && stop_requested())
                return error_set(err, SC_STOP, "stopped while the spool directory %s was in use by another process",
                                 f->path);
            if (clock_us() < until_us) {
                clock_sleep_ms(LOCK_POLL_MS);
                continue;
            }
            error_set(err, SC_REFUSE, "the spool directory %s is in use by another process", f->path);
            return error_hint(err,
                              "Nothing was touched. Give each process a spool directory of its own, or wait until the "
                              "other one has ended.");
        }
        struct stat held, named;
        if (fstat(fd, &held) == 0 && fstatat(f->directory_fd, LOCK_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
            held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
            f->lock_fd = fd;
            return SC_OK;
        }
        close(fd);
    }
}

static bool is_segment_name(const char *name)
{
    size_t len = strlen(name), start = strlen(NAME_START), end = strlen(NAME_END);
    return len > start + end && strncmp(name, NAME_START, start) == 0 && strcmp(name + len - end, NAME_END) == 0;
}

static enum sc_result remove_leftovers(struct spool_files *f, struct sc_error *err)
{
    int fd = openat(f->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return refuse_errno(err, "list", f->path);
    }
    enum sc_result result = SC_OK;
    for (struct dirent *e; result == SC_OK && (e = readdir(dir));)
        if (is_segment_name(e->d_name) && unlinkat(f->directory_fd, e->d_name, 0) < 0 && errno != ENOENT)
            result = refuse_errno(err, "remove the leftovers of an earlier run from", f->path);
    closedir(dir);
    return result;
}

enum sc_result spool_files_open(const char *directory, int wait_ms, struct spool_files **out, struct sc_error *err)
{
    *out = NULL;
    struct spool_files *f = mem_alloc(sizeof(*f));
    f->path = mem_strdup(directory);
    f->directory_fd = f->lock_fd = -1;
    enum sc_result result = SC_OK;
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        result = refuse_errno(err, "make", directory);
    if (result == SC_OK && (f->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        result = refuse_errno(err, "open", directory);
    if (result == SC_OK)
        result = lock_directory(f, wait_ms, err);
    if (result == SC_OK)
        result = remove_leftovers(f, err);
    if (result != SC_OK) {
        spool_files_close(f);
        return result;
    }
    f->out_piece = mem_alloc(PIECE_BYTES);
    f->in_piece = mem_alloc(PIECE_BYTES);
    *out = f;
    return SC_OK;
}

void spool_files_close(struct spool_files *f)
{
    if (!f)
        return;
    if (f->lock_fd >= 0) {
        unlinkat(f->directory_fd, LOCK_NAME, 0);
        close(f->lock_fd);
    }
    if (f->directory_fd >= 0)
        close(f->directory_fd);
    ZSTD_freeCCtx(f->compress);
    ZSTD_freeDCtx(f->decompress);
    mem_free(f->out_piece);
    mem_free(f->in_piece);
    mem_free(f->path);
    mem_free(f);
}

/* ---- segments ---- */

static enum sc_result write_failed(struct spool_files *f, const char *name, int code, struct sc_error *err)
{
    bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
    error_set(err, SC_RETRY, "cannot write the spool file %s/%s: %s", f->path, name, strerror(code));
    if (full)
        return error_hint(err,
                          "Nothing is lost: the server keeps the changes until they are applied. Free room in %s or "
                          "give a spool directory on a larger disk, or set a limit for the spool so that reading waits "
                          "instead, then run the same command again.",
                          f->path);
    return error_hint(
        err,
        "Nothing is lost: the server keeps the changes until they are applied. Look at the disk below %s, "
        "then run the same command again.",
        f->path);
}

enum sc_result segment_new(struct spool_files *f, struct segment **out, struct sc_error *err)
{
    char name[64];
    segment_name(name, f->next_number);
    int fd = openat(f->directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return write_failed(f, name, errno, err);
    struct segment *s = mem_alloc(sizeof(*s));
    s->number = f->next_number++;
    s->write_fd = fd;
    s->read_fd = -1;
    *out = s;
    return SC_OK;
}

void segment_seal(struct segment *s)
{
    if (s->write_fd >= 0)
        close(s->write_fd);
    s->write_fd = -1;
}

void segment_delete(struct spool_files *f, struct segment *s)
{
    char name[64];
    segment_name(name, s->number);
    segment_seal(s);
    if (s->read_fd >= 0)
        close(s->read_fd);
    unlinkat(f->directory_fd, name, 0);
    mem_free(s);
}

uint64_t segment_block_bound(size_t len)
{
    return HEADER_BYTES + ZSTD_compressBound(len) + 64; /* frame header and checksum are beyond the bound's promise */
}

/* 0 or errno. */
static int write_all(int fd, const char *data, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        data += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return 0;
}

/* Compresses the block to behind its header. 0 or errno. */
static int write_frame(struct spool_files *f, int fd, const void *data, size_t len, uint64_t at, uint64_t *frame)
{
    ZSTD_CCtx *z = f->compress;
    ZSTD_CCtx_reset(z, ZSTD_reset_session_only);
    ZSTD_CCtx_setPledgedSrcSize(z, len);
    ZSTD_inBuffer in = {.src = data, .size = len};
    *frame = 0;
    for (size_t left = 1; left > 0;) {
        ZSTD_outBuffer out = {.dst = f->out_piece, .size = PIECE_BYTES};
        left = ZSTD_compressStream2(z, &out, &in, ZSTD_e_end);
        if (ZSTD_isError(left))
            return ENOMEM; /* the only way it can fail on memory of ours */
        int code = write_all(fd, out.dst, out.pos, at + *frame);
        if (code)
            return code;
        *frame += out.pos;
    }
    return 0;
}

enum sc_result segment_write(struct spool_files *f, struct segment *s, const void *data, size_t len, uint64_t *stored,
                             struct sc_error *err)
{
    if (!f->compress) {
        f->compress = ZSTD_createCCtx();
        if (f->compress) {
            ZSTD_CCtx_setParameter(f->compress, ZSTD_c_compressionLevel, ZSTD_LEVEL);
            ZSTD_CCtx_setParameter(f->compress, ZSTD_c_checksumFlag, 1);
        }
    }
    uint64_t frame = 0;
    int code = f->compress ? write_frame(f, s->write_fd, data, len, s->written + HEADER_BYTES, &frame) : ENOMEM;
    if (code == 0) {
        struct buf header = {0};
        buf_u32(&header, BLOCK_MAGIC);
        buf_u64(&header, frame);
        buf_u64(&header, len);
        code = write_all(s->write_fd, header.data, header.len, s->written);
        buf_fini(&header);
    }
    if (code) {
        /* Room is short: give back what half a block took. Nobody reads beyond `written`, so a failure here is
         * harmless. */
        int ignored = ftruncate(s->write_fd, (off_t)s->written);
        (void)ignored;
        char name[64];
        segment_name(name, s->number);
        return write_failed(f, name, code, err);
    }
    *stored = HEADER_BYTES + frame;
    return SC_OK;
}

static enum sc_result read_failed(struct spool_files *f, const struct segment *s, const char *what,
                                  struct sc_error *err)
{
    char name[64];
    segment_name(name, s->number);
    error_set(err, SC_FAIL, "the spool file %s/%s cannot be read back at byte %" PRIu64 ": %s", f->path, name,
              s->read_at, what);
    return error_hint(
        err,
        "Nothing is lost: the server keeps the changes until they are applied and sends them again. Look at "
        "the disk below %s, then run the same command again.",
        f->path);
}

/* Reads exactly len bytes; NULL, or what went wrong. */
static const char *read_all(int fd, char *data, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pread(fd, data, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return strerror(errno);
        if (n == 0)
            return "it is shorter than what was written";
        data += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return NULL;
}

/* Decompresses one frame of exactly `frame` bytes into exactly `len` bytes. NULL, or what went wrong. */
static const char *read_frame(struct spool_files *f, int fd, uint64_t at, uint64_t frame, char *data, size_t len)
{
    ZSTD_DCtx *z = f->decompress;
    ZSTD_DCtx_reset(z, ZSTD_reset_session_only);
    ZSTD_outBuffer out = {.dst = data, .size = len};
    size_t more = 1;
    while (frame > 0) {
        size_t piece = frame < PIECE_BYTES ? (size_t)frame : PIECE_BYTES;
        const char *wrong = read_all(fd, f->in_piece, piece, at);
        if (wrong)
            return wrong;
        at += piece;
        frame -= piece;
        ZSTD_inBuffer in = {.src = f->in_piece, .size = piece};
        while (in.pos < in.size) {
            size_t in_before = in.pos, out_before = out.pos;
            if (more == 0)
                return "a block is longer than its data";
            more = ZSTD_decompressStream(z, &out, &in);
            if (ZSTD_isError(more))
                return ZSTD_getErrorName(more);
            if (in.pos == in_before && out.pos == out_before)
                return "a block holds more than it says";
        }
    }
    return more == 0 && out.pos == len ? NULL : "a block ends early";
}

enum sc_result segment_read(struct spool_files *f, struct segment *s, uint64_t end, size_t max,
                            char *(*grow)(void *arg, size_t len), void *arg, uint64_t *stored, struct sc_error *err)
{
    if (!f->decompress && !(f->decompress = ZSTD_createDCtx()))
        return read_failed(f, s, "out of memory", err);
    if (s->read_fd < 0) {
        char name[64];
        segment_name(name, s->number);
        s->read_fd = openat(f->directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (s->read_fd < 0)
            return read_failed(f, s, strerror(errno), err);
    }
    char header[HEADER_BYTES];
    const char *wrong = s->read_at + HEADER_BYTES <= end ? read_all(s->read_fd, header, sizeof(header), s->read_at)
                                                         : "a block begins behind the end";
    if (wrong)
        return read_failed(f, s, wrong, err);
    struct reader r = reader_of(header, sizeof(header));
    uint32_t magic = read_u32(&r);
    uint64_t frame = read_u64(&r), len = read_u64(&r);
    if (magic != BLOCK_MAGIC || frame == 0 || frame > end - s->read_at - HEADER_BYTES || len > max)
        return read_failed(f, s, "this is not the head of a block", err);
    char *data = grow(arg, (size_t)len);
    wrong = read_frame(f, s->read_fd, s->read_at + HEADER_BYTES, frame, data, (size_t)len);
    if (wrong)
        return read_failed(f, s, wrong, err);
    *stored = HEADER_BYTES + frame;
    s->read_at += *stored;
    return SC_OK;
}
