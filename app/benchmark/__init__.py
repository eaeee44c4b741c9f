"""A bundle's metrics.json as plots and tables."""
