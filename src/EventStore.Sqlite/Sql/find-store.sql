SELECT checkpoint, stamp FROM {name}_store WHERE one = 1
