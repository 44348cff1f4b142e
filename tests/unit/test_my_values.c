/* Values of row events of MySQL and MariaDB: the text of every type, at its edges, and nothing out of bytes that are
 * not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "cdc/mysql/types.h"
#include "cdc/mysql/values.h"

static struct arena arena;

static int nothing_left(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static size_t bytes_of(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        unsigned v;
        assert_int_equal(sscanf(hex, "%2x", &v), 1);
        out[n++] = (uint8_t)v;
        hex++;
    }
    return n;
}

/* Reads from memory of exactly the value's size, so that a sanitizer sees a read beyond it. */
static bool read_exact(const struct my_log_column *c, const uint8_t *data, size_t len, struct value *out,
                       const char **problem, size_t *left)
{
    uint8_t *exact = malloc(len ? len : 1);
    if (len)
        memcpy(exact, data, len);
    struct reader r = reader_of(exact, len);
    bool ok = my_value_read(&r, c, &arena, out, problem);
    *left = reader_left(&r);
    free(exact);
    return ok;
}

static void expect_bytes(struct my_log_column c, const char *hex, const void *want, size_t want_len)
{
    uint8_t data[4096];
    struct value v;
    const char *problem;
    size_t left, len = bytes_of(hex, data);
    if (!read_exact(&c, data, len, &v, &problem, &left))
        fail_msg("%s is not read: %s", hex, problem ? problem : "too short");
    assert_int_equal(left, 0);
    assert_int_equal(v.state, VALUE_PRESENT);
    if (v.len != want_len || memcmp(v.data, want, want_len) != 0)
        fail_msg("%s is read as %.*s, not as %.*s", hex, (int)v.len, v.data, (int)want_len, (const char *)want);
    assert_int_equal(v.data[v.len], 0);
    for (size_t cut = 0; cut < len; cut++)
        assert_false(read_exact(&c, data, cut, &v, &problem, &left));
}

static void expect(uint8_t type, uint16_t metadata, const char *hex, const char *want)
{
    expect_bytes((struct my_log_column){.type = type, .metadata = metadata}, hex, want, strlen(want));
}

static void expect_unsigned(uint8_t type, const char *hex, const char *want)
{
    expect_bytes((struct my_log_column){.type = type, .is_unsigned = true}, hex, want, strlen(want));
}

static void refused(struct my_log_column c, const char *hex)
{
    uint8_t data[256];
    struct value v;
    const char *problem;
    size_t left, len = bytes_of(hex, data);
    assert_false(read_exact(&c, data, len, &v, &problem, &left));
    assert_non_null(problem);
}

static void integers_of_every_size_have_their_sign(void **state)
{
    (void)state;
    expect(MY_LOG_TINY, 0, "80", "-128");
    expect(MY_LOG_TINY, 0, "7f", "127");
    expect_unsigned(MY_LOG_TINY, "ff", "255");
    expect(MY_LOG_SHORT, 0, "0080", "-32768");
    expect_unsigned(MY_LOG_SHORT, "ffff", "65535");
    expect(MY_LOG_INT24, 0, "000080", "-8388608");
    expect(MY_LOG_INT24, 0, "ffff7f", "8388607");
    expect_unsigned(MY_LOG_INT24, "ffffff", "16777215");
    expect(MY_LOG_LONG, 0, "00000080", "-2147483648");
    expect(MY_LOG_LONG, 0, "ffffffff", "-1");
    expect_unsigned(MY_LOG_LONG, "ffffffff", "4294967295");
    expect(MY_LOG_LONGLONG, 0, "0000000000000080", "-9223372036854775808");
    expect(MY_LOG_LONGLONG, 0, "ffffffffffffff7f", "9223372036854775807");
    expect_unsigned(MY_LOG_LONGLONG, "ffffffffffffffff", "18446744073709551615");
    expect(MY_LOG_LONG, 0, "00000000", "0");
}

