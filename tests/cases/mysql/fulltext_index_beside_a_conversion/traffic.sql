\set k random(1, 150)
\set l random(1, 150)
\set op random(1, 3)
\if :op = 1
UPDATE t SET v = CONCAT('word', :l, ' changed') WHERE id = :k;
UPDATE mirror SET v = CONCAT('word', :l, ' changed') WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT INTO t VALUES (:k, :l, 'new words') ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror VALUES (:k, :l, 'new words') ON DUPLICATE KEY UPDATE n = :l;
\endif
