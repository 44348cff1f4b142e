\set k random(1, 400)
\set n random(1, 1000000)
\set op random(1, 300)
\if :op = 1
TRUNCATE t;
TRUNCATE mirror;
\else
INSERT INTO t VALUES (:k, :n) ON DUPLICATE KEY UPDATE n = :n;
INSERT INTO mirror VALUES (:k, :n) ON DUPLICATE KEY UPDATE n = :n;
\endif
