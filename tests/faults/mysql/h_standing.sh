# The log does not say what columns are called, nor what the numbers of an enum mean.
H4_a_table_that_was_changed_meanwhile_is_not_guessed_at()
{
    stream_setup
    sql "ALTER TABLE u ADD COLUMN w varchar(200)"
    stream_runs
    fill_u 3 0
    sent u 3
    stream_stopped
    sql "INSERT INTO u VALUES (1000, 'v', 'w')" "ALTER TABLE u RENAME COLUMN v TO x, RENAME COLUMN w TO v" "ALTER TABLE u RENAME COLUMN x TO w"
    stream_start
    stream_ends 3
    until_said 'table sc_faults.u has another form than when stream main was begun'
    sent u 3
    stream_removed
}

# Rows that the storage engine deletes by a foreign key are not in the log before MySQL 9.6, nor in MariaDB's.
H3_rows_that_only_the_engine_knows_of()
{
    is_mariadb || elsewhere "it logs what foreign keys do"
    stream_setup
    sql "CREATE TABLE child (id int PRIMARY KEY, t bigint, FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE)"
    tables=child stream_start
    stream_ends 3
    until_said 'table child cannot be followed: .*foreign key'
    nothing_stored
}

H3_one_of_another_server_can_be_removed()
{
    stream_setup
    stream_runs
    stream_stopped
    sql "UPDATE _seachange_stream SET server_identity = 'another'"
    stream_start
    stream_ends 3
    until_said 'was begun on server another'
    stream_removed
}

H3_what_is_stored_is_taken_away()
{
    stream_setup
    stream_runs
    change_t 3
    sent t 3
    sql 'DROP TABLE _seachange_stream_table, _seachange_stream'
    change_t 2
    stream_ends 3 60
    until_said 'what was stored of stream main is gone'
    nothing_stored
}

# What is in the log already, and what nobody sees yet, when the stream begins: it is in neither the rows nor the changes
# unless that is waited for.
H5_a_commit_delivered_before_it_is_visible()
{
    semi_sync_begin
    stream_setup
    fill_u 300 0
    SEACHANGE_FAILPOINT='standing_row_stored=sleep:4000' stream_start --audit-snapshot
    until_said 'failpoint standing_row_stored'
    semi_sync ON
    session_start writer1
    session_send writer1 'DELETE FROM t WHERE id <= 100'
    session_start writer2
    session_send writer2 "UPDATE t SET n = 4711 WHERE id = 200"
    until_true "(SELECT COUNT(*) = 2 FROM information_schema.PROCESSLIST WHERE DB = 'sc_faults' AND USER = 'root' AND (INFO LIKE 'DELETE%' OR INFO LIKE 'UPDATE%'))" "the writers wait"
    must_be 'COUNT(*) FROM t WHERE id <= 100 OR n = 4711' "$(sql 'SELECT COUNT(*) FROM t WHERE id <= 100')"
    sleep 8
    ! grep -q 'reading the log' "$out/stderr" || fail "it did not wait for them"
    semi_sync OFF
    until_said 'stream main .*: reading the log'
    until_ok 40 all_is_there t || fail "audit check of t: $(tail -n 25 "$out/check")"
    must_be 'COUNT(*) FROM t WHERE id <= 100' 0
    stream_stopped
    stream_removed
}

# Its rows stand in the log where it was prepared, and it commits behind where the stream would begin: they would be in no part.
H5_a_transaction_that_is_prepared_when_it_begins()
{
    stream_setup
    sql "XA START 'early'" "UPDATE t SET n = 4711 WHERE id = 200" "XA END 'early'" "XA PREPARE 'early'"
    restore() { ask "XA ROLLBACK 'early'" > /dev/null; } # where it still is
    : > "$out/stderr"
    stream_start
    until_said 'waiting for transactions on the tables that are open'
    sleep 3
    ! grep -q 'reading the log' "$out/stderr" || fail "it did not wait for it"
    sql "XA COMMIT 'early'"
    until_said 'stream main .*: reading the log'
    change_t 3
    sent t 3
    stream_stopped
    stream_removed
}

