#!/usr/bin/env bash
# Proves that tests/lib/kafka.sh and the reader do what tests of the audit stream build on: README.md.
#
#   run.sh            on the Kafka of pom.xml, KAFKA_VERSION=4.1.1 on another
#   SEACHANGE=...     the program (build/dev/seachange), for the tests of `audit check`; sc_kafka_trail stands in tests beside it
#   KEEP=1            leaves the broker up and says where; what the reader printed is in its directory
set -u
cd "$(dirname "$0")/../.."
. tests/lib/packages.sh
. tests/lib/servers.sh
records=tests/kafka/records
program=${SEACHANGE:-build/dev/seachange}
trail=$(dirname "$program")/tests/sc_kafka_trail
passed=0 failed=0

# Runs the function of that name and counts it.
check()
{
    local begun=$SECONDS
    if "$1" > "$work/$1.log" 2>&1; then
        passed=$((passed + 1))
        echo "ok       $1 ($((SECONDS - begun)) s)"
    else
        failed=$((failed + 1))
        echo "FAILED   $1"
        tail -n 20 "$work/$1.log" | cut -c 1-1000 | sed 's/^/      | /'
    fi
}

# must TEXT COMMAND...: it fails, and says that.
must_fail()
{
    local text=$1 said
    shift
    ! said=$("$@" 2>&1) || { echo "it should fail: $*"; return 1; }
    [[ $said == *$text* ]] || { echo "it should say '$text', and says: $said"; return 1; }
}

produce() { kcat -P -q -b "$kafka_brokers" -t "$@"; }

# Waits until the topic has as many records, or more, whether committed or not.
has_come()
{
    local i
    for i in $(seq 300); do
        [ "$(timeout 20 kcat -C -q -e -b "$kafka_brokers" -t "$1" -X isolation.level=read_uncommitted | wc -l)" -lt "$2" ] || return 0
        sleep 0.2
    done
    echo "$1 has not $2 records in a minute"
    return 1
}

# What is in a topic, as the reader tells it: without the time, and of its errors the places.
read_to()
{
    kafka_read "${@:2}" > "$1.all" 2> "$1.err"
    status=$?
    {
        sed 's/"timestamp":[0-9]*,"timestamp_type":"CreateTime",//' "$1.all"
        sed -n 's/^\([^ ]*@[0-9]*: [a-z]*\).*/unread \1/p' "$1.err"
    } > "$1"
    return $status
}

broker_answers()
{
    kcat -b "$kafka_brokers" -L | grep -q ' 0 topics:' && [ "$(stat -c %u "$kafka_dir/data/meta.properties")" = "${servers_owner%:*}" ] && [ "$(kafka_tool GetOffsetShell --bootstrap-server "$kafka_brokers")" = '' ]
}

makes_no_topic_on_its_own()
{
    must_fail 'Delivery failed' kcat -P -b "$kafka_brokers" -t none -X message.timeout.ms=5000 -l <(echo x) && must_fail 'could not be read' kafka_read --timeout 5 none
}

makes_topics()
{
    kafka_topics parts:3:retention.ms=1000000 &&
        kafka_tool TopicCommand --bootstrap-server "$kafka_brokers" --describe --topic parts | grep -q 'PartitionCount: 3.*retention.ms=1000000' &&
        seq 1 30 | produce parts -p -1 && seq 31 33 | produce parts -p 2 && read_to "$work/parts" --no-schemas parts &&
        [ "$(sed 's/.*"partition":\([0-9]*\),"offset":\([0-9]*\).*/\1 \2/' "$work/parts")" = "$(sed 's/.*"partition":\([0-9]*\),"offset":\([0-9]*\).*/\1 \2/' "$work/parts" | sort -n -k 1,1 -k 2,2)" ] &&
        [ "$(sed 's/.*"value":{"value":\([0-9]*\)}.*/\1/' "$work/parts" | sort -n)" = "$(seq 1 33)" ]
}

# NAME STATUS ARGS: what is read from the topics must be $records/NAME.read.
reads="
strict 1 --strict rows types broken lax
lenient 1 broken lax
bare 1 --strict --no-schemas bare bare-broken
unwrapped 1 --strict --unwrap rows types
rewritten 0 --unwrap-with delete.tombstone.handling.mode=rewrite --unwrap-with add.headers=op rows"
reads_records()
{
    local name topic wanted arguments bad=0
    kafka_topics rows types broken lax bare bare-broken || return
    for topic in rows types broken lax bare bare-broken; do
        produce $topic -K $'\t' -Z -H a=x -H b= -l $records/$topic.tsv || return
    done
    while read -r name wanted arguments; do
        [ -n "$name" ] || continue
        read_to "$work/$name" $arguments
        [ $? = $wanted ] || { echo "$name: exit status $?"; bad=1; }
        diff "$records/$name.read" "$work/$name" || { echo "$name differs"; bad=1; }
    done <<< "$reads"
    return $bad
}

