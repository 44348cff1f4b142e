# C. Position and resume. That it may be killed at any instant under load is in tests/load.

# Stopped in mid-copy, with changes that it has not applied.
stopped_in_mid_copy()
{
    setup 20000
    copy_held_at 100000
    all_is_applied
    sql 'DELETE FROM t WHERE id IN (1000, 150000)' "UPDATE t SET v = 'meanwhile' WHERE id IN (2000, 160000)"
    kill_it_in_the_copy
}
meanwhile_is_there()
{
    must_be "COUNT(*) FROM t WHERE v = 'meanwhile'" 2
    same_rows $((20000 - 2))
}

C1_a_kill_after_each_step_of_the_copy()
{
    setup 20000
    copy_held_at 30000
    i=0
    for next in 60000 90000 120000 150000; do
        i=$((i + 1))
        sql "UPDATE t SET n = n + 1, v = CONCAT(v, 'x') WHERE id % 1000 = 10" "DELETE FROM t WHERE id IN ($i * 100 + 20, 160000 + $i * 100 + 20)"
        case $i in 1 | 3) copy_goes_to $next ;; esac
        [ $i != 4 ] || all_is_applied
        copied=$(sql "SELECT COUNT(*) FROM $(table_of new)")
        kill_it
        its_sessions_end
        migrate_start --workers 1 --chunk-time 20ms --spool-memory 256KiB
        until_said 'goes on in phase copy'
        copy_is_held
        # Of what was copied nothing is copied again but the chunk that was in flight; deletes may have come.
        [ "$(sql "SELECT COUNT(*) FROM $(table_of new)")" -ge $((copied - 16)) ] || fail "it began from the start"
        : > "$out/stderr"
    done
    copy_let_go
    migrate_ends 0
    must_be "COUNT(*) FROM t WHERE id % 1000 = 10 AND v = CONCAT('row ', id DIV 10, 'xxxx') AND n = id / 10 + 4" 200
    same_rows $((20000 - 8))
}

# The index is built, and its record is not written, or it is not built.
C1_a_kill_while_indexes_are_built()
{
    setup 2000 "$with_index" 'CREATE UNIQUE INDEX t_v ON t (v)'
    copy_held_at 10000
    hold_ghost
    copy_let_go
    index_is_held
    sql 'DELETE FROM t WHERE id = 100'
    kill_it
    let_ghost
    program_is_gone
    migrate 0
    went_on index
    must_be "GROUP_CONCAT(DISTINCT INDEX_NAME ORDER BY INDEX_NAME) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME = 't'" PRIMARY,t_n,t_v
    same_rows 1999
}

C1_a_kill_while_the_cutover_is_tried()
{
    setup 2000 "$with_index"
    reader_start
    migrate_start
    in_strict_mode
    sql "UPDATE t SET n = n + 1 WHERE id <= 1000" 'DELETE FROM t WHERE id = 10'
    kill_it
    sql "UPDATE t SET n = n + 1 WHERE id <= 1000" 'DELETE FROM t WHERE id = 20'
    migrate_start
    until_said 'goes on in phase'
    sql "UPDATE t SET n = n + 1 WHERE id <= 1000" 'DELETE FROM t WHERE id = 30'
    until_said 'cutover, try 1'
    reader_end
    migrate_ends 0
    must_be "MIN(n - id / 10) FROM t WHERE id <= 1000" 3.0000
    same_rows 1997
}

cut_in_two="INSERT INTO t SELECT 100000 + i, i, 'large', REPEAT(SHA2(i, 256), 200) FROM sc_faults_numbers.n WHERE i <= 1900"
is_cut='(SELECT partial_changes > 0 FROM _seachange_migration)'

