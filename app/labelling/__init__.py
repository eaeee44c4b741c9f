"""Labelling a visitor's own pictures: what was said by hand, what is suggested, labels that no model knows."""
