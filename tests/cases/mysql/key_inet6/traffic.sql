\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = CAST(CONCAT('2001:db8::', HEX(:k)) AS inet6);
DELETE FROM mirror WHERE k = CAST(CONCAT('2001:db8::', HEX(:k)) AS inet6);
\elif :op = 2
INSERT INTO t VALUES (CAST(CONCAT('2001:db8::', HEX(:k)) AS inet6), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (CAST(CONCAT('2001:db8::', HEX(:k)) AS inet6), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = CAST(CONCAT('2001:db8::', HEX(:l)) AS inet6), n = :k WHERE k = CAST(CONCAT('2001:db8::', HEX(:k)) AS inet6);
UPDATE IGNORE mirror SET k = CAST(CONCAT('2001:db8::', HEX(:l)) AS inet6), n = :k WHERE k = CAST(CONCAT('2001:db8::', HEX(:k)) AS inet6);
\else
UPDATE t SET v = 'changed' WHERE k = CAST(CONCAT('2001:db8::', HEX(:k)) AS inet6);
UPDATE mirror SET v = 'changed' WHERE k = CAST(CONCAT('2001:db8::', HEX(:k)) AS inet6);
\endif