reads_what_is_committed()
{
    kafka_topics transactions || return
    echo 1 | kcat -P -q -b "$kafka_brokers" -t transactions -X transactional.id=one || return
    # One that dies is aborted when the next begins that has its name.
    mkfifo "$work/lines"
    kcat -P -b "$kafka_brokers" -t transactions -X transactional.id=one < "$work/lines" &
    local client=$!
    exec 8> "$work/lines"
    seq 2 100000 >&8 # kcat reads more than a line before it sends one
    has_come transactions 2 || return
    kill -KILL $client
    exec 8>&-
    [ "$(kafka_read --no-schemas transactions | wc -l)" = 1 ] || return
    echo 0 | kcat -P -q -b "$kafka_brokers" -t transactions -X transactional.id=one
    [ "$(kafka_read --no-schemas transactions | sed 's/.*"value":{"value":\([0-9]*\).*/\1/' | xargs)" = "1 0" ] && [ "$(kafka_read --no-schemas --uncommitted transactions | wc -l)" -gt 2 ]
}

# The producer is idempotent: each record is there once.
keeps_all_over_a_crash()
{
    local producer
    kafka_topics crash:2 && echo '{"n":1}' > "$work/payload" || return
    kafka_tool ProducerPerformance --topic crash --num-records 6000 --throughput 600 --payload-file "$work/payload" --producer-props bootstrap.servers="$kafka_brokers" acks=all linger.ms=20 &
    producer=$!
    has_come crash 1 || return
    local pid=$(cat "$kafka_dir/broker.pid")
    "$kafka_ctl" kill && ! kill -0 "$pid" 2> /dev/null && must_fail '' kcat -b "$kafka_brokers" -L -m 2 && "$kafka_ctl" start && [ "$pid" != "$(cat "$kafka_dir/broker.pid")" ] || return
    wait $producer && [ "$(kafka_read --no-schemas crash | wc -l)" = 6000 ] || return
    read_to "$work/again" --strict rows types broken lax; diff $records/strict.read "$work/again"
}

freezes_and_thaws()
{
    "$kafka_ctl" freeze && must_fail '' kcat -b "$kafka_brokers" -L -m 2 && "$kafka_ctl" thaw && kcat -b "$kafka_brokers" -L -m 30 > /dev/null
}

takes_settings_at_a_restart()
{
    printf '"%05000d"' 7 > "$work/big"
    kafka_topics small && "$kafka_ctl" restart message.max.bytes=2000 && must_fail 'too large' kcat -P -b "$kafka_brokers" -t small "$work/big" &&
        "$kafka_ctl" stop && "$kafka_ctl" start && produce small "$work/big" && [ "$(kafka_read --no-schemas small | wc -l)" = 1 ]
}

