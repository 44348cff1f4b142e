SET ROLE case_owner;
INSERT INTO t (n) VALUES (1);
SELECT count(*) = 101 FROM t;
