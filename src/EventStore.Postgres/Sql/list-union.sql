SELECT u.checkpoint, bool_or(u.cut) AS cut FROM ({lists}) u GROUP BY u.checkpoint ORDER BY u.checkpoint {order} LIMIT $3
