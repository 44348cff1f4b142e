# C. A second instance comes while another one is at work.

C5_two_at_once()
{
    setup 2000
    copy_held_at 10000
    first=$pid
    mv "$out/stderr" "$out/stderr.first"
    migrate 3
    grep -q 'another seachange is working on table' "$out/stderr" || fail "it does not say why"
    pid=$first
    sql 'DELETE FROM t WHERE id = 100'
    copy_let_go
    migrate_ends 0
    same_rows 1999
}

# A Job's pod that is evicted while it waits has not failed.
C5_one_that_waits_for_another_can_be_stopped()
{
    setup 2000
    copy_held_at 10000
    "$SEACHANGE" migrate --source "${program_url:-$url}" --table t --alter "$alter" --spool-dir "$out" --log-format json > "$out/second" 2> "$out/second.err" &
    second=$!
    sleep 2
    kill -TERM $second
    wait $second
    [ $? = 75 ] || fail "the second did not end with exit 75: $(tail -n 3 "$out/second.err")"
    grep -q 'stopped by a signal while it waited for another seachange' "$out/second.err" || fail "it does not say why"
    copy_let_go
    migrate_ends 0
    same_rows 2000
}

# A Job's second pod: what the first one has made must not be made again, and is no failure.
C5_the_second_comes_before_there_is_anything_to_see()
{
    for options in '' --drop-old; do
        setup 2000
        hold_state
        migrate_start $options
        come_to_state 1
        "$SEACHANGE" migrate --source "${program_url:-$url}" --table t --alter "$alter" --spool-dir "$out" --log-format json $options > "$out/second" 2> "$out/second.err" &
        second=$!
        lock_is_asked_for
        nothing_stored
        let_state
        migrate_ends 0
        wait $second || fail "the second: exit $?: $(tail -n 3 "$out/second.err")"
        grep -q '"result":"swapped".*another seachange has made this change' "$out/second" || fail "the second says $(cat "$out/second")"
        [ -n "$options" ] || must_be "count(*) FROM $state" 1
        [ -n "$options" ] || same_rows 2000
        [ -z "$options" ] || nothing_left
        : > "$out/stderr"
    done
}

# Both find nothing of seachange's and come to make it; whoever is second must see what the first has made.
F3_two_first_migrations_at_once()
{
    setup 2000 'CREATE TABLE u (id int PRIMARY KEY)' 'INSERT INTO u VALUES (1), (2), (3)'
    hold_state
    migrate_start
    "$SEACHANGE" migrate --source "${program_url:-$url}" --table u --alter "$alter_id" --spool-dir "$out" > "$out/second" 2>&1 &
    second=$!
    come_to_state 2
    nothing_stored
    let_state
    migrate_ends 0
    wait $second || fail "the second: exit $?: $(tail -n 3 "$out/second")"
    must_be "data_type FROM information_schema.columns WHERE table_schema IN ('public', 'sc_faults') AND table_name = 'u' AND column_name = 'id'" bigint
    must_be "count(*) FROM $state WHERE phase = 'done'" 2
}
