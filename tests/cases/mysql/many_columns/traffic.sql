\set k random(1, 80)
\set l random(1, 80)
\set op random(1, 3)
\if :op = 1
UPDATE t SET c500 = :l % 100, c998 = NULL WHERE id = :k;
UPDATE mirror SET c500 = :l % 100, c998 = NULL WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT INTO t (id, c1, c997) VALUES (:k, 1, 2) ON DUPLICATE KEY UPDATE c2 = 3;
INSERT INTO mirror (id, c1, c997) VALUES (:k, 1, 2) ON DUPLICATE KEY UPDATE c2 = 3;
\endif
