# A. Ordering a copied row against its changes.

A1_a_commit_delivered_before_it_is_visible()
{
    setup 20000
    restore() { server_set_back synchronous_standby_names; }
    copy_and_apply
    bound=$(copied_upto)
    server_set synchronous_standby_names missing
    # Their commits are in the log, and nobody sees them: the standby they wait for does not exist.
    i=0
    for change in 'DELETE FROM t WHERE id = 100000' "UPDATE t SET v = 'new', n = 7 WHERE id = 120000" 'DELETE FROM t WHERE id BETWEEN 150000 AND 151000' \
        'UPDATE t SET id = 130005 WHERE id = 130010' 'DELETE FROM t WHERE id = 10'; do
        i=$((i + 1))
        session_start writer$i "SET synchronous_commit = remote_apply"
        session_send writer$i "$change"
    done
    until_true "(SELECT count(*) = $i FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep')" "writers wait for the standby"
    must_be 'count(*) FROM t' 20000
    for _ in $(seq 20); do
        step
        until_ok 60 copy_is_held_or_waits || fail "the copy neither is held nor waits"
        ! said_that_it_waits || break
    done
    said_that_it_waits || fail "the copy went on over commits that nobody can see"
    must_be "count(*) FROM $(table_of new) WHERE id >= 100000" 0
    must_be 'count(*) FROM t' 20000
    restore
    let_go $copy_lock
    migrate_ends 0
    same_rows $((20000 - 1 - 101 - 1))
    must_be "v FROM t WHERE id = 120000" new
    must_be "count(*) FROM t WHERE id IN (10, 100000, 130010)" 0
}
said_that_it_waits() { grep -q 'waiting for a commit to become visible' "$out/stderr"; }
copy_is_held_or_waits() { said_that_it_waits || is_true "$(waits_for_lock $copy_lock)"; }

A2_a_change_in_the_range_of_a_chunk_in_flight()
{
    setup 8000
    copy_and_apply
    b=$(copied_upto)
    # Committed while the chunk, which has taken its snapshot, has not; and open until the chunk is in.
    sql "DELETE FROM t WHERE id = $b + 10" "UPDATE t SET v = 'changed' WHERE id = $b + 20" "INSERT INTO t VALUES ($b + 21, 1, 'come')" \
        "UPDATE t SET id = id + 1 WHERE id = $b + 30" "DELETE FROM t WHERE id BETWEEN $b + 40 AND $b + 100"
    session_start open "BEGIN; DELETE FROM t WHERE id = $b + 110; UPDATE t SET v = 'late' WHERE id IN (50, $b + 120, 70000); DELETE FROM t WHERE id IN (60, 70010)"
    copy_until "$(applied)"
    must_be "count(*) FROM $(table_of new) WHERE id IN ($b + 10, $b + 110)" 1
    session open 'COMMIT'
    copy_until "$(applied)"
    must_be "count(*) FROM $(table_of new) WHERE id IN ($b + 10, $b + 110)" 0
    let_go $copy_lock
    migrate_ends 0
    same_rows $((8000 - 1 + 1 - 7 - 1 - 2))
    must_be "string_agg(v, ',' ORDER BY id) FROM t WHERE id IN (50, $b + 20, $b + 120, 70000)" late,changed,late,late
}

A4_rows_that_come_before_and_behind_the_bounds_of_the_copy()
{
    setup 5000
    hold $copy_lock
    migrate_start --workers 1 --chunk-time 10ms
    copy_is_held
    sql "INSERT INTO t SELECT i, i, 'above' FROM generate_series(60000, 61000) i" "INSERT INTO t SELECT -i, i, 'below' FROM generate_series(1, 500) i"
    session_start open "BEGIN; INSERT INTO t VALUES (70000, 1, 'open above'), (-70000, 1, 'open below')"
    step
    copy_is_held
    session open 'COMMIT'
    sql "INSERT INTO t VALUES (80000, 1, 'last')"
    let_go $copy_lock
    migrate_ends 0
    same_rows $((5000 + 1001 + 500 + 2 + 1))
}
