# F. Disk and server: what the program stands on.

random_changes() { sql "INSERT INTO t SELECT $1 + i, i, (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 30) WHERE i > 0) FROM generate_series(1, 8000) i"; }

F1_the_server_s_disk_is_full()
{
    setup_on_small_disk 20000
    before=$(rows_fingerprint)
    migrate 75 --give-up 5s
    grep -q 'No space left on device.*trying again' "$out/stderr" || fail "it does not say what it waits for"
    [ "$(rows_fingerprint)" = "$before" ] || fail "the source is not what it was"
    mount -o remount,size=64m "$space"
    migrate 0
    same_rows 20000
}

F1_the_server_s_disk_is_full_while_an_index_is_built()
{
    setup_on_small_disk 2000
    sql 'CREATE INDEX t_held ON t (public.held(id)) TABLESPACE sc_small'
    hold $index_lock
    migrate_start --give-up 5s
    until_true "$(waits_for_lock $index_lock)" "the index is held"
    dd if=/dev/zero of="$space/filler" bs=1M count=100 2> /dev/null
    let_go $index_lock
    migrate_ends 75
    grep -q 'No space left on device.*trying again' "$out/stderr" || fail "it does not say what it waits for"
    rm "$space/filler"
    migrate 0
    same_rows 2000
}

setup_on_small_disk()
{
    setup $1
    space=$out/space
    mkdir "$space"
    mount -t tmpfs -o size=14m tmpfs "$space" 2> /dev/null || skip "a small file system cannot be mounted here"
    restore()
    {
        drop_database
        "$SERVER_BIN/psql" -X -q -d "$SERVER_URL" -c 'DROP TABLESPACE IF EXISTS sc_small'
        umount -l "$space"
    }
    chown "$(stat -c %U "$SERVER_DATA")" "$space"
    sql "CREATE TABLESPACE sc_small LOCATION '$space'" 'ALTER TABLE t SET TABLESPACE sc_small'
}

server_program()
{
    (
        # What the test has open is not the server's.
        for n in $(seq 3 63); do eval "exec $n>&-"; done
        "$SERVER_CTL" -D "$SERVER_DATA" -l "${SERVER_DATA%/*}/log" -w "$@"
    ) > /dev/null 2>&1
}
server_is_killed() { server_program -m immediate stop || fail "the server cannot be stopped"; }
server_is_started() { server_program start || fail "the server cannot be started"; }
server_crashes()
{
    server_is_killed
    server_is_started
}

F2_the_server_is_killed_in_the_copy()
{
    [ -x "${SERVER_CTL:-}" ] || skip "this server cannot be restarted from here"
    setup 20000
    copy_and_apply --give-up 60s
    b=$(copied_upto)
    sql "UPDATE t SET v = 'before' WHERE id IN (100, $b + 100, 150000)" "DELETE FROM t WHERE id IN (110, $b + 110, 150010)" "UPDATE t SET id = id + 1 WHERE id IN (1000, 151000)"
    server_crashes
    sql "UPDATE t SET v = 'behind' WHERE id IN (200, $b + 200, 150200)"
    migrate_ends 0
    same_rows $((20000 - 3))
    must_be "string_agg(v, ',' ORDER BY v, id) FROM t WHERE v IN ('before', 'behind')" before,before,before,behind,behind,behind
}

F2_the_server_is_killed_in_catch_up()
{
    [ -x "${SERVER_CTL:-}" ] || skip "this server cannot be restarted from here"
    setup 2000 'CREATE UNIQUE INDEX t_held ON t (public.held(id))'
    hold $index_lock
    migrate_start --give-up 60s
    in_phase index
    until_true "$(waits_for_lock $index_lock)" "the index is held"
    session_start checkpoint 'BEGIN; LOCK TABLE seachange.checkpoint IN EXCLUSIVE MODE'
    sql 'UPDATE t SET n = n + 1 WHERE id <= 5000' 'DELETE FROM t WHERE id = 50'
    until_said '"lag_ms":[0-9]{4}'
    let_go $index_lock
    in_phase catch-up
    server_crashes
    sql 'DELETE FROM t WHERE id = 60'
    migrate_ends 0
    same_rows 1998
}

F2_the_server_is_killed_while_the_cutover_is_tried()
{
    [ -x "${SERVER_CTL:-}" ] || skip "this server cannot be restarted from here"
    setup 2000
    reader_start
    migrate_start --give-up 60s
    in_strict_mode
    sql 'UPDATE t SET n = n + 1 WHERE id <= 5000' 'DELETE FROM t WHERE id = 50'
    server_crashes
    sql 'DELETE FROM t WHERE id = 60'
    until_ok 60 ended "$pid" || fail "it goes on and on"
    wait "$pid"
    status=$?
    pid=
    # Once the cutover was tried, a lost server may end it; the same command goes on.
    [ $status != 75 ] || migrate 0
    [ $status = 75 ] || [ $status = 0 ] || fail "exit $status"
    same_rows 1998
}
