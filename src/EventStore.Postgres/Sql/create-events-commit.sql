CREATE UNIQUE INDEX events_commit ON {schema}.events (stream, commit_id) WHERE index_in_commit = 0
