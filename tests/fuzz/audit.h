/* The types that fuzz_audit and its corpus know by number. */
#ifndef SC_TESTS_FUZZ_AUDIT_H
#define SC_TESTS_FUZZ_AUDIT_H

static const struct {
    unsigned type;
    int modifier;
    unsigned element;
} audit_pg[] = {
    {16, -1, 0},   {17, -1, 0},   {20, -1, 0},       {25, -1, 0},   {701, -1, 0},   {1082, -1, 0},  {1083, -1, 0},
    {1083, 2, 0},  {1114, -1, 0}, {1114, 3, 0},      {1184, -1, 0}, {1184, 0, 0},   {1266, -1, 0},  {1186, -1, 0},
    {1560, 10, 0}, {1700, -1, 0}, {1700, 655366, 0}, {3802, -1, 0}, {1009, -1, 25}, {1007, -1, 23}, {1001, -1, 17},
};
static const char *const audit_my[] = {
    "bigint",  "bigint unsigned", "double",        "decimal(10,2)", "bit(10)",    "year",         "date",
    "time(3)", "datetime",        "datetime(6)",   "timestamp(2)",  "varchar(9)", "varbinary(9)", "json",
    "point",   "vector(2)",       "enum('a','b')", "set('a','b')",
};
enum { AUDIT_PG = sizeof(audit_pg) / sizeof(audit_pg[0]), AUDIT_MY = sizeof(audit_my) / sizeof(audit_my[0]) };
static const char *const audit_charsets[] = {"utf8mb4", "latin1", "ucs2", "sjis", "gbk", "utf32"};
enum { AUDIT_CHARSETS = sizeof(audit_charsets) / sizeof(audit_charsets[0]) };

#endif
