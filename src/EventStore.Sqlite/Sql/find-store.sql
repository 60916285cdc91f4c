SELECT max(floor.checkpoint, coalesce(newest.checkpoint + newest.event_count - 1, 0)), max(floor.stamp, coalesce(newest.stamp, 0)),
    floor.gathered, floor.settled, floor.removed, floor.holder
FROM {name}_store AS floor
LEFT JOIN {name}_commits AS newest ON newest.checkpoint = (SELECT max(checkpoint) FROM {name}_commits)
WHERE floor.one = 1
