# G. The audit: each change of the table is in the topic once by its number, or the gap is on record.

# A Kafka of the test's own with a topic `audit`, behind descriptor kafka; audit_start makes the options.
audit_start()
{
    mkfifo "$out/kafka.in"
    "${SEACHANGE%/*}/tests/sc_kafka_mock" audit:3 < "$out/kafka.in" > "$out/kafka" 2> "$out/kafka.err" 8>&- &
    exec {kafka}> "$out/kafka.in"
    pid= until_ok 20 test -s "$out/kafka" || fail "no mock of Kafka"
    brokers=$(head -n 1 "$out/kafka")
    audit=(--audit-kafka "$brokers" --audit-topic audit --audit-columns '*=plain' --drop-old)
}
kafka_is() { echo "$*" >&"$kafka"; }
# in_topic N: so many messages with numbers 1 to N are there, and no other number.
in_topic()
{
    timeout 30 kcat -C -q -e -b "$brokers" -t audit -f '%h\n' > "$out/topic"
    got=$(sed -n 's/.*seachange.sequence=\([0-9]*\).*/\1/p' "$out/topic" | sort -nu | awk '{ last = $1 } END { print NR " to " last + 0 }')
    [ "$got" = "$1 to $1" ] || fail "the topic has $got, expected $1"
}
# Also one that changes nothing is in PostgreSQL's log, and not in the others'.
change() { sql "UPDATE t SET n = n + 1000 WHERE id <= $((10 * $1))"; }

G1_an_audit_goes_on_as_it_began()
{
    setup 500
    audit_start
    reader_start
    migrate_start "${audit[@]}"
    in_phase cutover
    change 5
    kill_it
    change 3
    migrate 3
    until_said 'was begun with an audit'
    migrate 3 "${audit[@]:0:4}" --audit-columns 'id=plain,*=mask'
    until_said 'was begun with: .*\*=plain.* Now it is: .*\*=mask'
    migrate_start "${audit[@]}" --audit-policy best-effort -X linger.ms=5
    in_phase cutover
    change 4
    reader_end
    migrate_ends 0
    grep -q 'all changes are in Kafka, 12 messages' "$out/stdout" || fail "the summary does not say that 12 messages are there"
    in_topic 12
    nothing_left
}

# The marker at which the audit was to end is in the log, and nothing was swapped.
G1_a_cutover_fails_behind_its_marker()
{
    setup 500
    audit_start
    reader_start
    SEACHANGE_FAILPOINT='cutover_after_marker=retry@1' migrate_start "${audit[@]}"
    in_phase cutover
    change 4
    reader_end
    until_said 'failpoint cutover_after_marker'
    migrate_ends 0 60
    grep -q 'all changes are in Kafka, 4 messages' "$out/stdout" || fail "the summary does not say that 4 messages are there"
    in_topic 4
    nothing_left
}

G1_one_that_was_begun_without_gets_none()
{
    setup 500
    audit_start
    reader_start
    migrate_start
    in_phase cutover
    kill_it
    migrate 3 "${audit[@]}"
    until_said 'was begun without an audit'
    reader_end
    migrate 0
}

G1_nobody_has_said_what_may_be_shown()
{
    setup 10
    audit_start
    migrate 3 "${audit[@]:0:4}" --audit-columns 'id=plain,n=plain,v=drop'
    until_said 'nobody has said what the audit may show of column big'
    nothing_left
    nothing_stored
}

G2_the_cutover_waits_for_kafka()
{
    setup 500
    audit_start
    reader_start
    migrate_start "${audit[@]}"
    in_phase cutover
    kafka_is down
    change 50
    sleep 3 # within two seconds it is near enough
    reader_end
    until_said 'the audit is behind: waiting for Kafka'
    sleep 2
    in_phase cutover
    change 20
    kafka_is up
    migrate_ends 0
    in_topic 70
    nothing_left
}

