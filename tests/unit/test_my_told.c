/* What a table map alone tells of a table's columns: the type of each, as the catalog would print it, and what is not
 * guessed at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/audit/mysql/types.h"
#include "cdc/mysql/told.h"

static struct arena arena;

static const struct my_charset charsets[] = {{8, 1, "latin1"},  {45, 4, "utf8mb4"}, {54, 4, "utf16"},
                                             {63, 1, "binary"}, {200, 0, "broken"}, {2304, 4, "utf8mb4"}};
static const struct source_untold untold[] = {{"u", "uuid"},        {"I6", "inet6"},  {"i4", "inet4"},
                                              {"ve", "vector(3)"},  {"g", "virtual"}, {"s", "stored"},
                                              {"gu", "stored uuid"}};

static struct my_told_from from(void)
{
    return (struct my_told_from){.charsets = charsets,
                                 .ncharsets = sizeof(charsets) / sizeof(charsets[0]),
                                 .untold = untold,
                                 .nuntold = sizeof(untold) / sizeof(untold[0])};
}

/* One column. Lists as in the log: a default and no exceptions, or what is given. */
struct column {
    const char *name;
    uint8_t type;
    uint16_t metadata;
    bool is_unsigned, mariadb;
    const char *charset; /* a byte, or more */
    const char *members; /* of ENUM, or SET where `metadata` says so; "3 a 62 63" */
    size_t members_len;
    const char *geometry;
    const char *want, *want_charset;
};
#define MEMBERS(text) .members = (text), .members_len = sizeof(text) - 1
enum { ENUM = 0xf701, SET = 0xf801 };

static struct my_map_field field(const char *text, size_t len)
{
    return (struct my_map_field){(const uint8_t *)text, text ? len : 0};
}

static const uint8_t none[2] = {0, 0}, bits[2] = {0xff, 0xff};

static struct my_table_map map_of(const struct column *c, const char **name)
{
    *name = c->name ? c->name : "c";
    bool set = c->metadata == SET;
    struct my_table_map map = {.schema = "shop",
                               .table = "item",
                               .mariadb = c->mariadb,
                               .ncolumns = 1,
                               .types = &c->type,
                               .metadata = &c->metadata,
                               .nullable = none,
                               .unsigned_bits = c->is_unsigned ? bits : none,
                               .unsigned_len = 1,
                               .charsets = (const uint8_t *)c->charset,
                               .charsets_len = c->charset ? strlen(c->charset) : 0,
                               .names = name,
                               .geometry = field(c->geometry, 1),
                               .member_charsets = field(c->members ? c->charset : NULL, 1)};
    *(set ? &map.sets : &map.enums) = field(c->members, c->members_len);
    return map;
}

