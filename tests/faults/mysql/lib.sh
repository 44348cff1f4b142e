# What is MySQL's and MariaDB's of the tests of rules. The program has an account of its own, by which its sessions are known.

true_is=1 polls=(0.05 0.05 0.1 0.15 0.2 0.25)
program_url=mysql://sc_faults_program@${url#*@}

# Sets family and version, and makes what all tests share: sc_faults_numbers.n, with i from 1 to 100000.
server_begin()
{
    version=$("$SERVER_BIN/mysql" -N -B -e 'SELECT VERSION()') || return 1
    case $version in *MariaDB*) family=mariadb ;; *) family=mysql ;; esac
    "$SERVER_BIN/mysql" <<'SQL'
SET SESSION sql_log_bin = 0;
CREATE USER IF NOT EXISTS 'sc_faults_program'@'127.0.0.1' IDENTIFIED BY '';
GRANT ALL ON *.* TO 'sc_faults_program'@'127.0.0.1' WITH GRANT OPTION;
DROP DATABASE IF EXISTS sc_faults_numbers;
CREATE DATABASE sc_faults_numbers;
USE sc_faults_numbers;
CREATE TABLE d (i int PRIMARY KEY);
INSERT INTO d VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
CREATE TABLE n (i int PRIMARY KEY);
INSERT INTO n SELECT 1 + a.i + 10 * b.i + 100 * c.i + 1000 * d.i + 10000 * e.i FROM d a, d b, d c, d, d e;
SQL
}
is_mariadb() { [ $family = mariadb ]; }
# For a test that the other family has: tests/run counts it as not there.
elsewhere()
{
    number=${version%%-*}
    if is_mariadb; then skip "MariaDB $number is not for it: $1"; else skip "MySQL $number is not for it: $1"; fi
}

# In READ COMMITTED a row is locked without the gaps beside it, who changes others passes it by, and there is no snapshot that a cutover would wait for.
client() { "$SERVER_BIN/mysql" -N -B --init-command='SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED' "$@"; }
# One statement or more in a session of its own; and without the database.
ask() { printf '%s;\n' "$@" | client sc_faults 2>> "$out/sql.err"; }
server_sql() { printf '%s;\n' "$@" | client 2>> "$out/sql.err"; }
session_client() { client -n --force sc_faults; }
session_echo() { echo "SELECT '$1';"; }

# --- sessions of the program