# A large batch is applied in parts. A lock on a row of the ghost holds one of them while the others are in; then it is killed. With a unique index there are two steps.
C1_a_kill_while_a_batch_is_in_in_part()
{
    for index in '' 'CREATE UNIQUE INDEX t_v ON t (v)'; do
        setup 10000 'UPDATE t SET big = NULL' ${index:+"$index"}
        reader_start
        migrate_start --workers 2
        in_strict_mode
        session_start locker "BEGIN; SELECT 1 FROM $(table_of new) WHERE id = 50000 FOR UPDATE"
        # What is deleted or inserted a second time does not fit.
        sql BEGIN "UPDATE t SET n = n + 1, v = CONCAT(v, 'x')" 'DELETE FROM t WHERE id % 1000 = 500' "INSERT INTO t SELECT 200001 + i * 10, i, CONCAT('new ', i), NULL FROM sc_faults_numbers.n WHERE i <= 100" COMMIT
        until_true "(SELECT COUNT(*) BETWEEN 1 AND 3 FROM _seachange_part)" "some parts are in, and not all"
        kill_it
        its_sessions_end
        sql "DELETE FROM t WHERE id % 1000 = 0" "UPDATE t SET v = CONCAT(v, 'y') WHERE id % 1000 = 10"
        must_be "COUNT(*) BETWEEN 1 AND 3 FROM _seachange_part" 1
        session locker ROLLBACK
        migrate_start --workers 2
        until_said 'had been applied in part'
        reader_end
        migrate_ends 0
        must_be "COUNT(*) FROM t WHERE v = CONCAT('row ', id DIV 10, IF(id % 1000 = 10, 'xy', 'x')) AND n = id / 10 + 1" 9800
        same_rows 9900
        : > "$out/stderr"
    done
}

must_start_again()
{
    is=$(rows_fingerprint)
    migrate 3
    grep -q 'start.* again' "$out/stderr" || fail "it does not say what to do"
    untouched "$is"
}
C2_the_log_is_purged_while_stopped()
{
    stopped_in_mid_copy
    purge_log
    sql "UPDATE t SET v = 'later' WHERE id = 3000"
    purge_log
    sql 'SHOW BINARY LOGS' 'SELECT applied_text FROM _seachange_migration' > "$out/logs"
    must_start_again
}
reset_log() { kill_readers; until_ok 30 no_readers; is_mariadb && server_sql 'RESET MASTER' || server_sql 'RESET BINARY LOGS AND GTIDS' || fail "the log cannot be reset"; }
C2_the_log_is_reset_while_stopped()
{
    stopped_in_mid_copy
    reset_log
    must_start_again
}
# Its place is there again, with something else in it.
C2_the_log_is_reset_and_grows_past_the_place()
{
    : > "$out/sql.err"
    reset_log
    stopped_in_mid_copy
    reset_log
    for _ in 1 2 3; do
        sql 'UPDATE t SET n = n + 1' "UPDATE t SET big = REPEAT('x', 5000)" 'FLUSH BINARY LOGS'
    done
    must_start_again
}
C2_the_log_is_reset_in_the_copy()
{
    setup 20000
    copy_held_at 100000
    all_is_applied
    sql 'DELETE FROM t WHERE id = 1000'
    # MariaDB does not reset a log that somebody reads.
    kill -STOP "$pid"
    kill_readers
    reset_log
    sql 'DELETE FROM t WHERE id = 2000'
    is=$(rows_fingerprint)
    kill -CONT "$pid"
    copy_let_go
    until_ok 60 ended "$pid" || fail "it goes on"
    wait "$pid"
    status=$?
    pid=
    case $status in 3 | 4) ;; *) fail "exit $status" ;; esac
    untouched "$is"
}
C2_another_server()
{
    stopped_in_mid_copy
    sql "UPDATE _seachange_migration SET server_identity = '00000000-0000-0000-0000-000000000000'"
    is=$(rows_fingerprint)
    migrate 3
    grep -q 'After a failover its place in the log is gone' "$out/stderr" || fail "it does not say why"
    # Abort says so, too, or removes what is here.
    timeout 60 "$SEACHANGE" abort --source "$program_url" --table t > "$out/abort" 2>&1 || fail "seachange abort: exit $?: $(tail -n 3 "$out/abort")"
    [ "$(rows_fingerprint)" = "$is" ] || fail "the source is not what it was"
}

C3_a_state_of_an_unknown_format()
{
    stopped_in_mid_copy
    format=$(sql 'SELECT format FROM _seachange_migration')
    kept=$(sql 'SELECT applied_text, partial_changes, phase, (SELECT COUNT(*) FROM _seachange_chunk) FROM _seachange_migration')
    sql 'UPDATE _seachange_migration SET format = 1000'
    migrate 3
    grep -q 'newer seachange' "$out/stderr" || fail "it does not say why"
    [ "$kept" = "$(sql 'SELECT applied_text, partial_changes, phase, (SELECT COUNT(*) FROM _seachange_chunk) FROM _seachange_migration')" ] || fail "it changed a state it cannot read"
    sql "UPDATE _seachange_migration SET format = $format"
    migrate 0
    went_on copy
    meanwhile_is_there
}

