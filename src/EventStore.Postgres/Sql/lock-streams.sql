-- The rows of the streams stay locked until the transaction ends. Saving or pruning snapshots locks the stream first, too.
SELECT count(*) FROM (SELECT s.stream FROM {schema}.streams s WHERE {which} ORDER BY s.stream FOR UPDATE) locked
