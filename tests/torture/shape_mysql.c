#include "torture/shape.h"

static void bytes(struct buf *out, const uint8_t *data, size_t len)
{
    buf_str(out, "X'");
    for (size_t i = 0; i < len; i++)
        buf_printf(out, "%02x", data[i]);
    buf_char(out, '\'');
}

static void binary_key(struct buf *out, const char *hex)
{
    buf_printf(out, "X'%s'", hex);
}

const struct family family_mysql = {
    .name = "mysql",
    .sql = &sql_mysql,
    .select = "n, birth, slot, bal, ver, trail, note, amount, doc, pad, moment, kind, LOWER(HEX(bytes_))",
    .key_texts = {"CAST(id AS CHAR)", "grp || '.' || id", "id", "LOWER(HEX(id))"},
    .key_definitions = {"id int PRIMARY KEY", "grp int, id bigint, PRIMARY KEY (grp, id)",
                        "id varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY",
                        "id binary(16) PRIMARY KEY"},
    .read_committed = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    .repeatable_read = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    .begin_repeatable_read = "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    .counts = "SELECT (SELECT count(*) FROM t FORCE INDEX (PRIMARY)), (SELECT count(*) FROM t FORCE INDEX (slot)), "
              "(SELECT count(*) FROM t FORCE INDEX (t_bal)), (SELECT count(*) FROM t FORCE INDEX (t_n))",
    .alters = {"MODIFY ver bigint NOT NULL, ADD COLUMN region varchar(20) NOT NULL DEFAULT 'eu'",
               "MODIFY bal decimal(30,0) NOT NULL, MODIFY kind enum('blue', 'green', 'red')",
               "DROP COLUMN spare, ADD COLUMN noted bigint, ADD INDEX t_kind (kind)",
               "MODIFY note text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, MODIFY n decimal(30,0) NOT NULL, MODIFY "
               "bytes_ varbinary(200)"},
    .create_tables =
        "CREATE TABLE t (%s, n bigint NOT NULL, birth bigint NOT NULL, slot bigint UNIQUE, bal bigint NOT NULL, ver "
        "int NOT NULL, trail text NOT NULL, note text, amount decimal(20,6), doc json, pad mediumtext, moment "
        "datetime(6), kind enum('red', 'green', 'blue'), bytes_ varbinary(100), spare int DEFAULT 7, KEY t_bal (bal), "
        "KEY t_n (n)) CHARACTER SET utf8mb4;"
        "CREATE TABLE graves (n bigint, birth bigint UNIQUE, slot bigint, bal bigint, ver int, trail text, note text, "
        "amount decimal(20,6), doc json, pad mediumtext, moment datetime(6), kind enum('red', 'green', 'blue'), bytes_ "
        "varbinary(100), deleter varchar(40)) CHARACTER SET utf8mb4;",
    .prepare = "PREPARE appendage FROM 'UPDATE t SET ver = ver + 1, trail = trail || ? WHERE n = ?'",
    .execute_first = "SET @tag = ':%s', @n = %lld",
    .execute = "EXECUTE appendage USING @tag, @n",
    .columns_of = "SHOW CREATE TABLE t",
    .program_sessions = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'sc_torture_program'",
    .end_session = "KILL %s",
    .left_behind =
        "SELECT 'table ' || TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME "
        "LIKE '%seachange%' AND TABLE_NAME NOT LIKE '$_seachange$_%' ESCAPE '$' AND TABLE_NAME NOT LIKE "
        "'t$_seachange$_old$_%' ESCAPE '$' UNION ALL "
        "SELECT 'trigger ' || TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() UNION "
        "ALL "
        "SELECT 'session ' || ID FROM information_schema.PROCESSLIST WHERE USER = 'sc_torture_program'",
    .position = "SELECT applied_order FROM _seachange_migration",
    .audited = "SELECT sequence FROM _seachange_audit",
    .streamed_position = "SELECT position_order FROM _seachange_stream",
    .streamed = "SELECT sequence_number FROM _seachange_stream_table",
    .stream_alters = {"ALTER TABLE t ADD COLUMN extra varchar(20) DEFAULT 'x' FIRST",
                      "ALTER TABLE t MODIFY COLUMN pad longtext AFTER birth", "ALTER TABLE t DROP COLUMN spare",
                      "ALTER TABLE t MODIFY kind enum('blue', 'red', 'green', 'black'), ADD INDEX t_kind (kind)"},
    .log_describes = "SET GLOBAL binlog_row_metadata = FULL",
    .log_describes_option = "--binlog-row-metadata=FULL",
    .old_table = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE "
                 "'t$_seachange$_old$_%' ESCAPE '$'",
    .clear = "DROP DATABASE IF EXISTS %s; PURGE BINARY LOGS BEFORE NOW();",
    .create =
        "CREATE DATABASE %s; CREATE USER IF NOT EXISTS 'sc_torture_program'@'127.0.0.1' IDENTIFIED BY ''; GRANT ALL "
        "ON *.* TO 'sc_torture_program'@'127.0.0.1' WITH GRANT OPTION;",
    .program_user = "sc_torture_program",
    .bytes = bytes,
    .binary_key = binary_key,
};
