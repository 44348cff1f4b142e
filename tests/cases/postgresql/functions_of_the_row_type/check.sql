SELECT total() = 300;
SELECT put(1000) IS NOT NULL;
SELECT total() = 301;