# --- tables that change, where the log describes them

full_log()
{
    restore() { server_sql 'SET GLOBAL binlog_row_metadata = DEFAULT'; }
    server_sql 'SET GLOBAL binlog_row_metadata = FULL'
}
# rows TABLE: "NUMBER AFTER" of each message that has a row, once, in the order of their numbers.
rows() { kcat -C -q -e -b "$brokers" -t "seachange.$schema.$1" -f '%h %s\n' | sed -n 's/.*seachange.sequence=\([0-9]*\).*"after":\({[^}]*}\).*/\1 \2/p' | sort -nu > "$out/rows"; }
# row N JSON: message N of what rows has found.
row() { got=$(sed -n "s/^$1 //p" "$out/rows"); [ "$got" = "$2" ] || fail "message $1 is $got, expected $2"; }
# repeated TABLE: what was sent again under a number is the same to the last byte, key, headers and all.
repeated()
{
    kcat -C -q -e -b "$brokers" -t "seachange.$schema.$1" -f '%h %p %k %s\n' | sort -u | sed -n 's/.*seachange.sequence=\([0-9]*\).*/\1/p' | sort -n | uniq -d > "$out/twice"
    [ ! -s "$out/twice" ] || fail "messages of $1 were sent again in another form: $(tr '\n' ' ' < "$out/twice")"
}

# Every message is of the form that the table had at its place in the log, however far the catalog is ahead.
H4_a_table_that_is_changed_goes_on_in_its_new_form()
{
    full_log
    stream_setup
    sql "ALTER TABLE u ADD COLUMN e enum('old','b'), ADD COLUMN l varchar(20) CHARACTER SET latin1, ADD COLUMN k int NOT NULL DEFAULT 0, DROP PRIMARY KEY, ADD PRIMARY KEY (k, id)"
    stream_runs
    sql "INSERT INTO u VALUES (1, 'one', 'old', 'ä', 0)"
    sql "ALTER TABLE u ADD COLUMN more int unsigned NOT NULL DEFAULT 7 FIRST"
    sql "INSERT INTO u (id, v, e) VALUES (2, 'two', 'b')"
    sql "ALTER TABLE u DROP COLUMN e, ADD COLUMN e enum('new','bé','x') CHARACTER SET latin1"
    sql "INSERT INTO u (id, v, e) VALUES (3, 'three', 'bé')"
    sql "ALTER TABLE u RENAME COLUMN v TO said, MODIFY more decimal(12,2) NOT NULL" "CREATE INDEX u_more ON u (more)"
    sql "INSERT INTO u (id, more, said, e) VALUES (4, 1.5, 'four', 'x')"
    sql "ALTER TABLE u DROP COLUMN l, MODIFY e varchar(9) CHARACTER SET utf16, ADD COLUMN at datetime(6), ENGINE = InnoDB"
    sql "INSERT INTO u (id, more, said, e, at) VALUES (5, 0, 'five', 'text', '2026-01-02 03:04:05.678901')"
    sql "DROP INDEX u_more ON u"
    sent u 5
    rows u
    row 1 '{"id":1,"v":"one","e":"old","l":"ä","k":0}'
    row 2 '{"more":7,"id":2,"v":"two","e":"b","l":null,"k":0}'
    row 3 '{"more":7,"id":3,"v":"three","l":null,"k":0,"e":"bé"}'
    row 4 '{"more":"AJY=","id":4,"said":"four","l":null,"k":0,"e":"x"}'
    row 5 '{"more":"AA==","id":5,"said":"five","k":0,"e":"text","at":1767323045678901}'
    sql "UPDATE u SET more = more + 1"
    change_t 3
    sent u 10
    sent t 3
    stream_is t
    stream_is u
    ! grep -q 'trying again' "$out/stderr" || fail "it was opened anew"
    stream_stopped
    stream_removed
}

