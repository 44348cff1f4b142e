/* MySQL's binary JSON: printed, rebuilt, changed, and never believed. The documents are as MySQL 9.7 wrote them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/mysql/json.h"

static struct buf bytes(const char *hex)
{
    struct buf b = {0};
    for (; *hex; hex += 2) {
        unsigned v;
        while (*hex == ' ')
            hex++;
        assert_int_equal(sscanf(hex, "%2x", &v), 1);
        buf_u8(&b, (uint8_t)v);
    }
    return b;
}

/* Memory of exactly the document's size, so that a sanitizer sees a read beyond it. */
static void *exact(const struct buf *b, size_t len)
{
    void *p = malloc(len ? len : 1);
    if (len)
        memcpy(p, b->data, len);
    return p;
}

static void prints(const char *hex, const char *want)
{
    struct buf document = bytes(hex), text = {0};
    void *data = exact(&document, document.len);
    assert_true(my_json_valid(data, document.len));
    assert_true(my_json_text(&text, data, document.len));
    assert_string_equal(buf_cstr(&text), want);
    free(data);
    buf_fini(&document);
    buf_fini(&text);
}

static void rebuilt(const char *hex, const char *want)
{
    struct buf document = bytes(hex), sql = {0};
    const char *problem;
    void *data = exact(&document, document.len);
    buf_str(&sql, "(");
    bool ok = my_json_expression(&sql, data, document.len, &problem);
    if (want) {
        if (!ok)
            fail_msg("%s: %s", hex, problem);
        assert_string_equal(buf_cstr(&sql) + 1, want);
        assert_int_equal(sql.len, strlen(want) + 1);
        assert_null(problem);
    } else {
        assert_false(ok);
        assert_non_null(problem);
    }
    free(data);
    buf_fini(&document);
    buf_fini(&sql);
}

static void documents_are_printed_as_the_server_prints_them(void **state)
{
    (void)state;
    prints("", "null");
    prints("0400", "null");
    prints("0401", "true");
    prints("0402", "false");
    prints("0200000400", "[]");
    prints("0000000400", "{}");
    prints("0C00", "\"\"");
    prints("0900F2052A01000000", "5000000000");
    prints("000200320012000000120001000400000213006103001F000501000B0D000C150000000000000004400969742773200A20C3B6",
           "{\"\": null, \"a\": [1, 2.5, \"it's \\n \xc3\xb6\"]}");
    prints("0206002E0005010005FFFF071600071A00091E00092600FFFF00000000FFFFFFFFFFFF00000000000EFAD5FEFFFFFF",
           "[1, -1, 65535, -65536, 4294967295, -5000000000]");
    prints("0205003B000B13000B1B000B23000B2B000B33009A9999999999B93F9C7500883CE4377E0000000000000080010000000000000"
           "0DABC047E3AC51A44",
           "[0.1, 1e300, -0.0, 5e-324, 1.2345678901234568e20]");
    prints("02030025000A0D000A1500091D00FFFFFFFFFFFFFFFF00000000000000800000000000000080",
           "[18446744073709551615, 9223372036854775808, -9223372036854775808]");
    prints("0003003B00190001001A0001001B0002000F1D000F27000F3100647464740A080000000000BAB2190B08E05EF8FF5FFFFFFF0C08010"
           "00000A0BAB219",
           "{\"d\": \"2024-02-29\", \"t\": \"-10:00:00.500000\", \"dt\": \"2024-02-29 10:00:00.000001\"}");
    prints("02030024000F0D000F16000B1C00F6070B028000000132F6040201800172F88FE3C4626ECD", "[1.50, 0.1, -1e65]");
    prints("0204001C000F10000F14000F17000F19000F02FF000F01610F000F0105",
           "[\"base64:type15:/wA=\", \"base64:type15:YQ==\", \"base64:type15:\", \"base64:type15:BQ==\"]");
}

