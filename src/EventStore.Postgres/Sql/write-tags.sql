, tagged AS (
    INSERT INTO {schema}.tags (term, checkpoint)
    SELECT x.term, x.checkpoint FROM section, unnest($31::bigint[], $32::bigint[]) AS x (term, checkpoint)
)
