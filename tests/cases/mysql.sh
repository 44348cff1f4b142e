# What of running a case is MySQL's and MariaDB's. Sourced by run.sh.

sql()
{
    local url=$1
    shift
    # shellcheck disable=SC2086
    "$SERVER_BIN/mysql" $client_options --default-character-set=utf8mb4 -N -B "${url##*/}" "$@"
}
run_file() { sql "$1" < "$2"; }
run_text() { sql "$1" -e "$2"; }
usual_table=t
true_value='1(	1)*'
mirror_table=mirror

# Sets family, version and server, and makes what all cases share.
engine_begin()
{
    address=${SERVER_URL#*//}
    address=${address%%/*}
    host=${address#*@}
    client_options="-u ${address%%@*} -h ${host%%:*} -P ${host##*:}"
    version=$(sql "${SERVER_URL%/*}/" -e 'SELECT VERSION()') || return 2
    case $version in *MariaDB*) family=mariadb server=MariaDB ;; *) family=mysql server=MySQL ;; esac
    version=${version%%-*}
    server="$server $version"
    traffic_program=$(dirname "$SEACHANGE")/tests/sc_traffic
    [ -x "$traffic_program" ] || traffic_program=$here/../../build/dev/tests/sc_traffic
    make_users
}

# Connections that read the log: a server may notice only at its next event that a reader has gone.
engine_end()
{
    for _ in $(seq 150); do
        readers=$(sql "${SERVER_URL%/*}/" -e "SELECT CONCAT('connection ', id, ' of ', user, ' reads the log: ', COALESCE(state, '')) FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'")
        [ -n "$readers" ] || return 0
        sleep 0.2
    done
    echo "$readers"
}

# Accounts belong to the whole server, so cases share these. case_migrator has what the documentation asks for.
make_users()
{
    sql "${SERVER_URL%/*}/" > /dev/null <<'SQL'
CREATE USER IF NOT EXISTS 'case_writer'@'127.0.0.1' IDENTIFIED BY '';
CREATE USER IF NOT EXISTS 'case_stranger'@'127.0.0.1' IDENTIFIED BY '';
CREATE USER IF NOT EXISTS 'case_reader'@'127.0.0.1' IDENTIFIED BY '';
GRANT SELECT, INSERT, UPDATE, DELETE ON `sc\_case\_%`.* TO 'case_writer'@'127.0.0.1';
GRANT SELECT ON `sc\_case\_%`.* TO 'case_reader'@'127.0.0.1';
SQL
}

# Is $1, a version such as 8.0.36, as much as $2?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# Is this server one of those that the file `servers` names? Lines such as mysql, mysql>=8.0.19, mariadb<11: those of its family must all
# hold, and there must be one.
fits()
{
    named=1
    while read -r condition; do
        case $condition in "$family"*) ;; *) continue ;; esac
        named=0
        condition=${condition#"$family"}
        case $condition in
        '>='*) at_least "$version" "${condition#>=}" ;;
        '<'*) ! at_least "$version" "${condition#<}" ;;
        '') ;;
        *) return 1 ;;
        esac || return 1
    done < "$1"
    return $named
}

make_database()
{
    purge_logs
    sql "${SERVER_URL%/*}/" -e "SET foreign_key_checks = 0; DROP DATABASE IF EXISTS \`$1\`; CREATE DATABASE \`$1\`" > "$out/createdb" 2>&1
}

# The log of many cases would fill the disk; those that run at the same time need the newest files only.
purge_logs() { sql "${SERVER_URL%/*}/" -e 'PURGE BINARY LOGS BEFORE NOW() - INTERVAL 4 MINUTE' > /dev/null 2>&1; }

drop_database()
{
    sql "${SERVER_URL%/*}/" -e "SET lock_wait_timeout = 5, foreign_key_checks = 0; DROP DATABASE IF EXISTS \`$1\`" > /dev/null 2>&1
}

# The database is part of a table's name here.
table_option() { echo "${1##*/}.$table"; }

# A name as the catalog has it, from one that may be in backticks.
plain_name()
{
    case $1 in
    '`'*) name_plain=${1#\`} name_plain=${name_plain%\`} && printf '%s' "${name_plain//\`\`/\`}" ;;
    *) printf '%s' "$1" ;;
    esac
}
quoted() { printf "'%s'" "${1//\'/\'\'}"; }

# A dump without seachange's own tables. Where tables come in another order or a counter stands is not what traffic leaves alone.
dump_of()
{
    local url=$1
    shift
    mapfile -t tables < <(sql "$url" --raw -e "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()
        AND table_name NOT LIKE '%\\_seachange\\_%' AND table_name <> '$mirror_table' ORDER BY HEX(table_name)")
    # shellcheck disable=SC2086
    "$SERVER_BIN/mysqldump" $client_options --skip-comments --skip-add-locks --skip-add-drop-table --routines --events --triggers \
        --single-transaction --hex-blob --complete-insert --skip-extended-insert --order-by-primary --no-tablespaces "$@" "${url##*/}" \
        "${tables[@]}" 2>&1 | grep -v 'enable the sandbox mode'
}
# A trigger cannot have its name back in MySQL: nothing renames triggers, and the old table's is there until the swap. Which of its names were
# quoted does not matter.
schema_of()
{
    dump_of "$1" --no-data | sed -E "s/_seachange_[0-9a-f]{8}\`/\`/g; ${traffic:+s/ AUTO_INCREMENT=[0-9]*//;}
        s/TRIGGER \`sc_case_[0-9]+\`\./TRIGGER /; s/ ON [\`\"]t[\`\"] FOR/ ON t FOR/;
        s/TRIGGER [\`\"]?([^ \`]+)[\`\"]? (BEFORE|AFTER) (INSERT|UPDATE|DELETE) ON [\`\"]?([^ \`]+)[\`\"]? /TRIGGER \1 \2 \3 ON \4 /"
    histograms_of "$1"
}

# Statistics that an operator asked for are part of the table, though no dump has them.
histograms_of()
{
    [ "$family" != mysql ] || sql "$1" -e "SELECT 'histogram', table_name, column_name, histogram->>'\$.\"number-of-buckets-specified\"',
        histogram->>'\$.\"auto-update\"' FROM information_schema.column_statistics WHERE schema_name = DATABASE() AND table_name NOT LIKE '%\\_seachange\\_%' ORDER BY 2, 3"
}

# Every row as text, in an order that no collation decides. Bytes are compared wherever text could hide a difference.
rows_of()
{
    list=$(sql "$1" --raw <<SQL
SET group_concat_max_len = 1000000, @t = $(quoted "$(plain_name "$2")");
SELECT GROUP_CONCAT(REPLACE(
    CASE WHEN data_type IN ('float', 'double') THEN '(# + 0e0)'
         WHEN data_type IN ('enum', 'set') THEN 'CONCAT(# + 0, ''='', HEX(#))'
         WHEN data_type IN ('binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'bit', 'vector', 'geometry', 'point',
                            'linestring', 'polygon', 'multipoint', 'multilinestring', 'multipolygon', 'geometrycollection', 'geomcollection')
              OR character_set_name <> 'utf8mb4' THEN 'HEX(#)'
         WHEN data_type = 'json' THEN 'CAST(# AS CHAR)'
         ELSE '#' END,
    '#', CONCAT('\`', REPLACE(column_name, '\`', '\`\`'), '\`')) ORDER BY ordinal_position SEPARATOR ', ')
FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = @t;
SQL
    )
    sql "$1" -e "SET time_zone = '+00:00'; SELECT $list FROM $2" | LC_ALL=C sort
}

# The next number of AUTO_INCREMENT is part of the schema.
sequences_of() { :; }

# What of seachange is in the database or works in it. A session that was just closed may be seen for a moment.
leftovers_of()
{
    for _ in $(seq 20); do
        found=$(sql "$1" <<'SQL'
SELECT CONCAT('table ', table_name) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE '%\_seachange\_%'
UNION ALL SELECT CONCAT('trigger ', trigger_name) FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND event_object_table LIKE '%seachange%'
UNION ALL SELECT CONCAT('constraint ', constraint_name) FROM information_schema.table_constraints WHERE constraint_schema = DATABASE() AND constraint_name LIKE '%seachange%'
UNION ALL SELECT CONCAT('index ', index_name) FROM information_schema.statistics WHERE table_schema = DATABASE() AND index_name LIKE '%seachange%'
UNION ALL SELECT CONCAT('session ', id, ' of ', user, ': ', command, ' ', COALESCE(state, '')) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()
SQL
        )
        case $found in *session*) sleep 0.2 ;; *) break ;; esac
    done
    [ -z "$old_is_kept" ] || found=$(grep -vxE 'table _seachange_(migration|chunk|verified|todo|part|marker|audit)' <<< "$found")
    [ -z "$found" ] || echo "$found"
    # The `seachange list` of a case that runs beside this one looks into every database.
    for _ in $(seq 20); do
        locks=$([ "$family" != mysql ] || sql "$1" -e "SELECT CONCAT('lock ', object_type, ' ', object_name, ' ', lock_type) FROM performance_schema.metadata_locks
            WHERE (object_schema = DATABASE() OR object_name LIKE CONCAT('%', DATABASE(), '%') AND object_type = 'USER LEVEL LOCK')
              AND owner_thread_id <> PS_CURRENT_THREAD_ID()")
        [ -n "$locks" ] || return 0
        sleep 0.2
    done
    echo "$locks"
}

# What must not even be made when a migration is refused.
made_by_refusal()
{
    sql "$1" -e "SELECT CONCAT('table ', table_name) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE '%\\_seachange\\_%'"
}

old_tables_of()
{
    sql "$1" --raw -e "SELECT CONCAT('\`', REPLACE(table_name, '\`', '\`\`'), '\`') FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_name LIKE '%\\_seachange\\_old\\_%'"
}

# By the statement the summary tells.
drop_old() { sql "$1" -e "SET lock_wait_timeout = 5; DROP TABLE $2"; }

# Columns of $2 that are written, in their order.
written_columns()
{
    sql "$1" --raw -e "SET group_concat_max_len = 1000000; SELECT GROUP_CONCAT('\`', REPLACE(column_name, '\`', '\`\`'), '\`' ORDER BY ordinal_position SEPARATOR ', ')
        FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = $(quoted "$(plain_name "$2")") AND COALESCE(generation_expression, '') = ''"
}

# A table with the same rows that the traffic changes together with the real one: what the rows must be in the end.
lossless="SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00', foreign_key_checks = 0, unique_checks = 1, @quiet = 1;"
make_mirror()
{
    columns=$(written_columns "$1" "$table")
    sql "$1" -e "$lossless CREATE TABLE $mirror_table LIKE $table; INSERT INTO $mirror_table ($columns) SELECT $columns FROM $table" > "$out/mirror" 2>&1
}

# The mirror's rows replace those of the twin's table. Triggers of a case that has traffic do nothing while @quiet is set.
mirror_to_twin()
{
    columns=$(written_columns "$1" "$mirror_table")
    sql "$2" -e "$lossless DELETE FROM $table; INSERT INTO $table ($columns) SELECT $columns FROM \`${1##*/}\`.$mirror_table" > "$out/mirrored" 2>&1
}

start_traffic()
{
    "$traffic_program" "$1" "$(path traffic.sql)" 4 > "$out/traffic" 2>&1 &
    traffic=$!
    sleep 0.5
}
