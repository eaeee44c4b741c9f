"""The endpoints, for programs and for language models."""
