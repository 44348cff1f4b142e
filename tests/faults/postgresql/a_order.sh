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
    said_that_it_waits || fail "commits that nobody can see were applied"
    # Nothing of it is applied while rows are copied; the copy goes on, and copies what is dead.
    must_be "count(*) FROM $(table_of new) WHERE id IN (10, 130005)" 1
    bound=$(copied_upto)
    step
    copy_is_held
    step
    copy_is_held
    [ "$(copied_upto)" -gt "$bound" ] || fail "the copy waits, too"
    must_be "count(*) FROM $(table_of new) WHERE id IN (10, 130005)" 1
    must_be 'count(*) FROM t' 20000
    let_go $copy_lock
    until_true "NOT $(phase_is copy)" "all rows are copied"
    must_be 'count(*) FROM t' 20000
    restore
    migrate_ends 0
    same_rows $((20000 - 1 - 101 - 1))
    must_be "v FROM t WHERE id = 120000" new
    must_be "count(*) FROM t WHERE id IN (10, 100000, 130010)" 0
}
said_that_it_waits() { grep -q 'waiting for a commit to become visible' "$out/stderr"; }
copy_is_held_or_waits() { said_that_it_waits || is_true "$(waits_for_lock $copy_lock)"; }

# As before, and the process that has applied such a commit ends before anybody can see it: the next one must wait for it, too.
A1_killed_before_what_was_applied_is_visible()
{
    setup 20000
    restore() { server_set_back synchronous_standby_names; }
    copy_and_apply
    server_set synchronous_standby_names missing
    session_start writer1 "SET synchronous_commit = remote_apply"
    session_send writer1 'DELETE FROM t WHERE id BETWEEN 100000 AND 199000'
    until_true "(SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep')" "the writer waits for the standby"
    for _ in $(seq 20); do
        step
        until_ok 60 copy_is_held_or_waits || fail "the copy neither is held nor waits"
        ! said_that_it_waits || break
    done
    said_that_it_waits || fail "a commit that nobody can see was applied"
    kill_it
    let_go $copy_lock
    : > "$out/stderr"
    migrate_start --workers 1 --chunk-time 20ms
    until_said 'goes on in phase copy'
    until_true "NOT $(phase_is copy)" "all rows are copied"
    must_be "count(*) FROM t" 20000
    restore
    migrate_ends 0
    same_rows $((20000 - 9901))
}

# The log begins behind it, and nobody can see it yet when the copy begins: it would be in neither.
A1_a_commit_before_the_start_of_the_log_that_nobody_can_see()
{
    setup 2000 'CREATE TABLE other (i integer)'
    restore() { server_set_back synchronous_standby_names; }
    slot_waits() { echo "EXISTS (SELECT FROM pg_locks w JOIN pg_locks o USING (transactionid) JOIN pg_stat_activity a ON a.pid = w.pid WHERE NOT w.granted AND o.granted AND a.application_name ~ '^seachange' AND o.pid = $1)"; }
    # The slot waits for who was there when it began, and then for who came meanwhile.
    for who in one two; do
        session_start $who 'BEGIN; INSERT INTO other VALUES (1)'
        eval "pid_$who=\$(sql \"SELECT pid FROM pg_stat_activity WHERE application_name = 'psql' AND state = 'idle in transaction' AND pid <> ${pid_one:-0}\")"
        [ $who = two ] || migrate_start --workers 1
        until_true "$(slot_waits "$pid_one")" "the slot waits for the first"
    done
    session one ROLLBACK
    until_true "$(slot_waits "$pid_two")" "the slot waits for the second"
    server_set synchronous_standby_names missing
    session_start writer "SET synchronous_commit = remote_apply"
    session_send writer "BEGIN; DELETE FROM t WHERE id BETWEEN 1000 AND 2000; UPDATE t SET v = 'new' WHERE id = 3000; INSERT INTO t VALUES (5, 5, 'new'); COMMIT"
    until_true "(SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep')" "the writer waits for the standby"
    session two ROLLBACK
    until_ok 5 ended "$pid" # long enough to copy it all, if it does not wait
    must_be 'count(*) FROM t' 2000
    restore
    migrate_ends 0
    same_rows $((2000 - 101 + 1))
    must_be "string_agg(v, ' ') FROM t WHERE id IN (5, 3000)" 'new new'
}

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

