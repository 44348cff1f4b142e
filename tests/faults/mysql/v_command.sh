# What is MySQL's and MariaDB's of V3, the command verify.

# What is killed is the client itself.
writing_client() { exec "$SERVER_BIN/mysql" -n --force --init-command='SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED' sc_faults; }
schema=sc_faults
count_of_tables="COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sc_faults'"
sleep_a_little='SELECT SLEEP(0.1)'
twin_empty='CREATE TABLE u LIKE t'
twin() { sql "$twin_empty" 'INSERT INTO u SELECT * FROM t'; }
all_types="ALTER TABLE t ADD d double, ADD s varchar(10) COLLATE utf8mb4_general_ci, ADD j json, ADD b varbinary(10), ADD c char(5), ADD x decimal(10, 2), ADD dt datetime(6), ADD e enum('a', 'b'), ADD bits bit(8),
    ADD tx text COLLATE utf8mb4_general_ci, ADD f float"
set_all_types="UPDATE t SET d = 0, s = '', j = '{\"a\": 1}', b = 'x', c = 'a', x = 1.5, dt = '2020-01-01', e = 'a', bits = 5, tx = 'a', f = 0.1"
forge()
{
    forged=(10 500 510 530 540 560 570 580 590 600 610 620 700 710 720 730)
    sql "UPDATE u SET v = CONCAT(v, ' ') WHERE id = 10" 'DELETE FROM u WHERE id = 20' 'INSERT INTO u (id, n) VALUES (9999999, 1), (-5, 1)' 'UPDATE u SET s = NULL WHERE id = 500' "UPDATE u SET s = ' ' WHERE id = 510" \
        'UPDATE u SET n = NULL WHERE id = 530' 'UPDATE u SET j = NULL WHERE id = 540' "UPDATE u SET j = '{\"a\": 1.0}' WHERE id = 540" "UPDATE u SET tx = 'A' WHERE id = 560" "UPDATE u SET c = 'A' WHERE id = 570" \
        "UPDATE u SET b = 'x\\0' WHERE id = 580" "UPDATE u SET dt = dt + INTERVAL 1 MICROSECOND WHERE id = 590" "UPDATE u SET e = 'b' WHERE id = 600" \
        "UPDATE u SET v = CASE id WHEN 610 THEN 'row 62' ELSE 'row 61' END WHERE id IN (610, 620)" "UPDATE u SET big = INSERT(big, 900, 1, 'x') WHERE id = 700" 'UPDATE u SET bits = 6 WHERE id = 710' 'UPDATE u SET x = 1.51 WHERE id = 720' \
        'UPDATE u SET f = 0.10000002 WHERE id = 730'
    if is_mariadb; then # its JSON is text; it shows nobody the sign of 0
        forged+=(550)
        sql "UPDATE u SET j = '{\"a\":1}' WHERE id = 550"
    else
        forged+=(520)
        sql 'UPDATE u SET d = -0e0 WHERE id = 520'
    fi
}
text_keys='CREATE TABLE k (a varchar(20) COLLATE utf8mb4_general_ci, b int, v text, PRIMARY KEY (a, b)); CREATE TABLE l (a varchar(50) COLLATE utf8mb4_general_ci, b int, v text, PRIMARY KEY (b, a))'
other_types='CREATE TABLE u (more text, v varchar(300), n bigint, id bigint PRIMARY KEY); INSERT INTO u (id, n, v) SELECT id, n, v FROM t'
rename_v='ALTER TABLE u CHANGE v w varchar(300)'

reader()
{
    reader_url=mysql://sc_faults_reader@${url#*@}
    server_sql "DROP USER IF EXISTS 'sc_faults_reader'@'127.0.0.1'" "CREATE USER 'sc_faults_reader'@'127.0.0.1' IDENTIFIED BY ''" "GRANT SELECT ON sc_faults_numbers.n TO 'sc_faults_reader'@'127.0.0.1'" \
        'DROP TABLE IF EXISTS sc_faults.nothing' 'CREATE TABLE sc_faults.nothing (i int)' "GRANT SELECT ON sc_faults.nothing TO 'sc_faults_reader'@'127.0.0.1'"
}
read_only() { server_sql "GRANT SELECT ON sc_faults.$1 TO 'sc_faults_reader'@'127.0.0.1'"; }

