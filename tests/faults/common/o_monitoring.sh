# O. What an operator asks from outside while it runs.

# asked PATH: what the program answers by HTTP, without the header.
asked()
{
    local port web
    port=$(sed -n 's/.*http: listening at 127.0.0.1, port \([0-9]*\).*/\1/p' "$out/stderr" | tail -n 1)
    { exec {web}<> "/dev/tcp/127.0.0.1/${port:-1}"; } 2> /dev/null || return 1
    printf 'GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&$web
    timeout 10 sed '1,/^\r$/d' <&$web
    exec {web}>&-
}
is_answered() { asked "$1" | grep -qE -- "$2"; }
is_not_answered() { ! is_answered "$@"; }
until_answered() { until_ok 30 is_answered "$1" "$2" || fail "asked for $1 it does not say $2, but: $(asked "$1" | grep -v '^#' | head -n 40)"; }

O1_a_migration_can_be_asked()
{
    setup 20000
    copy_held_at 100000 --http 0
    until_answered /readyz '^ready'
    until_answered /status '"command":"migrate",.*"table":"[^"]*t[^"]*","id":"[0-9a-f]+","phase":"copy"'
    until_answered /metrics '^seachange_phase\{phase="copy"\} 1$'
    until_answered /metrics '^seachange_rows_estimated [1-9]'
    until_answered /metrics '^seachange_log_reader_connected 1$'
    is_answered /metrics '^seachange_changes_applied_total 0$' || fail "changes are told, and there were none"
    sql "UPDATE t SET n = n + 1 WHERE id <= 1000"
    # Applied, or waiting for the chunk of which the copy is held.
    until_answered /metrics '^seachange_(changes_applied_total|spool_bytes\{place="memory"\}) [1-9]'
    kill_it
    copy_let_go
    sql "UPDATE t SET n = n + 1 WHERE id <= 1000"
    : > "$out/stderr"
    SEACHANGE_FAILPOINT='cleanup_begin=sleep:8000' migrate_start --http 0
    until_answered /metrics '^seachange_phase\{phase="cleanup"\} 1$'
    until_answered /metrics '^seachange_rows_copied_total 20000$'
    until_answered /metrics '^seachange_changes_applied_total [1-9]'
    until_answered /metrics '^seachange_cutover_writers_held_seconds [0-9]'
    migrate_ends 0
    is_not_answered /healthz ok || fail "something answers still"
    same_rows 20000
}

O1_a_stream_can_be_asked()
{
    stream_setup
    stream_start --http 0
    until_answered /readyz '^ready'
    change_t 5
    until_answered /metrics '^seachange_audit_delivered_total 5$'
    until_answered /metrics '^seachange_audit_lag_seconds [0-9]'
    until_answered /metrics '^seachange_audit_unacknowledged 0$'
    until_answered /status '"phase":"stream",.*"audit":\{"connected":true,"error":null,'
    kafka_is down
    change_t 3
    until_answered /metrics '^seachange_audit_connected 0$'
    until_answered /metrics '^seachange_audit_unacknowledged 3$'
    until_answered /metrics '^seachange_audit_errors_total [1-9]'
    kafka_is up
    until_answered /metrics '^seachange_audit_delivered_total 8$'
    until_answered /metrics '^seachange_audit_connected 1$'
    sent t 8
    # Opened anew it goes on counting.
    until_ok 60 a_retry_is_told || fail "it does not say that it tries again: $(asked /status)"
    until_answered /readyz '^ready'
    change_t 2
    until_answered /metrics '^seachange_audit_delivered_total 10$'
    stream_stopped
    stream_removed
}

listed_stream() { "$SEACHANGE" list --source "$url" --log-format json | sed -n 's/.*"streams":\[\(.*\)\]}$/\1/p'; }
is_listed() { listed_stream | grep -qE -- "$1"; }
until_listed() { until_ok 20 is_listed "$1" || fail "list does not say $1, but: $(listed_stream)"; }

O1_a_stream_says_how_many_rows_it_has_read()
{
    stream_setup
    SEACHANGE_FAILPOINT='standing_chunk_sent=sleep:3000@2' stream_start --http 0 --audit-snapshot
    until_answered /metrics '^seachange_audit_snapshot_rows 500$'
    until_answered /status '"phase":"snapshot","note":"sending the rows that are there: table [tu]",.*"snapshot_rows":500,'
    until_answered /readyz '^ready'
    until_answered /status '"phase":"stream",.*"messages":500,"snapshot_rows":500,'
    stream_stopped
    stream_removed
}

# Each time that its session is ended it waits for longer.
a_retry_is_told() { end_lock_session || true; is_answered /status '"phase":"retry","note":"[^"]'; }

O1_streams_are_listed()
{
    stream_setup
    [ -z "$(listed_stream)" ] || fail "a stream is listed: $(listed_stream)"
    SEACHANGE_FAILPOINT='standing_row_stored=sleep:3000' stream_start
    until_listed '"name":"main","id":"[0-9a-f]{8}",.*"position":null,.*"note":"it has sent nothing yet'
    change_t 2
    until_said 'stream main .*: reading the log'
    change_t 3
    sent t 3
    until_listed '"tables":"[^"]*t, [^"]*u","position":"[^"]+",.*"note":"running: its connection is '
    "$SEACHANGE" list --source "$url" > "$out/list" || fail "list: $?"
    grep -qE '^STREAM +ID +TABLES' "$out/list" && grep -qE '^main +[0-9a-f]{8} ' "$out/list" && grep -q 'in Kafka: all before' "$out/list" || fail "as text: $(cat "$out/list")"
    stream_stopped
    until_listed '"note":"not running: the same command goes on'
    lose_log
    until_listed '"note":"not running, and .* so it cannot go on: `seachange audit remove --audit-stream main`'
    stream_removed
    [ -z "$(listed_stream)" ] || fail "it is still listed: $(listed_stream)"
}

# An address that cannot be had, or is none, is told before anything is made.
O1_an_address_that_cannot_be_had_is_refused()
{
    setup 100
    is=$(rows_fingerprint)
    for address in 'localhost:1=2' 'x=2' '192.0.2.1:0=3'; do
        "$SEACHANGE" migrate --source "$url" --table t --alter "$alter" --spool-dir "$out" --http "${address%=*}" > "$out/stdout" 2> "$out/stderr"
        [ $? = "${address#*=}" ] || fail "--http $address is not refused"
        grep -q -- 'listen' "$out/stderr" || fail "it does not say why"
    done
    [ "$(rows_fingerprint)" = "$is" ] && [ -z "$("$SEACHANGE" list --source "$url" --log-format json | grep '"id"')" ] || fail "something was done"
}
