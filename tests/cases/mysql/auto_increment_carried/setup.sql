-- The next number is as in a native ALTER, after rows at the end have gone.
CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, n int) AUTO_INCREMENT=5000;
INSERT INTO t (n) VALUES (1), (2), (3), (4);
DELETE FROM t WHERE id >= 5002;
