# D. The cutover. That no client sees an error through a hundred swaps is in tests/integration/test_swap_load.c.

# Clients that check at the end that every write they were told of is there: load_start [OPTIONS-OF-THE-SERVER], load_ends.
orders()
{
    setup 10
    sql 'CREATE TABLE orders (id bigint PRIMARY KEY, client int NOT NULL, ver int NOT NULL, u text UNIQUE, bk int, big text, note text)' \
        'ALTER TABLE orders ALTER COLUMN big SET STORAGE EXTERNAL' \
        "INSERT INTO orders SELECT i * 4096 - 200000000, 0, 1, 'base-' || i, NULL, NULL, 'x' FROM generate_series(1, $1) i"
}
load_start()
{
    rm -f "$out/load.in"
    mkfifo "$out/load.in"
    PGOPTIONS=${1:-} "${SEACHANGE%/*}/tests/sc_load" "$url" orders 4 1 4000 < "$out/load.in" > "$out/load.out" 2> "$out/load.err" &
    load=$!
    exec 8> "$out/load.in"
}
load_ends()
{
    exec 8>&-
    wait $load || fail "the clients found differences: $(head -n 5 "$out/load.err" | tr '\n' ' ')"
}

D1_writers_that_do_not_wait_for_their_commit_on_disk()
{
    orders 500
    restore() { server_set_back wal_writer_delay; }
    server_set wal_writer_delay 10s
    load_start '-c synchronous_commit=off'
    for type in bigint integer bigint; do
        until_true "(SELECT sum(ver) > 600 FROM orders)" "the clients write"
        "$SEACHANGE" migrate --source "$url" --table orders --alter "ALTER COLUMN ver TYPE $type" --spool-dir "$out" --drop-old > "$out/stdout" 2> "$out/stderr" || fail "exit $?"
    done
    load_ends
    must_be "count(*) FROM orders WHERE client = 0" 500
    nothing_left
}

D4_a_long_transaction_holds_the_table()
{
    setup 2000
    reader_start
    blocker=$(sql "SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()")
    echo "INSERT INTO t VALUES (nextval('public.s'), 1, 'w');" > "$out/write.sql"
    sql 'CREATE SEQUENCE s START 1000001'
    (cd "$out" && exec "$SERVER_BIN/pgbench" -n -c 2 -j 1 -T 600 --rate 200 -l --log-prefix=lat -f write.sql "$url" > pgbench.out 2>&1) &
    writers=$!
    migrate_start --lock-timeout 200ms
    in_phase cutover
    until_said 'cutover, try 4'
    grep -q "in the way: pid $blocker" "$out/stderr" || fail "it does not say who is in the way"
    must_be "'t'::regclass::oid = (SELECT table_oid FROM seachange.migration)" t
    reader_end
    migrate_ends 0
    kill $writers
    wait $writers 2> /dev/null
    stall=$(awk '$3 > most { most = $3 } END { print int(most / 1000) }' "$out"/lat.*)
    n=$(cat "$out"/lat.* | wc -l)
    [ "$n" -gt 300 ] || fail "the writers wrote $n rows only"
    ! grep -q ERROR "$out/pgbench.out" || fail "a writer saw an error: $(grep -m 1 ERROR "$out/pgbench.out")"
    echo "         longest stall of a writer: $stall ms"
    [ "$stall" -lt 3000 ] || fail "a writer waited for $stall ms"
    # What was written behind the swap is in the new table alone.
    old=$(table_of old)
    must_be "count(*) FROM (SELECT o::text FROM $old o EXCEPT ALL SELECT r::text FROM t r) x" 0
    must_be "count(*) - (SELECT last_value - 1000000 FROM s) BETWEEN 2000 - 2 AND 2000 FROM t" t
}

# Something of the server that runs in the session of the cutover: each ALTER TABLE there comes to it.
in_the_cutover()
{
    sql "CREATE SEQUENCE came" "CREATE FUNCTION in_cutover() RETURNS event_trigger LANGUAGE plpgsql AS \$\$ BEGIN
        IF current_setting('application_name') ~ '^seachange .* cutover' AND EXISTS (SELECT FROM pg_namespace WHERE nspname ~ '^seachange_old') THEN $1 END IF; END \$\$" \
        "CREATE EVENT TRIGGER in_cutover ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION in_cutover()"
}
# The session of the cutover waits in its COMMIT, until the lock is let go.
commit_is_held()
{
    sql 'CREATE TABLE at_commit (i integer)' "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM pg_advisory_xact_lock_shared($commit_lock); RETURN NULL; END \$\$" \
        'CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON at_commit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()'
    in_the_cutover "SET CONSTRAINTS public.at_commit DEFERRED; INSERT INTO public.at_commit VALUES (1); ${in_swap-}"
    # It waits for most of this at most, which is a second and too short for a busy machine.
    sql "ALTER DATABASE sc_faults SET deadlock_timeout = '20s'"
    hold $commit_lock
    migrate_start "$@"
    until_true "$(waits_for_lock $commit_lock)" "the swap waits in its COMMIT"
    must_be "query FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange .* cutover'" COMMIT
    session_start writer
    session_send writer "DELETE FROM t WHERE id = 100"
    until_true "EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND NOT granted)" "a writer waits for the swap"
}

