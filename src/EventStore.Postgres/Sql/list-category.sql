-- Written as rows, so that no index but that of categories has their order.
SELECT x.checkpoint, false AS cut FROM {schema}.events x
WHERE x.type <> '' AND (x.category, x.checkpoint) > ({term}, $1) AND (x.category, x.checkpoint) <= ({term}, $2)
ORDER BY x.category {order}, x.checkpoint {order} LIMIT $3
