# C. A Job's second pod comes while the first one is still there. What the first has made must not be made again, and is no failure.

second_start() { "$SEACHANGE" migrate --source "$program_url" --table t --alter "$alter" --spool-dir "$out" --log-format json "$@" > "$out/second" 2> "$out/second.err" & second=$!; }
# Its one session asks for the lock again and again; the first one's has it.
second_waits() { until_true "EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND COMMAND = 'Sleep' AND TIME < 2 AND ID > COALESCE((SELECT IS_USED_LOCK('$(lock_name t)')), 0) AND ID NOT IN (${others:-0}))" "the second waits for the first"; sleep 0.5; }

# Names are exchanged: done twice, it would be undone.
exchanged='CHANGE n v int, CHANGE v n varchar(200)'
C5_the_second_comes_as_the_first_finishes()
{
    alter=$exchanged
    new_type=varchar
    for options in '' --drop-old; do
        setup 2000
        copy_held_at 10000 $options
        others=$(server_sql "$program_sessions" | paste -sd ,)
        second_start $options
        second_waits
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

# One that gave up has changed nothing; whoever comes next does it.
C5_the_second_comes_and_the_first_gives_up()
{
    alter=$exchanged
    new_type=varchar
    setup 2000
    copy_held_at 10000
    others=$(server_sql "$program_sessions" | paste -sd ,)
    id=$(sql 'SELECT id FROM _seachange_migration')
    second_start
    second_waits
    kill -KILL $pid
    wait "$pid" 2> /dev/null
    pid=
    copy_let_go
    wait $second || fail "the second: exit $?: $(tail -n 3 "$out/second.err")"
    grep -q "\"id\":\"$id\"" "$out/second" || fail "the second began another one: $(cat "$out/second")"
    is_swapped || fail "the table has not its new shape"
    must_be 'COUNT(*) FROM t WHERE v = id DIV 10' 2000
}
