"""METHOD.md and the page show the same tables: those of assets/study/study.json."""

from __future__ import annotations

import pytest
from method_tables import MARKED, METHOD, STUDY, refreshed
from study_cells import every_cell, settings

from algcn.kit.errors import InputError
from algcn.study import markdown, tables
from algcn.study.document import Findings


def test_every_table_that_METHOD_takes_from_the_study_is_there_verbatim() -> None:
    page = METHOD.read_text(encoding="utf-8")
    assert page.count("<!-- study:") == len(MARKED.findall(page)), "a comment stands alone on its line"
    assert refreshed(page, Findings.read(STUDY)) == page, "python -m tests.method_tables writes them anew"


def test_a_table_is_put_below_its_comment_and_nothing_else_changes() -> None:
    found = tables.findings(every_cell(settings()), settings())
    sea, known = (markdown.table(found.tables()[name]) for name in ("sea main", "sea known"))
    page = (
        "# Method\n\n<!-- study: sea main -->\n| old |\n| --- |\n| .1 |\n\n"
        "Words.\n\n| own |\n\n<!-- study: sea known -->\n"
    )
    fresh = refreshed(page, found)
    assert fresh == (
        f"# Method\n\n<!-- study: sea main -->\n{sea}\n\nWords.\n\n| own |\n\n<!-- study: sea known -->\n{known}\n"
    )
    assert refreshed(fresh, found) == fresh
    assert refreshed(fresh.replace(".3000", ".3001"), found) == fresh
    with pytest.raises(InputError, match="has no table 'lake main'; it has 'sea main'"):
        refreshed("<!-- study: lake main -->\n", found)
