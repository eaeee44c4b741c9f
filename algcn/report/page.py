"""A report as one HTML file that asks no other machine for anything and runs no script."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from algcn.report import figures
from algcn.report.document import Block, Command, Definitions, Document, Figure, Paragraph, Row, Section, Table, plain

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
# Nothing is fetched and nothing runs, whatever a bundle says.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
NARROW = 4  # columns that half the page has room for


def write(document: Document) -> str:
    """Write a document as a page."""
    body = "\n".join(_section(section) for section in document.sections)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(document.title)}</title>
<style>
{figures.STYLE}
{STYLE}</style>
</head>
<body>
<main>
<header>
<h1>{escape(document.title)}</h1>
<p class="lead">{escape(document.lead)}</p>
</header>
{body}
</main>
</body>
</html>
"""


def escape(text: object) -> str:
    """Turn a text from a bundle into words and nothing else."""
    return html.escape(plain(text))


def _section(section: Section) -> str:
    heading = f"<h{section.level}>{escape(section.title)}</h{section.level}>"
    parts = []
    # Figures that follow each other stand side by side, where there is room; so do narrow tables.
    for kind, run in groupby(section.blocks, _shape):
        blocks = [_block(block) for block in run]
        joined = "\n".join(blocks)
        parts.append(f'<div class="beside">\n{joined}\n</div>' if kind and len(blocks) > 1 else joined)
    return f'<section class="level-{section.level}">\n{heading}\n' + "\n".join(parts) + "\n</section>"


def _shape(block: Block) -> str:
    """What may stand beside another of its kind; empty for what needs the whole width."""
    if isinstance(block, Figure):
        return "figure"
    return "table" if isinstance(block, Table) and not block.folded and len(block.heads) <= NARROW else ""


def _block(block: Block) -> str:
    match block:
        case Paragraph(text=text, kind=kind):
            return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"
        case Command(purpose=purpose, line=line):
            words = " ".join(f"<span>{escape(word)}</span>" for word in line.split(" "))
            return f'<div class="command"><p>{escape(purpose)}</p><pre><code>{words}</code></pre></div>'
        case Figure(title=title, note=note, svg=svg):
            caption = f"<figcaption><h4>{escape(title)}</h4><p>{escape(note)}</p></figcaption>"
            return f'<figure class="card narrow">{caption}{svg}</figure>'
        case Definitions(items=items):
            listed = "\n".join(f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in items)
            return f"<dl>\n{listed}\n</dl>"
        case Table():
            return _table(block)
    raise TypeError(block)


def _table(table: Table) -> str:
    note = f"<p>{escape(table.note)}</p>" if table.note else ""
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in table.heads)
    head = f"<thead><tr><td></td>{heads}</tr></thead>" if any(table.heads) else ""
    rows = "\n".join(_row(row, table.heads) for row in table.rows)
    kind = ' class="words"' if table.words else ""
    body = f'<div class="scroll"><table{kind}>{head}<tbody>\n{rows}\n</tbody></table></div>'
    width = " narrow" if len(table.heads) <= NARROW else ""
    if table.folded:
        return f'<details class="card{width}"><summary>{escape(table.title)}</summary>{note}{body}</details>'
    return f'<div class="card{width}"><h4>{escape(table.title)}</h4>{note}{body}</div>'


def _row(row: Row, heads: Sequence[str]) -> str:
    kind = f' class="{row.kind}"' if row.kind else ""
    cells = "".join(f"<td>{_spread(cell)}</td>" for cell in row.cells)
    return f'<tr{kind}><th scope="row">{escape(row.name)}</th>{cells}</tr>'


def _spread(cell: str) -> str:
    """A cell; what follows ± is set small."""
    value, sign, spread = escape(cell).partition(" ± ")
    return f"{value} <small>± {spread}</small>" if sign else value
