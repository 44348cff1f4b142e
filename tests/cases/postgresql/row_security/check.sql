SET ROLE case_reader;
SELECT count(*) = 99 FROM t;
