/* Events made by hand: what no server was at hand to write, limits, and refusals. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "cdc/mysql/compressed.h"
#include "cdc/mysql/event_types.h"
#include "cdc/mysql/events.h"
#include "cdc/mysql/payload.h"
#include "cdc/mysql/rows.h"

static struct arena arena;
static struct sc_error err;

static int clean(void **state)
{
    (void)state;
    arena_fini(&arena);
    arena = (struct arena){0};
    return 0;
}

static void put_le(struct buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_u8(b, (uint8_t)(v >> 8 * i));
}

/* A whole event, with its checksum if `crc`. */
static struct buf event_of(uint8_t type, const void *body, size_t len, uint16_t flags, bool crc)
{
    struct buf b = {0};
    put_le(&b, 1700000000, 4);
    buf_u8(&b, type);
    put_le(&b, 99, 4);
    put_le(&b, 19 + len + (crc ? 4 : 0), 4);
    put_le(&b, 5000, 4);
    put_le(&b, flags, 2);
    buf_bytes(&b, body, len);
    if (crc)
        put_le(&b, crc32(0, (const uint8_t *)b.data, (uInt)b.len), 4);
    return b;
}

static struct buf format_of(const char *version, size_t ntypes, uint8_t algorithm)
{
    struct buf body = {0};
    char text[50] = "";
    snprintf(text, sizeof(text), "%s", version);
    put_le(&body, 4, 2);
    buf_bytes(&body, text, sizeof(text));
    put_le(&body, 0, 4);
    buf_u8(&body, 19);
    for (size_t i = 1; i <= ntypes; i++)
        buf_u8(&body, i == MY_TYPE_QUERY ? 13 : i == MY_TYPE_TABLE_MAP ? 8 : i >= 30 && i <= 32 ? 10 : 8);
    buf_u8(&body, algorithm);
    struct buf event = event_of(MY_TYPE_FORMAT_DESCRIPTION, body.data, body.len, 0, true);
    buf_fini(&body);
    return event;
}

static enum sc_result decode(struct my_decoder *d, struct buf event, struct my_event *out)
{
    static char *exact;
    free(exact);
    exact = malloc(event.len);
    memcpy(exact, event.data, event.len);
    enum sc_result result = my_event_decode(d, &arena, exact, event.len, out, &err);
    buf_fini(&event);
    return result;
}

static struct my_decoder decoder(const char *version, uint8_t algorithm)
{
    struct my_decoder d;
    struct my_event event;
    my_decoder_init(&d, false);
    assert_int_equal(decode(&d, format_of(version, 42, algorithm), &event), SC_OK);
    assert_int_equal(event.kind, MY_EVENT_FORMAT);
    return d;
}

static void the_format_tells_the_server_and_the_checksums(void **state)
{
    (void)state;
    struct my_event event;
    struct my_decoder d = decoder("8.0.36-log", 1);
    assert_string_equal(d.version, "8.0.36-log");
    assert_false(d.mariadb);
    assert_int_equal(d.checksum, MY_CHECKSUM_CRC32);
    d = decoder("10.11.8-MariaDB-log", 0);
    assert_true(d.mariadb);
    assert_int_equal(d.checksum, MY_CHECKSUM_NONE);
    assert_int_equal(decode(&d, format_of("8.0.36", 42, 7), &event), SC_FAIL);
    assert_int_equal(decode(&d, format_of("8.0.36", 3, 1), &event), SC_FAIL);
    /* The server marks the file it writes to; the checksum stays. */
    struct buf in_use = format_of("8.0.36", 42, 1);
    in_use.data[17] |= MY_EVENT_FLAG_IN_USE;
    assert_int_equal(decode(&d, in_use, &event), SC_OK);
    in_use = format_of("8.0.36", 42, 1);
    in_use.data[17] |= 2;
    assert_int_equal(decode(&d, in_use, &event), SC_FAIL);
}

static void the_first_rotate_is_taken_with_or_without_a_checksum(void **state)
{
    (void)state;
    struct my_event event;
    for (int crc = 0; crc < 2; crc++) {
        struct my_decoder d;
        my_decoder_init(&d, false);
        assert_int_equal(
            decode(&d, event_of(MY_TYPE_ROTATE, "\4\0\0\0\0\0\0\0binlog.000002", 21, MY_EVENT_FLAG_ARTIFICIAL, crc),
                   &event),
            SC_OK);
        assert_string_equal(event.rotate.file, "binlog.000002");
        assert_true(event.rotate.offset == 4);
        assert_int_equal(decode(&d, event_of(MY_TYPE_XID, "\1\0\0\0\0\0\0\0", 8, 0, crc), &event), SC_FAIL);
    }
}

