\set k random(1, 400)
\set l random(1, 400)
\set w random(1, 3)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = CONCAT('kEy ', :k);
DELETE FROM mirror WHERE k = CONCAT('kEy ', :k);
\elif :op = 2
INSERT INTO t VALUES (CONCAT(ELT(:w, 'key', 'KEY', 'kéy'), ' ', :k), :l, 'new') ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror VALUES (CONCAT(ELT(:w, 'key', 'KEY', 'kéy'), ' ', :k), :l, 'new') ON DUPLICATE KEY UPDATE n = :l;
\elif :op = 3
UPDATE t SET k = CONCAT(ELT(:w, 'key', 'KEY', 'kéy'), ' ', :k, ELT(:w, '', ' ', '  ')), v = 'same key, other bytes' WHERE k = CONCAT('key ', :k);
UPDATE mirror SET k = CONCAT(ELT(:w, 'key', 'KEY', 'kéy'), ' ', :k, ELT(:w, '', ' ', '  ')), v = 'same key, other bytes' WHERE k = CONCAT('key ', :k);
\else
UPDATE IGNORE t SET k = CONCAT('key ', :l) WHERE k = CONCAT('key ', :k);
UPDATE IGNORE mirror SET k = CONCAT('key ', :l) WHERE k = CONCAT('key ', :k);
\endif
