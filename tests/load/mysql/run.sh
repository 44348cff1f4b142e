#!/usr/bin/env bash
# Migrations under load: 8 clients insert, update, delete, move keys and exchange unique values for the whole run, and compare every acknowledged
# write at the end. Once undisturbed, then with seachange killed again and again, at least three times, in the copy and behind it. Needs SERVER_URL, SERVER_BIN, SERVER_DATA, SEACHANGE.
set -u
cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
base=${SERVER_URL%/*}
url=$base/sc_load
address=${SERVER_URL#*//}
address=${address%%/*}
host=${address#*@}
sql() { "$SERVER_BIN/mysql" -u "${address%%@*}" -h "${host%%:*}" -P "${host##*:}" -N -B "$@"; }
alter="MODIFY ver bigint NOT NULL, ADD COLUMN region varchar(10) NOT NULL DEFAULT 'eu'"
# Microseconds between a client's statements: some 400 transactions a second, which a small machine can replay while it runs everything else.
pause=${LOAD_PAUSE:-20000}
trap 'exec 9>&-; rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

setup()
{
    sql -e 'DROP DATABASE IF EXISTS sc_load; CREATE DATABASE sc_load; FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW()' || exit 1
    sql sc_load <<SQL || exit 1
CREATE TABLE orders (
    id bigint PRIMARY KEY, client int NOT NULL, ver int NOT NULL, u varchar(40), bk int, big mediumtext, note varchar(20),
    UNIQUE KEY u (u), KEY ver (ver), KEY client (client)
) CHARACTER SET utf8mb4;
INSERT INTO orders WITH RECURSIVE thousand (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM thousand WHERE i < 1000)
    SELECT (a.i * 1000 + b.i) * 4096 - 200000000, 0, 1, CONCAT('base-', a.i, '-', b.i), NULL, NULL, 'x'
    FROM thousand AS a CROSS JOIN thousand AS b WHERE a.i <= $1 / 1000;
-- A row that nobody writes to behind the unique values of each client. Where a value comes back while its old entry is still in the index, InnoDB locks that entry and the one
-- behind it: without these rows that is the next client's first, and two clients can be in a deadlock with each other.
INSERT INTO orders WITH RECURSIVE eight (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM eight WHERE i < 8)
    SELECT i * 4096 + 63, -1, 1, CONCAT('00', i, '-z'), NULL, NULL, 'x' FROM eight;
SQL
}

# Starts the load; its input is a pipe that is closed to stop it.
load_start()
{
    mkfifo "$work/stop.$1"
    "${SEACHANGE%/*}/tests/sc_load_mysql" "$url" orders 8 "$1" ${2:-0} < "$work/stop.$1" > "$work/load.$1" 2> "$work/load.$1.err" &
    load=$!
    exec 9> "$work/stop.$1"
}
load_stop()
{
    exec 9>&-
    wait $load
    status=$?
    cat "$work/load.$1"
    head -n 10 "$work/load.$1.err"
    ! grep -q 'error 1213' "$work/load.$1.err" || deadlocks
    return $status
}

# Who was in the deadlocks on the source. Those among the program's own sessions are all on the new table.
deadlocks()
{
    awk '/deadlock detected/ { text = "" } { text = text "\n" $0 } /WE ROLL BACK/ { if (text ~ /`sc_load`.`orders` trx/) print text; text = "" }' "${SERVER_DATA%/*}/log" | cut -c 1-200 | head -n 100
}

# Becomes seachange, so that a signal to the process reaches it: run it with & or in parentheses.
migrate()
{
    exec "$SEACHANGE" migrate --source "$url" --table sc_load.orders --alter "$1" --workers 2 --spool-dir "$work" --log-format json "${@:2}"
}

# Has the migration that writes $work/err got so far: to so many rows copied, or to a step (or beyond it)?
reached()
{
    steps='prepare copy drain index catch-up ready cutover cleanup'
    line=$(grep -a '"message":"progress"' "$work/err" | tail -n 1)
    [ -n "$line" ] && [ "$1" != end ] || return 1
    step=${line#*'"phase":"'} step=${step%%'"'*}
    rows=${line#*'"rows_copied":'} rows=${rows%%,*}
    case ${steps#*"${1% *}"} in
    "$steps") return 1 ;;
    *" $step"*) return 0 ;;
    esac
    [ "$step" = "${1% *}" ] && { [ "$step" != copy ] || [ "$rows" -ge "${1#copy }" ]; }
}

nothing_left()
{
    left=$(sql sc_load -e "SELECT table_name FROM information_schema.tables WHERE table_schema = 'sc_load' AND (table_name LIKE '%\\_seachange\\_new%'
        OR '$1' = 'dropped' AND table_name LIKE '%\\_seachange\\_%') UNION ALL SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'sc_load'")
    [ -z "$left" ] || fail "left behind: $left"
}

echo "--- a migration under 8 clients"
setup 200000
load_start 1 "$pause"
sleep 2
(migrate "$alter" > "$work/out" 2> "$work/err") || { tail -n 20 "$work/err"; fail "migrate: exit $?"; }
cat "$work/out"
sleep 2
load_stop 1 || fail "the load found differences"
[ "$(sql sc_load -e "SELECT COUNT(*) FROM orders WHERE client = 0 AND region = 'eu' AND ver = 1 AND note = 'x'")" = 200000 ] || fail "rows nobody wrote to are not all there"
nothing_left kept

echo "--- killed again and again, and started again each time"
setup 400000
load_start 2 "$pause"
kills=0
for goal in 'copy 40000' 'copy 160000' 'copy 280000' drain index catch-up end; do
    : > "$work/err"
    migrate "$alter" --drop-old --progress-interval 100ms > "$work/out" 2> "$work/err" &
    pid=$!
    until reached "$goal" || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
    [ "$goal" = end ] || kill -9 $pid 2> /dev/null
    wait $pid 2> /dev/null
    status=$?
    [ $status = 137 ] || break
    kills=$((kills + 1))
    echo "killed at: $goal"
done
[ "$status" = 0 ] || { tail -n 20 "$work/err"; fail "migrate: exit $status after $kills kills"; }
[ $kills -ge 3 ] || fail "it could be killed $kills times only; it has to be 3 times or more"
echo "killed $kills times"
cat "$work/out"
sleep 1
load_stop 2 || fail "the load found differences"
[ "$(sql sc_load -e "SELECT COUNT(*) FROM orders WHERE client = 0")" = 400000 ] || fail "rows nobody wrote to are not all there"
nothing_left dropped
echo "load: passed"
