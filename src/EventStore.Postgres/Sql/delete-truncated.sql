DELETE FROM {schema}.events WHERE stream = @stream AND revision >= @from AND revision < @first AND index_in_commit > 0
