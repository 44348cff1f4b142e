#include "cdc/mysql/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"
#include "cdc/mysql/event_types.h"

#define MAX_OFFSET ((UINT64_C(1) << MY_LOG_OFFSET_BITS) - 1)
#define MAX_NUMBER ((UINT32_C(1) << (64 - MY_LOG_OFFSET_BITS)) - 1)

static enum sc_result lost(struct sc_error *err)
{
    return error_hint(err,
                      "Nothing behind the last whole transaction is applied; the source is untouched. Resume; if it "
                      "happens again, please report the server's version and this text.");
}

enum sc_result my_log_position_set(struct my_log_position *p, const char *file, uint64_t offset, struct sc_error *err)
{
    const char *dot = strrchr(file, '.');
    char *end = NULL;
    unsigned long long number = dot && dot[1] >= '0' && dot[1] <= '9' ? strtoull(dot + 1, &end, 10) : 0;
    if (!end || *end || number > MAX_NUMBER) {
        error_set(err, SC_FAIL, "the binary log's file name \"%.100s\" does not end in a number", file);
        return lost(err);
    }
    if (strlen(file) >= sizeof(p->file) || strchr(file, ' '))
        return error_set(err, SC_FAIL, "the binary log's file name \"%.100s\" is too long or has a blank", file);
    if (offset > MAX_OFFSET) {
        error_set(err, SC_FAIL, "the offset %" PRIu64 " in the binary log %s is beyond what is supported", offset,
                  file);
        return lost(err);
    }
    if (file != p->file)
        snprintf(p->file, sizeof(p->file), "%s", file);
    p->number = (uint32_t)number;
    p->offset = offset;
    return SC_OK;
}

enum sc_result my_log_position_advance(struct my_log_position *p, const struct my_event *event, bool gaps,
                                       struct sc_error *err)
{
    if (event->kind == MY_EVENT_ROTATE)
        return my_log_position_set(p, event->rotate.file, event->rotate.offset, err);
    /* The sender's own: its FORMAT at the begin of the stream tells no end. */
    if (event->flags & MY_EVENT_FLAG_ARTIFICIAL || event->kind == MY_EVENT_HEARTBEAT ||
        (event->kind == MY_EVENT_FORMAT && event->end_position == 0))
        return SC_OK;
    uint64_t end = p->offset + event->length;
    if (event->end_position != 0 && event->end_position != (uint32_t)end) {
        if (event->kind == MY_EVENT_FORMAT) {
            /* Sent once more for a stream that begins in the middle of its file. */
            if (event->end_position <= p->offset)
                return SC_OK;
        }
        if (!gaps) {
            error_set(err, SC_FAIL,
                      "a %s event of the binary log %s should end at %" PRIu64 " (modulo 2^32), but says %" PRIu32,
                      event->name, p->file, end, event->end_position);
            return lost(err);
        }
        end += (uint32_t)(event->end_position - (uint32_t)end);
    }
    if (end > MAX_OFFSET) {
        error_set(err, SC_FAIL, "the offset %" PRIu64 " in the binary log %s is beyond what is supported", end,
                  p->file);
        return lost(err);
    }
    p->offset = PLANTED(B7_OFFSET_OF_32_BITS) ? (uint32_t)end : end;
    return SC_OK;
}

enum sc_result my_log_position_heartbeat(const struct my_log_position *p, const struct my_heartbeat_event *heartbeat,
                                         bool *ahead, struct sc_error *err)
{
    *ahead = false;
    struct my_log_position theirs = {0};
    enum sc_result result = my_log_position_set(&theirs, heartbeat->file, heartbeat->offset & MAX_OFFSET, err);
    if (result != SC_OK)
        return result;
    bool behind;
    if (theirs.number != p->number) {
        behind = theirs.number < p->number;
        *ahead = !behind;
    } else if (heartbeat->wide) {
        behind = heartbeat->offset < p->offset;
        *ahead = heartbeat->offset > p->offset;
    } else {
        /* 32 bits: within 2 GiB of us in either direction. */
        uint32_t distance = (uint32_t)heartbeat->offset - (uint32_t)p->offset;
        behind = distance > INT32_MAX;
        *ahead = distance != 0 && !behind;
    }
    if (behind) {
        error_set(err, SC_FAIL, "the server says it is at %s:%" PRIu64 ", which is behind %s:%" PRIu64 " that was read",
                  heartbeat->file, heartbeat->offset, p->file, p->offset);
        return lost(err);
    }
    return SC_OK;
}

uint64_t my_log_position_order(const struct my_log_position *p)
{
    return (uint64_t)p->number << MY_LOG_OFFSET_BITS | p->offset;
}

void my_log_position_make(const struct my_log_position *p, const char *gtids, struct position *out)
{
    out->order = my_log_position_order(p);
    int len = snprintf(out->text, sizeof(out->text), "%s:%" PRIu64, p->file, p->offset);
    if (gtids && *gtids && (size_t)len + 1 + strlen(gtids) < sizeof(out->text))
        snprintf(out->text + len, sizeof(out->text) - (size_t)len, " %s", gtids);
}

enum sc_result my_log_position_parse(struct my_log_position *p, const struct position *position, const char **gtids,
                                     struct sc_error *err)
{
    const char *text = position->text;
    const char *blank = strchr(text, ' ');
    const char *place_end = blank ? blank : text + strlen(text);
    const char *colon = memrchr(text, ':', (size_t)(place_end - text));
    char *end = NULL;
    char file[MY_LOG_FILE_SIZE];
    unsigned long long offset = 0;
    if (colon && colon[1] >= '0' && colon[1] <= '9')
        offset = strtoull(colon + 1, &end, 10);
    if (!end || end != place_end || (size_t)(colon - text) >= sizeof(file))
        return error_set(err, SC_FAIL, "the binary log position \"%.100s\" cannot be read", text);
    memcpy(file, text, (size_t)(colon - text));
    file[colon - text] = 0;
    if (gtids)
        *gtids = blank ? blank + 1 : "";
    return my_log_position_set(p, file, offset, err);
}
