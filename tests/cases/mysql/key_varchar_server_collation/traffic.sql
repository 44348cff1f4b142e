\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = CONCAT(ELT(1 + :k % 4, 'a', 'Ä', '表', '😀'), '-', :k);
DELETE FROM mirror WHERE k = CONCAT(ELT(1 + :k % 4, 'a', 'Ä', '表', '😀'), '-', :k);
\elif :op = 2
INSERT INTO t VALUES (CONCAT(ELT(1 + :k % 4, 'a', 'Ä', '表', '😀'), '-', :k), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (CONCAT(ELT(1 + :k % 4, 'a', 'Ä', '表', '😀'), '-', :k), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = CONCAT(ELT(1 + :l % 4, 'a', 'Ä', '表', '😀'), '-', :l), n = :k WHERE k = CONCAT(ELT(1 + :k % 4, 'a', 'Ä', '表', '😀'), '-', :k);
UPDATE IGNORE mirror SET k = CONCAT(ELT(1 + :l % 4, 'a', 'Ä', '表', '😀'), '-', :l), n = :k WHERE k = CONCAT(ELT(1 + :k % 4, 'a', 'Ä', '表', '😀'), '-', :k);
\else
UPDATE t SET v = 'changed' WHERE k = CONCAT(ELT(1 + :k % 4, 'a', 'Ä', '表', '😀'), '-', :k);
UPDATE mirror SET v = 'changed' WHERE k = CONCAT(ELT(1 + :k % 4, 'a', 'Ä', '表', '😀'), '-', :k);
\endif