program_sessions="SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND COMMAND NOT LIKE 'Binlog Dump%'"
no_program_sessions() { [ -z "$(server_sql "$program_sessions")" ]; }
program_is_gone() { until_ok 60 no_program_sessions || fail "sessions of the killed program stay on the server"; }
# The server itself notices only after seconds that nobody is there any more for a session that waits for a row.
its_sessions_end()
{
    local id
    for id in $(server_sql "$program_sessions"); do
        server_sql "KILL $id" || true
    done
    program_is_gone
}
# kill_sessions QUERY-FOR-IDS: at least one must be there. That one has ended by itself is no failure.
kill_sessions()
{
    local ids id
    ids=$(server_sql "$1")
    [ -n "$ids" ] || fail "there is no such session: $1"
    for id in $ids; do
        server_sql "KILL $id"
    done
}
# lock_name TABLE [KIND]: FNV-1a, as in applier/mysql/names.c.
lock_name()
{
    local text=$'sc_faults\n'$1 hash=$((0xcbf29ce484222325)) i
    for ((i = 0; i < ${#text}; i++)); do
        hash=$(((hash ^ $(printf '%d' "'${text:i:1}")) * 0x100000001b3))
    done
    printf 'seachange %s %016x' "${2:-table}" "$hash"
}
lock_holder() { echo "SELECT IS_USED_LOCK('$(lock_name t)')"; }

drop_database()
{
    local id list=information_schema.PROCESSLIST
    is_mariadb || list=performance_schema.processlist # the other one fails while somebody runs a statement with an emoji
    for id in $("$SERVER_BIN/mysql" -N -B -e "SELECT ID FROM $list WHERE ID <> CONNECTION_ID() AND (USER = 'sc_faults_program' OR DB = 'sc_faults')"); do
        "$SERVER_BIN/mysql" -e "KILL $id"
    done 2> /dev/null
    for id in $("$SERVER_BIN/mysql" -N -B -e 'XA RECOVER' | cut -f 4); do
        "$SERVER_BIN/mysql" -e "XA ROLLBACK '$id'"
    done 2> /dev/null
    "$SERVER_BIN/mysql" -e 'SET SESSION lock_wait_timeout = 60; DROP DATABASE IF EXISTS sc_faults' > /dev/null
}

# A database with table t (id, n, v, big) of so many rows, ids 10, 20, 30 ...
setup()
{
    : > "$out/sql.err"
    drop_database
    server_sql "PURGE BINARY LOGS BEFORE NOW()"
    "$SERVER_BIN/mysql" > /dev/null 2> "$out/setup.err" <<SQL || fail "setup: $(cat "$out/setup.err")"
CREATE DATABASE sc_faults CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE sc_faults;
CREATE TABLE t (id bigint PRIMARY KEY, n int, v varchar(200), big mediumtext);
INSERT INTO t SELECT i * 10, i, CONCAT('row ', i), CASE WHEN i % 10 = 0 THEN REPEAT(CONCAT(i, '.'), 600) END FROM sc_faults_numbers.n WHERE i <= $1;
ANALYZE TABLE t;
SQL
    [ $# -lt 2 ] || sql "${@:2}"
}

# --- the program

alter='MODIFY n bigint'
alter_id='MODIFY id bigint'

# Whoever comes to make the tables _seachange_* waits, and has its table's lock by then.
hold_state() { session_start state "SELECT GET_LOCK('$(lock_name '' state)', 60)"; }
let_state() { session state "SELECT RELEASE_LOCK('$(lock_name '' state)')"; }
come_to_state() { until_true "$1 = (IS_USED_LOCK('$(lock_name t)') IS NOT NULL) + (IS_USED_LOCK('$(lock_name u)') IS NOT NULL)" "$1 have locked their tables"; sleep 1.5; }
nothing_stored() { must_be "COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME LIKE '\\\\_seachange%'" 0; }
state=_seachange_migration
# Until the second one has seen what the first does, it holds this lock.
lock_is_asked_for() { until_true "IS_USED_LOCK('$(lock_name t) waiting 1') IS NOT NULL" "the second waits for the first"; }

phase_is() { echo "(SELECT phase FROM _seachange_migration) = '$1'"; }
in_phase() { until_true "$(phase_is "$1")" "the migration is in phase $1"; }
# Behind the fence, and no need to see a try of the cutover fail: it waits for the table's lock.
waits_for_table="EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND INFO LIKE 'LOCK TABLES%\`t\`%')"
cutover_is_tried() { grep -q 'cutover, try 1' "$out/stderr" || is_true "$waits_for_table"; }
in_strict_mode() { in_phase cutover; until_ok 60 cutover_is_tried || fail "the cutover is not tried"; }
table_of() { sql "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME LIKE 't\\\\_seachange\\\\_$1\\\\_%'"; }

somebody_waits_for_table="EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'root' AND STATE = 'Waiting for table metadata lock')"

# --- the copy stops at a row that somebody keeps locked. It waits for some seconds, lets changes be applied, and comes again.

hold_row() { session_start "row$1" "BEGIN; SELECT id FROM t WHERE id = $1 FOR UPDATE"; }
let_row() { session "row$1" 'COMMIT'; }
waits_for_row="EXISTS (SELECT 1 FROM information_schema.INNODB_TRX x JOIN information_schema.PROCESSLIST p ON p.ID = x.trx_mysql_thread_id WHERE x.trx_state = 'LOCK WAIT' AND p.USER = 'sc_faults_program')"
copy_is_held() { until_true "$waits_for_row" "the copy waits for a row"; }

# copy_held_at ID [OPTION...]: starts the program, which copies what is before this row.
copy_held_at()
{
    held_at=$1
    hold_row "$1"
    migrate_start --workers 1 --chunk-time 20ms --spool-memory 256KiB "${@:2}"
    copy_is_held
}
# Lets it go on to another row, which is copied and behind the held one.
copy_goes_to()
{
    hold_row "$1"
    let_row "$held_at"
    until_true "EXISTS (SELECT 1 FROM $(table_of new) WHERE id = $held_at)" "row $held_at is copied"
    copy_is_held
    held_at=$1
}
copy_let_go() { let_row "$held_at"; }
kill_it_in_the_copy()
{
    kill_it
    its_sessions_end
    copy_let_go
}

# Readers of the log that the server has not noticed to be gone would keep it.
purge_log()
{
    kill_readers
    until_ok 30 no_readers || fail "readers of the log stay on the server"
    sql 'FLUSH BINARY LOGS'
    # What recovery may still need is not purged at once.
    until_ok 30 purged_up_to "$(log_place | cut -f 1)" || fail "the log cannot be purged"
}
purged_up_to() { sql "PURGE BINARY LOGS TO '$1'"; [ "$(sql 'SHOW BINARY LOGS' | head -n 1 | cut -f 1)" = "$1" ]; }
readers="SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"
no_readers() { [ -z "$(server_sql "$readers")" ]; }
kill_readers() { local id; for id in $(server_sql "$readers"); do server_sql "KILL $id" || true; done; }

log_place() { is_mariadb && sql 'SHOW MASTER STATUS' || sql 'SHOW BINARY LOG STATUS'; }
# Waits until everything that was changed up to now is applied. One more change takes the checkpoint past it.
all_is_applied()
{
    place=$(log_place | cut -f 1-2)
    file=${place%$'\t'*} file=${file##*.}
    sql "BEGIN" "INSERT INTO t (id) VALUES (-1000000000)" "DELETE FROM t WHERE id = -1000000000" COMMIT
    until_ok "${1:-60}" is_true "(SELECT applied_order >= $(((10#$file << 40) | ${place#*$'\t'})) FROM _seachange_migration)" || fail "changes are not applied"
}

# --- what must be in the end

# The columns that both have; equal as values, and as they are written.
rows_differ()
{
    equal=$(sql "SELECT GROUP_CONCAT('a.\`', COLUMN_NAME, '\` <=> b.\`', COLUMN_NAME, '\` AND HEX(a.\`', COLUMN_NAME, '\`) <=> HEX(b.\`', COLUMN_NAME, '\`)' SEPARATOR ' AND ') FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME = '$1'")
    for pair in "$1 a LEFT JOIN $2 b" "$2 a LEFT JOIN $1 b"; do
        sql "SELECT COUNT(*) FROM $pair ON a.id = b.id WHERE b.id IS NULL OR NOT ($equal)"
    done | tr '\n' ' '
}
new_type=bigint
is_swapped() { [ "$(sql "SELECT DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME = 't' AND COLUMN_NAME = 'n'")" = $new_type ]; }
# The table has the rows that the source had when it was put aside, and as many as are expected.
same_rows()
{
    old=$(table_of old)
    [ -n "$old" ] || fail "there is no old table"
    is_swapped || fail "table t is not the new one"
    differ=$(rows_differ "$old" t)
    [ "$differ" = "0 0 " ] || fail "rows that the source alone has, or another one; and the new table: $differ"
    rows=$(sql 'SELECT COUNT(*) FROM t')
    [ $# = 0 ] || [ "$rows" = "$1" ] || fail "the table has $rows rows, expected $1"
    sql "DROP TABLE $old"
    nothing_left
}

nothing_left()
{
    program_is_gone
    left=$(sql "SELECT CONCAT('table ', TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sc_faults' AND TABLE_NAME LIKE '%seachange%' AND TABLE_NAME NOT LIKE '\\\\_seachange\\\\_%'
        UNION ALL SELECT CONCAT('trigger ', TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'sc_faults' AND TRIGGER_NAME LIKE '%seachange%'")
    [ -z "$left" ] || fail "left behind: $left"
}

# Nothing was swapped: t is the table it was, with the rows that FINGERPRINT says, and abort takes away all the rest.
rows_fingerprint()
{
    is_mariadb && tables=INNODB_SYS_TABLES || tables=INNODB_TABLES
    sql "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', id, IFNULL(n, 'N'), IFNULL(v, 'N'), IFNULL(big, 'N')))), (SELECT TABLE_ID FROM information_schema.$tables WHERE NAME = 'sc_faults/t') FROM t"
}
untouched()
{
    [ "$(rows_fingerprint)" = "$1" ] || fail "the source is not what it was"
    timeout 60 "$SEACHANGE" abort --source "$program_url" --table t > "$out/abort" 2>&1
    status=$?
    [ $status = 0 ] || [ $status = 6 ] || fail "seachange abort: exit $status: $(tail -n 3 "$out/abort")"
    nothing_left
    left=$(sql "SHOW TABLES LIKE '%seachange%'")
    [ -z "$left" ] || fail "abort left $left"
    [ "$(rows_fingerprint)" = "$1" ] || fail "the source is not what it was after abort"
}

# --- the phases behind the copy

# Somebody reads the new table and goes on for long: its indexes cannot be made.
hold_ghost() { session_start ghost "BEGIN; SELECT COUNT(*) FROM $(table_of new) WHERE id = 0"; }
let_ghost() { session ghost COMMIT; }
index_is_held() { in_phase index; until_true "EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'sc_faults_program' AND STATE = 'Waiting for table metadata lock' AND INFO LIKE 'ALTER TABLE%')" "the index waits for the new table"; }

# in_each_phase ID FUNCTION [OPTION...]: calls it as FUNCTION PHASE in the copy, which waits for row ID; while indexes wait to be made; while the cutover is tried. The
# table must have an index.
in_each_phase()
{
    copy_held_at "$1" "${@:3}"
    $2 copy
    hold_ghost
    copy_let_go
    index_is_held
    $2 index
    reader_start
    let_ghost
    in_strict_mode
    $2 cutover
    reader_end
}
with_index='CREATE INDEX t_n ON t (n)'

cutover_waits_for_lock() { until_true "$waits_for_table" "the cutover waits for the table"; }
# Nothing is applied to this row of the new table before let_ghost_row.
hold_ghost_row() { session_start locker "BEGIN; SELECT 1 FROM $(table_of new) WHERE id = $1 FOR UPDATE"; }
let_ghost_row() { session locker ROLLBACK; }
batch_is_held() { until_true "$waits_for_row" "the batch is being applied"; }

# A transaction from before the new table was in step keeps the cutover from being tried, and holds nothing.
snapshot_start() { session_start "${1:-snapshot}" 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; BEGIN; SELECT COUNT(*) FROM sc_faults_numbers.d'; }
snapshot_end() { session "${1:-snapshot}" COMMIT; }
