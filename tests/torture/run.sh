#!/usr/bin/env bash
# Migrations under clients that know what they were told, each with faults; then every check of tests/torture/README.md. Needs SERVER_URL, SERVER_DATA, SERVER_CTL,
# SEACHANGE (with failpoints), and TORTURE_SERVER: postgresql, mysql or mariadb.
#
#   run.sh                    the workload without a migration, one fault of each of four kinds in each of six phases, and the seeds in `kept`
#   run.sh seeds FROM TO      a migration for each seed, with as many faults as it says; also TORTURE_SEEDS=FROM-TO
#   run.sh one [OPTION...]    one migration; the line that a failed one prints repeats it
#
# TORTURE_RESULTS: a file to which the line of each migration is added, for tests/torture/table.sh. TORTURE_HITS: one to which the failpoints are added that were come to.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=${SEACHANGE%/*}/tests/sc_torture
server=${TORTURE_SERVER:?}
work=$(mktemp -d "${TMPDIR:-/tmp}/seachange-torture.XXXXXX")
trap '[ -n "${KEEP:-}" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir "$work/run"
chmod 755 "$work" "$work/run"
: > "$work/hits"

# One run; its line in $line. 0 passed, 1 failed.
one()
{
    rm -rf "$work/run"/*
    timeout 420 "$program" --server "$SERVER_URL" --kind "$server" --seachange "$SEACHANGE" --work "$work/run" --crash "$here/crash.sh" "$@" > "$work/out" 2> "$work/err"
    status=$?
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
matrix()
{
    local seed=1 phase kind tries
    one --seed 1 --control
    count control --seed 1 --control
    for phase in prepare copy apply verify cutover cleanup; do
        for kind in kill term drop crash; do
            for tries in 1 2 3 4 5; do
                seed=$((seed + 1))
                one --seed $seed --fault $phase:$kind
                idle || break
            done
            ! idle || status=1 line="no failpoint of the phase was come to: $line"
            count $phase:$kind --seed $seed --fault $phase:$kind
        done
    done
}
kept()
{
    local kind seed what
    while read -r kind seed what; do
        [ "$kind" = "$server" ] || continue
        one --seed "$seed" < /dev/null
        count "seed $seed ($what)" --seed "$seed"
    done < "$here/kept"
}
seeds()
{
    for ((seed = $1; seed <= $2; seed++)); do
        one --seed $seed
        count "seed $seed" --seed $seed
    done
}

case ${1-} in
'') if [ -n "${TORTURE_SEEDS:-}" ]; then seeds "${TORTURE_SEEDS%-*}" "${TORTURE_SEEDS#*-}"; else matrix; kept; fi ;;
seeds) seeds "$2" "$3" ;;
one)
    one "${@:2}"
    status=$?
    cat "$work/out" "$work/err"
    [ $status = 0 ] || KEEP=1
    exit $status
    ;;
*) sed -n '5,7p' "$0" >&2; exit 2 ;;
esac
[ -z "${TORTURE_HITS:-}" ] || cat "$work/hits" >> "$TORTURE_HITS"
echo "torture: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
