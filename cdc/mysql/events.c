#include "cdc/mysql/events.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "base/plant.h"
#include "cdc/mysql/compressed.h"
#include "cdc/mysql/event_body.h"
#include "cdc/mysql/event_types.h"

enum { HEADER_LEN = 19, FLAGS_OFFSET = 17, CHECKSUM_LEN = 4, VERSION_LEN = 50 };

/* Of the FORMAT event (MySQL: enum_binlog_checksum_alg). */
enum { CHECKSUM_ALG_OFF = 0, CHECKSUM_ALG_CRC32 = 1 };

static enum sc_result advise(struct sc_error *err)
{
    return error_hint(err, "The source is untouched; nothing of the transaction it belongs to was taken. Please report "
                           "the server's version and this text.");
}

static enum sc_result malformed(struct sc_error *err, const struct my_event *event, const char *what)
{
    error_set(err, SC_FAIL,
              "the binary log's %s event (%" PRIu32 " bytes, end position %" PRIu32 ") cannot be read: %s", event->name,
              event->length, event->end_position, what);
    return advise(err);
}

static const struct my_event_type *type_of(uint8_t number)
{
    size_t count;
    const struct my_event_type *types = my_event_types(&count);
    for (size_t i = 0; i < count; i++)
        if (types[i].type == number)
            return &types[i];
    return NULL;
}

void my_decoder_init(struct my_decoder *d, bool mariadb)
{
    *d = (struct my_decoder){.mariadb = mariadb, .checksum = MY_CHECKSUM_UNKNOWN};
}

/* --- bodies that are short --- */

static const char *body_format(struct my_decoder *d, struct reader *r, struct my_event *event)
{
    uint16_t version = read_u16_le(r);
    const char *server = read_bytes(r, VERSION_LEN);
    event->format.created = read_u32_le(r);
    uint8_t header_len = read_u8(r);
    if (!reader_ok(r) || version != 4)
        return "not of version 4 of the log's format";
    if (header_len != HEADER_LEN)
        return "the log's events have another header";
    /* Behind the lengths: the algorithm, and always room for a checksum. All servers since 5.6 and MariaDB 5.3. */
    size_t left = reader_left(r);
    if (left < 1 + CHECKSUM_LEN + MY_TYPE_TABLE_MAP || left > sizeof(d->post_header) + 1 + CHECKSUM_LEN)
        return "its table of lengths has an impossible size";
    size_t ntypes = left - 1 - CHECKSUM_LEN;
    const char *lengths = read_bytes(r, ntypes);
    uint8_t algorithm = read_u8(r);
    if (algorithm != CHECKSUM_ALG_OFF && algorithm != CHECKSUM_ALG_CRC32)
        return "its events have checksums of a kind that is not known";
    memcpy(d->version, server, VERSION_LEN);
    d->version[VERSION_LEN] = 0;
    d->ntypes = (uint8_t)ntypes;
    memset(d->post_header, 0, sizeof(d->post_header));
    memcpy(d->post_header, lengths, ntypes);
    d->mariadb = strstr(d->version, "MariaDB") != NULL || ntypes >= MY_TYPE_ANNOTATE_ROWS;
    d->checksum = algorithm == CHECKSUM_ALG_CRC32 ? MY_CHECKSUM_CRC32 : MY_CHECKSUM_NONE;
    d->described = true;
    read_bytes(r, CHECKSUM_LEN);
    return NULL;
}

static const char *body_rotate(struct my_body *b, struct my_event *event)
{
    /* A post-header of nothing: logs of before 5.0. */
    event->rotate.offset = read_u64_le(&b->r);
    size_t len = reader_left(&b->r);
    const char *file = read_bytes(&b->r, len);
    if (!file || len == 0 || memchr(file, 0, len))
        return "it names no file";
    event->rotate.file = arena_copy(b->arena, file, len);
    return NULL;
}

/* Status variables of a QUERY event (MySQL: Query_event::Query_event_status_vars). The first few come in this order,
 * and nothing behind them is of use here. */
