-- A unique constraint is new, and writers exchange its values between rows all the time.
CREATE TABLE t (id integer PRIMARY KEY, email text, n integer DEFAULT 0);
INSERT INTO t SELECT i, 'mail' || i FROM generate_series(1, 200) AS i;