static void every_type_has_one_fate(void **state)
{
    (void)state;
    size_t count;
    const struct my_event_type *types = my_event_types(&count);
    for (int number = 0; number < 256; number++) {
        const struct my_event_type *type = NULL;
        for (size_t i = 0; i < count; i++)
            if (types[i].type == number)
                type = &types[i];
        struct my_decoder d = decoder("8.0.36", 1);
        struct my_event event;
        enum sc_result result = decode(&d, event_of((uint8_t)number, "", 0, 0, true), &event);
        if (!type || type->deed == MY_DEED_REFUSED) {
            assert_int_equal(result, SC_FAIL);
            assert_non_null(strstr(err.what, type ? type->name : "not known"));
        } else if (type->deed == MY_DEED_SKIPPED) {
            assert_int_equal(result, SC_OK);
            assert_int_equal(event.kind, MY_EVENT_SKIP);
            assert_true(*type->why);
        } else if (result == SC_OK) { /* nothing in it, and yet whole: STOP and such */
            assert_true(event.kind != MY_EVENT_SKIP);
        }
        /* Marked by the server as one that may be ignored: only if it is not known. */
        result = decode(&d, event_of((uint8_t)number, "", 0, MY_EVENT_FLAG_IGNORABLE, true), &event);
        if (!type)
            assert_int_equal(result, SC_OK);
        else if (type->deed == MY_DEED_REFUSED)
            assert_int_equal(result, SC_FAIL);
    }
}

static void a_wrong_checksum_or_length_is_refused(void **state)
{
    (void)state;
    struct my_event event;
    struct my_decoder d = decoder("8.0.36", 1);
    assert_int_equal(decode(&d, event_of(MY_TYPE_XID, "\1\0\0\0\0\0\0\0", 8, 0, true), &event), SC_OK);
    assert_true(event.xid.xid == 1 && event.server_id == 99 && event.timestamp == 1700000000 &&
                event.end_position == 5000);
    struct buf b = event_of(MY_TYPE_XID, "\1\0\0\0\0\0\0\0", 8, 0, true);
    b.data[20] ^= 1;
    assert_int_equal(decode(&d, b, &event), SC_FAIL);
    b = event_of(MY_TYPE_XID, "\1\0\0\0\0\0\0\0", 8, 0, true);
    buf_u8(&b, 0);
    assert_int_equal(decode(&d, b, &event), SC_FAIL);
    b = event_of(MY_TYPE_XID, "\1\0\0\0\0\0\0\0", 8, 0, true);
    b.len = 12;
    assert_int_equal(decode(&d, b, &event), SC_FAIL);
}

static void heartbeats_tell_64_bits_where_they_can(void **state)
{
    (void)state;
    struct my_event event;
    struct my_decoder d = decoder("8.0.36", 0);
    assert_int_equal(decode(&d, event_of(MY_TYPE_HEARTBEAT, "binlog.000003", 13, 0, false), &event), SC_OK);
    assert_true(event.heartbeat.offset == 5000 && !event.heartbeat.wide);
    struct buf body = {0};
    buf_bytes(&body, "\1\15binlog.000003\2\11\376", 18);
    put_le(&body, UINT64_C(0x123456789a), 8);
    buf_u8(&body, 0);
    assert_int_equal(decode(&d, event_of(MY_TYPE_HEARTBEAT_V2, body.data, body.len, 0, false), &event), SC_OK);
    assert_string_equal(event.heartbeat.file, "binlog.000003");
    assert_true(event.heartbeat.wide && event.heartbeat.offset == UINT64_C(0x123456789a));
    assert_int_equal(decode(&d, event_of(MY_TYPE_HEARTBEAT_V2, body.data, body.len - 1, 0, false), &event), SC_FAIL);
    buf_fini(&body);
    /* MariaDB beyond 4 GiB: nothing in the header, the offset in front of the name. */
    d = decoder("10.11.8-MariaDB", 0);
    struct buf b = event_of(MY_TYPE_HEARTBEAT, "\0\0\0\0\7\0\0\0binlog.000003", 21, 0, false);
    memset(b.data + 13, 0, 4);
    assert_int_equal(decode(&d, b, &event), SC_OK);
    assert_string_equal(event.heartbeat.file, "binlog.000003");
    assert_true(event.heartbeat.wide && event.heartbeat.offset == UINT64_C(7) << 32);
}

