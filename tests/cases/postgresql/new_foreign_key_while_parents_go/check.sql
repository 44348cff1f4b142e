SELECT convalidated FROM pg_constraint WHERE conname = 'to_parent';
