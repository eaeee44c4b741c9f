"""Adaptive Label-aware Graph Convolutional Networks for image-text retrieval."""

__version__ = "0.1.0"
