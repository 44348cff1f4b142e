# F. It can be stopped, whatever it waits for.

asked_to_stop() { kill -TERM "$pid"; }

F7_stopped_while_a_chunk_waits_for_a_lock()
{
    setup 2000
    hold $copy_lock
    migrate_start --workers 2
    copy_is_held
    asked_to_stop
    migrate_ends 75 20
    let_go $copy_lock
    migrate 0
    same_rows 2000
}

F7_stopped_while_a_batch_waits_for_a_lock()
{
    setup 2000
    reader_start
    migrate_start
    in_strict_mode
    # A row of the new table that somebody else has locked.
    session_start holder "BEGIN; SELECT id FROM $(table_of new) WHERE id = 20 FOR UPDATE"
    sql "UPDATE t SET v = 'changed' WHERE id = 20"
    until_true "EXISTS (SELECT FROM pg_stat_activity WHERE application_name ~ '^seachange .* apply' AND wait_event_type = 'Lock')" "the batch waits"
    asked_to_stop
    migrate_ends 75 20
    session holder 'COMMIT'
    reader_end
    migrate 0
    same_rows 2000
    must_be 'v FROM t WHERE id = 20' changed
}

F7_stopped_while_an_index_is_built()
{
    setup 2000 'CREATE INDEX t_held ON t (public.held(id))' 'CREATE INDEX t_v ON t (v)'
    hold $index_lock
    migrate_start
    until_true "$(waits_for_lock $index_lock)" "the index is held"
    asked_to_stop
    migrate_ends 75 20
    let_go $index_lock
    migrate 0
    same_rows 2000
    must_be "count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid" 3
}

F7_a_second_signal_ends_it_at_once()
{
    setup 2000
    hold $copy_lock
    migrate_start
    copy_is_held
    asked_to_stop
    sleep 1.1
    asked_to_stop
    migrate_ends 75 20
    grep -q 'ended at once by a second signal' "$out/stderr" || fail "it does not say so"
    let_go $copy_lock
    migrate 0
    same_rows 2000
}

# A serial's sequence is let go before the cutover, so that the lock need not wait for its own: whoever aborts gives it back.
F7_abort_gives_a_sequence_back_that_was_let_go()
{
    setup 200 'ALTER TABLE t ADD COLUMN s serial'
    is=$(rows_fingerprint)
    export SEACHANGE_FAILPOINT=cutover_before_lock=kill
    migrate 137
    unset SEACHANGE_FAILPOINT
    must_be "pg_get_serial_sequence('t', 's') IS NULL" t
    untouched "$is"
    must_be "pg_get_serial_sequence('t', 's')" public.t_s_seq
}
