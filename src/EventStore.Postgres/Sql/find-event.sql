SELECT checkpoint FROM {schema}.events WHERE stream = @stream AND revision = @revision
