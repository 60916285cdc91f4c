-- Writes what was decided, if the store is still at the version on which the decision rests; otherwise nothing, and returns no row.
-- Inside a transaction of the application its own synchronous_commit holds, and none is said.
WITH section AS (
    UPDATE {schema}.store SET version = $23, last_checkpoint = $2, last_stamp = $3, last_stream = $4 WHERE version = $1 RETURNING one
), heads AS (
    INSERT INTO {schema}.streams (stream, bucket, category, id, revision, sequence)
    SELECT h.stream, h.bucket, h.category, h.id, h.revision, h.sequence
    FROM section, unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[])
        AS h (stream, bucket, category, id, revision, sequence)
    ON CONFLICT (stream) DO UPDATE SET revision = excluded.revision, sequence = excluded.sequence
), written AS (
    INSERT INTO {schema}.events (
        checkpoint, stream, revision, sequence, stamp, commit_id, event_id, index_in_commit, commit_events, type, body, headers,
        commit_headers)
    SELECT $11::bigint + e.place, e.stream, e.revision, e.sequence, $3, e.commit_id, e.event_id, e.index_in_commit, e.commit_events,
        e.type, e.body, e.headers, e.commit_headers
    FROM section, unnest(
        $12::bigint[], $13::bigint[], $14::bigint[], $15::uuid[], $16::uuid[], $17::integer[], $18::integer[], $19::text[], $20::bytea[],
        $21::bytea[], $22::bytea[])
        WITH ORDINALITY AS e (stream, revision, sequence, commit_id, event_id, index_in_commit, commit_events, type, body, headers,
            commit_headers, place)
)
SELECT CASE WHEN $24 <> '' THEN set_config('synchronous_commit', $24, true) END FROM section