static void every_type_is_told(void **state)
{
    (void)state;
    static const struct column columns[] = {
        {.type = MY_LOG_TINY, .want = "tinyint"},
        {.type = MY_LOG_TINY, .is_unsigned = true, .want = "tinyint unsigned"},
        {.type = MY_LOG_SHORT, .want = "smallint"},
        {.type = MY_LOG_SHORT, .is_unsigned = true, .want = "smallint unsigned"},
        {.type = MY_LOG_INT24, .want = "mediumint"},
        {.type = MY_LOG_INT24, .is_unsigned = true, .want = "mediumint unsigned"},
        {.type = MY_LOG_LONG, .want = "int"},
        {.type = MY_LOG_LONG, .is_unsigned = true, .want = "int unsigned"},
        {.type = MY_LOG_LONGLONG, .want = "bigint"},
        {.type = MY_LOG_LONGLONG, .is_unsigned = true, .want = "bigint unsigned"},
        {.type = MY_LOG_NEWDECIMAL, .metadata = 12 << 8 | 3, .want = "decimal(12,3)"},
        {.type = MY_LOG_NEWDECIMAL, .metadata = 65 << 8, .is_unsigned = true, .want = "decimal(65,0) unsigned"},
        {.type = MY_LOG_FLOAT, .metadata = 4, .want = "float"},
        {.type = MY_LOG_DOUBLE, .metadata = 8, .want = "double"},
        {.type = MY_LOG_BIT, .metadata = 1 << 8 | 3, .want = "bit(11)"},
        {.type = MY_LOG_BIT, .metadata = 1, .want = "bit(1)"},
        {.type = MY_LOG_YEAR, .is_unsigned = true, .want = "year"},
        {.type = MY_LOG_DATE, .want = "date"},
        {.type = MY_LOG_NEWDATE, .want = "date"},
        {.type = MY_LOG_TIME2, .want = "time"},
        {.type = MY_LOG_TIME2, .metadata = 6, .want = "time(6)"},
        {.type = MY_LOG_DATETIME2, .want = "datetime"},
        {.type = MY_LOG_DATETIME2, .metadata = 3, .want = "datetime(3)"},
        {.type = MY_LOG_TIMESTAMP2, .want = "timestamp"},
        {.type = MY_LOG_TIMESTAMP2, .metadata = 1, .want = "timestamp(1)"},
        {.type = MY_LOG_STRING, .metadata = 0xfe28, .charset = "\x36", .want = "char(10)", .want_charset = "utf16"},
        /* 255 characters of four bytes each: two bits of the length stand in the type. */
        {.type = MY_LOG_STRING, .metadata = 0xcefc, .charset = "\x2d", .want = "char(255)", .want_charset = "utf8mb4"},
        {.type = MY_LOG_STRING, .metadata = 0xfe10, .charset = "\x3f", .want = "binary(16)"},
        {.type = MY_LOG_VARCHAR,
         .metadata = 1200,
         .charset = "\x2d",
         .want = "varchar(300)",
         .want_charset = "utf8mb4"},
        {.type = MY_LOG_VARCHAR, .metadata = 20, .charset = "\x08", .want = "varchar(20)", .want_charset = "latin1"},
        {.type = MY_LOG_VARCHAR,
         .metadata = 20,
         .charset = "\xfc\x00\x09",
         .want = "varchar(5)",
         .want_charset = NULL}, /* a number of two bytes: below */
        {.type = MY_LOG_VARCHAR, .metadata = 20, .charset = "\x3f", .want = "varbinary(20)"},
        {.type = MY_LOG_VARCHAR_COMPRESSED,
         .metadata = 801,
         .mariadb = true,
         .charset = "\x2d",
         .want = "varchar(200)",
         .want_charset = "utf8mb4"},
        {.type = MY_LOG_BLOB, .metadata = 1, .charset = "\x2d", .want = "tinytext", .want_charset = "utf8mb4"},
        {.type = MY_LOG_BLOB, .metadata = 2, .charset = "\x2d", .want = "text", .want_charset = "utf8mb4"},
        {.type = MY_LOG_BLOB, .metadata = 3, .charset = "\x2d", .want = "mediumtext", .want_charset = "utf8mb4"},
        {.type = MY_LOG_BLOB, .metadata = 4, .charset = "\x2d", .want = "longtext", .want_charset = "utf8mb4"},
        {.type = MY_LOG_BLOB, .metadata = 1, .charset = "\x3f", .want = "tinyblob"},
        {.type = MY_LOG_BLOB, .metadata = 2, .charset = "\x3f", .want = "blob"},
        {.type = MY_LOG_BLOB, .metadata = 3, .charset = "\x3f", .want = "mediumblob"},
        {.type = MY_LOG_BLOB, .metadata = 4, .charset = "\x3f", .want = "longblob"},
        {.type = MY_LOG_BLOB_COMPRESSED, .metadata = 2, .mariadb = true, .charset = "\x3f", .want = "blob"},
        {.type = MY_LOG_JSON, .metadata = 4, .want = "json"},
        {.type = MY_LOG_VECTOR, .metadata = 4, .charset = "\x3f", .want = "vector"},
        {.type = MY_LOG_STRING,
         .metadata = ENUM,
         .charset = "\x08",
         MEMBERS("\x03\x01"
                 "a\x01\xf6\x04it's"),
         .want = "enum(0x61,0xf6,0x69742773)",
         .want_charset = "latin1"},
        {.type = MY_LOG_STRING,
         .metadata = SET,
         .charset = "\x2d",
         MEMBERS("\x02\x00\x01q"),
         .want = "set(0x,0x71)",
         .want_charset = "utf8mb4"},
        {.type = MY_LOG_GEOMETRY, .metadata = 4, .geometry = "\x00", .want = "geometry"},
        {.type = MY_LOG_GEOMETRY, .metadata = 4, .geometry = "\x01", .want = "point"},
        {.type = MY_LOG_GEOMETRY, .metadata = 4, .geometry = "\x02", .want = "linestring"},
        {.type = MY_LOG_GEOMETRY, .metadata = 4, .geometry = "\x03", .want = "polygon"},
        {.type = MY_LOG_GEOMETRY, .metadata = 4, .geometry = "\x04", .want = "multipoint"},
        {.type = MY_LOG_GEOMETRY, .metadata = 4, .geometry = "\x05", .want = "multilinestring"},
        {.type = MY_LOG_GEOMETRY, .metadata = 4, .geometry = "\x06", .want = "multipolygon"},
        {.type = MY_LOG_GEOMETRY, .metadata = 4, .geometry = "\x07", .want = "geometrycollection"},
        /* What is known from when the stream was begun. */
        {.name = "U", .type = MY_LOG_STRING, .metadata = 0xfe10, .mariadb = true, .charset = "\x3f", .want = "uuid"},
        {.name = "i6", .type = MY_LOG_STRING, .metadata = 0xfe10, .mariadb = true, .charset = "\x3f", .want = "inet6"},
        {.name = "i4", .type = MY_LOG_STRING, .metadata = 0xfe04, .mariadb = true, .charset = "\x3f", .want = "inet4"},
        {.name = "ve", .type = MY_LOG_VARCHAR, .metadata = 12, .mariadb = true, .charset = "\x3f", .want = "vector(3)"},
        {.name = "gu", .type = MY_LOG_STRING, .metadata = 0xfe10, .mariadb = true, .charset = "\x3f", .want = "uuid"},
    };
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        struct column c = columns[i];
        const char *name, two_bytes[] = "\xfc\x00\x09";
        struct my_table_map map = map_of(&c, &name);
        if (c.charset && (uint8_t)*c.charset == 0xfc) {
            map.charsets = (const uint8_t *)two_bytes;
            map.charsets_len = 3;
            c.want_charset = "utf8mb4";
        }
        struct my_told_from known = from();
        struct my_told told;
        struct sc_error err = {0};
        if (my_told_read(&map, &known, &arena, &told, &err) != SC_OK)
            fail_msg("%s: %s", c.want, err.what);
        assert_string_equal(told.relation[0].told_type, c.want);
        assert_int_equal(told.relation[0].told_charset != NULL, c.want_charset != NULL);
        if (c.want_charset)
            assert_string_equal(told.relation[0].told_charset, c.want_charset);
        assert_string_equal(told.relation[0].name, name);
        assert_false(told.relation[0].told_optional);
        /* And consumers can be told of it. */
        struct audit_table table = {.name = "item"};
        struct relation relation = {.ncolumns = 1, .columns = told.relation, .told = true};
        if (my_audit_told(&relation, AUDIT_DECIMALS_PRECISE, &arena, &table, &err) != SC_OK)
            fail_msg("%s: %s", c.want, err.what);
        assert_non_null(table.columns[0].type.write);
        audit_table_close(&table);
        arena_reset(&arena);
    }
}