static void doubles_are_never_printed_like_integers(void **state)
{
    (void)state;
    prints("0B000000000000F03F", "1.0");
    prints("0B0000000000000000", "0.0");
    prints("0B000000000000F0BF", "-1.0");
    prints("0B00FF2F9112D5CF42", "69999999999998.0");
}

static void text_is_used_for_what_it_keeps(void **state)
{
    (void)state;
    rebuilt("0400", "CAST(_utf8mb4'null' AS JSON)");
    rebuilt("0000000400", "CAST(_utf8mb4'{}' AS JSON)");
    rebuilt("0206002E0005010005FFFF071600071A00091E00092600FFFF00000000FFFFFFFFFFFF00000000000EFAD5FEFFFFFF",
            "CAST(_utf8mb4'[1, -1, 65535, -65536, 4294967295, -5000000000]' AS JSON)");
    rebuilt("02030025000A0D000A1500091D00FFFFFFFFFFFFFFFF00000000000000800000000000000080",
            "CAST(_utf8mb4'[18446744073709551615, 9223372036854775808, -9223372036854775808]' AS JSON)");
    rebuilt("000200320012000000120001000400000213006103001F000501000B0D000C150000000000000004400969742773200A20C3B6",
            "CAST(_utf8mb4 X'7B22223A206E756C6C2C202261223A205B312C20322E352C202269742773205C6E20C3B6225D7D' AS JSON)");
}

static void what_text_does_not_keep_is_cast(void **state)
{
    (void)state;
    rebuilt("0900F2052A01000000", "CAST(5000000000 AS JSON)");
    rebuilt("060500", "CAST(CAST(5 AS UNSIGNED) AS JSON)");
    rebuilt("0001002A000B000100020C006B02001E00060100000A00010014000B0001000B0C006E343333333333D33F",
            "JSON_OBJECT(_utf8mb4'k', JSON_ARRAY(CAST(CAST(1 AS UNSIGNED) AS JSON), JSON_OBJECT(_utf8mb4'n', "
            "CAST(3.0000000000000004e-01 AS JSON))))");
    rebuilt("0003003B00190001001A0001001B0002000F1D000F27000F3100647464740A080000000000BAB2190B08E05EF8FF5FFFFFFF0C0801"
            "000000A0BAB219",
            "JSON_OBJECT(_utf8mb4'd', CAST(CAST('2024-02-29' AS DATE) AS JSON), _utf8mb4't', "
            "CAST(CAST('-10:00:00.500000' AS TIME(6)) AS JSON), _utf8mb4'dt', "
            "CAST(CAST('2024-02-29 10:00:00.000001' AS DATETIME(6)) AS JSON))");
    rebuilt("02030024000F0D000F16000B1C00F6070B028000000132F6040201800172F88FE3C4626ECD",
            "JSON_ARRAY(CAST(CAST(1.50 AS DECIMAL(11,2)) AS JSON), CAST(0.1 AS JSON), "
            "CAST(-1.00000000000000e+65 AS JSON))");
    rebuilt("0204001C000F10000F14000F17000F19000F02FF000F01610F000F0105",
            "JSON_ARRAY(CAST(_binary X'FF00' AS JSON), CAST(_binary X'61' AS JSON), CAST(_binary X'' AS JSON), "
            "CAST(_binary X'05' AS JSON))");
}

static void types_that_only_columns_have_come_from_one_table_a_document(void **state)
{
    (void)state;
    rebuilt("00010016000B0001000F0C0074070848E801010042B219",
            "(SELECT JSON_OBJECT(_utf8mb4't', CAST(c0 AS JSON)) FROM JSON_TABLE(JSON_ARRAY('2024-01-01 "
            "00:00:01.125000'), '$' COLUMNS (c0 TIMESTAMP(6) PATH '$[0]' ERROR ON EMPTY ERROR ON ERROR)) t)");
    rebuilt("0FFE02FF00", "(SELECT CAST(c0 AS JSON) FROM JSON_TABLE(JSON_ARRAY(_binary X'FF00'), '$' COLUMNS (c0 "
                          "BINARY(2) PATH '$[0]' ERROR ON EMPTY ERROR ON ERROR)) t)");
    rebuilt("02 0200 1100 0F0A00 0F0E00 10020107 FC01FF",
            "(SELECT JSON_ARRAY(CAST(c0 AS JSON), CAST(c1 AS JSON)) FROM JSON_TABLE(JSON_ARRAY(263, _binary X'FF'), "
            "'$' COLUMNS (c0 BIT(16) PATH '$[0]' ERROR ON EMPTY ERROR ON ERROR, c1 BLOB PATH '$[1]' ERROR ON EMPTY "
            "ERROR ON ERROR)) t)");
}

