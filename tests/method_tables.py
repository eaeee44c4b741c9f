"""The tables of METHOD.md that come from the study: `<!-- study: NAME -->` stands above each.

    python -m tests.method_tables

Writes each of them anew from assets/study/study.json; what stands around them stays as it is.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from algcn.kit.errors import InputError, run_command
from algcn.kit.files import write_text
from algcn.study import markdown
from algcn.study.document import Findings

PROJECT = Path(__file__).resolve().parents[1]
METHOD, STUDY = PROJECT / "METHOD.md", PROJECT / "assets" / "study" / "study.json"
# A comment on a line of its own, and the table below it, which may not be there yet.
MARKED = re.compile(r"^<!-- study: (?P<name>[^\n]*?) -->\n(?P<table>(?:\|[^\n]*\n)*)", re.MULTILINE)


def refreshed(page: str, findings: Findings) -> str:
    """Put the study's tables below their comments.

    Raises:
        InputError: A comment names a table that the study does not have.
    """
    known = findings.tables()

    def table(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in known:
            raise InputError(f"The study has no table {name!r}; it has {', '.join(map(repr, known)) or 'none'}.")
        return f"<!-- study: {name} -->\n{markdown.table(known[name])}\n"

    return MARKED.sub(table, page)


def main(argv: object = None) -> None:
    """Refresh METHOD.md."""
    page = METHOD.read_text(encoding="utf-8")
    write_text(METHOD, refreshed(page, Findings.read(STUDY)))
    print(f"{METHOD.name}: {len(MARKED.findall(page))} tables of the study")


if __name__ == "__main__":
    sys.exit(run_command(main))
