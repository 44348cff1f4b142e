-- The migrating role is no superuser: a member of the owner, may replicate, and may create schemas in the database.
GRANT CREATE ON SCHEMA public TO case_owner;
CREATE TABLE t (id serial PRIMARY KEY, n integer);
ALTER TABLE t OWNER TO case_owner;
INSERT INTO t (n) SELECT i FROM generate_series(1, 300) AS i;