# Two changes, one behind the other, while nobody reads; the catalog knows the last form alone, and types that the log
# does not tell are what they were.
H4_changed_twice_while_nobody_reads()
{
    full_log
    stream_setup
    sql "ALTER TABLE u ADD COLUMN c int AS (id * 2) VIRTUAL, ADD COLUMN s int AS (id * 3) STORED, ADD COLUMN b binary(16)"
    ! is_mariadb || sql "ALTER TABLE u ADD COLUMN k uuid, ADD COLUMN i inet6"
    stream_runs
    fill_u 2 0
    sent u 2
    stream_stopped
    fill_u 1 10
    change_t 2
    sql "ALTER TABLE u RENAME COLUMN v TO x, ADD COLUMN v varchar(20) NOT NULL DEFAULT 'new'"
    sql "INSERT INTO u (id, x, b) VALUES (20, 'twenty', 'b')"
    ! is_mariadb || sql "UPDATE u SET k = '01234567-89ab-1def-8123-456789abcdef', i = '::1' WHERE id = 20"
    sql "ALTER TABLE u DROP COLUMN x, ADD COLUMN x json, ADD COLUMN g point"
    sql "INSERT INTO u (id, v, x) VALUES (30, 'thirty', '[1]')"
    ! is_mariadb || sql "INSERT INTO u (id, k, i) VALUES (31, '01234567-89ab-1def-8123-456789abcdef', '::2')"
    stream_runs
    if is_mariadb; then
        sent u 7
    else
        sent u 5
    fi
    sent t 2
    rows u
    grep -q '^3 {"id":11,"v":"row 1",.*"b":null[^x]*}$' "$out/rows" || fail "the row from before both changes: $(cat "$out/rows")"
    grep -q '^4 {"id":20,"x":"twenty",.*"b":"YgAAAAAAAAAAAAAAAAAAAA==",.*"v":"new"}$' "$out/rows" || fail "the row between the changes: $(cat "$out/rows")"
    grep -q '{"id":30,.*"v":"thirty","x":"\[1\]","g":null}$' "$out/rows" || fail "the row behind both: $(cat "$out/rows")"
    if is_mariadb; then
        grep -q '"k":"01234567-89ab-1def-8123-456789abcdef","i":"::1","v":"new"}$' "$out/rows" || fail "no uuid between the changes: $(cat "$out/rows")"
        grep -q '"k":"01234567-89ab-1def-8123-456789abcdef","i":"::2","v":"new","x":null,"g":null}$' "$out/rows" || fail "no uuid behind them: $(cat "$out/rows")"
    else
        grep -q '^4 .*"s":60,' "$out/rows" || fail "no stored column: $(cat "$out/rows")"
    fi
    ! grep -q '"c":' "$out/rows" || fail "a virtual column is in messages: $(cat "$out/rows")"
    sql "UPDATE u SET v = CONCAT(v, '.')"
    is_mariadb && sent u 13 || sent u 10
    stream_is u
    stream_stopped
    stream_runs
    sql "DELETE FROM u WHERE id = 30"
    is_mariadb && sent u 15 || sent u 12
    stream_is u
    repeated u
    stream_stopped
    stream_removed
}

