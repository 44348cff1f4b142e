# A. Ordering a copied row against its changes.

semi_sync_begin()
{
    is_mariadb || server_sql "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'" || true
    restore() { semi_sync OFF; }
}
# semi_sync ON|OFF: with no replica, each commit waits between the log and the engine. With OFF all of them go on.
semi_sync()
{
    is_mariadb && side=master no_replica=slave || { side=source no_replica=replica; }
    [ $1 = OFF ] || server_sql "SET GLOBAL rpl_semi_sync_${side}_wait_point = AFTER_SYNC" "SET GLOBAL rpl_semi_sync_${side}_timeout = 600000" "SET GLOBAL rpl_semi_sync_${side}_wait_no_$no_replica = ON" || fail "no semi-synchronous replication: $(tail -n 1 "$out/sql.err")"
    server_sql "SET GLOBAL rpl_semi_sync_${side}_enabled = $1"
}

# Of a server that may not answer for its log.
log_bytes() { cat "$SERVER_DATA"/binlog.0* | wc -c; }

A1_a_commit_delivered_before_it_is_visible()
{
    semi_sync_begin
    setup 20000
    copy_held_at 100000
    all_is_applied
    semi_sync ON
    before=$(log_bytes)
    i=0
    for change in 'DELETE FROM t WHERE id = 110000' "UPDATE t SET v = 'new', n = 7 WHERE id = 120000" 'DELETE FROM t WHERE id BETWEEN 150000 AND 151000' 'UPDATE t SET id = 130005 WHERE id = 130010' \
        'DELETE FROM t WHERE id = 10'; do
        i=$((i + 1))
        session_start writer$i
        session_send writer$i "$change"
        until_true "(SELECT COUNT(*) = $i FROM information_schema.PROCESSLIST WHERE DB = 'sc_faults' AND USER = 'root' AND (INFO LIKE 'DELETE%' OR INFO LIKE 'UPDATE%'))" "the writer waits"
    done
    until_true "EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for semi-sync ACK%')" "a commit waits for a replica"
    must_be 'COUNT(*) FROM t' 20000
    [ "$(log_bytes)" -gt "$before" ] || fail "nothing of it is in the log"
    sleep 2
    copy_let_go
    sleep 1
    must_be "COUNT(*) FROM $(table_of new) WHERE id >= 110000 AND id <> 130005" 0
    must_be 'COUNT(*) FROM t' 20000
    semi_sync OFF
    migrate_ends 0
    must_be "v FROM t WHERE id = 120000" new
    must_be "COUNT(*) FROM t WHERE id IN (10, 110000, 130010)" 0
    same_rows $((20000 - 1 - 101 - 1))
}

# What it changes is in the log before the migration begins to read it, and nobody sees it until it is committed.
A1_a_transaction_prepared_before_the_migration_begins()
{
    for end in COMMIT ROLLBACK; do
        setup 8000
        session_start xa "XA START 'a'; UPDATE t SET v = 'prepared' WHERE id = 40000; DELETE FROM t WHERE id = 70000; INSERT INTO t VALUES (70005, 1, 'prepared', NULL); UPDATE t SET id = 5 WHERE id = 60000; XA END 'a'; XA PREPARE 'a'"
        migrate_start --workers 1 --chunk-time 20ms
        copy_is_held
        sql "UPDATE t SET v = 'other' WHERE id = 50000"
        session xa "XA $end 'a'"
        migrate_ends 0
        [ $end = ROLLBACK ] || must_be "GROUP_CONCAT(id ORDER BY id) FROM t WHERE v = 'prepared'" 40000,70005
        same_rows 8000
    done
}

