# What of the bench is PostgreSQL's. Sourced by run.

bench_packages=$packages_servers

start()
{
    server_start 15 'fsync = on' 'shared_buffers = 512MB' 'max_wal_size = 8GB' 'checkpoint_timeout = 30min' 'autovacuum = off' || fail "no PostgreSQL 15: $server_reason"
    base=${server_url%/*}
}
sql() { "$server_bin/psql" -X -q -At -v ON_ERROR_STOP=1 -d "$base/$1" "${@:2}"; }

# About 200 bytes a row with its header.
make_table()
{
    sql postgres -c "CREATE DATABASE $1" && sql "$1" <<SQL || fail "the table"
CREATE TABLE t (id bigint PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL, amount numeric(10,2) NOT NULL, created timestamptz NOT NULL, note text);
INSERT INTO t SELECT i, i % 100000, 'paid', i % 1000 / 7.0, '2026-01-01'::timestamptz + i * interval '1 second', repeat(md5(i::text), 4)
FROM generate_series(1, $2) i;
CREATE INDEX t_customer ON t (customer_id);
CREATE INDEX t_created ON t (created);
SQL
    sql "$1" -c 'VACUUM (FREEZE, ANALYZE) t'
}

# Each round has fresh copies of the same table; which of the two goes first alternates.
ratio()
{
    rows=2000000
    [ -z "$short" ] || rows=100000
    make_table bench $rows
    echo "$rows rows, $(sql bench -c "SELECT pg_size_pretty(pg_table_size('t')) || ' and ' || pg_size_pretty(pg_indexes_size('t')) || ' of indexes'")"
    : > "$work/native"
    : > "$work/seachange"
    : > "$work/verification"
    for round in $(seq "$rounds"); do
        order="native seachange"
        [ $((round % 2)) = 1 ] || order="seachange native"
        for way in $order; do
            sql postgres -c 'SET client_min_messages = warning' -c 'DROP DATABASE IF EXISTS bench_run WITH (FORCE)' -c 'CREATE DATABASE bench_run TEMPLATE bench' || fail "no database"
            sql bench_run -c 'CHECKPOINT' -c 'SELECT count(*) FROM t' > /dev/null
            begun=$(now_ms)
            if [ $way = native ]; then
                sql bench_run -c 'ALTER TABLE t ALTER COLUMN customer_id TYPE bigint' || fail "ALTER"
            else
                migrate "$base/bench_run" t 'ALTER COLUMN customer_id TYPE bigint' --progress-interval 0 --drop-old || fail "seachange: exit $?"
            fi
            ms=$(($(now_ms) - begun))
            echo $ms >> "$work/$way"
            echo "  round $round, $way: $ms ms"
            [ $way = native ] || note_verification
        done
    done
    compare_verification
    compare_medians "native ALTER"
    sql postgres -c 'DROP DATABASE bench_run WITH (FORCE)' -c 'DROP DATABASE bench'
}

load()
{
    rows=200000 count=20
    [ -z "$short" ] || { rows=20000 count=5; }
    make_table bench_load $rows
    cat > "$work/load.sql" <<SQL
\set id random(1, $rows)
\set other random(1, 1000000000)
UPDATE t SET customer_id = :id, amount = 7 WHERE id = :id;
INSERT INTO t VALUES ($rows + :other, 1, 'open', 1, now(), 'new') ON CONFLICT (id) DO NOTHING;
DELETE FROM t WHERE id = $rows + :other;
SQL
    (cd "$work" && exec "$server_bin/pgbench" -n -c 8 -j 2 -T 86400 -l --log-prefix=latency -f load.sql "$base/bench_load") > "$work/pgbench" 2> "$work/pgbench.err" &
    clients=$!
    children="$children $clients"
    sleep 2
    : > "$work/held"
    for i in $(seq $count); do
        type=bigint
        [ $((i % 2)) = 1 ] || type=int
        migrate "$base/bench_load" t "ALTER COLUMN customer_id TYPE $type" --progress-interval 0 --drop-old || fail "migration $i of $count: exit $?"
        summary writers_held_ms >> "$work/held"
    done
    [ "$(grep -c . "$work/held")" = $count ] || fail "a summary has no writers_held_ms"
    kill -ALRM $clients
    wait $clients || fail "pgbench: $(head -n 3 "$work/pgbench.err")"
    errors=$(grep -cE 'error|aborted|ERROR|FATAL' "$work/pgbench.err")
    echo "load: $count migrations of $rows rows under 8 clients; writers held at the cutover: median $(median < "$work/held") ms, max $(sort -n "$work/held" | tail -n 1) ms;" \
        "longest transaction of a client $(cat "$work"/latency.* | awk '$3 > m { m = $3 } END { printf "%.0f", m / 1000 }') ms;" \
        "$(sed -n 's/^tps = \([0-9]*\).*/\1/p' "$work/pgbench") transactions/s; client errors: $errors"
    sql postgres -c 'DROP DATABASE bench_load WITH (FORCE)'
    [ "$errors" = 0 ] || fail "clients saw errors"
}

memory()
{
    make_table bench_memory "$memory_rows"
    migrate_in_background "$base/bench_memory" t 'ALTER COLUMN customer_id TYPE bigint' &
    migration=$!
    children="$children $migration"
    watch_memory $migration
    wait $migration || fail "seachange: exit $?"
    echo "memory: $((peak / 1024)) MiB for $memory_rows rows that nobody writes to ($(summary duration_ms) ms)"
    sql postgres -c 'DROP DATABASE bench_memory WITH (FORCE)'

    # A reader's lock keeps the cutover waiting until the large transaction has committed behind the copy.
    make_table bench_large 200000
    mkfifo "$work/reader"
    "$server_bin/psql" -X -q -At -d "$base/bench_large" < "$work/reader" > "$work/reader.out" 2>&1 &
    children="$children $!"
    exec 8> "$work/reader"
    echo "BEGIN; LOCK TABLE t IN ACCESS SHARE MODE; SELECT 'locked';" >&8
    until grep -q locked "$work/reader.out"; do sleep 0.1; done
    migrate_in_background "$base/bench_large" t 'ALTER COLUMN customer_id TYPE bigint' &
    migration=$!
    children="$children $migration"
    {
        until [ "$(sql bench_large -c "SELECT count(*) FROM pg_replication_slots WHERE database = 'bench_large' AND active AND confirmed_flush_lsn IS NOT NULL")" = 1 ]; do
            kill -0 $migration 2> /dev/null || exit 1
            sleep 0.2
        done
        sleep 2
        sql bench_large -c "INSERT INTO t SELECT 1000000 + i, 1, 'open', 1, now(), repeat(md5(i::text), 3) FROM generate_series(1, 2000000) i" || exit 1
        echo "COMMIT;" >&8
    } &
    writer=$!
    children="$children $writer"
    exec 8>&-
    watch_memory $migration
    wait $migration || fail "seachange: exit $?"
    wait $writer || fail "the large transaction"
    applied=$(summary changes_applied)
    [ "${applied:-0}" -ge 2000000 ] || fail "only ${applied:-0} changes were applied: the large transaction was not in the log"
    [ "$(sql bench_large -c 'SELECT count(*) FROM t')" = 2200000 ] || fail "rows are missing"
    echo "memory: $((peak / 1024)) MiB for one transaction of 2,000,000 changes"
    sql postgres -c 'DROP DATABASE bench_large WITH (FORCE)'
}
