#include "torture/shape.h"

static void bytes(struct buf *out, const uint8_t *data, size_t len)
{
    buf_str(out, "'\\x");
    for (size_t i = 0; i < len; i++)
        buf_printf(out, "%02x", data[i]);
    buf_char(out, '\'');
}

static void binary_key(struct buf *out, const char *hex)
{
    buf_printf(out, "'%s'", hex);
}

const struct family family_postgresql = {
    .name = "postgresql",
    .sql = &sql_postgresql,
    .select = "n, birth, slot, bal, ver, trail, note, amount, doc, pad, moment, kind, encode(bytes_, 'hex')",
    .key_texts = {"id::text", "grp || '.' || id", "id", "replace(id::text, '-', '')"},
    .key_definitions = {"id integer PRIMARY KEY", "grp integer, id bigint, PRIMARY KEY (grp, id)",
                        "id varchar(40) PRIMARY KEY", "id uuid PRIMARY KEY"},
    .read_committed = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
    .repeatable_read = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    .begin_repeatable_read = "BEGIN ISOLATION LEVEL REPEATABLE READ",
    .alters = {"ALTER COLUMN ver TYPE bigint, ADD COLUMN region text NOT NULL DEFAULT 'eu'",
               "ALTER COLUMN bal TYPE numeric(30,0), ALTER COLUMN kind TYPE varchar(10) USING kind::text",
               "DROP COLUMN spare, ADD COLUMN noted bigint, ADD CONSTRAINT t_ver CHECK (ver > 0)",
               "ALTER COLUMN doc TYPE json USING doc::json, ALTER COLUMN n TYPE numeric"},
    .create_tables =
        "CREATE TYPE colour AS ENUM ('red', 'green', 'blue');"
        "CREATE TABLE t (%s, n bigint NOT NULL, birth bigint NOT NULL, slot bigint UNIQUE, bal bigint NOT NULL, ver "
        "integer NOT NULL, trail text NOT NULL, note text, amount numeric(20,6), doc jsonb, pad text, moment "
        "timestamp(6), kind colour, bytes_ bytea, spare integer DEFAULT 7);"
        "ALTER TABLE t ALTER pad SET STORAGE EXTERNAL; CREATE INDEX t_bal ON t (bal); CREATE INDEX t_n ON t (n);"
        "CREATE TABLE graves AS SELECT n, birth, slot, bal, ver, trail, note, amount, doc, pad, moment, kind::text "
        "AS kind, bytes_, text '' AS deleter FROM t; ALTER TABLE graves ADD UNIQUE (birth);",
    .prepare = "PREPARE appendage (text, bigint) AS UPDATE t SET ver = ver + 1, trail = trail || $1 WHERE n = $2",
    .execute = "EXECUTE appendage (':%s', %lld)",
    .columns_of =
        "SELECT attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull || ' ' || "
        "coalesce(pg_get_expr(adbin, adrelid), '') FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND "
        "adnum "
        "= attnum WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped UNION ALL SELECT "
        "pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 't'::regclass UNION ALL SELECT conname || ' ' || "
        "pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 't'::regclass ORDER BY 1",
    .program_sessions = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ "
                        "'^seachange'",
    .end_session = "SELECT pg_terminate_backend(%s)",
    .left_behind =
        "SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database() UNION ALL SELECT "
        "'publication ' || pubname FROM pg_publication UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE "
        "nspname ~ '^seachange_' AND nspname !~ '^seachange_old' UNION ALL SELECT 'session ' || application_name FROM "
        "pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange'",
    .position = "SELECT applied - '0/0'::pg_lsn FROM seachange.checkpoint",
    .audited = "SELECT sequence FROM seachange.audit",
    .streamed_position = "SELECT position - '0/0'::pg_lsn FROM seachange_audit.stream",
    .streamed = "SELECT sequence FROM seachange_audit.stream_table",
    .full_images = "ALTER TABLE t REPLICA IDENTITY FULL",
    .old_table = "SELECT quote_ident(nspname) || '.t' FROM pg_namespace WHERE nspname ~ '^seachange_old_'",
    .clear =
        "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active; DROP DATABASE IF EXISTS "
        "%s WITH (FORCE); SELECT pg_sleep(0.05), pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE "
        "NOT active AND database ~ '^sc_torture'; DROP DATABASE IF EXISTS %s WITH (FORCE);",
    .create = "CREATE DATABASE %s TEMPLATE template0;",
    .program_user = "postgres",
    .bytes = bytes,
    .binary_key = binary_key,
};
