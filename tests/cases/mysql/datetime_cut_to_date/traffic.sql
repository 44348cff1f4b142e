\set k random(1, 150)
\set l random(1, 150)
\set op random(1, 3)
\if :op = 1
UPDATE t SET d = '2000-01-01 23:59:59', n = :l / 3 WHERE id = :k;
UPDATE mirror SET d = '2000-01-01 23:59:59', n = :l / 3 WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT IGNORE INTO t VALUES (:k, '1999-12-31 12:00:00', 0.5555);
INSERT IGNORE INTO mirror VALUES (:k, '1999-12-31 12:00:00', 0.5555);
\endif
