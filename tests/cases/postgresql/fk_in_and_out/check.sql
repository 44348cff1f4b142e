DELETE FROM t WHERE id = 500;
SELECT count(*) = 0 FROM line WHERE order_id = 500;
SELECT count(*) > 0 FROM line WHERE order_id IS NULL;
DELETE FROM customer WHERE id = 7;
SELECT count(*) = 0 FROM t WHERE customer_id = 7;
