-- The table was made under another sql_mode, and its defaults need it.
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
CREATE TABLE t (id int PRIMARY KEY, v varchar(20) DEFAULT 'a\b', w varchar(20) DEFAULT '\');
INSERT INTO t VALUES (1, 'x\y', '\'), (2, '\''', '''');
