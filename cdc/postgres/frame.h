/* What the server sends within the stream (manual, "Streaming Replication Protocol"): pieces of its log, each a message
 * of the log's own format behind a header, and keepalives. Bytes in, fields out. */
#ifndef SC_CDC_POSTGRES_FRAME_H
#define SC_CDC_POSTGRES_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum frame_kind { FRAME_DATA, FRAME_KEEPALIVE };

struct frame {
    enum frame_kind kind;
    uint64_t end;     /* of the server's log, as it was then */
    bool reply;       /* KEEPALIVE: the server wants an answer at once */
    const void *data; /* DATA: the message, for pgoutput_decode(); points into the frame */
    size_t len;
};

/* SC_FAIL: it is none of these, shorter than its header, or a keepalive that goes on behind its end. */
enum sc_result frame_read(const void *data, size_t len, struct frame *out, struct sc_error *err);

#endif