static void query_status(struct reader r, struct my_query_event *query)
{
    while (reader_left(&r) > 0) {
        switch (read_u8(&r)) {
        case 0: /* FLAGS2 */
            read_u32_le(&r);
            break;
        case 1: {
            uint64_t mode = read_u64_le(&r);
            if (reader_ok(&r))
                query->sql_mode = mode;
            break;
        }
        case 6: /* CATALOG_NZ */
            read_bytes(&r, read_u8(&r));
            break;
        case 3: /* AUTO_INCREMENT */
            read_u32_le(&r);
            break;
        case 4: {
            uint16_t charset = read_u16_le(&r);
            read_u32_le(&r);
            if (reader_ok(&r))
                query->charset = charset;
            break;
        }
        default:
            return;
        }
    }
}

static const char *body_query(struct my_body *b, struct my_event *event)
{
    struct my_query_event *query = &event->query;
    struct reader *r = &b->r;
    size_t fixed = 4 + 4 + 1 + 2 + 2;
    query->thread_id = read_u32_le(r);
    read_u32_le(r); /* seconds it took */
    uint8_t schema_len = read_u8(r);
    query->error_code = read_u16_le(r);
    uint16_t status_len = read_u16_le(r);
    if (b->post_header < fixed)
        return "its fixed part is too short";
    read_bytes(r, b->post_header - fixed);
    query->load = event->type == MY_TYPE_EXECUTE_LOAD_QUERY;
    const char *status = read_bytes(r, status_len);
    if (!status)
        return "its status variables are cut off";
    query_status(reader_of(status, status_len), query);
    const char *schema = read_bytes(r, (size_t)schema_len + 1);
    if (!schema || schema[schema_len] || memchr(schema, 0, schema_len))
        return "the name of its default database is cut off";
    query->schema = schema;
    query->len = reader_left(r);
    query->text = read_bytes(r, query->len);
    if (event->type == MY_TYPE_QUERY_COMPRESSED) {
        const char *problem = NULL;
        query->text =
            (const char *)my_inflate(b->arena, (const uint8_t *)query->text, query->len, &query->len, &problem);
        return problem;
    }
    return NULL;
}

static const char *body_xa(struct my_body *b, struct my_event *event)
{
    struct my_xa_event *xa = &event->xa;
    xa->one_phase = read_u8(&b->r) != 0;
    xa->format = read_u32_le(&b->r);
    xa->gtrid_len = read_u32_le(&b->r);
    xa->bqual_len = read_u32_le(&b->r);
    if (xa->gtrid_len > 64 || xa->bqual_len > 64)
        return "its identifier is too long";
    xa->data = read_bytes(&b->r, xa->gtrid_len + xa->bqual_len);
    return NULL;
}

static const char *body_incident(struct my_body *b, struct my_event *event)
{
    event->incident.number = read_u16_le(&b->r);
    size_t len = read_u8(&b->r);
    const char *message = read_bytes(&b->r, len);
    event->incident.message = message ? arena_copy(b->arena, message, len) : "";
    return NULL;
}

/* A group's identifier of one family says nothing in the log of the other. */
static const char *body_gtid(struct my_body *b, struct my_event *event)
{
    event->kind = MY_EVENT_GTID;
    if (b->decoder->mariadb != (event->type == MY_TYPE_MARIADB_GTID))
        return b->decoder->mariadb ? "it is one of MySQL's" : "it is one of MariaDB's";
    if (event->type == MY_TYPE_MARIADB_GTID)
        return my_body_mariadb_gtid(b, event);
    return event->type == MY_TYPE_GTID_TAGGED ? my_body_gtid_tagged(b, event) : my_body_gtid(b, event);
}

