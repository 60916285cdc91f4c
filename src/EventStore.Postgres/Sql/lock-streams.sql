-- The rows of the streams stay locked until the transaction ends. Whoever saves or prunes snapshots locks his stream first, too.
SELECT count(*) FROM (SELECT s.stream FROM {schema}.streams s WHERE {which} ORDER BY s.stream FOR UPDATE) locked
