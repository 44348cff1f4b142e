# C. Position and resume. That it may be killed at any instant under load is in tests/load.

# Stopped in mid-copy, with changes that it has not applied.
stopped_in_mid_copy()
{
    setup 20000
    copy_and_apply
    sql 'DELETE FROM t WHERE id IN (1000, 150000)' "UPDATE t SET v = 'meanwhile' WHERE id IN (2000, 160000)"
    kill_it_in_the_copy
}
meanwhile_is_there()
{
    same_rows $((20000 - 2))
    must_be "count(*) FROM t WHERE v = 'meanwhile'" 2
}

C1_a_kill_after_each_step_of_the_copy()
{
    setup 20000
    copy_and_apply
    for i in 1 2 3 4; do
        chunks=$(sql 'SELECT count(*) FROM seachange.chunk')
        sql "UPDATE t SET n = n + 1, v = v || 'x' WHERE id % 1000 = 0" "DELETE FROM t WHERE id IN ($i * 100 + 10, 150000 + $i * 10)"
        [ $((i % 2)) = 0 ] || step
        kill_it
        migrate_start --workers 1 --chunk-time 20ms --spool-memory 256KiB
        copy_is_held
        [ "$(sql 'SELECT count(*) FROM seachange.chunk')" -ge "$chunks" ] || fail "it began from the start"
    done
    let_go $copy_lock
    migrate_ends 0
    same_rows $((20000 - 8))
    must_be "count(*) FROM t WHERE id % 1000 = 0 AND v = 'row ' || id / 10 || 'xxxx' AND n = id / 10 + 4" 200
}

cut_in_two="INSERT INTO t SELECT 100000 + i, i, 'large', repeat(md5(i::text), 400) FROM generate_series(1, 1900) i"
is_cut='(SELECT partial_changes > 0 FROM seachange.checkpoint)'

# A large batch is applied in parts. A lock on a row of the ghost holds one of them while the others are in; then it is killed. With a unique index there are two steps.
C1_a_kill_while_a_batch_is_in_in_part()
{
    for index in '' 'CREATE UNIQUE INDEX t_v ON t (v)'; do
        setup 10000 ${index:+"$index"}
        reader_start
        migrate_start --workers 2
        in_strict_mode
        session_start locker "BEGIN; SELECT 1 FROM $(table_of new) WHERE id = 50000 FOR UPDATE;"
        until_true "EXISTS (SELECT FROM pg_locks WHERE relation = '$(table_of new)'::regclass AND mode = 'RowShareLock')" "the row is locked"
        # What is deleted or inserted a second time does not fit.
        sql BEGIN "UPDATE t SET n = n + 1, v = v || 'x'" 'DELETE FROM t WHERE id % 1000 = 500' "INSERT INTO t SELECT 200001 + i * 10, i, 'new ' || i FROM generate_series(1, 100) i" COMMIT
        until_true "(SELECT count(*) BETWEEN 1 AND 3 FROM seachange.part)" "some parts are in, and not all"
        kill_it
        sql "DELETE FROM t WHERE id % 1000 = 0" "UPDATE t SET v = v || 'y' WHERE id % 1000 = 10"
        session locker ROLLBACK
        must_be "count(*) BETWEEN 1 AND 3 FROM seachange.part" t
        migrate_start --workers 2
        until_said 'had been applied in part'
        reader_end
        migrate_ends 0
        same_rows 9900
        must_be "count(*) FROM t WHERE v = 'row ' || id / 10 || CASE WHEN id % 1000 = 10 THEN 'xy' ELSE 'x' END AND n = id / 10 + 1" 9800
    done
}

C2_the_slot_dropped_while_stopped()
{
    stopped_in_mid_copy
    is=$(rows_fingerprint)
    sql "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()" > /dev/null
    migrate 3
    grep -q "Abort the migration and start it again" "$out/stderr" || fail "it does not say what to do"
    must_be "count(*) FROM pg_replication_slots WHERE database = current_database()" 0
    untouched "$is"
}

C2_the_slot_made_again_by_somebody()
{
    stopped_in_mid_copy
    is=$(rows_fingerprint)
    sql "SELECT pg_drop_replication_slot('seachange_' || id), pg_create_logical_replication_slot('seachange_' || id, 'pgoutput') FROM seachange.migration" > /dev/null
    sql "UPDATE t SET v = 'later' WHERE id = 3000"
    is=$(rows_fingerprint)
    migrate 3
    grep -q "Abort the migration and start it again" "$out/stderr" || fail "it does not say what to do"
    untouched "$is"
}

