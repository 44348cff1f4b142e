# F. What `seachange list` says: tests/faults/common/f_list.sh.

lose_log() { purge_log; }
lost_log_says='*no longer has its binary log *'
of_another_server="server_identity = '00000000-0000-0000-0000-000000000000'"

F6_list_says_that_a_log_that_was_reset_cannot_go_on()
{
    stopped_and_listed
    reset_log
    list_says 'one whose log was reset' '*cannot go on*'
    migrate 3
}
