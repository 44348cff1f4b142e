/* First inputs for fuzz_my_statement: every statement of the recorded logs, and some more. */
#include "fuzz/corpus.h"
#include "lib/mysql_log.h"

static void log_file(const char *path, bool mariadb)
{
    enum { HEADER = 19 };
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
        if (event.kind == MY_EVENT_QUERY) {
            struct buf b = {0};
            buf_u8(&b, 64 + 8);
            buf_bytes(&b, event.query.text, event.query.len);
            corpus_add(&b);
            buf_fini(&b);
        }
        at += size;
    }
    arena_fini(&arena);
    mem_free(data);
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
    static const char *const statements[] = {
        "HRENAME TABLE item WAIT 5 TO away, b TO c",
        "HALTER TABLE part EXCHANGE PARTITION p WITH TABLE item",
        "HALTER TABLE item RENAME COLUMN a TO b, RENAME INDEX i TO j, ADD FOREIGN KEY (a) REFERENCES other.t (b)",
        "HALTER TABLE m UNION = (item, t)",
        "HCREATE OR REPLACE DEFINER=`a`@`%` TRIGGER t AFTER UPDATE ON shop.item FOR EACH ROW SET @a = 1",
        "HCREATE TEMPORARY TABLE item (a INT)",
        "HCREATE OR REPLACE SEQUENCE item",
        "HCREATE UNIQUE INDEX i ON item (a)",
        "HDROP DATABASE IF EXISTS shop",
        "H/*!40000 ALTER TABLE `item` DISABLE KEYS */",
        "JINSERT INTO a.b VALUES ('\x95\\', \"x\", `y`, N'n', 0x1, 1.5) -- end",
        "hXA COMMIT X'78',X'',1 ONE PHASE",
        "hROLLBACK WORK TO SAVEPOINT `a b`",
        "HSET STATEMENT a = 1 FOR DROP TABLE IF EXISTS one, shop.item /*M!100500 WAIT 1 */",
        "HANALYZE FORMAT = JSON DELETE FROM shop.item",
        "XALTER TABLE \"item\" ENGINE = InnoDB",
    };
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        corpus_text((uint8_t)statements[i][0], statements[i] + 1);
    for (int i = 0; i < 64; i++) {
        char name[] = {(char)i, 'i', 't', '`', '"', 'm', 0};
        corpus_text(0xff, i == 0 ? "\x01item" : name);
    }
    return corpus_end();
}
