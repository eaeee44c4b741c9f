"""A report that a reader can check: `python -m algcn.report BUNDLE… --out report.html`."""
