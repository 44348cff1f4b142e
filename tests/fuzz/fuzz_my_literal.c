/* From the log's bytes to SQL: a column, and a value of it as row events have it. What is written has to be one
 * literal, which stands for that value and for nothing else. A chunk's bound likewise, out of a record that may be
 * damaged. */
#include "applier/mysql/literal.h"
#include "base/reader.h"
#include "cdc/mysql/columns.h"
#include "fuzz/fuzz.h"
#include "fuzz/my_literal.h"

/* Types as catalogs have them. */
static const struct type {
    const char *type, *data_type, *charset;
    uint8_t log_type; /* of cdc/mysql/types.h */
    enum my_family_type kind;
} types[] = {
    {"tinyint(4)", "tinyint", NULL, 1, MY_TYPE_PLAIN},
    {"bigint unsigned", "bigint", NULL, 8, MY_TYPE_PLAIN},
    {"decimal(30,10)", "decimal", NULL, 246, MY_TYPE_PLAIN},
    {"float", "float", NULL, 4, MY_TYPE_PLAIN},
    {"double", "double", NULL, 5, MY_TYPE_PLAIN},
    {"bit(64)", "bit", NULL, 16, MY_TYPE_PLAIN},
    {"year(4)", "year", NULL, 13, MY_TYPE_PLAIN},
    {"date", "date", NULL, 10, MY_TYPE_PLAIN},
    {"time(6)", "time", NULL, 19, MY_TYPE_PLAIN},
    {"datetime(6)", "datetime", NULL, 18, MY_TYPE_PLAIN},
    {"timestamp(3)", "timestamp", NULL, 17, MY_TYPE_PLAIN},
    {"varchar(100)", "varchar", "utf8mb4", 15, MY_TYPE_PLAIN},
    {"varchar(100)", "varchar", "utf16", 15, MY_TYPE_PLAIN},
    {"char(10)", "char", "latin1", 254, MY_TYPE_PLAIN},
    {"longtext", "longtext", "utf8mb3", 252, MY_TYPE_PLAIN},
    {"binary(8)", "binary", NULL, 254, MY_TYPE_PLAIN},
    {"longblob", "longblob", NULL, 252, MY_TYPE_PLAIN},
    {"geometry", "geometry", NULL, 255, MY_TYPE_PLAIN},
    {"json", "json", NULL, 245, MY_TYPE_PLAIN},
    {"vector(3)", "vector", NULL, 242, MY_TYPE_PLAIN},
    {"enum('a','b''c','x,y')", "enum", "latin1", 247, MY_TYPE_PLAIN},
    {"set('a','b''c','x')", "set", "utf8mb4", 248, MY_TYPE_PLAIN},
    {"uuid", "uuid", NULL, 254, MY_TYPE_UUID},
    {"inet6", "inet6", NULL, 254, MY_TYPE_INET6},
    {"time(3)", "time", NULL, 11, MY_TYPE_PLAIN},
    {"datetime", "datetime", NULL, 12, MY_TYPE_PLAIN},
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };
static const char *const enum_members[] = {"a", "b'c", "x,y"};
static const char *const set_members[] = {"a", "b'c", "x"};

static struct my_column column_of(const struct type *type)
{
    bool is_enum = strcmp(type->data_type, "enum") == 0, is_set = strcmp(type->data_type, "set") == 0;
    return (struct my_column){.name = "c",
                              .type = type->type,
                              .data_type = type->data_type,
                              .charset = type->charset,
                              .collation = type->charset ? "utf8mb4_bin" : NULL,
                              .is_unsigned = strstr(type->type, " unsigned") != NULL,
                              .members = is_enum  ? enum_members
                                         : is_set ? set_members
                                                  : NULL,
                              .nmembers = is_enum || is_set ? 3 : 0};
}

/* --- what a server reads of a literal, whatever its sql_mode --- */

