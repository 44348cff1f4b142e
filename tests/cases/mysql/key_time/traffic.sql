\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = CAST(CONCAT(ELT(1 + :k % 2, '-', ''), :k DIV 2, ':00:00.', LPAD(:k % 100, 2, '0')) AS time(2));
DELETE FROM mirror WHERE k = CAST(CONCAT(ELT(1 + :k % 2, '-', ''), :k DIV 2, ':00:00.', LPAD(:k % 100, 2, '0')) AS time(2));
\elif :op = 2
INSERT INTO t VALUES (CAST(CONCAT(ELT(1 + :k % 2, '-', ''), :k DIV 2, ':00:00.', LPAD(:k % 100, 2, '0')) AS time(2)), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (CAST(CONCAT(ELT(1 + :k % 2, '-', ''), :k DIV 2, ':00:00.', LPAD(:k % 100, 2, '0')) AS time(2)), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = CAST(CONCAT(ELT(1 + :l % 2, '-', ''), :l DIV 2, ':00:00.', LPAD(:l % 100, 2, '0')) AS time(2)), n = :k WHERE k = CAST(CONCAT(ELT(1 + :k % 2, '-', ''), :k DIV 2, ':00:00.', LPAD(:k % 100, 2, '0')) AS time(2));
UPDATE IGNORE mirror SET k = CAST(CONCAT(ELT(1 + :l % 2, '-', ''), :l DIV 2, ':00:00.', LPAD(:l % 100, 2, '0')) AS time(2)), n = :k WHERE k = CAST(CONCAT(ELT(1 + :k % 2, '-', ''), :k DIV 2, ':00:00.', LPAD(:k % 100, 2, '0')) AS time(2));
\else
UPDATE t SET v = 'changed' WHERE k = CAST(CONCAT(ELT(1 + :k % 2, '-', ''), :k DIV 2, ':00:00.', LPAD(:k % 100, 2, '0')) AS time(2));
UPDATE mirror SET v = 'changed' WHERE k = CAST(CONCAT(ELT(1 + :k % 2, '-', ''), :k DIV 2, ':00:00.', LPAD(:k % 100, 2, '0')) AS time(2));
\endif
