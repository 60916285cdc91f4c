SELECT count(*) FILTER (WHERE index_in_commit = 0), count(*) FROM {schema}.events
