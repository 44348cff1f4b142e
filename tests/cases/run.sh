#!/usr/bin/env bash
# Runs the cases: each folder below tests/cases/postgresql or tests/cases/mysql is one ALTER on one table, and README.md says which files it may have.
#
#   SERVER_URL=postgresql://... or mysql://... [SERVER_BIN=...] [SEACHANGE=...] tests/cases/run.sh [--jobs N] [--keep] [GLOB...]
#
# SERVER_URL is a superuser's, on a server with wal_level=logical (or a binary log in row format) that nobody else uses. The last line is "cases: N passed, N failed, N skipped".
set -u
here=$(cd "$(dirname "$0")" && pwd)
SEACHANGE=${SEACHANGE:-$here/../../build/dev/seachange}
case ${SERVER_URL:-} in
mysql://* | mariadb://*) engine=mysql SERVER_BIN=${SERVER_BIN:-/usr/bin} ;;
*) engine=postgresql SERVER_BIN=${SERVER_BIN:-/usr/lib/postgresql/15/bin} ;;
esac
family=

. "$here/lib.sh"
. "$here/$engine.sh"

jobs=2 keep= globs=()
while [ $# -gt 0 ]; do
    case $1 in
    --jobs) jobs=$2; shift ;;
    --keep) keep=1 ;;
    *) globs+=("$1") ;;
    esac
    shift
done
[ ${#globs[@]} -gt 0 ] || globs=('*')
[ -n "${SERVER_URL:-}" ] || { echo "SERVER_URL is not set" >&2; exit 2; }
[ -x "$SEACHANGE" ] || { echo "there is no program $SEACHANGE" >&2; exit 2; }

base=${SERVER_URL%/*}
work=$(mktemp -d "${TMPDIR:-/tmp}/seachange-cases.XXXXXX")
chmod 755 "$work"
trap '[ -n "$keep" ] || rm -rf "$work"' EXIT
trap 'kill $(jobs -p) 2> /dev/null; exit 130' INT TERM

engine_begin || exit 2

names=()
for dir in "$here/$engine"/*/; do
    name=$(basename "$dir")
    for glob in "${globs[@]}"; do
        # shellcheck disable=SC2053
        [[ $name == $glob ]] && names+=("$name") && break
    done
done

passed=0 failed=0 skipped=0
report()
{
    while read -r verdict; do
        case $verdict in
        ok) passed=$((passed + 1)) ;;
        skip*) skipped=$((skipped + 1)); echo "skipped  $1: ${verdict#skip }" ;;
        *) failed=$((failed + 1)) ;;
        esac
    done < "$work/$1.verdict"
    cat "$work/$1.report"
}

# Shows the results that are there, in the order of the names.
shown=0
show()
{
    while [ $shown -lt "$1" ] && [ -e "$work/${names[$shown]}.done" ]; do
        if [ ! -s "$work/${names[$shown]}.verdict" ]; then
            echo broken > "$work/${names[$shown]}.verdict"
            echo "FAILED   ${names[$shown]}: it did not come to a verdict" >> "$work/${names[$shown]}.report"
        fi
        report "${names[$shown]}"
        shown=$((shown + 1))
    done
}

# Keeps $jobs cases running.
started=0
for name in "${names[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    show $started
    started=$((started + 1))
    (
        run_case "$name" "sc_case_$started" > "$work/$name.report" 2>&1
        touch "$work/$name.done"
    ) &
done
wait
for name in "${names[@]}"; do touch "$work/$name.done"; done
show ${#names[@]}
left=$(engine_end)
[ -z "$left" ] || { echo "FAILED   the server, behind all cases: $left"; failed=$((failed + 1)); }
[ -z "$keep" ] || echo "what the cases left is in $work"
echo "cases: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ $((passed + skipped)) -gt 0 ]
