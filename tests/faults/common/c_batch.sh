# C. A batch and its checkpoint are committed together.

# Behind the fence; a lock on a row of the ghost will hold what is applied.
behind_the_fence()
{
    setup 2000
    reader_start
    migrate_start
    in_strict_mode
    hold_ghost_row 1000
}
# The batch that waits for the row has done the others. It is killed there, and goes on.
killed_in_the_batch()
{
    batch_is_held
    kill_it
    its_sessions_end
    let_ghost_row
    migrate_start
    until_said 'goes on in phase'
    reader_end
    migrate_ends 0
}

C1_a_kill_while_a_batch_is_applied()
{
    behind_the_fence
    sql 'DELETE FROM t WHERE id IN (500, 1000)'
    killed_in_the_batch
    same_rows 1998
}

# A transaction too large for a batch is cut in two. The first is in, with so many changes; the second waits for the row that is changed last.
C1_a_kill_between_two_batches_of_a_transaction()
{
    behind_the_fence
    sql BEGIN "$cut_in_two" 'UPDATE t SET n = 0 WHERE id = 1000' COMMIT
    until_true "$is_cut" "a batch of the transaction is in"
    killed_in_the_batch
    must_be 'n FROM t WHERE id = 1000' 0
    same_rows 3900
}
