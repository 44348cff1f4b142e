#include "cdc/postgres/frame.h"

#include "base/reader.h"

static enum sc_result read_data(struct reader *r, struct frame *out, struct sc_error *err)
{
    out->kind = FRAME_DATA;
    read_u64(r); /* where the message begins: what matters is in it */
    out->end = read_u64(r);
    read_u64(r); /* the server's clock */
    if (!reader_ok(r))
        return error_set(err, SC_FAIL, "the server sent a piece of its log without a whole header");
    out->data = r->p;
    out->len = reader_left(r);
    return SC_OK;
}

static enum sc_result read_keepalive(struct reader *r, struct frame *out, struct sc_error *err)
{
    out->kind = FRAME_KEEPALIVE;
    out->end = read_u64(r);
    read_u64(r);
    out->reply = read_u8(r) != 0;
    if (!reader_done(r))
        return error_set(err, SC_FAIL, "the server sent a keepalive that is too %s", reader_ok(r) ? "long" : "short");
    return SC_OK;
}

enum sc_result frame_read(const void *data, size_t len, struct frame *out, struct sc_error *err)
{
    struct reader r = reader_of(data, len);
    *out = (struct frame){0};
    char kind = (char)read_u8(&r);
    switch (kind) {
    case 'w':
        return read_data(&r, out, err);
    case 'k':
        return read_keepalive(&r, out, err);
    }
    return error_set(err, SC_FAIL, "the server sent a message of unknown kind 0x%02x within the stream",
                     (unsigned char)kind);
}
