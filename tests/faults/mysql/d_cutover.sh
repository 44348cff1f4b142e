# D. The cutover. Connections that break between its steps are in tests/integration/test_my_cutover.c.

# Clients that check at the end that every write they were told of is there: load_start, load_ends.
orders()
{
    setup 10
    sql 'CREATE TABLE orders (id bigint PRIMARY KEY, client int NOT NULL, ver int NOT NULL, u varchar(40), bk int, big mediumtext, note varchar(20), UNIQUE KEY u (u), KEY client (client))' \
        "INSERT INTO orders SELECT i * 4096 - 200000000, 0, 1, CONCAT('base-', i), NULL, NULL, 'x' FROM sc_faults_numbers.n WHERE i <= $1" \
        "INSERT INTO orders SELECT i * 4096 + 63, -1, 1, CONCAT('00', i, '-z'), NULL, NULL, 'x' FROM sc_faults_numbers.n WHERE i <= 4" # between the clients: tests/load/mysql/run.sh
}
load_start()
{
    rm -f "$out/load.in"
    mkfifo "$out/load.in"
    "${SEACHANGE%/*}/tests/sc_load_mysql" "$url" orders 4 1 20000 < "$out/load.in" > "$out/load.out" 2> "$out/load.err" &
    load=$!
    exec 8> "$out/load.in"
}
load_ends()
{
    exec 8>&-
    wait $load || fail "the clients found differences: $(head -n 5 "$out/load.err" | tr '\n' ' ')"
}
migrate_orders() { "$SEACHANGE" migrate --source "$program_url" --table orders --alter "$1" --spool-dir "$out" --log-level debug --drop-old "${@:2}" > "$out/stdout" 2> "$out/stderr" || fail "exit $?"; }

D7_clients_write_through_fifty_swaps_without_an_error()
{
    orders 200
    load_start
    until_true "(SELECT SUM(ver) > 300 FROM orders)" "the clients write"
    for i in $(seq 25); do
        migrate_orders 'MODIFY ver bigint NOT NULL'
        migrate_orders 'MODIFY ver int NOT NULL'
    done
    load_ends
    must_be "COUNT(*) FROM orders WHERE client = 0" 200
    nothing_left
}

# A transaction that reads the new table keeps it from being renamed, with everybody waiting for the source.
D3_somebody_reads_the_new_table_in_the_cutover()
{
    setup 2000
    reader_start
    migrate_start
    in_strict_mode
    session_start writer
    hold_ghost
    reader_end
    # Before the lock, or behind it; in any case it gives up, and writers go on.
    tries=$(grep -c 'cutover, try\|cutover: ' "$out/stderr")
    for i in 1 2 3; do
        session writer "UPDATE t SET n = -$i WHERE id = $i * 10"
        sleep 0.5
    done
    until_ok 30 tried_more $((tries + 2)) || fail "it is not tried again"
    must_be "COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME = '$(table_of new)'" 1
    let_ghost
    migrate_ends 0
    must_be "COUNT(*) FROM t WHERE n < 0" 3
    same_rows 2000
}
tried_more() { [ "$(grep -c 'cutover, try\|cutover: ' "$out/stderr")" -ge "$1" ]; }

# Any connection, at any time in which it tries: while it waits for the lock, drains, waits to rename.
D3_connections_are_killed_while_the_cutover_is_tried()
{
    orders 200
    load_start
    for round in 1 2 3 4; do
        session_start r$round 'BEGIN; SELECT COUNT(*) FROM orders'
        "$SEACHANGE" migrate --source "$program_url" --table orders --alter "COMMENT 'round $round'" --spool-dir "$out" --log-level debug --drop-old > "$out/stdout" 2> "$out/stderr" &
        pid=$!
        until_said 'cutover, try 1'
        for i in $(seq 8); do
            [ $i != 4 ] || session r$round COMMIT
            for one in $(server_sql "$program_sessions ORDER BY RAND() LIMIT $((1 + RANDOM % 3))"); do
                server_sql "KILL $one" || true
            done
            sleep 0.$((RANDOM % 5))
        done
        until_ok 90 ended "$pid" || fail "it goes on and on"
        wait "$pid"
        status=$?
        pid=
        # Once the cutover was tried, a lost lock may end it; the same command goes on.
        [ $status != 75 ] || migrate_orders "COMMENT 'round $round'"
        [ $status = 75 ] || [ $status = 0 ] || fail "exit $status"
        must_be "TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME = 'orders'" "round $round"
    done
    load_ends
    nothing_left
}

