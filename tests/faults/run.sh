#!/usr/bin/env bash
# One test for each rule that keeps rows from being lost: the fault is made, then every row is compared. Needs SERVER_URL, SERVER_BIN, SERVER_DATA, SERVER_CTL, SEACHANGE.
#
#   run.sh [GLOB...]           tests whose name matches, e.g. 'D*'
#   run.sh --list [GLOB...]    only their names
#
# The tests of a family are in its folder, those that both have in common/.
# FAULTS_TAKEN: a directory that is shared with others who run on servers of their own; each test is one's who has taken it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
case $SERVER_URL in mysql://*) tests=$here/mysql ;; *) tests=$here/postgresql ;; esac
matching()
{
    for name in $(sed -n 's/^\([A-Z][0-9][0-9]*_[a-z_A-Z0-9]*\)().*/\1/p' "$tests"/*.sh "$here"/common/*.sh | sort -V); do
        [ $# != 0 ] || echo "$name"
        for glob in "$@"; do
            [[ $name != $glob ]] || { echo "$name"; break; }
        done
    done
}
if [ "${1-}" = --list ]; then
    matching "${@:2}"
    exit
fi
# A function of another file would silently take the place of the first. A family's lib.sh may do that to the common one.
functions() { sed -n 's/^\([A-Za-z_0-9]*\)().*/\1/p' "$@"; }
twice=$({ functions "$here/lib.sh" "$tests/lib.sh" | sort -u; functions $(printf '%s\n' "$tests"/*.sh "$here"/common/*.sh | grep -v /lib.sh); } | sort | uniq -d)
[ -z "$twice" ] || { echo "FAILED   functions of tests are there twice:" $twice; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/seachange-faults.XXXXXX")
chmod 755 "$work"
base=${SERVER_URL%/*}
url=$base/sc_faults
. "$here/lib.sh"
for file in "$tests"/*.sh "$here"/common/*.sh; do
    . "$file"
done

# What a test started or set ends with it, however it ends.
after_test()
{
    trap - EXIT
    started=$(jobs -p)
    [ -z "$started" ] || kill $started 2> /dev/null
    [ -z "$started" ] || kill -CONT $started 2> /dev/null # a stopped one would never end
    ! declare -F restore > /dev/null || restore
    for _ in $(seq 200); do
        [ -n "$(jobs -pr)" ] || return
        sleep 0.1
    done
    started=$(jobs -pr)
    echo "         still there 20 s after $name, and killed: $(ps -o args= -p "${started//$'\n'/,}" | cut -c 1-80 | tr '\n' ';')"
    kill -KILL $started 2> /dev/null
}

passed=0 failed=0 skipped=0
trap 'drop_database; [ -n "${KEEP:-}" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
server_begin || exit 1
# One begins at the end: else the long ones there would be begun last, with nobody left to run anything beside them.
order=cat
[ -z "${FAULTS_TAKEN-}" ] || mkdir "$FAULTS_TAKEN/first" 2> /dev/null || order=tac
for name in $(matching "$@" | $order); do
    [ -z "${FAULTS_TAKEN-}" ] || mkdir "$FAULTS_TAKEN/$name" 2> /dev/null || continue
    out=$work/$name
    mkdir "$out"
    begun=$EPOCHREALTIME
    (trap after_test EXIT; $name)
    case $? in
    0) passed=$((passed + 1)); awk -v n="$name" -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "ok       %s (%.1f s)\n", n, b - a }' ;;
    77) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
    esac
    [ -n "${KEEP:-}" ] || rm -rf "$out"
done
echo "faults: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
