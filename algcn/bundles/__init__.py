"""A model bundle on disk: its manifest, its encoder, and the labels that it predicts."""