# It is behind the swap that Kafka is away: nothing is removed before the last changes are there.
G2_what_is_left_after_the_swap_is_sent()
{
    setup 500
    audit_start
    reader_start
    SEACHANGE_FAILPOINT='cutover_ready=stop@2;audit_rest_begin=stop' migrate_start "${audit[@]}"
    until_said 'failpoint cutover_ready'
    kafka_is slow 4000
    change 30
    reader_end
    kill -CONT "$pid"
    until_said 'failpoint audit_rest_begin'
    kafka_is down
    kill -CONT "$pid"
    until_said 'the last changes are on their way to Kafka'
    sleep 1
    kill -TERM "$pid"
    migrate_ends 75
    went=$(sed -n 's/.*"result":"\([a-z]*\)".*/\1/p' "$out/stdout")
    [ "$went" = swapped ] || fail "the summary says $went"
    migrate_start "${audit[@]}"
    until_said 'goes on in phase cleanup'
    sleep 1
    kafka_is slow 0
    kafka_is up
    migrate_ends 0
    in_topic 30
    nothing_left
}

G3_a_message_that_is_refused_stops_it()
{
    setup 500
    audit_start
    reader_start
    migrate_start "${audit[@]}"
    in_phase cutover
    kafka_is refuse 1 10
    change 1
    migrate_ends 4
    until_said 'Raise message.max.bytes'
    change 2
    migrate_start "${audit[@]}"
    in_phase cutover
    reader_end
    migrate_ends 0
    in_topic 3
    nothing_left
}

G3_or_the_gap_is_on_record()
{
    setup 500
    audit_start
    reader_start
    migrate_start "${audit[@]}" --audit-policy best-effort
    in_phase cutover
    change 2
    sleep 2
    kafka_is refuse 1 10
    change 1
    until_said 'the audit is given up, and has a gap from here on'
    kill_it
    change 1
    migrate_start "${audit[@]}" --audit-policy best-effort
    in_phase cutover
    reader_end
    migrate_ends 0
    grep -q 'the audit has a gap: nothing behind .*too large' "$out/stdout" || fail "the summary does not tell of the gap"
    in_topic 2
    nothing_left
}

# Behind the swap, before the log is read for what is left.
G3_or_that_the_rest_is_missing()
{
    setup 500
    audit_start
    reader_start
    SEACHANGE_FAILPOINT='cutover_ready=stop@2;audit_rest_begin=fail' migrate_start "${audit[@]}" --audit-policy best-effort
    until_said 'failpoint cutover_ready'
    kafka_is slow 3000
    change 10
    reader_end
    kill -CONT "$pid"
    migrate_ends 0
    grep -q 'the audit has a gap: nothing behind' "$out/stdout" || fail "the summary does not tell of the gap"
    nothing_left
}

# Who drops the old table at once takes from the audit what it would need: it says so until it is told to go on without.
G3_or_that_nobody_can_tell_it_any_more()
{
    setup 500
    audit_start
    reader_start
    SEACHANGE_FAILPOINT='cutover_ready=stop@2;audit_rest_begin=kill' migrate_start "${audit[@]}"
    until_said 'failpoint cutover_ready'
    kafka_is slow 3000
    change 10
    reader_end
    kill -CONT "$pid"
    migrate_ends 137
    sql "DROP TABLE $(table_of old)"
    migrate 75 "${audit[@]}"
    until_said 'the tables are swapped, but cleaning up did not end: audit'
    migrate 0 "${audit[@]}" --audit-policy best-effort
    grep -q 'the audit has a gap: nothing behind' "$out/stdout" || fail "the summary does not tell of the gap"
    nothing_left
}

G3_no_room_for_what_kafka_does_not_take()
{
    setup 20000
    audit_start
    reader_start
    migrate_start "${audit[@]}" --audit-policy best-effort --spool-memory 256KiB --spool-disk 1MiB -X queue.buffering.max.messages=1000
    in_phase cutover
    kafka_is down
    # What hardly compresses, and is written alike on all servers.
    for n in 1 2 3 4; do
        digits="''"
        for k in $(seq 30); do digits="$digits, n * $((k * 3457 + n)) % $((99991 - k * 101 * n))"; done
        sql "UPDATE t SET big = CONCAT($digits)"
    done
    until_said 'the audit is given up.*room'
    kafka_is up
    reader_end
    migrate_ends 0
    grep -q 'the audit has a gap' "$out/stdout" || fail "the summary does not tell of the gap"
    nothing_left
}