static void floats_have_the_shortest_text_that_reads_back_to_the_same_bits(void **state)
{
    (void)state;
    expect(MY_LOG_FLOAT, 4, "cdcccc3d", "0.1");
    expect(MY_LOG_FLOAT, 4, "00000080", "-0");
    expect(MY_LOG_FLOAT, 4, "00000000", "0");
    expect(MY_LOG_FLOAT, 4, "ffff7f7f", "3.402823466e+38");
    expect(MY_LOG_FLOAT, 4, "01000000", "1.4013e-45");
    expect(MY_LOG_FLOAT, 4, "0000804b", "16777216");
    expect(MY_LOG_DOUBLE, 8, "9a9999999999b93f", "0.1");
    expect(MY_LOG_DOUBLE, 8, "333333333333d33f", "0.3");
    expect(MY_LOG_DOUBLE, 8, "343333333333d33f", "0.30000000000000004");
    expect(MY_LOG_DOUBLE, 8, "ffffffffffffef7f", "1.7976931348623157e+308");
    expect(MY_LOG_DOUBLE, 8, "0100000000000000", "5e-324");
    expect(MY_LOG_DOUBLE, 8, "0000000000000080", "-0");
    expect(MY_LOG_DOUBLE, 8, "00000000000010c0", "-4");
    expect(MY_LOG_DOUBLE, 8, "0000000000004043", "9007199254740992");
    refused((struct my_log_column){.type = MY_LOG_FLOAT}, "0000807f");
    refused((struct my_log_column){.type = MY_LOG_DOUBLE}, "000000000000f87f");
}

static void every_double_reads_back_to_the_same_bits(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        double want;
        float want_float;
        uint32_t bits = (uint32_t)seed;
        memcpy(&want, &seed, sizeof(want));
        memcpy(&want_float, &bits, sizeof(want_float));
        struct value v;
        const char *problem;
        size_t left;
        if ((seed >> 52 & 0x7ff) != 0x7ff) {
            assert_true(
                read_exact(&(struct my_log_column){.type = MY_LOG_DOUBLE}, (uint8_t *)&seed, 8, &v, &problem, &left));
            assert_true(strtod(v.data, NULL) == want);
        }
        if ((bits >> 23 & 0xff) != 0xff) {
            assert_true(
                read_exact(&(struct my_log_column){.type = MY_LOG_FLOAT}, (uint8_t *)&bits, 4, &v, &problem, &left));
            assert_true((float)strtod(v.data, NULL) == want_float);
        }
    }
}

static void decimals_keep_all_their_digits(void **state)
{
    (void)state;
    expect(MY_LOG_NEWDECIMAL, 10 << 8 | 2, "80000000 00", "0.00");
    expect(MY_LOG_NEWDECIMAL, 14 << 8 | 4, "810dfb38d204d2", "1234567890.1234");
    expect(MY_LOG_NEWDECIMAL, 14 << 8 | 4, "7ef204c72dfb2d", "-1234567890.1234");
    expect(MY_LOG_NEWDECIMAL, 4 << 8 | 4, "a6ab", "0.9899");
    expect(MY_LOG_NEWDECIMAL, 4 << 8 | 4, "5954", "-0.9899");
    expect(MY_LOG_NEWDECIMAL, 1 << 8, "85", "5");
    expect(MY_LOG_NEWDECIMAL, 18 << 8 | 9, "80000001 00000001", "1.000000001");
    expect(MY_LOG_NEWDECIMAL, 65 << 8 | 30, "85f5e0ff 3b9ac9ff 3b9ac9ff 3b9ac9ff  3b9ac9ff 3b9ac9ff 3b9ac9ff 03e7",
           "99999999999999999999999999999999999.999999999999999999999999999999");
    refused((struct my_log_column){.type = MY_LOG_NEWDECIMAL, .metadata = 9 << 8}, "ffffffff");
    refused((struct my_log_column){.type = MY_LOG_NEWDECIMAL, .metadata = 66 << 8}, "80");
    refused((struct my_log_column){.type = MY_LOG_NEWDECIMAL, .metadata = 0}, "80");
}

