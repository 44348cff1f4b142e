SELECT COUNT(*) > 50, SUM(NOT (JSON_TYPE(t.j) <=> JSON_TYPE(samples.j)
    AND JSON_TYPE(JSON_EXTRACT(t.j, '$[0]')) <=> JSON_TYPE(JSON_EXTRACT(samples.j, '$[0]'))
    AND JSON_TYPE(JSON_EXTRACT(t.j, '$[1]')) <=> JSON_TYPE(JSON_EXTRACT(samples.j, '$[1]'))
    AND JSON_TYPE(JSON_EXTRACT(t.j, '$[2]')) <=> JSON_TYPE(JSON_EXTRACT(samples.j, '$[2]'))
    AND JSON_TYPE(JSON_EXTRACT(t.j, '$[3]')) <=> JSON_TYPE(JSON_EXTRACT(samples.j, '$[3]'))
    AND JSON_TYPE(JSON_EXTRACT(t.j, '$[4]')) <=> JSON_TYPE(JSON_EXTRACT(samples.j, '$[4]'))
    AND JSON_TYPE(JSON_EXTRACT(t.j, '$[5]')) <=> JSON_TYPE(JSON_EXTRACT(samples.j, '$[5]'))
    AND JSON_TYPE(JSON_EXTRACT(t.j, '$[6]')) <=> JSON_TYPE(JSON_EXTRACT(samples.j, '$[6]'))
    AND JSON_TYPE(JSON_EXTRACT(t.j, '$[7]')) <=> JSON_TYPE(JSON_EXTRACT(samples.j, '$[7]')))) = 0
FROM t JOIN samples ON CAST(t.j AS CHAR) = CAST(samples.j AS CHAR);