# Killed before its place is stored, and behind that, with changes of the table in between each time.
H4_killed_at_a_change_of_the_table()
{
    full_log
    stream_setup
    local n=0 i point
    for point in standing_before_store=kill@1 standing_before_store=kill@2 standing_place_stored=kill@1 standing_place_stored=kill@2; do
        : > "$out/stderr"
        SEACHANGE_FAILPOINT=$point stream_start
        until_said 'stream main .*: reading the log'
        for i in 1 2 3 4 5; do
            ended "$pid" && break
            n=$((n + 2))
            sql "INSERT INTO u (id, v) VALUES ($((100 * n)), 'a')" "ALTER TABLE u ADD COLUMN c$n enum('x$n','y$n') NOT NULL DEFAULT 'y$n'" "INSERT INTO u (id, v) VALUES ($((100 * n + 1)), 'b')"
            sleep 0.6
        done
        stream_ends 137
        program_is_gone
        n=$((n + 2))
        sql "ALTER TABLE u MODIFY v varchar($((200 + n)))" "INSERT INTO u (id, v) VALUES ($((100 * n)), 'a'), ($((100 * n + 1)), 'b')"
    done
    stream_runs
    sent u $n
    rows u
    [ "$(grep -c '"id":[0-9]*00,' "$out/rows")" = $((n / 2)) ] || fail "not every row came: $(cat "$out/rows")"
    repeated u
    sql "UPDATE u SET v = CONCAT(v, '.')"
    sent u $((2 * n))
    stream_is u
    stream_stopped
    stream_removed
}

# The log tells nothing of columns, or no more: it ends in front of what nothing tells the form of.
H4_without_names_in_the_log_a_change_ends_it()
{
    stream_setup
    stream_runs
    until_said 'a change of one of its tables will end it; with binlog_row_metadata = FULL it would go on'
    fill_u 2 0
    sent u 2
    sql "ALTER TABLE u ADD COLUMN more int" "INSERT INTO u VALUES (100, 'v', 1)"
    stream_ends 3 60
    until_said 'touches or may touch table sc_faults.u: .*binlog_row_metadata is not FULL'
    until_said 'table sc_faults.u has another form .*With binlog_row_metadata = FULL streams go on'
    sent u 2
    stream_removed
    full_log
    sql "DROP TABLE u" "CREATE TABLE u (id int PRIMARY KEY, v varchar(200))"
    stream_runs
    change_t 2
    sql "ALTER TABLE u ADD COLUMN more int" "INSERT INTO u VALUES (1000, 'v', 1)"
    until_ok 40 topic_has u '"id":1000,"v":"v","more":1' || fail "it did not go on over the first change"
    restore
    sql "INSERT INTO u VALUES (1001, 'v', 1)"
    stream_ends 3 60
    until_said 'table sc_faults.u was changed, and the log does not say what its columns are'
    ! topic_has u '"id":1001' || fail "a row without a description was sent"
    # The catalog is again what it was when the stream was begun; the log, where the stream stands, is not.
    sql "ALTER TABLE u DROP COLUMN more"
    must_be "COUNT(*) FROM _seachange_stream_table WHERE table_name = 'u' AND settings LIKE '%; form log; %'" 1
    : > "$out/stderr"
    stream_start
    stream_ends 3 60
    until_said 'table sc_faults.u has another form than when stream main was begun'
    stream_removed
}
topic_has() { kcat -C -q -e -b "$brokers" -t "seachange.$schema.$1" 2> /dev/null | grep -q -- "$2"; }

