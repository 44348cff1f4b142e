\set l random(1, 1000000)
INSERT INTO t (n) VALUES (:l);
INSERT INTO mirror (id, n) VALUES (LAST_INSERT_ID(), :l);
DELETE FROM t WHERE id > 300 AND id = LAST_INSERT_ID() AND :l % 3 = 0;
DELETE FROM mirror WHERE id > 300 AND id = LAST_INSERT_ID() AND :l % 3 = 0;
