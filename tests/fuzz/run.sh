#!/usr/bin/env bash
# Runs fuzz targets over their corpus and then over inputs of their own making; `tests/run fuzz` does it after building.
#
#   tests/fuzz/run.sh [TARGET ...]   all of them without one; from the repository, after `cmake --build --preset fuzz`
#   FUZZ_SECONDS=N                   so long each (20)
#   FUZZ_RUNS=N                      so many executions each instead
#   FUZZ_JOBS=N                      so many targets side by side (as many as there are processors)
#
# A target fails by a crash, a property that does not hold, a leak, an input that takes more than 10 s or 512 MiB. What did
# it stays in build/fuzz/findings. The last line counts.
set -u
cd "$(dirname "$0")/../.."
programs=build/fuzz/tests findings=build/fuzz/findings work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'kill $(jobs -p) 2> /dev/null; wait; exit 130' INT TERM
mkdir -p "$findings"

run_target()
{
    name=$1 log=$work/$1.log corpus=tests/fuzz/corpus/$1
    if [ ! -x "$programs/fuzz_$name" ] || [ ! -d "$corpus" ]; then
        echo "fuzz_$name or its corpus ($corpus) is not there" > "$log"
        return 1
    fi
    mkdir -p "$work/$name"
    limit=(-max_total_time="${FUZZ_SECONDS:-20}")
    within=$((${FUZZ_SECONDS:-20} + 120))
    [ -z "${FUZZ_RUNS:-}" ] || limit=(-runs="$FUZZ_RUNS") within=86400
    dictionary=()
    [ ! -f "tests/fuzz/$name.dict" ] || dictionary=(-dict="tests/fuzz/$name.dict")
    options=()
    [ ! -f "tests/fuzz/$name.options" ] || mapfile -t options < <(grep -v '^#' "tests/fuzz/$name.options")
    # What was freed counts as memory until it leaves the quarantine.
    ASAN_OPTIONS=quarantine_size_mb=32:allocator_release_to_os_interval_ms=500 TMPDIR=$work timeout $within "$programs/fuzz_$name" "${limit[@]}" -rss_limit_mb=512 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$findings/$name-" "${dictionary[@]}" "${options[@]}" "$work/$name" "$corpus" < /dev/null > "$log" 2>&1
}

# How to run the input again, wherever it is read.
tell()
{
    name=$1 log=$work/$1.log
    echo "--- fuzz_$name"
    grep -vE '^(#[0-9]+|INFO:|NEW_FUNC|\s+NEW_FUNC)' "$log" | tail -n 60
    finding=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    [ -n "$finding" ] || return 0
    echo "to repeat it:  $programs/fuzz_$name $finding"
    if [ "$(wc -c < "$finding")" -le 4096 ]; then
        echo "or, elsewhere: echo $(base64 -w 0 "$finding") | base64 -d > finding && build/asan/tests/replay_$name finding"
    fi
}

names=("$@")
if [ $# = 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        name=${source##*/fuzz_}
        names+=("${name%.c}")
    done
fi
most=${FUZZ_JOBS:-$(nproc)}
for name in "${names[@]}"; do
    while [ "$(jobs -pr | wc -l)" -ge "$most" ]; do
        wait -n
    done
    { run_target "$name"; echo $? > "$work/$name.status"; } &
done
wait

passed=0 failed=0
for name in "${names[@]}"; do
    status=$(cat "$work/$name.status" 2> /dev/null || echo 1)
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log" 2> /dev/null)
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        printf 'passed  %-14s %12s executions\n' "$name" "${executions:-0}"
    else
        failed=$((failed + 1))
        tell "$name"
        printf 'FAILED  %-14s %12s executions (exit %s)\n' "$name" "${executions:-0}" "$status"
    fi
done
echo "fuzz: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