lets_in_with_login()
{
    local mechanisms=PLAIN mechanism
    # Kafka 4 refuses SCRAM to librdkafka before 2.6.1; Java's client must do it.
    [[ $kafka_version == 4.* ]] || mechanisms="PLAIN SCRAM-SHA-256 SCRAM-SHA-512"
    kafka_topics secure || return
    for mechanism in $mechanisms; do
        echo "\"$mechanism\"" | kcat -P -q -F "$kafka_dir/plain.conf" -X sasl.mechanism=$mechanism -t secure || return
    done
    [ "$(kafka_read --no-schemas --config "$kafka_dir/scram.properties" secure | sed 's/.*"value":{"value":"\([^"]*\)".*/\1/' | xargs)" = "$mechanisms" ]
}

keeps_out_who_has_no_login()
{
    must_fail 'uthentication' kcat -F "$kafka_dir/plain.conf" -X sasl.password=wrong -L -m 5 &&
        must_fail 'certificate verify failed' kcat -F "$kafka_dir/plain.conf" -X ssl.ca.location="$kafka_tls/other.pem" -L -m 5 &&
        must_fail '' kcat -b "$kafka_secure" -L -m 5
}

takes_lines_for_acls()
{
    kafka_topics closed && kafka_tool AclCommand --bootstrap-server "$kafka_brokers" --add --deny-principal "User:$kafka_user" --operation Write --topic closed &&
        must_fail 'uthorization failed' kcat -P -F "$kafka_dir/plain.conf" -t closed -l <(echo 1) && echo 1 | produce closed &&
        [ "$(kafka_tool ConsoleConsumer --bootstrap-server "$kafka_brokers" --topic closed --from-beginning --max-messages 1 --timeout-ms 30000)" = 1 ]
}

# audit STATUS TEXT TOPIC [OPTION...]: `audit check` ends with that status, and says that.
audit()
{
    local status=$1 text=$2 topic=$3 said code
    shift 3
    said=$("$program" audit check --audit-kafka "$kafka_brokers" --audit-topic "$topic" "$@" 2>&1)
    code=$?
    [ $code = "$status" ] && [[ $said == *"$text"* ]] || { echo "$topic: exit status $code, not $status with '$text':"; echo "$said"; return 1; }
}

proves_a_trail()
{
    kafka_topics trail:4 empty:2 && messages=$("$trail" "$kafka_brokers" write trail 400) && echo "$messages messages" &&
        audit 0 'Whole: topic trail' trail && audit 0 "messages proven   $messages" trail --audit-messages "$messages" && audit 0 '"result":"whole"' trail --log-format json --audit-stream 0011aabb &&
        audit 4 "$((messages + 1)) messages were sent" trail --audit-messages $((messages + 1)) &&
        audit 3 'no message of any stream' empty && audit 4 '7 messages were sent, and the topic has 0' empty --audit-messages 7 && audit 0 'Whole' empty --audit-messages 0 &&
        audit 3 'no message of stream other' trail --audit-stream other && audit 3 'topic none' none
}

# HOW N STATUS TEXT, as sc_kafka_trail has them.
damages="
none 0 0 Whole: topic
drop 50 4 does not follow from the one before it
change 50 4 does not follow from the one before it
key 50 4 does not follow from the one before it
swap 50 4 does not follow from the one before it
insert 50 4 Broken: topic
rehash 50 4 does not follow from the one before it
move 50 4 Broken: topic
repeat 50 0 repeated          1, the same each time
alter 50 4 is repeated, and is another one than before
cut 300 4 the end of a partition is missing
all 300 0 Whole: topic"
finds_what_was_done_to_a_trail()
{
    local how n status text bad=0 topics=
    while read -r how n status text; do
        [ -z "$how" ] || topics="$topics trail-$how:4"
    done <<< "$damages"
    kafka_topics $topics || return
    while read -r how n status text; do
        [ -n "$how" ] || continue
        "$trail" "$kafka_brokers" copy trail "trail-$how" "$how" "$n" && audit "$status" "$text" "trail-$how" || bad=1
    done <<< "$damages"
    # Cut off everywhere at one number: only who knows how many there were can tell.
    audit 4 "$messages messages were sent, and the topic has 299" trail-all --audit-messages "$messages" || bad=1
    return $bad
}

passes_over_what_others_wrote()
{
    kafka_topics mixed:4 && "$trail" "$kafka_brokers" copy trail mixed none &&
        seq 1 20 | produce mixed -p 2 && audit 0 'of others         20' mixed --audit-messages "$messages" &&
        echo x | produce mixed -p 1 -H seachange.stream=other && audit 3 'messages of more than one stream: 0011aabb and other' mixed &&
        audit 0 'of others         21' mixed --audit-stream 0011aabb --audit-messages "$messages" &&
        kafka_tool TopicCommand --bootstrap-server "$kafka_brokers" --alter --topic mixed --partitions 6 && seq 1 20 | produce mixed -p 5 &&
        audit 0 'Whole' mixed --audit-stream 0011aabb --audit-messages "$messages"
}

tells_of_what_expired()
{
    kafka_topics expired:4 && "$trail" "$kafka_brokers" copy trail expired none || return
    echo '{"partitions":[{"topic":"expired","partition":1,"offset":5}],"version":1}' > "$work/delete.json"
    kafka_tool DeleteRecordsCommand --bootstrap-server "$kafka_brokers" --offset-json-file "$work/delete.json" &&
        audit 4 'Offsets 0 to 4 in front of it are not there any more' expired || return
    echo '{"partitions":[{"topic":"expired","partition":1,"offset":-1}],"version":1}' > "$work/delete.json"
    kafka_tool DeleteRecordsCommand --bootstrap-server "$kafka_brokers" --offset-json-file "$work/delete.json" &&
        audit 4 'Partition 1 begins at offset' expired
}

# What an open transaction hides is no end: nothing is proven until it has ended.
waits_for_open_transactions()
{
    kafka_topics open:4 && "$trail" "$kafka_brokers" copy trail open cut 60 || return
    mkfifo "$work/open"
    kcat -P -b "$kafka_brokers" -t open -p 0 -X transactional.id=two < "$work/open" &
    local client=$! code
    exec 7> "$work/open"
    seq 1 100000 >&7
    sleep 5
    audit 75 'a transaction of another producer is open' open
    code=$?
    kill -KILL $client
    exec 7>&-
    return $code
}

records_of() { timeout 20 kcat -C -q -e -b "$kafka_brokers" -t "$1" -X isolation.level="$2" | wc -l; }
# Who reads what is committed sees whole transactions, and nothing of one whose writer died; the next writer of that name ends it.
shows_transactions_whole()
{
    kafka_topics whole:2 || return
    mkfifo "$work/hold"
    "$trail" "$kafka_brokers" write whole 60 seachange-whole 30 < "$work/hold" > "$work/held" &
    exec 7> "$work/hold"
    local i all seen
    for i in $(seq 200); do
        [ ! -s "$work/held" ] || break
        sleep 0.1
    done
    has_come whole "$(cat "$work/held")" || return
    all=$(records_of whole read_uncommitted) seen=$(records_of whole read_committed)
    exec 7>&-
    [ "$seen" -ge 30 ] && [ "$seen" -lt 45 ] && [ "$all" = "$(cat "$work/held")" ] || { echo "of $all records $seen are seen"; return 1; }
    "$trail" "$kafka_brokers" write whole 20 seachange-whole 20 < /dev/null > "$work/held" || return
    i=$(records_of whole read_committed)
    [ "$i" = $((seen + $(cat "$work/held"))) ] || { echo "of $(cat "$work/held") records more $((i - seen)) are seen"; return 1; }
}

needs_the_right_to_read()
{
    grep -v '^bootstrap' "$kafka_dir/plain.conf" > "$work/plain.conf"
    local kafka_brokers=$kafka_secure
    audit 0 'Whole' trail --audit-config "$work/plain.conf" && audit 3 'bootstrap.servers cannot be set' trail --audit-config "$kafka_dir/plain.conf" &&
        kafka_brokers=${kafka_brokers_plain} kafka_tool AclCommand --bootstrap-server "$kafka_brokers_plain" --add --deny-principal "User:$kafka_user" --operation Read --topic trail &&
        audit 3 'uthorization failed' trail --audit-config "$work/plain.conf"
}

ends()
{
    local pid=$(cat "$kafka_dir/broker.pid")
    kafka_end
    ! kill -0 "$pid" 2> /dev/null && [ ! -e "$kafka_dir" ]
}

kafka_find
case $? in
0) ;;
2)
    echo "skipped  Kafka $kafka_version: $server_reason"
    echo "kafka: 0 passed, 0 failed, 1 skipped"
    exit 0
    ;;
*)
    echo "FAILED   $server_reason"
    echo "kafka: 0 passed, 1 failed, 0 skipped"
    exit 1
    ;;
