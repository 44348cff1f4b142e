# F. The directory in which changes wait.

F1_the_spool_directory_cannot_be_used()
{
    setup 10
    spool=$out/missing/spool
    migrate 3
    grep -q 'changes cannot be kept in' "$out/stderr" || fail "it does not say why"
    nothing_left
}

F1_the_spool_directory_is_full()
{
    setup 2000
    spool=$out/full
    mkdir "$spool"
    mount -t tmpfs -o size=1m,mode=1777 tmpfs "$spool" 2> /dev/null || skip "a small file system cannot be mounted here"
    restore() { umount -l "$spool"; }
    copy_held_at 10000
    random_changes 1000000
    random_changes 2000000
    until_said 'cannot write the spool file'
    migrate_ends 75
    copy_let_go
    grep -q 'Make room\|larger disk' "$out/stderr" || fail "it does not say what to do"
    mount -o remount,size=64m "$spool"
    migrate 0
    same_rows 18000
}

# While the copy is held nothing is applied, or only now and then; what comes at once waits on disk.
F1_the_limit_of_the_spool_is_reached()
{
    setup 2000
    copy_held_at 10000 --spool-disk 1MiB
    for i in 1 2; do
        random_changes ${i}000000
    done
    until_said '"note":"[^"]*spool'
    [ "$(du -sk "$out"/seachange-* | cut -f 1)" -lt 1500 ] || fail "the spool takes $(du -sk "$out"/seachange-* | cut -f 1) KiB"
    copy_let_go
    migrate_ends 0
    same_rows 18000
}

# What is in the spool the server has, too, until it is applied.
spooled_kib() { du -ck "$out"/seachange-*/*.spool 2> /dev/null | tail -n 1 | cut -f 1; }
much_is_spooled() { [ "$(spooled_kib)" -gt 1500 ]; }
F1_a_spool_file_that_cannot_be_read_back_is_sent_again()
{
    setup 2000
    copy_held_at 10000
    random_changes 1000000
    until_ok 60 much_is_spooled || fail "only $(spooled_kib) KiB are spooled"
    truncate -s 0 "$out"/seachange-*/*.spool
    copy_let_go
    migrate_ends 0
    grep -q 'cannot be read back at byte [0-9]*: .*trying again' "$out/stderr" || fail "what was damaged was not read"
    same_rows 10000
}
