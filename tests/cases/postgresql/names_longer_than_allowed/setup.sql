-- The table's and its index's names have 63 bytes, so that nothing can be put before or behind them.
CREATE TABLE this_table_has_a_name_of_exactly_sixty_three_bytes_0123456789_a (id integer PRIMARY KEY, n integer UNIQUE, m serial);
INSERT INTO this_table_has_a_name_of_exactly_sixty_three_bytes_0123456789_a SELECT i, -i FROM generate_series(1, 300) AS i;
