"""When the assets run: partitions, freshness promises, sensors, alerts and maintenance."""