# ends_at STATEMENT SAID [ROWS]: the stream of u ends in front of it, exit 3 or 4.
ends_at()
{
    sql "DROP TABLE IF EXISTS u, x" "CREATE TABLE u (id int PRIMARY KEY, v varchar(200), c int AS (LENGTH(v)) VIRTUAL)"
    stream_runs
    sql "INSERT INTO u (id, v) VALUES (1, 'first')" "$1"
    ask "INSERT INTO u (id, v) VALUES (2, 'second')" || ask "INSERT INTO u (x, v) VALUES (2, 'second')" || true
    until_ok 60 ended "$pid" || { kill -9 "$pid"; fail "it went on over: $1"; }
    wait "$pid"
    status=$?
    pid=
    [ $status = 3 ] || [ $status = 4 ] || fail "exit $status at: $1"
    grep -qE -- "$2" "$out/stderr" || fail "at \`$1\` it had not said: $2"
    grep -q 'Everything before it is in Kafka\|Everything that was changed before is in Kafka\|has another form\|was begun with\|there is no table u' "$out/stderr" || fail "at \`$1\` it does not say what is in Kafka"
    ! topic_has u '"second"' || fail "a row behind it was sent: $1"
    stream_removed
}
H4_what_is_no_change_of_columns_ends_it()
{
    full_log
    stream_setup
    ends_at 'ALTER TABLE u RENAME TO x' 'touches or may touch table sc_faults.u'
    ends_at 'RENAME TABLE u TO x' 'touches or may touch table sc_faults.u'
    ends_at 'DROP TABLE u' 'touches or may touch table sc_faults.u'
    ends_at 'ALTER TABLE u PARTITION BY HASH (id)' 'touches or may touch table sc_faults.u'
    # What nothing in the log tells.
    ends_at 'ALTER TABLE u ADD COLUMN d int AS (id + 2) STORED' 'may add a column of a kind that the log does not tell'
    ends_at 'ALTER TABLE u DROP COLUMN c, ADD COLUMN c int' 'may change a column of a kind that the log does not tell'
    # Another key.
    ends_at 'ALTER TABLE u RENAME COLUMN id TO x' 'was begun with: .*key id\b.*|not what the log tells as its primary key'
    ends_at 'ALTER TABLE u ADD COLUMN k int NOT NULL DEFAULT 0, DROP PRIMARY KEY, ADD PRIMARY KEY (id, k)' 'not what the log tells as its primary key'
}

# By its old name a column is hashed; by its new one it would be shown.
H4_a_column_with_a_rule_gets_no_other_name()
{
    full_log
    stream_setup
    printf 'sixteen bytes and more' > "$out/key"
    sql "ALTER TABLE u ADD COLUMN email varchar(50)" "ALTER TABLE t ADD COLUMN email varchar(50)"
    for change in 'RENAME COLUMN email TO mail' 'CHANGE email mail varchar(60)' 'RENAME COLUMN email TO mail, RENAME COLUMN v TO email' 'DROP COLUMN email'; do
        sql "DROP TABLE u" "CREATE TABLE u (id int PRIMARY KEY, v varchar(200), email varchar(50))"
        stream=(--audit-kafka "$brokers" --audit-columns 'email=hash,*=plain' --audit-key-file "$out/key")
        stream_runs
        sql "INSERT INTO u VALUES (1, 'v', 'first')" "ALTER TABLE u MODIFY email varchar(70), ADD INDEX (email)" "INSERT INTO u VALUES (2, 'v', 'second')"
        until_ok 40 topic_has u '"id":2,"v":"v","email":"[0-9a-f]\{64\}"' || fail "the row behind another change of the column was not sent"
        sql "ALTER TABLE u $change"
        case $change in DROP*) sql "INSERT INTO u VALUES (3, 'third')" ;; *) sql "INSERT INTO u VALUES (3, 'third', 'third')" ;; esac
        until_ok 60 ended "$pid" || { kill -9 "$pid"; fail "it went on over $change"; }
        wait "$pid"
        status=$?
        pid=
        [ $status = 3 ] || [ $status = 4 ] || fail "exit $status at $change"
        ! topic_has u third || fail "what was to be hashed was shown: $change"
        grep -qE -e '--audit-columns names|for which --audit-columns has a rule, is gone' "$out/stderr" || fail "it does not say why it ends at $change"
        stream_removed
        : > "$out/stderr"
    done
}

