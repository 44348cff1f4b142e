# The log does not say what columns are called, nor what the numbers of an enum mean.
H4_a_table_that_was_changed_meanwhile_is_not_guessed_at()
{
    stream_setup
    sql "ALTER TABLE u ADD COLUMN w varchar(200)"
    stream_runs
    fill_u 3 0
    sent u 3
    stream_stopped
    sql "INSERT INTO u VALUES (1000, 'v', 'w')" "ALTER TABLE u RENAME COLUMN v TO x, RENAME COLUMN w TO v" "ALTER TABLE u RENAME COLUMN x TO w"
    stream_start
    stream_ends 3
    until_said 'table sc_faults.u has another form than when stream main was begun'
    sent u 3
    stream_removed
}

# Rows that the storage engine deletes by a foreign key are not in the log before MySQL 9.6, nor in MariaDB's.
H3_rows_that_only_the_engine_knows_of()
{
    is_mariadb || elsewhere "it logs what foreign keys do"
    stream_setup
    sql "CREATE TABLE child (id int PRIMARY KEY, t bigint, FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE)"
    tables=child stream_start
    stream_ends 3
    until_said 'table child cannot be followed: .*foreign key'
    nothing_stored
}

H3_one_of_another_server_can_be_removed()
{
    stream_setup
    stream_runs
    stream_stopped
    sql "UPDATE _seachange_stream SET server_identity = 'another'"
    stream_start
    stream_ends 3
    until_said 'was begun on server another'
    stream_removed
}

H3_what_is_stored_is_taken_away()
{
    stream_setup
    stream_runs
    change_t 3
    sent t 3
    sql 'DROP TABLE _seachange_stream_table, _seachange_stream'
    change_t 2
    stream_ends 3 60
    until_said 'what was stored of stream main is gone'
    nothing_stored
}

# What is in the log already, and what nobody sees yet, when the stream begins: it is in neither the rows nor the changes
# unless that is waited for.
H5_a_commit_delivered_before_it_is_visible()
{
    semi_sync_begin
    stream_setup
    fill_u 300 0
    SEACHANGE_FAILPOINT='standing_row_stored=sleep:4000' stream_start --audit-snapshot
    until_said 'failpoint standing_row_stored'
    semi_sync ON
    session_start writer1
    session_send writer1 'DELETE FROM t WHERE id <= 100'
    session_start writer2
    session_send writer2 "UPDATE t SET n = 4711 WHERE id = 200"
    until_true "(SELECT COUNT(*) = 2 FROM information_schema.PROCESSLIST WHERE DB = 'sc_faults' AND USER = 'root' AND (INFO LIKE 'DELETE%' OR INFO LIKE 'UPDATE%'))" "the writers wait"
    must_be 'COUNT(*) FROM t WHERE id <= 100 OR n = 4711' "$(sql 'SELECT COUNT(*) FROM t WHERE id <= 100')"
    sleep 8
    ! grep -q 'reading the log' "$out/stderr" || fail "it did not wait for them"
    semi_sync OFF
    until_said 'stream main .*: reading the log'
    until_ok 40 all_is_there t || fail "audit check of t: $(tail -n 25 "$out/check")"
    must_be 'COUNT(*) FROM t WHERE id <= 100' 0
    stream_stopped
    stream_removed
}
