DELETE FROM {name}_gathered