# Prepared while it copies, committed when another run has taken over from one that was killed.
A1_a_transaction_prepared_before_a_kill_and_committed_behind_it()
{
    setup 8000
    copy_held_at 40000
    session_start xa "XA START 'a'; UPDATE t SET v = 'prepared' WHERE id IN (20000, 50000); DELETE FROM t WHERE id IN (30000, 70000); INSERT INTO t VALUES (70005, 1, 'prepared', NULL); XA END 'a'; XA PREPARE 'a'"
    all_is_applied
    kill_it
    its_sessions_end
    migrate_start --workers 1 --chunk-time 20ms
    copy_is_held
    sql "UPDATE t SET v = 'other' WHERE id = 100"
    all_is_applied
    session xa "XA COMMIT 'a'"
    copy_let_go
    migrate_ends 0
    must_be "GROUP_CONCAT(id ORDER BY id) FROM t WHERE v = 'prepared'" 20000,50000,70005
    same_rows $((8000 - 2 + 1))
}

# Behind all rows that are there, so that nothing but the end of the table tells of it.
A4_a_row_prepared_at_the_end_before_the_migration_begins()
{
    setup 2000
    session_start xa "XA START 'a'; INSERT INTO t VALUES (1000000, 1, 'prepared', NULL); XA END 'a'; XA PREPARE 'a'"
    migrate_start --workers 1
    until_true "$waits_for_row OR $(phase_is cutover)" "the copy waits for the row"
    session xa "XA COMMIT 'a'"
    migrate_ends 0
    same_rows 2001
}

A2_a_change_in_the_range_of_a_chunk_in_flight()
{
    setup 8000
    copy_held_at 40000
    # Committed while the chunk waits for a row before them; and open until that is in.
    sql "DELETE FROM t WHERE id = 40010" "UPDATE t SET v = 'changed' WHERE id = 40020" "INSERT INTO t VALUES (40021, 1, 'come', NULL)" \
        "UPDATE t SET id = id + 1 WHERE id = 40030" "DELETE FROM t WHERE id BETWEEN 40040 AND 40100"
    session_start open "BEGIN; DELETE FROM t WHERE id = 40110; UPDATE t SET v = 'late' WHERE id IN (50, 40120, 70000); DELETE FROM t WHERE id IN (60, 70010)"
    all_is_applied
    must_be "COUNT(*) FROM $(table_of new) WHERE id IN (60, 40010, 40110)" 1
    copy_let_go
    # It goes up to the row that is being deleted, and waits.
    until_true "EXISTS (SELECT 1 FROM $(table_of new) WHERE id = 40031)" "the chunk goes on"
    copy_is_held
    must_be "COUNT(*) FROM $(table_of new) WHERE id >= 40110 AND id <> 70000" 0
    session open COMMIT
    migrate_ends 0
    must_be "GROUP_CONCAT(v ORDER BY id) FROM t WHERE id IN (50, 40020, 40120, 70000)" late,changed,late,late
    same_rows $((8000 - 1 + 1 - 7 - 1 - 2))
}

# Keys that are equal for the server and differ as bytes. A large batch is applied in parts, by the key: both must not come into different ones.
A2_keys_that_are_equal_in_other_letters()
{
    setup 3000 'UPDATE t SET big = NULL' 'ALTER TABLE t DROP PRIMARY KEY, MODIFY v varchar(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL, ADD PRIMARY KEY (v)'
    reader_start
    migrate_start --workers 2
    in_strict_mode
    sql 'UPDATE t SET v = UPPER(v)'
    until_true "(SELECT COUNT(*) = 3000 FROM $(table_of new) WHERE CAST(v AS BINARY) LIKE 'ROW%')" "it is applied"
    reader_end
    migrate_ends 0
    must_be "COUNT(*) FROM t WHERE CAST(v AS BINARY) LIKE 'ROW%'" 3000
    same_rows 3000
}

