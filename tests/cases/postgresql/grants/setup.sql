-- Privileges on the table and on columns, with grant options, to PUBLIC, given on by others; and default privileges that would add more.
CREATE TABLE t (id integer PRIMARY KEY, n integer, v text);
ALTER TABLE t OWNER TO case_owner;
GRANT SELECT ON t TO PUBLIC;
GRANT SELECT, UPDATE ON t TO case_reader WITH GRANT OPTION;
GRANT INSERT (id, v), REFERENCES (id) ON t TO case_writer;
GRANT SELECT (n), UPDATE (n) ON t TO "Case ""Role"" with, odd name" WITH GRANT OPTION;
SET ROLE case_reader;
GRANT SELECT ON t TO case_writer;
RESET ROLE;
REVOKE TRUNCATE ON t FROM case_owner;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO case_stranger;
INSERT INTO t SELECT i, i, 'row ' || i FROM generate_series(1, 100) AS i;
