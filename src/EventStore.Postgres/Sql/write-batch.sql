-- Writes what was decided, if the store is still at the version on which the decision rests; otherwise nothing, and returns no row.
-- Inside a transaction of the application its own synchronous_commit holds, and none is said.
WITH section AS (
    UPDATE {schema}.store SET version = $25, last_checkpoint = $2, last_stamp = $3, last_stream = $4 WHERE version = $1 RETURNING one
), heads AS (
    INSERT INTO {schema}.streams (stream, bucket, category, id, revision, sequence, incarnation)
    SELECT h.stream, h.bucket, h.category, h.id, h.revision, h.sequence, h.incarnation
    FROM section, unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[])
        AS h (stream, bucket, category, id, revision, sequence, incarnation)
    ON CONFLICT (stream) DO UPDATE SET revision = excluded.revision, sequence = excluded.sequence
), written AS (
    INSERT INTO {schema}.events (
        checkpoint, stream, revision, sequence, commit_id, event_id, index_in_commit, commit_events, category, type, body, headers,
        commit_headers, stamp, unit_checkpoint, unit_size, tags)
    SELECT $12::bigint + e.place, e.stream, e.revision, e.sequence, e.commit_id, e.event_id, e.index_in_commit, e.commit_events, e.category,
        e.type, e.body, e.headers, e.commit_headers, {marks}
    FROM section, unnest(
        $13::bigint[], $14::bigint[], $15::bigint[], $16::uuid[], $17::uuid[], $18::integer[], $19::integer[], $20::bigint[], $21::text[],
        $22::bytea[], $23::bytea[], $24::bytea[]{arrays})
        WITH ORDINALITY AS e (stream, revision, sequence, commit_id, event_id, index_in_commit, commit_events, category, type, body,
            headers, commit_headers{names}, place)
){tagged}
SELECT CASE WHEN $26 <> '' THEN set_config('synchronous_commit', $26, true) END FROM section
