SELECT count(*) FILTER (WHERE index_in_commit = 0) AS commits, count(*) FILTER (WHERE type <> '') AS events FROM {schema}.events
