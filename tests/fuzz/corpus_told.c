/* First inputs for fuzz_told: the recorded table maps, and one with a column of every type that there is. */
#include "base/reader.h"
#include "cdc/mysql/types.h"
#include "fuzz/corpus.h"
#include "fuzz/told.h"
#include "lib/mysql_log.h"

enum { HEADER = 19, CHECKSUM = 4 };

static void add(uint8_t flags, uint16_t at, uint8_t bits, const void *body, size_t len)
{
    struct buf b = {0};
    buf_u8(&b, flags);
    buf_u8(&b, (uint8_t)at);
    buf_u8(&b, (uint8_t)(at >> 8));
    buf_u8(&b, bits);
    buf_bytes(&b, body, len);
    corpus_add(&b);
    buf_fini(&b);
}

static void log_file(const char *path, bool mariadb)
{
    size_t len;
    char *data = log_file_read(path, &len);
    if (!data)
        return;
    struct my_decoder d;
    struct arena arena = {0};
    my_decoder_init(&d, mariadb);
    for (size_t at = 4; at + HEADER <= len;) {
        struct my_event event;
        struct sc_error err;
        struct reader r = reader_of(data + at + 9, 4);
        size_t size = read_u32_le(&r);
        arena_reset(&arena);
        if (size > len - at || my_event_decode(&d, &arena, data + at, size, &event, &err) != SC_OK)
            break;
        size_t sum = d.checksum == MY_CHECKSUM_CRC32 ? CHECKSUM : 0, body = size - HEADER - sum;
        uint8_t family = mariadb ? FUZZ_MAP_MARIADB : 0;
        if (event.kind == MY_EVENT_TABLE_MAP) {
            add(family, 0, 0, data + at + HEADER, body);
            add(family | FUZZ_UNTOLD | FUZZ_LEAVES_OUT_STORED, (uint16_t)(body / 2), 1, data + at + HEADER, body);
            add(family | FUZZ_UNTOLD | FUZZ_SIGNS_LEAVE_OUT_YEAR, 0, 1, data + at + HEADER, body);
        }
        at += size;
    }
    arena_fini(&arena);
    mem_free(data);
}

/* --- one of our own --- */

enum { BOTH, MYSQL_ONLY, MARIADB_ONLY };

static const struct column {
    const char *name;
    uint8_t type;
    const char *metadata;
    uint8_t nmetadata;
    uint8_t charset; /* a list has it; 0 none */
    uint8_t where;
} columns[] = {
    {"id", MY_LOG_LONGLONG, "", 0, 0, BOTH},
    {"t", MY_LOG_TINY, "", 0, 0, BOTH},
    {"h", MY_LOG_SHORT, "", 0, 0, BOTH},
    {"m", MY_LOG_INT24, "", 0, 0, BOTH},
    {"l", MY_LOG_LONG, "", 0, 0, BOTH},
    {"d", MY_LOG_NEWDECIMAL, "\x0c\x03", 2, 0, BOTH},
    {"f", MY_LOG_FLOAT, "\x04", 1, 0, BOTH},
    {"x", MY_LOG_DOUBLE, "\x08", 1, 0, BOTH},
    {"y", MY_LOG_YEAR, "", 0, 0, BOTH},
    {"bit", MY_LOG_BIT, "\x03\x01", 2, 0, BOTH},
    {"da", MY_LOG_DATE, "", 0, 0, BOTH},
    {"nd", MY_LOG_NEWDATE, "", 0, 0, BOTH},
    {"ti", MY_LOG_TIME2, "\x06", 1, 0, BOTH},
    {"dt", MY_LOG_DATETIME2, "\x03", 1, 0, BOTH},
    {"ts", MY_LOG_TIMESTAMP2, "\x00", 1, 0, BOTH},
    {"ch", MY_LOG_STRING, "\xfe\x28", 2, 54, BOTH},
    {"wide", MY_LOG_STRING, "\xce\xfc", 2, 45, BOTH},
    {"bi", MY_LOG_STRING, "\xfe\x10", 2, 63, BOTH},
    {"u", MY_LOG_STRING, "\xfe\x10", 2, 63, MARIADB_ONLY},
    {"gu", MY_LOG_STRING, "\xfe\x10", 2, 63, MARIADB_ONLY},
    {"i4", MY_LOG_STRING, "\xfe\x04", 2, 63, MARIADB_ONLY},
    {"i6", MY_LOG_STRING, "\xfe\x10", 2, 63, MARIADB_ONLY},
    {"ve", MY_LOG_VARCHAR, "\x0c\x00", 2, 63, MARIADB_ONLY},
    {"vc", MY_LOG_VARCHAR_COMPRESSED, "\x21\x03", 2, 45, MARIADB_ONLY},
    {"tc", MY_LOG_BLOB_COMPRESSED, "\x02", 1, 45, MARIADB_ONLY},
    {"v", MY_LOG_VARCHAR, "\xb0\x04", 2, 45, BOTH},
    {"vb", MY_LOG_VARCHAR, "\x14\x00", 2, 63, BOTH},
    {"s", MY_LOG_VAR_STRING, "\x14\x00", 2, 8, BOTH},
    {"t1", MY_LOG_BLOB, "\x01", 1, 8, BOTH},
    {"t2", MY_LOG_BLOB, "\x02", 1, 45, BOTH},
    {"b3", MY_LOG_BLOB, "\x03", 1, 63, BOTH},
    {"b4", MY_LOG_BLOB, "\x04", 1, 63, BOTH},
    {"j", MY_LOG_JSON, "\x04", 1, 0, MYSQL_ONLY},
    {"vec", MY_LOG_VECTOR, "\x04", 1, 63, MYSQL_ONLY},
    {"e", MY_LOG_STRING, "\xf7\x01", 2, 0, BOTH},
    {"e2", MY_LOG_STRING, "\xf7\x01", 2, 0, BOTH},
    {"set", MY_LOG_STRING, "\xf8\x01", 2, 0, BOTH},
    {"g0", MY_LOG_GEOMETRY, "\x04", 1, 0, BOTH},
    {"g7", MY_LOG_GEOMETRY, "\x04", 1, 0, BOTH},
    {"old", MY_LOG_DATETIME, "", 0, 0, BOTH},
    {"!hidden!x", MY_LOG_LONGLONG, "", 0, 0, BOTH},
    {"DB_ROW_HASH_1", MY_LOG_LONGLONG, "", 0, 0, MARIADB_ONLY},
};

