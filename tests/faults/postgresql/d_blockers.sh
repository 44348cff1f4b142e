# D. Sessions that keep the cutover from its locks, and are ended when the operator asks for it.

session_pid() { session "$1" "SELECT 'pid ' || pg_backend_pid()"; sed -n 's/^pid //p' "$out/$1.out" | tail -n 1; }
is_there() { must_be "count(*) FROM pg_stat_activity WHERE pid = $1" 1; }
is_gone() { must_be "count(*) FROM pg_stat_activity WHERE pid = $1" 0; }
# was_ended PID [HOW]: it is said in the log and in the summary; nobody_was.
was_ended()
{
    for place in stderr stdout; do
        grep -qE "(in the way of the cutover: |\"sessions_ended\":).*pid $1 \(.*transaction open for [0-9]+ s\) ${2:-was ended}" "$out/$place" || fail "$place does not say that pid $1 ${2:-was ended}"
    done
}
nobody_was() { ! grep -qE 'was ended|was cancelled' "$out/stderr" "$out/stdout" || fail "somebody was ended: $(grep -hE -m 1 'was ended|was cancelled' "$out/stderr" "$out/stdout")"; }

# One that came before the new table was in step, and one that came after; and those whose locks are on a sequence of the table, and on one that refers to it.
D4_sessions_in_the_way_are_ended_only_when_asked_for()
{
    setup 2000 'CREATE TABLE other AS SELECT 1 AS i' 'CREATE SEQUENCE s OWNED BY t.id' 'CREATE TABLE child (t bigint REFERENCES t)'
    session_start bystander 'BEGIN; SELECT * FROM other'
    session_start old 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t'
    migrate 75 --cutover-tries 3 --lock-timeout 200ms
    nobody_was
    session bystander 'INSERT INTO other VALUES (2)'
    session_start reader 'BEGIN; SELECT count(*) FROM t'
    session_start caller "BEGIN; SELECT nextval('s')"
    session_start child 'BEGIN; SELECT * FROM child'
    old=$(session_pid old) reader=$(session_pid reader) child=$(session_pid child) caller=$(session_pid caller) bystander=$(session_pid bystander)
    migrate 75 --cutover-tries 3 --lock-timeout 200ms
    nobody_was
    is_there $old && is_there $reader && is_there $child && is_there $caller
    sql 'DELETE FROM t WHERE id <= 100'
    migrate_start --kill-blockers=2s --lock-timeout 200ms
    migrate_ends 0
    was_ended $old
    was_ended $reader
    was_ended $child
    was_ended $caller
    is_gone $old && is_gone $reader && is_gone $child && is_gone $caller
    tries=$(sed -n '/was ended/q; /cutover, try/p' "$out/stderr" | wc -l)
    [ "$tries" -ge 8 ] || fail "somebody was ended after $((tries - 6)) tries"
    is_there $bystander
    session bystander 'COMMIT'
    must_be 'count(*) FROM other' 2
    sql 'DROP TABLE child'
    same_rows 1990
}

# A writer's rows go with it. A statement is cancelled, and its client stays; in a transaction with a savepoint that does not help.
D4_a_statement_in_the_way_is_cancelled_before_its_session_is_ended()
{
    setup 2000
    session_start report
    report=$(session_pid report)
    session_send report 'SELECT pg_sleep(600) FROM t LIMIT 1'
    migrate_start --kill-blockers=3s
    in_strict_mode
    session_start savepoint "BEGIN; INSERT INTO t VALUES (7, 7, 'not committed'); SAVEPOINT a"
    savepoint=$(session_pid savepoint)
    session_send savepoint 'SELECT pg_sleep(600)'
    sql "INSERT INTO t VALUES (8, 8, 'committed')"
    migrate_ends 0
    was_ended $report 'was cancelled'
    was_ended $savepoint 'was cancelled'
    was_ended $savepoint
    ! grep -q "pid $report .*was ended" "$out/stderr" || fail "the session was ended whose statement was cancelled"
    is_gone $savepoint
    session report "SELECT 'it is ' || 'there'"
    session_says report '^it is there$' || fail "the session of the report is not there"
    must_be "count(*) FROM t WHERE id = 7" 0
    same_rows 2001
}

