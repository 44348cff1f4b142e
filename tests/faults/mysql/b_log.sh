# B. What the log says, and what it leaves out.

# Rows of JSON that nothing else changes are among them: a later change of the row would bring the whole value.
some_changes()
{
    case $1 in copy) at=1000 ;; index) at=2000 ;; cutover) at=3000 ;; esac
    echo "INSERT INTO t SELECT -i - $at * 1000, i, REPEAT('$1', 20), REPEAT(CONCAT(i, '-'), 400), NULL FROM sc_faults_numbers.n WHERE i <= 300"
    echo "UPDATE t SET n = n + 1, v = CONCAT(v, '$1') WHERE id BETWEEN $at AND $at + 500 OR id BETWEEN 150000 + $at AND 150500 + $at"
    echo "DELETE FROM t WHERE id IN ($at + 20, 150020 + $at)"
    echo "UPDATE t SET id = id + 1 WHERE id IN ($at + 30, 150030 + $at)"
    echo "UPDATE t SET j = JSON_SET(j, '\$.a', '$1', '\$.list[1]', $at) WHERE id IN ($at + 40, 20040 + $at, 150040 + $at, 170040 + $at)"
    echo "UPDATE t SET j = JSON_REMOVE(JSON_INSERT(j, '\$.more', REPEAT('m', 300)), '\$.long') WHERE id IN ($at + 50, 20050 + $at, 150050 + $at, 170050 + $at)"
}
# The session's settings first; a change of the server's in between.
changes_in()
{
    mapfile -t changes < <(some_changes "$1")
    sql "${settings[@]}" BEGIN "${changes[@]}" COMMIT "${changes[1]}"
    [ -z "$global" ] || server_sql "$global" || fail "$global: $(tail -n 1 "$out/sql.err")"
    sql "${settings[@]}" "${changes[1]}" 'FLUSH BINARY LOGS' "${changes[1]}" 'FLUSH BINARY LOGS' "${changes[1]}"
    [ -z "$global_back" ] || server_sql "$global_back"
}
log_is_read_with() # GLOBAL BACK SETTING...
{
    global=$1 global_back=$2 settings=("${@:3}")
    setup 20000 "$with_index" 'ALTER TABLE t ADD j json' "UPDATE t SET j = JSON_OBJECT('a', id, 'list', JSON_ARRAY(1, 'two', 3.5), 'long', REPEAT('x', 500)) WHERE id % 10 = 0 AND id % 1000 < 100"
    in_each_phase 100000 changes_in
    migrate_ends 0
    must_be "GROUP_CONCAT(JSON_UNQUOTE(JSON_EXTRACT(j, '\$.a')) ORDER BY id) FROM t WHERE id IN (21040, 22040, 23040)" copy,index,cutover
    same_rows $((20000 + 3 * 300 - 3 * 2))
}

B7_the_log_goes_on_in_another_file_in_each_phase() { log_is_read_with '' '' 'SET @none = 1'; }
B7_transactions_are_compressed()
{
    ! is_mariadb || elsewhere "it has no compressed transactions"
    log_is_read_with '' '' 'SET SESSION binlog_transaction_compression = ON' 'SET SESSION binlog_transaction_compression_level_zstd = 3'
}
B7_json_is_logged_in_part()
{
    ! is_mariadb || elsewhere "it does not log JSON in part"
    log_is_read_with '' '' 'SET SESSION binlog_row_value_options = PARTIAL_JSON'
    log_is_read_with '' '' 'SET SESSION binlog_row_value_options = PARTIAL_JSON' 'SET SESSION binlog_transaction_compression = ON'
}
B7_events_are_compressed()
{
    is_mariadb || elsewhere "it has no compressed events"
    restore() { server_sql 'SET GLOBAL log_bin_compress = OFF' 'SET GLOBAL log_bin_compress_min_len = DEFAULT'; }
    server_sql 'SET GLOBAL log_bin_compress_min_len = 10'
    log_is_read_with 'SET GLOBAL log_bin_compress = ON' 'SET GLOBAL log_bin_compress = OFF' 'SET @none = 1'
}
B7_the_log_has_no_checksums_for_a_while()
{
    restore() { server_sql 'SET GLOBAL binlog_checksum = CRC32'; }
    log_is_read_with 'SET GLOBAL binlog_checksum = NONE' 'SET GLOBAL binlog_checksum = CRC32' 'SET @none = 1'
}
B7_the_log_has_no_checksums()
{
    restore() { server_sql 'SET GLOBAL binlog_checksum = CRC32'; }
    server_sql 'SET GLOBAL binlog_checksum = NONE'
    log_is_read_with '' '' 'SET @none = 1'
}
B7_column_names_are_logged_and_statements_as_comments()
{
    restore() { server_sql 'SET GLOBAL binlog_row_metadata = DEFAULT'; }
    is_mariadb && annotate=binlog_annotate_row_events || annotate=binlog_rows_query_log_events
    log_is_read_with 'SET GLOBAL binlog_row_metadata = FULL' 'SET GLOBAL binlog_row_metadata = MINIMAL' "SET SESSION $annotate = ON"
}

