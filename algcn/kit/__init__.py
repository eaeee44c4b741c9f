"""Helpers that any program could use and that know nothing of ALGCN: checks, errors, files, images, the Hub."""
