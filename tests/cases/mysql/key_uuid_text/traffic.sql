\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(:k, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-');
DELETE FROM mirror WHERE k = INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(:k, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-');
\elif :op = 2
INSERT INTO t VALUES (INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(:k, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-'), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(:k, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-'), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(:l, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-'), n = :k WHERE k = INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(:k, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-');
UPDATE IGNORE mirror SET k = INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(:l, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-'), n = :k WHERE k = INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(:k, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-');
\else
UPDATE t SET v = 'changed' WHERE k = INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(:k, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-');
UPDATE mirror SET v = 'changed' WHERE k = INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(:k, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-');
\endif
