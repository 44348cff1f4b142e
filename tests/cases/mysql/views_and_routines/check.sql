CALL put_in(7777);
SELECT how_many() = 101;
SELECT COUNT(*) = 1 FROM all_t WHERE id = 7777;
