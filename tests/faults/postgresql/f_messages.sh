# F. What is said when something is in the way, and what is said at the end.

other_role() { sql "DO 'BEGIN CREATE ROLE sc_faults_other; EXCEPTION WHEN duplicate_object THEN NULL; END'" "DO 'BEGIN CREATE ROLE sc_faults_owner LOGIN REPLICATION; EXCEPTION WHEN duplicate_object THEN NULL; END'"; }
as_owner() { echo "postgresql://sc_faults_owner@${url#*@}"; }

# Both find no schema seachange and come to make it; whoever is second must see what the first has made.
F3_two_first_migrations_at_once()
{
    setup 2000 'CREATE TABLE u (id int PRIMARY KEY)' 'INSERT INTO u SELECT generate_series(1, 100)'
    session_start schema "SELECT pg_advisory_lock(7378697629483820646)"
    migrate_start
    "$SEACHANGE" migrate --source "$url" --table u --alter 'ALTER COLUMN id TYPE bigint' --spool-dir "$out" > "$out/second" 2>&1 &
    second=$!
    until_true "(SELECT count(*) = 2 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND NOT l.granted AND a.application_name ~ '^seachange')" "both are about to make schema seachange"
    must_be "to_regnamespace('seachange') IS NULL" t
    session schema "SELECT pg_advisory_unlock(7378697629483820646)"
    migrate_ends 0
    wait $second || fail "the second: exit $?: $(tail -n 3 "$out/second")"
    must_be "atttypid::regtype FROM pg_attribute WHERE attrelid = 'u'::regclass AND attname = 'id'" bigint
    must_be "count(*) FROM seachange.migration WHERE phase = 'done'" 2
}

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

listed_note() { "$SEACHANGE" list --source "$url" --log-format json | sed -n 's/.*"note":"\([^"]*\)".*/\1/p'; }

F6_list_says_that_a_changed_table_cannot_go_on()
{
    setup 2000
    hold $copy_lock
    migrate_start
    copy_is_held
    case $(listed_note) in running:*) ;; *) fail "of one that runs list says: $(listed_note)" ;; esac
    kill_it
    let_go $copy_lock
    until_true "NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange')" "its sessions have ended"
    case $(listed_note) in *'goes on'*) ;; *) fail "of one that can go on list says: $(listed_note)" ;; esac
    sql 'CREATE INDEX t_v ON t (v)'
    case $(listed_note) in *'changed the table'*'cannot go on'*'seachange abort'*) ;; *) fail "of a changed one list says: $(listed_note)" ;; esac
    migrate 4
    grep -q 'somebody changed the definition of table' "$out/stderr" || fail "it does not say why"
    sql 'DROP INDEX t_v'
    case $(listed_note) in *'goes on'*) ;; *) fail "of one changed back list says: $(listed_note)" ;; esac
    migrate 0
    same_rows 2000
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