static void years_bits_enums_and_sets_are_numbers(void **state)
{
    (void)state;
    expect(MY_LOG_YEAR, 0, "00", "0");
    expect(MY_LOG_YEAR, 0, "01", "1901");
    expect(MY_LOG_YEAR, 0, "ff", "2155");
    expect(MY_LOG_BIT, 0x0001, "01", "1");
    expect(MY_LOG_BIT, 0x0104, "0fff", "4095");
    expect(MY_LOG_BIT, 0x0800, "ffffffffffffffff", "18446744073709551615");
    expect(MY_LOG_STRING, MY_LOG_ENUM << 8 | 1, "03", "3");
    expect(MY_LOG_STRING, MY_LOG_ENUM << 8 | 2, "2c01", "300");
    expect(MY_LOG_STRING, MY_LOG_SET << 8 | 8, "0000000000000080", "9223372036854775808");
    expect(MY_LOG_ENUM, MY_LOG_ENUM << 8 | 1, "00", "0");
    expect(MY_LOG_SET, 1, "05", "5");
    refused((struct my_log_column){.type = MY_LOG_BIT, .metadata = 0}, "00");
    refused((struct my_log_column){.type = MY_LOG_ENUM, .metadata = 3}, "000000");
}

static void dates_may_be_zero_or_half_zero(void **state)
{
    (void)state;
    expect(MY_LOG_DATE, 0, "000000", "0000-00-00");
    expect(MY_LOG_DATE, 0, "9fd50f", "2026-12-31");
    expect(MY_LOG_DATE, 0, "00d40f", "2026-00-00");
    expect(MY_LOG_NEWDATE, 0, "9f1f4e", "9999-12-31");
    refused((struct my_log_column){.type = MY_LOG_DATE}, "ffffff");
}

static void times_may_be_negative_and_have_fractions(void **state)
{
    (void)state;
    expect(MY_LOG_TIME2, 0, "800000", "00:00:00");
    expect(MY_LOG_TIME2, 0, "b46efb", "838:59:59");
    expect(MY_LOG_TIME2, 0, "4b9105", "-838:59:59");
    expect(MY_LOG_TIME2, 1, "8000000a", "00:00:00.1");
    expect(MY_LOG_TIME2, 3, "8000012706", "00:00:01.999");
}

static void negative_fractions_borrow_from_the_second(void **state)
{
    (void)state;
    /* MySQL source, my_time.cc: 7FFFFF.FF is -00:00:00.01, 7FFFFE.9D is -00:00:01.99 in two digits */
    expect(MY_LOG_TIME2, 2, "7fffffff", "-00:00:00.01");
    expect(MY_LOG_TIME2, 2, "7fffff9d", "-00:00:00.99");
    expect(MY_LOG_TIME2, 2, "7fffff00", "-00:00:01.00");
    expect(MY_LOG_TIME2, 2, "7ffffeff", "-00:00:01.01");
    expect(MY_LOG_TIME2, 2, "7ffffef6", "-00:00:01.10");
    expect(MY_LOG_TIME2, 2, "80000001", "00:00:00.01");
    expect(MY_LOG_TIME2, 1, "7ffffff6", "-00:00:00.1");
    expect(MY_LOG_TIME2, 3, "7ffffffff6", "-00:00:00.001");
    expect(MY_LOG_TIME2, 4, "7fffffffff", "-00:00:00.0001");
    expect(MY_LOG_TIME2, 6, "7fffffffffff", "-00:00:00.000001");
    expect(MY_LOG_TIME2, 6, "8000000f423f", "00:00:00.999999");
    refused((struct my_log_column){.type = MY_LOG_TIME2}, "ffffff");
    refused((struct my_log_column){.type = MY_LOG_TIME2, .metadata = 7}, "800000000000");
}