static const char *decode_body(struct my_body *b, struct my_event *event)
{
    switch (event->type) {
    case MY_TYPE_ROTATE:
        event->kind = MY_EVENT_ROTATE;
        return body_rotate(b, event);
    case MY_TYPE_STOP:
        event->kind = MY_EVENT_STOP;
        return NULL;
    case MY_TYPE_QUERY:
    case MY_TYPE_QUERY_COMPRESSED:
    case MY_TYPE_EXECUTE_LOAD_QUERY:
        event->kind = MY_EVENT_QUERY;
        return body_query(b, event);
    case MY_TYPE_XID:
        event->kind = MY_EVENT_XID;
        event->xid.xid = read_u64_le(&b->r);
        return NULL;
    case MY_TYPE_XA_PREPARE:
        event->kind = MY_EVENT_XA_PREPARE;
        return body_xa(b, event);
    case MY_TYPE_TABLE_MAP:
        event->kind = MY_EVENT_TABLE_MAP;
        return my_body_table_map(b, event);
    case MY_TYPE_WRITE_ROWS_V1:
    case MY_TYPE_UPDATE_ROWS_V1:
    case MY_TYPE_DELETE_ROWS_V1:
    case MY_TYPE_WRITE_ROWS:
    case MY_TYPE_UPDATE_ROWS:
    case MY_TYPE_DELETE_ROWS:
    case MY_TYPE_PARTIAL_UPDATE_ROWS:
    case MY_TYPE_WRITE_ROWS_COMPRESSED_V1:
    case MY_TYPE_UPDATE_ROWS_COMPRESSED_V1:
    case MY_TYPE_DELETE_ROWS_COMPRESSED_V1:
    case MY_TYPE_WRITE_ROWS_COMPRESSED:
    case MY_TYPE_UPDATE_ROWS_COMPRESSED:
    case MY_TYPE_DELETE_ROWS_COMPRESSED:
        event->kind = MY_EVENT_ROWS;
        return my_body_rows(b, event);
    case MY_TYPE_GTID:
    case MY_TYPE_ANONYMOUS_GTID:
    case MY_TYPE_GTID_TAGGED:
    case MY_TYPE_MARIADB_GTID:
        return body_gtid(b, event);
    case MY_TYPE_MARIADB_GTID_LIST:
        event->kind = MY_EVENT_GTIDS;
        return my_body_mariadb_gtid_list(b, event);
    case MY_TYPE_PREVIOUS_GTIDS:
        event->kind = MY_EVENT_GTIDS;
        event->gtids.set_len = reader_left(&b->r);
        event->gtids.set = (const uint8_t *)read_bytes(&b->r, event->gtids.set_len);
        return NULL;
    case MY_TYPE_TRANSACTION_PAYLOAD:
        event->kind = MY_EVENT_PAYLOAD;
        return my_body_payload(b, event);
    case MY_TYPE_HEARTBEAT:
    case MY_TYPE_HEARTBEAT_V2:
        event->kind = MY_EVENT_HEARTBEAT;
        return my_body_heartbeat(b, event);
    case MY_TYPE_INCIDENT:
        event->kind = MY_EVENT_INCIDENT;
        return body_incident(b, event);
    default:
        return "its type has no decoder";
    }
}

/* --- header, checksum, dispatch --- */

static bool checksum_fits(const uint8_t *data, size_t len, uint8_t type)
{
    uint8_t flags[2];
    struct reader r = reader_of(data + len - CHECKSUM_LEN, CHECKSUM_LEN);
    uint32_t told = read_u32_le(&r);
    size_t covered = len - CHECKSUM_LEN;
    if (crc32(0, data, (uInt)covered) == told)
        return true;
    if (type != MY_TYPE_FORMAT_DESCRIPTION)
        return false;
    /* The server sets and clears "in use" in the file without touching the checksum. */
    flags[0] = data[FLAGS_OFFSET] & (uint8_t)~MY_EVENT_FLAG_IN_USE;
    flags[1] = data[FLAGS_OFFSET + 1];
    uLong crc = crc32(0, data, FLAGS_OFFSET);
    crc = crc32(crc, flags, 2);
    crc = crc32(crc, data + HEADER_LEN, (uInt)(covered - HEADER_LEN));
    return crc == told;
}

