"""The study behind METHOD.md: `python -m algcn.study` measures every claim again, from feature files to tables."""
