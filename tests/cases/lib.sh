# One case, from its folder to its verdict. Sourced by run.sh, which sets here, engine, base, version, server, work, keep, SEACHANGE and
# SERVER_BIN, and has read postgresql.sh or mysql.sh for what differs between the servers.

# Where a file of a case is: a folder of the server's family takes precedence.
path() { [ -e "$dir/${family:-.}/$1" ] && echo "$dir/${family:-.}/$1" || echo "$dir/$1"; }

# What a case's folder says, or what holds when it does not.
file() { [ -e "$(path "$1")" ] && cat "$(path "$1")" || printf '%s' "${2-}"; }

# Shown behind the line that says which case has failed, as whoever collects failures expects.
complaints=
complain()
{
    complaints="$complaints    $1"$'\n'
    [ $# -lt 2 ] || complaints="$complaints$(printf '%s\n' "$2" | head -n "${3:-30}" | sed 's/^/      | /')"$'\n'
}

# The clients' own report is not waited for: one whose statement failed has said so.
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
    [ ! -e "$(path options)" ] || mapfile -t options < "$(path options)"
    timeout -k 10 120 "$SEACHANGE" migrate --source "$source_url" --table "$(table_option "$1")" --alter "$(file alter)" --spool-dir "$out" \
        --log-format json "${options[@]}" > "$out/stdout" 2> "$out/stderr"
}

check_messages()
{
    [ -e "$(path expect_message)" ] || return 0
    while IFS= read -r pattern; do
        [ -z "$pattern" ] || cat "$out/stdout" "$out/stderr" | grep -qE -- "$pattern" || complain "no message matches: $pattern" "$(tail -n 5 "$out/stderr")"
    done < "$(path expect_message)"
}

check_queries()
{
    [ -e "$(path check.sql)" ] || return 0
    run_file "$1" "$(path check.sql)" > "$out/check" 2>&1 || { complain "check.sql failed" "$(cat "$out/check")"; return; }
    grep -qvxE "$true_value" "$out/check" && complain "check.sql printed something that is not true" "$(cat "$out/check")"
    [ -s "$out/check" ] || complain "check.sql returned nothing"
}

# Nothing was swapped: everything that is not seachange's is what it was, and once the migration is aborted nothing is left.
check_untouched()
{
    dump_of "$1" > "$out/after"
    cmp -s "$out/before" "$out/after" || complain "the database is not what it was" "$(diff "$out/before" "$out/after")"
    if [ "$2" != 3 ]; then
        id=$("$SEACHANGE" list --source "$1" --log-format json 2> /dev/null | grep -oE '"id":"[0-9a-f]{8}"' | head -n 1)
        if [ -z "$id" ]; then
            [ -z "$(leftovers_of "$1")" ] || complain "something is left that seachange list does not show" "$(leftovers_of "$1")"
        else
            timeout 60 "$SEACHANGE" abort --source "$1" --table "$(table_option "$1")" > "$out/abort" 2>&1
            status=$?
            [ $status = 0 ] || complain "seachange abort: exit $status" "$(cat "$out/abort")"
            dump_of "$1" > "$out/after"
            cmp -s "$out/before" "$out/after" || complain "the database is not what it was after abort" "$(diff "$out/before" "$out/after")"
        fi
    else
        made=$(made_by_refusal "$1")
        [ -z "$made" ] || complain "it was refused, but something of seachange is there" "$made"
    fi
    left=$(leftovers_of "$1")
    [ -z "$left" ] || complain "left behind" "$left"
}

# The old table holds the rows it had, and goes away by the statements the summary tells.
check_old()
{
    old=$(old_tables_of "$1")
    listed=$("$SEACHANGE" list --source "$1" 2>&1) || complain "seachange list failed" "$listed"
    if grep -qx -- --drop-old "$(path options)" 2> /dev/null; then
        [ -z "$old" ] || complain "the old table is there in spite of --drop-old" "$old"
    else
        old_is_kept=1
        [ "$(printf '%s\n' "$old" | grep -c .)" = 1 ] || { complain "there must be one old table" "$old"; return; }
        if [ -z "$traffic" ]; then
            rows_of "$1" "$old" > "$out/rows.old" 2>&1
            cmp -s "$out/rows.before" "$out/rows.old" || complain "the old table has other rows than before" "$(diff "$out/rows.before" "$out/rows.old")" 10
        fi
        drop_old "$1" "$old" > "$out/drop" 2>&1 || complain "the old table cannot be dropped" "$(cat "$out/drop")"
    fi
    left=$(leftovers_of "$1")
    [ -z "$left" ] || complain "left behind" "$left"
}

# The same setup in a database where the server itself ran the ALTER.
check_twin()
{
    [ ! -e "$(path no_native)" ] || return 0
    make_database "$2" && run_file "$base/$2" "$(path setup.sql)" > "$out/twin.setup" 2>&1 || { complain "setup.sql failed in the twin" "$(cat "$out/twin.setup")"; return; }
    if [ -n "$traffic" ]; then
        mirror_to_twin "$1" "$base/$2" || { complain "the mirror's rows do not fit the twin" "$(cat "$out/mirrored")"; return; }
    fi
    # As the program splits it: a rename cannot stand beside other actions in one ALTER TABLE of PostgreSQL, so `native` may give the statements.
    if [ -e "$(path native)" ]; then
        run_file "$base/$2" "$(path native)" > "$out/twin.alter" 2>&1
    else
        run_text "$base/$2" "ALTER TABLE $table $(file alter)" > "$out/twin.alter" 2>&1
    fi || { complain "the native ALTER failed" "$(cat "$out/twin.alter")"; return; }
    schema_of "$1" > "$out/schema"
    schema_of "$base/$2" > "$out/schema.native"
    cmp -s "$out/schema.native" "$out/schema" || complain "the schema differs from the native ALTER's (<)" "$(diff "$out/schema.native" "$out/schema")" 40
    [ ! -e "$(path no_native_data)" ] || return 0
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
    dir=$here/$engine/$name out=$work/$name traffic= old_is_kept=
    mkdir -p "$out"
    verdict=$work/$name.verdict
    if [ -e "$dir/servers" ] && ! fits "$dir/servers"; then
        echo "skip $server is not $(tr '\n' ' ' < "$dir/servers")" > "$verdict"
        return
    fi
    begun=$EPOCHREALTIME
    table=$(file table "$usual_table")
    expected=$(file expect_exit 0)
    url=$base/$db
    if ! make_database "$db"; then
        complain "no database" "$(cat "$out/createdb")"
    elif ! run_file "$url" "$(path setup.sql)" > "$out/setup" 2>&1; then
        complain "setup.sql failed" "$(cat "$out/setup")"
    else
        dump_of "$url" > "$out/before"
        [ "$expected" != 0 ] || rows_of "$url" "$table" > "$out/rows.before"
        if [ -e "$(path traffic.sql)" ]; then
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
        echo "FAILED   $name ($seconds s): $(head -n 1 "$(path setup.sql)" | sed 's/^-- *//')"
        printf '%s' "$complaints"
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
