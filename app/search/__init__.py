"""Searching: what is asked, how results are ranked, filtered and explained."""
