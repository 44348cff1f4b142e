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
