# F. What `seachange list` says of a migration that nobody runs.

listed_note() { "$SEACHANGE" list --source "${program_url:-$url}" --log-format json | sed -n 's/.*"note":"\([^"]*\)".*/\1/p'; }
list_says() { case $(listed_note) in $2) ;; *) fail "of $1 list says: $(listed_note)" ;; esac; }
changed_table_says='*changed the table*cannot go on*seachange abort*'

stopped_and_listed()
{
    setup 2000
    copy_held_at 10000
    list_says 'one that runs' 'running:*'
    kill_it_in_the_copy
    list_says 'one that can go on' '*goes on*'
}

F6_list_says_that_a_changed_table_cannot_go_on()
{
    stopped_and_listed
    sql 'CREATE INDEX t_v ON t (v)'
    list_says 'a changed one' "$changed_table_says"
    is=$(rows_fingerprint)
    migrate 4
    grep -qE 'somebody changed the definition of table|touches or may touch table' "$out/stderr" || fail "it does not say why"
    list_says 'a changed one that was tried' "$changed_table_says"
    untouched "$is"
}

F6_list_says_that_a_lost_log_cannot_go_on()
{
    stopped_and_listed
    lose_log
    list_says 'one whose log is lost' "$lost_log_says*cannot go on*seachange abort*"
    is=$(rows_fingerprint)
    migrate 3
    list_says 'one whose log is lost, and that was tried' "$lost_log_says*cannot go on*seachange abort*"
    untouched "$is"
}

F6_list_says_that_one_of_another_server_cannot_go_on()
{
    stopped_and_listed
    sql "UPDATE $state SET $of_another_server"
    list_says 'one of another server' '*another server*cannot go on*seachange abort*'
    migrate 3
}
