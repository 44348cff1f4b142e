# F. Disk and server: what the program stands on.

random_changes() { sql "INSERT INTO t SELECT $1 + i, i, NULL, HEX(RANDOM_BYTES(500)) FROM sc_faults_numbers.n WHERE i <= 8000"; }

server_program()
{
    (
        # What the test has open is not the server's.
        for n in $(seq 3 63); do eval "exec $n>&-"; done
        "$SERVER_CTL" "$@"
    ) > /dev/null 2>&1
}
server_is_killed() { server_program kill || fail "the server cannot be killed"; }
server_is_started() { server_program start || fail "the server cannot be started"; }
server_crashes()
{
    [ -x "${SERVER_CTL:-}" ] || skip "this server cannot be restarted from here"
    server_is_killed
    server_is_started
}

F2_the_server_is_killed_in_the_copy()
{
    setup 20000
    copy_held_at 100000 --give-up 120s
    all_is_applied
    sql "UPDATE t SET v = 'before' WHERE id IN (100, 100100, 150000)" "DELETE FROM t WHERE id IN (110, 100110, 150010)" "UPDATE t SET id = id + 1 WHERE id IN (1000, 151000)"
    server_crashes
    sql "UPDATE t SET v = 'behind' WHERE id IN (200, 100200, 150200)"
    migrate_ends 0 120
    must_be "GROUP_CONCAT(v ORDER BY v, id) FROM t WHERE v IN ('before', 'behind')" before,before,before,behind,behind,behind
    same_rows $((20000 - 3))
}

F2_the_server_is_killed_while_indexes_are_built()
{
    setup 2000 "$with_index"
    copy_held_at 10000 --give-up 120s
    hold_ghost
    copy_let_go
    index_is_held
    sql 'UPDATE t SET n = n + 1 WHERE id <= 5000' 'DELETE FROM t WHERE id = 50'
    server_crashes
    sql 'DELETE FROM t WHERE id = 60'
    migrate_ends 0 120
    same_rows 1998
}

F2_the_server_is_killed_while_the_cutover_is_tried()
{
    setup 2000
    reader_start
    migrate_start --give-up 120s
    in_strict_mode
    sql 'UPDATE t SET n = n + 1 WHERE id <= 5000' 'DELETE FROM t WHERE id = 50'
    server_crashes
    sql 'DELETE FROM t WHERE id = 60'
    until_ok 120 ended "$pid" || fail "it goes on and on"
    wait "$pid"
    status=$?
    pid=
    # Once the cutover was tried, a lost server may end it; the same command goes on.
    [ $status != 75 ] || migrate 0
    [ $status = 75 ] || [ $status = 0 ] || fail "exit $status"
    same_rows 1998
}

F2_the_server_is_restarted_in_the_copy_and_waits_for_nobody()
{
    setup 20000
    copy_held_at 100000 --give-up 120s
    all_is_applied
    sql 'DELETE FROM t WHERE id IN (100, 150000)'
    server_program restart || fail "the server cannot be restarted"
    sql 'DELETE FROM t WHERE id IN (110, 150010)'
    migrate_ends 0 120
    same_rows $((20000 - 4))
}

F5_the_summary_of_a_resumed_run_names_the_table_in_full()
{
    setup 2000
    copy_held_at 10000
    kill_it_in_the_copy
    migrate 0
    grep -qE '"table":"[^,]*sc_faults[^,]*t[^,]*"' "$out/stdout" || fail "it says $(grep -o '"table":[^,]*' "$out/stdout")"
    same_rows 2000
}