B8_one_transaction_with_a_million_changes_in_bounded_memory()
{
    setup 1000
    snapshot_start
    migrate_start --spool-memory 8MiB --old-snapshot-wait 1h
    in_strict_mode
    timeout 400 "$SERVER_BIN/mysql" sc_faults -e 'BEGIN; INSERT INTO t SELECT 1000000 + a.i + 100000 * d.i, a.i, NULL, NULL FROM sc_faults_numbers.n a, sc_faults_numbers.d d WHERE d.i < 5; UPDATE t SET n = 0 WHERE id > 1000000 AND id <= 1400000; DELETE FROM t WHERE id > 1400000; COMMIT' || fail "the transaction failed"
    all_is_applied 300
    peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' /proc/$pid/status)
    snapshot_end
    migrate_ends 0
    echo "         peak of memory: $peak MiB"
    [ "$peak" -lt 96 ] || fail "it took $peak MiB"
    same_rows $((1000 + 400000))
}

# ddl_in PHASE STATEMENT: somebody changes the table while the program is in a phase. It must not apply what it does not know, or swap it away.
ddl_in()
{
    setup 2000 "$with_index"
    # Before the row that holds the copy, or the statement would come first.
    [ $1 != cutover ] || snapshot_start
    copy_held_at 10000 --old-snapshot-wait 1h
    session_start ddl
    if [ $1 = copy ]; then
        session_send ddl "$2"
        until_true "$somebody_waits_for_table" "the statement waits for the copy"
        copy_let_go
    elif [ $1 = index ]; then
        hold_ghost
        copy_let_go
        index_is_held
        session ddl "$2"
        let_ghost
    elif [ $1 = catch-up ]; then
        # A change is not applied before somebody says so.
        session_start holder "SELECT GET_LOCK('sc_faults', 60)"
        sql "CREATE TRIGGER sc_faults_hold BEFORE UPDATE ON $(table_of new) FOR EACH ROW SET NEW.id = NEW.id + 0 * GET_LOCK('sc_faults', IF(NEW.id = 50, 60, 0))"
        hold_ghost
        copy_let_go
        index_is_held
        : > "$out/stderr"
        sql 'UPDATE t SET n = n + 1 WHERE id = 50'
        until_said '"lag_ms":[0-9]{4}'
        let_ghost
        in_phase catch-up
        session ddl "$2"
        session holder "SELECT RELEASE_LOCK('sc_faults')"
    elif [ $1 = reader ]; then
        # It has the table when it waits for the reader and a try of the cutover has given up meanwhile; the next one would come behind it.
        reader_start
        copy_let_go
        in_strict_mode
        session_send ddl "$2"
        until_true "$somebody_waits_for_table" "the statement waits for the reader"
        until_ok 30 tried_more $(($(grep -c 'cutover, try' "$out/stderr") + 3)) || fail "the cutover is not tried again"
        reader_end
    else
        copy_let_go
        in_strict_mode
        session ddl "$2"
    fi
    session ddl 'SELECT 1'
    ! session_says ddl ERROR || fail "$2: $(cat "$out/ddl.out")"
    [ -z "$3" ] || sql "$3"
    [ $1 != cutover ] || snapshot_end
    is=$(ask 'SELECT COUNT(*) FROM t')
    migrate_ends 4
    grep '"level":"error"' "$out/stderr" | grep -qE 'touches or may touch table|somebody changed|Somebody dropped or changed' || fail "it does not say what happened"
    is_swapped && fail "the table is the new one"
    # By its id: there may be no such table any more.
    timeout 60 "$SEACHANGE" abort "$(sql 'SELECT id FROM _seachange_migration')" --source "$program_url" > "$out/abort" 2>&1
    status=$?
    [ $status = 0 ] || fail "seachange abort: exit $status: $(tail -n 3 "$out/abort")"
    program_is_gone
    [ "$(ask 'SELECT COUNT(*) FROM t')" = "$is" ] || fail "the source is not what it was"
    left=$(sql "SHOW TABLES LIKE '%seachange%'")
    [ -z "$left" ] || fail "abort left $left"
    : > "$out/stderr"
}
another_definition()
{
    ddl_in $1 'ALTER TABLE t ADD COLUMN extra int DEFAULT 1' "INSERT INTO t VALUES (1, 1, 'new shape', NULL, 2)"
    ddl_in $1 'ALTER TABLE t DROP INDEX t_n' ''
    ddl_in $1 'RENAME TABLE t TO moved' ''
    ddl_in $1 'RENAME TABLE t TO moved; CREATE TABLE t LIKE moved' "INSERT INTO t VALUES (1, 1, 'another', NULL)"
    ddl_in $1 'DROP TABLE t' ''
    ddl_in $1 'CREATE TRIGGER trigger_of_somebody BEFORE INSERT ON t FOR EACH ROW SET NEW.n = 1' ''
    ddl_in $1 '/* t */ /*!50000 ALTER */ TABLE sc_faults.`t` CHANGE v w varchar(200)' "INSERT INTO t VALUES (1, 1, 'new shape', NULL)"
}
B9_another_definition_in_the_copy() { another_definition copy; }
B9_another_definition_while_indexes_are_built() { another_definition index; }
B9_another_definition_in_catch_up()
{
    ddl_in catch-up 'ALTER TABLE t ADD COLUMN extra int DEFAULT 1' "INSERT INTO t VALUES (1, 1, 'new shape', NULL, 2)"
    ddl_in catch-up 'RENAME TABLE t TO moved; CREATE TABLE t LIKE moved' "INSERT INTO t VALUES (1, 1, 'another', NULL)"
}
B9_another_definition_while_the_cutover_is_tried() { another_definition cutover; }