/* An address is read as one only where it is known to be one. */
static void what_is_known_decides_how_bytes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum my_family_type kind;
    } cases[] = {{"u", MY_TYPE_UUID}, {"i6", MY_TYPE_INET6}, {"x", MY_TYPE_PLAIN}, {"gu", MY_TYPE_UUID}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct column c = {
            .name = cases[i].name, .type = MY_LOG_STRING, .metadata = 0xfe10, .mariadb = true, .charset = "\x3f"};
        const char *name;
        struct my_table_map map = map_of(&c, &name);
        struct my_told_from known = from();
        struct my_told told;
        struct sc_error err;
        assert_int_equal(my_told_read(&map, &known, &arena, &told, &err), SC_OK);
        assert_int_equal(told.columns[0].kind, cases[i].kind);
        assert_int_equal(told.columns[0].is_binary, cases[i].kind == MY_TYPE_PLAIN);
        assert_int_equal(told.computed[0], strcmp(cases[i].name, "gu") == 0);
        arena_reset(&arena);
    }
}

/* Lists have an entry for each column of their kind: none takes another one's. */
static void columns_of_many_kinds_do_not_mix(void **state)
{
    (void)state;
    static const uint8_t types[] = {MY_LOG_LONG,     MY_LOG_STRING, MY_LOG_VARCHAR, MY_LOG_STRING, MY_LOG_GEOMETRY,
                                    MY_LOG_LONGLONG, MY_LOG_BLOB,   MY_LOG_STRING,  MY_LOG_STRING, MY_LOG_GEOMETRY};
    static const uint16_t metadata[] = {0, ENUM, 20, SET, 4, 0, 2, ENUM, 0xfe04, 4};
    static const char *names[] = {"g", "e", "v", "f", "p", "b", "t", "e2", "s", "q"};
    static const char members[] = "\x01\x01"
                                  "a\x01\x01"
                                  "z",
                      set[] = "\x01\x01p";
    static const uint8_t nullable[] = {0xfe, 0x01}, charset_list[] = {8, 63, 45, 45, 63}, mysql_list[] = {8, 45, 45},
                         member_list[] = {45, 8, 54}, unsigned_bits[] = {0x40}, primary[] = {5, 0};
    static const char *const want[] = {"int",  "enum(0x61)", "varchar(20)", "set(0x70)", "point", "bigint unsigned",
                                       "text", "enum(0x7a)", "char(1)",     "polygon"};
    for (int mariadb = 0; mariadb < 2; mariadb++) {
        struct my_table_map map = {.schema = "shop",
                                   .table = "item",
                                   .mariadb = mariadb,
                                   .ncolumns = 10,
                                   .types = types,
                                   .metadata = metadata,
                                   .nullable = nullable,
                                   .unsigned_bits = unsigned_bits,
                                   .unsigned_len = 1,
                                   .charsets = mariadb ? charset_list : mysql_list,
                                   .charsets_len = mariadb ? 5 : 3,
                                   .charsets_by_column = true,
                                   .names = names,
                                   .enums = field(members, 6),
                                   .sets = field(set, 3),
                                   .geometry = field("\x01\x03", 2),
                                   .primary = {primary, 2},
                                   .member_charsets = {member_list, 3},
                                   .member_charsets_by_column = true};
        struct my_told_from known = from();
        known.leaves_out_stored = true;
        struct my_told told;
        struct sc_error err = {0};
        if (my_told_read(&map, &known, &arena, &told, &err) != SC_OK)
            fail_msg("%s", err.what);
        for (int i = 0; i < 10; i++) {
            const struct relation_column *c = &told.relation[i];
            assert_string_equal(c->told_type, want[i]);
            assert_int_equal(c->told_optional, i > 0 && i < 9);
            assert_int_equal(c->told_absent, i == 0 || i == 8); /* "g" is virtual, "s" stored, and left out */
            assert_int_equal(told.computed[i], i == 0 || i == 8);
            assert_int_equal(c->told_key, i == 5 ? 1 : i == 0 ? 2 : 0);
        }
        assert_string_equal(told.relation[1].told_charset, "utf8mb4");
        assert_string_equal(told.relation[3].told_charset, "latin1");
        assert_string_equal(told.relation[7].told_charset, "utf16");
        assert_string_equal(told.relation[2].told_charset, "latin1");
        assert_null(told.relation[4].told_charset);
        arena_reset(&arena);
    }
}

