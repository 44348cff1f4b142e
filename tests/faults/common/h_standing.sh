# H. A standing stream: each change of its tables is in its topic once by its number, whatever became of it in between.

# A Kafka of the test's own with a topic of three partitions for table t and one of two for u.
stream_setup()
{
    setup 500 "CREATE TABLE u (id int PRIMARY KEY, v varchar(200))"
    case $url in mysql://*) schema=sc_faults ;; *) schema=public ;; esac
    mkfifo "$out/kafka.in"
    "${SEACHANGE%/*}/tests/sc_kafka_mock" seachange.$schema.t:3 seachange.$schema.u:2 < "$out/kafka.in" > "$out/kafka" 2> "$out/kafka.err" 8>&- &
    exec {kafka}> "$out/kafka.in"
    pid= until_ok 20 test -s "$out/kafka" || fail "no mock of Kafka"
    brokers=$(head -n 1 "$out/kafka")
    stream=(--audit-kafka "$brokers" --audit-columns '*=plain')
}
# stream_start [OPTION...]: in the background; its process is $pid.
stream_start()
{
    "$SEACHANGE" audit --source "${program_url:-$url}" --table "${tables:-t,u}" "${stream[@]}" --spool-dir "$out" --log-format json --log-level debug --progress-interval 200ms "$@" > "$out/stdout" 2>> "$out/stderr" &
    pid=$!
}
stream_ends() { migrate_ends "$@"; }
# It reads, and what is written from now on is in the stream.
stream_runs()
{
    : > "$out/stderr"
    stream_start "$@"
    until_said 'stream [a-z]* \([0-9a-f]*\): reading the log'
}
stream_stopped() { kill -TERM "$pid"; stream_ends 0; }
# sent TABLE N: so many messages with numbers 1 to N come to be in its topic, and no other number.
has_sent()
{
    timeout 30 kcat -C -q -e -b "$brokers" -t "seachange.$schema.$1" -f '%h\n' > "$out/topic"
    got=$(sed -n 's/.*seachange.sequence=\([0-9]*\).*/\1/p' "$out/topic" | sort -nu | awk '{ last = $1 } END { print NR " to " last + 0 }')
    [ "$got" = "$2 to $2" ]
}
sent() { until_ok 40 has_sent "$@" || fail "the topic of $1 has $got, expected $2"; }
# The trail of a table is whole, and what the table is: of all rows that were changed.
stream_is()
{
    "$SEACHANGE" audit check --source "${program_url:-$url}" --table "$1" --audit-stream main "${stream[@]}" > "$out/check" 2>&1 || fail "audit check of $1: $(tail -n 3 "$out/check")"
    grep -q 'its end  *is where the stream stood' "$out/check" || fail "the check did not know where the stream stands: $(cat "$out/check")"
}
stream_removed()
{
    "$SEACHANGE" audit remove --source "${program_url:-$url}" > "$out/removed" 2>&1 || fail "audit remove: $(cat "$out/removed")"
    nothing_left
    nothing_stored
}
change_t() { sql "UPDATE t SET n = n + 1000 WHERE id <= $((10 * $1))"; }
fill_u() { sql "INSERT INTO u (id, v) SELECT id / 10 + $2, v FROM t WHERE id <= $((10 * $1))"; }

H1_two_tables_each_in_its_topic()
{
    stream_setup
    stream_runs
    change_t 5
    fill_u 7 0
    session_start both 'BEGIN'
    for i in 1 2 3; do
        session both "UPDATE t SET v = 'by turns' WHERE id = $((10 * i))"
        session both "UPDATE u SET v = 'by turns' WHERE id = $i"
    done
    session both 'COMMIT'
    sql "DELETE FROM u WHERE id = 7"
    sent t 8
    sent u 12 # 7 inserts, 3 updates, a deletion and its tombstone
    stream_stopped
    fill_u 9 100
    stream_runs
    sent u 21
    change_t 2
    sent t 10
    stream_is t
    stream_is u
    grep -q '"total_order":6,"data_collection_order":3' <(kcat -C -q -e -b "$brokers" -t "seachange.$schema.u") || fail "rows of the transaction are not counted over both tables"
    stream_stopped
    stream_removed
}