static void what_no_expression_has_is_refused(void **state)
{
    (void)state;
    rebuilt("0FFD01FF", NULL);                   /* VAR_STRING */
    rebuilt("0FFE00", NULL);                     /* BINARY(0) */
    rebuilt("0F10 09 000000000000000000", NULL); /* BIT of 72 bits */
    rebuilt("0F0A 08 FFFFFFFFFFFFFFFF", NULL);   /* no date */
    rebuilt("0FF6 02 4200", NULL);               /* a DECIMAL of 66 digits */
}

/* --- damage --- */

static void a_document_that_is_cut_off_is_damaged(void **state)
{
    (void)state;
    struct buf document =
        bytes("0001002A000B000100020C006B02001E00060100000A00010014000B0001000B0C006E343333333333D33F");
    for (size_t len = 1; len < document.len; len++) {
        struct buf out = {0};
        const char *problem;
        void *data = exact(&document, len);
        assert_false(my_json_valid(data, len));
        assert_false(my_json_text(&out, data, len));
        assert_false(my_json_expression(&out, data, len, &problem));
        free(data);
        buf_fini(&out);
    }
    buf_fini(&document);
}

/* [[[...]]] of so many levels */
static struct buf nested(unsigned depth)
{
    struct buf b = {0};
    buf_u8(&b, 2);
    for (unsigned i = depth; i > 0; i--) {
        size_t size = 4 + 7 * (i - 1);
        buf_u8(&b, i > 1);
        buf_u8(&b, 0);
        buf_u8(&b, (uint8_t)size);
        buf_u8(&b, (uint8_t)(size >> 8));
        if (i > 1) {
            buf_u8(&b, 2);
            buf_u8(&b, 7);
            buf_u8(&b, 0);
        }
    }
    return b;
}

static void no_document_is_deeper_than_the_servers_limit(void **state)
{
    (void)state;
    struct buf deepest = nested(MY_JSON_DEPTH), deeper = nested(MY_JSON_DEPTH + 1), out = {0};
    assert_true(my_json_valid(deepest.data, deepest.len));
    assert_false(my_json_valid(deeper.data, deeper.len));
    assert_false(my_json_text(&out, deeper.data, deeper.len));
    buf_fini(&deepest);
    buf_fini(&deeper);
    buf_fini(&out);
}

/* Every level twice in the level above, at the same bytes: two to the power of the depth when it is walked. */
static void parts_that_share_their_bytes_cost_no_more_than_the_document_is_long(void **state)
{
    (void)state;
    struct buf b = {0}, out = {0};
    buf_u8(&b, 2);
    for (unsigned i = 60; i > 0; i--) {
        size_t size = 10 * i;
        buf_u8(&b, 2);
        buf_u8(&b, 0);
        buf_u8(&b, (uint8_t)size);
        buf_u8(&b, (uint8_t)(size >> 8));
        for (int k = 0; k < 2; k++) {
            buf_u8(&b, i > 1 ? 2 : 5);
            buf_u8(&b, 10);
            buf_u8(&b, 0);
        }
    }
    assert_false(my_json_valid(b.data, b.len));
    assert_false(my_json_text(&out, b.data, b.len));
    assert_true(out.len < 64 * b.len);
    buf_fini(&b);
    buf_fini(&out);
}

