\set k random(1, 400)
DELETE FROM other WHERE id = :k;
INSERT INTO other VALUES (:k);
INSERT INTO mirror VALUES (:k, 1, 'by trigger') ON DUPLICATE KEY UPDATE n = n + 1;