static void refused(struct my_table_map map, const char *why)
{
    struct my_told_from known = from();
    struct my_told told;
    struct sc_error err = {0};
    assert_int_equal(my_told_read(&map, &known, &arena, &told, &err), SC_FAIL);
    if (!strstr(err.what, why))
        fail_msg("expected \"%s\" in \"%s\"", why, err.what);
    arena_reset(&arena);
}

static void what_is_not_told_is_not_guessed_at(void **state)
{
    (void)state;
    static const struct column columns[] = {
        {.type = MY_LOG_TIME, .mariadb = true, .want = "old form"},
        {.type = MY_LOG_DATETIME, .mariadb = true, .want = "old form"},
        {.type = MY_LOG_TIMESTAMP, .mariadb = true, .want = "old form"},
        {.type = MY_LOG_VARCHAR, .metadata = 20, .charset = "\x01", .want = "no collation of the number"},
        {.type = MY_LOG_VARCHAR, .metadata = 20, .charset = "\xc8", .want = "no collation of the number"},
        {.type = MY_LOG_VARCHAR, .metadata = 20, .want = "no collation of the number"},
        {.type = MY_LOG_STRING, .metadata = 0xfe10, .want = "of which kind column 1"},
        {.type = MY_LOG_STRING, .metadata = ENUM, .charset = "\x08", .want = "its members are not there"},
        {.type = MY_LOG_STRING, .metadata = ENUM, .charset = "\x08", MEMBERS("\x02\x01x"), .want = "its members"},
        {.type = MY_LOG_STRING, .metadata = ENUM, .charset = "\x01", MEMBERS("\x01\x01x"), .want = "no collation"},
        {.type = MY_LOG_GEOMETRY, .metadata = 4, .want = "its kind of geometry"},
        {.type = MY_LOG_GEOMETRY, .metadata = 4, .geometry = "\x08", .want = "its kind of geometry"},
        {.type = MY_LOG_BLOB, .metadata = 5, .charset = "\x2d", .want = "impossible number of bytes"},
        {.type = MY_LOG_NULL, .want = "its type is not known"},
        {.name = "DB_ROW_HASH_1", .type = MY_LOG_LONGLONG, .mariadb = true, .want = "it is hidden"},
        {.name = "!hidden!i!0!0", .type = MY_LOG_LONGLONG, .want = "it is hidden"},
        {.name = "u", .type = MY_LOG_LONG, .want = "is uuid in the catalog, but of type 3"},
    };
    const char *name;
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        refused(map_of(&columns[i], &name), columns[i].want);
    struct column number = {.type = MY_LOG_LONG};
    struct my_table_map map = map_of(&number, &name);
    map.names = NULL;
    refused(map, "binlog_row_metadata is not FULL");
    map = map_of(&number, &name);
    map.unsigned_bits = NULL;
    refused(map, "of which kind column 1");
    map = map_of(&number, &name);
    map.primary = field("\x01", 1);
    refused(map, "by a column that it lacks");
    map.primary = field("\x00\x00", 2);
    refused(map, "or twice by the same");
}