# What was sent behind the stored place is sent again, with the same numbers.
H1_killed_again_and_again()
{
    stream_setup
    local n=0 point
    for point in standing_row_stored standing_slot_made standing_before_begun; do
        case $point:$url in standing_slot_made:mysql://*) continue ;; esac # it is PostgreSQL's
        SEACHANGE_FAILPOINT="$point=kill" stream_start
        stream_ends 137
        program_is_gone_too
    done
    for point in standing_before_store standing_place_stored audit; do
        : > "$out/stderr"
        SEACHANGE_FAILPOINT="${point/audit/standing_before_store}=kill@2" stream_start
        until_said 'stream main .*: reading the log'
        for _ in 1 2 3 4 5 6; do
            ended "$pid" || { change_t 10; n=$((n + 10)); sleep 0.4; }
        done
        stream_ends 137
        program_is_gone_too
        change_t 4
        n=$((n + 4))
    done
    stream_runs
    sent t $n
    stream_is t
    stream_stopped
    stream_removed
}
program_is_gone_too() { case $url in mysql://*) program_is_gone ;; esac; }

H2_kafka_and_the_server_are_away_for_a_while()
{
    [ -x "${SERVER_CTL:-}" ] || skip "this server cannot be restarted from here"
    stream_setup
    stream_runs --give-up 60s
    change_t 10
    sent t 10
    kafka_is down
    change_t 20
    server_crashes
    change_t 5
    kafka_is up
    sent t 35
    stream_is t
    stream_stopped
    stream_removed
}

# It must not wait for Kafka to end, and what it had not sent is sent by the next one.
H2_stopped_while_kafka_is_away()
{
    stream_setup
    stream_runs
    kafka_is down
    change_t 30
    sleep 1
    kill -TERM "$pid"
    stream_ends 0 15
    stream_start
    sleep 2
    kafka_is up
    sent t 30
    stream_stopped
    stream_removed
}

H3_a_second_one_of_the_name_is_refused()
{
    stream_setup
    stream_runs
    first=$pid
    stream_start
    stream_ends 3 60
    until_said 'another seachange runs stream main'
    pid=$first
    change_t 3
    sent t 3
    tables=u stream_start --audit-stream other
    other=$pid
    until_ok 60 grep -q 'stream other .*: reading the log' "$out/stderr" || fail "a stream of another name does not begin"
    fill_u 2 0
    sleep 1
    kill -TERM "$other"
    stream_ends 0
    "$SEACHANGE" audit remove --source "${program_url:-$url}" > "$out/removed" 2>&1
    [ $? = 3 ] || fail "a stream that runs was removed"
    "$SEACHANGE" audit remove --source "${program_url:-$url}" --audit-stream other > "$out/removed" 2>&1 || fail "audit remove: $(cat "$out/removed")"
    "$SEACHANGE" audit remove --source "${program_url:-$url}" --audit-stream other > "$out/removed" 2>&1
    [ $? = 3 ] || fail "a stream that is not there was removed"
    pid=$first
    stream_stopped
    stream_removed
}

H3_it_goes_on_as_it_began()
{
    stream_setup
    tables=u,nowhere stream_start
    stream_ends 3
    nothing_left
    stream=(--audit-kafka "$brokers" --audit-columns 'id=plain,n=plain')
    stream_start
    stream_ends 3
    until_said 'nobody has said what the audit may show of column (v|big) of table'
    nothing_left
    stream=(--audit-kafka "$brokers" --audit-columns '*=plain')
    stream_runs
    stream_stopped
    tables=t stream_start
    stream_ends 3
    until_said 'begun with other tables'
    stream=(--audit-kafka "$brokers" --audit-columns '*=mask,id=plain')
    stream_start
    stream_ends 3
    until_said 'was begun with: .*\*=plain.* Now it is: .*\*=mask'
    stream=(--audit-kafka "$brokers" --audit-columns '*=plain')
    tables=u,t stream_runs
    stream_stopped
    stream_removed
}

# A log that does not tell all changes of a table is no ground for a stream; and on PostgreSQL a publication of such a table would stop its writers.
H3_a_table_whose_log_does_not_tell_all_is_refused()
{
    stream_setup
    case $url in
    mysql://*)
        sql "CREATE TABLE bare (id int, v varchar(20))"
        tables=t,bare stream_start
        stream_ends 3
        until_said 'table .*bare has no key'
        server_sql "SET GLOBAL binlog_row_image = MINIMAL"
        stream_start
        stream_ends 3
        server_sql "SET GLOBAL binlog_row_image = FULL"
        until_said 'binlog_row_image is not FULL'
        ;;
    *)
        sql "CREATE TABLE bare (id int, v text)" "CREATE TABLE unmarked (id int NOT NULL UNIQUE, v text)" "CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY)" \
            "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)" "CREATE TABLE nothing (id int PRIMARY KEY)" "ALTER TABLE nothing REPLICA IDENTITY NOTHING"
        for case in bare:has.no.key unmarked:the.log.does.not.identify unlogged:unlogged parts:partitioned nothing:NOTHING; do
            : > "$out/stderr"
            tables=t,${case%:*} stream_start
            stream_ends 3
            until_said "${case#*:}"
        done
        sql "UPDATE bare SET v = 'x'" "UPDATE unmarked SET v = 'x'"
        ;;
    esac
    nothing_left
    nothing_stored
}

