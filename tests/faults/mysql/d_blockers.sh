# D. Sessions that keep the cutover from its locks, and are ended when the operator asks for it.

connection_of() { session "$1" "SELECT CONCAT('number ', CONNECTION_ID())"; sed -n 's/^number //p' "$out/$1.out" | tail -n 1; }
connections() { [ "$(server_sql "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = $1")" = "$2" ]; }
is_there() { connections "$1" 1 || fail "connection $1 is not there"; }
is_gone() { until_ok 10 connections "$1" 0 || fail "connection $1 is still there"; }
# was_ended ID: it is said in the log and in the summary; nobody_was.
was_ended()
{
    for place in stderr stdout; do
        grep -qE "(in the way of the cutover: |\"sessions_ended\":).*connection $1 \([^)]*, in a transaction for [0-9]+ s\) was ended" "$out/$place" || fail "$place does not say that connection $1 was ended"
    done
}
nobody_was() { ! grep -q 'was ended' "$out/stderr" "$out/stdout" || fail "somebody was ended: $(grep -h -m 1 'was ended' "$out/stderr" "$out/stdout")"; }

# How MariaDB tells who holds a table, one way after the other, as far as this server has them.
with_plugin() { server_sql "INSTALL SONAME 'metadata_lock_info'" 2> /dev/null; }
without_plugin() { server_sql "UNINSTALL SONAME 'metadata_lock_info'" 2> /dev/null; }
with_schema() { [ -x "${SERVER_CTL:-}" ] && server_program restart --performance-schema=ON --performance-schema-instrument=wait/lock/metadata/sql/mdl=ON; }
without_schema() { server_program restart; }
locks_are_told()
{
    is_mariadb || return 0
    if with_plugin; then restore() { without_plugin; }; return; fi
    with_schema || skip "this server cannot be made to tell who holds a table"
    restore() { without_schema; }
}

ended_only_when_asked_for()
{
    rm -f "$out/stderr"
    setup 2000 'CREATE TABLE other AS SELECT 1 AS i'
    session_start bystander$1 'BEGIN; SELECT * FROM other; INSERT INTO other VALUES (2)'
    session_start old$1 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; BEGIN; SELECT COUNT(*) FROM t'
    migrate 75 --cutover-tries 3 --lock-timeout 200ms
    session_start reader$1 'BEGIN; SELECT COUNT(*) FROM t'
    session_start writer$1 "BEGIN; INSERT INTO t VALUES (7, 7, 'not committed', NULL)"
    old=$(connection_of old$1) reader=$(connection_of reader$1) writer=$(connection_of writer$1) bystander=$(connection_of bystander$1)
    migrate 75 --cutover-tries 3 --lock-timeout 200ms --old-snapshot-wait 0
    nobody_was
    is_there $old && is_there $reader && is_there $writer
    sql 'DELETE FROM t WHERE id BETWEEN 10 AND 100'
    before=$(grep -c 'cutover, try' "$out/stderr")
    migrate 0 --kill-blockers=6s --lock-timeout 200ms
    was_ended $old
    was_ended $reader
    was_ended $writer
    is_gone $old && is_gone $reader && is_gone $writer
    tries=$(sed -n '/was ended/q; /cutover, try/p' "$out/stderr" | wc -l)
    [ $((tries - before)) -ge 2 ] || fail "somebody was ended after $((tries - before)) tries"
    is_there $bystander
    session bystander$1 COMMIT
    must_be 'COUNT(*) FROM other' 2
    must_be 'COUNT(*) FROM t WHERE id = 7' 0
    same_rows 1990
}
D4_sessions_in_the_way_are_ended_only_when_asked_for()
{
    if ! is_mariadb; then
        ended_only_when_asked_for 1
        return
    fi
    ! with_plugin || { restore() { without_plugin; }; ended_only_when_asked_for 1; without_plugin; }
    ! with_schema || { restore() { without_schema; }; ended_only_when_asked_for 2; }
    [ -n "${tries:-}" ] || skip "this server cannot be made to tell who holds a table"
}

