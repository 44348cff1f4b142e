\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 3)
\if :op = 1
UPDATE t SET n = n + 1 WHERE a = 18446744073709551615 AND b = 9223372036854775807;
UPDATE mirror SET n = n + 1 WHERE a = 18446744073709551615 AND b = 9223372036854775807;
\elif :op = 2
DELETE FROM t WHERE a = 0 AND b = -1 AND c = '';
DELETE FROM mirror WHERE a = 0 AND b = -1 AND c = '';
\else
INSERT INTO t (a, b, c, n) VALUES (0, -1, '', :k), (18446744073709551615, :k, X'FF', 1) ON DUPLICATE KEY UPDATE n = t.n + 1;
INSERT INTO mirror (a, b, c, n) VALUES (0, -1, '', :k), (18446744073709551615, :k, X'FF', 1) ON DUPLICATE KEY UPDATE n = mirror.n + 1;
\endif