# What the server does at once, or while everybody goes on writing.
online_definition()
{
    ddl_in $1 'ALTER TABLE t ADD COLUMN extra int DEFAULT 1, ALGORITHM=INSTANT' "INSERT INTO t VALUES (1, 1, 'new shape', NULL, 2)"
    ddl_in $1 'ALTER TABLE t ADD INDEX extra (v), ALGORITHM=INPLACE, LOCK=NONE' ''
    ddl_in $1 'CREATE INDEX extra ON t (v)' ''
    ddl_in $1 'ALTER TABLE t MODIFY v varchar(250)' "INSERT INTO t VALUES (1, 1, REPEAT('x', 250), NULL)"
    ddl_in $1 'ALTER TABLE t RENAME COLUMN v TO w' "INSERT INTO t VALUES (1, 1, 'new name', NULL)"
    # Not in the log.
    ddl_in $1 'SET SESSION sql_log_bin = 0; ALTER TABLE t ADD INDEX extra (v)' ''
}
B9_an_online_alter_in_the_copy() { online_definition copy; }
B9_an_online_alter_while_indexes_are_built() { online_definition index; }
B9_an_online_alter_while_somebody_reads_the_table_in_the_cutover() { online_definition reader; }

# Which of the two comes first is the server's choice. It is noticed, or it is done to the new table.
B9_an_alter_that_comes_while_the_cutover_waits_is_not_lost()
{
    for statement in 'ADD COLUMN extra int DEFAULT 1' 'ADD INDEX extra (v)' 'RENAME COLUMN v TO extra'; do
        setup 2000
        reader_start
        migrate_start --lock-timeout 20s
        until_true "$waits_for_table" "the cutover waits for the reader"
        session_start ddl
        session_send ddl "ALTER TABLE t $statement"
        until_true "$somebody_waits_for_table" "the statement waits, too"
        reader_end
        session ddl 'SELECT 1'
        ! session_says ddl ERROR || fail "$statement: $(cat "$out/ddl.out")"
        until_ok 90 ended "$pid" || fail "it goes on and on"
        wait "$pid"
        status=$?
        pid=
        case $status in
        0) is_swapped || fail "table t is not the new one" ;;
        4) ! is_swapped || fail "table t is the new one" ;;
        *) fail "exit $status" ;;
        esac
        echo "         $statement: exit $status"
        must_be 'COUNT(*) FROM t' 2000
        sql 'SHOW CREATE TABLE t' | grep -q extra || fail "$statement is lost"
        : > "$out/stderr"
    done
}

