\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = CONCAT(LPAD(HEX(:k * 65521), 8, '0'), '-', LPAD(HEX(:k % 1000), 4, '0'), '-1', LPAD(HEX(:k % 7), 3, '0'), '-8000-', LPAD(HEX(:k), 12, '0'));
DELETE FROM mirror WHERE k = CONCAT(LPAD(HEX(:k * 65521), 8, '0'), '-', LPAD(HEX(:k % 1000), 4, '0'), '-1', LPAD(HEX(:k % 7), 3, '0'), '-8000-', LPAD(HEX(:k), 12, '0'));
\elif :op = 2
INSERT INTO t VALUES (CONCAT(LPAD(HEX(:k * 65521), 8, '0'), '-', LPAD(HEX(:k % 1000), 4, '0'), '-1', LPAD(HEX(:k % 7), 3, '0'), '-8000-', LPAD(HEX(:k), 12, '0')), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (CONCAT(LPAD(HEX(:k * 65521), 8, '0'), '-', LPAD(HEX(:k % 1000), 4, '0'), '-1', LPAD(HEX(:k % 7), 3, '0'), '-8000-', LPAD(HEX(:k), 12, '0')), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = CONCAT(LPAD(HEX(:l * 65521), 8, '0'), '-', LPAD(HEX(:l % 1000), 4, '0'), '-1', LPAD(HEX(:l % 7), 3, '0'), '-8000-', LPAD(HEX(:l), 12, '0')), n = :k WHERE k = CONCAT(LPAD(HEX(:k * 65521), 8, '0'), '-', LPAD(HEX(:k % 1000), 4, '0'), '-1', LPAD(HEX(:k % 7), 3, '0'), '-8000-', LPAD(HEX(:k), 12, '0'));
UPDATE IGNORE mirror SET k = CONCAT(LPAD(HEX(:l * 65521), 8, '0'), '-', LPAD(HEX(:l % 1000), 4, '0'), '-1', LPAD(HEX(:l % 7), 3, '0'), '-8000-', LPAD(HEX(:l), 12, '0')), n = :k WHERE k = CONCAT(LPAD(HEX(:k * 65521), 8, '0'), '-', LPAD(HEX(:k % 1000), 4, '0'), '-1', LPAD(HEX(:k % 7), 3, '0'), '-8000-', LPAD(HEX(:k), 12, '0'));
\else
UPDATE t SET v = 'changed' WHERE k = CONCAT(LPAD(HEX(:k * 65521), 8, '0'), '-', LPAD(HEX(:k % 1000), 4, '0'), '-1', LPAD(HEX(:k % 7), 3, '0'), '-8000-', LPAD(HEX(:k), 12, '0'));
UPDATE mirror SET v = 'changed' WHERE k = CONCAT(LPAD(HEX(:k * 65521), 8, '0'), '-', LPAD(HEX(:k % 1000), 4, '0'), '-1', LPAD(HEX(:k % 7), 3, '0'), '-8000-', LPAD(HEX(:k), 12, '0'));
\endif
