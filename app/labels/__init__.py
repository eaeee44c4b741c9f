"""The label graph: stages, layout, one label up close, and edges edited."""
