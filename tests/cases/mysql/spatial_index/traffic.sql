\set k random(1, 300)
\set l random(1, 300)
\set op random(1, 3)
\if :op = 1
UPDATE t SET p = Point(:l, :k) WHERE id = :k;
UPDATE mirror SET p = Point(:l, :k) WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT INTO t VALUES (:k, :l, Point(:k, :l)) ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror VALUES (:k, :l, Point(:k, :l)) ON DUPLICATE KEY UPDATE n = :l;
\endif
