\set k random(1, 400)
\set l random(1, 400)
\set op random(1, 3)
\if :op = 1
UPDATE `Table.with ``ticks``, "quotes" and 'x' 表` SET `from` = `from` + 1, `Ünïcode 表 имя` = 'Ü' WHERE `select` = :k;
UPDATE mirror SET `from` = `from` + 1, `Ünïcode 表 имя` = 'Ü' WHERE `select` = :k;
\elif :op = 2
DELETE FROM `Table.with ``ticks``, "quotes" and 'x' 表` WHERE `select` = :k;
DELETE FROM mirror WHERE `select` = :k;
\else
INSERT INTO `Table.with ``ticks``, "quotes" and 'x' 表` (`select`, `from`, `back``tick`) VALUES (:k, 1, NULL) ON DUPLICATE KEY UPDATE `from` = 2;
INSERT INTO mirror (`select`, `from`, `back``tick`) VALUES (:k, 1, NULL) ON DUPLICATE KEY UPDATE `from` = 2;
\endif
