"""A searchable collection: its store, index, projection and layout."""
