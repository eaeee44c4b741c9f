"""How well a model retrieves: metrics, ranking, thresholds, calibration, the record of results."""
