\set k random(1, 300)
\set l random(1, 300)
\set op random(1, 3)
\if :op = 1
UPDATE t SET a = :l WHERE id = :k;
UPDATE mirror SET a = :l WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT IGNORE INTO t (id, a) VALUES (:k, :l);
INSERT IGNORE INTO mirror (id, a) VALUES (:k, :l);
\endif