esac
servers_begin
work=$servers_dir/work
mkdir "$work"
trap 'servers_finish "${KEEP:-}"' EXIT
trap 'exit 130' INT TERM
begun=$(date +%s%N)
# Who comes by the secure listener may be denied what no rule denies to all others.
if ! kafka_start authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer super.users=User:ANONYMOUS allow.everyone.if.no.acl.found=true; then
    echo "FAILED   $server_reason"
    echo "kafka: 0 passed, 1 failed, 0 skipped"
    exit 1
fi
echo "$kafka_name answers after $((($(date +%s%N) - begun) / 1000000)) ms, and has $(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(cat "$kafka_dir/broker.pid")/status") kB"
# On servers and with a broker of its own.
reads_migrations()
{
    [ -x "${SEACHANGE:-}" ] || { echo "SEACHANGE is not set"; return 1; }
    tests/kafka/migrations.sh
}

check broker_answers
check makes_no_topic_on_its_own
check makes_topics
check reads_records
check reads_what_is_committed
check keeps_all_over_a_crash
check freezes_and_thaws
check takes_settings_at_a_restart
check lets_in_with_login
check keeps_out_who_has_no_login
check takes_lines_for_acls
[ -z "${SEACHANGE:-}" ] || check reads_migrations
skipped=0
if [ -x "$program" ] && [ -x "$trail" ]; then
    kafka_brokers_plain=$kafka_brokers
    check proves_a_trail
    check finds_what_was_done_to_a_trail
    check passes_over_what_others_wrote
    check tells_of_what_expired
    check waits_for_open_transactions
    check shows_transactions_whole
    check needs_the_right_to_read
else
    skipped=1
    echo "skipped  audit check: $program is not built"
fi
[ -n "${KEEP:-}" ] || check ends
echo "kafka: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
