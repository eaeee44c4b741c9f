"""The study's document as Markdown: OUT/study.md, and the tables of METHOD.md."""

from __future__ import annotations

from algcn.study.document import Findings, Row, Section, Table


def page(study: Findings) -> str:
    """All sections with their tables; figures are for the page."""
    return "\n\n".join(["# The study", study.lead, *map(_section, study.sections)]) + "\n"


def table(value: Table) -> str:
    """A table, the best rows in bold."""
    lines = [value.heads, ["---"] * len(value.heads), *map(_cells, value.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Row) -> list[str]:
    cells = [cell.replace("|", "\\|") for cell in row.cells]
    return [f"**{cell}**" if cell else "" for cell in cells] if row.best else cells


def _section(section: Section) -> str:
    tables = [f"### {value.title}\n\n<!-- study: {value.name} -->\n{table(value)}" for value in section.tables]
    sentences = " ".join([section.sentence, *section.gaps])
    return "\n\n".join([f"## {section.title}", sentences, *tables])
