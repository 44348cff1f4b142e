# V3. The command verify: two tables that are no migration's to compare.

# verify_tables STATUS [OPTION...]: t with what the options say. What it printed is in $found, without quotes.
verify_tables()
{
    SEACHANGE_LOG_FORMAT=json SEACHANGE_RECHECK=50ms timeout 120 "$SEACHANGE" verify --source "${program_url:-$url}" --table "${table:-t}" "${@:2}" > "$out/stdout" 2> "$out/stderr"
    status=$?
    [ $status = "$1" ] || fail "seachange verify ${*:2}: exit $status, expected $1"
    found=$(tr -d '"\\' < "$out/stdout")
    ! grep -qE 'row [0-9]|forged' "$out/stdout" "$out/stderr" || fail "it shows a value"
}
# found FIELD VALUE ...
found()
{
    while [ $# -gt 0 ]; do
        [[ $found == *[{,]$1:$2[,}]* ]] || fail "$1 is not $2: $found"
        shift 2
    done
}
names_row() { [[ $found == *"{key:($1),what:$2}"* ]] || fail "it does not say that ($1) $2: $found"; }
says() { grep -qF -- "$1" "$out/stderr" || fail "it does not say: $1"; }

V3_two_tables_that_are_the_same()
{
    setup 3000 "$all_types" "$set_all_types"
    twin
    verify_tables 0 --with u
    found result same rows_compared 3000 rows_same 3000 definition '[]'
    table=u verify_tables 0 --with t --workers 1 --chunk-time 10ms
    verify_tables 0 --with "$schema.u"
    must_be "$count_of_tables" 2
}

V3_each_kind_of_forged_row_is_found()
{
    setup 3000 "$all_types" "$set_all_types"
    twin
    forge
    verify_tables 4 --with u
    found result different rows_only_in_table 1 rows_only_in_with 2 rows_different "${#forged[@]}" rows_changing 0 rows_compared 3002 rows_same $((2999 - ${#forged[@]}))
    says 'are not the same'
    names_row 20 "is only in $schema.t"
    names_row 9999999 "is only in $schema.u"
    names_row -5 "is only in $schema.u"
    for id in "${forged[@]}"; do
        names_row "$id" differs
    done
    # The other way round, in text, and on one connection.
    table=u verify_tables 4 --with t --workers 1
    found rows_only_in_table 2 rows_only_in_with 1 rows_different "${#forged[@]}" rows_same $((2999 - ${#forged[@]}))
    names_row 20 "is only in $schema.t"
    verify_tables 4 --with u --log-format text --looks 1
    grep -qE '^  different +'"${#forged[@]}"'$' "$out/stdout" || fail "the text does not say how many differ"
}

V3_tables_that_have_next_to_nothing_in_common()
{
    setup 30000
    sql "$twin_empty"
    verify_tables 4 --with u
    found rows_only_in_table 30000 rows_only_in_with 0 rows_different 0 rows_same 0 rows_compared 30000
    table=u verify_tables 4 --with t
    found rows_only_in_table 0 rows_only_in_with 30000 rows_different 0 rows_same 0 rows_compared 30000
    sql "INSERT INTO u SELECT * FROM t" "UPDATE u SET v = 'forged'" 'DELETE FROM u WHERE id > 200000' 'DELETE FROM t WHERE id <= 50000'
    verify_tables 4 --with u
    found rows_only_in_table 10000 rows_only_in_with 5000 rows_different 15000 rows_same 0 rows_compared 30000
    sql 'DELETE FROM t' 'DELETE FROM u'
    verify_tables 0 --with u
    found result same rows_compared 0
}

V3_keys_of_text_and_of_several_columns()
{
    setup 3000 "$text_keys" "INSERT INTO k SELECT concat(CASE WHEN n % 2 = 0 THEN 'k' ELSE 'K' END, n / 10), n, v FROM t" 'INSERT INTO l SELECT * FROM k'
    table=k verify_tables 0 --with l --chunk-time 10ms
    found rows_same 3000
    sql "UPDATE l SET v = 'forged' WHERE b = 1500" 'DELETE FROM l WHERE b = 2999' "INSERT INTO l VALUES ('zzz', 1, 'forged')" "UPDATE l SET a = lower(a) WHERE b = 7"
    table=k verify_tables 4 --with l
    found rows_only_in_with 2 rows_only_in_table 2 rows_different 1 # the key of 7 is written in another way
}

writer_ends() { { pkill -P "$writer"; kill "$writer"; wait "$writer"; } 2> /dev/null; :; }

# Somebody changes both in one transaction: at no moment they differ.
V3_rows_that_change_in_both_at_once_are_the_same()
{
    setup 3000
    twin
    (while :; do for i in 10 15000 30000; do echo "BEGIN; UPDATE t SET n = n + 1 WHERE id = $i; UPDATE u SET n = n + 1 WHERE id = $i; COMMIT;"; done; done | writing_client > /dev/null 2>&1) &
    writer=$!
    until_true '(SELECT n FROM t WHERE id = 10) > 50' 'somebody writes'
    for _ in 1 2 3 4 5; do
        verify_tables 0 --with u --chunk-time 10ms
    done
    writer_ends
}

# One follows the other a moment later: what differs is looked at again. What never is the same is told apart.
V3_rows_that_lag_are_the_same_and_those_that_never_are_are_not()
{
    setup 3000
    twin
    (while :; do echo "UPDATE t SET n = n + 1 WHERE id = 10; $sleep_a_little; UPDATE u SET n = n + 1 WHERE id = 10; $sleep_a_little;"; done | writing_client > /dev/null 2>&1) &
    writer=$!
    until_true '(SELECT n FROM t WHERE id = 10) > 3' 'somebody writes'
    for _ in 1 2 3; do
        verify_tables 0 --with u --looks 20 --recheck 70ms
    done
    sql "UPDATE u SET n = -n WHERE id = 10"
    verify_tables 4 --with u --looks 20 --recheck 30ms
    found rows_different 0 rows_changing 1 rows_same 2999
    writer_ends
}

V3_other_columns_and_types()
{
    setup 3000 "$other_types"
    verify_tables 0 --with u
    [[ $found == *'column big is only in'*'column more is only in'* ]] || fail "it does not name the columns that only one has: $found"
    [[ $found == *'column n is int'*'and bigint'* ]] || fail "it does not name the types: $found"
    table=u verify_tables 0 --with t
    sql "UPDATE u SET n = 3000000000 WHERE id = 30" "UPDATE u SET v = 'forged' WHERE id = 40"
    for pair in 't u' 'u t'; do
        table=${pair% *} verify_tables 4 --with "${pair#* }"
        found rows_different 2
        names_row 30 differs
    done
    sql "UPDATE u SET n = 3 WHERE id = 30" "UPDATE u SET v = (SELECT v FROM t WHERE id = 40) WHERE id = 40" "$rename_v"
    verify_tables 0 --with u # v is in one only
    verify_tables 0 --with u --map v=w
    sql "UPDATE u SET w = 'forged' WHERE id = 50"
    verify_tables 4 --with u --map v=w
    found rows_different 1
    table=u verify_tables 4 --with t --map w=v
}

V3_what_cannot_be_compared_is_refused()
{
    setup 3000
    twin
    sql 'CREATE TABLE nokey (id bigint, v varchar(200))' 'CREATE TABLE otherkey (id bigint NOT NULL, v varchar(200) NOT NULL, PRIMARY KEY (v))' 'CREATE TABLE nullkey (id bigint UNIQUE, n int)' 'CREATE VIEW seen AS SELECT * FROM t' \
        'CREATE TABLE alien (other bigint PRIMARY KEY)'
    for story in "nothing_there|there is no table" "t|the same table" "nokey|no key in common" "otherkey|no key in common" "nullkey|no key in common" "alien|no key in common" "seen|not an ordinary table"; do
        verify_tables 3 --with "${story%|*}"
        found result refused
        says "${story#*|}"
    done
    verify_tables 3 --with u --map nothing=v
    says 'has no column nothing'
    verify_tables 3
    says 'put aside'
    verify_tables 2 --with u --looks 0
    verify_tables 2 --alter "$alter"
    table=nothing_there verify_tables 3 --with u
}

V3_an_account_that_may_only_read_is_enough()
{
    setup 3000 "$other_types"
    reader
    program_url=$reader_url
    verify_tables 3 --with u
    read_only t
    verify_tables 3 --with u
    read_only u
    verify_tables 0 --with u
    table=u verify_tables 0 --with t
    sql "UPDATE u SET v = 'forged' WHERE id = 40"
    verify_tables 4 --with u
    names_row 40 differs
}

# With what a migration put aside: the same until somebody writes.
V3_after_a_migration()
{
    setup 3000
    migrate 0
    verify_tables 0
    found result same put_aside true rows_same 3000
    sql "UPDATE t SET v = 'changed' WHERE id = 10" 'DELETE FROM t WHERE id = 20' 'INSERT INTO t (id, n) VALUES (7, 3000000000)'
    verify_tables 4
    found put_aside true rows_different 1 rows_only_in_table 1 rows_only_in_with 1 rows_same 2998
    names_row 10 differs
    names_row 7 "is only in $schema.t"
    verify_tables 4 --log-format text
    grep -q 'as it was at the swap' "$out/stdout" || fail "it does not say what the old table is"
}

V3_while_a_migration_is_under_way()
{
    setup 3000
    copy_held_at 20000
    mv "$out/stderr" "$out/migration"
    verify_tables 3
    says 'It compares every row itself'
    new=$(table_of new)
    verify_tables 3 --with "${new:-nothing}"
    kill_it_in_the_copy
    verify_tables 3
    says 'It compares every row itself'
}

verify_start()
{
    "$SEACHANGE" verify --source "${program_url:-$url}" --table t --with u --log-format json --log-level debug --recheck 500ms "$@" > "$out/stdout" 2> "$out/stderr" &
    pid=$!
}

# One row differs, and is looked at again and again.
V3_a_signal_ends_it_and_nothing_is_said_to_be_the_same()
{
    setup 3000
    twin
    sql "UPDATE u SET v = 'forged' WHERE id = 10"
    for signal in TERM INT; do
        verify_start --looks 1000
        until_ok 30 verify_looks_again || fail "it does not look again"
        kill -$signal "$pid"
        migrate_ends 75 20
        found=$(tr -d '"\\' < "$out/stdout")
        found result interrupted rows_compared 3000 rows_same 2999 rows_open 1
        says 'not known whether they are the same'
    done
}

V3_a_lost_connection_loses_nothing()
{
    setup 100000
    twin
    sql "UPDATE u SET v = 'forged' WHERE id = 10"
    (while :; do kill_a_comparison; sleep 0.05; done > /dev/null 2>&1) & # as long as the walk takes
    killer=$!
    verify_start --looks 1000 --chunk-time 10ms
    sleep 2
    kill $killer; wait $killer 2> /dev/null
    until_ok 30 verify_looks_again || fail "it does not look again"
    kill_the_looker || fail "there is no session to end"
    until_said 'trying again'
    until_ok 30 verify_looks_again || fail "it does not look again"
    sql "UPDATE u SET v = (SELECT v FROM t WHERE id = 10) WHERE id = 10"
    migrate_ends 0
    found=$(tr -d '"\\' < "$out/stdout")
    found result same rows_same 100000
}

V3_a_server_that_stays_away_is_given_up()
{
    [ -x "${SERVER_CTL:-}" ] || skip "this server cannot be restarted from here"
    setup 3000
    twin
    sql "UPDATE u SET v = 'forged' WHERE id = 10"
    verify_start --looks 1000 --give-up 2s
    until_ok 30 verify_looks_again || fail "it does not look again"
    server_is_killed
    migrate_ends 75 60
    server_is_started
    found=$(tr -d '"\\' < "$out/stdout")
    found result interrupted rows_open 1
    says 'not known whether they are the same'
    verify_tables 4 --with u
}

# Two tables of 3000 rows with keys k1, K2 ..., and the same rows.
k_and_l_are_compared_both_ways()
{
    for pair in 'k l' 'l k'; do
        table=${pair% *} verify_tables 0 --with "${pair#* }"
        found rows_same 3000
    done
    sql "UPDATE l SET v = 'forged' WHERE a = 'k100'" "DELETE FROM l WHERE a = 'K101'" "INSERT INTO l VALUES ('zz', 'forged')"
    table=k verify_tables 4 --with l
    found rows_different 1 rows_only_in_table 1 rows_only_in_with 1
}