# What a look is in the middle of can rarely be seen; that it was begun is in what the server has counted. Reading the definitions of both tables counts, too, but not
# for so long.
begun() { server_sql "SHOW GLOBAL STATUS LIKE 'Com_begin'" | cut -f 2; }
verify_looks_again()
{
    local looks
    for _ in 1 2 3; do
        looks=$(begun)
        sleep 1.2
        [ "$(begun)" -gt "$looks" ] || return 1
    done
}
kill_a_comparison() { for id in $(server_sql "$program_sessions AND INFO LIKE 'SELECT a.n%'"); do server_sql "KILL $id"; done; }
# Of two sessions that sleep it is the younger one; the other one is the program's own.
kill_the_looker() { server_sql "KILL $(server_sql "$program_sessions ORDER BY ID DESC LIMIT 1")"; }

# A table of another database; and one that has to be converted, for which reading is not enough.
V3_another_database_and_values_that_are_converted()
{
    setup 3000 'ALTER TABLE t ADD x decimal(10, 3), MODIFY v varchar(200) CHARACTER SET latin1' 'UPDATE t SET x = 1.234'
    server_sql 'DROP DATABASE IF EXISTS sc_faults_other' 'CREATE DATABASE sc_faults_other' 'CREATE TABLE sc_faults_other.`t t` LIKE sc_faults.t' 'INSERT INTO sc_faults_other.`t t` SELECT * FROM sc_faults.t'
    verify_tables 0 --with 'sc_faults_other.`t t`'
    server_sql 'ALTER TABLE sc_faults_other.`t t` MODIFY v varchar(200) CHARACTER SET utf8mb4, MODIFY n smallint'
    verify_tables 0 --with 'sc_faults_other.`t t`'
    server_sql "UPDATE sc_faults_other.\`t t\` SET v = 'forged' WHERE id = 10" 'DELETE FROM sc_faults_other.`t t` WHERE id = 20'
    verify_tables 4 --with 'sc_faults_other.`t t`'
    found rows_different 1 rows_only_in_table 1
    server_sql 'DELETE FROM sc_faults_other.`t t` WHERE id = 10' 'INSERT INTO sc_faults_other.`t t` SELECT * FROM sc_faults.t WHERE id IN (10, 20)' 'ALTER TABLE sc_faults_other.`t t` MODIFY x decimal(10, 1)'
    verify_tables 0 --with 'sc_faults_other.`t t`'
    [[ $found == *'compared as decimal(10,1), so that what this drops is not seen'* ]] || fail "it does not say so: $found"
    reader
    read_only t
    server_sql "GRANT SELECT ON sc_faults_other.* TO 'sc_faults_reader'@'127.0.0.1'"
    program_url=$reader_url verify_tables 3 --with 'sc_faults_other.`t t`'
    says 'GRANT CREATE TEMPORARY TABLES'
    server_sql "GRANT CREATE TEMPORARY TABLES ON sc_faults.* TO 'sc_faults_reader'@'127.0.0.1'"
    program_url=$reader_url verify_tables 0 --with 'sc_faults_other.`t t`'
    server_sql 'DROP DATABASE sc_faults_other'
}

# Of an engine that shows no moment nothing can be said.
V3_other_engines_are_refused()
{
    setup 3000 'CREATE TABLE u LIKE t' 'ALTER TABLE u ENGINE=MyISAM'
    verify_tables 3 --with u
    says 'InnoDB'
}

# A collation under which keys have another order.
V3_another_order_of_the_key()
{
    setup 3000 'CREATE TABLE k (a varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci PRIMARY KEY, v text); CREATE TABLE l (a varchar(20) COLLATE utf8mb4_bin PRIMARY KEY, v text)' \
        "INSERT INTO k SELECT CONCAT(IF(n % 2, 'K', 'k'), n), v FROM t" 'INSERT INTO l SELECT * FROM k'
    k_and_l_are_compared_both_ways
}