C3_a_state_of_an_unknown_format()
{
    stopped_in_mid_copy
    format=$(sql 'SELECT format FROM seachange.migration')
    kept=$(sql 'SELECT c.*, (SELECT count(*) FROM seachange.chunk) FROM seachange.checkpoint c')
    sql 'UPDATE seachange.migration SET format = 1000'
    migrate 3
    grep -q 'newer seachange' "$out/stderr" || fail "it does not say why"
    [ "$kept" = "$(sql 'SELECT c.*, (SELECT count(*) FROM seachange.chunk) FROM seachange.checkpoint c')" ] || fail "it changed a state it cannot read"
    sql "UPDATE seachange.migration SET format = $format"
    migrate 0
    went_on copy
    meanwhile_is_there
}

C4_a_connection_cut_while_it_looks_for_its_state()
{
    stopped_in_mid_copy
    id=$(sql 'SELECT id FROM seachange.migration')
    chunks=$(sql 'SELECT count(*) FROM seachange.chunk')
    session_start locked 'BEGIN; LOCK TABLE seachange.migration IN ACCESS EXCLUSIVE MODE'
    migrate_start
    waits="EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange' AND wait_event_type = 'Lock')"
    until_true "$waits" "it waits for its state"
    sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange'" > /dev/null
    until_ok 30 cut_or_waiting || fail "it neither ended nor came again"
    session locked 'COMMIT'
    if ended "$pid"; then
        migrate_ends 75
        migrate_start
    fi
    migrate_ends 0
    grep -q "\"id\":\"$id\"" "$out/stdout" || fail "it began another migration"
    meanwhile_is_there
}
# The connection stays: what it could not read it must not take for nothing.
C4_a_statement_cancelled_while_it_looks_for_its_state()
{
    stopped_in_mid_copy
    id=$(sql 'SELECT id FROM seachange.migration')
    session_start locked 'BEGIN; LOCK TABLE seachange.migration IN ACCESS EXCLUSIVE MODE'
    migrate_start
    waits="EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange' AND wait_event_type = 'Lock')"
    until_true "$waits" "it waits for its state"
    sql "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange'" > /dev/null
    until_ok 30 cut_or_waiting || fail "it neither ended nor came again"
    session locked 'COMMIT'
    if ended "$pid"; then
        migrate_ends 75
        migrate_start
    fi
    migrate_ends 0
    grep -q "\"id\":\"$id\"" "$out/stdout" || fail "it began another migration"
    meanwhile_is_there
}
cut_or_waiting() { ended "$pid" || is_true "$waits"; }

C5_two_at_once_on_tables_that_a_foreign_key_links()
{
    setup 2000
    sql 'CREATE TABLE child (id int PRIMARY KEY, t_id bigint)' 'ALTER TABLE child ADD FOREIGN KEY (t_id) REFERENCES t'
    hold $copy_lock
    migrate_start
    copy_is_held
    "$SEACHANGE" migrate --source "$url" --table child --alter 'ADD COLUMN x int' --spool-dir "$out" > "$out/second" 2>&1
    status=$?
    [ $status = 3 ] || fail "the second ended with $status, expected 3"
    grep -q 'of table public.t, which a foreign key links with it, is under way' "$out/second" || fail "it does not say why: $(cat "$out/second")"
    let_go $copy_lock
    migrate_ends 0
    same_rows 2000
    "$SEACHANGE" migrate --source "$url" --table child --alter 'ADD COLUMN x int' --spool-dir "$out" > "$out/second" 2>&1 || fail "afterwards it does not run: $(cat "$out/second")"
}

# A Job's second pod comes while the first one is still there. What the first has made must not be made again, and is no failure.
C5_the_second_comes_as_the_first_finishes()
{
    for options in '' --drop-old; do
        setup 2000
        hold $copy_lock
        migrate_start $options
        copy_is_held
        "$SEACHANGE" migrate --source "$url" --table t --alter "$alter" --spool-dir "$out" --log-format json $options > "$out/second" 2> "$out/second.err" &
        second=$!
        lock_is_asked_for
        let_go $copy_lock
        migrate_ends 0
        new=$(sql "SELECT 't'::regclass::oid")
        wait $second || fail "the second: exit $?: $(cat "$out/second.err")"
        grep -q '"result":"swapped".*another seachange has made this change' "$out/second" || fail "the second says $(cat "$out/second")"
        must_be "'t'::regclass::oid" "$new"
        [ -n "$options" ] || same_rows 2000
        [ -z "$options" ] || nothing_left
    done
}

