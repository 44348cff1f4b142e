# What of the bench is MySQL's and MariaDB's. Sourced by run.

case $engine in
mariadb) bench_version=mariadb-10 bench_packages="$packages_mysql_servers sysbench" ;;
mysql) bench_version=mysql-9 bench_packages=sysbench ;;
esac

start()
{
    set -- "innodb-buffer-pool-size = $pool" 'innodb-flush-log-at-trx-commit = 1' 'sync-binlog = 1' 'innodb-io-capacity = 2000' 'innodb-io-capacity-max = 8000'
    case $engine in
    mysql) set -- "$@" 'innodb-redo-log-capacity = 2G' ;;
    mariadb) set -- "$@" 'innodb-log-file-size = 2G' ;;
    esac
    server_start $bench_version "$@" || fail "no server: $server_reason"
    sql -e 'CREATE DATABASE bench'
}
sql() { "$server_bin/mysql" -N -B "$@"; }

# About 180 bytes a row, which InnoDB keeps in 230.
make_table()
{
    sql bench <<SQL || fail "the table"
CREATE TABLE $1 (
    id bigint PRIMARY KEY, customer_id int NOT NULL, status varchar(10) NOT NULL, amount decimal(10,2) NOT NULL, created timestamp NOT NULL, details json, note varchar(100),
    KEY ${1}_customer (customer_id), KEY ${1}_created (created)
);
SQL
    for first in $(seq 0 100000 $(($2 - 1))); do
        sql bench <<SQL || fail "the table's rows"
INSERT INTO $1
WITH RECURSIVE d AS (SELECT 0 i UNION ALL SELECT i + 1 FROM d WHERE i < 316), n AS (SELECT $first + a.i * 317 + b.i + 1 i FROM d a, d b WHERE a.i * 317 + b.i < 100000)
SELECT i, i % 100000, 'paid', i % 1000 / 7, FROM_UNIXTIME(1767225600 + i), JSON_OBJECT('number', i, 'tags', JSON_ARRAY('a', i % 7)), SHA2(i, 256) FROM n WHERE i <= $2;
SQL
    done
    sql bench -e "ANALYZE TABLE $1" > /dev/null
}

