\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = CONCAT(CHAR(:k % 256), ELT(1 + :k % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(:k DIV 256), 4, '0')));
DELETE FROM mirror WHERE k = CONCAT(CHAR(:k % 256), ELT(1 + :k % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(:k DIV 256), 4, '0')));
\elif :op = 2
INSERT INTO t VALUES (CONCAT(CHAR(:k % 256), ELT(1 + :k % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(:k DIV 256), 4, '0'))), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (CONCAT(CHAR(:k % 256), ELT(1 + :k % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(:k DIV 256), 4, '0'))), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = CONCAT(CHAR(:l % 256), ELT(1 + :l % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(:l DIV 256), 4, '0'))), n = :k WHERE k = CONCAT(CHAR(:k % 256), ELT(1 + :k % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(:k DIV 256), 4, '0')));
UPDATE IGNORE mirror SET k = CONCAT(CHAR(:l % 256), ELT(1 + :l % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(:l DIV 256), 4, '0'))), n = :k WHERE k = CONCAT(CHAR(:k % 256), ELT(1 + :k % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(:k DIV 256), 4, '0')));
\else
UPDATE t SET v = 'changed' WHERE k = CONCAT(CHAR(:k % 256), ELT(1 + :k % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(:k DIV 256), 4, '0')));
UPDATE mirror SET v = 'changed' WHERE k = CONCAT(CHAR(:k % 256), ELT(1 + :k % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(:k DIV 256), 4, '0')));
\endif
