\set k random(1, 12)
\set l random(1, 12)
\set op random(1, 4)
\if :op = 1
UPDATE t SET b = REPEAT(X'275C', 600000 + :l) WHERE id = :k;
UPDATE mirror SET b = REPEAT(X'275C', 600000 + :l) WHERE id = :k;
\elif :op = 2
UPDATE t SET n = :l WHERE id = :k;
UPDATE mirror SET n = :l WHERE id = :k;
\elif :op = 3
DELETE FROM t WHERE id = :k AND n % 5 = 0;
DELETE FROM mirror WHERE id = :k AND n % 5 = 0;
\else
INSERT IGNORE INTO t VALUES (:k, :l, REPEAT('x', 1000000));
INSERT IGNORE INTO mirror VALUES (:k, :l, REPEAT('x', 1000000));
\endif