# XA transactions are of the form that the table had when they were prepared, and others of the one in between.
H4_transactions_around_a_change()
{
    full_log
    stream_setup
    stream_runs
    sql "XA START 'one'" "INSERT INTO u VALUES (1, 'one')" "UPDATE t SET n = 4711 WHERE id = 10" "XA END 'one'" "XA PREPARE 'one'" "XA COMMIT 'one'"
    sql "ALTER TABLE t ADD COLUMN more int" "ALTER TABLE u ADD COLUMN more int FIRST"
    sql "XA START 'two'" "INSERT INTO u VALUES (2, 2, 'two')" "UPDATE t SET more = 2 WHERE id = 20" "INSERT INTO u VALUES (3, 3, 'three')" "XA END 'two'" "XA PREPARE 'two'"
    stream_stopped
    sql "XA COMMIT 'two'" "ALTER TABLE u DROP COLUMN more, ADD COLUMN less text"
    sql "BEGIN" "INSERT INTO u VALUES (4, 'four', 'l')" "UPDATE t SET more = 3 WHERE id = 30" "UPDATE u SET less = 'm' WHERE id = 4" "COMMIT"
    stream_runs
    sent u 5
    sent t 3
    rows u
    row 1 '{"id":1,"v":"one"}'
    row 2 '{"more":2,"id":2,"v":"two"}'
    row 3 '{"more":3,"id":3,"v":"three"}'
    row 4 '{"id":4,"v":"four","less":"l"}'
    row 5 '{"id":4,"v":"four","less":"m"}'
    sql "TRUNCATE TABLE u" "ALTER TABLE u ADD COLUMN least int" "TRUNCATE TABLE u" "INSERT INTO u VALUES (5, 'five', 'l', 1)"
    sent u 10 # two for each TRUNCATE, one a partition
    rows u
    row 10 '{"id":5,"v":"five","less":"l","least":1}'
    stream_is u
    stream_stopped
    stream_removed
}

# A zero date is 0 where there may be no NULL, and null where there may.
H4_whether_a_column_may_be_null_is_of_its_form()
{
    full_log
    stream_setup
    sql "DROP TABLE u" "CREATE TABLE u (id int PRIMARY KEY, d datetime NOT NULL)"
    SEACHANGE_FAILPOINT='standing_before_store=kill@1' stream_start
    until_said 'stream main .*: reading the log'
    sql "SET SESSION sql_mode = ''; INSERT INTO u VALUES (1, '0000-00-00')"
    stream_ends 137
    program_is_gone_too
    until_ok 20 topic_has u '"after":{"id":1,"d":0}' || fail "the row was not sent before it was killed"
    sql "ALTER TABLE u MODIFY d datetime NULL" "INSERT INTO u VALUES (2, '2026-01-02'), (3, NULL)"
    stream_runs
    sent u 3
    repeated u
    stream_stopped
    stream_removed
}

# Rules are for all tables of a stream.
H4_no_column_gets_a_name_that_a_rule_of_another_table_has()
{
    full_log
    stream_setup
    printf 'sixteen bytes and more' > "$out/key"
    sql "ALTER TABLE t ADD COLUMN note varchar(50)"
    for change in 'RENAME COLUMN v TO note' 'CHANGE v note varchar(200)'; do
        sql "DROP TABLE u" "CREATE TABLE u (id int PRIMARY KEY, v varchar(200))"
        stream=(--audit-kafka "$brokers" --audit-columns 'id=plain,note=plain,*=hash' --audit-key-file "$out/key")
        stream_runs
        sql "INSERT INTO u VALUES (1, 'first')" "ALTER TABLE u $change" "INSERT INTO u VALUES (2, 'second')"
        stream_ends 4 60
        ! topic_has u second || fail "what was to be hashed was shown: $change"
        until_said '--audit-columns names'
        stream_removed
    done
}

# What is refused as it is now may have rows waiting in front of it.
H4_what_is_not_sent_is_said_where_a_table_is_refused()
{
    full_log
    stream_setup
    sql "ALTER TABLE u ADD COLUMN email varchar(50)"
    stream=(--audit-kafka "$brokers" --audit-columns 'email=truncate:3,*=plain')
    stream_runs
    fill_u 2 0
    sent u 2
    stream_stopped
    fill_u 3 100
    sql "ALTER TABLE u DROP COLUMN email"
    : > "$out/stderr"
    stream_start
    stream_ends 3
    until_said 'Of stream main everything before [^ ]* .*is in Kafka. What was changed behind that is not'
    stream_removed
}
