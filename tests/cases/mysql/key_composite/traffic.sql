\set k random(1, 800)
\set l random(1, 800)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE a = :k % 3 AND m = CONCAT('M', :k % 20) AND d = '2026-01-01' + INTERVAL :k DAY;
DELETE FROM mirror WHERE a = :k % 3 AND m = CONCAT('M', :k % 20) AND d = '2026-01-01' + INTERVAL :k DAY;
\elif :op = 2
INSERT INTO t VALUES (:k % 3, CONCAT('m', :k % 20), '2026-01-01' + INTERVAL :k DAY, :l, 'new') ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror VALUES (:k % 3, CONCAT('m', :k % 20), '2026-01-01' + INTERVAL :k DAY, :l, 'new') ON DUPLICATE KEY UPDATE n = :l;
\else
UPDATE IGNORE t SET a = :l % 3 WHERE a = :k % 3 AND m = CONCAT('m', :k % 20) AND d = '2026-01-01' + INTERVAL :k DAY;
UPDATE IGNORE mirror SET a = :l % 3 WHERE a = :k % 3 AND m = CONCAT('m', :k % 20) AND d = '2026-01-01' + INTERVAL :k DAY;
\endif
