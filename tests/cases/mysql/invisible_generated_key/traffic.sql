\set k random(1, 300)
\set l random(1, 300)
\set op random(1, 3)
\if :op = 1
UPDATE t SET n = n + 1 WHERE my_row_id = :k;
UPDATE mirror SET n = n + 1 WHERE my_row_id = :k;
\elif :op = 2
DELETE FROM t WHERE my_row_id = :k;
DELETE FROM mirror WHERE my_row_id = :k;
\else
INSERT IGNORE INTO t (my_row_id, n, v) VALUES (:k, :l, 'new');
INSERT IGNORE INTO mirror (my_row_id, n, v) VALUES (:k, :l, 'new');
\endif
