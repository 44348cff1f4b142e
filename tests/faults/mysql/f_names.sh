# F. A server that stores names in small letters.

# own_server OPTION...: a server for this test alone; MySQL takes some options only when its data are made.
own_server()
{
    case $version in *MariaDB*) own=mariadb-${version%%.*} ;; *) own=mysql-${version%%.*} ;; esac
    . "$here/../lib/packages.sh"
    . "$here/../lib/servers.sh"
    servers_begin
    restore() { servers_end; }
    server_start "$own" "$@"
    case $? in
    0) ;;
    2) skip "$server_reason" ;;
    *) fail "$server_reason" ;;
    esac
    SERVER_BIN=$server_bin SERVER_DATA=$server_data SERVER_CTL=$server_ctl
    base=${server_url%/*} url=$base/sc_faults
    program_url=mysql://sc_faults_program@${url#*@}
    server_begin || fail "the server cannot be used"
}

F8_names_written_in_capitals_where_the_server_stores_small_letters()
{
    own_server lower_case_table_names=1
    table=SC_Faults.T
    setup 2000 'RENAME TABLE t TO T1' 'RENAME TABLE sc_faults.t1 TO SC_FAULTS.T'
    copy_held_at 10000
    sql "UPDATE T SET v = 'changed' WHERE id IN (100, 15000)" "DELETE FROM Sc_Faults.T WHERE id IN (110, 15010)" "INSERT INTO SC_FAULTS.t VALUES (7, 7, 'come', NULL)"
    copy_let_go
    migrate_ends 0
    must_be "COUNT(*) FROM t WHERE v = 'changed'" 2
    same_rows 1999
    # Somebody else's statements name it in capitals, too.
    for statement in 'ALTER TABLE T ADD INDEX extra (v)' 'ALTER TABLE `Sc_Faults`.`T` DROP COLUMN v'; do
        setup 2000
        : > "$out/stderr"
        snapshot_start
        migrate_start --old-snapshot-wait 1h
        in_strict_mode
        sql "SET SESSION sql_log_bin = 1; $statement"
        snapshot_end
        migrate_ends 4
        ! is_swapped || fail "it is swapped"
        must_be 'COUNT(*) FROM t' 2000
    done
    setup 2000
    copy_held_at 10000
    session_start emptied
    session_send emptied "TRUNCATE T; INSERT INTO T VALUES (100, 1, 'first', NULL)"
    until_true "$somebody_waits_for_table" "the TRUNCATE waits for the copy"
    copy_let_go
    migrate_ends 0
    same_rows 1
    # Both ways of writing it are one migration.
    setup 2000
    copy_held_at 10000
    kill_it_in_the_copy
    table=t
    migrate 0
    went_on copy
    same_rows 2000
}