static void datetimes_have_their_fraction_digits(void **state)
{
    (void)state;
    expect(MY_LOG_DATETIME2, 0, "8000000000", "0000-00-00 00:00:00");
    expect(MY_LOG_DATETIME2, 6, "fef3ff7efb0f423f", "9999-12-31 23:59:59.999999");
    expect(MY_LOG_DATETIME2, 3, "99b8f2a0001388", "2026-01-25 10:00:00.500");
    expect(MY_LOG_DATETIME2, 0, "99b8800000", "2026-00-00 00:00:00");
    refused((struct my_log_column){.type = MY_LOG_DATETIME2}, "0000000000");
}

static void timestamps_are_utc_and_nothing_is_the_zero_date(void **state)
{
    (void)state;
    expect(MY_LOG_TIMESTAMP2, 0, "00000000", "0000-00-00 00:00:00");
    expect(MY_LOG_TIMESTAMP2, 3, "000000000000", "0000-00-00 00:00:00.000");
    expect(MY_LOG_TIMESTAMP2, 0, "00000001", "1970-01-01 00:00:01");
    expect(MY_LOG_TIMESTAMP2, 6, "7fffffff0f423f", "2038-01-19 03:14:07.999999");
    expect(MY_LOG_TIMESTAMP2, 0, "ffffffff", "2106-02-07 06:28:15");
    expect(MY_LOG_TIMESTAMP2, 1, "386d437f0a", "1999-12-31 23:59:59.1");
    expect(MY_LOG_TIMESTAMP2, 0, "386d4380", "2000-01-01 00:00:00");
    expect(MY_LOG_TIMESTAMP2, 0, "38bb6060", "2000-02-29 06:00:00");
    refused((struct my_log_column){.type = MY_LOG_TIMESTAMP2, .metadata = 2}, "00000001ff");
}

static struct my_log_column old_form(uint8_t type, uint32_t digits)
{
    return (struct my_log_column){.type = type, .length = digits};
}

static void expect_old(uint8_t type, uint32_t digits, const char *hex, const char *want)
{
    expect_bytes(old_form(type, digits), hex, want, strlen(want));
}

static void the_old_forms_of_times_are_read_too(void **state)
{
    (void)state;
    expect_old(MY_LOG_TIME, 0, "000000", "00:00:00");
    expect_old(MY_LOG_TIME, 0, "590a80", "-838:59:59");
    expect_old(MY_LOG_DATETIME, 0, "0000000000000000", "0000-00-00 00:00:00");
    expect_old(MY_LOG_DATETIME, 0, "7787d105f15a0000", "9999-12-31 23:59:59");
    expect_old(MY_LOG_TIMESTAMP, 0, "ffffff7f", "2038-01-19 03:14:07");
    expect_old(MY_LOG_TIMESTAMP, 2, "7fffffff63", "2038-01-19 03:14:07.99");
    expect_old(MY_LOG_TIMESTAMP, 6, "000000000000 00", "0000-00-00 00:00:00.000000");
    expect_old(MY_LOG_TIME, 6, "057e7bbcf7ff", "838:59:59.999999");
    expect_old(MY_LOG_TIME, 2, "00000001", "-838:59:59.99");
    expect_old(MY_LOG_TIME, 1, "01cce05f", "-00:00:00.1");
    expect_old(MY_LOG_DATETIME, 6, "04fcee3943bfffff", "9999-12-31 23:59:59.999999");
    expect_old(MY_LOG_DATETIME, 1, "00a98bafc005", "2026-00-00 00:00:00.5");
    refused(old_form(MY_LOG_TIMESTAMP, 1), "000000010a");
    refused(old_form(MY_LOG_TIME, 7), "00000000000000");
}

