# E. Replicas: of the server that the table is on, and as that server.

. "$here/../lib/packages.sh"
. "$here/../lib/servers.sh"

# A replica of the server under test, in $replica_bin, $replica_url, $replica_ctl: what a fault called setup for is on it.
replica_of_source()
{
    local test=$name version=${SERVER_CTL%/*}
    version=${version##*/}
    servers_begin
    restore() { replica_undo; servers_end; }
    # What the test has open is not the server's.
    replica_start "${version%-*}" "$SERVER_BIN" 'sc_faults sc_faults_numbers' "$@" 8>&- 2> "$out/replica.err"
    status=$?
    name=$test
    case $status in
    0) ;;
    2) skip "$server_reason" ;;
    *) fail "$server_reason: $(tail -n 8 "$out/replica.err")" ;;
    esac
    replica_bin=$server_bin replica_url=${server_url%/}/sc_faults replica_ctl=$server_ctl
}
replica_undo() { :; }
on_replica() { printf '%s;\n' "$@" | "$replica_bin/mysql" -N -B sc_faults 2>> "$out/sql.err"; }

replica_has_it()
{
    replica_catches_up "$replica_bin" "$SERVER_BIN" 120 || fail "the replica has not caught up: $(replica_error "$replica_bin")"
    error=$(replica_error "$replica_bin")
    [ -z "$error" ] || fail "replication has stopped: $error"
}
# A table that came by a dump shows its columns' character sets also where they are the table's.
definition() { sed 's/CHARACTER SET utf8mb4 //g'; }
# Tables, their definitions and all of their rows.
same_on_replica()
{
    replica_has_it
    [ "$(on_replica 'SHOW TABLES')" = "$(sql 'SHOW TABLES')" ] || fail "the replica has other tables: $(on_replica 'SHOW TABLES' | tr '\n' ' ')"
    [ "$(on_replica 'SHOW CREATE TABLE t' | definition)" = "$(sql 'SHOW CREATE TABLE t' | definition)" ] || fail "the replica's table is another one: $(on_replica 'SHOW CREATE TABLE t')"
    for query in 'CHECKSUM TABLE t EXTENDED' "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', id, IFNULL(n, 'N'), IFNULL(v, 'N'), IFNULL(big, 'N')))) FROM t"; do
        [ "$(on_replica "$query")" = "$(sql "$query")" ] || fail "the replica's rows are others: $(on_replica "$query"), and on the primary $(sql "$query")"
    done
}

# Changes rows of all kinds until the file $out/enough is there. What each statement wrote is told by the server's own log; an error is the test's.
writer()
{
    local i=0
    while [ ! -e "$out/enough" ]; do
        i=$((i + 1))
        echo "BEGIN; UPDATE t SET n = n + 1, v = CONCAT('w', n) WHERE id = 10 * ($1 + 2 * ($i * 37 % 5000)); DELETE FROM t WHERE id = 10 * (20000 - $1 - 2 * $i);
            INSERT INTO t VALUES (10000000 * (1 + $1) + $i, $i, 'new', REPEAT('x', $i % 3000)); COMMIT;"
        sleep 0.01
    done | client sc_faults > "$out/writer$1" 2>&1 || touch "$out/writer_failed"
}
writers_start()
{
    writer 0 &
    writer_0=$!
    writer 1 &
    writer_1=$!
}
writers_end()
{
    touch "$out/enough"
    wait "$writer_0" "$writer_1"
    [ ! -e "$out/writer_failed" ] && [ ! -s "$out/writer0" ] && [ ! -s "$out/writer1" ] || fail "a client saw an error: $(cat "$out"/writer?)"
}

E1_a_replica_gets_the_new_table_under_load()
{
    setup 20000 "$with_index"
    replica_of_source
    writers_start
    migrate 0
    writers_end
    must_be "COUNT(*) > 20 FROM t WHERE v = 'new'" 1
    must_be "DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME = 't' AND COLUMN_NAME = 'n'" bigint
    same_on_replica
    same_rows_but_later
}
# The old table stands still since the swap; writers went on.
same_rows_but_later()
{
    must_be "COUNT(*) FROM $(table_of old) o LEFT JOIN t ON t.id = o.id WHERE t.id IS NULL AND o.id >= 10000000" 0
}