D4_neither_prepared_transactions_nor_old_snapshots_are_ended()
{
    setup 2000 'CREATE TABLE other AS SELECT 1 AS i'
    restore() { ask "ROLLBACK PREPARED 'sc_faults'"; }
    reader_start
    migrate_start --kill-blockers=1h --lock-timeout 200ms
    in_strict_mode
    sql "BEGIN; INSERT INTO t VALUES (6, 6, 'prepared'); PREPARE TRANSACTION 'sc_faults'"
    reader_end
    kill_it
    rm "$out/stderr"
    migrate 75 --kill-blockers=1s --cutover-tries 5 --lock-timeout 200ms
    grep -q 'a prepared transaction holds a lock on the table: sc_faults' "$out/stderr" || fail "it does not name the prepared transaction"
    must_be "count(*) FROM pg_prepared_xacts WHERE gid = 'sc_faults'" 1
    sql "COMMIT PREPARED 'sc_faults'"
    session_start old 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM other'
    old=$(session_pid old)
    migrate 75 --kill-blockers=1s --cutover-tries 4 --lock-timeout 200ms
    is_there $old
    nobody_was
    session old COMMIT
    migrate 0 --kill-blockers=1s
    same_rows 2001
}

# It was not waited for because it held the table, and then let go of it by a savepoint: it keeps its snapshot.
D9_an_old_transaction_lets_go_of_the_table_while_the_cutover_waits_for_it()
{
    setup 2000 'CREATE TABLE other AS SELECT 1 AS i'
    session_start old 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM other; SAVEPOINT a; SELECT count(*) FROM t'
    migrate_start --kill-blockers=1h --lock-timeout 10s
    until_true "EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.application_name ~ '^seachange .* cutover' AND NOT l.granted AND l.mode = 'AccessExclusiveLock')" "the cutover waits for the table"
    session_send old 'ROLLBACK TO a; SELECT pg_sleep(1.5) FROM other'
    until_said 'cutover, try 1: nothing was swapped: transactions from before the new table was in step are still open'
    sql 'DELETE FROM t WHERE id <= 100'
    session old "SELECT 'it sees ' || count(*) FROM t"
    session_says old '^it sees 2000$' || fail "the old transaction does not see the 2000 rows: $(cat "$out/old.out")"
    session old COMMIT
    migrate_ends 0
    nobody_was
    same_rows 1990
}

D4_ending_sessions_without_the_right_to_is_refused()
{
    setup 2000
    sql "DO 'BEGIN CREATE ROLE sc_faults_owner LOGIN REPLICATION; EXCEPTION WHEN duplicate_object THEN NULL; END'" "DO 'BEGIN CREATE ROLE sc_faults_client LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END'"
    restore() { sql 'REVOKE pg_signal_backend, pg_read_all_stats FROM sc_faults_owner' 'DROP OWNED BY sc_faults_client' 'DROP ROLE sc_faults_client'; }
    sql 'ALTER TABLE t OWNER TO sc_faults_owner' 'GRANT CREATE ON DATABASE sc_faults TO sc_faults_owner' 'GRANT ALL ON SCHEMA public TO sc_faults_owner' 'ALTER FUNCTION hold OWNER TO sc_faults_owner' 'GRANT SELECT ON t TO sc_faults_client'
    program_url=postgresql://sc_faults_owner@${url#*@}
    says='role sc_faults_owner may not end sessions of other roles (sc_faults_client), as --kill-blockers asks for. GRANT pg_signal_backend, pg_read_all_stats TO sc_faults_owner;'
    "$SEACHANGE" plan --source "$program_url" --table t --alter "$alter" --kill-blockers > "$out/plan" 2>&1
    [ $? = 3 ] && grep -qF "$says" "$out/plan" || fail "the plan does not refuse it: $(cat "$out/plan")"
    migrate 3 --kill-blockers
    grep -qF "$says" "$out/stderr" || fail "it does not say why"
    must_be "to_regclass('t')::oid = 't'::regclass::oid AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname ~ '^seachange_new')" t
    # One that goes on has its preflight behind it.
    url=postgresql://sc_faults_client@${url#*@} session_start reader 'BEGIN; SELECT count(*) FROM t'
    reader=$(session_pid reader)
    migrate 75 --cutover-tries 2 --lock-timeout 200ms
    migrate 3 --kill-blockers=1s
    grep -qF "cannot go on with --kill-blockers: $says" "$out/stderr" || fail "it does not say why it does not go on"
    is_there $reader
    sql 'GRANT pg_signal_backend, pg_read_all_stats TO sc_faults_owner'
    "$SEACHANGE" plan --source "$program_url" --table t --alter "$alter" --kill-blockers=90s > "$out/plan" 2>&1
    grep -q 'is ended when it has not got its locks for 90000 ms: pg_cancel_backend' "$out/plan" || fail "the plan does not tell that sessions are ended: $(cat "$out/plan")"
    migrate 0 --kill-blockers=1s
    was_ended $reader
    is_gone $reader
    same_rows 2000
}
