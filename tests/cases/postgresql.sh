# What of running a case is PostgreSQL's. Sourced by run.sh.

sql() { "$SERVER_BIN/psql" -X -q -At -v ON_ERROR_STOP=1 -d "$@"; }

run_file() { sql "$1" -f "$2"; }
run_text() { sql "$1" -c "$2"; }
usual_table=public.t
true_value='(t\|)*t'

# Sets version and server, and makes what all cases share.
engine_begin()
{
    version=$(sql "$SERVER_URL" -c 'SHOW server_version_num') || return 2
    version=$((version / 10000))
    server="PostgreSQL $version"
    make_roles
}

engine_end() { :; }

# Roles belong to the whole server, so cases share these; none of them is a superuser.
make_roles()
{
    sql "$SERVER_URL" > /dev/null <<'SQL'
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I %s', name, attributes)
FROM (VALUES ('case_owner', 'NOLOGIN'), ('case_reader', 'LOGIN'), ('case_writer', 'LOGIN'),
             ('case_migrator', 'LOGIN REPLICATION'), ('case_stranger', 'LOGIN'),
             ('Case "Role" with, odd name', 'NOLOGIN')) AS role (name, attributes)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec
GRANT case_owner TO case_migrator;
SQL
}

# Is this server one of those that the file `servers` names? Lines such as >=18, <17, 15: all must hold.
fits()
{
    while read -r condition; do
        case $condition in
        '>='*) [ "$version" -ge "${condition#>=}" ] ;;
        '<='*) [ "$version" -le "${condition#<=}" ] ;;
        '>'*) [ "$version" -gt "${condition#>}" ] ;;
        '<'*) [ "$version" -lt "${condition#<}" ] ;;
        '') ;;
        *) [ "$version" -eq "$condition" ] ;;
        esac || return 1
    done < "$1"
}

make_database()
{
    sql "$SERVER_URL" > /dev/null 2> "$out/createdb" <<SQL
SET client_min_messages = error;
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '$1' AND NOT active;
DROP DATABASE IF EXISTS "$1" WITH (FORCE);
CREATE DATABASE "$1" TEMPLATE template0;
ALTER DATABASE "$1" SET client_min_messages = warning;
GRANT CREATE ON DATABASE "$1" TO case_migrator;
SQL
}

drop_database()
{
    sql "$SERVER_URL" > /dev/null 2>&1 <<SQL
SET client_min_messages = error;
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '$1' AND NOT active;
DROP DATABASE IF EXISTS "$1" WITH (FORCE);
SQL
}

table_option() { echo "$table"; }

# A dump without seachange's own objects and without the lines that differ from run to run.
dump_of()
{
    "$SERVER_BIN/pg_dump" -N 'seachange*' -N mirror -d "$@" | grep -vE '^(\\(un)?restrict |-- Dumped )' |
        awk '/^-- Name: / || /^-- PostgreSQL database dump complete/ { own = /^-- Name: seachange_/ } !own'
}

schema_of() { dump_of "$1" --schema-only; }

# Every row as text, in an order that no collation decides.
rows_of() { sql "$1" -c "COPY (SELECT line FROM (SELECT r::text AS line FROM ONLY $2 AS r) AS rows ORDER BY line COLLATE \"C\") TO STDOUT"; }

# Where sequences stand: those that were never used have no value.
sequences_of()
{
    sql "$1" -c "SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname !~ '^(seachange|mirror)' ORDER BY 1, 2"
}

# What of seachange is in the database or works in it.
leftovers_of()
{
    # A session that was closed takes its time to end on a busy server.
    sql "$1" <<'SQL'
DO $$ BEGIN
    FOR i IN 1 .. 100 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange');
        PERFORM pg_sleep(0.1), pg_stat_clear_snapshot();
    END LOOP;
END $$;
SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database() AND slot_name ~ '^seachange'
UNION ALL SELECT 'publication ' || pubname FROM pg_publication WHERE pubname ~ '^seachange'
UNION ALL SELECT 'session of ' || application_name FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^seachange'
UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^seachange_'
UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname ~ '^seachange'
UNION ALL SELECT 'index ' || relname FROM pg_class WHERE relkind = 'i' AND relnamespace::regnamespace::text !~ '^seachange' AND relname ~ '^seachange'
ORDER BY 1;
SQL
}

# What must not even be made when a migration is refused.
made_by_refusal()
{
    sql "$1" -c "SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^seachange'"
}

old_tables_of()
{
    sql "$1" -c "SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname ~ '^seachange_old_' AND relkind = 'r'"
}

# By the two statements the summary tells.
drop_old() { sql "$1" -c "DROP TABLE $2" -c "DROP SCHEMA ${2%%.*}"; }

# A table with the same rows that the traffic changes together with the real one: what the rows must be in the end.
make_mirror()
{
    sql "$1" > "$out/mirror" 2>&1 <<SQL
CREATE SCHEMA mirror;
CREATE TABLE mirror.t (LIKE $table INCLUDING GENERATED INCLUDING INDEXES);
SELECT string_agg(quote_ident(attname), ', ') AS columns FROM pg_attribute
WHERE attrelid = '${table//\'/\'\'}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' \gset
INSERT INTO mirror.t (:columns) SELECT :columns FROM $table;
SQL
}

# The mirror's rows replace those of the twin's table, whatever triggers and foreign keys it has.
mirror_to_twin()
{
    columns=$(sql "$1" -c "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = 'mirror.t'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''")
    sql "$2" -c 'SET session_replication_role = replica' -c "DELETE FROM $table" > "$out/mirrored" 2>&1 &&
        sql "$1" -c "COPY (SELECT $columns FROM mirror.t) TO STDOUT" > "$out/mirror.rows" &&
        sql "$2" -c 'SET session_replication_role = replica' -c "COPY $table ($columns) FROM STDIN" < "$out/mirror.rows" >> "$out/mirrored" 2>&1
}

start_traffic()
{
    "$SERVER_BIN/pgbench" -n -c 4 -j 1 -T 600 -f "$(path traffic.sql)" "$1" > "$out/traffic" 2>&1 &
    traffic=$!
    sleep 0.5
}