# Writes for as long as table going has a row, and notes the longest time that one took.
writing()
{
    "$SERVER_BIN/mysql" sc_faults <<'SQL' || fail "no procedure"
CREATE TABLE going (i int PRIMARY KEY);
CREATE TABLE stall (ms int, writes int);
INSERT INTO going VALUES (1);
DELIMITER |
CREATE PROCEDURE writes(low int)
BEGIN
    DECLARE a, b datetime(6);
    DECLARE most, i int DEFAULT 0;
    WHILE EXISTS (SELECT 1 FROM going) DO
        SET i = i + 1, a = SYSDATE(6);
        INSERT INTO t (id, n) VALUES (low + i, i);
        SET b = SYSDATE(6), most = GREATEST(most, TIMESTAMPDIFF(MICROSECOND, a, b) DIV 1000);
        DO SLEEP(0.01);
    END WHILE;
    INSERT INTO stall VALUES (most, i);
END|
SQL
    for w in 1 2; do
        session_start writer$w
        session_send writer$w "CALL writes($w * 10000000)"
    done
}
writing_ends()
{
    sql 'DELETE FROM going'
    for w in 1 2; do
        session writer$w 'SELECT 1'
        ! session_says writer$w ERROR || fail "a writer saw an error: $(grep -m 1 ERROR "$out/writer$w.out")"
    done
    stall=$(sql 'SELECT MAX(ms) FROM stall')
    echo "         longest stall of a writer: $stall ms"
    [ "$stall" -lt "$1" ] || fail "a writer waited for $stall ms"
    written=$(sql 'SELECT SUM(writes) FROM stall')
    [ "$written" -gt 50 ] || fail "the writers wrote $written rows only"
    # What was written behind the swap is in the new table alone.
    must_be "COUNT(*) FROM t" $(($2 + written))
    old=$(table_of old)
    must_be "COUNT(*) FROM $old o WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.id = o.id AND t.n <=> o.n AND t.v <=> o.v AND t.big <=> o.big)" 0
}

D4_a_long_transaction_holds_the_table()
{
    setup 2000
    reader_start
    blocker=$(sql "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Sleep' AND DB = 'sc_faults' AND USER = 'root'")
    writing
    migrate_start --lock-timeout 200ms
    in_phase cutover
    until_said 'cutover, try 4'
    grep -q "in the way: .*connection $blocker" "$out/stderr" || fail "it does not say who is in the way"
    is_swapped && fail "it is swapped"
    reader_end
    migrate_ends 0
    writing_ends 3000 2000
}

# Somebody's ALTER waits behind a long transaction: nobody can look at the table's definition, and nothing is changed yet.
D4_an_alter_waits_behind_a_long_transaction()
{
    setup 2000
    reader_start
    migrate_start
    in_strict_mode
    session_start ddl
    session_send ddl 'ALTER TABLE t ADD COLUMN extra int DEFAULT 1'
    until_true "$somebody_waits_for_table" "the statement waits for the reader"
    # The definition is looked at every ten seconds.
    ! until_ok 14 ended "$pid" || fail "it gave up"
    server_sql "KILL QUERY $(server_sql "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'root' AND STATE = 'Waiting for table metadata lock'")"
    session ddl 'SELECT 1'
    reader_end
    migrate_ends 0
    same_rows 2000
}

# A backup keeps tables from being renamed, or written: each try must end as if somebody held the table.
D4_a_backup_keeps_tables_from_being_renamed()
{
    setup 2000
    reader_start
    writing
    migrate_start
    in_strict_mode
    session_start backup
    if is_mariadb; then
        session backup 'BACKUP STAGE START; BACKUP STAGE FLUSH; BACKUP STAGE BLOCK_DDL'
    else
        session backup 'LOCK INSTANCE FOR BACKUP'
    fi
    ! session_says backup ERROR || fail "$(cat "$out/backup.out")"
    tries=$(grep -c 'cutover: ' "$out/stderr")
    reader_end
    until_ok 60 tried_more $((tries + 4)) || fail "it is not tried again"
    is_swapped && fail "it is swapped"
    is_mariadb && session backup 'BACKUP STAGE END' || session backup 'UNLOCK INSTANCE'
    migrate_ends 0
    writing_ends 8000 2000
}

