#!/usr/bin/env bash
# Migrations under clients that know what they were told, each with faults; then every check of tests/torture/README.md. Needs SERVER_URL, SERVER_DATA, SERVER_CTL,
# SEACHANGE (with failpoints), and TORTURE_SERVER: postgresql, mysql or mariadb.
#
#   run.sh                    the workload without a migration, one fault of each of four kinds in each of six phases, faults of an audit's own, and the seeds in `kept`
#   run.sh GLOB...            those of the former, without the seeds, whose name matches: 'audit_*', 'copy:*'
#   run.sh streams FROM TO    a standing stream for each seed; also TORTURE_STREAMS=FROM-TO
#   run.sh seeds FROM TO      a migration for each seed, with as many faults as it says; those with odd numbers have an audit; also TORTURE_SEEDS=FROM-TO
#   run.sh one [OPTION...]    one migration; the line that a failed one prints repeats it. --audit: with an audit
#
# TORTURE_KAFKA=real: audits go to a broker of tests/lib/kafka.sh, not to a pretended one (tests/kafka/mock.c), and every seed has one; =mock: every seed has one.
# TORTURE_RESULTS: a file to which the line of each migration is added, for tests/torture/table.sh. TORTURE_HITS: one to which the failpoints are added that were come to.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=${SEACHANGE%/*}/tests/sc_torture
server=${TORTURE_SERVER:?}
work=$(mktemp -d "${TMPDIR:-/tmp}/seachange-torture.XXXXXX")
trap 'broker_gone; [ -z "$servers_dir" ] || servers_end; [ -n "${KEEP:-}" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir "$work/run"
chmod 755 "$work" "$work/run"
: > "$work/hits"

# --- Kafka: a topic without anything in it, for each migration with an audit

servers_dir= mock= topics=0
# More than a few partitions, because the pretended broker keeps 5 MB of each.
partitions=24
real_broker()
{
    if [ -z "$servers_dir" ]; then
        . "$here/../lib/packages.sh"
        . "$here/../lib/servers.sh"
        servers_begin
        kafka_start || { echo "no Kafka: $server_reason" >&2; exit 1; }
        export BROKER_CTL=$kafka_ctl
    fi
    topics=$((topics + 1))
    kafka_topics torture$topics:$((1 + topics % 6)) || return
    brokers=$kafka_brokers topic=torture$topics
}
pretended_broker()
{
    rm -f "$work/broker" "$work/brokers"
    mkfifo "$work/broker"
    "${program%/*}/sc_kafka_mock" torture:$partitions < "$work/broker" > "$work/brokers" &
    mock=$!
    exec 7> "$work/broker"
    export BROKER_COMMANDS=$work/broker
    for _ in $(seq 1200); do
        [ ! -s "$work/brokers" ] || break
        sleep 0.05
    done
    brokers=$(cat "$work/brokers") topic=torture
    [ -n "$brokers" ]
}
broker_gone()
{
    [ -n "$mock" ] || return 0
    exec 7>&-
    wait $mock 2> /dev/null
    mock=
}

