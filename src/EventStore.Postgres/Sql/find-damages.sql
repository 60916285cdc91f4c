-- Everything that no commit of the engine can have left behind, one row each: its place and what is wrong there.
SELECT 'stream ' || stream AS place,
    'its head says ' || revision || ' events in ' || sequence || ' commits, but ' || events || ' in ' || commits
        || ' are there, the last at revision ' || last || '.' AS problem
FROM (
    SELECT s.stream, s.revision, s.sequence, count(e.checkpoint) AS events, count(*) FILTER (WHERE e.index_in_commit = 0) AS commits,
        COALESCE(max(e.revision), 0) AS last, COALESCE(max(e.sequence), 0) AS last_sequence
    FROM {schema}.streams s LEFT JOIN {schema}.events e ON e.stream = s.stream
    GROUP BY s.stream
) heads
WHERE revision <> events OR revision <> last OR sequence <> commits OR sequence <> last_sequence
UNION ALL
SELECT 'stream ' || e.stream, 'it has ' || count(*) || ' events, but no head.'
FROM {schema}.events e WHERE NOT EXISTS (SELECT FROM {schema}.streams s WHERE s.stream = e.stream) GROUP BY e.stream
UNION ALL
SELECT 'stream ' || stream || ', commit ' || sequence, 'of its ' || max(commit_events) || ' events ' || count(*)
    || ' are there, from checkpoint ' || min(checkpoint) || ' to ' || max(checkpoint) || '.'
FROM {schema}.events
GROUP BY stream, sequence
HAVING count(*) <> max(commit_events) OR min(commit_events) <> max(commit_events) OR min(index_in_commit) <> 0
    OR max(index_in_commit) <> count(*) - 1
    OR max(checkpoint)::numeric - min(checkpoint) <> count(*) - 1
    OR max(revision)::numeric - min(revision) <> count(*) - 1 OR count(DISTINCT commit_id) <> 1
UNION ALL
SELECT 'checkpoint ' || checkpoint, 'it lies above the last one that was given, ' || last_checkpoint || '.'
FROM {schema}.events, {schema}.store WHERE checkpoint > last_checkpoint
UNION ALL
SELECT 'checkpoint ' || checkpoint, 'its stamp is before that of an earlier checkpoint.'
FROM (SELECT checkpoint, stamp, lag(stamp) OVER (ORDER BY checkpoint) AS earlier FROM {schema}.events) stamps WHERE stamp < earlier
UNION ALL
SELECT 'stream ' || n.stream || ', snapshot ' || n.revision, 'there is no such stream, or it is not that long.'
FROM {schema}.snapshots n WHERE NOT EXISTS (SELECT FROM {schema}.streams s WHERE s.stream = n.stream AND s.revision >= n.revision)
LIMIT 1000