C4_a_connection_cut_while_it_looks_for_its_state()
{
    stopped_in_mid_copy
    id=$(sql 'SELECT id FROM _seachange_migration')
    session_start locked 'LOCK TABLES _seachange_migration WRITE'
    migrate_start
    waits="EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND STATE = 'Waiting for table metadata lock')"
    until_true "$waits" "it waits for its state"
    kill_sessions "$program_sessions"
    until_ok 30 cut_or_waiting || fail "it neither ended nor came again"
    session locked 'UNLOCK TABLES'
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
    id=$(sql 'SELECT id FROM _seachange_migration')
    session_start locked 'LOCK TABLES _seachange_migration WRITE'
    migrate_start
    waits="EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND STATE = 'Waiting for table metadata lock')"
    until_true "$waits" "it waits for its state"
    for one in $(server_sql "$program_sessions"); do
        server_sql "KILL QUERY $one" || true
    done
    until_ok 30 cut_or_waiting || fail "it neither ended nor came again"
    session locked 'UNLOCK TABLES'
    if ended "$pid"; then
        migrate_ends 75
        migrate_start
    fi
    migrate_ends 0
    grep -q "\"id\":\"$id\"" "$out/stdout" || fail "it began another migration"
    meanwhile_is_there
}
cut_or_waiting() { ended "$pid" || is_true "$waits"; }

C5_the_second_comes_as_the_first_stops()
{
    setup 2000
    copy_held_at 10000
    first=$pid
    mv "$out/stderr" "$out/stderr.first"
    migrate_start
    until_true "(SELECT COUNT(*) > 0 FROM information_schema.PROCESSLIST p WHERE USER = 'sc_faults_program' AND INFO IS NULL AND TIME < 2 AND ID > (SELECT IS_USED_LOCK('$(lock_name t)')))" "the second waits for the first"
    kill -KILL $first
    copy_let_go
    migrate_ends 0
    same_rows 2000
}

# Who has lost the lock without knowing it must not swap, or write to what the other one makes.
C5_the_connection_of_the_lock_is_lost_and_another_takes_over()
{
    setup 2000
    copy_held_at 10000
    first=$pid
    kill -STOP $first
    kill_sessions "$(lock_holder)"
    mv "$out/stderr" "$out/stderr.first"
    mkdir "$out/elsewhere"
    spool=$out/elsewhere
    migrate_start
    until_said 'goes on in phase copy'
    kill -CONT $first
    copy_let_go
    sql 'DELETE FROM t WHERE id = 100'
    migrate_ends 0
    until_ok 60 ended $first || fail "the first one goes on"
    wait $first
    status=$?
    case $status in 3 | 4 | 75) ;; *) fail "the one that lost its lock: exit $status" ;; esac
    must_be "COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME LIKE '%seachange\\_old%'" 1
    same_rows 1999
}

C5_the_connection_of_the_lock_is_lost_and_nobody_comes()
{
    setup 2000 "$with_index"
    copy_held_at 10000
    kill_sessions "$(lock_holder)"
    sql 'DELETE FROM t WHERE id = 100'
    hold_ghost
    copy_let_go
    index_is_held
    kill_sessions "$(lock_holder)"
    sql 'DELETE FROM t WHERE id = 110'
    reader_start
    let_ghost
    in_strict_mode
    kill_sessions "$(lock_holder)"
    sql 'DELETE FROM t WHERE id = 120'
    reader_end
    # Once the cutover was tried, a lost lock may end it; the same command goes on.
    until_ok 60 ended "$pid" || fail "it goes on and on"
    wait "$pid"
    status=$?
    pid=
    [ $status != 75 ] || migrate 0
    [ $status = 75 ] || [ $status = 0 ] || fail "exit $status"
    same_rows 1997
}

# It keeps its lock and its connections: only the token in what it writes tells that it is not the one any more.
taken_over()
{
    sql 'UPDATE _seachange_migration SET token = token + 1'
    $1
    migrate_ends 75
    grep -q 'another seachange has taken migration' "$out/stderr" || fail "it does not say why"
    must_be "COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME LIKE '%seachange\\_old%' AND TABLE_COMMENT NOT LIKE 'seachange%'" 0
}
delete_one() { sql 'DELETE FROM t WHERE id = 100'; }
C5_a_chunk_of_one_that_was_taken_over_is_not_copied()
{
    setup 20000
    copy_held_at 100000
    taken_over copy_let_go
    must_be "COUNT(*) FROM $(table_of new) WHERE id >= 100000" 0
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
    must_be "COUNT(*) FROM $ghost" 2000
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
