DELETE FROM {name}_snapshots
