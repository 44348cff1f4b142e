-- MyISAM has no transactions.
CREATE TABLE t (id int PRIMARY KEY, n int) ENGINE=MyISAM;
INSERT INTO t VALUES (1, 1);