static void field(struct buf *to, uint8_t number, const char *data, size_t len)
{
    buf_u8(to, number);
    if (len > 250)
        buf_u8(to, 0xfc);
    buf_u8(to, (uint8_t)len);
    if (len > 250)
        buf_u8(to, (uint8_t)(len >> 8));
    buf_bytes(to, data, len);
}

static void name(struct buf *to, const char *text)
{
    buf_u8(to, (uint8_t)strlen(text));
    buf_str(to, text);
}

/* Columns first .. last of that family; `defaults`: lists of what is not the default, instead of all. */
static void add_own(bool mariadb, size_t first, size_t last, bool defaults, uint8_t flags)
{
    struct buf body = {0}, types = {0}, metadata = {0}, names = {0}, list = {0}, enums = {0}, sets = {0}, members = {0},
               geometry = {0};
    uint8_t n = 0, text = 0;
    if (defaults)
        buf_u8(&list, 45);
    for (size_t i = first; i < last; i++) {
        const struct column *c = &columns[i];
        if (c->where == (mariadb ? MYSQL_ONLY : MARIADB_ONLY))
            continue;
        n++;
        buf_u8(&types, c->type);
        buf_bytes(&metadata, c->metadata, c->nmetadata);
        name(&names, c->name);
        uint8_t charset = c->charset ? c->charset : mariadb && c->type == MY_LOG_GEOMETRY ? 63 : 0;
        if (charset && defaults && charset != 45)
            buf_u8(&list, text);
        if (charset && (!defaults || charset != 45))
            buf_u8(&list, charset);
        text += charset != 0;
        bool is_enum = c->type == MY_LOG_STRING && (uint8_t)c->metadata[0] == MY_LOG_ENUM;
        bool is_set = c->type == MY_LOG_STRING && (uint8_t)c->metadata[0] == MY_LOG_SET;
        if (is_enum || is_set) {
            struct buf *to = is_set ? &sets : &enums;
            buf_u8(to, 3);
            name(to, "a");
            name(to, "");
            name(to, "it's, (all)");
            buf_u8(&members, is_set ? 8 : 45);
        }
        if (c->type == MY_LOG_GEOMETRY)
            buf_u8(&geometry, (uint8_t)(c->name[1] - '0'));
    }
    buf_bytes(&body, "\x07\0\0\0\0\0\x01\0", 8);
    name(&body, "shop");
    buf_u8(&body, 0);
    name(&body, "item");
    buf_u8(&body, 0);
    buf_u8(&body, n);
    buf_bytes(&body, types.data, types.len);
    buf_u8(&body, (uint8_t)metadata.len);
    buf_bytes(&body, metadata.data, metadata.len);
    for (int i = 0; i < (n + 7) / 8; i++)
        buf_u8(&body, 0xaa);
    field(&body, 1, "\xa5\xff", 2);
    field(&body, defaults ? 2 : 3, list.data, list.len);
    field(&body, 4, names.data, names.len);
    if (sets.len)
        field(&body, 5, sets.data, sets.len);
    if (enums.len)
        field(&body, 6, enums.data, enums.len);
    if (geometry.len)
        field(&body, 7, geometry.data, geometry.len);
    field(&body, defaults ? 9 : 8, defaults ? "\x00\x05" : "\x00", defaults ? 2 : 1);
    if (members.len)
        field(&body, defaults ? 10 : 11, members.data, defaults ? 1 : members.len);
    add(flags | (mariadb ? FUZZ_MAP_MARIADB : 0), 4, 0, body.data, body.len);
    struct buf *all[] = {&body, &types, &metadata, &names, &list, &enums, &sets, &members, &geometry};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        buf_fini(all[i]);
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    static const char *const servers[] = {"mysql-9", "mariadb-10", "mariadb-11"};
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        for (int number = 1; number < 10; number++) {
            char path[512];
            snprintf(path, sizeof(path), "%s/binlog/%s.%d", TEST_DATA_DIR, servers[i], number);
            log_file(path, strncmp(servers[i], "mariadb", 7) == 0);
        }
    }
    size_t count = sizeof(columns) / sizeof(columns[0]), refused = 3; /* the last ones */
    for (int mariadb = 0; mariadb < 2; mariadb++) {
        for (size_t i = 0; i < count; i++)
            add_own(mariadb, i, i + 1, i % 2, i % 3 ? FUZZ_UNTOLD : 0);
        add_own(mariadb, 0, count - refused, false, 0);
        add_own(mariadb, 0, count - refused, true, 0);
        add_own(mariadb, 0, count - refused, false, FUZZ_UNTOLD);
        add_own(mariadb, 0, count - refused, false, FUZZ_UNTOLD | FUZZ_LEAVES_OUT_STORED);
    }
    return corpus_end();
}
