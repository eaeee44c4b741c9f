"""A gallery is a searchable collection: its store, index, projection and layout."""
