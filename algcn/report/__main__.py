"""A report that a reader can check: `python -m algcn.report BUNDLE… --out report.html`.

What each bundle is, its data and settings, how it was selected, its results beside chance, baselines and (on the same
data set) the paper, with the command that measured each. The ending of `--out` says the format: `.html` is one file
that fetches nothing, `.md` has its figures as `.svg` files in the folder NAME_figures beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from algcn.command_line import open_bundle
from algcn.kit.errors import InputError, run_command
from algcn.kit.files import write_text
from algcn.report import figures, markdown, page
from algcn.report.content import report
from algcn.report.document import Document, Figure
from algcn.report.subject import Subject

FORMATS = (".html", ".md")


def save(document: Document, out: Path) -> list[Path]:
    """Write a report and return its files, the report itself first.

    Raises:
        InputError: The ending is of no format, or the place cannot be written to.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"The report {str(out)!r} ends in no format of a report; use .html or .md.")
    if out.is_dir():
        raise InputError(f"The report {str(out)!r} is a folder; name a file in it.")
    try:
        if out.suffix == ".html":
            write_text(out, page.write(document))
            return [out]
        folder = out.with_name(f"{out.stem}_figures")
        drawn = {
            folder / f"{block.name}.svg": figures.standalone(block.svg)
            for section in document.sections
            for block in section.blocks
            if isinstance(block, Figure)
        }
        for path, svg in drawn.items():
            write_text(path, svg)
        write_text(out, markdown.write(document, folder.name))
    except OSError as error:
        raise InputError(f"The report {str(out)!r} cannot be written ({error.strerror}); name another place.") from None
    return [out, *drawn]


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m algcn.report", description="Write a report on bundles.")
    parser.add_argument("bundles", nargs="+", metavar="BUNDLE", help="folder, or OWNER/NAME[@COMMIT] on the Hub")
    parser.add_argument("--out", required=True, type=Path, help="the report: .html or .md")
    arguments = parser.parse_args(argv)
    if arguments.out.suffix not in FORMATS:
        raise InputError(f"The report {str(arguments.out)!r} ends in no format of a report; use .html or .md.")
    subjects = [
        Subject(reference, open_bundle(reference), number)
        for number, reference in enumerate(arguments.bundles, start=1)
    ]
    written = save(report(subjects), arguments.out)
    beside = f" and {len(written) - 1} figures in {written[1].parent}" if len(written) > 1 else ""
    print(f"{arguments.out}: {len(arguments.bundles)} bundle{'s' * (len(arguments.bundles) > 1)}{beside}")


if __name__ == "__main__":
    sys.exit(run_command(main))
