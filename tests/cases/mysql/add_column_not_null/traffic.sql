\set k random(1, 300)
\set l random(1, 300)
\set op random(1, 2)
\if :op = 1
UPDATE t SET n = :l WHERE id = :k;
UPDATE mirror SET n = :l WHERE id = :k;
\else
DELETE FROM t WHERE id = :k AND id % 9 = 0;
DELETE FROM mirror WHERE id = :k AND id % 9 = 0;
\endif
