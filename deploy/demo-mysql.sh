# What of the demo is MySQL's and MariaDB's. Sourced by demo.

case $engine in
mariadb) demo_version=mariadb-10 demo_packages=$packages_mysql_servers ;;
mysql) demo_version=mysql-9 demo_packages= ;;
esac
demo_targets="seachange sc_traffic"
demo_table=shop.orders
demo_alter="MODIFY customer_id bigint NOT NULL, ADD COLUMN region varchar(8) NOT NULL DEFAULT 'eu'"
demo_told="two indexes, a trigger that counts, and a view"

sql()
{
    [ "${1:-}" != -c ] || { shift && set -- -e "$@"; }
    "$server_bin/mysql" -N -B "$@"
}

demo_make_table()
{
    url=$server_url
    sql > /dev/null <<SQL
CREATE DATABASE shop;
CREATE DATABASE demo;
CREATE TABLE shop.orders (
    id bigint PRIMARY KEY AUTO_INCREMENT,
    shop_id int NOT NULL,
    customer_id int NOT NULL,
    status enum('open', 'paid') NOT NULL,
    amount decimal(10,2) NOT NULL,
    details json,
    note varchar(100),
    changes int NOT NULL DEFAULT 0,
    KEY orders_customer (customer_id),
    KEY orders_status (status, amount)
);
INSERT INTO shop.orders (shop_id, customer_id, status, amount, details, note)
WITH RECURSIVE a AS (SELECT 0 i UNION ALL SELECT i + 1 FROM a WHERE i < 999), b AS (SELECT a.i * 1000 + c.i + 1 i FROM a, a c)
SELECT b.i % 5, b.i % 10000, IF(b.i % 3, 'paid', 'open'), b.i % 1000 / 7, JSON_OBJECT('number', b.i, 'tags', JSON_ARRAY('a', b.i % 7)), REPEAT('n', b.i % 40)
FROM b WHERE b.i <= $rows;
ANALYZE TABLE shop.orders;
-- A trigger that is missing for a moment, or fires twice, is a count that is wrong.
CREATE TRIGGER shop.orders_changes BEFORE UPDATE ON shop.orders FOR EACH ROW SET NEW.changes = OLD.changes + 1;
CREATE VIEW shop.open_orders AS SELECT id, amount FROM shop.orders WHERE status = 'open';

-- What the clients were told: each write notes what it did in the same transaction, while it holds the row.
CREATE TABLE demo.before_load (id bigint PRIMARY KEY) AS SELECT * FROM shop.orders;
CREATE TABLE demo.ledger (
    number bigint AUTO_INCREMENT PRIMARY KEY, op varchar(8) NOT NULL, id bigint, shop_id int, customer_id bigint, status varchar(8),
    amount decimal(10,2), details json, note varchar(100), KEY (id, number)
);
SQL
}

# One transaction, one line in the ledger; a row that is not there (any more) gives a line "none".
demo_load_start()
{
    cat > "$work/load.sql" <<SQL
\concurrent
\set op random(1, 10)
\set id random(1, $rows)
\set customer random(1, 10000)
\set amount random(1, 100000)
START TRANSACTION;
\if :op <= 3
INSERT INTO shop.orders (shop_id, customer_id, status, amount, details, note)
VALUES (:customer % 5, :customer, 'open', :amount / 100, '{"by": "load"}', 'new');
INSERT INTO demo.ledger (op, id, shop_id, customer_id, status, amount, details, note)
VALUES ('insert', LAST_INSERT_ID(), :customer % 5, :customer, 'open', :amount / 100, '{"by": "load"}', 'new');
\elif :op <= 8
UPDATE shop.orders SET customer_id = :customer, amount = :amount / 100, status = 'paid' WHERE id = :id;
INSERT INTO demo.ledger (op, id, shop_id, customer_id, status, amount, details, note)
SELECT IF(o.id IS NULL, 'none', 'update'), o.id, o.shop_id, o.customer_id, o.status, o.amount, o.details, o.note
FROM (SELECT 1) one LEFT JOIN shop.orders o ON o.id = :id;
\else
DELETE FROM shop.orders WHERE id = :id;
INSERT INTO demo.ledger (op, id) VALUES (IF(ROW_COUNT() = 1, 'delete', 'none'), :id);
\endif
COMMIT;
SQL
    "$PWD/build/demo/tests/sc_traffic" "${url}shop" "$work/load.sql" "$clients" > "$work/load.out" 2> "$work/load.err" &
    load=$!
}