# Keys that are equal for the server and differ as bytes. A large batch is applied in parts, by the key: both must not come into different ones.
A2_keys_that_are_equal_in_other_letters()
{
    setup 3000 "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)" 'ALTER TABLE t DROP CONSTRAINT t_pkey, ALTER v TYPE text COLLATE any_case, ADD PRIMARY KEY (v)'
    reader_start
    migrate_start --workers 2
    in_strict_mode
    sql 'UPDATE t SET v = upper(v)'
    until_true "(SELECT count(*) = 3000 FROM $(table_of new) WHERE v COLLATE \"C\" ~ '^ROW')" "it is applied"
    reader_end
    migrate_ends 0
    must_be "count(*) FROM t WHERE v COLLATE \"C\" ~ '^ROW'" 3000
    same_rows 3000
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

# Transactions of one or two random changes to rows of a range: values change or are left alone, rows go, come, move and change places.
churning='CREATE PROCEDURE churn(low bigint, high bigint, times integer) LANGUAGE plpgsql AS $$
DECLARE k bigint; l bigint;
BEGIN
    FOR i IN 1 .. times LOOP
        k := (low + random() * (high - low))::bigint / 10 * 10;
        l := (low + random() * (high - low))::bigint / 10 * 10;
        CASE (random() * 8)::integer
        WHEN 0 THEN UPDATE t SET n = n + 1 WHERE id IN (k, l);
        WHEN 1 THEN UPDATE t SET big = repeat(i || $_$ new $_$, 500) WHERE id = k;
        WHEN 2 THEN UPDATE t SET big = NULL, v = NULL WHERE id = k; UPDATE t SET v = i WHERE id = l;
        WHEN 3 THEN DELETE FROM t WHERE id = k;
        WHEN 4 THEN INSERT INTO t VALUES (k, i, $_$come$_$, repeat(i || $_$ come $_$, 500)) ON CONFLICT DO NOTHING;
        WHEN 5 THEN UPDATE t SET id = l WHERE id = k AND NOT EXISTS (SELECT FROM t WHERE id = l); UPDATE t SET n = n + 1 WHERE id = l;
        WHEN 6 THEN
            UPDATE t SET id = -k WHERE id = k;
            UPDATE t SET id = k WHERE id = l AND k <> l;
            UPDATE t SET id = l WHERE id = -k;
        ELSE UPDATE t SET id = l WHERE id = k AND NOT EXISTS (SELECT FROM t WHERE id = l);
        END CASE;
        IF i % 3 > 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END $$'

A5_chunks_that_are_ahead_of_the_log_and_behind_it()
{
    setup 12000 "$churning"
    copy_and_apply
    for _ in $(seq 30); do
        until_true "$(waits_for_lock $copy_lock) OR NOT $(phase_is copy)" "the copy is held"
        b=$(copied_upto)
        [ -n "$b" ] || break
        sql "CALL churn($b - 1000, $b + 3000, 40)"
        step
    done
    must_be "$(phase_is copy)" t
    reader_start
    let_go $copy_lock
    in_strict_mode
    sql "CALL churn(1000, 100000, 300)"
    reader_end
    migrate_ends 0
    same_rows
}

# The server's log lags behind the copy, so that indexes are built before the fence: those that are unique would meet rows of different snapshots.
A2_unique_values_exchanged_in_front_of_the_copy_while_the_log_stands_still()
{
    setup 20000 'CREATE UNIQUE INDEX t_v ON t (v)' 'CREATE INDEX t_n ON t (n)'
    hold $copy_lock
    migrate_start --workers 1 --chunk-time 20ms
    copy_until "(SELECT count(*) > 1 FROM seachange.chunk)"
    [ "$(copied_upto)" -lt 200000 ] || fail "the last row is copied already"
    walsender=$(sql "SELECT active_pid FROM pg_replication_slots WHERE database = current_database()")
    restore() { kill -CONT "$walsender"; }
    kill -STOP "$walsender" || fail "the server's process cannot be stopped"
    sql "BEGIN; UPDATE t SET v = 'away' WHERE id = 10; UPDATE t SET v = 'row 1' WHERE id = 200000; UPDATE t SET v = 'row 20000' WHERE id = 10; COMMIT"
    let_go $copy_lock
    until_true "(SELECT done FROM seachange.todo WHERE name = 'index t_n')" "the index that is not unique is built"
    must_be "done FROM seachange.todo WHERE name = 'index t_v'" f
    restore
    migrate_ends 0
    same_rows 20000
    must_be "string_agg(v, ' ' ORDER BY id) FROM t WHERE id IN (10, 200000)" 'row 20000 row 1'
}
