# B. Applying changes.

# Two rows exchange a unique value, by way of one that nobody has.
exchange()
{
    sql "SET @a = (SELECT v FROM t WHERE id = $1), @b = (SELECT v FROM t WHERE id = $2)" BEGIN "UPDATE t SET v = 'away' WHERE id = $1" "UPDATE t SET v = @a WHERE id = $2" "UPDATE t SET v = @b WHERE id = $1" COMMIT
}
exchange_in()
{
    case $1 in
    # Copied and not, in both orders; both copied; both not.
    copy) exchange 1000 150000; exchange 160000 2000; exchange 3000 4000; exchange 170000 180000 ;;
    index) exchange 5000 165000 ;;
    cutover) exchange 6000 166000; exchange 6000 7000; exchange 8000 9000 ;;
    esac
}
B1_two_rows_exchange_a_unique_value()
{
    for null in NULL 'NOT NULL'; do
        setup 20000 "ALTER TABLE t MODIFY v varchar(200) $null" 'CREATE UNIQUE INDEX t_v ON t (v)'
        in_each_phase 100000 exchange_in
        migrate_ends 0
        must_be "COUNT(*) FROM t WHERE v <> CONCAT('row ', id DIV 10)" 15
        same_rows 20000
    done
}

duplicate_in() { [ "$1" != "$duplicate_when" ] || sql "UPDATE t SET v = 'row 17' WHERE id IN (150000, 160000)"; }
B1_rows_that_do_not_fit_a_new_unique_index()
{
    alter='MODIFY n bigint, ADD UNIQUE INDEX t_v (v)'
    for duplicate_when in before copy index cutover; do
        setup 20000 "$with_index"
        duplicate_in before
        copy_held_at 100000
        duplicate_in copy
        hold_ghost
        copy_let_go
        index_is_held
        duplicate_in index
        [ $duplicate_when != cutover ] || reader_start
        let_ghost
        [ $duplicate_when != cutover ] || in_strict_mode
        duplicate_in cutover
        migrate_ends 4
        grep -q "t_v" "$out/stderr" || fail "it does not name the index"
        [ $duplicate_when != cutover ] || session reader ROLLBACK
        is=$(rows_fingerprint)
        untouched "$is"
        : > "$out/stderr"
    done
}

# One that comes, where others change: it must not take the place of the row it conflicts with.
B1_a_new_row_that_does_not_fit_a_new_unique_index()
{
    alter='MODIFY n bigint, ADD UNIQUE INDEX t_v (v)'
    setup 2000
    reader_start
    migrate_start
    in_strict_mode
    sql "INSERT INTO t VALUES (5, 5, 'row 17', NULL)"
    migrate_ends 4
    grep -q t_v "$out/stderr" || fail "it does not name the index"
    session reader ROLLBACK
    is=$(rows_fingerprint)
    untouched "$is"
}

# Rows of these numbers are copied, in a chunk in flight, and still to be copied.
moves_in()
{
    case $1 in copy) round=0 flight=100100 ;; index) round=1000 flight=60000 ;; cutover) round=2000 flight=65000 ;; esac
    d=$((1000 + round)) a=$((150000 + round)) f=$flight
    sql "UPDATE t SET id = $a + 1 WHERE id = $d" "UPDATE t SET id = $d + 1 WHERE id = $a" "UPDATE t SET id = $f + 1 WHERE id = $d + 100" "UPDATE t SET id = $d + 101 WHERE id = $f" \
        "UPDATE t SET id = $a + 101 WHERE id = $f + 100" "UPDATE t SET id = $f + 101 WHERE id = $a + 100"
    # Two that change places, one that goes on at once, one that takes the key of a row that has gone, and back again.
    sql BEGIN "UPDATE t SET id = -1 WHERE id = $d + 200" "UPDATE t SET id = $d + 200 WHERE id = $a + 200" "UPDATE t SET id = $a + 200 WHERE id = -1" COMMIT \
        BEGIN "UPDATE t SET id = $a + 301 WHERE id = $d + 300" "UPDATE t SET n = 5 WHERE id = $a + 301" "UPDATE t SET id = $f + 201 WHERE id = $a + 301" COMMIT \
        BEGIN "DELETE FROM t WHERE id = $a + 300" "UPDATE t SET id = $a + 300 WHERE id = $d + 400" COMMIT \
        "UPDATE t SET id = $a + 401 WHERE id = $f + 300" "UPDATE t SET id = $f + 300, v = 'back' WHERE id = $a + 401" \
        "UPDATE t SET id = id + 1 WHERE id BETWEEN $d + 500 AND $d + 600 ORDER BY id DESC"
    [ $1 = index ] || all_is_applied
}
B2_rows_whose_key_moves_across_the_bounds_of_chunks()
{
    setup 20000 "$with_index"
    in_each_phase 100000 moves_in
    migrate_ends 0
    must_be "COUNT(*) FROM t WHERE v LIKE 'row%' AND NOT (big <=> IF(v LIKE '%0', REPEAT(CONCAT(SUBSTR(v, 5), '.'), 600), NULL))" 0
    same_rows $((20000 - 3))
}

