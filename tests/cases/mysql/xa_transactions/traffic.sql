\concurrent
\set k random(1, 300)
\set l random(1, 300)
\set op random(1, 3)
DO GET_LOCK(CONCAT('traffic ', DATABASE()), 60);
XA START 'case_:k_:l', 'xa_transactions';
INSERT INTO t VALUES (:k, :l, 'xa') ON DUPLICATE KEY UPDATE n = :l, v = 'xa again';
INSERT INTO mirror VALUES (:k, :l, 'xa') ON DUPLICATE KEY UPDATE n = :l, v = 'xa again';
DELETE FROM t WHERE id = :l;
DELETE FROM mirror WHERE id = :l;
XA END 'case_:k_:l', 'xa_transactions';
\if :op = 1
XA COMMIT 'case_:k_:l', 'xa_transactions' ONE PHASE;
\elif :op = 2
XA PREPARE 'case_:k_:l', 'xa_transactions';
XA COMMIT 'case_:k_:l', 'xa_transactions';
\else
XA PREPARE 'case_:k_:l', 'xa_transactions';
XA ROLLBACK 'case_:k_:l', 'xa_transactions';
\endif
DO RELEASE_LOCK(CONCAT('traffic ', DATABASE()));
