DELETE FROM {schema}.snapshots WHERE stream = @stream AND revision < @revision