/* --- partial updates --- */

enum { REPLACE, INSERT, REMOVE };

static void add_diff(struct buf *diffs, int operation, const char *path, const struct buf *value)
{
    buf_u8(diffs, (uint8_t)operation);
    buf_u8(diffs, (uint8_t)strlen(path));
    buf_str(diffs, path);
    if (operation == REMOVE)
        return;
    if (value->len < 251) {
        buf_u8(diffs, (uint8_t)value->len);
    } else {
        buf_u8(diffs, 253);
        for (int i = 0; i < 3; i++)
            buf_u8(diffs, (uint8_t)(value->len >> 8 * i));
    }
    buf_bytes(diffs, value->data, value->len);
}

/* Changes *document; false: as it was. */
static bool change(struct buf *document, int operation, const char *path, const char *hex)
{
    struct buf diffs = {0}, value = bytes(hex), out = {0};
    const char *problem = "";
    add_diff(&diffs, operation, path, &value);
    void *data = exact(document, document->len), *exact_diffs = exact(&diffs, diffs.len);
    bool ok = my_json_apply(&out, data, document->len, exact_diffs, diffs.len, &problem);
    free(data);
    free(exact_diffs);
    buf_fini(&diffs);
    buf_fini(&value);
    if (ok) {
        assert_null(problem);
        assert_true(my_json_valid(out.data, out.len));
        buf_fini(document);
        *document = out;
    } else {
        assert_true(problem && *problem);
        buf_fini(&out);
    }
    return ok;
}

static void assert_text(const struct buf *document, const char *want)
{
    struct buf text = {0};
    assert_true(my_json_text(&text, document->data, document->len));
    assert_string_equal(buf_cstr(&text), want);
    buf_fini(&text);
}

static void partial_updates_change_one_place(void **state)
{
    (void)state;
    struct buf d = bytes("0000000400"); /* {} */
    assert_true(change(&d, INSERT, "$.bb", "050100"));
    assert_true(change(&d, INSERT, "$.a", "0200000400"));
    assert_true(change(&d, INSERT, "$.a[0]", "0C03616263"));
    assert_true(change(&d, INSERT, "$.a[9]", "0401"));
    assert_true(change(&d, INSERT, "$.a[0]", "05FFFF"));
    assert_text(&d, "{\"a\": [-1, \"abc\", true], \"bb\": 1}");
    assert_true(change(&d, REPLACE, "$.a[last-1]", "0B000000000000F03F"));
    assert_true(change(&d, REPLACE, "$.a[last]", "07FFFF0000"));
    assert_text(&d, "{\"a\": [-1, 1.0, 65535], \"bb\": 1}");
    assert_true(change(&d, REMOVE, "$.a[1]", ""));
    assert_true(change(&d, INSERT, "$.\"a \\\"q\\u00f6\\ud83d\\ude00\"", "0400"));
    assert_true(change(&d, REMOVE, "$.bb", ""));
    assert_text(&d, "{\"a\": [-1, 65535], \"a \\\"q\xc3\xb6\xf0\x9f\x98\x80\": null}");
    assert_true(change(&d, REMOVE, "$.a[0]", ""));
    assert_true(change(&d, REMOVE, "$.a[0]", ""));
    assert_text(&d, "{\"a\": [], \"a \\\"q\xc3\xb6\xf0\x9f\x98\x80\": null}");
    assert_true(change(&d, REPLACE, "$", "0402"));
    assert_text(&d, "false");
    buf_fini(&d);
}

