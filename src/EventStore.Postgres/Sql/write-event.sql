-- Writes a commit of one event to a stream that is there, if the store is still at the version on which that was decided; otherwise
-- nothing, and returns no row. Says in plain values what write-batch.sql says in arrays, at half the cost.
WITH section AS (
    UPDATE {schema}.store SET version = $14, last_checkpoint = $2, last_stamp = $3 WHERE one AND version = $1 RETURNING one
), head AS (
    UPDATE {schema}.streams SET revision = $5, sequence = $6 FROM section WHERE stream = $4
), written AS (
    INSERT INTO {schema}.events (
        checkpoint, stream, revision, sequence, stamp, commit_id, event_id, index_in_commit, commit_events, category, type, body, headers,
        commit_headers)
    SELECT $2, $4, $5, $6, $3, $7, $8, 0, 1, $9, $10, $11, $12, $13 FROM section
)
SELECT set_config('synchronous_commit', $15, true) FROM section
