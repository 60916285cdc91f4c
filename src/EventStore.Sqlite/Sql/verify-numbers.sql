SELECT stream, revision
FROM (
    SELECT stream, revision, sequence,
        coalesce(lag(revision + event_count) OVER of_stream, 1) AS expected_revision,
        coalesce(lag(sequence + 1) OVER of_stream, 1) AS expected_sequence
    FROM {name}_commits
    WINDOW of_stream AS (PARTITION BY stream ORDER BY revision)
)
WHERE revision <> expected_revision OR sequence <> expected_sequence