# From here on everything is done on the replica; the primary's clients are in $primary_bin.
go_to_replica()
{
    primary_bin=$SERVER_BIN
    SERVER_BIN=$replica_bin
    program_url=${replica_url/root@/sc_faults_program@}
    "$replica_bin/mysql" -e "SET sql_log_bin = 0; CREATE USER 'sc_faults_program'@'127.0.0.1' IDENTIFIED BY ''; GRANT ALL ON *.* TO 'sc_faults_program'@'127.0.0.1'" || fail "there is no account on the replica"
}
on_primary() { printf '%s;\n' "$@" | "$primary_bin/mysql" -N -B sc_faults 2>> "$out/sql.err" || fail "on the primary: $*"; }
replication() { "$replica_bin/mysql" -e "$(is_mariadb && echo "$1 SLAVE" || echo "$1 REPLICA")" || fail "$1 does not work"; }
never_begun() { [ -z "$(sql "SHOW TABLES LIKE '%seachange%'")" ] || fail "something was made: $(sql "SHOW TABLES LIKE '%seachange%'")"; }

E2_a_replica_is_refused()
{
    setup 1000
    replica_of_source
    replica_has_it
    go_to_replica
    migrate 3
    grep -q 'the server is a replica of 127.0.0.1' "$out/stderr" || fail "it does not say why"
    never_begun
    sql 'SET GLOBAL read_only = ON'
    migrate 3
    grep -q 'the server is read-only. Connect to the primary' "$out/stderr" || fail "it does not say that the server is read-only"
    never_begun
    replica_has_it
}

E2_rows_that_come_by_replication_end_the_migration()
{
    setup 1000
    replica_of_source
    replica_has_it
    go_to_replica
    replication STOP
    copy_held_at 5000
    grep -q 'replication is stopped' "$out/stderr" || fail "it does not warn"
    replication START
    on_primary "UPDATE t SET v = 'from the primary' WHERE id IN (10, 9000)"
    let_row 5000
    migrate_ends 4
    grep -q 'come from another server by replication' "$out/stderr" || fail "it does not say why"
    must_be "COUNT(*) FROM t WHERE v = 'from the primary'" 2
    untouched "$(rows_fingerprint)"
    SERVER_BIN=$primary_bin
    same_on_replica
}

# The usual pair, of which one is written to.
E2_servers_that_replicate_from_each_other()
{
    setup 5000
    if is_mariadb; then # without it the server does not log what comes from the other one, and is refused
        server_program restart --log-slave-updates=ON || fail "the server cannot be restarted"
    fi
    replica_of_source
    replica_has_it
    port=$("$replica_bin/mysql" -N -B -e 'SELECT @@port')
    replica_undo()
    {
        "$SERVER_BIN/mysql" -e "$(is_mariadb && echo 'STOP SLAVE; RESET SLAVE ALL' || echo 'STOP REPLICA; RESET REPLICA ALL')"
        ! is_mariadb || server_program restart
    }
    if is_mariadb; then
        sql "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = $port, MASTER_USER = 'root', MASTER_USE_GTID = current_pos" 'START SLAVE'
    else
        sql "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = $port, SOURCE_USER = 'root', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1" 'START REPLICA'
    fi
    until_ok 30 replicates_back || fail "it does not replicate: $(replica_error "$SERVER_BIN")"
    writers_start
    migrate 0
    writers_end
    grep -q 'replicate from each other' "$out/stderr" || fail "it does not warn"
    same_on_replica
}
replicates_back() { "$SERVER_BIN/mysql" -E -e 'SHOW REPLICA STATUS' | grep -qE '(Replica|Slave)_IO_Running: Yes'; }

# --- semi-synchronous replication: what a client waits for is in the log, and cannot be seen yet