# Its session with the lock is ended: nobody knows any more that it is the only one.
H3_its_lock_is_taken_away()
{
    stream_setup
    stream_runs --give-up 8s
    change_t 3
    sent t 3
    end_lock_session
    until_said 'trying again'
    # Nobody writes for longer than it tries: that it has gone on since then is not forgotten.
    until_said_twice 'stream main .*: reading the log'
    sleep 9
    end_lock_session
    until_said_twice 'trying again'
    change_t 4
    sent t 7
    stream_is t
    stream_stopped
    stream_removed
}
end_lock_session()
{
    case $url in
    mysql://*) server_sql "KILL $(sql "SELECT IS_USED_LOCK('seachange audit main')")" ;;
    *) sql "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND application_name ~ 'seachange audit'" > /dev/null ;;
    esac
}

# A migration puts another table into its place: what is changed there is not the stream's any more, and that is said.
H4_a_table_that_is_replaced_or_dropped_ends_it()
{
    stream_setup
    stream_runs
    change_t 3
    sent t 3
    first=$pid
    migrate 0 --drop-old
    pid=$first
    stream_ends 3 60
    grep -qE 'table [a-z_]*\.t[: ]' "$out/stderr" || fail "it does not say which table"
    grep -q 'Begin a stream of another name' "$out/stderr" || fail "it does not say what to do"
    sent t 3
    stream_removed
}

# Rows that are changed while they are read come once more behind them, as changes; in the end the topic comes to the table.
H5_the_rows_that_are_there_come_first()
{
    stream_setup
    fill_u 300 0
    sql "INSERT INTO t SELECT id + 1, n, v, big FROM t" "INSERT INTO t SELECT id + 2, n, v, big FROM t" "INSERT INTO t SELECT id + 4, n, v, big FROM t" "INSERT INTO t SELECT id + 10000, n, v, big FROM t"
    : > "$out/stderr"
    for i in 1 2 3; do
        SEACHANGE_FAILPOINT="standing_chunk_sent=kill@$i" stream_start --audit-snapshot
        stream_ends 137
        program_is_gone_too
    done
    SEACHANGE_FAILPOINT='standing_chunk_sent=sleep:2000@1' stream_start --audit-snapshot
    until_said 'failpoint standing_chunk_sent'
    kafka_is down
    sleep 3
    kill -TERM "$pid"
    stream_ends 0 15
    kafka_is up
    : > "$out/stderr"
    SEACHANGE_FAILPOINT='standing_chunk_sent=sleep:3000@1' stream_start --audit-snapshot
    until_said 'failpoint standing_chunk_sent'
    sql "UPDATE t SET n = n + 1 WHERE id <= 300" "DELETE FROM t WHERE id BETWEEN 400 AND 500" "UPDATE t SET id = 30000 WHERE id = 10" "UPDATE t SET id = 3 WHERE id = 14990" "INSERT INTO t (id, n) VALUES (5, 5), (29000, 6)"
    until_said 'stream main .*: reading the log'
    sql "DELETE FROM u WHERE id <= 50"
    until_ok 40 all_is_there t || fail "audit check of t: $(tail -n 25 "$out/check")"
    until_ok 40 all_is_there u || fail "audit check of u: $(tail -n 25 "$out/check")"
    stream_stopped
    stream_removed
}
all_is_there()
{
    "$SEACHANGE" audit check --source "${program_url:-$url}" --table "$1" --audit-stream main "${stream[@]}" > "$out/check" 2>&1 && ! grep -qE 'not mentioned|in part' "$out/check"
}

H6_transactions_of_kafka_and_signs_of_life()
{
    stream_setup
    local n=0 i
    for i in 1 2 3; do
        : > "$out/stderr"
        SEACHANGE_FAILPOINT='standing_before_store=kill@2' stream_start --audit-transactions --audit-heartbeat 300ms
        until_said 'stream main .*: reading the log'
        for _ in 1 2 3 4; do
            ended "$pid" || { change_t 10; n=$((n + 10)); sleep 0.5; }
        done
        stream_ends 137
        program_is_gone_too
    done
    stream_runs --audit-transactions --audit-heartbeat 300ms
    change_t 5
    fill_u 4 0
    sent t $((n + 5))
    sent u 4
    stream_is t
    stream_is u
    sleep 1
    i=$(kcat -C -q -e -b "$brokers" -t __debezium-heartbeat.seachange -f '%k %s\n' | grep -c '^{"serverName":"seachange"} {"ts_ms":1[0-9]*}$')
    [ "$i" -gt 5 ] || fail "$i signs of life in several seconds"
    kafka_is down
    change_t 3
    sleep 1
    kill -TERM "$pid"
    stream_ends 0 30
    kafka_is up
    stream_runs
    sent t $((n + 8))
    stream_stopped
    stream_removed
}
