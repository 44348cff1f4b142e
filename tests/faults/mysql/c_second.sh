# C. A Job's second pod comes while the first one is still there. What the first has made must not be made again, and is no failure.

second_start() { "$SEACHANGE" migrate --source "$program_url" --table t --alter "$alter" --spool-dir "$out" --log-format json "$@" > "$out/second" 2> "$out/second.err" & second=$!; }
# Names are exchanged: done twice, it would be undone.
exchanged='CHANGE n v int, CHANGE v n varchar(200)'
C5_the_second_comes_as_the_first_finishes()
{
    alter=$exchanged
    new_type=varchar
    for options in '' --drop-old; do
        setup 2000
        copy_held_at 10000 $options
        second_start $options
        lock_is_asked_for
        copy_let_go
        migrate_ends 0
        wait $second || fail "the second: exit $?: $(tail -n 3 "$out/second.err")"
        grep -q '"result":"swapped".*another seachange has made this change' "$out/second" || fail "the second says $(cat "$out/second")"
        is_swapped || fail "the table has not its new shape"
        must_be 'COUNT(*) FROM t WHERE v = id DIV 10' 2000
        [ -n "$options" ] || must_be "COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME LIKE 't\\\\_seachange\\\\_%'" 1
        [ -z "$options" ] || nothing_left
        : > "$out/stderr"
    done
}

# With the old table goes what tells that it was swapped: the first lets the second look before, however slow that one is.
finishes_while_the_second_is_stopped()
{
    alter=$exchanged
    new_type=varchar
    setup 2000
    copy_held_at 10000 --drop-old
    second_start --drop-old
    lock_is_asked_for
    kill -STOP $second
    copy_let_go
}
C5_the_second_is_slow_as_the_first_finishes()
{
    finishes_while_the_second_is_stopped
    until_ok 60 is_true "$(phase_is cleanup)"
    kill -CONT $second
    migrate_ends 0
    wait $second || fail "the second: exit $?: $(tail -n 3 "$out/second.err")"
    grep -q '"result":"swapped".*another seachange has made this change' "$out/second" || fail "the second says $(cat "$out/second")"
    must_be 'COUNT(*) FROM t WHERE v = id DIV 10' 2000
    nothing_left
}
# ... but does not wait for ever. Then nothing proves to the second that it was swapped, and it changes nothing.
C5_the_second_is_stopped_as_the_first_finishes()
{
    finishes_while_the_second_is_stopped
    migrate_ends 0 30
    kill -CONT $second
    wait $second
    status=$?
    [ $status = 3 ] || fail "the second: exit $status, expected 3: $(tail -n 3 "$out/second.err")"
    must_be 'COUNT(*) FROM t WHERE v = id DIV 10' 2000
    nothing_left
}

# One that gave up has changed nothing; whoever comes next does it.
C5_the_second_comes_and_the_first_gives_up()
{
    alter=$exchanged
    new_type=varchar
    setup 2000
    copy_held_at 10000
    id=$(sql 'SELECT id FROM _seachange_migration')
    second_start
    lock_is_asked_for
    kill -KILL $pid
    wait "$pid" 2> /dev/null
    pid=
    copy_let_go
    wait $second || fail "the second: exit $?: $(tail -n 3 "$out/second.err")"
    grep -q "\"id\":\"$id\"" "$out/second" || fail "the second began another one: $(cat "$out/second")"
    is_swapped || fail "the table has not its new shape"
    must_be 'COUNT(*) FROM t WHERE v = id DIV 10' 2000
}
