\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = UNHEX(LEFT(SHA2(:k, 256), 32));
DELETE FROM mirror WHERE k = UNHEX(LEFT(SHA2(:k, 256), 32));
\elif :op = 2
INSERT INTO t VALUES (UNHEX(LEFT(SHA2(:k, 256), 32)), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (UNHEX(LEFT(SHA2(:k, 256), 32)), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = UNHEX(LEFT(SHA2(:l, 256), 32)), n = :k WHERE k = UNHEX(LEFT(SHA2(:k, 256), 32));
UPDATE IGNORE mirror SET k = UNHEX(LEFT(SHA2(:l, 256), 32)), n = :k WHERE k = UNHEX(LEFT(SHA2(:k, 256), 32));
\else
UPDATE t SET v = 'changed' WHERE k = UNHEX(LEFT(SHA2(:k, 256), 32));
UPDATE mirror SET v = 'changed' WHERE k = UNHEX(LEFT(SHA2(:k, 256), 32));
\endif