C5_the_second_comes_as_the_first_stops()
{
    setup 2000
    hold $copy_lock
    migrate_start
    copy_is_held
    first=$pid
    mv "$out/stderr" "$out/stderr.first"
    migrate_start
    lock_is_asked_for
    kill -KILL $first
    let_go $copy_lock
    migrate_ends 0
    same_rows 2000
}

# Who has lost the lock without knowing it must not swap, or write to what the other one makes.
C5_the_connection_of_the_lock_is_lost_and_another_takes_over()
{
    setup 2000
    hold $copy_lock
    migrate_start
    copy_is_held
    first=$pid
    kill -STOP $first
    sql "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND a.application_name ~ '^seachange' AND l.objsubid = 2 AND a.datname = current_database()" > /dev/null
    mv "$out/stderr" "$out/stderr.first"
    mkdir "$out/elsewhere"
    spool=$out/elsewhere
    migrate_start
    until_said 'goes on in phase copy'
    kill -CONT $first
    let_go $copy_lock
    sql 'DELETE FROM t WHERE id = 100'
    migrate_ends 0
    until_ok 60 ended $first || fail "the first one goes on"
    wait $first
    status=$?
    case $status in 3 | 4 | 75) ;; *) fail "the one that lost its lock: exit $status" ;; esac
    must_be "count(*) FROM pg_namespace WHERE nspname ~ '^seachange_old'" 1
    same_rows 1999
}

# It keeps its lock and its connections: only the token in what it writes tells that it is not the one any more.
taken_over()
{
    sql 'UPDATE seachange.migration SET token = token + 1' 'UPDATE seachange.checkpoint SET token = token + 1'
    $1
    migrate_ends 75
    grep -q 'another seachange has taken migration' "$out/stderr" || fail "it does not say why"
    must_be "count(*) FROM pg_namespace WHERE nspname ~ '^seachange_old'" 0
}
delete_one() { sql 'DELETE FROM t WHERE id = 100'; }
# A chunk that is in flight ends first, or the one that takes over could not see it.
C5_a_chunk_of_one_that_was_taken_over_is_not_copied()
{
    setup 20000
    hold $copy_lock
    migrate_start --workers 1 --chunk-time 20ms
    copy_is_held
    session_start thief
    session_send thief 'UPDATE seachange.migration SET token = token + 1'
    until_true "EXISTS (SELECT FROM pg_stat_activity WHERE query ~ '^UPDATE seachange.migration' AND wait_event_type = 'Lock')" "the chunk in flight keeps its migration"
    let_go $copy_lock
    migrate_ends 75
    grep -q 'another seachange has taken migration' "$out/stderr" || fail "it does not say why"
    # The next chunk may have got the migration before the thief.
    must_be "max(upto_key[1]::bigint) = (SELECT max(id) FROM $(table_of new)) FROM seachange.chunk" t
    migrate 0
    same_rows 20000
}
C5_a_batch_of_one_that_was_taken_over_is_not_applied()
{
    setup 2000
    reader_start
    migrate_start
    in_strict_mode
    ghost=$(table_of new)
    taken_over delete_one
    must_be "count(*) FROM $ghost" 2000
    reader_end
    migrate 0
    same_rows 1999
}
C5_one_that_was_taken_over_does_not_swap()
{
    setup 2000
    reader_start
    migrate_start
    in_strict_mode
    taken_over reader_end
    migrate 0
    same_rows 2000
}

C5_the_connection_of_the_lock_is_lost_and_nobody_comes()
{
    setup 2000
    hold $copy_lock
    migrate_start
    copy_is_held
    sql "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND a.application_name ~ '^seachange' AND l.objsubid = 2 AND a.datname = current_database()" > /dev/null
    sql 'DELETE FROM t WHERE id = 100'
    let_go $copy_lock
    migrate_ends 0
    same_rows 1999
}

C2_another_timeline()
{
    stopped_in_mid_copy
    is=$(rows_fingerprint)
    sql 'UPDATE seachange.migration SET timeline = timeline + 1'
    migrate 3
    grep -q 'After a failover its place in the log is gone' "$out/stderr" || fail "it does not say why"
    untouched "$is"
}
