# V. Verification: what is in the new table is compared with what is in the source.

# The first 2000 of the rows are copied, and the others wait.
most_is_copied()
{
    setup 3000 'ALTER TABLE t ADD x numeric, ADD d double precision, ADD s text' "UPDATE t SET x = 1.0, d = 0, s = ''"
    hold $copy_lock
    migrate_start --workers 1 "$@"
    copy_until "(SELECT count(*) = 1 FROM seachange.chunk)"
}

V1_a_row_that_is_not_as_it_should_be_stops_it()
{
    for story in 'UPDATE ghost SET v = v || chr(32) WHERE id = 10000|(10000) differs' 'DELETE FROM ghost WHERE id = 10|(10) is missing' 'DELETE FROM ghost WHERE id = 20000|(20000) is missing' \
        'INSERT INTO ghost (id, n) VALUES (9999999, 1)|(9999999) should not be there' 'INSERT INTO ghost (id, n) VALUES (-5, 1)|(-5) should not be there' \
        "UPDATE ghost SET v = CASE id WHEN 10 THEN 'row 2' ELSE 'row 1' END WHERE id IN (10, 20)|(10) differs" 'UPDATE ghost SET s = NULL WHERE id = 500|(500) differs' \
        'UPDATE ghost SET x = 1.00 WHERE id = 510|(510) differs' "UPDATE ghost SET d = '-0' WHERE id = 520|(520) differs" 'UPDATE ghost SET n = NULL WHERE id = 530|(530) differs' \
        'DELETE FROM ghost|(10) is missing' "UPDATE ghost SET v = 'x'|differs"; do
        most_is_copied
        sql "$(echo "${story%|*}" | sed "s/ghost/$(table_of new)/")"
        is=$(rows_fingerprint)
        let_go $copy_lock
        until_ok 90 ended "$pid" && wait "$pid"
        [ $? = 4 ] || fail "it did not find: $story"
        pid=
        tail -n 1 "$out/stderr" | grep -qF "${story#*|}" || grep -qF "is not what the source is" "$out/stderr" || fail "it does not say which row: $(tail -n 1 "$out/stderr")"
        ! grep -q "row [0-9]" "$out/stderr" || fail "it shows a value"
        untouched "$is"
    done
}

# What was not found the same is not taken for granted by whoever goes on; what was mended passes.
V1_a_row_that_differs_is_found_again_until_it_is_mended()
{
    most_is_copied
    sql "UPDATE $(table_of new) SET v = 'forged' WHERE id IN (10, 15000, 20000)"
    let_go $copy_lock
    migrate_ends 4
    must_be "count(*) > 0 FROM seachange.verified" t # the rest of the table
    migrate 4
    sql "UPDATE $(table_of new) SET v = 'row ' || id / 10 WHERE id IN (10, 15000)"
    migrate 4
    sql "UPDATE $(table_of new) SET v = 'row 2000' WHERE id = 20000"
    migrate 0
    same_rows 3000
}

V1_with_verify_no_it_is_left_out()
{
    most_is_copied --verify=no
    sql "UPDATE $(table_of new) SET v = 'forged' WHERE id = 10"
    let_go $copy_lock
    migrate_ends 0
    must_be "v FROM t WHERE id = 10" forged
    ! grep -q 'phase verify' "$out/stderr" || fail "it was verified"
}

# Rows that are changed faster than changes are applied are never the same in both.
V2_rows_that_change_all_the_time_do_not_stop_it()
{
    setup 3000
    alter='ALTER COLUMN n TYPE bigint'
    for i in 1 2; do
        (while :; do echo "UPDATE t SET n = n + 1, v = 'round ' || n WHERE id = $i * 100;"; done | "$SERVER_BIN/psql" -X -q -d "$url" > /dev/null 2>&1) &
        writers[i]=$!
    done
    migrate_start --drop-old
    until_ok 90 ended "$pid" || fail "it did not end"
    for writer in "${writers[@]}"; do pkill -P $writer; kill $writer; wait $writer; done 2> /dev/null
    migrate_ends 0
    must_be "count(*) FROM t WHERE v LIKE 'round%'" 2
}

# The log has XML without a declaration that says nothing, the table has it as it was written: nobody is shown a difference.
V2_xml_is_compared_as_it_is_shown()
{
    setup 3000 'CREATE DOMAIN document AS xml' 'ALTER TABLE t ADD x xml, ADD y document'
    hold $copy_lock
    migrate_start --workers 1
    copy_until "(SELECT count(*) = 1 FROM seachange.chunk)"
    sql "UPDATE t SET x = '<?xml version=\"1.0\"?><r/>', y = '<?xml version=\"1.0\"?><r/>' WHERE id IN (10, 20)"
    let_go $copy_lock
    migrate_ends 0
    same_rows 3000
}
