\set k random(1, 250)
\set l random(1, 250)
\set op random(1, 4)
\if :op = 1
UPDATE t SET n = :l, at = '2021-02-03 04:05:06.5' WHERE id = :k;
UPDATE mirror SET n = :l, at = '2021-02-03 04:05:06.5' WHERE id = :k;
\elif :op = 2
UPDATE t SET n = :l, at = at WHERE id = :k;
UPDATE mirror SET n = :l, at = at WHERE id = :k;
\elif :op = 3
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT IGNORE INTO t VALUES (:k, :l, '2022-01-01');
INSERT IGNORE INTO mirror VALUES (:k, :l, '2022-01-01');
\endif
