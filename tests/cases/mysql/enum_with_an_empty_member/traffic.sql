SET sql_mode = '';
\set k random(1, 100)
\set l random(1, 100)
\set op random(1, 3)
\if :op = 1
UPDATE t SET e = 'nothing' WHERE id = :k;
UPDATE mirror SET e = 'nothing' WHERE id = :k;
\elif :op = 2
UPDATE t SET e = '' WHERE id = :k;
UPDATE mirror SET e = '' WHERE id = :k;
\else
UPDATE t SET n = :l WHERE id = :k;
UPDATE mirror SET n = :l WHERE id = :k;
\endif
