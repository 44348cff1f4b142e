#include "cdc/mysql/payload.h"

#include <string.h>
#include <zstd.h>

#include "base/mem.h"
#include "base/reader.h"

enum { HEADER_LEN = 19, LENGTH_OFFSET = 9 };

/* No event is larger (max_allowed_packet's maximum, manual, "Server System Variables"). */
#define MAX_EVENT (UINT32_C(1) << 30)

struct my_payload {
    enum my_payload_compression compression;
    ZSTD_DStream *stream;
    ZSTD_inBuffer in;
    bool frame_open;   /* inside of a zstd frame */
    struct buf event;  /* the event being given out */
    uint64_t made;     /* bytes given out */
    uint64_t expected; /* by the event; 0 not told */
};

enum sc_result my_payload_open(const struct my_payload_event *event, struct my_payload **out, struct sc_error *err)
{
    *out = NULL;
    if (event->compression != MY_PAYLOAD_ZSTD && event->compression != MY_PAYLOAD_PLAIN) {
        error_set(err, SC_FAIL, "a TRANSACTION_PAYLOAD event is compressed in a way that is not known (%d)",
                  (int)event->compression);
        return error_hint(err, "Nothing of that transaction was applied; the source is untouched. Please report the "
                               "server's version and this text.");
    }
    struct my_payload *p = mem_alloc(sizeof(*p));
    p->compression = event->compression;
    p->in = (ZSTD_inBuffer){event->data, event->len, 0};
    p->expected = event->uncompressed_len;
    if (p->compression == MY_PAYLOAD_ZSTD) {
        p->stream = ZSTD_createDStream();
        if (!p->stream) {
            mem_free(p);
            return error_set(err, SC_FAIL, "no memory for decompressing a transaction");
        }
        ZSTD_initDStream(p->stream);
    }
    *out = p;
    return SC_OK;
}

void my_payload_close(struct my_payload *p)
{
    if (!p)
        return;
    ZSTD_freeDStream(p->stream);
    buf_fini(&p->event);
    mem_free(p);
}

static enum sc_result damaged(struct sc_error *err, const char *what)
{
    error_set(err, SC_FAIL, "a compressed transaction of the binary log cannot be read: %s", what);
    return error_hint(err, "What was read of it is not applied further; the source is untouched. Check the binary log "
                           "on the server (mysqlbinlog --verify-binlog-checksum).");
}

/* Up to `want` more bytes into p->event. *got less than that: the payload has ended. */
static enum sc_result pull(struct my_payload *p, size_t want, size_t *got, struct sc_error *err)
{
    *got = 0;
    while (*got < want) {
        /* In steps, so that a length that lies costs no more memory than the payload has bytes for. */
        size_t step = want - *got < 65536 ? want - *got : 65536;
        buf_reserve(&p->event, step);
        ZSTD_outBuffer out = {p->event.data + p->event.len, step, 0};
        if (p->compression == MY_PAYLOAD_PLAIN) {
            size_t left = p->in.size - p->in.pos;
            out.pos = left < step ? left : step;
            if (out.pos)
                memcpy(out.dst, (const char *)p->in.src + p->in.pos, out.pos);
            p->in.pos += out.pos;
        } else if (p->in.pos < p->in.size || p->frame_open) {
            size_t before = p->in.pos;
            size_t hint = ZSTD_decompressStream(p->stream, &out, &p->in);
            if (ZSTD_isError(hint))
                return damaged(err, ZSTD_getErrorName(hint));
            p->frame_open = hint != 0;
            if (out.pos == 0 && p->in.pos > before)
                continue;
        }
        p->event.len += out.pos;
        p->event.data[p->event.len] = 0;
        *got += out.pos;
        if (out.pos == 0)
            break;
    }
    p->made += *got;
    return SC_OK;
}

enum sc_result my_payload_next(struct my_payload *p, const uint8_t **data, size_t *len, struct sc_error *err)
{
    size_t got;
    *data = NULL;
    *len = 0;
    buf_clear(&p->event);
    enum sc_result result = pull(p, HEADER_LEN, &got, err);
    if (result != SC_OK)
        return result;
    if (got == 0) {
        if (p->frame_open || p->in.pos < p->in.size)
            return damaged(err, "it is cut off");
        if (p->expected && p->made != p->expected)
            return damaged(err, "it has another length than it says");
        return SC_OK;
    }
    if (got < HEADER_LEN)
        return damaged(err, "an event in it is cut off");
    struct reader r = reader_of(p->event.data + LENGTH_OFFSET, 4);
    uint32_t length = read_u32_le(&r);
    if (length < HEADER_LEN || length > MAX_EVENT)
        return damaged(err, "an event in it has an impossible length");
    result = pull(p, length - HEADER_LEN, &got, err);
    if (result != SC_OK)
        return result;
    if (got < length - HEADER_LEN)
        return damaged(err, "an event in it is cut off");
    *data = (const uint8_t *)p->event.data;
    *len = length;
    return SC_OK;
}
