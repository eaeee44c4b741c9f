"""Searching: reading a query, and ranking, filtering and explaining results."""
