"""One result as it is drawn: what a picture's card or a caption's row shows, and what the dialog shows of either.

Notable: what a click shows travels as JSON in an attribute, and results.js puts it on the page as text, never as
markup. The markup is in app/templates/components/hits.html.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from algcn.kit.files import file_state
from app.kit.decoders import open_image
from app.kit.pictures import ORIGINAL

if TYPE_CHECKING:
    from app.search.results import Hit

CHIPS_ON_CARD = 4
THUMBNAIL_SIDE, KEPT_THUMBNAILS = 160, 32
PLACES = {"label": "given label", "caption": "caption"}
DECIMALS = 3  # of the parts of a score
JSON = json.JSONEncoder(ensure_ascii=False)


class Drawn(NamedTuple):
    """A result with what is worked out to draw it; a page has up to a thousand, and a named tuple is made fast.

    Attributes:
        hit: The result.
        is_behind: It is a near-duplicate, folded behind the one before.
        picture: The address of its picture.
        details: What the dialog shows, as JSON.
        matched: The labels that it shares with the query.
        others: Further labels, while there is room.
        unshown: How many more there are.
        chance: In words; None where it is not known.
        beats: In words.
        score: What it is ranked by.
    """

    hit: Hit
    is_behind: bool
    picture: str
    details: str
    matched: list[str]
    others: list[str]
    unshown: int
    chance: str | None
    beats: str
    score: str


def drawn(hits: Iterable[Hit], prefix: str) -> list[Drawn]:
    """What to draw of results, each followed by those that are folded behind it.

    Args:
        hits: Results of one kind.
        prefix: `RetrievalService.pictures`.
    """
    results = []
    for hit in hits:
        results.append(_drawn(hit, prefix))
        results.extend(_drawn(member, prefix, is_behind=True) for member in hit.near_duplicates)
    return results


def _drawn(hit: Hit, prefix: str, *, is_behind: bool = False) -> Drawn:
    matched = [label for label in hit.labels if label in hit.matched_labels]
    others = [label for label in hit.labels if label not in hit.matched_labels]
    room = max(0, CHIPS_ON_CARD - len(matched))
    unshown = max(0, len(others) - room)
    likely = None if hit.probability is None else chance(hit.probability)
    better, score = beats(hit.percentile), f"{hit.score:.{DECIMALS}f}"
    details = _details(hit, prefix, likely, better, score)
    picture = picture_url(hit.item, prefix)
    return Drawn(hit, is_behind, picture, details, matched, others[:room], unshown, likely, better, score)


def picture_url(item: int, prefix: str, size: str = "card") -> str:
    """Where a browser finds a picture of a gallery, relative to the page; `prefix` is `RetrievalService.pictures`."""
    return f"{prefix}/{size}/{item:d}"


def thumbnail(path: Path) -> str:
    """A picture that has no address, as it was decoded, small, as a data URL."""
    return _thumbnail(str(path), *file_state(path))


@functools.lru_cache(KEPT_THUMBNAILS)
def _thumbnail(path: str, *_state: int) -> str:
    small = open_image(path)
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def beats(percentile: float) -> str:
    """A percentile in words; rounded down, since nothing beats all of a gallery it is part of."""
    return f"beats {math.floor(percentile * 10) / 10:.1f} %"


def chance(probability: float) -> str:
    """A chance in words; nothing is certain, so neither end is ever reached."""
    return f"{min(99, max(1, round(100 * probability)))} %"


def _shares(hit: Hit) -> list[tuple[str, float]]:
    """What gives the score of a result: the labels that give most, the other labels, common space and encoder."""
    if not any(hit.shares):
        return []
    named = [(label.name, label.share) for label in hit.shared_labels]
    rest = hit.shares.labels - sum(label.share for label in hit.shared_labels)
    parts = {
        "other labels": rest,
        "common space": hit.shares.common,
        "encoder": hit.shares.encoder,
        "what is written": hit.shares.written,
    }
    names, values = zip(*named, *parts.items(), strict=True)
    return [(name, value) for name, value in zip(names, rounded(values, DECIMALS), strict=True) if value]


def rounded(values: Sequence[float], decimals: int) -> list[float]:
    """Round values so that they sum to their rounded sum: down, and up again those that lost most."""
    unit = 10**decimals
    whole = [math.floor(value * unit) for value in values]
    missing = round(sum(values) * unit) - sum(whole)
    for position in sorted(range(len(values)), key=lambda at: whole[at] - values[at] * unit)[:missing]:
        whole[position] += 1
    return [number / unit for number in whole]


def _details(hit: Hit, prefix: str, chance: str | None, beats: str, score: str) -> str:
    """What the dialog shows of a result, as JSON."""
    details: dict[str, Any] = {
        "item": hit.item,
        "picture": picture_url(hit.item, prefix, "large"),
        "original": picture_url(hit.item, prefix, ORIGINAL),
        "file": hit.file,
        "found": hit.text,
        "captions": hit.captions,
        "labels": hit.labels,
        "matched": hit.matched_labels,
        "predicted": hit.labels_are_predicted,
        "rank": hit.rank,
        "beats": beats,
        "chance": chance,
        "score": score,
        "cosines": [
            # To the encoder some queries are nothing: labels alone, to a model that reads no words.
            [name, *(f"{cosine:.3f}" if cosine else "–" for cosine in cosines)]
            for name, cosines in (("Picture", hit.picture_cosines), ("Caption", hit.caption_cosines))
            if cosines is not None
        ],
        "shares": _shares(hit),
        "says": [f"{said.name} ({PLACES[said.by]})" for said in hit.says],
        "looks": hit.looks,
    }
    return JSON.encode(details)