/* Taken as one of its own, the other family's would be stored as a place that nobody can read. */
static void a_group_s_identifier_of_the_other_family_is_refused(void **state)
{
    (void)state;
    static const uint8_t types[] = {MY_TYPE_GTID, MY_TYPE_ANONYMOUS_GTID, MY_TYPE_GTID_TAGGED, MY_TYPE_MARIADB_GTID};
    static const uint8_t body[32] = {[0] = 1, [17] = 1};
    struct my_event event;
    for (size_t i = 0; i < sizeof(types); i++) {
        struct my_decoder mysql = decoder("8.0.36", 1), mariadb = decoder("10.11.6-MariaDB", 1);
        bool of_mariadb = types[i] == MY_TYPE_MARIADB_GTID;
        struct my_decoder *other = of_mariadb ? &mysql : &mariadb;
        assert_int_equal(decode(other, event_of(types[i], body, sizeof(body), 0, true), &event), SC_FAIL);
        assert_non_null(strstr(err.what, of_mariadb ? "one of MariaDB's" : "one of MySQL's"));
    }
}

static void an_incident_is_told(void **state)
{
    (void)state;
    struct my_event event;
    struct my_decoder d = decoder("8.0.36", 1);
    assert_int_equal(decode(&d, event_of(MY_TYPE_INCIDENT, "\1\0\4lost", 7, 0, true), &event), SC_OK);
    assert_int_equal(event.kind, MY_EVENT_INCIDENT);
    assert_int_equal(event.incident.number, 1);
    assert_string_equal(event.incident.message, "lost");
}

static void a_table_map_of_unknown_types_is_no_business_of_ours_until_its_columns_are_wanted(void **state)
{
    (void)state;
    struct my_event event;
    struct my_log_column *columns;
    struct my_decoder d = decoder("8.0.36", 1);
    static const char body[] = "\5\0\0\0\0\0\1\0\1s\0\1t\0\2\3\167\2\1\2\0";
    assert_int_equal(decode(&d, event_of(MY_TYPE_TABLE_MAP, body, sizeof(body) - 1, 0, true), &event), SC_OK);
    assert_string_equal(event.table_map.table, "t");
    assert_null(event.table_map.metadata);
    assert_int_equal(event.table_map.unknown_type, 0167);
    assert_int_equal(my_columns_build(&event.table_map, NULL, 0, &arena, &columns, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "119"));
}

static void columns_that_differ_from_the_catalog_are_refused(void **state)
{
    (void)state;
    static const uint8_t types[] = {MY_LOG_LONG, MY_LOG_VARCHAR}, nullable[] = {0}, bits[] = {0x80};
    static const uint16_t metadata[] = {0, 40};
    struct my_table_map map = {.schema = "s",
                               .table = "t",
                               .ncolumns = 2,
                               .types = types,
                               .metadata = metadata,
                               .nullable = nullable,
                               .unsigned_bits = bits,
                               .unsigned_len = 1};
    struct my_log_column *columns;
    struct source_column right[] = {{.name = "id", .type = "int(10) unsigned"},
                                    {.name = "name", .type = "varchar(10)"}};
    assert_int_equal(my_columns_build(&map, right, 2, &arena, &columns, &err), SC_OK);
    assert_true(columns[0].is_unsigned);
    assert_int_equal(my_columns_build(&map, right, 1, &arena, &columns, &err), SC_FAIL);
    struct source_column is_signed[] = {{.name = "id", .type = "int"}, {.name = "name", .type = "varchar(10)"}};
    assert_int_equal(my_columns_build(&map, is_signed, 2, &arena, &columns, &err), SC_FAIL);
    struct source_column other[] = {{.name = "id", .type = "int unsigned"}, {.name = "name", .type = "text"}};
    assert_int_equal(my_columns_build(&map, other, 2, &arena, &columns, &err), SC_FAIL);
    struct source_column unknown[] = {{.name = "id", .type = "int unsigned"}, {.name = "name", .type = "frob(3)"}};
    assert_int_equal(my_columns_build(&map, unknown, 2, &arena, &columns, &err), SC_FAIL);
    map.unsigned_bits = NULL; /* the log is silent: the catalog decides, and without one nobody can */
    assert_int_equal(my_columns_build(&map, is_signed, 2, &arena, &columns, &err), SC_OK);
    assert_false(columns[0].is_unsigned);
    assert_int_equal(my_columns_build(&map, NULL, 0, &arena, &columns, &err), SC_FAIL);
    struct my_table_map *kept = my_table_map_copy(&map, &arena);
    assert_true(my_columns_same(&map, kept));
    map.unsigned_bits = bits;
    assert_false(my_columns_same(&map, kept));
}