/* Before some version a YEAR has no bit among the signs, and those of the columns behind it are read one too far. */
static void signs_beside_a_year_are_told_where_they_are_known(void **state)
{
    (void)state;
    struct column year = {.type = MY_LOG_YEAR, .is_unsigned = true}, number = {.type = MY_LOG_LONG};
    struct my_told_from known = from();
    struct my_told told;
    struct sc_error err;
    const char *name;
    struct my_table_map map = map_of(&year, &name);
    assert_int_equal(my_told_read(&map, &known, &arena, &told, &err), SC_OK);
    known.signs_leave_out_year = true;
    assert_int_equal(my_told_read(&map, &known, &arena, &told, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "which columns are unsigned beside a YEAR"));
    map = map_of(&number, &name);
    assert_int_equal(my_told_read(&map, &known, &arena, &told, &err), SC_OK);
    arena_reset(&arena);
}

/* A member that is no text in its character set, or has a NUL in it, has no name that could be sent. */
static void members_that_are_no_text_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type, *charset, *first; /* NULL: refused */
    } cases[] = {
        {"enum(0x61f6,0x62)", "latin1", "a\xc3\xb6"},
        {"enum(0x006100f6)", "utf16", "a\xc3\xb6"},
        {"set(0xc3b6,0x62)", "utf8mb4", "\xc3\xb6"},
        {"enum(0x)", "utf8mb4", ""},
        {"enum(0x610062)", "latin1", NULL},
        {"enum(0xd8)", "utf16", NULL},
        {"enum(0x61)", "dec8", NULL},
        {"enum(0x61)", NULL, NULL},
        {"enum('a')", "latin1", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct relation_column c = {.name = "e", .told_type = cases[i].type, .told_charset = cases[i].charset};
        struct relation relation = {.ncolumns = 1, .columns = &c, .told = true};
        struct audit_table table = {.name = "item"};
        struct sc_error err;
        enum sc_result result = my_audit_told(&relation, AUDIT_DECIMALS_PRECISE, &arena, &table, &err);
        assert_int_equal(result, cases[i].first ? SC_OK : SC_FAIL);
        if (cases[i].first)
            assert_string_equal(table.columns[0].type.members[0], cases[i].first);
        audit_table_close(&table);
        arena_reset(&arena);
    }
}

static int clean(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_told),
        cmocka_unit_test(what_is_known_decides_how_bytes_are_read),
        cmocka_unit_test(columns_of_many_kinds_do_not_mix),
        cmocka_unit_test(what_is_not_told_is_not_guessed_at),
        cmocka_unit_test(members_that_are_no_text_are_refused),
        cmocka_unit_test(signs_beside_a_year_are_told_where_they_are_known),
    };
    return cmocka_run_group_tests_name("what table maps tell", tests, NULL, clean);
}
