# One case, from its folder to its verdict. Sourced by run.sh, which sets here, engine, base, version, work, keep, SEACHANGE and SERVER_BIN.

sql() { "$SERVER_BIN/psql" -X -q -At -v ON_ERROR_STOP=1 -d "$@"; }

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

# What a case's folder says, or what holds when it does not.
file() { [ -e "$dir/$1" ] && cat "$dir/$1" || printf '%s' "${2-}"; }

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

complaints=
complain()
{
    complaints=1
    echo "    $1"
    [ $# -lt 2 ] || printf '%s\n' "$2" | head -n "${3:-30}" | sed 's/^/      | /'
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

# A dump without seachange's own objects and without the lines that differ from run to run.
dump_of()
{
    "$SERVER_BIN/pg_dump" -N 'seachange*' -N mirror -d "$@" | grep -vE '^(\\(un)?restrict |-- Dumped )' |
        awk '/^-- Name: / || /^-- PostgreSQL database dump complete/ { own = /^-- Name: seachange_/ } !own'
}

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
    "$SERVER_BIN/pgbench" -n -c 4 -j 1 -T 600 -f "$dir/traffic.sql" "$1" > "$out/traffic" 2>&1 &
    traffic=$!
    sleep 0.5
}

# pgbench's own report is not waited for: a client whose statement failed has said so.
stop_traffic()
{
    sleep 0.3
    kill -0 $traffic 2> /dev/null || complain "the traffic ended by itself" "$(cat "$out/traffic")"
    kill $traffic 2> /dev/null
    wait $traffic 2> /dev/null
    if grep -qE 'ERROR|FATAL|aborted' "$out/traffic"; then
        complain "a client saw an error" "$(grep -E 'ERROR|FATAL|aborted' "$out/traffic")" 5
    fi
}

run_migrate()
{
    as=$(file user)
    source_url=$1
    [ -z "$as" ] || source_url=$(echo "$1" | sed "s|//[^@]*@|//$as@|")
    options=()
    [ ! -e "$dir/options" ] || mapfile -t options < "$dir/options"
    timeout -k 10 120 "$SEACHANGE" migrate --source "$source_url" --table "$table" --alter "$(cat "$dir/alter")" --spool-dir "$out" \
        --log-format json "${options[@]}" > "$out/stdout" 2> "$out/stderr"
}

check_messages()
{
    [ -e "$dir/expect_message" ] || return 0
    while IFS= read -r pattern; do
        [ -z "$pattern" ] || cat "$out/stdout" "$out/stderr" | grep -qE -- "$pattern" || complain "no message matches: $pattern" "$(tail -n 5 "$out/stderr")"
    done < "$dir/expect_message"
}

check_queries()
{
    [ -e "$dir/check.sql" ] || return 0
    sql "$1" -f "$dir/check.sql" > "$out/check" 2>&1 || { complain "check.sql failed" "$(cat "$out/check")"; return; }
    grep -qvxE '(t\|)*t' "$out/check" && complain "check.sql printed something that is not t" "$(cat "$out/check")"
    [ -s "$out/check" ] || complain "check.sql returned nothing"
}

# Nothing was swapped: everything outside seachange's schemas is what it was, and once the migration is aborted nothing is left.
check_untouched()
{
    dump_of "$1" > "$out/after"
    cmp -s "$out/before" "$out/after" || complain "the database is not what it was" "$(diff "$out/before" "$out/after")"
    if [ "$2" != 3 ]; then
        id=$("$SEACHANGE" list --source "$1" --log-format json 2> /dev/null | grep -oE '"id":"[0-9a-f]{8}"' | head -n 1)
        if [ -z "$id" ]; then
            [ -z "$(leftovers_of "$1")" ] || complain "something is left that seachange list does not show" "$(leftovers_of "$1")"
        else
            timeout 60 "$SEACHANGE" abort --source "$1" --table "$table" > "$out/abort" 2>&1
            status=$?
            [ $status = 0 ] || complain "seachange abort: exit $status" "$(cat "$out/abort")"
            dump_of "$1" > "$out/after"
            cmp -s "$out/before" "$out/after" || complain "the database is not what it was after abort" "$(diff "$out/before" "$out/after")"
        fi
    elif [ "$(sql "$1" -c "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^seachange'")" != 0 ]; then
        complain "it was refused, but a schema of seachange is there"
    fi
    left=$(leftovers_of "$1")
    [ -z "$left" ] || complain "left behind" "$left"
}

# The old table holds the rows it had, and goes away by the two statements the summary tells.
check_old()
{
    old=$(sql "$1" -c "SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname ~ '^seachange_old_' AND relkind = 'r'")
    listed=$("$SEACHANGE" list --source "$1" 2>&1) || complain "seachange list failed" "$listed"
    if grep -qx -- --drop-old "$dir/options" 2> /dev/null; then
        [ -z "$old" ] || complain "the old table is there in spite of --drop-old" "$old"
    else
        [ "$(printf '%s\n' "$old" | grep -c .)" = 1 ] || { complain "there must be one old table" "$old"; return; }
        if [ -z "$traffic" ]; then
            rows_of "$1" "$old" > "$out/rows.old" 2>&1
            cmp -s "$out/rows.before" "$out/rows.old" || complain "the old table has other rows than before" "$(diff "$out/rows.before" "$out/rows.old")" 10
        fi
        sql "$1" -c "DROP TABLE $old" -c "DROP SCHEMA ${old%%.*}" > "$out/drop" 2>&1 || complain "the old table cannot be dropped" "$(cat "$out/drop")"
    fi
    left=$(leftovers_of "$1")
    [ -z "$left" ] || complain "left behind" "$left"
}

# The same setup in a database where the server itself ran the ALTER.
check_twin()
{
    [ ! -e "$dir/no_native" ] || return 0
    make_database "$2" && sql "$base/$2" -f "$dir/setup.sql" > "$out/twin.setup" 2>&1 || { complain "setup.sql failed in the twin" "$(cat "$out/twin.setup")"; return; }
    if [ -n "$traffic" ]; then
        mirror_to_twin "$1" "$base/$2" || { complain "the mirror's rows do not fit the twin" "$(cat "$out/mirrored")"; return; }
    fi
    # As the program splits it: a rename cannot stand beside other actions in one ALTER TABLE, so `native` may give the statements.
    if [ -e "$dir/native" ]; then
        sql "$base/$2" -f "$dir/native" > "$out/twin.alter" 2>&1
    else
        sql "$base/$2" -c "ALTER TABLE $table $(cat "$dir/alter")" > "$out/twin.alter" 2>&1
    fi || { complain "the native ALTER failed" "$(cat "$out/twin.alter")"; return; }
    dump_of "$1" --schema-only > "$out/schema"
    dump_of "$base/$2" --schema-only > "$out/schema.native"
    cmp -s "$out/schema.native" "$out/schema" || complain "the schema differs from the native ALTER's (<)" "$(diff "$out/schema.native" "$out/schema")" 40
    [ ! -e "$dir/no_native_data" ] || return 0
    now=$(file table_after "$table")
    rows_of "$1" "$now" > "$out/rows" 2>&1
    rows_of "$base/$2" "$now" > "$out/rows.native" 2>&1
    cmp -s "$out/rows.native" "$out/rows" || complain "the rows differ from the native ALTER's (<)" "$(diff "$out/rows.native" "$out/rows" | cut -c 1-300)" 10
    if [ -z "$traffic" ]; then
        sequences_of "$1" > "$out/sequences"
        sequences_of "$base/$2" > "$out/sequences.native"
        cmp -s "$out/sequences.native" "$out/sequences" || complain "the sequences differ from the native ALTER's (<)" "$(diff "$out/sequences.native" "$out/sequences")"
    fi
}

run_case()
{
    name=$1 db=$2
    dir=$here/$engine/$name out=$work/$name traffic=
    mkdir -p "$out"
    verdict=$work/$name.verdict
    if [ -e "$dir/servers" ] && ! fits "$dir/servers"; then
        echo "skip PostgreSQL $version is not $(tr '\n' ' ' < "$dir/servers")" > "$verdict"
        return
    fi
    begun=$EPOCHREALTIME
    table=$(file table public.t)
    expected=$(file expect_exit 0)
    url=$base/$db
    if ! make_database "$db"; then
        complain "no database" "$(cat "$out/createdb")"
    elif ! sql "$url" -f "$dir/setup.sql" > "$out/setup" 2>&1; then
        complain "setup.sql failed" "$(cat "$out/setup")"
    else
        dump_of "$url" > "$out/before"
        [ "$expected" != 0 ] || rows_of "$url" "$table" > "$out/rows.before"
        if [ -e "$dir/traffic.sql" ]; then
            make_mirror "$url" || complain "no mirror" "$(cat "$out/mirror")"
            start_traffic "$url"
        fi
        run_migrate "$url"
        status=$?
        [ -z "$traffic" ] || stop_traffic
        [ "$status" = "$expected" ] || complain "exit $status, expected $expected" "$(tail -n 8 "$out/stderr")"
        check_messages
        if [ "$expected" != 0 ]; then
            check_untouched "$url" "$expected"
            check_queries "$url"
        elif [ "$status" = 0 ]; then
            if [ -n "$traffic" ] && ! grep -qE '"changes_applied":[1-9]' "$out/stdout"; then
                complain "no change was applied: the traffic wrote nothing"
            fi
            check_old "$url"
            check_twin "$url" "${db}_twin"
            check_queries "$url"
        fi
    fi
    seconds=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    if [ -n "$complaints" ]; then
        echo "FAILED   $name ($seconds s): $(head -n 1 "$dir/setup.sql" | sed 's/^-- *//')"
        echo failed > "$verdict"
    else
        echo "ok       $name ($seconds s)"
        echo ok > "$verdict"
    fi
    if [ -z "$keep" ]; then
        drop_database "$db"
        drop_database "${db}_twin"
        rm -rf "$out"
    fi
}
