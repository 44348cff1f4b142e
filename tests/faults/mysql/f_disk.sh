# F. The server's disk.

# With the server's own view of the file system: it can be in a mount namespace of its own.
in_server() { nsenter --target "$(cat "${SERVER_DATA%/*}/server.pid")" --mount --root "$@" 2>> "$out/mount.err"; }
small_disk=$SERVER_DATA/sc_faults

# small_disk SIZE ROWS: the database is on a disk of its own.
setup_on_small_disk()
{
    setup 1
    sql 'DROP TABLE t'
    owner=$(in_server stat -c 'uid=%u,gid=%g' "$SERVER_DATA") || skip "the server's file system cannot be reached from here"
    in_server mount -t tmpfs -o "size=$1,mode=0750,$owner" tmpfs "$small_disk" || skip "a small file system cannot be mounted here"
    restore()
    {
        in_server rm -f "$small_disk/filler"
        drop_database
        in_server umount -l "$small_disk"
        in_server rmdir "$small_disk"
        drop_database
        # From the log of a table that found no room MariaDB does not recover when it is killed later.
        ! is_mariadb || server_program restart
    } > /dev/null 2>&1
    sql 'CREATE TABLE t (id bigint PRIMARY KEY, n int, v varchar(200), big mediumtext)' \
        "INSERT INTO t SELECT i * 10, i, CONCAT('row ', i), REPEAT(CONCAT(i, '.'), 200) FROM sc_faults_numbers.n WHERE i <= $2"
}
# leave KIB: so much is free, and no more.
leave()
{
    in_server rm -f "$small_disk/filler"
    in_server sh -c "dd if=/dev/zero of='$small_disk/filler' bs=1k count=\$((\$(df --output=avail -k '$small_disk' | tail -n 1) - $1))" || fail "the disk cannot be filled"
}

F1_the_disk_of_the_server_is_full_before_the_copy()
{
    setup_on_small_disk 8m 100
    # With more, MariaDB makes the tables and ends itself when it cannot write their pages.
    for free in 0 100 200 300 350; do
        leave $free
        migrate_start --give-up 1s
        until_ok 60 ended "$pid" || fail "it goes on and on"
        wait "$pid"
        status=$?
        pid=
        echo "         $free KiB left: exit $status, $(sql "SHOW TABLES LIKE '%seachange%'" | wc -l) tables"
        [ $status != 0 ] || break
        [ $status = 75 ] || fail "$free KiB left: exit $status"
        grep -q 'no room left on its disk' "$out/stderr" || fail "it does not say what to do"
        # Only what a stored migration explains is left.
        [ -z "$(sql "SHOW TABLES LIKE '%seachange%'")" ] || must_be 'COUNT(*) FROM _seachange_migration' 1
        ! grep -qE 'seachange abort [0-9a-f]' "$out/stderr" || must_be 'COUNT(*) FROM _seachange_migration' 1
        : > "$out/stderr"
    done
    in_server rm -f "$small_disk/filler"
    [ $status = 0 ] || migrate 0
    same_rows 100
}

F1_the_disk_of_the_server_is_full_in_the_copy_and_behind_it()
{
    ! is_mariadb || elsewhere "MariaDB ends itself when it cannot write a page"
    setup_on_small_disk 64m 4000
    sql "$with_index"
    copy_held_at 20000
    leave 0
    copy_let_go
    until_said 'copy.*no room left on its disk|copy.*trying again'
    sql 'DELETE FROM t WHERE id = 100'
    in_server rm -f "$small_disk/filler"
    snapshot_start
    in_strict_mode
    leave 0
    sql "UPDATE t SET big = NULL WHERE id <= 1000" "UPDATE t SET n = n + 1 WHERE id > 1000"
    snapshot_end
    migrate_ends 0
    in_server rm -f "$small_disk/filler"
    same_rows 3999
}