# One run; its line in $line. 0 passed, 1 failed.
one()
{
    local option options=() audit=()
    for option in "$@"; do
        if [ "$option" = --audit ]; then
            export BROKER_LOCK=$work/broker.lock
            if [ "${TORTURE_KAFKA:-}" = real ]; then real_broker; else pretended_broker; fi || { status=1 line="no Kafka"; return 1; }
            audit=(--audit "$brokers" --topic "$topic" --broker "$here/broker.sh")
        else
            options+=("$option")
        fi
    done
    rm -rf "$work/run"/*
    timeout 420 "$program" --server "$SERVER_URL" --kind "$server" --seachange "$SEACHANGE" --work "$work/run" --crash "$here/crash.sh" ${audit[@]+"${audit[@]}"} "${options[@]}" > "$work/out" 2> "$work/err" 7>&-
    status=$?
    broker_gone
    line=$(head -n 1 "$work/out")
    [ ! -f "$work/run/hits" ] || sort -u "$work/run/hits" "$work/hits" -o "$work/hits"
    return $status
}
tell_failure()
{
    echo "FAILED   $1: ${line:-exit $status}"
    sed -n '2,$p' "$work/out" | cut -c 1-400
    tail -n 5 "$work/err"
    [ ! -s "$work/run/stderr" ] || grep -av '"progress"' "$work/run/stderr" | tail -n 12 | cut -c 1-300 | sed 's/^/      | /'
    [ ! -s "$work/run/stderr" ] || grep -a '"progress"' "$work/run/stderr" | tail -n 1 | cut -c 1-600 | sed 's/^/      | /' # what it waits for
    echo "      again:  tests/torture/run.sh one ${*:2}"
    if [ -n "${TORTURE_KEEP:-}" ]; then
        mkdir -p "$TORTURE_KEEP/$server-$1" && cp -r "$work/out" "$work/err" "$work/run/stderr" "$work/run/history" "$TORTURE_KEEP/$server-$1/" 2> /dev/null
    fi
}
passed=0 failed=0
# count NAME OPTION...: what the last run came to.
count()
{
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        echo "ok       $1: ${line#ok }"
    else
        failed=$((failed + 1))
        tell_failure "$@"
    fi
    [ -z "${TORTURE_RESULTS:-}" ] || [ -z "$line" ] || printf '%s version=%s\n' "$line" "${TORTURE_VERSION:-?}" >> "$TORTURE_RESULTS"
}

# A failpoint that this migration does not come to is no fault: another one is tried, by another seed.
idle() { [ "$status" = 0 ] && [[ $line == *"not come to"* ]]; }
# try NAME SEED OPTION...: with this seed, or one of those behind it; of the names that are wanted.
try()
{
    local name=$1 seed=$2 tries glob chosen=$((${#wanted[@]} == 0))
    for glob in ${wanted[@]+"${wanted[@]}"}; do
        [[ $name != $glob ]] || chosen=1
    done
    [ $chosen = 1 ] || return 0
    for tries in 1 2 3 4 5; do
        one --seed $seed "${@:3}"
        idle || break
        seed=$((seed + 100))
    done
    ! idle || status=1 line="no failpoint of the phase was come to: $line"
    count $name --seed $seed "${@:3}"
}
# Of an audit's own: each of its failpoints, and Kafka away or slow in the copy, before the cutover, and behind the swap.
audits="audit_before_create=kill audit_before_store=kill audit_stored=kill audit_before_store=down,audit_stored=kill audit_stored=crash index_built=kill audit_rest_begin=drop audit_before_end=kill audit_end_stored=term remove_state_before_row=kill
    copy:down apply:broker cutover:slow cutover_ready=down cutover_before_lock=down cleanup_begin=sleep audit_rest_begin=down audit_before_end=broker"
# Of a standing stream, with an audit only.
streams="standing_before_begun=kill standing_before_store=kill standing_place_stored=crash standing_before_store=down,standing_place_stored=kill reader_commit_spooled=drop"
matrix()
{
    local seed=1 phase kind fault wanted=("$@")
    try control 1 --control
    for phase in prepare copy apply verify cutover cleanup; do
        for kind in kill term drop crash; do
            seed=$((seed + 1))
            # Every second one has an audit, in each phase others.
            if [ $(((seed + seed / 4) % 2)) = 0 ]; then
                try $phase:$kind $seed --fault $phase:$kind
            else
                try $phase:$kind,audit $seed --fault $phase:$kind --audit
            fi
        done
    done
    for fault in $audits; do
        seed=$((seed + 1))
        try $fault $seed --fault $fault --audit
    done
    for fault in $streams; do
        seed=$((seed + 1))
        try stream:$fault $seed --stream --fault $fault --audit
    done
}
kept()
{
    local kind seed what audit
    while read -r kind seed what; do
        [ "$kind" = "$server" ] || continue
        [[ $what != audit:* ]] && audit= || audit=--audit
        one --seed "$seed" $audit < /dev/null
        count "seed $seed ($what)" --seed "$seed" $audit
    done < "$here/kept"
}
seeds()
{
    local audit
    for ((seed = $1; seed <= $2; seed++)); do
        audit=
        [ $((seed % 2)) = 0 ] && [ -z "${TORTURE_KAFKA:-}" ] || audit=--audit
        one --seed $seed $audit
        count "seed $seed" --seed $seed $audit
    done
}
each_stream()
{
    for ((seed = $1; seed <= $2; seed++)); do
        one --seed $seed --stream --audit
        count "stream, seed $seed" --seed $seed --stream --audit
    done
}

case ${1-} in
'') if [ -n "${TORTURE_STREAMS:-}" ]; then each_stream "${TORTURE_STREAMS%-*}" "${TORTURE_STREAMS#*-}"; elif [ -n "${TORTURE_SEEDS:-}" ]; then seeds "${TORTURE_SEEDS%-*}" "${TORTURE_SEEDS#*-}"; else matrix; kept; fi ;;
seeds) seeds "$2" "$3" ;;
streams) each_stream "$2" "$3" ;;
one)
    one "${@:2}"
    status=$?
    cat "$work/out" "$work/err"
    [ $status = 0 ] || KEEP=1
    exit $status
    ;;
-*) sed -n '5,8p' "$0" >&2; exit 2 ;;
*) matrix "$@" ;;
esac
[ -z "${TORTURE_HITS:-}" ] || cat "$work/hits" >> "$TORTURE_HITS"
echo "torture: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