# The writer keeps it from being locked for reading, and the reader the tables from being renamed.
D4_sessions_at_a_table_that_a_foreign_key_refers_to_are_ended()
{
    ! is_mariadb || elsewhere "the swap does not lock the tables that foreign keys refer to"
    setup 2000 "${with_parent[@]}"
    session_start reader 'BEGIN; SELECT COUNT(*) FROM p'
    migrate_start --kill-blockers=6s
    in_strict_mode
    session_start writer 'BEGIN; DELETE FROM p WHERE id = 2'
    reader=$(connection_of reader) writer=$(connection_of writer)
    migrate_ends 0
    was_ended $reader
    was_ended $writer
    key_holds
    must_be 'COUNT(*) FROM p' 2
    same_rows 2000
}

# Its connection may be there or not.
D4_prepared_transactions_are_not_ended()
{
    locks_are_told
    setup 2000
    reader_start
    migrate_start --kill-blockers=1h --lock-timeout 200ms
    in_strict_mode
    session_start prepared "XA START 'sc_faults'; INSERT INTO t VALUES (6, 6, 'prepared', NULL); XA END 'sc_faults'; XA PREPARE 'sc_faults'"
    prepared=$(connection_of prepared)
    reader_end
    kill_it
    program_is_gone
    for how in there gone; do
        rm -f "$out/stderr"
        migrate 75 --kill-blockers=1s --cutover-tries 5 --lock-timeout 200ms
        [ $how = gone ] || is_there $prepared
        most=$(sed -n 's/.* \([0-9]*\) ms to swap.*/\1/p' "$out/stderr" | sort -n | tail -n 1)
        [ "${most:-0}" -lt 4000 ] || fail "everybody waited for $most ms"
        grep -qE 'a prepared transaction|nobody is ended while there are prepared transactions' "$out/stderr" || fail "it does not tell of the prepared transaction whose connection is $how"
        nobody_was
        [ "$(server_sql 'XA RECOVER' | cut -f 4)" = sc_faults ] || fail "the prepared transaction is not there any more"
        [ $how = gone ] || server_sql "KILL $prepared"
    done
    server_sql "XA COMMIT 'sc_faults'"
    migrate 0 --kill-blockers=1s
    must_be "COUNT(*) FROM t WHERE v = 'prepared'" 1
    same_rows 2001
}

D4_old_snapshots_are_waited_for_and_not_ended()
{
    locks_are_told
    setup 2000
    snapshot_start
    snapshot=$(connection_of snapshot)
    migrate 75 --kill-blockers=1s --cutover-tries 4 --lock-timeout 200ms
    grep -q 'transactions from before the new table was in step are still open' "$out/stderr" || fail "it does not wait for it"
    nobody_was
    is_there $snapshot
    snapshot_end
    migrate 0 --kill-blockers=1s
    same_rows 2000
}

# It was not waited for because it held the table, and then let go of it by a savepoint: it keeps its snapshot.
D9_an_old_transaction_lets_go_of_the_table_while_the_cutover_waits_for_it()
{
    ! is_mariadb || elsewhere "a savepoint does not let go of the table"
    setup 2000
    session_start old 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; BEGIN; SELECT COUNT(*) FROM sc_faults_numbers.d; SAVEPOINT a; SELECT COUNT(*) FROM t'
    migrate_start --kill-blockers=1h --lock-timeout 10s
    until_true "EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'LOCK TABLES %' AND STATE = 'Waiting for table metadata lock')" "the cutover waits for the table"
    session_send old 'ROLLBACK TO a; SELECT SLEEP(2)'
    until_said 'cutover, try 1: nothing was swapped: transactions from before the new table was in step are still open'
    session old COMMIT
    migrate_ends 0
    nobody_was
    same_rows 2000
}