D4_all_tables_are_locked_for_reading()
{
    setup 2000
    reader_start
    migrate_start
    in_strict_mode
    session_start backup 'FLUSH TABLES WITH READ LOCK'
    reader_end
    sleep 3
    is_swapped && fail "it is swapped"
    session backup 'UNLOCK TABLES'
    sql 'DELETE FROM t WHERE id = 10'
    migrate_ends 0
    # It can have come before the swap or behind it.
    sql "DELETE FROM $(table_of old) WHERE id = 10"
    same_rows 1999
}

# MySQL's RENAME waits for the backup with the table locked, so the connection can be cut in it.
rename_is_held()
{
    setup 2000
    reader_start
    migrate_start "$@"
    in_strict_mode
    session_start backup 'LOCK INSTANCE FOR BACKUP'
    reader_end
    until_true "EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND INFO LIKE 'RENAME%')" "the RENAME waits for the backup"
}
D5_the_connection_of_the_swap_is_killed_in_the_rename()
{
    ! is_mariadb || elsewhere "MariaDB's RENAME is held by readers of the new table instead"
    rename_is_held --lock-timeout 10s
    kill_sessions "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND INFO LIKE 'RENAME%'"
    sql "UPDATE t SET v = 'behind' WHERE id = 10"
    session backup 'UNLOCK INSTANCE'
    migrate_ends 0
    must_be "v FROM t WHERE id = 10" behind
    same_rows 2000
}
D5_killed_in_the_rename()
{
    ! is_mariadb || elsewhere "MariaDB's RENAME is held by readers of the new table instead"
    rename_is_held --lock-timeout 10s
    kill_it
    session backup 'UNLOCK INSTANCE'
    program_is_gone
    migrate 0
    same_rows 2000
}
D5_mariadb_is_killed_while_the_new_table_is_read()
{
    is_mariadb || elsewhere "MySQL holds the new table, too"
    for victim in program rename lock; do
        setup 2000
        reader_start
        migrate_start --lock-timeout 10s
        in_strict_mode
        hold_ghost
        reader_end
        until_true "EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND INFO LIKE 'RENAME%')" "the RENAME waits for the reader"
        if [ $victim = program ]; then
            kill_it
            let_ghost
            program_is_gone
            # With nobody there it may have gone through.
            migrate 0
        else
            [ $victim = lock ] || kill_sessions "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND INFO LIKE 'RENAME%'"
            [ $victim = rename ] || kill_sessions "$program_sessions AND INFO IS NULL"
            let_ghost
            migrate_ends 0
        fi
        same_rows 2000
        : > "$out/stderr"
    done
}

# The server itself ends in the middle of it.
D5_the_server_is_killed_in_the_swap()
{
    setup 2000
    reader_start
    migrate_start --lock-timeout 10s --give-up 120s
    in_strict_mode
    if is_mariadb; then
        hold_ghost
    else
        session_start backup 'LOCK INSTANCE FOR BACKUP'
    fi
    reader_end
    until_true "EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND INFO LIKE 'RENAME%')" "the RENAME waits"
    server_crashes
    sql "UPDATE t SET v = 'behind' WHERE id = 10"
    until_ok 120 ended "$pid" || fail "it goes on and on"
    wait "$pid"
    status=$?
    pid=
    [ $status != 75 ] || migrate 0
    [ $status = 75 ] || [ $status = 0 ] || fail "exit $status"
    must_be "v FROM t WHERE id = 10" behind
    same_rows 2000
}

# The swap is done, and its answer does not come any more.
D5_the_answer_to_a_rename_that_is_done_is_lost()
{
    is_mariadb || elsewhere "MySQL's RENAME has no place at which it is done and not answered"
    setup 2000
    SEACHANGE_FAILPOINT=table_unlocked=drop migrate_start
    migrate_ends 0
    grep -q 'failpoint table_unlocked' "$out/stderr" || fail "the answer was not lost"
    same_rows 2000
}

