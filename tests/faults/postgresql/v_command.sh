# What is PostgreSQL's of V3, the command verify.

# What is killed is the client itself.
writing_client() { exec "$SERVER_BIN/psql" -X -q -At -d "$url"; }
schema=public
count_of_tables="count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'"
sleep_a_little='SELECT pg_sleep(0.1)'
twin_empty='CREATE TABLE u (LIKE t INCLUDING ALL)'
twin() { sql "$twin_empty" 'INSERT INTO u SELECT * FROM t'; }
all_types="CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    ALTER TABLE t ADD x numeric, ADD d double precision, ADD s text, ADD c char(5), ADD j jsonb, ADD js json, ADD b bytea, ADD ts timestamptz, ADD ci text COLLATE nocase, ADD a int[], ADD bits varbit, ADD doc xml"
set_all_types="UPDATE t SET x = 1.0, d = 0, s = '', c = 'a', j = '{\"a\": 1}', js = '{\"a\": 1}', b = '\\x00', ts = '2020-01-01', ci = 'a', a = '{1,2}', bits = '101', doc = '<a/>'"
forge()
{
    forged=(10 500 510 520 530 540 550 560 570 580 590 600 610 620 700 710 720)
    sql "UPDATE u SET v = v || ' ' WHERE id = 10" 'DELETE FROM u WHERE id = 20' 'INSERT INTO u (id, n) VALUES (9999999, 1), (-5, 1)' 'UPDATE u SET s = NULL WHERE id = 500' 'UPDATE u SET x = 1.00 WHERE id = 510' \
        "UPDATE u SET d = '-0' WHERE id = 520" 'UPDATE u SET n = NULL WHERE id = 530' "UPDATE u SET j = '{\"a\": 1.0}' WHERE id = 540" "UPDATE u SET js = '{\"a\":1}' WHERE id = 550" "UPDATE u SET ci = 'A' WHERE id = 560" \
        "UPDATE u SET c = 'b' WHERE id = 570" "UPDATE u SET b = '\\x0000' WHERE id = 580" "UPDATE u SET ts = ts + interval '1 microsecond' WHERE id = 590" "UPDATE u SET a = '{1,NULL}' WHERE id = 600" \
        "UPDATE u SET v = CASE id WHEN 610 THEN 'row 62' ELSE 'row 61' END WHERE id IN (610, 620)" "UPDATE u SET big = overlay(big placing 'x' from 900) WHERE id = 700" "UPDATE u SET bits = '1010' WHERE id = 710" \
        "UPDATE u SET doc = '<a />' WHERE id = 720"
}
text_keys='CREATE TABLE k (a text, b int, v text, PRIMARY KEY (a, b)); CREATE TABLE l (a varchar(50), b int, v text, PRIMARY KEY (b, a))'
other_types='CREATE TABLE u (more text, v varchar(300), n bigint, id bigint PRIMARY KEY); INSERT INTO u (id, n, v) SELECT id, n, v FROM t'
rename_v='ALTER TABLE u RENAME v TO w'

reader()
{
    reader_url=${url/postgres@/sc_faults_reader@}
    sql "DO 'BEGIN CREATE ROLE sc_faults_reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END'"
}
read_only() { sql "GRANT SELECT ON $1 TO sc_faults_reader"; }

its_sessions="FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange [0-9a-f]{8} verify"
verify_looks_again() { is_true "EXISTS (SELECT $its_sessions\$' AND query LIKE 'SELECT ''s''%' AND query_start > now() - interval '1 s')"; }
kill_a_comparison() { ask "SELECT pg_terminate_backend(pid) $its_sessions [0-9]'"; }
kill_the_looker() { [ -n "$(ask "SELECT pg_terminate_backend(pid) $its_sessions\$'")" ]; }

# Another account need not see what is stored of the migration: the name tells the table that was put aside.
V3_after_a_migration_by_an_account_that_may_only_read()
{
    setup 3000
    migrate 0
    reader
    program_url=$reader_url
    read_only t
    verify_tables 3
    says 'GRANT USAGE ON SCHEMA'
    old=$(table_of old)
    sql "GRANT USAGE ON SCHEMA ${old%.t} TO sc_faults_reader"
    verify_tables 3
    says 'GRANT SELECT ON'
    read_only "$old"
    verify_tables 0
    found put_aside true rows_same 3000
    sql 'CREATE SCHEMA another' 'CREATE TABLE another.t (id bigint PRIMARY KEY)'
    verify_tables 3
    says 'cannot be told which'
}

# What is only seen of the values after they were converted is said.
V3_what_a_conversion_drops_is_named()
{
    setup 3000 'ALTER TABLE t ADD x numeric(10, 3)' 'UPDATE t SET x = 1.234' 'CREATE TABLE u AS SELECT id, n, v, big, x::numeric(10, 1) AS x FROM t' 'ALTER TABLE u ADD PRIMARY KEY (id), ALTER x TYPE numeric(10, 1)'
    verify_tables 0 --with u
    [[ $found == *'compared as numeric(10,1), so that what this drops is not seen'* ]] || fail "it does not say so: $found"
    sql 'ALTER TABLE u ALTER n TYPE text'
    verify_tables 0 --with u
    sql "UPDATE u SET n = 'forged' WHERE id = 10"
    verify_tables 4 --with u
    names_row 10 differs
    sql 'ALTER TABLE u ALTER n TYPE point USING NULL'
    verify_tables 3 --with u
    says 'cannot cast'
}

# Rows that others may not see would be taken for missing.
V3_row_security_and_rows_of_other_tables_are_refused()
{
    setup 3000
    twin
    reader
    read_only 't, u'
    sql 'ALTER TABLE u ENABLE ROW LEVEL SECURITY'
    program_url=$reader_url verify_tables 3 --with u
    says 'row security'
    sql 'ALTER TABLE u DISABLE ROW LEVEL SECURITY' 'CREATE TABLE child () INHERITS (u)'
    verify_tables 3 --with u
    says 'inherit from it'
    sql 'CREATE TABLE parts (LIKE t) PARTITION BY RANGE (id)' 'ALTER TABLE parts ADD PRIMARY KEY (id)'
    verify_tables 3 --with parts
    says 'partitioned'
}

# A key whose order differs: everything is compared at once.
V3_another_order_of_the_key()
{
    setup 3000 'CREATE TABLE k (a text COLLATE "C" PRIMARY KEY, v text); CREATE TABLE l (a text COLLATE "en-x-icu" PRIMARY KEY, v text)' "INSERT INTO k SELECT CASE WHEN n % 2 = 0 THEN 'k' ELSE 'K' END || n, v FROM t" 'INSERT INTO l SELECT * FROM k'
    k_and_l_are_compared_both_ways
}
