# D. Foreign keys out of the table, when a table stays busy. MySQL puts them on under the cutover's lock; MariaDB behind the swap.

with_parent=('CREATE TABLE p (id bigint PRIMARY KEY)' 'INSERT INTO p VALUES (1), (2)' 'ALTER TABLE t ADD parent bigint NOT NULL DEFAULT 1, ADD CONSTRAINT t_parent FOREIGN KEY (parent) REFERENCES p (id)')
# Somebody reads the new table from the moment of the swap on: the key cannot be put on.
swapped_and_busy()
{
    setup 2000 "${with_parent[@]}"
    reader_start
    migrate_start --lock-timeout 20s
    until_true "$waits_for_table" "the cutover waits for the reader"
    session_start busy
    session_send busy 'BEGIN; SELECT COUNT(*) FROM t'
    until_true "$somebody_waits_for_table" "the next reader waits for the cutover"
    reader_end
    until_ok 60 foreign_is_missing || fail "it is not swapped, or the foreign key is there"
}
let_go_of_it() { session busy COMMIT; }
foreign_is_missing() { [ "$(keys_of t)" = 0 ] && is_swapped; }
keys_of() { sql "SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'sc_faults' AND TABLE_NAME = '$1' AND REFERENCED_TABLE_NAME = 'p' AND CONSTRAINT_NAME LIKE 't_parent%'"; }
key_holds()
{
    [ "$(keys_of t)" = 1 ] || fail "the foreign key has not come back"
    ! ask 'INSERT INTO t (id, parent) VALUES (7, 99)' || fail "it does not hold"
    [ "$(keys_of "$(table_of old)")" = 0 ] || fail "the old table still has it"
}

D8_somebody_uses_the_table_that_a_foreign_key_refers_to()
{
    setup 2000 "${with_parent[@]}"
    session_start parent 'BEGIN; SELECT COUNT(*) FROM p'
    migrate_start
    if ! is_mariadb; then
        until_said 'cutover, try 2'
        grep -q 'uses a table that a foreign key refers to' "$out/stderr" || fail "it does not say what it waits for"
        is_swapped && fail "it is swapped"
        sql 'DELETE FROM t WHERE id = 100' 'INSERT INTO t (id, parent) VALUES (5, 2)'
        session parent COMMIT
    fi
    migrate_ends 0
    key_holds
    same_rows 2000
}

D8_a_foreign_key_comes_back_when_the_table_stays_busy()
{
    is_mariadb || elsewhere "MySQL puts it on under the lock"
    swapped_and_busy
    sql 'DELETE FROM t WHERE id = 100' 'INSERT INTO t (id, parent) VALUES (5, 2)'
    until_said_twice '"level":"warning".*trying again'
    ! ended $pid || fail "it gave up"
    [ "$(keys_of t)" = 0 ] || fail "the foreign key is there, and nobody waited"
    let_go_of_it
    migrate_ends 0
    key_holds
    ! grep -q 'no row to refer to' "$out/stdout" || fail "it speaks of rows that do not fit"
    must_be 'COUNT(*) FROM t' 2000
    sql "DELETE FROM t WHERE id = 5" "DELETE FROM $(table_of old) WHERE id = 100"
    same_rows 1999
}

# The process, or a connection, ends while it waits; and meanwhile somebody writes a row that has no parent.
D8_a_foreign_key_comes_back_when_it_is_killed_while_the_table_is_busy()
{
    is_mariadb || elsewhere "MySQL puts it on under the lock"
    for victim in program connections; do
        swapped_and_busy
        sql 'INSERT INTO t (id, parent) VALUES (5, 99)'
        if [ $victim = program ]; then
            kill_it
            migrate_start
        else
            kill_sessions "$program_sessions"
        fi
        sleep 1
        let_go_of_it
        migrate_ends 0
        key_holds
        grep -q 't_parent.*no row to refer to' "$out/stdout" || fail "it does not tell of the row that does not fit"
        sql 'DELETE FROM t WHERE id = 5'
        same_rows 2000
        : > "$out/stderr"
    done
}

# Stopped while it waits: it says what is missing, and the same command puts it on.
D8_stopped_while_the_table_is_busy()
{
    is_mariadb || elsewhere "MySQL puts it on under the lock"
    swapped_and_busy
    kill -TERM $pid
    migrate_ends 75 15
    grep -q 'cleaning up did not end' "$out/stdout" || fail "it does not say what is left to do"
    [ "$(keys_of t)" = 0 ] || fail "the foreign key is there"
    let_go_of_it
    migrate 0
    key_holds
    same_rows 2000
}
