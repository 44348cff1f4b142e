# What the tests of rules are written with on every server: the program, sessions that stay open, and waiting for a condition. Sourced by run.sh, which sets
# base, url, work, SEACHANGE and SERVER_BIN; what differs between the servers is in the lib.sh of their folders. A test runs in a subshell of its own: fail and skip
# end it.

fail()
{
    echo "FAILED   $name: $1"
    [ ! -s "$out/stderr" ] || grep -v '"progress"' "$out/stderr" | tail -n "${2:-6}" | cut -c 1-600 | sed 's/^/      | /'
    exit 1
}

skip()
{
    echo "skipped  $name: $1"
    exit 77
}

# One statement or more in a session of its own, by the server's ask(). What must not fail ends the test when it does.
sql() { ask "$@" || fail "$(tail -n 3 "$out/sql.err" | head -n 1): $*"; }
is_true() { [ "$(ask "SELECT $1")" = "$true_is" ]; }

pid=
ended() { ! kill -0 "$1" 2> /dev/null; }

# Waits until a command succeeds: until_ok SECONDS COMMAND... It cannot any more when the program that was started has ended.
until_ok()
{
    local end=$((SECONDS + $1)) asked=0
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        if [ -n "$pid" ] && ended "$pid"; then
            "$@"
            return
        fi
        # What takes long is asked for less often: each time costs a client.
        sleep "${polls[asked]}"
        asked=$((asked + 1 < ${#polls[@]} ? asked + 1 : asked))
    done
}

# Waits until an expression is true on the server, or the test has failed: until_true EXPRESSION WHAT-IS-WAITED-FOR
until_true() { until_ok 60 is_true "$1" || fail "after 60 s, or the end of seachange, not so: $2"; }
until_said() { until_ok 60 grep -qE -- "$1" "$out/stderr" || fail "after 60 s seachange had not said: $1"; }
until_said_twice() { until_ok 60 said_twice "$1" || fail "after 60 s seachange had not said twice: $1"; }
said_twice() { [ "$(grep -cE -- "$1" "$out/stderr")" -ge 2 ]; }

# must_be EXPRESSION VALUE: one more thing that must be so.
must_be() { got=$(sql "SELECT $1"); [ "$got" = "$2" ] || fail "$1 is '$got', expected '$2'"; }

# --- the program

# migrate_start [OPTION...]: in the background; its process is $pid.
migrate_start()
{
    "$SEACHANGE" migrate --source "${program_url:-$url}" --table "${table:-t}" --alter "$alter" --spool-dir "${spool:-$out}" --log-format json --log-level debug --progress-interval 200ms "$@" \
        > "$out/stdout" 2>> "$out/stderr" &
    pid=$!
}

kill_it() { kill -KILL "$pid"; wait "$pid" 2> /dev/null; pid=; }

# migrate_ends STATUS: waits for it, with a limit.
migrate_ends()
{
    until_ok "${2:-90}" ended "$pid" || { kill -9 "$pid"; fail "seachange had not ended after ${2:-90} s"; }
    wait "$pid"
    status=$?
    pid=
    [ "$status" = "$1" ] || fail "seachange: exit $status, expected $1"
}

migrate() { migrate_start "${@:2}"; migrate_ends "$1"; }
in_strict_mode() { in_phase cutover; until_said 'cutover, try 1'; }
went_on() { grep -q "goes on in phase $1" "$out/stderr" || fail "it did not go on in phase $1"; }

# --- sessions that stay open

# session_start NAME [SQL]
session_start()
{
    rm -f "$out/$1.in"
    : > "$out/$1.out"
    mkfifo "$out/$1.in"
    session_client < "$out/$1.in" > "$out/$1.out" 2>&1 8>&- & # 8: what other clients wait for the end of
    eval "exec {fd_$1}> \"$out/$1.in\""
    [ $# -lt 2 ] || session "$1" "$2"
}
session_send() { eval "printf '%s;\n' \"\$2\" >&\$fd_$1"; }
# session NAME SQL: waits until it is done.
steps=0
session()
{
    steps=$((steps + 1))
    session_send "$1" "$2"
    line=$(session_echo "done $steps.")
    eval "printf '%s\\n' \"\$line\" >&\$fd_$1"
    # That the program ends meanwhile is no reason not to wait.
    pid= until_ok 60 grep -q "^done $steps\.$" "$out/$1.out" || fail "session $1 did not come to the end of: $2"
}
session_says() { grep -q -- "$2" "$out/$1.out"; }
# session_sees NAME ROWS: so many are in the table for its transaction.
session_sees()
{
    session "$1" "SELECT concat('it sees ', count(*)) FROM t"
    session_says "$1" "^it sees $2\$" || fail "the transaction does not see the $2 rows: $(cat "$out/$1.out")"
}

# Somebody reads the table and goes on for long: the cutover waits.
reader_start() { session_start "${1:-reader}" 'BEGIN; SELECT count(*) FROM t;'; }
reader_end() { session "${1:-reader}" 'COMMIT;'; }
