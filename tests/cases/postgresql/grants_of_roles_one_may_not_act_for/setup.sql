-- The role that migrates may not act for one who gave privileges on: they are kept, as the owner's.
GRANT CREATE ON SCHEMA public TO case_owner;
CREATE TABLE t (id integer PRIMARY KEY, n integer);
ALTER TABLE t OWNER TO case_owner;
GRANT SELECT ON t TO case_reader WITH GRANT OPTION;
SET ROLE case_reader;
GRANT SELECT ON t TO case_writer;
RESET ROLE;
INSERT INTO t SELECT i, i FROM generate_series(1, 100) AS i;