demo_load_mark() { kill -USR1 "$load"; }

demo_load_stop()
{
    kill -TERM "$load"
    wait "$load"
    load_status=$?
    acknowledged=$(sed -n 's/^\([0-9]*\) runs.*/\1/p' "$work/load.out")
    errors=$(grep -c ERROR "$work/load.err")
    [ $load_status = 0 ] || [ "$errors" != 0 ] || errors=1
    stall_before=$(sed -n 's/^longest before SIGUSR1: //p' "$work/load.out") stall_after=$(sed -n 's/^longest after it: //p' "$work/load.out")
}

demo_show() { sql --raw -e 'SHOW CREATE TABLE shop.orders' | cut -f 2- && sql --raw -e "SHOW TRIGGERS FROM shop LIKE 'orders'" | cut -f 1-5; }

# A row and its line side by side; NULL-safe, bytes of text compared, and whole numbers of changes that the trigger counted.
demo_compare()
{
    columns="shop_id, customer_id, CAST(status AS CHAR), amount, CAST(details AS CHAR), HEX(note)"
    sql > /dev/null <<SQL || return 1
-- What must be there: a row's last line in the ledger, else what it was before.
CREATE TABLE demo.expected AS
SELECT l.id, $columns, 0 AS changes FROM demo.ledger l JOIN (SELECT id, MAX(number) number FROM demo.ledger WHERE op <> 'none' GROUP BY id) last USING (number)
WHERE l.op <> 'delete'
UNION ALL
SELECT id, $columns, 0 FROM demo.before_load b WHERE NOT EXISTS (SELECT 1 FROM demo.ledger l WHERE l.id = b.id AND l.op <> 'none');
ALTER TABLE demo.expected ADD PRIMARY KEY (id);
UPDATE demo.expected e JOIN (SELECT id, COUNT(*) n FROM demo.ledger WHERE op = 'update' GROUP BY id) l USING (id) SET e.changes = l.n;
SQL
    differences=$(sql -e "
    SELECT COUNT(*) FROM (
        (SELECT e.*, 'eu' FROM demo.expected e EXCEPT ALL SELECT id, $columns, changes, region FROM shop.orders)
        UNION ALL
        (SELECT id, $columns, changes, region FROM shop.orders EXCEPT ALL SELECT e.*, 'eu' FROM demo.expected e)) d") || return 1
    type=$(sql -e "SELECT data_type FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = 'orders' AND column_name = 'customer_id'")
    trigger=$(sql -e "SELECT trigger_name FROM information_schema.triggers WHERE event_object_schema = 'shop' AND event_object_table = 'orders'")
    view=$(sql -e "SELECT (SELECT COUNT(*) FROM shop.open_orders) = (SELECT COUNT(*) FROM shop.orders WHERE status = 'open')")
    left=$(sql -e "SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop' AND table_name LIKE '%\\_seachange\\_new\\_%'") || return 1
    facts "type of customer_id" "$type" \
        "trigger of the new table" "$trigger" \
        "the view shows the new table's rows" "$view" \
        "new tables left behind" "${left:-none}"
    [ "$type" = bigint ] && [ -n "$trigger" ] && [ "$view" = 1 ] || bad="$bad the new table is not what was asked for;"
    [ -z "$left" ] || bad="$bad tables are left;"
}
