\set k random(1, 250)
\set l random(1, 250)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = (1901 + :k);
DELETE FROM mirror WHERE k = (1901 + :k);
\elif :op = 2
INSERT INTO t VALUES ((1901 + :k), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES ((1901 + :k), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = (1901 + :l), n = :k WHERE k = (1901 + :k);
UPDATE IGNORE mirror SET k = (1901 + :l), n = :k WHERE k = (1901 + :k);
\else
UPDATE t SET v = 'changed' WHERE k = (1901 + :k);
UPDATE mirror SET v = 'changed' WHERE k = (1901 + :k);
\endif
