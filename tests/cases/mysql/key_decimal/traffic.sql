\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = ((:k - 350) * 1.000001);
DELETE FROM mirror WHERE k = ((:k - 350) * 1.000001);
\elif :op = 2
INSERT INTO t VALUES (((:k - 350) * 1.000001), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (((:k - 350) * 1.000001), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = ((:l - 350) * 1.000001), n = :k WHERE k = ((:k - 350) * 1.000001);
UPDATE IGNORE mirror SET k = ((:l - 350) * 1.000001), n = :k WHERE k = ((:k - 350) * 1.000001);
\else
UPDATE t SET v = 'changed' WHERE k = ((:k - 350) * 1.000001);
UPDATE mirror SET v = 'changed' WHERE k = ((:k - 350) * 1.000001);
\endif
