# F. What is said when something is in the way, and what is said at the end.

other_role() { sql "DO 'BEGIN CREATE ROLE sc_faults_other; EXCEPTION WHEN duplicate_object THEN NULL; END'" "DO 'BEGIN CREATE ROLE sc_faults_owner LOGIN REPLICATION; EXCEPTION WHEN duplicate_object THEN NULL; END'"; }
as_owner() { echo "postgresql://sc_faults_owner@${url#*@}"; }

# Somebody else's migrations are stored here; what they hold is theirs.
F4_schema_seachange_belongs_to_another_role()
{
    setup 2000
    other_role
    sql 'ALTER TABLE t OWNER TO sc_faults_owner' 'GRANT CREATE ON DATABASE sc_faults TO sc_faults_owner' 'GRANT ALL ON SCHEMA public TO sc_faults_owner' "ALTER FUNCTION hold OWNER TO sc_faults_owner" 'CREATE TABLE u (id int PRIMARY KEY)'
    "$SEACHANGE" migrate --source "$url" --table u --alter 'ALTER COLUMN id TYPE bigint' --spool-dir "$out" > "$out/first" 2>&1 || fail "the first: $(tail -n 3 "$out/first")"
    for owner in postgres sc_faults_other; do
        sql "ALTER SCHEMA seachange OWNER TO $owner"
        url=$(as_owner) migrate 3
        grep -q "schema seachange of this database belongs to $owner, whose rights you lack" "$out/stderr" || fail "it does not say whose it is"
        grep -q "GRANT $owner to your role" "$out/stderr" || fail "it does not say what to do"
        : > "$out/stderr"
        for command in list 'abort --table t'; do
            "$SEACHANGE" $command --source "$(as_owner)" > "$out/$owner" 2>&1
            status=$?
            [ $status = 3 ] && grep -q "belongs to $owner, whose rights you lack" "$out/$owner" || fail "seachange $command: exit $status: $(cat "$out/$owner")"
        done
    done
    must_be "count(*) FROM seachange.migration" 1
    must_be "count(*) FROM pg_namespace WHERE nspname ~ '^seachange_new'" 0
}

F5_the_summary_of_a_resumed_run_names_the_table_in_full()
{
    setup 2000
    hold $copy_lock
    migrate_start
    copy_is_held
    kill_it
    let_go $copy_lock
    migrate 0
    grep -qF '"table":"\"public\".\"t\""' "$out/stdout" || fail "it says $(grep -o '"table":[^,]*' "$out/stdout")"
    same_rows 2000
}

# tests/faults/common/f_list.sh
lose_log() { sql "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()" > /dev/null; }
lost_log_says='*replication slot seachange_* was dropped'
of_another_server="system_identifier = '1'"

F6_list_says_that_a_table_changed_back_can_go_on()
{
    stopped_and_listed
    sql 'CREATE INDEX t_v ON t (v)'
    list_says 'a changed one' "$changed_table_says"
    sql 'DROP INDEX t_v'
    list_says 'one changed back' '*goes on*'
    migrate 0
    same_rows 2000
}

F6_list_says_that_a_slot_made_again_cannot_go_on()
{
    stopped_and_listed
    sql "SELECT pg_drop_replication_slot('seachange_' || id), pg_create_logical_replication_slot('seachange_' || id, 'pgoutput') FROM seachange.migration" > /dev/null
    list_says 'one whose slot was made again' '*replication slot seachange_* was moved on, or made again*cannot go on*'
    migrate 3
}

# An index that is being made is invalid, too; to drop it would undo somebody's work.
F6_an_index_that_is_being_made_is_waited_for()
{
    setup 2000 'CREATE INDEX t_v ON t (v)'
    for statement in 'REINDEX TABLE CONCURRENTLY t' 'CREATE INDEX CONCURRENTLY t_n ON t (n)'; do
        session_start writer 'BEGIN; UPDATE t SET n = n WHERE id = 10'
        session_start maker
        session_send maker "$statement"
        until_true "EXISTS (SELECT FROM pg_index WHERE indrelid = 't'::regclass AND NOT indisvalid)" "the index is being made"
        migrate 3
        grep -q 'is being made, or replaced, by process [0-9]*. Wait until that has ended' "$out/stderr" || fail "it does not say to wait"
        ! grep -q 'drop it' "$out/stderr" || fail "it says to drop it"
        session writer COMMIT
        session maker 'SELECT 1'
        : > "$out/stderr"
    done
    session_start writer 'BEGIN; UPDATE t SET n = n WHERE id = 10'
    ask "SET statement_timeout = '100ms'" 'CREATE INDEX CONCURRENTLY t_left ON t (n)'
    session writer COMMIT
    migrate 3
    grep -q 'index public.t_left is invalid. REINDEX INDEX CONCURRENTLY or drop it' "$out/stderr" || fail "it does not say what to do with what is left"
}
