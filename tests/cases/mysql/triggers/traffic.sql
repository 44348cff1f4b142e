\set k random(1, 300)
\set l random(1, 300)
\set op random(1, 3)
\if :op = 1
UPDATE t SET v = 'changed', n = :l WHERE id = :k;
UPDATE mirror SET v = 'changed', n = :l WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT IGNORE INTO t (id, v) SELECT :k, 'new' FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
INSERT IGNORE INTO mirror (id, n, v) VALUES (:k, -1, 'new');
\endif
