# D. What is committed before the cutover has its lock is in the new table.

# Who writes has the table already, so that nobody has to wait for the other.
D1_a_write_that_is_committed_while_the_cutover_waits_for_the_lock()
{
    setup 2000
    copy_held_at 10000 --lock-timeout 20s
    session_start writer 'BEGIN; DELETE FROM t WHERE id = 20'
    copy_let_go
    cutover_waits_for_lock
    session writer "UPDATE t SET v = 'late' WHERE id = 30; INSERT INTO t (id, n, v) VALUES (5, 1, 'late'); COMMIT"
    migrate_ends 0
    must_be "count(*) FROM t WHERE v = 'late'" 2
    same_rows 2000
}
