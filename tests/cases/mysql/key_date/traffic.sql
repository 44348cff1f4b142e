\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = ('2024-02-01' + INTERVAL :k DAY);
DELETE FROM mirror WHERE k = ('2024-02-01' + INTERVAL :k DAY);
\elif :op = 2
INSERT INTO t VALUES (('2024-02-01' + INTERVAL :k DAY), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (('2024-02-01' + INTERVAL :k DAY), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = ('2024-02-01' + INTERVAL :l DAY), n = :k WHERE k = ('2024-02-01' + INTERVAL :k DAY);
UPDATE IGNORE mirror SET k = ('2024-02-01' + INTERVAL :l DAY), n = :k WHERE k = ('2024-02-01' + INTERVAL :k DAY);
\else
UPDATE t SET v = 'changed' WHERE k = ('2024-02-01' + INTERVAL :k DAY);
UPDATE mirror SET v = 'changed' WHERE k = ('2024-02-01' + INTERVAL :k DAY);
\endif