# NULL where there was a value, and the other way round; changes of one row that follow each other.
values_in()
{
    case $1 in copy) places='1000 100100 150000' ;; index) places='2000 60000' ;; cutover) places='3000 153000' ;; esac
    for at in $places; do
        sql "UPDATE t SET n = n + 1 WHERE id = $at" "UPDATE t SET big = NULL WHERE id = $at + 100" "UPDATE t SET v = NULL, n = NULL WHERE id = $at + 200" \
            "UPDATE t SET id = id + 1 WHERE id = $at + 300" BEGIN "UPDATE t SET big = REPEAT('new', 2000) WHERE id = $at + 400" "UPDATE t SET v = 'x' WHERE id = $at + 400" COMMIT \
            "UPDATE t SET v = NULL WHERE id IN ($at + 10, $at + 20, $at + 30)" "UPDATE t SET n = 5 WHERE id = $at + 10" "DELETE FROM t WHERE id = $at + 20" \
            "UPDATE t SET v = 'again' WHERE id = $at + 200" "UPDATE t SET id = id + 1 WHERE id = $at + 30" "UPDATE t SET v = '' WHERE id = $at + 50" \
            BEGIN "DELETE FROM t WHERE id = $at + 40" "INSERT INTO t VALUES ($at + 40, NULL, NULL, NULL)" "UPDATE t SET v = 'one' WHERE id = $at + 40" COMMIT
    done
}
B3_values_that_become_null_and_come_back()
{
    setup 20000 "$with_index"
    in_each_phase 100000 values_in
    migrate_ends 0
    same_rows $((20000 - 7))
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
        sql "$(echo "${story%|*}" | sed "s/ghost/$(table_of new)/")"
        sql "${story#*|}"
        is=$(rows_fingerprint)
        migrate_ends 4
        session reader ROLLBACK
        untouched "$is"
    done
}

# A value that does not fit is not made to fit: neither in the copy nor where the log brings it.
bad_value_in() { [ "$1" != "$bad_when" ] || sql "UPDATE t SET $bad_value WHERE id = 5000"; }
B6_a_value_that_does_not_fit_stops_it()
{
    for story in 'MODIFY n tinyint|n = 128' 'MODIFY n int unsigned|n = -1' "MODIFY v varchar(8)|v = '123456789'" "MODIFY v varchar(200) CHARACTER SET latin1|v = '日本'" 'MODIFY n int NOT NULL|n = NULL' \
        "MODIFY v datetime|v = '2024-02-30'" "MODIFY v enum('','a')|v = 'b'" "MODIFY v decimal(4,2)|v = '123.4'" "MODIFY v varbinary(3)|v = 'abcd'"; do
        alter=${story%|*} bad_value=${story#*|}
        for bad_when in before cutover; do
            setup 1000 'UPDATE t SET n = 1, v = NULL, big = NULL'
            case $alter in *NOT\ NULL*) sql "UPDATE t SET n = 2" ;; esac
            bad_value_in before
            [ $bad_when = before ] || reader_start
            migrate_start
            if [ $bad_when = cutover ]; then
                in_strict_mode
                bad_value_in cutover
            fi
            is=$(rows_fingerprint)
            migrate_ends 4
            ! grep -qE '123456789|日本|2024-02-30|123\.4|abcd' "$out/stderr" || fail "a value of a row is in the log"
            [ $bad_when = before ] || session reader ROLLBACK
            untouched "$is"
        done
    done
}

members_in() { sql "UPDATE t SET e = 'c', s = 'z,x' WHERE id = 1000" "UPDATE t SET e = 'a', s = '' WHERE id = 2000" "INSERT INTO t VALUES (${#1}, 1, '$1', NULL, 'b', 'y')" "UPDATE t SET v = '$1' WHERE id = 3000"; }
B6_members_of_enum_and_set_keep_their_names()
{
    alter="MODIFY n bigint, MODIFY e enum('c','new','b','a'), MODIFY s set('z','y','new','x')"
    setup 2000 "ALTER TABLE t ADD e enum('a','b','c') DEFAULT 'a', ADD s set('x','y','z')" "UPDATE t SET e = 1 + id / 10 % 3, s = id / 10 % 8" "$with_index"
    in_each_phase 10000 members_in
    migrate_ends 0
    old=$(table_of old)
    must_be "COUNT(*) FROM t JOIN $old o USING (id) WHERE NOT (CONCAT(t.e) <=> CONCAT(o.e) AND SIGN(FIND_IN_SET('x', t.s)) = SIGN(FIND_IN_SET('x', o.s)) AND SIGN(FIND_IN_SET('z', t.s)) = SIGN(FIND_IN_SET('z', o.s)))" 0
    must_be "COUNT(*) FROM t JOIN $old o USING (id) WHERE t.n <=> o.n AND t.v <=> o.v" 2003
    must_be "COUNT(*) FROM t" 2003
}
