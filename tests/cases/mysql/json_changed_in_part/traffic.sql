\set k random(1, 200)
\set l random(1, 200)
\set op random(1, 4)
\if :op = 1
UPDATE t SET j = JSON_SET(j, '$.a', :l) WHERE id = :k;
UPDATE mirror SET j = JSON_SET(j, '$.a', :l) WHERE id = :k;
\elif :op = 2
UPDATE t SET j = JSON_REPLACE(j, '$.text', REPEAT('y', 100)), n = :l WHERE id = :k;
UPDATE mirror SET j = JSON_REPLACE(j, '$.text', REPEAT('y', 100)), n = :l WHERE id = :k;
\elif :op = 3
UPDATE t SET j = JSON_REMOVE(j, '$.list[0]') WHERE id = :k;
UPDATE mirror SET j = JSON_REMOVE(j, '$.list[0]') WHERE id = :k;
\else
UPDATE t SET j = JSON_INSERT(j, '$.b', JSON_ARRAY(:l)) WHERE id = :k;
UPDATE mirror SET j = JSON_INSERT(j, '$.b', JSON_ARRAY(:l)) WHERE id = :k;
\endif
