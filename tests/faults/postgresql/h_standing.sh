# What consumers are told follows the table, from the first row on that the log has of its new form.
H4_a_table_that_is_changed_goes_on_in_its_new_form()
{
    stream_setup
    stream_runs
    change_t 3
    sent t 3
    sql "ALTER TABLE t ADD COLUMN more text DEFAULT 'more'"
    change_t 4
    sent t 7
    sql "ALTER TABLE t ALTER COLUMN n TYPE numeric(12,2)" # which rewrites it
    change_t 2
    sent t 9
    sql "ALTER TABLE t DROP COLUMN more"
    change_t 1
    sent t 10
    kcat -C -q -e -b "$brokers" -t "seachange.$schema.t" -f '%h %s\n' | sed -n 's/.*seachange.sequence=\([0-9]*\).*"after":\({[^}]*}\).*/\1 \2/p' | sort -nu > "$out/rows"
    [ "$(sed -n '4,7p' "$out/rows" | grep -c '"more":"more"')" = 4 ] || fail "rows behind the first change lack the new column: $(cat "$out/rows")"
    [ "$(sed -n '8,9p' "$out/rows" | grep -cE '"n":"[A-Za-z0-9+/=]+".*"more":"more"')" = 2 ] || fail "rows behind the second one have another type: $(cat "$out/rows")"
    [ "$(grep -c more "$out/rows")" = 6 ] || fail "rows of another form have the column: $(cat "$out/rows")"
    stream_stopped
    stream_removed
}

# Somebody changes it while nobody reads: rows in the log are of a form that nothing tells any more.
H4_a_table_that_was_changed_meanwhile_is_not_guessed_at()
{
    stream_setup
    stream_runs
    change_t 3
    sent t 3
    stream_stopped
    change_t 2
    sql "ALTER TABLE t ADD COLUMN more text DEFAULT 'more'"
    change_t 4
    : > "$out/stderr"
    stream_start
    stream_ends 4 60
    until_said 'table public.t has other columns, types, or another key, in the log than in the catalog'
    sent t 3
    stream_removed
}

# By what rows are known in the log decides where their messages go.
H4_another_key_is_another_stream()
{
    stream_setup
    sql "ALTER TABLE t ALTER n SET NOT NULL" "CREATE UNIQUE INDEX t_n ON t (n)"
    stream_runs
    change_t 3
    sent t 3
    sql "ALTER TABLE t REPLICA IDENTITY USING INDEX t_n"
    sql "DELETE FROM t WHERE id = 500"
    stream_ends 3 60
    until_said 'was begun with: .*key id. Now it is: .*key n'
    sent t 3
    stream_removed
}

H4_a_publication_that_leaves_something_out_ends_it()
{
    stream_setup
    stream_runs
    change_t 3
    sent t 3
    sql "ALTER PUBLICATION $(sql 'SELECT pubname FROM pg_publication') SET (publish = 'insert')"
    change_t 2 # which nobody is told
    stream_ends 3 60
    until_said 'publication seachange_audit_[0-9a-f]* does not have all changes of table'
    stream_removed
}

# What is stored goes while it runs: it does not begin another stream by itself.
H3_what_is_stored_is_taken_away()
{
    stream_setup
    stream_runs
    change_t 3
    sent t 3
    sql 'DROP SCHEMA seachange_audit CASCADE' 2> /dev/null
    change_t 2
    stream_ends 3 60
    until_said 'what was stored of stream main is gone'
}

# Behind a failover its place is of another log; that much can be removed.
H3_one_of_another_server_can_be_removed()
{
    stream_setup
    stream_runs
    stream_stopped
    sql 'UPDATE seachange_audit.stream SET timeline = timeline + 1'
    stream_start
    stream_ends 3
    until_said 'was begun on server [0-9]* timeline 2, this is server [0-9]* timeline 1'
    stream_removed
}

# What is in the log already, and what nobody sees yet, when the stream begins: it is in neither the rows nor the changes
# unless that is waited for.
H5_a_commit_delivered_before_it_is_visible()
{
    stream_setup
    fill_u 300 0
    restore() { server_set_back synchronous_standby_names; }
    server_set synchronous_standby_names missing
    session_start writer1 "SET synchronous_commit = remote_apply"
    session_send writer1 'DELETE FROM t WHERE id <= 100'
    session_start writer2 "SET synchronous_commit = remote_apply"
    session_send writer2 'UPDATE t SET n = 4711 WHERE id = 200'
    until_true "(SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep')" "the writers wait for the standby"
    must_be 'count(*) FROM t WHERE n = 4711' 0
    stream_start --audit-snapshot
    sleep 5
    ! grep -q 'reading the log' "$out/stderr" || fail "it did not wait for them"
    server_set_back synchronous_standby_names
    until_said 'stream main .*: reading the log'
    until_ok 40 all_is_there t || fail "audit check of t: $(tail -n 25 "$out/check")"
    must_be 'count(*) FROM t WHERE id <= 100' 0
    stream_stopped
    stream_removed
}

# Two tables: a rule that one of them still has a column for must not make the other one's column plain.
H4_a_column_with_a_rule_gets_no_other_name()
{
    stream_setup
    printf 'sixteen bytes and more' > "$out/key"
    sql "ALTER TABLE t ADD COLUMN email text"
    for change in 'RENAME COLUMN email TO mail' 'RENAME COLUMN email TO x; ALTER TABLE u RENAME COLUMN v TO email; ALTER TABLE u RENAME COLUMN x TO v'; do
        sql "DROP TABLE u" "CREATE TABLE u (id int PRIMARY KEY, v text, email text)"
        stream=(--audit-kafka "$brokers" --audit-columns 'email=hash,*=plain' --audit-key-file "$out/key")
        stream_runs
        sql "INSERT INTO u VALUES (1, 'v', 'first')" "ALTER TABLE u ADD COLUMN more text" "INSERT INTO u VALUES (2, 'v', 'second')"
        sent u 2
        sql "BEGIN; ALTER TABLE u $change; INSERT INTO u VALUES (3, 'third', 'third'); COMMIT"
        stream_ends 3 60
        ! kcat -C -q -e -b "$brokers" -t "seachange.$schema.u" | grep -q third || fail "what was to be hashed was shown: $change"
        until_said 'column email of table public.u, for which --audit-columns has a rule, is gone or has another name'
        stream_removed
        : > "$out/stderr"
    done
}
