# What is PostgreSQL's of the tests of rules.

true_is=t polls=(0.03 0.03 0.03 0.03 0.05 0.05 0.05 0.1)
server_begin() { :; }
session_client() { "$SERVER_BIN/psql" -X -q -At -d "$url"; }
session_echo() { echo "\\echo $1"; }

# One statement or more in a session of its own. What must not fail ends the test when it does.
ask() { "$SERVER_BIN/psql" -X -q -At -v ON_ERROR_STOP=1 -d "$url" "${@/#/-c}" 2>> "$out/sql.err"; }
drop_database()
{
    "$SERVER_BIN/psql" -X -q -d "$SERVER_URL" > /dev/null 2>&1 <<SQL
SET client_min_messages = error;
SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = 'sc_faults' AND active;
DROP DATABASE IF EXISTS sc_faults WITH (FORCE);
SELECT pg_sleep(0.05), pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = 'sc_faults' AND NOT active;
DROP DATABASE IF EXISTS sc_faults WITH (FORCE);
SQL
}

# A database with table t (id, n, v, big) of so many rows, ids 10, 20, 30 ..., and a function in the ALTER by which each chunk of the copy comes to an advisory
# lock: whoever holds it lets one chunk after the other go. Another one stands in the way of an index on public.held(n).
copy_lock=77 index_lock=78 commit_lock=79
setup()
{
    drop_database
    "$SERVER_BIN/psql" -X -q -d "$SERVER_URL" -c 'CREATE DATABASE sc_faults TEMPLATE template0' > /dev/null || fail "no database"
    "$SERVER_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d "$url" > /dev/null 2> "$out/setup.err" <<SQL || fail "setup: $(cat "$out/setup.err")"
CREATE FUNCTION hold(n integer, id bigint) RETURNS bigint LANGUAGE plpgsql AS \$\$
BEGIN
    IF id % 500 = 0 AND current_setting('application_name') ~ '^seachange .* copy' THEN
        PERFORM pg_advisory_xact_lock_shared($copy_lock);
    END IF;
    RETURN n;
END \$\$;
CREATE FUNCTION held(n bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS \$\$
BEGIN
    IF current_setting('application_name') ~ '^seachange' AND NOT pg_try_advisory_xact_lock_shared($index_lock) THEN
        PERFORM pg_advisory_xact_lock_shared($index_lock);
    END IF;
    RETURN n;
END \$\$;
CREATE TABLE t (id bigint PRIMARY KEY, n integer, v text, big text);
ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
INSERT INTO t SELECT i * 10, i, 'row ' || i, CASE WHEN i % 10 = 0 THEN repeat(i || '.', 600) END FROM generate_series(1, $1) i;
ANALYZE t;
SQL
    [ $# -lt 2 ] || sql "${@:2}"
}

# --- the program

alter='ALTER COLUMN n TYPE bigint USING public.hold(n, id)'
alter_id='ALTER COLUMN id TYPE bigint'

phase_is() { echo "(SELECT phase FROM seachange.migration) = '$1'"; }
in_phase() { until_true "to_regclass('seachange.migration') IS NOT NULL" "the migration's state is stored"; until_true "$(phase_is "$1")" "the migration is in phase $1"; }
waits_for_lock() { echo "EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.objid = $1 AND NOT l.granted AND a.application_name ~ '^seachange')"; }

# The copy stops in each of its chunks, or the index where one on held(n) is built, until let_go.
hold() { eval "holder_$1=a"; session_start "a$1" "SELECT pg_advisory_lock($1)"; session_start "b$1"; }
let_go() { eval "holder=\$holder_$1"; session "$holder$1" "SELECT pg_advisory_unlock($1)"; }
copy_is_held() { until_true "$(waits_for_lock $copy_lock)" "the copy is held"; }
# The same by the names that both families have. Where it is held is the other one's to say.
copy_held_at()
{
    hold $copy_lock
    migrate_start --workers 1 --chunk-time 20ms --spool-memory 256KiB "${@:2}"
    copy_is_held
}
copy_let_go() { let_go $copy_lock; }
kill_it_in_the_copy()
{
    kill_it
    copy_let_go
    until_true "NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange')" "the sessions of the killed program are gone"
}

cutover_waits_for_lock() { until_true "EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted)" "the cutover waits for the table"; }
applier_waits_for_a_row() { echo "EXISTS (SELECT FROM pg_stat_activity WHERE application_name ~ '^seachange' AND wait_event_type = 'Lock' AND wait_event IN ('transactionid', 'tuple'))"; }
# Nothing is applied to this row of the new table before let_ghost_row.
hold_ghost_row() { session_start locker "BEGIN; SELECT 1 FROM $(table_of new) WHERE id = $1 FOR UPDATE"; until_true "EXISTS (SELECT FROM pg_locks WHERE relation = '$(table_of new)'::regclass AND mode = 'RowShareLock')" "the row is locked"; }
let_ghost_row() { session locker ROLLBACK; }
batch_is_held() { until_true "$(applier_waits_for_a_row)" "the batch is being applied"; }
its_sessions_end() { :; } # the next run ends them

# Whoever comes to make schema seachange waits.
hold_state() { session_start state "SELECT pg_advisory_lock(7378697629483820646)"; }
let_state() { session state "SELECT pg_advisory_unlock(7378697629483820646)"; }
come_to_state() { until_true "(SELECT count(*) = $1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.objid = 1717986918 AND NOT l.granted AND a.application_name ~ '^seachange')" "$1 are about to make schema seachange"; }
nothing_stored() { must_be "to_regnamespace('seachange') IS NULL" t; }
state=seachange.migration
# Until the second one knows the first one's new table it shares a lock; then it only looks again and again.
lock_is_asked_for() { until_true "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1397052994) OR EXISTS (SELECT FROM pg_stat_activity WHERE application_name ~ '^seachange' AND query ~ '^SELECT id, ghost_oid FROM seachange' AND state_change > now() - interval '1 s')" "the second waits for the first"; }

# Lets the chunk in flight go, and no other: who asks for the lock before it is let go stands before the next chunk.
queued() { echo "(SELECT count(*) > 0 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.objid = $copy_lock AND NOT l.granted AND application_name = 'psql')"; }
step()
{
    eval "holder=\$holder_$copy_lock"
    next=$([ $holder = a ] && echo b || echo a)
    session_send $next$copy_lock "SELECT pg_advisory_lock($copy_lock)"
    until_true "$(queued)" "the next one is queued"
    session $holder$copy_lock "SELECT pg_advisory_unlock($copy_lock)"
    session $next$copy_lock 'SELECT 1'
    eval "holder_$copy_lock=$next"
}
# Lets chunks go until EXPRESSION is true; what is not copied by then is held.
copy_until()
{
    for _ in $(seq 60); do
        until_true "$(waits_for_lock $copy_lock) OR $1" "the copy is held"
        ! is_true "$1" || return 0
        step
    done
    fail "the copy ended before: $1"
}
# Whether everything that was changed up to now is applied: what is asked for is before one more change, whose transaction takes the checkpoint past it.
applied()
{
    lsn=$(sql "SELECT pg_current_wal_insert_lsn()")
    sql "BEGIN; INSERT INTO t VALUES (-1000000000, 1); DELETE FROM t WHERE id = -1000000000; COMMIT"
    echo "(SELECT applied >= '$lsn' FROM seachange.checkpoint)"
}

# The program copies, has the index on the key, and applies in between: most of the table is not copied yet. Changes that pile up on disk bring it there.
copy_and_apply()
{
    hold $copy_lock
    migrate_start --workers 1 --chunk-time 20ms --spool-memory 256KiB "$@"
    copy_is_held
    sql "INSERT INTO t SELECT -i, i, repeat(md5(i::text), 30) FROM generate_series(1, 8000) i" 'DELETE FROM t WHERE id < 0'
    copy_until "$(applied)"
}
copied_upto() { sql "SELECT max(upto_key[1]::bigint) FROM seachange.chunk"; }

# --- what must be in the end

table_of() { sql "SELECT quote_ident(nspname) || '.t' FROM pg_namespace WHERE nspname ~ '^seachange_$1_'"; }

# The table has the rows that the source had when it was put aside, and as many as are expected.
same_rows()
{
    old=$(table_of old)
    [ -n "$old" ] || fail "there is no old table"
    [ "$(sql "SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'n'")" = bigint ] || fail "table t is not the new one"
    differ=$(sql "SELECT count(*) FROM (SELECT r::text FROM t r EXCEPT ALL SELECT o::text FROM $old o) x UNION ALL SELECT count(*) FROM (SELECT o::text FROM $old o EXCEPT ALL SELECT r::text FROM t r) x" | tr '\n' ' ')
    [ "$differ" = "0 0 " ] || fail "rows in the new table alone, and in the source alone: $differ"
    rows=$(sql 'SELECT count(*) FROM t')
    [ $# = 0 ] || [ "$rows" = "$1" ] || fail "the table has $rows rows, expected $1"
    sql "DROP TABLE $old" "DROP SCHEMA ${old%.t}" || fail "the old table cannot be dropped"
    nothing_left
}

nothing_left()
{
    # A session that was closed takes its time to end on a busy server.
    until_ok 10 is_true "NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange')"
    left=$(sql "SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database() UNION ALL SELECT 'publication ' || pubname FROM pg_publication
        UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^seachange_' UNION ALL SELECT 'session ' || application_name FROM pg_stat_activity
        WHERE datname = current_database() AND application_name ~ '^seachange'")
    [ -z "$left" ] || fail "left behind: $left"
}

# Nothing was swapped: t is the table it was, with the rows that FINGERPRINT says, and abort takes away all the rest.
rows_fingerprint() { sql "SELECT count(*), sum(hashtextextended(t::text, 0)), 't'::regclass::oid FROM t"; }
untouched()
{
    [ "$(rows_fingerprint)" = "$1" ] || fail "the source is not what it was"
    timeout 60 "$SEACHANGE" abort --source "$url" --table t > "$out/abort" 2>&1
    status=$?
    [ $status = 0 ] || [ $status = 6 ] || fail "seachange abort: exit $status: $(tail -n 3 "$out/abort")"
    nothing_left
    [ "$(rows_fingerprint)" = "$1" ] || fail "the source is not what it was after abort"
}
