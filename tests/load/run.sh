#!/usr/bin/env bash
# Migrations under a load that never pauses: 8 clients insert, update, delete, move keys and exchange unique values for the whole run, and compare every acknowledged
# write at the end. Once undisturbed, then with seachange killed again and again, at least three times, in the copy and behind it. Needs SERVER_URL, SERVER_BIN, SEACHANGE.
set -u
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
base=${SERVER_URL%/*}
url=$base/sc_load
psql() { "$SERVER_BIN/psql" -X -q -v ON_ERROR_STOP=1 "$@"; }
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

setup()
{
    psql "$base/postgres" -c 'DROP DATABASE IF EXISTS sc_load WITH (FORCE)' -c 'CREATE DATABASE sc_load' || exit 1
    psql "$url" <<SQL || exit 1
CREATE TABLE orders (
    id bigint PRIMARY KEY, client int NOT NULL, ver int NOT NULL, u text UNIQUE, bk int, big text, note text
);
ALTER TABLE orders ALTER COLUMN big SET STORAGE EXTERNAL;
CREATE INDEX orders_ver ON orders (ver);
INSERT INTO orders SELECT i * 4096 - 200000000, 0, 1, 'base-' || i, NULL, NULL, 'x' FROM generate_series(1, $1) i;
SQL
}

# Starts the load; its input is a pipe that is closed to stop it.
load_start()
{
    mkfifo "$work/stop.$1"
    "${SEACHANGE%/*}/tests/sc_load" "$url" orders 8 "$1" ${2:-0} < "$work/stop.$1" > "$work/load.$1" 2> "$work/load.$1.err" &
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
    return $status
}

# Becomes seachange, so that a signal to the process reaches it: run it with & or in parentheses.
migrate()
{
    exec "$SEACHANGE" migrate --source "$url" --table orders --alter "$1" --workers 2 --spool-dir "$work" --log-format json "${@:2}"
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
    left=$(psql "$url" -At -c "SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = 'sc_load' UNION ALL SELECT 'publication ' || pubname FROM pg_publication
        UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^seachange_new' UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^seachange_old' AND '$1' = 'dropped'")
    [ -z "$left" ] || fail "left behind: $left"
}

echo "--- a migration under 8 clients"
setup 200000
load_start 1 0
sleep 2
(migrate 'ALTER COLUMN ver TYPE bigint, ADD COLUMN region text NOT NULL DEFAULT '"'eu'" > "$work/out" 2> "$work/err") || { tail -n 20 "$work/err"; fail "migrate: exit $?"; }
cat "$work/out"
sleep 2
load_stop 1 || fail "the load found differences"
[ "$(psql "$url" -At -c "SELECT count(*) FROM orders WHERE client = 0 AND region = 'eu' AND pg_typeof(ver) = 'bigint'::regtype")" = 200000 ] || fail "rows nobody wrote to are not all there"
nothing_left kept

echo "--- killed again and again, and started again each time"
setup 400000
load_start 2
kills=0
for goal in 'copy 40000' 'copy 160000' 'copy 280000' drain index catch-up end; do
    : > "$work/err"
    migrate 'ALTER COLUMN ver TYPE bigint, ADD COLUMN region text NOT NULL DEFAULT '"'eu'" --drop-old --progress-interval 100ms > "$work/out" 2> "$work/err" &
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
psql "$url" -c "SELECT 1" > /dev/null
load_stop 2 || fail "the load found differences"
[ "$(psql "$url" -At -c "SELECT count(*) FROM orders WHERE client = 0")" = 400000 ] || fail "rows nobody wrote to are not all there"
nothing_left dropped
echo "load: passed"