static void partial_updates_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct buf d = bytes("000200320012000000120001000400000213006103001F000501000B0D000C1500000000000000044009697427"
                         "73200A20C3B6"); /* {"": null, "a": [1, 2.5, "..."]} */
    assert_false(change(&d, REPLACE, "$.b", "0400"));
    assert_false(change(&d, INSERT, "$.a", "0400"));
    assert_false(change(&d, REMOVE, "$.b", ""));
    assert_false(change(&d, REMOVE, "$.a[3]", ""));
    assert_false(change(&d, REPLACE, "$.a.b", "0400"));
    assert_false(change(&d, REPLACE, "$[0]", "0400"));
    assert_false(change(&d, REPLACE, "$.a[0].b", "0400"));
    assert_false(change(&d, REPLACE, "$.a[*]", "0400"));
    assert_false(change(&d, REPLACE, "$.*", "0400"));
    assert_false(change(&d, REPLACE, "$.a[", "0400"));
    assert_false(change(&d, REPLACE, "$.\"a", "0400"));
    assert_false(change(&d, REPLACE, "$.\"\\ud800\"", "0400"));
    assert_false(change(&d, REPLACE, "$.", "0400"));
    assert_false(change(&d, REPLACE, "", "0400"));
    assert_false(change(&d, REPLACE, "a", "0400"));
    assert_false(change(&d, REPLACE, "$.a", "05"));
    assert_false(change(&d, REMOVE, "$", ""));
    assert_false(change(&d, 3, "$.a", "0400"));
    assert_true(change(&d, REPLACE, "$.\"\"", "0401"));
    assert_text(&d, "{\"\": true, \"a\": [1, 2.5, \"it's \\n \xc3\xb6\"]}");
    buf_fini(&d);
}

/* Beyond 64 KiB, offsets have four bytes, and small numbers move into their entries. */
static void documents_may_grow_beyond_what_short_offsets_reach(void **state)
{
    (void)state;
    struct buf d = bytes("0000000400"), diffs = {0}, value = {0}, out = {0};
    const char *problem;
    assert_true(change(&d, INSERT, "$.n", "0700000180"));
    assert_true(change(&d, INSERT, "$.o", "0000000400"));
    assert_true(change(&d, INSERT, "$.o.i", "05FFFF"));
    buf_u8(&value, 0x0c);
    size_t len = 70000;
    buf_u8(&value, (uint8_t)(len & 0x7f) | 0x80);
    buf_u8(&value, (uint8_t)(len >> 7 & 0x7f) | 0x80);
    buf_u8(&value, (uint8_t)(len >> 14));
    for (size_t i = 0; i < len; i++)
        buf_char(&value, 'x');
    add_diff(&diffs, INSERT, "$.o.s", &value);
    add_diff(&diffs, REPLACE, "$.o.i", &(struct buf){.data = (char[]){5, 7, 0}, .len = 3});
    assert_true(my_json_apply(&out, d.data, d.len, diffs.data, diffs.len, &problem));
    assert_int_equal(out.data[0], 1); /* large */
    assert_true(my_json_valid(out.data, out.len));
    buf_fini(&d);
    d = out;
    assert_true(change(&d, REMOVE, "$.o.s", ""));
    assert_int_equal(d.data[0], 0);
    assert_text(&d, "{\"n\": -2147418112, \"o\": {\"i\": 7}}");
    buf_fini(&d);
    buf_fini(&diffs);
    buf_fini(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_printed_as_the_server_prints_them),
        cmocka_unit_test(doubles_are_never_printed_like_integers),
        cmocka_unit_test(text_is_used_for_what_it_keeps),
        cmocka_unit_test(what_text_does_not_keep_is_cast),
        cmocka_unit_test(types_that_only_columns_have_come_from_one_table_a_document),
        cmocka_unit_test(what_no_expression_has_is_refused),
        cmocka_unit_test(a_document_that_is_cut_off_is_damaged),
        cmocka_unit_test(no_document_is_deeper_than_the_servers_limit),
        cmocka_unit_test(parts_that_share_their_bytes_cost_no_more_than_the_document_is_long),
        cmocka_unit_test(partial_updates_change_one_place),
        cmocka_unit_test(partial_updates_that_do_not_fit_are_refused),
        cmocka_unit_test(documents_may_grow_beyond_what_short_offsets_reach),
    };
    return cmocka_run_group_tests_name("binary JSON of MySQL", tests, NULL, NULL);
}
