#!/usr/bin/env bash
# The bug bank: plants one bug after the other, and runs the test that has to notice. README.md says more, `bugs` which test. Needs SEACHANGE, built by the preset
# `plants`, and SERVER_URL, SERVER_BIN, SERVER_DATA, SERVER_CTL of a server; without SERVER_URL: the bugs that need none.
#
#   run.sh [GLOB...]    bugs whose name matches, e.g. 'D*'
#   VERIFY=1            then each with verification before the cutover as well: does it alone stop the bug?
#   SOUND=1             the tests are not run without a bug first: they have passed just now
set -u
here=$(cd "$(dirname "$0")" && pwd)
tests=$here/..
built=$(dirname "$SEACHANGE")/tests
work=$(mktemp -d "${TMPDIR:-/tmp}/seachange-bugs.XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# No test needs so long; one that does tells nothing.
limit_s=900
case ${SERVER_URL-} in
'') server=- ;;
mysql://*) case $("$SERVER_BIN/mysql" -N -B -e 'SELECT VERSION()') in *MariaDB*) server=mariadb ;; *) server=mysql ;; esac ;;
*) server=postgresql ;;
esac

# run_test PART TEST: passed, failed, or neither (skipped, not there, no end) by its status: 0, 1, 2. What it says is in $work/log.
run_test()
{
    local program=${2%%:*} name=${2#*:} script=$tests/$1/run.sh
    rm -rf "$work/kept"
    mkdir -m 755 "$work/kept"
    case $1:$server in
    unit:* | integration:*)
        SEACHANGE_TEST_URL=${SERVER_URL-} SEACHANGE_TEST_MYSQL_URL=${SERVER_URL-} SEACHANGE_TEST_DATA=${SERVER_DATA-} SEACHANGE_TEST_BIN=${SERVER_BIN-} SEACHANGE_TEST_CTL=${SERVER_CTL-} \
            timeout $limit_s "$built/$program" > "$work/log" 2>&1 < /dev/null
        local failures
        failures=$(sed -n 's/^\[  FAILED  \] \([a-z][a-z_0-9]*\)$/\1/p' "$work/log")
        for failure in $failures; do
            [[ $failure != $name ]] || return 1
        done
        ! ok_by_name "$name" || return 0
        return 2
        ;;
    load:mysql | load:mariadb) script=$tests/load/mysql/run.sh ;;
    esac
    [ "$1" != load ] || set -- "$1"
    TMPDIR=$work/kept KEEP=1 TORTURE_SERVER=$server timeout $limit_s "$script" "${@:2}" > "$work/log" 2>&1 < /dev/null
    local status=$? ok bad
    [ $status != 124 ] || return 2
    read -r ok bad < <(sed -n 's/^[a-z]*: \([0-9]*\) passed, \([0-9]*\) failed, .*/\1 \2/p' "$work/log" | tail -n 1)
    [ -n "${ok-}" ] || { ok=$((status == 0)) bad=$((status != 0)); }
    [ "$bad" = 0 ] || return 1
    [ "$ok" != 0 ] || return 2
}
ok_by_name() { sed -n 's/^\[       OK \] //p' "$work/log" | while read -r ok; do [[ $ok != $1 ]] || echo "$ok"; done | grep -q .; }

# The check that failed, in one line.
said() { grep -aE '^FAILED  |^FAILED:|^\[  ERROR   \]|error: |^not ok' "$work/log" | head -n 1 | sed 's/^FAILED[: ]*//' | cut -c 1-240; }
# The last error of the program's own, among the lines that a test shows.
erred() { grep -a '^      | .*"level":"error"' "$work/log" | tail -n 1 | sed -n 's/.*"message":"\([^"]*\)".*/; the program said: \1/p' | cut -c 1-240; }
# Whether the bug acted before verification or behind it, as far as the program's logs were kept: cases keep none.
how_far()
{
    if grep -rqsa '"message":"phase ready' "$work/kept"; then
        echo 'a migration got behind it'
    elif grep -rqsa '"message":"phase ' "$work/kept"; then
        echo 'no migration got behind it'
    else
        echo 'how far a migration got is not told'
    fi
}
verification_stopped_it() { grep -rqs 'the new table is not what the source is' "$work/kept" "$work/log"; }

declare -A sound
caught=0 survived=0 skipped=0
while IFS='|' read -r plant servers part test verification; do
    plant=${plant// /} part=${part// /} test=${test// /}
    case $plant in '#'* | '') continue ;; esac
    [[ " $servers " == *" $server "* ]] || continue
    wanted=$(($# == 0))
    for glob in "$@"; do
        [[ $plant != $glob ]] || wanted=1
    done
    [ $wanted = 1 ] || continue
    unset SEACHANGE_PLANT
    # What verification would stop, the rule's own test has to notice without it. With its own bugs it is on.
    export SEACHANGE_VERIFY=no
    [[ $verification != *'is it'* ]] || SEACHANGE_VERIFY=yes
    begun=$SECONDS
    whole=$test
    [[ $test != *:* ]] || whole=${test%%:*}:*
    [ -z "${SOUND-}" ] || sound[$part:$whole:$SEACHANGE_VERIFY]=0
    if [ -z "${sound[$part:$whole:$SEACHANGE_VERIFY]-}" ]; then
        run_test "$part" "$whole"
        sound[$part:$whole:$SEACHANGE_VERIFY]=$?
    fi
    if [ "${sound[$part:$whole:$SEACHANGE_VERIFY]}" != 0 ]; then
        survived=$((survived + 1))
        echo "FAILED   $plant: without it, $part $whole does not pass: $(said)"
        continue
    fi
    export SEACHANGE_PLANT=$plant
    run_test "$part" "$test"
    case $? in
    0)
        survived=$((survived + 1))
        echo "FAILED   $plant: survived $part $test"
        continue
        ;;
    1)
        caught=$((caught + 1))
        echo "caught   $plant by $part $test ($((SECONDS - begun)) s)"
        echo "      | $(said)$(erred)"
        ;;
    *)
        survived=$((survived + 1))
        echo "FAILED   $plant: $part $test came to no end, or ran nothing: $(said)"
        continue
        ;;
    esac
    if [ -n "${VERIFY-}" ] && [ "$part" != unit ] && [ "$part" != integration ] && [ $SEACHANGE_VERIFY = no ]; then
        SEACHANGE_VERIFY=yes
        run_test "$part" "$test"
        verified=$?
        if verification_stopped_it; then
            echo "      | verification: stops it"
        elif [ $verified = 1 ]; then
            echo "      | verification: does not, $(how_far): $(said)$(erred)"
        else
            echo "      | verification: does not, $(how_far); the test does not fail with it ($verified)"
        fi
    fi
done < "$here/bugs"
unset SEACHANGE_PLANT
echo "bugs: $caught passed, $survived failed, $skipped skipped"
[ $survived = 0 ]