A4_rows_that_come_before_and_behind_the_bounds_of_the_copy()
{
    setup 5000
    copy_held_at 10000
    sql "INSERT INTO t SELECT 60000 + i, i, 'above', NULL FROM sc_faults_numbers.n WHERE i <= 1000" "INSERT INTO t SELECT -i, i, 'below', NULL FROM sc_faults_numbers.n WHERE i <= 500"
    session_start open "BEGIN; INSERT INTO t VALUES (70000, 1, 'open above', NULL), (-70000, 1, 'open below', NULL)"
    copy_goes_to 20000
    session open COMMIT
    sql "INSERT INTO t VALUES (80000, 1, 'last', NULL)"
    copy_let_go
    migrate_ends 0
    same_rows $((5000 + 1000 + 500 + 2 + 1))
}

# keys TYPE VALUE...: the table has them as its key; the copy waits at one in the middle, and rows change and go around it.
keys()
{
    setup 1
    type=$1
    shift
    literals=("$@") values= i=0
    for value in "$@"; do
        i=$((i + 1))
        values="$values${values:+, }($value, $i, 'row', NULL)"
    done
    sql 'DROP TABLE t' "CREATE TABLE t (id $type PRIMARY KEY, n int, v varchar(200), big mediumtext)" "INSERT INTO t VALUES $values"
    mapfile -t order < <(sql 'SELECT n FROM t ORDER BY id')
    at() { n=${order[$1]}; echo "id = ${literals[n - 1]}"; }
    session_start holder "BEGIN; SELECT n FROM t WHERE $(at $((i / 2))) FOR UPDATE"
    migrate_start --workers 1 --chunk-time 10ms
    copy_is_held
    sql "UPDATE t SET v = 'changed' WHERE $(at 0)" "UPDATE t SET v = 'changed' WHERE $(at $((i - 1)))" "DELETE FROM t WHERE $(at 1)"
    session holder COMMIT
    migrate_ends 0
    must_be "COUNT(*) FROM t WHERE v = 'changed'" 2
    same_rows $((i - 1))
}
A3_keys_at_the_ends_of_their_types()
{
    keys bigint -9223372036854775808 -9223372036854775807 -1 0 1 2 9223372036854775806 9223372036854775807
    keys 'bigint unsigned' 0 1 9223372036854775807 9223372036854775808 9223372036854775809 18446744073709551614 18446744073709551615
    keys 'decimal(65,30)' -99999999999999999999999999999999999.999999999999999999999999999999 -0.000000000000000000000000000001 0 0.000000000000000000000000000001 1 99999999999999999999999999999999999.999999999999999999999999999999
    keys 'binary(4)' "x'00000000'" "x'00000001'" "x'27'" "x'5c'" "x'61626300'" "x'ffffffff'"
    keys 'varbinary(10)' "x''" "x'00'" "x'0000'" "x'27'" "x'5c'" "x'6162'" "x'616200'" "x'ff'"
    keys 'datetime(6)' "'1000-01-01'" "'1970-01-01 00:00:00.000001'" "'2024-02-29 23:59:59.999999'" "'2024-03-31 02:30:00'" "'9999-12-31 23:59:59.999999'"
    keys 'timestamp(6) DEFAULT CURRENT_TIMESTAMP(6)' "'1970-01-02 00:00:01'" "'2001-09-09 01:46:40.5'" "'2024-10-27 01:30:00'" "'2024-10-27 02:30:00'" "'2038-01-18 03:14:07.999999'"
    keys 'time(6)' "'-838:59:59'" "'-00:00:00.000001'" "'00:00:00'" "'12:00:00.5'" "'838:59:59'"
    keys double -1.7976931348623157e308 -0.1 -4.9e-300 0 4.9e-300 0.1 0.30000000000000004 1.7976931348623157e308
}
A3_keys_whose_order_is_not_that_of_their_bytes()
{
    keys 'varchar(20) COLLATE utf8mb4_unicode_ci' "''" "'a'" "'B'" "'c'" "'Ä1'" "'ß'" "'zz'" "'日本'" "'''%_'"
    keys 'varchar(20) CHARACTER SET latin1 COLLATE latin1_german2_ci' "'a'" "'ä'" "'B'" "'ÿ'" "'öd'" "'zz'"
    keys "enum('z','y','a','b')" "'z'" "'a'" "'y'" "'b'"
    keys "char(5) COLLATE utf8mb4_bin" "'a'" "'A'" "''" "'~'" "'😀'" "'b'"
    ! is_mariadb || keys uuid "'00000000-0000-0000-0000-000000000000'" "'ffffffff-ffff-ffff-ffff-ffffffffffff'" "'11111111-0000-1000-8000-000000000002'" "'22222222-0000-1000-8000-000000000001'"
}

