#!/usr/bin/env bash
# Migrations with an audit, each on a server of its own, into the real broker; what they wrote is read as consumers of Debezium's events read it: Kafka Connect's JsonConverter
# and Debezium's ExtractNewRecordState, strictly. Every type, its limits and its NULL are inserted, changed and deleted while the program stands still behind its copy.
#
#   migrations.sh [SERVER...]     15, mysql-9, mariadb-10 without one; needs SEACHANGE, built with failpoints
set -u
cd "$(dirname "$0")/../.."
. tests/lib/packages.sh
. tests/lib/servers.sh
export SSL_CERT_FILE=/dev/null
passed=0 failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/seachange-kafka.XXXXXX")
trap 'servers_end; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
fail() { echo "FAILED   $name: $*"; [ ! -s "$work/err" ] || tail -n 5 "$work/err" | cut -c 1-400 | sed 's/^/      | /'; failed=$((failed + 1)); return 1; }

postgresql_table="CREATE TYPE mood AS ENUM ('sad', 'ok', 'so \"so\"'); CREATE DOMAIN price AS numeric(12,3) CHECK (VALUE >= 0);
CREATE TABLE t (id bigint, region text, b boolean, i2 smallint, i4 int, f4 real, f8 double precision, n numeric(10,2), nn numeric, p price, c char(5), v varchar(20), x text, by bytea, d date, ti time(3), tu time, tz timetz,
    ts timestamp(3), tsu timestamp, tsz timestamptz, iv interval, u uuid, j json, jb jsonb, xm xml, ip inet, ci cidr, mac macaddr, b1 bit, b9 bit(9), bv bit varying, ia int[], ta text[], m mood, ma mood[], pt point, r int4range,
    mo money, o oid, g bigint GENERATED ALWAYS AS (i4 * 2) STORED, PRIMARY KEY (region, id))"
postgresql_rows="INSERT INTO t VALUES (1, 'eu', true, 1, 2, 1.5, 2.25, 12.34, 1234.5678, 9.999, 'abc', 'straße', E'emoji 😀 \"quoted\" \\\\ back\\nline\\u0001', '\\xdeadbeef00', '2026-11-22', '12:34:56.789', '23:59:59.999999', '12:34:56+02',
    '2026-11-22 10:11:12.345', '2026-11-22 10:11:12.345678', '2026-11-22 10:11:12.345678+05:30', '1 year 2 months 3 days 04:05:06.789', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{\"a\": [1, 2.0, null]}', '{\"b\": \"c\"}', '<a>1</a>',
    '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', B'1', B'101010101', B'1100', '{1,NULL,3}', '{\"a,b\",\"c\\\"d\",NULL}', 'so \"so\"', '{sad,ok}', '(1.5,2)', '[1,5)', 12.5, 4294967295),
    (-9223372036854775808, '', false, -32768, -2147483648 / 2, -3.4e38, -1.7e308, -99999999.99, -0.000000000000000000001, 0, '', '', '', '', '0001-01-01', '00:00', '24:00', '00:00-12', '0001-01-01 00:00', '4713-01-01 BC', '9999-12-31 23:59:59.999999+00',
    '-1 second', '00000000-0000-0000-0000-000000000000', 'null', '[]', '<b/>', '::1', '::/0', '00:00:00:00:00:00', B'0', B'000000000', B'', '{}', '{}', 'sad', '{}', '(0,0)', 'empty', -1, 0);
INSERT INTO t (id, region) VALUES (3, 'all NULL')"
mysql_table="CREATE TABLE t (id bigint unsigned, region varchar(20), y tinyint(1), ti tinyint, tu tinyint unsigned, s smallint, su smallint unsigned, m mediumint, mu mediumint unsigned, i int, iu int unsigned zerofill, bi bigint,
    f float, x double, d decimal(10,2), du decimal(30,10), c char(5), v varchar(20) CHARACTER SET latin1, tx text, mt mediumtext, b1 bit, b9 bit(9), b64 bit(64), bn binary(4), vb varbinary(20), bl blob, e enum('a','it''s','c,d'), st set('x','y'),
    da date, dt datetime, dm datetime(3), du6 datetime(6), ts timestamp NULL, ts6 timestamp(6) NULL, tm time, tm6 time(6), ye year, j json, g geometry, gs int GENERATED ALWAYS AS (i + 1) STORED, PRIMARY KEY (region, id))"
