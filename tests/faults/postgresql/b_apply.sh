# B. Applying changes.

# Rows of these numbers are copied, in a chunk in flight, and still to be copied.
places()
{
    b=$(copied_upto)
    done=1000 flight=$(((b / 100 + 1) * 100)) ahead=150000
}

# Until the fence the ghost has no other index than the key's; behind it each change meets all of them.
B1_rows_that_do_not_fit_a_new_unique_index()
{
    alter="$alter, ADD CONSTRAINT t_v UNIQUE (v)"
    for duplicate in 'before UPDATE t SET v = '"'row 17'"' WHERE id = 150' "copy INSERT INTO t VALUES (5, 5, 'row 17')" "cutover INSERT INTO t VALUES (5, 5, 'row 17')" "cutover UPDATE t SET v = 'row 17' WHERE id = 150"; do
        when=${duplicate%% *} duplicate=${duplicate#* }
        setup 2000
        [ $when != before ] || sql "$duplicate"
        [ $when != copy ] || hold $copy_lock
        [ $when != cutover ] || reader_start
        migrate_start
        case $when in
        copy) copy_is_held; sql "$duplicate"; let_go $copy_lock ;;
        cutover) in_strict_mode; sql "$duplicate" ;;
        esac
        migrate_ends 4
        grep -q "t_v" "$out/stderr" || fail "it does not name the index"
        [ $when != cutover ] || session reader ROLLBACK
        is=$(rows_fingerprint)
        untouched "$is"
        : > "$out/stderr"
    done
}