# Another account that can do all the rest; without the right to see who holds a table, and without the one to end them.
weak_account()
{
    server_sql "CREATE USER 'sc_faults_weak'@'127.0.0.1' IDENTIFIED BY ''" "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'sc_faults_weak'@'127.0.0.1'" "GRANT ALL ON sc_faults.* TO 'sc_faults_weak'@'127.0.0.1'" \
        "CREATE USER 'sc_faults_client'@'127.0.0.1' IDENTIFIED BY ''" "GRANT SELECT ON sc_faults.* TO 'sc_faults_client'@'127.0.0.1'"
    is_mariadb || server_sql "GRANT PROCESS ON *.* TO 'sc_faults_weak'@'127.0.0.1'"
    program_url=mysql://sc_faults_weak@${url#*@}
    program_sessions=${program_sessions//sc_faults_program/sc_faults_weak}
}
plan_refuses()
{
    "$SEACHANGE" plan --source "$program_url" --table t --alter "$alter" "${@:2}" > "$out/plan" 2>&1
    [ $? = 3 ] && grep -qF "$1" "$out/plan" || fail "the plan does not refuse it: $(cat "$out/plan")"
}
D4_ending_sessions_without_the_right_to_is_refused()
{
    setup 2000
    restore() { without_plugin; server_sql "DROP USER 'sc_faults_weak'@'127.0.0.1'" "DROP USER 'sc_faults_client'@'127.0.0.1'"; }
    weak_account
    plan_refuses "who holds the table's lock cannot be told for certain" --kill-blockers
    if is_mariadb; then
        right='CONNECTION ADMIN, PROCESS'
        with_plugin || elsewhere "it has no plugin metadata_lock_info"
    else
        right=CONNECTION_ADMIN
        server_sql "GRANT SELECT ON performance_schema.* TO 'sc_faults_weak'@'127.0.0.1'"
    fi
    says="the account sc_faults_weak@127.0.0.1 may not end connections of others, as --kill-blockers asks for. GRANT $right ON *.* TO it."
    plan_refuses "$says" --kill-blockers
    migrate 3 --kill-blockers
    grep -qF "$says" "$out/stderr" || fail "it does not say why"
    nothing_left
    # One that goes on has its preflight behind it.
    reader_start
    reader=$(connection_of reader)
    migrate 75 --cutover-tries 2 --lock-timeout 200ms
    migrate 3 --kill-blockers=1s
    grep -qF "cannot go on with --kill-blockers: $says" "$out/stderr" || fail "it does not say why it does not go on"
    is_there $reader
    server_sql "GRANT $right ON *.* TO 'sc_faults_weak'@'127.0.0.1'"
    "$SEACHANGE" plan --source "$program_url" --table t --alter "$alter" --kill-blockers=90s > "$out/plan" 2>&1
    grep -q 'is ended by KILL when it has not got its locks for 90000 ms' "$out/plan" || fail "the plan does not tell that sessions are ended: $(cat "$out/plan")"
    if ! is_mariadb; then
        # root has SYSTEM_USER, and only who has it, too, ends such sessions.
        migrate 75 --kill-blockers=1s --cutover-tries 4 --lock-timeout 200ms
        grep -q "connection $reader (.*) is in the way of the cutover and cannot be ended: " "$out/stderr" || fail "it does not say that it cannot end a session of root"
        reader_end
        client() { "$SERVER_BIN/mysql" -N -B -u sc_faults_client "$@"; }
        session_start client 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN; SELECT COUNT(*) FROM t'
        reader=$(connection_of client)
        client() { "$SERVER_BIN/mysql" -N -B "$@"; }
    fi
    migrate 0 --kill-blockers=1s
    was_ended $reader
    same_rows 2000
}

# All privileges on one database are not those that can only be had on all.
F5_an_account_that_may_not_read_the_log_is_refused()
{
    setup 10
    restore() { server_sql "DROP USER 'sc_faults_weak'@'127.0.0.1'" "DROP USER 'sc_faults_client'@'127.0.0.1'"; }
    weak_account
    server_sql "REVOKE REPLICATION SLAVE ON *.* FROM 'sc_faults_weak'@'127.0.0.1'"
    plan_refuses 'may not read the binary log. GRANT REPLICATION SLAVE ON *.* TO it.'
}
