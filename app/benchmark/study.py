"""The study behind METHOD.md as a part of the Benchmark tab: every section folded, with an index."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from algcn.kit.errors import InputError
from algcn.study import document
from algcn.study.document import Findings
from app.benchmark.study_figures import figure, height
from app.kit.templates import render

FILE = Path(__file__).resolve().parents[2] / "assets" / "study" / "study.json"


@functools.cache
def study(path: Path = FILE) -> str:
    """Render the whole study, once; nothing where the program comes without it, a sentence where it is damaged."""
    try:
        findings = Findings.read(path)
    except FileNotFoundError:
        return ""
    except InputError as error:
        return render("benchmark/problems.html", sentences=[str(error)])
    drawn = {
        section.name: [
            (made.title, height(made), json.dumps(figure(made), allow_nan=False)) for made in section.figures
        ]
        for section in findings.sections
    }
    return render("benchmark/study.html", lead=findings.lead, sections=findings.sections, figures=drawn)


def as_json(made: document.Figure) -> str:
    """A figure as the page draws it, in one text."""
    return json.dumps(figure(made), allow_nan=False, separators=(",", ":"))
