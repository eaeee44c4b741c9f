"""Write results as a CSV file: RFC 4180, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from app.search.results import Hit, SearchResult

COLUMNS = (
    "kind",
    "rank",
    "file",
    "text",
    "labels",
    "matched_labels",
    "score",
    "picture_common",
    "picture_encoder",
    "share_common",
    "share_labels",
    "share_encoder",
    "share_written",
    "says",
    "looks",
    "percentile",
    "probability",
)
# A spreadsheet takes a cell that begins like this for a formula, in full width too; a quote before it says it is none.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def to_csv(result: SearchResult) -> str:
    """Write pictures, then captions, each in their order, with a header; lines end as RFC 4180 wants it."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    writer.writerows(_rows("picture", result.images))
    writer.writerows(_rows("caption", result.texts))
    return stream.getvalue()


def _rows(kind: str, hits: Sequence[Hit]) -> list[tuple[object, ...]]:
    return [
        (
            kind,
            hit.rank,
            _cell(hit.file),
            _cell(hit.text),
            _cell("|".join(hit.labels)),
            _cell("|".join(hit.matched_labels)),
            f"{hit.score:.6f}",
            *(f"{cosine:.6f}" for cosine in hit.picture_cosines),
            *(f"{share:.6f}" if any(hit.shares) else "" for share in hit.shares),
            _cell("|".join(said.name for said in hit.says)),
            _cell("|".join(hit.looks)),
            f"{hit.percentile:.4f}",
            "" if hit.probability is None else f"{hit.probability:.4f}",
        )
        for hit in hits
    ]


def _cell(text: str) -> str:
    """Return a text that somebody wrote so that no spreadsheet takes it for a formula, spaces before it or not."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