/* --- compression --- */

static void a_compressed_body_never_costs_more_than_it_can_hold(void **state)
{
    (void)state;
    const char *problem;
    size_t len;
    struct buf b = {0};
    uint8_t packed[200];
    uLongf packed_len = sizeof(packed);
    char text[5000];
    memset(text, 'x', sizeof(text));
    assert_int_equal(compress(packed, &packed_len, (const uint8_t *)text, sizeof(text)), Z_OK);
    buf_u8(&b, 0x82);
    buf_u16(&b, sizeof(text));
    buf_bytes(&b, packed, packed_len);
    const uint8_t *out = my_inflate(&arena, (const uint8_t *)b.data, b.len, &len, &problem);
    assert_non_null(out);
    assert_int_equal(len, sizeof(text));
    assert_memory_equal(out, text, len);
    assert_null(my_inflate(&arena, (const uint8_t *)b.data, b.len - 1, &len, &problem));
    b.data[2]++;
    assert_null(my_inflate(&arena, (const uint8_t *)b.data, b.len, &len, &problem));
    static const uint8_t liar[] = {0x84, 0x3f, 0xff, 0xff, 0xff, 0x78, 0x9c, 3, 0, 0, 0, 0, 1};
    assert_null(my_inflate(&arena, liar, sizeof(liar), &len, &problem));
    assert_non_null(strstr(problem, "claims"));
    static const uint8_t other[] = {0x91, 0, 0};
    assert_null(my_inflate(&arena, other, sizeof(other), &len, &problem));
    buf_fini(&b);
}

static void a_payload_is_given_out_event_by_event(void **state)
{
    (void)state;
    /* 64 MiB of events in a few kilobytes: only one of them is ever in memory. */
    enum { EVENTS = 1024, BODY = 65536 - 19 };
    struct buf one;
    char *body = mem_alloc(BODY);
    memset(body, 'x', BODY);
    one = event_of(MY_TYPE_ROWS_QUERY, body, BODY, 0, false);
    ZSTD_CCtx *z = ZSTD_createCCtx();
    struct buf packed = {0};
    for (int i = 0; i <= EVENTS; i++) {
        char piece[1 << 12];
        ZSTD_inBuffer in = {one.data, i < EVENTS ? one.len : 0, 0};
        size_t left;
        do {
            ZSTD_outBuffer out = {piece, sizeof(piece), 0};
            left = ZSTD_compressStream2(z, &out, &in, i < EVENTS ? ZSTD_e_continue : ZSTD_e_end);
            assert_false(ZSTD_isError(left));
            buf_bytes(&packed, piece, out.pos);
        } while (in.pos < in.size || (i == EVENTS && left));
    }
    ZSTD_freeCCtx(z);
    assert_true(packed.len < 100000);
    struct my_payload_event event = {.compression = MY_PAYLOAD_ZSTD,
                                     .uncompressed_len = (uint64_t)EVENTS * one.len,
                                     .data = (const uint8_t *)packed.data,
                                     .len = packed.len};
    struct my_payload *p;
    const uint8_t *data;
    size_t len;
    assert_int_equal(my_payload_open(&event, &p, &err), SC_OK);
    for (int i = 0; i < EVENTS; i++) {
        assert_int_equal(my_payload_next(p, &data, &len, &err), SC_OK);
        assert_int_equal(len, one.len);
        assert_memory_equal(data, one.data, len);
    }
    assert_int_equal(my_payload_next(p, &data, &len, &err), SC_OK);
    assert_null(data);
    my_payload_close(p);
    /* Cut off, or of another length than it says: never taken for whole. */
    event.len -= 3;
    assert_int_equal(my_payload_open(&event, &p, &err), SC_OK);
    enum sc_result result;
    do {
        result = my_payload_next(p, &data, &len, &err);
    } while (result == SC_OK && data);
    assert_int_equal(result, SC_FAIL);
    my_payload_close(p);
    event.len += 3;
    event.uncompressed_len++;
    assert_int_equal(my_payload_open(&event, &p, &err), SC_OK);
    do {
        result = my_payload_next(p, &data, &len, &err);
    } while (result == SC_OK && data);
    assert_int_equal(result, SC_FAIL);
    my_payload_close(p);
    event.compression = (enum my_payload_compression)7;
    assert_int_equal(my_payload_open(&event, &p, &err), SC_FAIL);
    assert_null(p);
    /* Not compressed at all. */
    event = (struct my_payload_event){MY_PAYLOAD_PLAIN, one.len, (const uint8_t *)one.data, one.len};
    assert_int_equal(my_payload_open(&event, &p, &err), SC_OK);
    assert_int_equal(my_payload_next(p, &data, &len, &err), SC_OK);
    assert_memory_equal(data, one.data, one.len);
    assert_int_equal(my_payload_next(p, &data, &len, &err), SC_OK);
    assert_null(data);
    my_payload_close(p);
    buf_fini(&one);
    buf_fini(&packed);
    mem_free(body);
}

