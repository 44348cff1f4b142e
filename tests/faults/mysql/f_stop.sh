# F. It can be stopped, whatever it waits for.

asked_to_stop() { kill -TERM "$pid"; }

F7_stopped_while_a_chunk_waits_for_a_row()
{
    setup 2000
    copy_held_at 1000
    asked_to_stop
    migrate_ends 75 20
    copy_let_go
    migrate 0
    same_rows 2000
}

F7_stopped_while_an_index_is_built()
{
    setup 2000 'CREATE INDEX t_v ON t (v)'
    copy_held_at 20000
    # Whoever has read the new table keeps its definition as it is.
    session_start holder "BEGIN; SELECT id FROM $(table_of new) WHERE id = 10"
    copy_let_go
    in_phase index
    until_true "EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND STATE LIKE 'Waiting for table metadata lock')" "the index waits"
    asked_to_stop
    migrate_ends 75 20
    session holder 'COMMIT'
    migrate 0
    same_rows 2000
    must_be "COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME = 't'" 2
}

F7_a_second_signal_ends_it_at_once()
{
    setup 2000
    copy_held_at 1000
    asked_to_stop
    sleep 1.1
    asked_to_stop
    migrate_ends 75 20
    grep -q 'ended at once by a second signal' "$out/stderr" || fail "it does not say so"
    its_sessions_end
    copy_let_go
    migrate 0
    same_rows 2000
}
