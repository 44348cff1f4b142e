\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = UNHEX(LPAD(HEX(:k * 256 * 65521), 12, '0'));
DELETE FROM mirror WHERE k = UNHEX(LPAD(HEX(:k * 256 * 65521), 12, '0'));
\elif :op = 2
INSERT INTO t VALUES (UNHEX(LPAD(HEX(:k * 256 * 65521), 12, '0')), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (UNHEX(LPAD(HEX(:k * 256 * 65521), 12, '0')), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = UNHEX(LPAD(HEX(:l * 256 * 65521), 12, '0')), n = :k WHERE k = UNHEX(LPAD(HEX(:k * 256 * 65521), 12, '0'));
UPDATE IGNORE mirror SET k = UNHEX(LPAD(HEX(:l * 256 * 65521), 12, '0')), n = :k WHERE k = UNHEX(LPAD(HEX(:k * 256 * 65521), 12, '0'));
\else
UPDATE t SET v = 'changed' WHERE k = UNHEX(LPAD(HEX(:k * 256 * 65521), 12, '0'));
UPDATE mirror SET v = 'changed' WHERE k = UNHEX(LPAD(HEX(:k * 256 * 65521), 12, '0'));
\endif