B9_a_truncate_in_each_phase()
{
    setup 20000 "$with_index"
    snapshot_start
    copy_held_at 100000 --old-snapshot-wait 1h
    sql "UPDATE t SET v = 'gone' WHERE id IN (1000, 150000)"
    session_start emptied
    session_send emptied "TRUNCATE t; INSERT INTO t VALUES (100, 1, 'first', NULL), (110, 1, 'first', NULL)"
    until_true "$somebody_waits_for_table" "the TRUNCATE waits for the copy"
    hold_ghost
    copy_let_go
    index_is_held
    session emptied 'SELECT 1'
    must_be 'COUNT(*) FROM t' 2
    sql 'DELETE FROM t WHERE id = 100' 'TRUNCATE TABLE t' "INSERT INTO t SELECT i, i, 'second', NULL FROM sc_faults_numbers.n WHERE i <= 200"
    let_ghost
    in_strict_mode
    sql 'UPDATE t SET n = 0' 'TRUNCATE t' "INSERT INTO t VALUES (100, 1, 'third', NULL)" 'TRUNCATE sc_faults.t' "INSERT INTO t VALUES (110, 1, 'third', NULL), (120, 1, 'third', NULL)" 'DELETE FROM t WHERE id = 120'
    snapshot_end
    migrate_ends 0
    must_be "GROUP_CONCAT(id, v) FROM t" 110third
    same_rows 1
}

image_in() { [ "$1" != "$image_when" ] || sql 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ' "SET SESSION $image" "$image_change"; }
B10_an_image_that_is_not_full_stops_it()
{
    for story in "binlog_row_image = MINIMAL|UPDATE t SET n = 1 WHERE id = 1000" "binlog_row_image = MINIMAL|DELETE FROM t WHERE id = 1000" "binlog_row_image = NOBLOB|UPDATE t SET n = 1 WHERE id = 1000" \
        "binlog_row_image = MINIMAL|INSERT INTO t (id) VALUES (7)" "binlog_format = STATEMENT|UPDATE t SET n = 1 WHERE id = 1000" "binlog_format = STATEMENT|INSERT INTO t VALUES (7, 7, NULL, NULL)" \
        "binlog_format = STATEMENT|REPLACE INTO sc_faults.\`t\` SELECT i, i, NULL, NULL FROM sc_faults_numbers.n WHERE i = 5" "binlog_format = STATEMENT|DELETE x FROM t AS x WHERE id = 1000" \
        "binlog_format = STATEMENT|UPDATE view_of_t SET n = 1 WHERE id = 1000" "binlog_format = STATEMENT|INSERT INTO other VALUES (1)"; do
        image=${story%%|*} image_change=${story#*|}
        for image_when in copy index cutover; do
            # One of each kind in each phase is enough for the rest.
            case $image_when:$story in copy:* | *MINIMAL*UPDATE* | *STATEMENT*UPDATE\ t*) ;; *) continue ;; esac
            setup 2000 "$with_index" 'CREATE VIEW view_of_t AS SELECT * FROM t' 'CREATE TABLE other (i int PRIMARY KEY)' 'CREATE TRIGGER of_other AFTER INSERT ON other FOR EACH ROW UPDATE t SET n = 1 WHERE id = 1000'
            copy_held_at 10000
            image_in copy
            [ $image_when != index ] || hold_ghost
            copy_let_go
            if [ $image_when = index ]; then
                index_is_held
                image_in index
                let_ghost
            fi
            if [ $image_when = cutover ]; then
                reader_start
                in_strict_mode
                image_in cutover
            fi
            is=$(rows_fingerprint)
            migrate_ends 4
            [ $image_when != cutover ] || session reader ROLLBACK
            grep -qE 'image|statement|binlog_format' "$out/stderr" || fail "it does not say why"
            untouched "$is"
            : > "$out/stderr"
        done
    done
}