D5_the_connection_of_the_swap_ends_in_its_commit()
{
    setup 2000
    commit_is_held
    sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange .* cutover'" > /dev/null
    let_go $commit_lock
    migrate_ends 0
    session writer 'SELECT 1'
    same_rows 1999
}

# The COMMIT is done, and waits for a standby that does not exist: whoever ends the session then keeps its answer from arriving.
D5_the_answer_to_a_commit_that_is_done_is_lost()
{
    setup 2000
    restore() { server_set_back synchronous_standby_names; }
    in_swap="SET LOCAL synchronous_commit = remote_apply;" # its own waits for no standby
    commit_is_held
    cutover="datname = current_database() AND application_name ~ '^seachange .* cutover'"
    server_set synchronous_standby_names missing
    let_go $commit_lock
    until_true "EXISTS (SELECT FROM pg_stat_activity WHERE $cutover AND wait_event = 'SyncRep')" "the swap's COMMIT waits for the standby"
    sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $cutover" > /dev/null
    until_true "NOT EXISTS (SELECT FROM pg_stat_activity WHERE $cutover AND wait_event = 'SyncRep')" "the session is gone"
    restore
    migrate_ends 0
    ! grep -q 'cutover, try' "$out/stderr" || fail "it was taken for not done"
    session writer 'SELECT 1'
    must_be 'count(*) FROM t' 1999
    old=$(table_of old)
    must_be "count(*) FROM (SELECT r::text FROM t r EXCEPT SELECT o::text FROM $old o) x" 0
    sql "DROP TABLE $old" "DROP SCHEMA ${old%.t}"
    nothing_left
}

D5_killed_while_the_swap_is_committed()
{
    setup 2000
    commit_is_held
    kill_it
    let_go $commit_lock
    session writer 'SELECT 1'
    must_be "atttypid::regtype FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'n'" bigint
    migrate 0
    must_be 'count(*) FROM t' 1999
    must_be "count(*) FROM $(table_of old)" 2000
    must_be "count(*) FROM $(table_of old) o WHERE NOT EXISTS (SELECT FROM t WHERE t::text = o::text)" 1
    old=$(table_of old)
    sql "DROP TABLE $old" "DROP SCHEMA ${old%.t}"
    nothing_left
}

D6_a_cutover_that_fails_again_and_again()
{
    setup 2000
    # A sequence does not go back with the transaction: five ALTER TABLE fail.
    in_the_cutover "IF nextval('public.came') <= 5 THEN RAISE EXCEPTION 'not yet' USING ERRCODE = 'lock_not_available'; END IF;"
    migrate_start
    for try in 1 2 3 4 5; do
        until_said "cutover, try $try:"
        sql "UPDATE t SET n = n + 1 WHERE id <= 1000" "DELETE FROM t WHERE id = 1000 + $try * 10" "INSERT INTO t VALUES ($try, 1, 'try')"
        must_be "'t'::regclass::oid = (SELECT table_oid FROM seachange.migration)" t
        until_ok 30 is_true "$(applied)" || fail "after try $try changes are not applied any more"
    done
    migrate_ends 0
    sql 'DROP EVENT TRIGGER in_cutover'
    same_rows 2000
    must_be "min(n - id / 10) FROM t WHERE id BETWEEN 10 AND 1000" 5
}

D9_a_repeatable_read_transaction_from_before()
{
    setup 2000 'CREATE TABLE other AS SELECT 1 AS i'
    session_start old 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM other'
    migrate_start
    in_phase cutover
    until_said 'cutover, try 1: transactions from before the new table was in step are still open'
    sql 'DELETE FROM t WHERE id <= 100'
    until_said 'cutover, try 2'
    must_be "'t'::regclass::oid = (SELECT table_oid FROM seachange.migration)" t
    session_sees old 2000
    session old COMMIT
    migrate_ends 0
    same_rows 1990
}

D9_a_repeatable_read_transaction_that_comes_in_the_cutover()
{
    setup 2000 'CREATE TABLE other AS SELECT 1 AS i'
    reader_start
    migrate_start
    in_strict_mode
    session_start young 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM other'
    sql 'DELETE FROM t WHERE id <= 100'
    reader_end
    until_said 'cutover, try [0-9]*: .*REPEATABLE READ'
    session_sees young 2000
    session young COMMIT
    migrate_ends 0
    same_rows 1990
}

D5_the_connection_of_the_swap_ends_around_its_commit()
{
    for round in 1 2 3 4; do
        rm -f "$out/stderr"
        setup 500
        commit_is_held
        cutover=$(sql "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange .* cutover'")
        session_start killer
        session_send killer "SELECT pg_terminate_backend($cutover)"
        let_go $commit_lock
        migrate_ends 0
        session writer 'SELECT 1'
        old=$(table_of old)
        # Committed before the writer came, or after.
        must_be "count(*) FROM t" 499
        must_be "count(*) FROM (SELECT r::text FROM t r EXCEPT SELECT o::text FROM $old o) x" 0
        sql "DROP TABLE $old" "DROP SCHEMA ${old%.t}"
        nothing_left
    done
}
