# What of the bench is the audit's: a real Kafka of its own. Sourced by run.
#
# How fast changes that wait in a queue get to Kafka, compared with Kafka's own producer with records of the same size, settings and number in the same run; and (PostgreSQL)
# how much longer a migration takes that has an audit, under clients that write at a fixed rate.

audit()
{
    kafka_start || fail "no Kafka: $server_reason"
    cmake --preset release -DSEACHANGE_TESTS=ON -B build/bench-audit > "$work/build.log" 2>&1 && cmake --build build/bench-audit --target sc_audit_rate >> "$work/build.log" 2>&1 || { cat "$work/build.log"; fail "the build"; }
    echo "$kafka_name, one broker on the same machine"
    audit_rate
    [ $engine != postgresql ] || audit_cost
}

audit_rate()
{
    events=2000000
    [ -z "$short" ] || events=200000
    kafka_topics bench:6 perf:6 || fail "the topics"
    : > "$work/rate"
    : > "$work/perf"
    for round in $(seq "$rounds"); do
        order="ours theirs"
        [ $((round % 2)) = 1 ] || order="theirs ours"
        for way in $order; do
            if [ $way = ours ]; then
                build/bench-audit/tests/sc_audit_rate "$kafka_brokers" bench "$work/queue" $events > "$work/out" || fail "sc_audit_rate"
                read -r _ count _ ms _ bytes < "$work/out"
                [ "$count" = $events ] || fail "$count of $events events were acknowledged"
                size=$((bytes / events))
                awk -v n=$events -v ms="$ms" 'BEGIN { printf "%.0f\n", n * 1000 / ms }' | tee -a "$work/rate" | sed "s/.*/  round $round: & events\/s of $size bytes/"
            else
                kafka_tool ProducerPerformance --topic perf --num-records $events --record-size ${size:-670} --throughput -1 \
                    --producer-props bootstrap.servers="$kafka_brokers" acks=all compression.type=zstd linger.ms=20 > "$work/perf.out" 2>&1 || fail "ProducerPerformance: $(tail -n 1 "$work/perf.out")"
                sed -n 's/^[0-9]* records sent, \([0-9.]*\) records\/sec .*50th.*/\1/p' "$work/perf.out" | tee -a "$work/perf" | sed "s/.*/  round $round: & records\/s by Kafka's producer/"
            fi
        done
    done
    awk -v ours="$(median < "$work/rate")" -v theirs="$(median < "$work/perf")" 'BEGIN {
        printf "audit: %d events/s from a queue; Kafka'\''s ProducerPerformance %d records/s; ratio %.2f (medians)\n", ours, theirs, ours / theirs }'
}

# The broker gets the last processor to itself, as if it were on another machine; all else, with an audit or without, shares the others.
audit_apart()
{
    apart=
    last=$(($(nproc) - 1))
    [ $last -gt 0 ] || { echo "  one processor, which the broker shares with all else"; return; }
    apart="taskset -c 0-$((last - 1))"
    postmaster=$(head -n 1 "$server_data/postmaster.pid")
    for pid in $postmaster $(pgrep -P "$postmaster"); do taskset -apc 0-$((last - 1)) "$pid" > /dev/null || fail "taskset"; done
    taskset -apc $last "$(cat "$kafka_dir/broker.pid")" > /dev/null || fail "taskset"
}
audit_cost()
{
    rows=3000000 rate=500
    [ -z "$short" ] || rows=100000
    audit_apart
    kafka_topics seachange.public.t:6 || fail "the topic"
    make_table bench $rows
    cat > "$work/load.sql" <<SQL
\set id random(1, $rows)
\set other random(1, 1000000000)
UPDATE t SET amount = 7 WHERE id = :id;
INSERT INTO t VALUES ($rows + :other, 1, 'open', 1, now(), 'new') ON CONFLICT (id) DO NOTHING;
DELETE FROM t WHERE id = $rows + :other;
SQL
    : > "$work/with"
    : > "$work/without"
    for round in $(seq "$rounds"); do
        order="with without"
        [ $((round % 2)) = 1 ] || order="without with"
        for way in $order; do
            sql postgres -c 'SET client_min_messages = warning' -c 'DROP DATABASE IF EXISTS bench_run WITH (FORCE)' -c 'CREATE DATABASE bench_run TEMPLATE bench' || fail "no database"
            sql bench_run -c 'CHECKPOINT' -c 'SELECT count(*) FROM t' > /dev/null
            $apart "$server_bin/pgbench" -n -c 4 -j 1 -R $rate -T 86400 -f "$work/load.sql" "$base/bench_run" > "$work/pgbench" 2>&1 &
            clients=$!
            children="$children $clients"
            sleep 2
            audit_options=()
            [ $way = without ] || audit_options=(--audit-kafka "$kafka_brokers" --audit-columns '*=plain')
            migrate "$base/bench_run" t 'ALTER COLUMN customer_id TYPE bigint' --progress-interval 0 --drop-old "${audit_options[@]}" || fail "seachange: exit $?"
            ms=$(summary duration_ms)
            kill -ALRM $clients
            wait $clients || fail "pgbench: $(tail -n 3 "$work/pgbench")"
            echo "$ms" >> "$work/$way"
            echo "  round $round, $way an audit: $ms ms, $(summary changes_applied) changes"
        done
    done
    awk -v with="$(median < "$work/with")" -v without="$(median < "$work/without")" -v rate=$rate 'BEGIN {
        printf "audit: a migration under %d transactions/s takes %.2f of the time of one without (%.1f s, %.1f s; medians)\n", rate, with / without, with / 1000, without / 1000 }'
    sql postgres -c 'DROP DATABASE bench_run WITH (FORCE)' -c 'DROP DATABASE bench'
}
