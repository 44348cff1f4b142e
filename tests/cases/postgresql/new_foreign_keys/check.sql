SELECT count(*) = 6 AND bool_and(convalidated) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'f' AND conparentid = 0;