static void text_is_the_bytes_of_its_length(void **state)
{
    (void)state;
    expect(MY_LOG_VARCHAR, 255, "03616263", "abc");
    expect(MY_LOG_VARCHAR, 256, "0300616263", "abc");
    expect(MY_LOG_VARCHAR, 10, "00", "");
    expect(MY_LOG_STRING, MY_LOG_STRING << 8 | 40, "0261c3", "a\xc3");
    /* CHAR(200) utf8mb4: 800 bytes, so bits 8 and 9 of the length are in the type, inverted: 0xfe ^ 0x30 = 0xce */
    expect(MY_LOG_STRING, 0xce << 8 | 0x20, "0200 6162", "ab");
    expect(MY_LOG_STRING, 0xee << 8 | 0x00, "0100 61", "a"); /* 256 bytes */
    expect(MY_LOG_BLOB, 1, "0161", "a");
    expect(MY_LOG_BLOB, 2, "010061", "a");
    expect(MY_LOG_BLOB, 3, "01000061", "a");
    expect(MY_LOG_BLOB, 4, "0100000061", "a");
    expect(MY_LOG_JSON, 4, "02000000 0401", "\x04\x01");
}

static void blobs_may_hold_zeros_and_are_never_read_beyond_the_row(void **state)
{
    (void)state;
    expect_bytes((struct my_log_column){.type = MY_LOG_GEOMETRY, .metadata = 4}, "030000000001 00", "\0\1\0", 3);
    expect_bytes((struct my_log_column){.type = MY_LOG_VECTOR, .metadata = 4}, "04000000 0000803f", "\0\0\x80\x3f", 4);
    struct value v;
    const char *problem;
    size_t left;
    uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0};
    assert_false(read_exact(&(struct my_log_column){.type = MY_LOG_BLOB, .metadata = 4}, huge, sizeof(huge), &v,
                            &problem, &left));
    refused((struct my_log_column){.type = MY_LOG_BLOB, .metadata = 5}, "0000000000");
    refused((struct my_log_column){.type = MY_LOG_NULL}, "00");
    refused((struct my_log_column){.type = 200}, "00");
}

static void binary_is_filled_up_with_zeros(void **state)
{
    (void)state;
    struct my_log_column c = {
        .type = MY_LOG_STRING, .metadata = MY_LOG_STRING << 8 | 4, .is_binary = true, .length = 4};
    expect_bytes(c, "026162", "ab\0\0", 4);
    expect_bytes(c, "00", "\0\0\0\0", 4);
    expect_bytes(c, "0461620063", "ab\0c", 4);
}

static struct my_log_column fixed(enum my_family_type kind, uint16_t length)
{
    return (struct my_log_column){.type = MY_LOG_STRING,
                                  .metadata = (uint16_t)(MY_LOG_STRING << 8 | length),
                                  .is_binary = true,
                                  .length = length,
                                  .kind = kind};
}

static void expect_fixed(enum my_family_type kind, uint16_t length, const char *hex, const char *want)
{
    expect_bytes(fixed(kind, length), hex, want, strlen(want));
}

static void uuids_of_the_first_versions_are_kept_in_reverse(void **state)
{
    (void)state;
    expect_fixed(MY_TYPE_UUID, 16, "10 665544330000 a716 41d4 e29b 550e8400", "550e8400-e29b-41d4-a716-665544330000");
    expect_fixed(MY_TYPE_UUID, 16, "10 018bcfe56800 7000 8000 000000000001", "018bcfe5-6800-7000-8000-000000000001");
    expect_fixed(MY_TYPE_UUID, 16, "00", "00000000-0000-0000-0000-000000000000");
    expect_fixed(MY_TYPE_UUID_OLD, 16, "10 000000000001 8000 7000 6800 018bcfe5",
                 "018bcfe5-6800-7000-8000-000000000001");
    refused(fixed(MY_TYPE_UUID, 16), "11 0000000000000000000000000000000000");
}

static void addresses_have_their_text(void **state)
{
    (void)state;
    expect_fixed(MY_TYPE_INET4, 4, "04c0a80001", "192.168.0.1");
    expect_fixed(MY_TYPE_INET4, 4, "010a", "10.0.0.0");
    expect_fixed(MY_TYPE_INET6, 16, "1020010db8000000000000000000000001", "2001:db8::1");
    expect_fixed(MY_TYPE_INET6, 16, "00", "::");
    expect_fixed(MY_TYPE_INET6, 16, "10 00000000000000000000ffff c0a80001", "::ffff:192.168.0.1");
    refused(fixed(MY_TYPE_INET4, 4), "05 0102030405");
}

