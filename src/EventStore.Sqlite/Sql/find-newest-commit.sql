SELECT checkpoint + event_count - 1 FROM {name}_commits WHERE checkpoint = (SELECT max(checkpoint) FROM {name}_commits)
