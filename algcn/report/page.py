"""A report as one HTML file that asks no other machine for anything and runs no script; `page.html` is its template."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from algcn.report import figures
from algcn.report.document import Block, Document, Figure, Section, Table, plain

HERE = Path(__file__)
STYLE = figures.STYLE + "\n" + HERE.with_name("page.css").read_text(encoding="utf-8")
TEMPLATE = HERE.with_name("page.html").read_text(encoding="utf-8")
# Nothing is fetched and nothing runs, whatever a bundle says.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
NARROW = 4  # columns that half the page has room for


def write(document: Document) -> str:
    """Write a document as a page."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_words,
    )
    environment.filters |= {"runs": _runs, "kind": lambda block: type(block).__name__}
    environment.tests["narrow"] = _is_narrow
    return environment.from_string(TEMPLATE).render(document=document, style=STYLE, policy=POLICY)


def _words(value: object) -> object:
    """Put a text from a bundle on one line; what is markup already stays as it is."""
    return value if isinstance(value, Markup) else plain(value)


def _runs(section: Section) -> list[list[Block]]:
    """Split a section into what stands alone and what stands side by side: figures, and narrow tables."""
    found: list[list[Block]] = []
    for kind, run in groupby(section.blocks, _stands_beside):
        blocks = list(run)
        found += [blocks] if kind else [[block] for block in blocks]
    return found


def _stands_beside(block: Block) -> str:
    """Name what may stand beside another of its kind; empty for what needs the whole width."""
    if isinstance(block, Figure):
        return "figure"
    return "table" if isinstance(block, Table) and not block.folded and _is_narrow(block) else ""


def _is_narrow(table: Table) -> bool:
    return len(table.heads) <= NARROW