# The copy waits at a row in the middle, and so goes on from bounds on both sides of it, in rows that are equal in the first columns.
A3_composite_keys_across_bounds()
{
    for key in 'a, id' 'a, n, id' 'v, a, id'; do
        setup 3000 "ALTER TABLE t ADD a int NOT NULL DEFAULT 0, MODIFY n int NOT NULL, MODIFY v varchar(200) NOT NULL" "UPDATE t SET a = id DIV 10 % 3, v = CONCAT('v', id DIV 10 % 2)" "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY ($key)"
        hold_row 15000
        migrate_start --workers 1 --chunk-time 10ms
        copy_is_held
        let_row 15000
        migrate_ends 0
        same_rows 3000
        : > "$out/stderr"
    done
}

# Transactions of one or two random changes to rows of a range: values change, rows go, come, move and change places.
churning()
{
    "$SERVER_BIN/mysql" sc_faults <<'SQL' || fail "no procedure"
DELIMITER |
CREATE PROCEDURE churn(low bigint, high bigint, times int)
BEGIN
    DECLARE k, l bigint;
    DECLARE i int DEFAULT 0;
    SET autocommit = 0;
    WHILE i < times DO
        SET i = i + 1, k = FLOOR((low + RAND() * (high - low)) / 10) * 10, l = FLOOR((low + RAND() * (high - low)) / 10) * 10;
        CASE FLOOR(RAND() * 8)
        WHEN 0 THEN UPDATE t SET n = n + 1 WHERE id IN (k, l);
        WHEN 1 THEN UPDATE t SET big = REPEAT(CONCAT(i, ' new '), 500) WHERE id = k;
        WHEN 2 THEN UPDATE t SET big = NULL, v = NULL WHERE id = k; UPDATE t SET v = i WHERE id = l;
        WHEN 3 THEN DELETE FROM t WHERE id = k;
        WHEN 4 THEN INSERT IGNORE INTO t VALUES (k, i, 'come', REPEAT(CONCAT(i, ' come '), 500));
        WHEN 5 THEN IF NOT EXISTS (SELECT 1 FROM t WHERE id = l) THEN UPDATE t SET id = l WHERE id = k; END IF; UPDATE t SET n = n + 1 WHERE id = l;
        WHEN 6 THEN
            IF k <> l THEN
                UPDATE t SET id = -k WHERE id = k;
                UPDATE t SET id = k WHERE id = l;
                UPDATE t SET id = l WHERE id = -k;
            END IF;
        ELSE DELETE FROM t WHERE id = k; INSERT IGNORE INTO t VALUES (k, i, 'again', NULL);
        END CASE;
        IF i % 3 > 0 THEN
            COMMIT;
        END IF;
    END WHILE;
    COMMIT;
    SET autocommit = 1;
END|
SQL
}

A5_chunks_that_are_ahead_of_the_log_and_behind_it()
{
    setup 12000 'CREATE UNIQUE INDEX t_id_n ON t (id, n)'
    churning
    # The rows that hold the copy are never chosen.
    sql 'INSERT INTO t (id) VALUES (20001), (40001), (60001), (80001), (100001)'
    copy_held_at 20001
    for next in 40001 60001 80001 100001; do
        sql "CALL churn($held_at - 2000, $held_at + 6000, 60)" "CALL churn(10, 120000, 20)"
        copy_goes_to $next
    done
    reader_start
    copy_let_go
    in_strict_mode
    sql 'CALL churn(1000, 100000, 300)'
    reader_end
    migrate_ends 0
    same_rows
}
