\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 3)
\if :op = 1
UPDATE t SET n = :l WHERE id = :k;
UPDATE mirror SET n = :l WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k AND :l % 3 = 0;
DELETE FROM mirror WHERE id = :k AND :l % 3 = 0;
\else
INSERT INTO t (id, n) SELECT :k, :l FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM t AS x WHERE id = :k);
INSERT INTO mirror (id, n) SELECT :k, :l FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM mirror AS x WHERE id = :k);
\endif
