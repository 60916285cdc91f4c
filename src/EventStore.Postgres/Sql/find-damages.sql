-- Everything that no commit of the engine can have left behind, one row each: its place and what is wrong there.
SELECT 'stream ' || stream AS place,
    'its head says revision ' || revision || ' from ' || first_revision || ' in ' || sequence || ' commits, but ' || events
        || ' events in ' || commits || ' are there, the last at revision ' || last || '.' AS problem
FROM (
    SELECT s.stream, s.revision, s.sequence, s.first_revision, count(*) FILTER (WHERE e.type <> '') AS events,
        count(*) FILTER (WHERE e.index_in_commit = 0) AS commits, COALESCE(max(e.sequence), 0) AS last_sequence,
        COALESCE(max(e.revision) FILTER (WHERE e.type <> ''), s.first_revision::numeric - 1) AS last
    FROM {schema}.streams s LEFT JOIN {schema}.events e ON e.stream = s.stream
    GROUP BY s.stream
) heads
WHERE revision::numeric - first_revision + 1 <> events OR revision <> last OR sequence <> commits OR sequence <> last_sequence
UNION ALL
SELECT 'stream ' || e.stream, 'it has ' || count(*) || ' events, but no head.'
FROM {schema}.events e WHERE NOT EXISTS (SELECT FROM {schema}.streams s WHERE s.stream = e.stream) GROUP BY e.stream
UNION ALL
SELECT 'stream ' || stream || ', commit ' || sequence, 'of its ' || max(commit_events) || ' events ' || count(*)
    || ' are there, from checkpoint ' || min(checkpoint) || ' to ' || max(checkpoint) || '.'
FROM (SELECT y.*, y.type <> '' AS is_left FROM {schema}.events y) rows
GROUP BY stream, sequence
HAVING min(commit_events) <> max(commit_events) OR min(index_in_commit) <> 0 OR count(DISTINCT commit_id) <> 1
    OR count(*) FILTER (WHERE NOT is_left) > 1 OR bool_or(NOT is_left AND index_in_commit > 0)
    OR max(checkpoint)::numeric - min(checkpoint) <> max(index_in_commit)
    OR max(revision)::numeric - min(revision) <> max(index_in_commit)
    OR CASE WHEN bool_or(is_left)
        THEN max(index_in_commit)::numeric <> max(commit_events)::numeric - 1
            OR count(*) FILTER (WHERE is_left) <> max(commit_events)::numeric - min(index_in_commit) FILTER (WHERE is_left)
        ELSE count(*) <> 1 END
UNION ALL
SELECT 'checkpoint ' || e.checkpoint, 'its category is not that of its stream.'
FROM {schema}.events e JOIN {schema}.streams s ON s.stream = e.stream WHERE e.category <> {schema}.term(s.bucket, s.category)
UNION ALL
SELECT 'checkpoint ' || checkpoint, 'an entry of one of its tags is missing, or leads to no such event.'
FROM (
    SELECT e.checkpoint, {schema}.term(s.bucket, n.tag) AS term
    FROM {schema}.events e JOIN {schema}.streams s ON s.stream = e.stream CROSS JOIN unnest(e.tags) AS n (tag)
) tagged FULL JOIN {schema}.tags t USING (checkpoint, term)
WHERE tagged.* IS NULL OR t.* IS NULL
UNION ALL
SELECT 'checkpoint ' || checkpoint, 'it lies above the last one that was given, ' || last_checkpoint || '.'
FROM {schema}.events, {schema}.store WHERE checkpoint > last_checkpoint
UNION ALL
SELECT 'checkpoint ' || checkpoint, 'its stamp is before that of an earlier checkpoint.'
FROM (SELECT checkpoint, stamp, lag(stamp) OVER (ORDER BY checkpoint) AS earlier FROM {schema}.events) stamps WHERE stamp < earlier
UNION ALL
SELECT 'stream ' || n.stream || ', snapshot ' || n.revision, 'there is no such stream, or it is not that long.'
FROM {schema}.snapshots n WHERE NOT EXISTS (SELECT FROM {schema}.streams s WHERE s.stream = n.stream AND s.revision >= n.revision
    AND s.first_revision <= n.revision::numeric + 1)
LIMIT 1000
