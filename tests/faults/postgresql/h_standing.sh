# What consumers are told follows the table, from the first row on that the log has of its new form.
H4_a_table_that_is_changed_goes_on_in_its_new_form()
{
    stream_setup
    stream_runs
    change_t 3
    sent t 3
    sql "ALTER TABLE t ADD COLUMN more text DEFAULT 'more'"
    change_t 4
    sent t 7
    sql "ALTER TABLE t ALTER COLUMN n TYPE numeric(12,2)" # which rewrites it
    change_t 2
    sent t 9
    sql "ALTER TABLE t DROP COLUMN more"
    change_t 1
    sent t 10
    kcat -C -q -e -b "$brokers" -t "seachange.$schema.t" -f '%h %s\n' | sed -n 's/.*seachange.sequence=\([0-9]*\).*"after":\({[^}]*}\).*/\1 \2/p' | sort -nu > "$out/rows"
    [ "$(sed -n '4,7p' "$out/rows" | grep -c '"more":"more"')" = 4 ] || fail "rows behind the first change lack the new column: $(cat "$out/rows")"
    [ "$(sed -n '8,9p' "$out/rows" | grep -cE '"n":"[A-Za-z0-9+/=]+".*"more":"more"')" = 2 ] || fail "rows behind the second one have another type: $(cat "$out/rows")"
    [ "$(grep -c more "$out/rows")" = 6 ] || fail "rows of another form have the column: $(cat "$out/rows")"
    stream_stopped
    stream_removed
}

# Somebody changes it while nobody reads: rows in the log are of a form that nothing tells any more.
H4_a_table_that_was_changed_meanwhile_is_not_guessed_at()
{
    stream_setup
    stream_runs
    change_t 3
    sent t 3
    stream_stopped
    change_t 2
    sql "ALTER TABLE t ADD COLUMN more text DEFAULT 'more'"
    change_t 4
    : > "$out/stderr"
    stream_start
    stream_ends 4 60
    until_said 'table public.t has other columns, or other types, in the log than in the catalog'
    sent t 3
    stream_removed
}