static enum sc_result refuse(struct sc_error *err, const struct my_event *event, const struct my_event_type *type)
{
    if (type)
        error_set(err, SC_FAIL, "the binary log holds an event of type %s (%d), which is not supported: %s", type->name,
                  (int)type->type, type->why);
    else
        error_set(err, SC_FAIL,
                  "the binary log holds an event of type %d, which is not known and which the server does "
                  "not mark as one that may be ignored",
                  (int)event->type);
    return error_hint(err,
                      "It could change rows, so the log cannot be followed past it. The source is untouched; abort "
                      "the migration. Please report the server's version and this text.");
}

static enum sc_result decode(struct my_decoder *d, struct arena *arena, const void *data, size_t len, bool inner,
                             struct my_event *out, struct sc_error *err)
{
    struct reader r = reader_of(data, len);
    memset(out, 0, sizeof(*out));
    out->timestamp = read_u32_le(&r);
    out->type = read_u8(&r);
    out->server_id = read_u32_le(&r);
    out->length = read_u32_le(&r);
    out->end_position = read_u32_le(&r);
    out->flags = read_u16_le(&r);
    const struct my_event_type *type = type_of(out->type);
    out->name = type ? type->name : "unknown";
    if (!reader_ok(&r) || (!inner && out->length != len))
        return malformed(err, out, "it has another length than it says");

    /* FORMAT holds its own algorithm; what is before it is taken as it comes. */
    size_t body = len - HEADER_LEN;
    enum my_checksum checksum = inner ? MY_CHECKSUM_NONE : d->checksum;
    if (out->type == MY_TYPE_FORMAT_DESCRIPTION) {
        if (inner)
            return malformed(err, out, "it stands inside of a transaction");
        struct my_decoder described = *d;
        const char *problem = body_format(&described, &r, out);
        if (!problem && described.checksum == MY_CHECKSUM_CRC32 && !checksum_fits(data, len, out->type))
            problem = "its checksum is wrong";
        if (problem)
            return malformed(err, out, problem);
        *d = described;
        out->kind = MY_EVENT_FORMAT;
        return SC_OK;
    }
    if (checksum != MY_CHECKSUM_NONE) {
        bool fits = body >= CHECKSUM_LEN && checksum_fits(data, len, out->type);
        if (!fits && checksum == MY_CHECKSUM_CRC32)
            return malformed(err, out, "its checksum is wrong");
        if (fits)
            body -= CHECKSUM_LEN;
    }
    if (!type || type->deed == MY_DEED_REFUSED) {
        if ((!type && out->flags & MY_EVENT_FLAG_IGNORABLE) || PLANTED(B7_UNKNOWN_EVENT_IGNORED))
            return SC_OK;
        return refuse(err, out, type);
    }
    if (type->deed == MY_DEED_SKIPPED)
        return SC_OK;
    if (!d->described && out->type != MY_TYPE_ROTATE && out->type != MY_TYPE_HEARTBEAT &&
        out->type != MY_TYPE_HEARTBEAT_V2)
        return malformed(err, out, "no FORMAT_DESCRIPTION came before it");
    struct my_body b = {.decoder = d,
                        .arena = arena,
                        .r = reader_of((const uint8_t *)data + HEADER_LEN, body),
                        .post_header = out->type <= d->ntypes ? d->post_header[out->type - 1] : 0};
    const char *problem = decode_body(&b, out);
    if (!problem && !reader_ok(&b.r))
        problem = "it is cut off";
    return problem ? malformed(err, out, problem) : SC_OK;
}

enum sc_result my_event_decode(struct my_decoder *d, struct arena *arena, const void *data, size_t len,
                               struct my_event *out, struct sc_error *err)
{
    return decode(d, arena, data, len, false, out, err);
}

enum sc_result my_event_decode_inner(struct my_decoder *d, struct arena *arena, const void *data, size_t len,
                                     struct my_event *out, struct sc_error *err)
{
    return decode(d, arena, data, len, true, out, err);
}
