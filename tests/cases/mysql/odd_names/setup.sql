-- Names with backticks, quotes, dots, blanks, other scripts and reserved words.
CREATE TABLE `Table.with ``ticks``, "quotes" and 'x' 表` (`select` int PRIMARY KEY, `from` int, `Ünïcode 表 имя` varchar(50), `x.y` varchar(20) DEFAULT 'd''q', `a\b%s$1` varchar(20), `back``tick` int,
    KEY `Index of ``t``` (`Ünïcode 表 имя`, `from`), UNIQUE KEY `unique; --` (`back``tick`), CONSTRAINT `check /* ' */` CHECK (`from` < 1000000));
INSERT INTO `Table.with ``ticks``, "quotes" and 'x' 表` WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, 'ü', 'x', '\\', i FROM series;