static void compressed_columns_are_inflated(void **state)
{
    (void)state;
    static char text[70000];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 23);
    static uint8_t packed[80000];
    uLongf size = sizeof(packed) - 8;
    assert_int_equal(compress(packed + 8, &size, (Bytef *)text, sizeof(text)), Z_OK);
    uint8_t *event = packed + 0;
    uint32_t len = (uint32_t)size + 4;
    event[0] = (uint8_t)len;
    event[1] = (uint8_t)(len >> 8);
    event[2] = (uint8_t)(len >> 16);
    event[3] = (uint8_t)(len >> 24);
    event[4] = 0x83;
    event[5] = (uint8_t)(sizeof(text) >> 16);
    event[6] = (uint8_t)(sizeof(text) >> 8);
    event[7] = (uint8_t)sizeof(text);
    struct my_log_column c = {.type = MY_LOG_BLOB_COMPRESSED, .metadata = 4};
    struct value v;
    const char *problem;
    size_t left;
    assert_true(read_exact(&c, packed, size + 8, &v, &problem, &left));
    assert_int_equal(v.len, sizeof(text));
    assert_memory_equal(v.data, text, sizeof(text));

    packed[7]++; /* one byte more than there is */
    assert_false(read_exact(&c, packed, size + 8, &v, &problem, &left));
    packed[5] = 0xff; /* more than so few bytes can hold */
    assert_false(read_exact(&c, packed, size + 8, &v, &problem, &left));
    assert_non_null(problem);

    expect(MY_LOG_VARCHAR_COMPRESSED, 255, "0400616263", "abc");
    expect(MY_LOG_VARCHAR_COMPRESSED, 300, "0000", "");
    refused((struct my_log_column){.type = MY_LOG_VARCHAR_COMPRESSED, .metadata = 10}, "03 90 00 00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(integers_of_every_size_have_their_sign, nothing_left),
        cmocka_unit_test_teardown(floats_have_the_shortest_text_that_reads_back_to_the_same_bits, nothing_left),
        cmocka_unit_test_teardown(every_double_reads_back_to_the_same_bits, nothing_left),
        cmocka_unit_test_teardown(decimals_keep_all_their_digits, nothing_left),
        cmocka_unit_test_teardown(years_bits_enums_and_sets_are_numbers, nothing_left),
        cmocka_unit_test_teardown(dates_may_be_zero_or_half_zero, nothing_left),
        cmocka_unit_test_teardown(times_may_be_negative_and_have_fractions, nothing_left),
        cmocka_unit_test_teardown(negative_fractions_borrow_from_the_second, nothing_left),
        cmocka_unit_test_teardown(datetimes_have_their_fraction_digits, nothing_left),
        cmocka_unit_test_teardown(timestamps_are_utc_and_nothing_is_the_zero_date, nothing_left),
        cmocka_unit_test_teardown(the_old_forms_of_times_are_read_too, nothing_left),
        cmocka_unit_test_teardown(text_is_the_bytes_of_its_length, nothing_left),
        cmocka_unit_test_teardown(blobs_may_hold_zeros_and_are_never_read_beyond_the_row, nothing_left),
        cmocka_unit_test_teardown(binary_is_filled_up_with_zeros, nothing_left),
        cmocka_unit_test_teardown(uuids_of_the_first_versions_are_kept_in_reverse, nothing_left),
        cmocka_unit_test_teardown(addresses_have_their_text, nothing_left),
        cmocka_unit_test_teardown(compressed_columns_are_inflated, nothing_left),
    };
    return cmocka_run_group_tests_name("values of MySQL and MariaDB", tests, NULL, NULL);
}