/* --- rows --- */

static void images_tell_what_they_leave_out(void **state)
{
    (void)state;
    static const uint8_t before[] = {0x1}, after[] = {0x6};
    static const struct my_log_column columns[3] = {
        {.type = MY_LOG_TINY}, {.type = MY_LOG_TINY}, {.type = MY_LOG_TINY}};
    static const uint8_t bytes[] = {0, 5, 1, 7};
    struct my_rows_event event = {.op = MY_ROWS_UPDATE,
                                  .ncolumns = 3,
                                  .before = before,
                                  .after = after,
                                  .rows = bytes,
                                  .rows_len = sizeof(bytes)};
    struct my_rows rows;
    struct my_row row;
    bool more;
    const char *image;
    assert_int_equal(my_rows_begin(&rows, &event, columns, 3, &err), SC_OK);
    assert_int_equal(my_rows_next(&rows, &arena, &row, &more, &err), SC_OK);
    assert_true(more);
    assert_string_equal(row.before[0].data, "5");
    assert_int_equal(row.before[1].state, VALUE_ABSENT);
    assert_int_equal(row.after[0].state, VALUE_ABSENT);
    assert_int_equal(row.after[1].state, VALUE_NULL);
    assert_string_equal(row.after[2].data, "7");
    assert_int_equal(my_rows_next(&rows, &arena, &row, &more, &err), SC_OK);
    assert_false(more);
    assert_int_equal(my_rows_missing(&event, 0, &image), 0);
    assert_string_equal(image, "after");
    assert_int_equal(my_rows_missing(&event, 1, &image), 1);
    assert_string_equal(image, "before");
    assert_int_equal(my_rows_begin(&rows, &event, columns, 2, &err), SC_FAIL);
    event.rows_len--;
    assert_int_equal(my_rows_begin(&rows, &event, columns, 3, &err), SC_OK);
    assert_int_equal(my_rows_next(&rows, &arena, &row, &more, &err), SC_FAIL);
}

static void an_image_of_no_columns_does_not_go_on_for_ever(void **state)
{
    (void)state;
    static const uint8_t none[] = {0}, bytes[] = {1, 2, 3};
    static const struct my_log_column columns[1] = {{.type = MY_LOG_TINY}};
    struct my_rows_event event = {.op = MY_ROWS_INSERT, .ncolumns = 1, .after = none, .rows = bytes, .rows_len = 3};
    struct my_rows rows;
    struct my_row row;
    bool more;
    assert_int_equal(my_rows_begin(&rows, &event, columns, 1, &err), SC_OK);
    assert_int_equal(my_rows_next(&rows, &arena, &row, &more, &err), SC_FAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_format_tells_the_server_and_the_checksums, clean),
        cmocka_unit_test_teardown(the_first_rotate_is_taken_with_or_without_a_checksum, clean),
        cmocka_unit_test_teardown(every_type_has_one_fate, clean),
        cmocka_unit_test_teardown(a_wrong_checksum_or_length_is_refused, clean),
        cmocka_unit_test_teardown(heartbeats_tell_64_bits_where_they_can, clean),
        cmocka_unit_test_teardown(a_group_s_identifier_of_the_other_family_is_refused, clean),
        cmocka_unit_test_teardown(an_incident_is_told, clean),
        cmocka_unit_test_teardown(a_table_map_of_unknown_types_is_no_business_of_ours_until_its_columns_are_wanted,
                                  clean),
        cmocka_unit_test_teardown(columns_that_differ_from_the_catalog_are_refused, clean),
        cmocka_unit_test_teardown(a_compressed_body_never_costs_more_than_it_can_hold, clean),
        cmocka_unit_test_teardown(a_payload_is_given_out_event_by_event, clean),
        cmocka_unit_test_teardown(images_tell_what_they_leave_out, clean),
        cmocka_unit_test_teardown(an_image_of_no_columns_does_not_go_on_for_ever, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
