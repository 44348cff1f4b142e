#include <string.h>

#include "cdc/mysql/event_body.h"
#include "cdc/mysql/event_types.h"

/* --- MySQL --- */

/* 7 bytes; the top bit says that another one follows: that of the server where the transaction began. */
static uint64_t read_u56_le(struct reader *r)
{
    uint64_t low = read_u48_le(r);
    return low | (uint64_t)read_u8(r) << 48;
}

/* MySQL: mysql::binlog::event::Gtid_event */
const char *my_body_gtid(struct my_body *b, struct my_event *event)
{
    struct my_gtid_event *gtid = &event->gtid;
    struct reader *r = &b->r;
    gtid->anonymous = event->type == MY_TYPE_ANONYMOUS_GTID;
    read_u8(r); /* flags: may have statement-based changes */
    const char *uuid = read_bytes(r, sizeof(gtid->gtid.uuid));
    if (!uuid)
        return "its identifier is cut off";
    memcpy(gtid->gtid.uuid, uuid, sizeof(gtid->gtid.uuid));
    gtid->gtid.number = read_u64_le(r);
    if (!gtid->anonymous && (gtid->gtid.number == 0 || gtid->gtid.number >= INT64_MAX))
        return "its number is impossible";
    /* What follows came with 5.7 and 8.0: each part is there if there are bytes for it. */
    if (reader_left(r) < 1 + 8 + 8)
        return NULL;
    uint8_t logical_clock = read_u8(r);
    read_u64_le(r); /* last committed */
    read_u64_le(r); /* sequence number */
    if (logical_clock != 2 || reader_left(r) < 7)
        return NULL;
    uint64_t commit = read_u56_le(r);
    gtid->commit_us = (int64_t)(commit & ~(UINT64_C(1) << 55));
    if (commit >> 55)
        read_u56_le(r);
    if (reader_left(r) > 0)
        gtid->transaction_length = read_packed(r);
    return NULL;
}

/* Numbers of variable length of the serialization library: as many ones at the low end of the first byte as bytes
 * follow it, then a zero (but for 8 that follow), then the number, low bits first. */
static uint64_t read_varlen(struct reader *r)
{
    uint8_t first = read_u8(r);
    unsigned more = 0;
    while (more < 8 && first & 1u << more)
        more++;
    uint64_t rest = 0;
    for (unsigned i = 0; i < more; i++)
        rest |= (uint64_t)read_u8(r) << 8 * i;
    if (more >= 7)
        return rest;
    unsigned bits = 7 - more; /* of the number in the first byte */
    return (uint64_t)(first >> (more + 1)) | rest << bits;
}

static int64_t read_signed_varlen(struct reader *r)
{
    uint64_t v = read_varlen(r);
    return (int64_t)(v >> 1 ^ (UINT64_C(0) - (v & 1)));
}

/* MySQL: mysql::binlog::event::Gtid_event::define_fields(). A field is a number and its value; the numbers grow. */
const char *my_body_gtid_tagged(struct my_body *b, struct my_event *event)
{
    enum {
        FLAGS,
        UUID,
        NUMBER,
        TAG,
        LAST_COMMITTED,
        SEQUENCE_NUMBER,
        IMMEDIATE_COMMIT,
        ORIGINAL_COMMIT,
        LENGTH,
        IMMEDIATE_VERSION,
        ORIGINAL_VERSION,
        TICKET,
    };
    struct my_gtid_event *gtid = &event->gtid;
    struct reader *r = &b->r;
    bool has_uuid = false, has_number = false;
    if (read_varlen(r) != 1)
        return "it is written in a version that is not known";
    read_varlen(r); /* size */
    read_varlen(r); /* the last field that must be understood */
    while (reader_left(r) > 0) {
        switch (read_varlen(r)) {
        case FLAGS:
            read_varlen(r);
            break;
        case UUID:
            for (size_t i = 0; i < sizeof(gtid->gtid.uuid); i++) {
                uint64_t byte = read_varlen(r);
                if (byte > 255)
                    return "its identifier is impossible";
                gtid->gtid.uuid[i] = (uint8_t)byte;
            }
            has_uuid = true;
            break;
        case NUMBER: {
            int64_t number = read_signed_varlen(r);
            if (number <= 0 || number == INT64_MAX)
                return "its number is impossible";
            gtid->gtid.number = (uint64_t)number;
            has_number = true;
            break;
        }
        case TAG: {
            uint64_t len = read_varlen(r);
            const char *tag = len < MY_TAG_SIZE ? read_bytes(r, (size_t)len) : NULL;
            if (!tag || (len && !my_gtid_is_tag(tag, (size_t)len)))
                return "its tag is impossible";
            memcpy(gtid->gtid.tag, tag, (size_t)len);
            gtid->gtid.tag[len] = 0;
            break;
        }
        case LAST_COMMITTED:
        case SEQUENCE_NUMBER:
            read_signed_varlen(r);
            break;
        case IMMEDIATE_COMMIT:
            gtid->commit_us = (int64_t)(read_varlen(r) & INT64_MAX);
            break;
        case LENGTH:
            gtid->transaction_length = read_varlen(r);
            break;
        case ORIGINAL_COMMIT:
        case IMMEDIATE_VERSION:
        case ORIGINAL_VERSION:
        case TICKET:
            read_varlen(r);
            break;
        default:
            /* Newer fields come behind these; nothing of them is needed. */
            return has_uuid && has_number ? NULL : "it holds no identifier";
        }
    }
    return has_uuid && has_number ? NULL : "it holds no identifier";
}

