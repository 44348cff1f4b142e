\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 3)
\if :op = 1
UPDATE t SET n = :l WHERE k = 'key :k';
UPDATE mirror SET n = :l WHERE k = 'key :k';
\elif :op = 2
DELETE FROM t WHERE k = 'key :k';
DELETE FROM mirror WHERE k = 'key :k';
\else
INSERT INTO t VALUES ('key :k', :l) ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror VALUES ('key :k', :l) ON DUPLICATE KEY UPDATE n = :l;
\endif
