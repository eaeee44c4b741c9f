"""A visitor's own pictures."""