/* --- MariaDB --- */

/* log_event.h of MariaDB: Gtid_log_event */
enum {
    FLAG_STANDALONE = 1,
    FLAG_GROUP_COMMIT_ID = 2,
    FLAG_PREPARED_XA = 64,
    FLAG_COMPLETED_XA = 128,
};

const char *my_body_mariadb_gtid(struct my_body *b, struct my_event *event)
{
    struct my_gtid_event *gtid = &event->gtid;
    gtid->domain.number = read_u64_le(&b->r);
    gtid->domain.domain = read_u32_le(&b->r);
    gtid->domain.server_id = event->server_id;
    uint8_t flags = read_u8(&b->r);
    gtid->standalone = flags & FLAG_STANDALONE;
    gtid->xa_prepare = flags & FLAG_PREPARED_XA;
    gtid->xa_complete = flags & FLAG_COMPLETED_XA;
    return NULL;
}

const char *my_body_mariadb_gtid_list(struct my_body *b, struct my_event *event)
{
    enum { COUNT_MASK = 0x0fffffff, ENTRY_LEN = 16 };
    struct my_gtids_event *gtids = &event->gtids;
    uint32_t count = read_u32_le(&b->r) & COUNT_MASK;
    if (count > reader_left(&b->r) / ENTRY_LEN)
        return "its list is cut off";
    struct my_domain_gtid *domains = arena_array(b->arena, count ? count : 1, sizeof(*domains));
    for (uint32_t i = 0; i < count; i++) {
        domains[i].domain = read_u32_le(&b->r);
        domains[i].server_id = read_u32_le(&b->r);
        domains[i].number = read_u64_le(&b->r);
    }
    gtids->ndomains = count;
    gtids->domains = domains;
    return NULL;
}

/* --- what is a list of fields, too --- */

/* MySQL: Transaction_payload_event. Type, length, value; type 0 ends the fields and has no length. */
const char *my_body_payload(struct my_body *b, struct my_event *event)
{
    enum { END = 0, SIZE = 1, COMPRESSION = 2, UNCOMPRESSED = 3 };
    struct my_payload_event *payload = &event->payload;
    uint64_t size = 0, compression = MY_PAYLOAD_PLAIN;
    bool has_size = false;
    for (;;) {
        uint64_t field = read_packed(&b->r);
        if (!reader_ok(&b->r))
            return "its fields are cut off";
        if (field == END)
            break;
        uint64_t len = read_packed(&b->r);
        const char *bytes = len <= reader_left(&b->r) ? read_bytes(&b->r, (size_t)len) : NULL;
        if (!bytes)
            return "its fields are cut off";
        struct reader value = reader_of(bytes, (size_t)len);
        switch (field) {
        case SIZE:
            size = read_packed(&value);
            has_size = true;
            break;
        case COMPRESSION:
            compression = read_packed(&value);
            break;
        case UNCOMPRESSED:
            payload->uncompressed_len = read_packed(&value);
            break;
        default:
            break;
        }
        if (!reader_ok(&value))
            return "one of its fields is cut off";
    }
    if (compression > 255)
        return "it is compressed in a way that is not known";
    payload->compression = (enum my_payload_compression)compression;
    payload->len = reader_left(&b->r);
    if (!has_size || size != payload->len)
        return "what it holds has another length than it says";
    payload->data = (const uint8_t *)read_bytes(&b->r, payload->len);
    return NULL;
}

const char *my_body_heartbeat(struct my_body *b, struct my_event *event)
{
    enum { END = 0, FILE_NAME = 1, POSITION = 2 };
    struct my_heartbeat_event *heartbeat = &event->heartbeat;
    struct reader *r = &b->r;
    const char *file = NULL;
    uint64_t file_len = 0;
    if (event->type == MY_TYPE_HEARTBEAT) {
        heartbeat->offset = event->end_position;
        /* MariaDB: an offset that does not fit is in front of the name. */
        if (b->decoder->mariadb && event->end_position == 0) {
            heartbeat->offset = read_u64_le(r);
            heartbeat->wide = true;
        } else if (b->decoder->mariadb) {
            heartbeat->wide = true;
        }
        file_len = reader_left(r);
        file = read_bytes(r, (size_t)file_len);
    } else {
        /* MySQL: Heartbeat_event_v2 */
        for (;;) {
            uint64_t field = read_packed(r);
            if (!reader_ok(r))
                return "its fields are cut off";
            if (field == END)
                break;
            uint64_t len = read_packed(r);
            const char *value = len <= reader_left(r) ? read_bytes(r, (size_t)len) : NULL;
            if (!value)
                return "its fields are cut off";
            if (field == FILE_NAME) {
                file = value;
                file_len = len;
            } else if (field == POSITION) {
                struct reader position = reader_of(value, (size_t)len);
                heartbeat->offset = read_packed(&position);
                heartbeat->wide = reader_ok(&position);
            }
        }
    }
    if (!file || file_len == 0 || memchr(file, 0, (size_t)file_len))
        return "it names no file";
    heartbeat->file = arena_copy(b->arena, file, (size_t)file_len);
    return NULL;
}
