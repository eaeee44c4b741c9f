"""A report as Markdown (GitHub's kind); its figures are files in a folder beside it."""

from __future__ import annotations

import re
from urllib.parse import quote

from algcn.report.document import BEST, Block, Command, Definitions, Document, Figure, Paragraph, Table, plain

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#!|~$&])")


def write(document: Document, folder: str) -> str:
    """Write a document as Markdown whose figures lie in `folder`, a path relative to it."""
    parts = [f"# {escape(document.title)}", escape(document.lead)]
    for section in document.sections:
        parts.append(f"{'#' * section.level} {escape(section.title)}")
        parts += [_block(block, folder) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def escape(text: object) -> str:
    """Turn a text from a bundle into words and nothing else, in a sentence or a cell of a table."""
    return _SPECIAL.sub(r"\\\1", plain(text))


def _block(block: Block, folder: str) -> str:
    match block:
        case Paragraph(text=text, kind=kind):
            return f"> {escape(text)}" if kind == "warning" else escape(text)
        case Command(purpose=purpose, line=line):
            return f"{escape(purpose)}:\n\n```\n{plain(line)}\n```"
        case Figure(name=name, title=title, note=note):
            return f"**{escape(title)}.** {escape(note)}\n\n![{escape(title)}]({quote(f'{folder}/{name}.svg')})"
        case Definitions(items=items):
            return "\n".join(f"- **{escape(term)}**: {escape(meaning)}" for term, meaning in items)
        case Table():
            return _table(block)
    raise TypeError(block)


def _table(table: Table) -> str:
    head = f"**{escape(table.title)}.**" + (f" {escape(table.note)}" if table.note else "")
    side = ":--" if table.words else "--:"
    lines = [f"| | {' | '.join(map(escape, table.heads))} |", f"|:--|{'|'.join([side] * len(table.heads))}|"]
    for row in table.rows:
        cells = [escape(cell) for cell in (row.name, *row.cells)]
        if row.kind == BEST:
            cells = [f"**{cell}**" if cell else "" for cell in cells]
        lines.append(f"| {' | '.join(cells)} |")
    return f"{head}\n\n" + "\n".join(lines)
