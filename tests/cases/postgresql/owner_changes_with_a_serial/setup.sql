-- The table gets another owner; its serial's sequence goes along and stays with its column.
CREATE TABLE t (id serial PRIMARY KEY, n integer);
GRANT CREATE ON SCHEMA public TO case_owner;
INSERT INTO t (n) SELECT i FROM generate_series(1, 100) AS i;