mysql_rows="INSERT INTO t (id, region, y, ti, tu, s, su, m, mu, i, iu, bi, f, x, d, du, c, v, tx, mt, b1, b9, b64, bn, vb, bl, e, st, da, dt, dm, du6, ts, ts6, tm, tm6, ye, j, g) VALUES
    (1, 'eu', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1.5, 2.25, 12.34, 1234.5678, 'abc', 'straße', 'emoji 😀 \"quoted\" \\\\ back\\nline', 'long', b'1', b'101010101', b'1100', 'ab', 'cd', 'ef', 'it''s', 'x,y',
     '2026-11-22', '2026-11-22 10:11:12', '2026-11-22 10:11:12.345', '2026-11-22 10:11:12.345678', '2026-11-22 10:11:12', '2026-11-22 10:11:12.345678', '12:34:56', '-838:59:58.999999', 2026, '{\"a\": [1, 2.5, null, \"😀\"]}', ST_GeomFromText('POINT(1 2)')),
    (9223372036854775807, '', 0, -128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, -3.4e38, -1.7e308, -99999999.99, 99999999999999999999.9999999999, '', '', '', '', b'0', b'0', b'1111111111111111111111111111111111111111111111111111111111111111', '', '', '', 'a', '',
     '1000-01-01', '1000-01-01 00:00:00', '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.999999', '1970-01-02 00:00:01', '2038-01-01 00:00:00.000001', '-838:59:59', '00:00:00', 1901, '[]', ST_GeomFromText('LINESTRING(0 0, 1 1)'));
INSERT INTO t (id, region) VALUES (3, 'all NULL')"

# --- the servers
sql() { case $server in mysql-* | mariadb-*) "$server_bin/mysql" --default-character-set=utf8mb4 "$@" ;; *) "$server_bin/psql" -X -q -v ON_ERROR_STOP=1 -d "$url" ;; esac; }

make()
{
    case $server in
    mysql-* | mariadb-*)
        url=${server_url%/}/shop topic=seachange.shop.t alter='ADD COLUMN added int' table=$mysql_table rows=$mysql_rows
        changes="UPDATE t SET tx = 'changed', y = NULL; UPDATE t SET region = 'moved' WHERE id = 1; DELETE FROM t WHERE id = 3; TRUNCATE TABLE t"
        sql <<< 'CREATE DATABASE shop' && sql shop <<< "$table"
        ;;
    *)
        url=$server_url topic=seachange.public.t alter='ADD COLUMN added int' table=$postgresql_table rows=$postgresql_rows
        changes="UPDATE t SET x = 'changed', b = NULL; UPDATE t SET region = 'moved' WHERE id = 1; DELETE FROM t WHERE id = 3; TRUNCATE t"
        sql <<< "$table"
        ;;
    esac
}
change() { case $server in mysql-* | mariadb-*) sql shop <<< "$1" ;; *) sql <<< "$1" ;; esac; }

# A migration with $@ as the audit's further options; while it stands still every row comes and goes.
migrate()
{
    : > "$work/err"
    SEACHANGE_FAILPOINT='copy_ended=stop' timeout 120 "$SEACHANGE" migrate --source "$url" --table t --alter "$alter" --spool-dir "$work" --drop-old --audit-kafka "$kafka_brokers" --audit-topic "$topic" "$@" \
        > "$work/out" 2> "$work/err" &
    local run=$! stopped changed
    for _ in $(seq 600); do
        ! grep -q 'failpoint copy_ended' "$work/err" && kill -0 $run 2> /dev/null || break
        sleep 0.1
    done
    stopped=$(sed -n 's/^State:[[:space:]]*//p' /proc/$(pgrep -P $run)/status 2> /dev/null)
    changed=1
    change "$rows" && change "$changes" || changed=
    [ -z "$stopped" ] || kill -CONT "$(pgrep -P $run)"
    wait $run && [ -n "$changed" ]
}

# Whether it is read strictly, has as many records as the program says, and is handed on by ExtractNewRecordState.
read_back()
{
    kafka_read --strict "$@" "$topic" > "$work/read" 2> "$work/err" || { fail "the reader: exit $?"; return 1; }
    local told got
    told=$(sed -n 's/.*all changes are in Kafka, \([0-9]*\) messages.*/\1/p' "$work/out")
    got=$(grep -c . "$work/read")
    [ "$told" = "$got" ] && [ "$got" -gt 10 ] || fail "the program says $told messages, the reader read $got"
}

one()
{
    name="$server_name, $1"
    topic=$topic_base-$server-$2
    kafka_topics "$topic:2" > /dev/null || { fail "the topic"; return; }
    migrate "${@:3}" || { fail "the changes, or seachange"; return; }
    case $2 in
    json) read_back --no-schemas ;; # without its schema Debezium takes nothing for a change
    *) read_back && read_back --unwrap ;;
    esac || return
    passed=$((passed + 1))
    echo "ok       $name: $(grep -c . "$work/read") messages"
}

servers_begin
kafka_start || { echo "skipped: $server_reason"; exit 2; }
echo 'sixteen bytes and more' > "$work/key"
for server in ${*:-15 mysql-9 mariadb-10}; do
    name=$server
    server_start $server || { fail "no server: $server_reason"; continue; }
    make || { fail "the table"; continue; }
    topic_base=$topic
    one 'with schemas' schemas --audit-columns '*=plain' --audit-schemas
    alter='ADD COLUMN more int'
    one 'without schemas, decimals as strings' json --audit-columns '*=plain' --audit-decimals string
    alter='ADD COLUMN again int'
    one 'doubles, hashed and masked' rules --audit-columns 'id=plain,region=plain,v=truncate:3,*=hash' --audit-key-file "$work/key" --audit-schemas --audit-decimals double --audit-tombstones=no
done
echo "kafka migrations: $passed passed, $failed failed"
[ $failed = 0 ]
