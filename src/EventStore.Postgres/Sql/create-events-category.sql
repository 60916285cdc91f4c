CREATE INDEX events_category ON {schema}.events (category, checkpoint) WHERE type <> ''
