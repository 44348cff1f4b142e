SELECT has_table_privilege('case_writer', 't', 'SELECT') AND (SELECT relacl::text ~ 'case_writer=r/case_owner' FROM pg_class WHERE oid = 't'::regclass);