enum part { PART_NUMBER, PART_TEXT, PART_HEX };

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Takes one literal apart: a number, or [_charset]'text' or [_charset] X'hex', and then nothing but " COLLATE name". */
static enum part read_literal(const char *sql, struct buf *bytes)
{
    const char *p = sql;
    size_t number = strspn(p, "0123456789+-.e");
    if (number) {
        HOLDS(!p[number] && p[number - 1] >= '0' && p[number - 1] <= '9' && !strstr(p, "--"));
        buf_str(bytes, p);
        return PART_NUMBER;
    }
    if (*p == '_')
        p += 1 + strspn(p + 1, "abcdefghijklmnopqrstuvwxyz0123456789");
    p += *p == ' ';
    bool hex = *p == 'X';
    p += hex;
    HOLDS(*p++ == '\'');
    for (; *p && *p != '\''; p++) {
        HOLDS(*p != '\\' && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
        if (!hex) {
            buf_char(bytes, *p);
            continue;
        }
        HOLDS(strspn(p, "0123456789ABCDEFabcdef") >= 2);
        unsigned high = digit((char)(*p >= 'a' ? *p - 32 : *p)), low = digit((char)(p[1] >= 'a' ? p[1] - 32 : p[1]));
        buf_u8(bytes, (uint8_t)(high << 4 | low));
        p++;
    }
    HOLDS(*p++ == '\'');
    if (*p) {
        HOLDS(strncmp(p, " COLLATE ", 9) == 0);
        HOLDS(strspn(p + 9, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(p + 9));
    }
    return hex ? PART_HEX : PART_TEXT;
}

/* JSON becomes an expression: at least, quotes and brackets are in pairs and nothing is beyond ASCII. */
static void check_expression(const char *sql)
{
    int depth = 0;
    bool in_text = false;
    for (const char *p = sql; *p; p++) {
        HOLDS((unsigned char)*p < 0x80 && *p != '\\' && (in_text || *p != ';'));
        if (*p == '\'')
            in_text = !in_text;
        depth += in_text ? 0 : *p == '(' ? 1 : *p == ')' ? -1 : 0;
        HOLDS(depth >= 0);
    }
    HOLDS(!in_text && depth == 0);
}

static void check_written(const struct my_literal *l, const struct value *value, const char *sql)
{
    struct buf bytes = {0};
    if (l->kind == MY_LITERAL_JSON) {
        check_expression(sql);
        return;
    }
    enum part part = read_literal(sql, &bytes);
    switch (l->kind) {
    case MY_LITERAL_NUMBER:
        HOLDS(part == PART_NUMBER && bytes.len == value->len && memcmp(bytes.data, value->data, value->len) == 0);
        break;
    case MY_LITERAL_FLOAT:
    case MY_LITERAL_DOUBLE:
        HOLDS(part == PART_NUMBER && strchr(sql, 'e') && strtod(sql, NULL) == strtod(value->data, NULL));
        break;
    case MY_LITERAL_ENUM:
    case MY_LITERAL_SET:
        HOLDS(part != PART_NUMBER || l->by_number);
        break;
    default:
        HOLDS(part != PART_NUMBER && bytes.len == value->len);
        HOLDS(!bytes.len || memcmp(bytes.data, value->data, value->len) == 0);
        break;
    }
    buf_fini(&bytes);
}

static void value(enum my_family family, const struct type *type, const uint8_t *data, size_t len)
{
    struct my_column column = column_of(type);
    struct my_literal literal;
    struct sc_error err;
    if (len < 2 || my_literal_init(&literal, family, &column, &err) != SC_OK)
        return;
    struct my_log_column c = {.type = type->log_type,
                              .metadata = (uint16_t)(data[0] << 8 | data[1]),
                              .is_unsigned = column.is_unsigned,
                              .is_binary = strcmp(type->data_type, "binary") == 0,
                              .kind = type->kind,
                              .length = data[0] % 64};
    struct arena arena = {0};
    struct value v;
    const char *problem;
    struct reader r = reader_of(data + 2, len - 2);
    struct buf sql = {0}, key = {0};
    if (my_value_read(&r, &c, &arena, &v, &problem)) {
        if (my_add_value(&sql, &literal, &v, &err) == SC_OK)
            check_written(&literal, &v, buf_cstr(&sql));
        if (my_add_key_value(&key, &literal, &v, &err) == SC_OK) {
            struct buf bytes = {0};
            read_literal(buf_cstr(&key), &bytes);
            buf_fini(&bytes);
        }
    }
    buf_fini(&sql);
    buf_fini(&key);
    arena_fini(&arena);
}

/* A stored bound is a literal of its column's kind, or damaged. */
static void bound(enum my_family family, const struct type *type, const char *text)
{
    struct my_column column = column_of(type);
    struct my_literal literal;
    struct sc_error err;
    struct buf sql = {0}, bytes = {0};
    if (my_literal_init(&literal, family, &column, &err) != SC_OK)
        return;
    if (my_add_key_literal(&sql, &literal, text, &err) == SC_OK) {
        HOLDS(sql.len > 0);
        char *shown = mem_strdup(buf_cstr(&sql)), *exponent = strchr(shown, 'E');
        if (exponent && shown[0] != '_' && shown[0] != '\'')
            *exponent = 'e';
        read_literal(shown, &bytes);
        mem_free(shown);
    }
    buf_fini(&sql);
    buf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct type *type = &types[data[1] % TYPES];
    enum my_family family = data[0] & 16 ? MY_MARIADB : MY_MYSQL;
    uint8_t *exact = fuzz_exact(data + 2, size - 2);
    char *text = fuzz_text(data + 2, size - 2);
    if ((data[0] & 15) == FUZZ_COLUMN_VALUE)
        value(family, type, exact, size - 2);
    else if ((data[0] & 15) == FUZZ_BOUND)
        bound(family, type, text);
    free(exact);
    free(text);
    return 0;
}
