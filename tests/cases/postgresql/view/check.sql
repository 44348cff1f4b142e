SELECT count(*) = 290 FROM later;
INSERT INTO later (id) VALUES (1000);
SELECT v = 'by the view' FROM t WHERE id = 1000;
SELECT count(*) = 291 FROM later;