# semisync TIMEOUT-MS: behind a commit the server waits for the replica for so long, in the middle of it.
semisync()
{
    if is_mariadb; then
        on_replica 'SET GLOBAL rpl_semi_sync_slave_enabled = ON' 'STOP SLAVE' 'START SLAVE'
        replica_undo() { "$SERVER_BIN/mysql" -e 'SET GLOBAL rpl_semi_sync_master_enabled = OFF'; }
        sql "SET GLOBAL rpl_semi_sync_master_timeout = $1" "SET GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_SYNC'" 'SET GLOBAL rpl_semi_sync_master_enabled = ON'
        semisync_on="(SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Rpl_semi_sync_master_clients') = '1' AND (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Rpl_semi_sync_master_status') = 'ON'"
    else
        on_replica "INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'" || skip "the plugin of semi-synchronous replication cannot be installed"
        replica_undo() { "$SERVER_BIN/mysql" -e 'SET GLOBAL rpl_semi_sync_source_enabled = OFF'; }
        [ -n "$(sql "SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'rpl_semi_sync_source'")" ] || sql "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'"
        sql "SET GLOBAL rpl_semi_sync_source_timeout = $1" 'SET GLOBAL rpl_semi_sync_source_enabled = ON'
        on_replica 'SET GLOBAL rpl_semi_sync_replica_enabled = ON' 'STOP REPLICA' 'START REPLICA'
        semisync_on="(SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Rpl_semi_sync_source_clients') = '1' AND (SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Rpl_semi_sync_source_status') = 'ON'"
    fi
    until_true "$semisync_on" "the replica acknowledges what it gets"
}
replica_process() { cat "${replica_ctl%/*}/server.pid"; }
waits_for_acknowledgement="EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for semi-sync%')"

E4_commits_that_wait_for_their_acknowledgement()
{
    setup 20000
    replica_of_source
    semisync 8000
    copy_held_at 100000
    writers_start
    sleep 1
    touch "$out/enough"
    wait "$writer_0" "$writer_1"
    session_start late
    kill -STOP "$(replica_process)"
    session_send late 'DELETE FROM t WHERE id BETWEEN 150000 AND 151000'
    until_true "$waits_for_acknowledgement" "a commit waits for the replica"
    # The log has it, and it is still to be seen: the copy meets it now.
    must_be "COUNT(*) FROM t WHERE id BETWEEN 150000 AND 151000" 101
    let_row 100000 &
    sleep 3
    kill -CONT "$(replica_process)"
    wait $!
    session late 'SELECT 1'
    migrate_ends 0
    must_be "COUNT(*) FROM t WHERE id BETWEEN 150000 AND 151000" 0
    same_on_replica
    same_rows
}

# The replica answers only when nobody waits any more.
E4_commits_whose_acknowledgement_does_not_come()
{
    setup 20000
    replica_of_source
    semisync 2000
    copy_held_at 100000
    session_start late
    kill -STOP "$(replica_process)"
    session_send late 'DELETE FROM t WHERE id BETWEEN 150000 AND 151000'
    until_true "$waits_for_acknowledgement" "a commit waits for the replica"
    let_row 100000
    migrate_ends 0
    kill -CONT "$(replica_process)"
    must_be "COUNT(*) FROM t WHERE id BETWEEN 150000 AND 151000" 0
    same_on_replica
    same_rows
}

# Behind a crash the server has what was in its log, acknowledged or not.
E4_the_server_crashes_while_a_commit_waits()
{
    setup 20000
    replica_of_source
    semisync 60000
    copy_held_at 100000 --give-up 2m
    kill -STOP "$(replica_process)"
    session_start late
    session_send late 'DELETE FROM t WHERE id BETWEEN 150000 AND 151000'
    until_true "$waits_for_acknowledgement" "a commit waits for the replica"
    server_program kill
    kill -CONT "$(replica_process)"
    server_program start
    migrate_ends 0 180
    must_be "COUNT(*) IN (0, 101) FROM t WHERE id BETWEEN 150000 AND 151000" 1
    same_on_replica
    same_rows
}
