-- The first event of each commit keeps its row without what it says; where all of its commit is gone, without the commit's headers, too.
UPDATE {schema}.events
SET type = '', body = '', headers = '', tags = NULL,
    commit_headers = CASE WHEN revision + commit_events <= @first THEN ''::bytea ELSE commit_headers END
WHERE stream = @stream AND revision >= @from AND revision < @first AND index_in_commit = 0
