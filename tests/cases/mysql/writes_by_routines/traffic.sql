\set k random(1, 300)
\set l random(1, 300)
\set op random(1, 4)
\if :op = 1
CALL put_in(:k, :l);
CALL put_mirror(:k, :l);
\elif :op = 2
UPDATE t SET n = n + 1 WHERE id IN (:k, :l);
UPDATE mirror SET n = n + 1 WHERE id IN (:k, :l);
\elif :op = 3
DELETE a FROM t AS a JOIN mirror AS b ON a.id = b.id WHERE b.id = :k;
DELETE FROM mirror WHERE id = :k;
\else
REPLACE INTO t VALUES (:k, 1, 'r'), (:l, 2, 's'), (:k + 1, 3, 't');
REPLACE INTO mirror VALUES (:k, 1, 'r'), (:l, 2, 's'), (:k + 1, 3, 't');
\endif