# Nobody pays for the pages that the one before has left dirty.
settle()
{
    was=$(sql -e 'SELECT @@innodb_max_dirty_pages_pct')
    sql -e 'SET GLOBAL innodb_max_dirty_pages_pct = 0'
    for _ in $(seq 240); do
        [ "$(sql -e "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'" | cut -f 2)" -gt 200 ] || break
        sleep 0.5
    done
    sql -e "SET GLOBAL innodb_max_dirty_pages_pct = $was"
}

# Two tables alike, each rebuilt once a round, from int to bigint and back. Which goes first alternates.
ratio()
{
    rows=1000000
    [ -z "$short" ] || rows=100000
    make_table ours $rows
    make_table twin $rows
    echo "$rows rows, $(sql -e "SELECT CONCAT(ROUND(data_length / 1e6), ' MB and ', ROUND(index_length / 1e6), ' MB of indexes')
        FROM information_schema.tables WHERE table_schema = 'bench' AND table_name = 'ours'")"
    : > "$work/native"
    : > "$work/seachange"
    : > "$work/verification"
    for round in $(seq "$rounds"); do
        sql -e 'FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW()'
        order="native seachange" type=int
        [ $((round % 2)) = 0 ] || { order="seachange native" type=bigint; }
        for way in $order; do
            settle
            begun=$(now_ms)
            if [ $way = native ]; then
                sql bench -e "ALTER TABLE twin MODIFY customer_id $type NOT NULL, ALGORITHM=COPY" || fail "ALTER"
            else
                migrate "$server_url" bench.ours "MODIFY customer_id $type NOT NULL" --progress-interval 0 --drop-old || fail "seachange: exit $?"
            fi
            ms=$(($(now_ms) - begun))
            echo $ms >> "$work/$way"
            echo "  round $round, $way: $ms ms"
            [ $way = native ] || note_verification
        done
    done
    compare_verification
    compare_medians "ALTER with ALGORITHM=COPY"
    sql bench -e 'DROP TABLE ours, twin'
}

# Transactions a second between two points of time, in milliseconds, from sysbench's report of each second.
rate() { awk -v from="$1" -v to="$2" '$1 * 1000 > from + 500 && $1 * 1000 <= to + 500 { sum += $2; n++ } END { printf "%.0f", n ? sum / n : 0 }' "$work/rates"; }

load()
{
    rows=300000 count=20 before_s=30
    [ -z "$short" ] || { count=3 before_s=10; }
    set -- --db-driver=mysql --mysql-host=127.0.0.1 --mysql-port="$server_port" --mysql-user=root --mysql-db=bench --tables=1 --table-size=$rows --threads=4
    sysbench oltp_write_only "$@" prepare > "$work/sysbench" 2>&1 || fail "sysbench: $(tail -n 3 "$work/sysbench")"
    sysbench oltp_write_only "$@" --time=0 --report-interval=1 run > "$work/sysbench" 2>&1 &
    clients=$!
    children="$children $clients"
    # When, and how many transactions in the second before.
    : > "$work/rates"
    tail -n +1 -f --pid=$clients "$work/sysbench" | while read -r line; do
        case $line in *' tps: '*) line=${line#* tps: } && echo "$EPOCHSECONDS ${line%% *}" >> "$work/rates" ;; esac
    done &
    children="$children $!"
    sleep 5
    kill -0 $clients 2> /dev/null || fail "sysbench: $(grep -i fatal "$work/sysbench" | head -n 3)"
    begun=$(now_ms)
    sleep $before_s
    before=$(rate "$begun" "$(now_ms)")
    : > "$work/held"
    : > "$work/lag"
    : > "$work/took"
    : > "$work/share"
    tries=0
    for i in $(seq $count); do
        type=bigint
        [ $((i % 2)) = 1 ] || type=int
        begun=$(now_ms)
        timeout -s INT 900 "$seachange" migrate --source "$server_url" --table bench.sbtest1 --alter "MODIFY k $type NOT NULL DEFAULT 0" --workers 2 --spool-dir "$work" \
            --log-format json --progress-interval 1s --drop-old > "$work/out" 2> "$work/err" || fail "migration $i of $count: exit $? after $((($(now_ms) - begun) / 1000)) s"
        during=$(rate "$begun" "$(now_ms)")
        summary writers_held_ms >> "$work/held"
        summary lag_at_cutover_ms >> "$work/lag"
        summary duration_ms >> "$work/took"
        tries=$((tries + $(summary cutover_tries)))
        awk -v d="$during" -v b="$before" 'BEGIN { printf "%.0f\n", 100 * d / b }' >> "$work/share"
        echo "  migration $i: $(summary duration_ms) ms, $(summary changes_applied) changes, lag at the cutover $(summary lag_at_cutover_ms) ms," \
            "writers held $(summary writers_held_ms) ms, $(summary cutover_tries) tries, $during transactions/s (before: $before)"
        sql -e 'PURGE BINARY LOGS BEFORE NOW()'
        kill -0 $clients 2> /dev/null || fail "sysbench ended: $(grep -i fatal "$work/sysbench" | head -n 3)"
    done
    begun=$(now_ms)
    sleep $before_s
    after=$(rate "$begun" "$(now_ms)")
    kill $clients
    wait $clients 2> /dev/null
    errors=$(grep -c FATAL "$work/sysbench")
    ignored=$(sed -n 's/.* err\/s: \([0-9.]*\).*/\1/p' "$work/sysbench" | awk '{ sum += $1 } END { printf "%.0f", sum }')
    echo "load: $count migrations of $rows rows under sysbench oltp_write_only, 4 threads; each took $(median < "$work/took") ms (median)," \
        "lag at the cutover median $(median < "$work/lag") ms, max $(sort -n "$work/lag" | tail -n 1) ms;" \
        "writers held at the cutover median $(median < "$work/held") ms, max $(sort -n "$work/held" | tail -n 1) ms, $tries tries;" \
        "sysbench $before transactions/s before, $(median < "$work/share")% of it while migrations ran (median), $after/s after;" \
        "client errors: $errors, transactions that sysbench repeated because of a deadlock or lock timeout: $ignored"
    sql bench -e 'DROP TABLE sbtest1'
    [ "$errors" = 0 ] || fail "clients saw errors: $(grep FATAL "$work/sysbench" | head -n 3)"
}

memory()
{
    make_table idle "$memory_rows"
    migrate_in_background "$server_url" bench.idle 'MODIFY customer_id bigint NOT NULL' &
    migration=$!
    children="$children $migration"
    watch_memory $migration
    wait $migration || fail "seachange: exit $?"
    echo "memory: $((peak / 1024)) MiB for $memory_rows rows that nobody writes to ($(summary duration_ms) ms)"

    # A reader's lock keeps the cutover waiting until the large transaction has committed behind the copy.
    make_table large 200000
    mkfifo "$work/reader"
    "$server_bin/mysql" -N -B -n bench < "$work/reader" > "$work/reader.out" 2>&1 &
    children="$children $!"
    exec 8> "$work/reader"
    echo "START TRANSACTION; SELECT id FROM large LIMIT 1;" >&8
    until [ -s "$work/reader.out" ]; do sleep 0.1; done
    migrate_in_background "$server_url" bench.large 'MODIFY customer_id bigint NOT NULL' &
    migration=$!
    children="$children $migration"
    {
        until sql -e 'SHOW PROCESSLIST' | grep -q 'Binlog Dump'; do
            kill -0 $migration 2> /dev/null || exit 1
            sleep 0.2
        done
        sleep 2
        sql bench <<'SQL' || exit 1
INSERT INTO large
WITH RECURSIVE d AS (SELECT 0 i UNION ALL SELECT i + 1 FROM d WHERE i < 999)
SELECT 1000000 + a.i * 1000000 + b.i * 1000 + c.i, 1, 'open', 1, '2026-01-01', NULL, SHA2(c.i, 256) FROM d a, d b, d c WHERE a.i < 2;
SQL
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
    [ "$(sql bench -e 'SELECT COUNT(*) FROM large')" = 2200000 ] || fail "rows are missing"
    echo "memory: $((peak / 1024)) MiB for one transaction of 2,000,000 changes ($(summary duration_ms) ms)"
}
