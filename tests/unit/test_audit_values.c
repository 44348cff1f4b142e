/* Values in change events: what Kafka Connect and Debezium make of each type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/audit/mysql/types.h"
#include "cdc/audit/postgres/types.h"

static struct arena arena;

static void writes_bytes(const struct audit_type *type, const void *data, size_t len, const char *want)
{
    struct buf out = {0};
    bool good = type->write(&out, type, data, len);
    if (want) {
        assert_true(good);
        assert_string_equal(buf_cstr(&out), want);
    } else {
        assert_false(good);
    }
    buf_fini(&out);
}

/* want NULL: it cannot be written */
static void writes(const struct audit_type *type, const char *text, const char *want)
{
    writes_bytes(type, text, strlen(text), want);
}

static void schema_is(const struct audit_type *type, const char *head, const char *tail)
{
    assert_string_equal(type->head, head);
    assert_string_equal(type->tail, tail);
}

static int clean(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* --- PostgreSQL --- */

static struct audit_type pg(uint32_t type, int32_t modifier)
{
    struct audit_type out;
    pg_audit_type(&(struct pg_audit_type){.type = type, .modifier = modifier}, AUDIT_DECIMALS_PRECISE, &arena, &out);
    return out;
}

static void pg_plain_types(void **state)
{
    (void)state;
    struct audit_type t = pg(16, -1);
    schema_is(&t, "\"type\":\"boolean\"", "");
    writes(&t, "t", "true");
    writes(&t, "f", "false");
    writes(&t, "", NULL);
    writes(&t, "maybe", NULL);
    t = pg(20, -1);
    schema_is(&t, "\"type\":\"int64\"", "");
    writes(&t, "-9223372036854775808", "-9223372036854775808");
    writes(&t, "0", "0");
    writes(&t, "-", NULL);
    writes(&t, "", NULL);
    writes(&t, "1,\"x\":2", NULL);
    writes(&t, "007", NULL); /* JSON has no such number */
    t = pg(701, -1);
    schema_is(&t, "\"type\":\"double\"", "");
    writes(&t, "1e-05", "1e-05");
    writes(&t, "0.1", "0.1");
    writes(&t, "-0", "-0");
    writes(&t, "NaN", "\"NaN\"");
    writes(&t, "-Infinity", "\"-Infinity\"");
    writes(&t, "1.", NULL);
    writes(&t, ".5", NULL);
    writes(&t, "01", NULL);
    writes(&t, "1e", NULL);
    t = pg(25, -1);
    schema_is(&t, "\"type\":\"string\"", "");
    writes(&t, "a \"quote\" \\ and \n\t\x01\x7f", "\"a \\\"quote\\\" \\\\ and \\n\\t\\u0001\x7f\"");
    writes(&t, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\x89", "\"gr\xc3\xbc\xc3\x9f \\uD83C\\uDF89\"");
    writes(&t, "\xff", "\"\xef\xbf\xbd\"");
    writes_bytes(&t, "\xc3", 1, "\"\xef\xbf\xbd\""); /* cut within a character */
    t = pg(17, -1);
    schema_is(&t, "\"type\":\"bytes\"", "");
    writes(&t, "\\x010203", "\"AQID\"");
    writes(&t, "\\x", "\"\"");
    writes(&t, "\\xff", "\"/w==\"");
    writes(&t, "\\x0", NULL);
    writes(&t, "\\x0g", NULL);
    writes(&t, "abc", NULL);
    t = pg(2950, -1);
    schema_is(&t, "\"type\":\"string\"", ",\"name\":\"io.debezium.data.Uuid\",\"version\":1");
    t = pg(3802, -1);
    schema_is(&t, "\"type\":\"string\"", ",\"name\":\"io.debezium.data.Json\",\"version\":1");
    writes(&t, "{\"a\": 1}", "\"{\\\"a\\\": 1}\"");
}

/* The bytes are those of Java's BigInteger.toByteArray(). */
static void decimals_are_unscaled_numbers(void **state)
{
    (void)state;
    struct audit_type t = pg(1700, (10 << 16 | 2) + 4); /* numeric(10,2) */
    schema_is(&t, "\"type\":\"bytes\"",
              ",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\","
              "\"connect.decimal.precision\":\"10\"}");
    writes(&t, "0.00", "\"AA==\"");
    writes(&t, "-0.00", "\"AA==\"");
    writes(&t, "0.01", "\"AQ==\"");
    writes(&t, "1.27", "\"fw==\"");   /* 127 */
    writes(&t, "1.28", "\"AIA=\"");   /* 128: 00 80 */
    writes(&t, "-1.28", "\"gA==\"");  /* -128: 80 */
    writes(&t, "-1.29", "\"/38=\"");  /* -129: ff 7f */
    writes(&t, "-0.01", "\"/w==\"");  /* -1: ff */
    writes(&t, "2.56", "\"AQA=\"");   /* 256 */
    writes(&t, "-2.56", "\"/wA=\"");  /* -256: ff 00 */
    writes(&t, "123.45", "\"MDk=\""); /* 12345: 30 39 */
    writes(&t, "12", "\"BLA=\"");     /* 1200 */
    writes(&t, "99999999.99", "\"AlQL4/8=\"");
    writes(&t, "1.234", NULL); /* more digits than its type has */
    writes(&t, "NaN", NULL);
    writes(&t, "Infinity", NULL);
    writes(&t, "1e5", NULL);
    writes(&t, "", NULL);
    writes(&t, "-", NULL);
    writes(&t, "1-2", NULL);
    writes(&t, "1.2.3", NULL);
    t = pg(1700, (5 << 16 | (-2 & 0x7ff)) + 4); /* numeric(5,-2) */
    assert_int_equal(t.scale, -2);
    writes(&t, "12300", "\"ew==\""); /* 123 */
    writes(&t, "-100", "\"/w==\"");
    writes(&t, "0", "\"AA==\"");
    writes(&t, "123", NULL);
    t = pg(1700, -1);
    assert_non_null(strstr(t.tail, "VariableScaleDecimal"));
    writes(&t, "123.45", "{\"scale\":2,\"value\":\"MDk=\"}");
    writes(&t, "5", "{\"scale\":0,\"value\":\"BQ==\"}");
    writes(&t, "NaN", NULL);
    pg_audit_type(&(struct pg_audit_type){.type = 1700, .modifier = -1}, AUDIT_DECIMALS_STRING, &arena, &t);
    writes(&t, "NaN", "\"NaN\"");
    pg_audit_type(&(struct pg_audit_type){.type = 1700, .modifier = -1}, AUDIT_DECIMALS_DOUBLE, &arena, &t);
    writes(&t, "1.50", "1.50");
}

static void pg_dates_and_times(void **state)
{
    (void)state;
    struct audit_type t = pg(1082, -1);
    schema_is(&t, "\"type\":\"int32\"", ",\"name\":\"io.debezium.time.Date\",\"version\":1");
    writes(&t, "1970-01-01", "0");
    writes(&t, "1969-12-31", "-1");
    writes(&t, "2000-02-29", "11016");
    writes(&t, "2000-03-01", "11017");
    writes(&t, "2100-03-01", "47541"); /* no leap year */
    writes(&t, "0001-01-01", "-719162");
    writes(&t, "0001-12-31 BC", "-719163");
    writes(&t, "4714-11-24 BC", "-2440588");
    writes(&t, "5874897-12-31", "2145042905");
    writes(&t, "infinity", "2147483647");
    writes(&t, "-infinity", "-2147483648");
    writes(&t, "2000-13-01", NULL);
    writes(&t, "2000-1-1", NULL);
    writes(&t, "2000-01-01 ", NULL);
    t = pg(1083, -1);
    schema_is(&t, "\"type\":\"int64\"", ",\"name\":\"io.debezium.time.MicroTime\",\"version\":1");
    writes(&t, "04:05:06.789012", "14706789012");
    writes(&t, "24:00:00", "86400000000");
    t = pg(1083, 3);
    schema_is(&t, "\"type\":\"int32\"", ",\"name\":\"io.debezium.time.Time\",\"version\":1");
    writes(&t, "04:05:06.789", "14706789");
    t = pg(1114, -1);
    schema_is(&t, "\"type\":\"int64\"", ",\"name\":\"io.debezium.time.MicroTimestamp\",\"version\":1");
    writes(&t, "2018-06-20 13:37:03.123456", "1529501823123456");
    writes(&t, "1969-12-31 23:59:59.999999", "-1");
    writes(&t, "0044-03-15 12:00:00 BC", "-63517780800000000");
    writes(&t, "infinity", "9223372036825200000");
    writes(&t, "-infinity", "-9223372036832400000");
    writes(&t, "2018-06-20T13:37:03", NULL);
    writes(&t, "2018-06-20 13:37:03.1234567", NULL);
    t = pg(1114, 3);
    schema_is(&t, "\"type\":\"int64\"", ",\"name\":\"io.debezium.time.Timestamp\",\"version\":1");
    writes(&t, "2018-06-20 13:37:03.123", "1529501823123");
    writes(&t, "1969-12-31 23:59:59.999", "-1");
    t = pg(1184, -1);
    schema_is(&t, "\"type\":\"string\"", ",\"name\":\"io.debezium.time.ZonedTimestamp\",\"version\":1");
    writes(&t, "2019-07-09 04:28:57.123456+02", "\"2019-07-09T02:28:57.123456Z\"");
    writes(&t, "2020-01-01 00:10:00+05:45", "\"2019-12-31T18:25:00.000000Z\"");
    writes(&t, "1880-01-01 00:00:00-00:01:15", "\"1880-01-01T00:01:15.000000Z\"");
    writes(&t, "12000-01-01 00:00:00+00", "\"+12000-01-01T00:00:00.000000Z\"");
    writes(&t, "0002-01-01 00:00:00+00 BC", "\"-0001-01-01T00:00:00.000000Z\"");
    writes(&t, "infinity", "\"infinity\"");
    t = pg(1184, 0);
    writes(&t, "2019-07-09 04:28:57+02", "\"2019-07-09T02:28:57Z\"");
    t = pg(1266, -1);
    schema_is(&t, "\"type\":\"string\"", ",\"name\":\"io.debezium.time.ZonedTime\",\"version\":1");
    writes(&t, "04:05:06.789-08", "\"12:05:06.789000Z\"");
    writes(&t, "01:00:00+02", "\"23:00:00.000000Z\"");
    t = pg(1186, -1);
    schema_is(&t, "\"type\":\"int64\"", ",\"name\":\"io.debezium.time.MicroDuration\",\"version\":1");
    writes(&t, "00:00:00", "0");
    writes(&t, "1 year 2 mons 3 days 04:05:06.78", "37091106780000"); /* months of 365.25 / 12 days */
    writes(&t, "-1 days +02:03:00", "-79020000000");
    writes(&t, "-00:00:00.000001", "-1");
    writes(&t, "1 mon", "2629800000000");
    writes(&t, "1 fortnight", NULL);
    writes(&t, "1 day x", NULL);
}

static void pg_bits_enums_and_arrays(void **state)
{
    (void)state;
    struct audit_type t = pg(1560, 1);
    schema_is(&t, "\"type\":\"boolean\"", "");
    writes(&t, "1", "true");
    t = pg(1560, 10);
    schema_is(&t, "\"type\":\"bytes\"",
              ",\"name\":\"io.debezium.data.Bits\",\"version\":1,\"parameters\":{\"length\":\"10\"}");
    writes(&t, "1000000001", "\"AQI=\""); /* 01 02: the lowest byte first */
    writes(&t, "10000000x1", NULL);
    t = pg(1562, -1);
    assert_non_null(strstr(t.tail, "2147483647"));
    writes(&t, "", "\"\"");
    static const char *const moods[] = {"sad", "ok", "very \"happy\""};
    pg_audit_type(&(struct pg_audit_type){.type = 16500, .is_enum = true, .members = moods, .nmembers = 3},
                  AUDIT_DECIMALS_PRECISE, &arena, &t);
    schema_is(&t, "\"type\":\"string\"",
              ",\"name\":\"io.debezium.data.Enum\",\"version\":1,\"parameters\":{\"allowed\":\"sad,ok,very "
              "\\\"happy\\\"\"}");
    writes(&t, "ok", "\"ok\"");
    pg_audit_type(&(struct pg_audit_type){.type = 1009, .modifier = -1, .element = 25}, AUDIT_DECIMALS_PRECISE, &arena,
                  &t);
    schema_is(&t, "\"type\":\"array\",\"items\":{\"type\":\"string\",\"optional\":true}", "");
    writes(&t, "{}", "[]");
    writes(&t, "{a,\"b, c\",NULL,\"NULL\",\"\",\"a\\\"b\\\\c\"}",
           "[\"a\",\"b, c\",null,\"NULL\",\"\",\"a\\\"b\\\\c\"]");
    writes(&t, "[2:3]={a,b}", "[\"a\",\"b\"]");
    writes(&t, "{{a,b},{c,d}}", NULL);
    writes(&t, "{a", NULL);
    writes(&t, "{a,}", NULL);
    writes(&t, "{\"a}", NULL);
    writes(&t, "{\"a\"b}", NULL);
    writes(&t, "", NULL);
    pg_audit_type(&(struct pg_audit_type){.type = 1007, .modifier = -1, .element = 23}, AUDIT_DECIMALS_PRECISE, &arena,
                  &t);
    writes(&t, "{1,-2,NULL}", "[1,-2,null]");
    writes(&t, "{1,x}", NULL);
    pg_audit_type(&(struct pg_audit_type){.type = 1001, .modifier = -1, .element = 17}, AUDIT_DECIMALS_PRECISE, &arena,
                  &t);
    writes(&t, "{\"\\\\x0102\"}", "[\"AQI=\"]");
}

/* --- MySQL and MariaDB --- */

static struct audit_type my_type(struct my_audit_type from)
{
    struct audit_type out;
    struct sc_error err;
    assert_int_equal(my_audit_type(&from, AUDIT_DECIMALS_PRECISE, &arena, &out, &err), SC_OK);
    return out;
}

static struct audit_type my(const char *type)
{
    return my_type((struct my_audit_type){.type = type, .optional = true});
}

static void my_numbers(void **state)
{
    (void)state;
    struct audit_type t = my("tinyint(1)");
    schema_is(&t, "\"type\":\"int16\"", "");
    writes(&t, "-128", "-128");
    t = my("smallint");
    schema_is(&t, "\"type\":\"int16\"", "");
    t = my("smallint unsigned");
    schema_is(&t, "\"type\":\"int32\"", "");
    t = my("mediumint(8) unsigned zerofill");
    schema_is(&t, "\"type\":\"int32\"", "");
    t = my("int");
    schema_is(&t, "\"type\":\"int32\"", "");
    t = my("int(10) unsigned");
    schema_is(&t, "\"type\":\"int64\"", "");
    writes(&t, "4294967295", "4294967295");
    t = my("bigint");
    writes(&t, "-9223372036854775808", "-9223372036854775808");
    t = my("bigint unsigned");
    schema_is(&t, "\"type\":\"int64\"", "");
    writes(&t, "18446744073709551615", "-1");
    writes(&t, "18446744073709551616", NULL);
    t = my("float(7,3)");
    schema_is(&t, "\"type\":\"float\"", "");
    writes(&t, "3.40282347e+38", "3.40282347e+38");
    t = my("double");
    schema_is(&t, "\"type\":\"double\"", "");
    t = my("decimal(10,2) unsigned");
    assert_non_null(strstr(t.tail, "\"scale\":\"2\",\"connect.decimal.precision\":\"10\""));
    writes(&t, "123.45", "\"MDk=\"");
    t = my("decimal(30,0)");
    writes(&t, "123456789012345678901234567890", "\"AY7pD/bDc+DuTj8K0g==\"");
    t = my("bit(1)");
    schema_is(&t, "\"type\":\"boolean\"", "");
    writes(&t, "1", "true");
    t = my("bit(10)");
    writes(&t, "513", "\"AQI=\"");
    t = my("bit(64)");
    writes(&t, "18446744073709551615", "\"//////////8=\"");
    t = my("year(4)");
    schema_is(&t, "\"type\":\"int32\"", ",\"name\":\"io.debezium.time.Year\",\"version\":1");
    writes(&t, "2024", "2024");
    writes(&t, "0000", "0");
}

static void my_dates_and_times(void **state)
{
    (void)state;
    struct audit_type t = my("date");
    writes(&t, "2000-02-29", "11016");
    writes(&t, "0000-00-00", "null");
    writes(&t, "2020-00-10", "null");
    t = my_type((struct my_audit_type){.type = "date"});
    writes(&t, "0000-00-00", "0");
    t = my("time(3)");
    schema_is(&t, "\"type\":\"int64\"", ",\"name\":\"io.debezium.time.MicroTime\",\"version\":1");
    writes(&t, "-838:59:59.000", "-3020399000000");
    writes(&t, "00:00:00.001", "1000");
    t = my("datetime");
    schema_is(&t, "\"type\":\"int64\"", ",\"name\":\"io.debezium.time.Timestamp\",\"version\":1");
    writes(&t, "2018-06-20 13:37:03", "1529501823000");
    writes(&t, "0000-00-00 00:00:00", "null");
    t = my("datetime(6)");
    schema_is(&t, "\"type\":\"int64\"", ",\"name\":\"io.debezium.time.MicroTimestamp\",\"version\":1");
    writes(&t, "2018-06-20 13:37:03.123456", "1529501823123456");
    t = my_type((struct my_audit_type){.type = "datetime(6)"});
    writes(&t, "0000-00-00 00:00:00.000000", "0");
    t = my("timestamp");
    schema_is(&t, "\"type\":\"string\"", ",\"name\":\"io.debezium.time.ZonedTimestamp\",\"version\":1");
    writes(&t, "2019-07-09 02:28:57", "\"2019-07-09T02:28:57Z\"");
    t = my("timestamp(2)");
    writes(&t, "2019-07-09 02:28:57.12", "\"2019-07-09T02:28:57.12Z\"");
    t = my_type((struct my_audit_type){.type = "timestamp"});
    writes(&t, "0000-00-00 00:00:00", "\"1970-01-01T00:00:00Z\"");
}

static void my_text_bytes_and_names(void **state)
{
    (void)state;
    struct audit_type t = my_type((struct my_audit_type){.type = "varchar(20)", .charset = "latin1"});
    schema_is(&t, "\"type\":\"string\"", "");
    writes(&t, "gr\xfc\xdf", "\"gr\xc3\xbc\xc3\x9f\"");
    writes(&t, "\x80", "\"\xe2\x82\xac\""); /* latin1 is cp1252 */
    audit_type_close(&t);
    t = my_type((struct my_audit_type){.type = "text", .charset = "ucs2"});
    writes_bytes(&t, "\0a\0\0", 4, "\"a\\u0000\"");
    writes_bytes(&t, "\0a\0", 3, "\"a\xef\xbf\xbd\"");
    audit_type_close(&t);
    t = my_type((struct my_audit_type){.type = "text", .charset = "sjis"});
    writes(&t, "\x83\x5c", "\"\xe3\x82\xbd\""); /* its second byte is a backslash */
    audit_type_close(&t);
    t = my_type((struct my_audit_type){.type = "varchar(9)", .charset = "utf8mb4"});
    writes_bytes(&t, "a\0b", 3, "\"a\\u0000b\"");
    struct sc_error err;
    assert_int_equal(my_audit_type(&(struct my_audit_type){.type = "text", .charset = "dec8"}, AUDIT_DECIMALS_PRECISE,
                                   &arena, &t, &err),
                     SC_REFUSE);
    assert_non_null(strstr(err.what, "dec8"));
    t = my("varbinary(10)");
    schema_is(&t, "\"type\":\"bytes\"", "");
    writes_bytes(&t, "\0\xff", 2, "\"AP8=\"");
    static const char *const sizes[] = {"small", "it's", "x,y"};
    struct my_audit_type named = {.type = "enum('small','it''s','x,y')", .members = sizes, .nmembers = 3};
    t = my_type(named);
    schema_is(&t, "\"type\":\"string\"",
              ",\"name\":\"io.debezium.data.Enum\",\"version\":1,\"parameters\":{\"allowed\":\"small,it's,x,y\"}");
    writes(&t, "2", "\"it's\"");
    writes(&t, "0", "\"\"");
    writes(&t, "4", NULL);
    named.type = "set('small','it''s','x,y')";
    t = my_type(named);
    assert_non_null(strstr(t.tail, "io.debezium.data.EnumSet"));
    writes(&t, "3", "\"small,it's\"");
    writes(&t, "0", "\"\"");
    writes(&t, "8", NULL);
    t = my("uuid");
    writes(&t, "123e4567-e89b-12d3-a456-426655440000", "\"123e4567-e89b-12d3-a456-426655440000\"");
    t = my("point");
    writes_bytes(&t, "\xe6\x10\0\0\1\1", 6, "{\"wkb\":\"AQE=\",\"srid\":4326}");
    writes_bytes(&t, "\0\0\0", 3, NULL);
    t = my("vector(2)");
    writes_bytes(&t, "\0\0\x80\x3f\0\0\0\xbf", 8, "[1,-0.5]");
    writes_bytes(&t, "\0\0\x80", 3, NULL);
    t = my("json");
    writes_bytes(&t, "\x04\x00", 2, "\"null\""); /* literal null, binary form */
    writes_bytes(&t, "\x07\x01", 2, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pg_plain_types),
        cmocka_unit_test(decimals_are_unscaled_numbers),
        cmocka_unit_test(pg_dates_and_times),
        cmocka_unit_test(pg_bits_enums_and_arrays),
        cmocka_unit_test(my_numbers),
        cmocka_unit_test(my_dates_and_times),
        cmocka_unit_test(my_text_bytes_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
