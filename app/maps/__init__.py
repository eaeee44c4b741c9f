"""Classifiers and galleries as points on a map."""
