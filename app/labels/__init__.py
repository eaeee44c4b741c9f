"""The label graph: its stages, its layout, one label up close, and edited edges."""
