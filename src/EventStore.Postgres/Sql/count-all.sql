SELECT count(*) FILTER (WHERE index_in_commit = 0) AS commits, count(*) AS events FROM {schema}.events