B1_two_rows_exchange_a_unique_value()
{
    setup 2000 'CREATE UNIQUE INDEX t_v ON t (v)'
    reader_start
    migrate_start
    in_strict_mode
    for pair in '1000 1010' '1020 150' '160 1030'; do
        a=${pair% *} b=${pair#* }
        sql "BEGIN; UPDATE t SET v = 'away' WHERE id = $a; UPDATE t SET v = 'row ' || $a / 10 WHERE id = $b; UPDATE t SET v = 'row ' || $b / 10 WHERE id = $a; COMMIT"
    done
    reader_end
    migrate_ends 0
    must_be "count(*) FROM t WHERE v <> 'row ' || id / 10" 6
    same_rows 2000
}

B2_rows_whose_key_moves_across_the_bounds_of_chunks()
{
    setup 20000
    copy_and_apply
    places
    rows=20000
    for round in 0 1000 2000; do
        # Behind the copy: everything that the log brings now must find exactly what it says.
        if [ $round = 2000 ]; then
            reader_start
            let_go $copy_lock
            in_strict_mode
            flight=60000
        elif [ $round = 1000 ]; then
            copy_until "$(applied)"
            places
        fi
        d=$((done + round)) a=$((ahead + round)) f=$flight
        sql "UPDATE t SET id = $a + 1 WHERE id = $d" "UPDATE t SET id = $d + 1 WHERE id = $a" "UPDATE t SET id = $f + 1 WHERE id = $d + 100" "UPDATE t SET id = $d + 101 WHERE id = $f" \
            "UPDATE t SET id = $a + 101 WHERE id = $f + 100" "UPDATE t SET id = $f + 101 WHERE id = $a + 100"
        # Two that change places, one that goes on at once, one that takes the key of a row that has gone, and back again.
        sql "BEGIN; UPDATE t SET id = -1 WHERE id = $d + 200; UPDATE t SET id = $d + 200 WHERE id = $a + 200; UPDATE t SET id = $a + 200 WHERE id = -1; COMMIT" \
            "BEGIN; UPDATE t SET id = $a + 301 WHERE id = $d + 300; UPDATE t SET n = 5 WHERE id = $a + 301; UPDATE t SET id = $f + 201 WHERE id = $a + 301; COMMIT" \
            "BEGIN; DELETE FROM t WHERE id = $a + 300; UPDATE t SET id = $a + 300 WHERE id = $d + 400; COMMIT" \
            "UPDATE t SET id = $a + 401 WHERE id = $f + 300" "UPDATE t SET id = $f + 300, v = 'back' WHERE id = $a + 401" \
            "UPDATE t SET id = id + 1 WHERE id BETWEEN $d + 500 AND $d + 600"
        rows=$((rows - 1))
    done
    reader_end
    migrate_ends 0
    same_rows $rows
    must_be "count(*) FROM t WHERE v ~ '^row' AND big IS DISTINCT FROM CASE WHEN v ~ '0$' THEN repeat(substr(v, 5) || '.', 600) END" 0
}

# Updates that leave the large value alone, take it away, or move its row; NULL where there was a value, and the other way round.
values_of_each_state()
{
    for at in "$@"; do
        sql "UPDATE t SET n = n + 1 WHERE id = $at" "UPDATE t SET big = NULL WHERE id = $at + 100" "UPDATE t SET v = NULL, n = NULL WHERE id = $at + 200" \
            "UPDATE t SET id = id + 1 WHERE id = $at + 300" "BEGIN; UPDATE t SET big = repeat('new', 2000) WHERE id = $at + 400; UPDATE t SET v = 'x' WHERE id = $at + 400; COMMIT" \
            "UPDATE t SET v = NULL WHERE id IN ($at + 10, $at + 20, $at + 30)" "UPDATE t SET n = 5 WHERE id = $at + 10" "DELETE FROM t WHERE id = $at + 20" \
            "UPDATE t SET v = 'again' WHERE id = $at + 200" "UPDATE t SET id = id + 1 WHERE id = $at + 30" \
            "BEGIN; DELETE FROM t WHERE id = $at + 40; INSERT INTO t VALUES ($at + 40, NULL, NULL, NULL); UPDATE t SET v = 'one' WHERE id = $at + 40; COMMIT"
    done
}
each_state_before_in_and_after_the_copy()
{
    setup 20000 "ALTER TABLE t REPLICA IDENTITY $1"
    copy_and_apply
    places
    values_of_each_state $done $flight $ahead
    copy_until "$(applied)"
    places
    values_of_each_state $((done + 1000)) $flight $((ahead + 1000))
    reader_start
    let_go $copy_lock
    in_strict_mode
    values_of_each_state 3000 $((ahead + 3000)) $done
    reader_end
    migrate_ends 0
    must_be "count(*) FROM t WHERE id IN (1000, 3000, 150000, 153000) AND big = repeat(id / 10 || '.', 600)" 4
    must_be "count(*) FROM t WHERE id % 100 = 1 AND big IS NULL" 0
    same_rows $((20000 - 8))
}
B3_unchanged_large_values_and_nulls() { each_state_before_in_and_after_the_copy DEFAULT; }
B3_unchanged_large_values_and_nulls_with_identity_full() { each_state_before_in_and_after_the_copy FULL; }

# What is computed from a value that the log leaves out is read from the source, which is ahead: of that row nothing else may come along.
B3_a_unique_value_does_not_come_early_with_what_is_read_from_the_source()
{
    setup 2000 'ALTER TABLE t ADD u integer' 'UPDATE t SET u = id' 'CREATE UNIQUE INDEX t_u ON t (u)'
    alter="$alter, ALTER COLUMN v TYPE text USING CASE WHEN length(big) >= 0 THEN v ELSE v END"
    reader_start
    migrate_start
    in_strict_mode
    session_start blocker "BEGIN; SELECT FROM $(table_of new) WHERE id = 1000 FOR UPDATE"
    sql "UPDATE t SET v = 'read from the source' WHERE id = 1000"
    until_true "$(applier_waits_for_a_row)" "the change is being applied"
    sql 'BEGIN; UPDATE t SET u = -1 WHERE id = 1000; UPDATE t SET u = 1000 WHERE id = 1010; UPDATE t SET u = 1010 WHERE id = 1000; COMMIT'
    session blocker COMMIT
    reader_end
    migrate_ends 0
    must_be "string_agg(u || ' ' || v, ', ' ORDER BY id) FROM t WHERE id IN (1000, 1010)" '1010 read from the source, 1000 row 101'
    same_rows 2000
}

B4_deletes_and_moves_under_each_replica_identity()
{
    for identity in DEFAULT FULL 'USING INDEX t_v'; do
        setup 2000 'ALTER TABLE t ALTER v SET NOT NULL' 'CREATE UNIQUE INDEX t_v ON t (v)' "ALTER TABLE t REPLICA IDENTITY $identity" 'UPDATE t SET n = NULL WHERE id > 10000'
        reader_start
        migrate_start
        in_strict_mode
        sql 'DELETE FROM t WHERE id IN (100, 110, 10010)' 'UPDATE t SET id = id + 1 WHERE id IN (200, 210, 10000, 10020)' "UPDATE t SET v = v || 'x' WHERE id IN (300, 310, 10030, 10100)" \
            "UPDATE t SET id = id + 1, v = 'both' WHERE id = 400" 'UPDATE t SET n = 3 WHERE id IN (10040, 10050)' 'DELETE FROM t WHERE id IN (201, 300, 10040)'
        reader_end
        migrate_ends 0
        same_rows $((2000 - 6))
    done
}

B5_a_ghost_that_disagrees_with_the_log_stops_it()
{
    for story in 'DELETE FROM ghost WHERE id = 50|UPDATE t SET n = 1 WHERE id = 50' 'DELETE FROM ghost WHERE id = 50|DELETE FROM t WHERE id = 50' \
        "INSERT INTO ghost VALUES (55, 1, 'forged', NULL)|INSERT INTO t VALUES (55, 1, 'true', NULL)" 'DELETE FROM ghost WHERE id = 50|UPDATE t SET id = 51 WHERE id = 50' \
        'UPDATE ghost SET id = 51 WHERE id = 60|UPDATE t SET id = 51 WHERE id = 50'; do
        setup 1000
        reader_start
        migrate_start
        in_strict_mode
        sql "SET search_path = $(table_of new | sed 's/\.t$//')" "$(echo "${story%|*}" | sed "s/ghost/$(table_of new)/")"
        sql "${story#*|}"
        is=$(rows_fingerprint)
        migrate_ends 4
        session reader ROLLBACK
        untouched "$is"
    done
}

B8_one_transaction_with_two_million_changes_in_bounded_memory()
{
    setup 1000
    reader_start
    migrate_start --spool-memory 8MiB
    in_strict_mode
    sql 'BEGIN; INSERT INTO t SELECT i, i FROM generate_series(1000000, 2000000) i; UPDATE t SET n = 0 WHERE id BETWEEN 1000000 AND 1900000; DELETE FROM t WHERE id > 1900000; COMMIT'
    until_ok 240 is_true "$(applied)" || fail "the transaction was not applied in 240 s"
    peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' /proc/$pid/status)
    reader_end
    migrate_ends 0
    echo "         peak of memory: $peak MiB"
    [ "$peak" -lt 64 ] || fail "it took $peak MiB"
    same_rows $((1000 + 900001))
}

# The table gets another column while the program is in a phase: it must not apply a row of the new shape.
somebody_changes_it() { sql 'SET lock_timeout = 30000' 'ALTER TABLE t ADD COLUMN extra integer DEFAULT 1'; }
it_stops()
{
    sql "INSERT INTO t VALUES (1, 1, 'new shape', NULL, 2)"
    is=$(rows_fingerprint)
    [ $# = 0 ] || "$@"
    migrate_ends 4
    untouched "$is"
    must_be 'count(*) FROM t WHERE extra IS NOT NULL' 1001
}

B9_another_definition_in_the_copy()
{
    setup 1000
    hold $copy_lock
    migrate_start
    copy_is_held
    session_start ddl
    session_send ddl 'ALTER TABLE t ADD COLUMN extra integer DEFAULT 1'
    until_true "EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND NOT granted)" "the ALTER waits for the chunk"
    let_go $copy_lock
    until_true "EXISTS (SELECT FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'extra')" "the ALTER is done"
    it_stops
}

B9_another_definition_while_indexes_are_built()
{
    setup 1000 'CREATE UNIQUE INDEX t_held ON t (public.held(id))'
    hold $index_lock
    migrate_start
    in_phase index
    until_true "$(waits_for_lock $index_lock)" "the index is held"
    somebody_changes_it
    it_stops let_go $index_lock
}

B9_another_definition_in_catch_up()
{
    setup 1000 'CREATE UNIQUE INDEX t_held ON t (public.held(id))'
    hold $index_lock
    migrate_start
    until_ok 60 in_phase index
    until_true "$(waits_for_lock $index_lock)" "the index is held"
    session_start checkpoint 'BEGIN; LOCK TABLE seachange.checkpoint IN EXCLUSIVE MODE'
    sql 'UPDATE t SET n = n + 1 WHERE id = 50'
    until_said '"lag_ms":[0-9]{4}'
    let_go $index_lock
    in_phase catch-up
    somebody_changes_it
    it_stops session checkpoint COMMIT
}

B9_another_definition_while_the_cutover_is_tried()
{
    setup 1000
    reader_start
    migrate_start
    in_strict_mode
    session reader 'ALTER TABLE t ADD COLUMN extra integer DEFAULT 1; COMMIT'
    it_stops
}

# Nothing of it is in the log, and it comes when the cutover has looked for the last time before its lock.
B9_a_definition_that_the_log_does_not_tell()
{
    for statement in 'CREATE INDEX t_extra ON t (n)' "ALTER TABLE t ALTER v SET DEFAULT 'extra'" 'ALTER TABLE t ADD CONSTRAINT t_extra CHECK (n < 0) NOT VALID'; do
        setup 2000
        reader_start
        migrate_start --lock-timeout 20s
        cutover_waits_for_lock
        session reader "$statement; COMMIT"
        is=$(rows_fingerprint)
        migrate_ends 4
        grep -q 'somebody changed the definition' "$out/stderr" || fail "it does not say why"
        untouched "$is"
        : > "$out/stderr"
    done
}

B9_a_truncate_in_each_phase()
{
    setup 20000 'CREATE INDEX t_held ON t (public.held(id))'
    hold $index_lock
    copy_and_apply
    sql "UPDATE t SET v = 'gone' WHERE id IN (100, 150000)"
    session_start emptied
    session_send emptied "BEGIN; TRUNCATE t; INSERT INTO t VALUES (100, 1, 'first'), (110, 1, 'first'); COMMIT"
    until_true "EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND NOT granted)" "the TRUNCATE waits for the chunk"
    let_go $copy_lock
    in_phase index
    session emptied 'SELECT 1'
    must_be 'count(*) FROM t' 2
    session emptied "BEGIN; DELETE FROM t WHERE id = 100; TRUNCATE t; INSERT INTO t SELECT i, i, 'second' FROM generate_series(100, 200) i; COMMIT"
    reader_start
    let_go $index_lock
    in_strict_mode
    session reader "UPDATE t SET n = 0; TRUNCATE t; INSERT INTO t VALUES (100, 1, 'third')"
    session reader "DELETE FROM t; INSERT INTO t VALUES (110, 1, 'third'); COMMIT"
    migrate_ends 0
    must_be "string_agg(id || v, ',') FROM t" 110third
    same_rows 1
}