# The drain is committed, and then the tables cannot be swapped: what it applied must not be applied again.
D6_a_cutover_that_fails_with_its_drain_committed()
{
    setup 2000
    copy_held_at 10000 --lock-timeout 4s
    session_start writer 'BEGIN; DELETE FROM t WHERE id = 20'
    copy_let_go
    in_strict_mode
    if is_mariadb; then
        hold_ghost
    else
        session_start backup 'LOCK INSTANCE FOR BACKUP'
    fi
    cutover_waits_for_lock
    session writer "UPDATE t SET v = 'late' WHERE id = 30; INSERT INTO t (id, n, v) VALUES (5, 1, 'late'); COMMIT"
    until_true "EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND INFO LIKE 'RENAME%')" "the RENAME waits"
    : > "$out/stderr"
    until_said 'cutover, try [0-9]*: .*within 4000 ms'
    sql "UPDATE t SET v = 'behind' WHERE id = 40" # before the next try can swap
    if is_mariadb; then
        let_ghost
    else
        session backup 'UNLOCK INSTANCE'
    fi
    migrate_ends 0
    must_be "COUNT(*) FROM t WHERE (id IN (5, 30) AND v = 'late') OR (id = 40 AND v = 'behind')" 3
    same_rows 2000
}

D6_a_cutover_that_fails_again_and_again()
{
    setup 2000
    reader_start
    migrate_start --lock-timeout 100ms
    for try in 1 2 3 4 5 6; do
        until_said "cutover, try $try:"
        sql "UPDATE t SET n = n + 1 WHERE id <= 1000" "DELETE FROM t WHERE id = 1000 + $try * 10" "INSERT INTO t VALUES ($try, 1, 'try', NULL)"
        is_swapped && fail "it is swapped"
        all_is_applied 30
    done
    reader_end
    migrate_ends 0
    must_be "MIN(n - id DIV 10) FROM t WHERE id BETWEEN 10 AND 1000" 6
    same_rows 2000
}

# Drained under the lock, and then not swapped: it begins again at its checkpoint.
D6_a_cutover_that_fails_behind_its_drain()
{
    setup 2000
    writing
    reader_start
    migrate_start
    in_strict_mode
    snapshot_start
    reader_end
    until_said 'cutover, try [0-9]*: .*REPEATABLE READ'
    sql "UPDATE t SET v = 'behind' WHERE id = 10"
    all_is_applied 30
    is_swapped && fail "it is swapped"
    snapshot_end
    migrate_ends 0
    must_be "v FROM t WHERE id = 10" behind
    writing_ends 8000 2000
}

D9_a_repeatable_read_transaction_from_before()
{
    setup 2000
    snapshot_start
    migrate_start
    in_phase cutover
    until_said 'cutover, try 1: transactions from before the new table was in step are still open'
    sql 'DELETE FROM t WHERE id <= 100'
    until_said 'cutover, try 2'
    is_swapped && fail "it is swapped"
    session_sees snapshot 2000
    snapshot_end
    migrate_ends 0
    same_rows 1990
}

# Four bytes in UTF-8: MySQL's INNODB_TRX and PROCESSLIST fail while such a statement runs.
says_emoji() { session_send "$1" "SELECT SLEEP($2), '😀'"; }
D9_a_statement_with_an_emoji_is_running()
{
    setup 2000
    session_start emoji 'CREATE TABLE other (id int PRIMARY KEY); BEGIN; INSERT INTO other VALUES (1)'
    says_emoji emoji 10
    migrate 0
    same_rows 2000
}

D9_a_repeatable_read_transaction_behind_a_statement_with_an_emoji()
{
    setup 2000
    snapshot_start
    session_start emoji 'CREATE TABLE other (id int PRIMARY KEY); BEGIN; INSERT INTO other VALUES (1)'
    says_emoji emoji 60
    migrate_start
    in_phase cutover
    until_said 'cutover, try 2'
    is_swapped && fail "it is swapped"
    session_sees snapshot 2000
    snapshot_end
    migrate_ends 0
    same_rows 2000
}
