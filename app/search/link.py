"""Write a query as the end of an address, and read it back when somebody follows the link.

    ?q=a+dog+on+the+beach&not=snow&away=0.8&like=images/0123.webp&weight=0.4&label=dog&label=beach&match=all&cut=60
        &subjects=4&written=0&beside=1

Several pictures are `like=…&like=…`, those to steer away from `unlike=…`, and an example photo is `photo=china.jpg`.
An uploaded picture is not in it: it is nobody's but the visitor's.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode

from algcn.kit.errors import InputError
from app.search.examples import photo_named, photo_of
from app.search.query import Query

# scripts/address.js owns the same names; whatever else stands in an address is left alone.
NAMES = (
    "q", "not", "away", "like", "unlike", "photo", "weight", "label", "match", "cut", "subjects", "written", "beside",
)  # fmt: skip
MAX_FIELDS, MAX_WORDS = 200, 1000
DEFAULT = Query()


def address_of(query: Query, file_of: Callable[[int], str]) -> str:
    """Write a query as `name=value&…`; values that are at their default are left out.

    Args:
        query: The query.
        file_of: The file name of a picture of the gallery.
    """
    fields: list[tuple[str, str]] = []
    if query.text.strip():
        fields.append(("q", query.text.strip()[:MAX_WORDS]))
    fields.extend(("like", file_of(item)) for item in query.liked)
    photo = photo_of(query.picture)
    if photo is not None:
        fields.append(("photo", photo.name))
    if not fields:
        return ""
    fields.extend(("unlike", file_of(item)) for item in query.unlike)
    if query.without.strip():
        fields.append(("not", query.without.strip()[:MAX_WORDS]))
        if query.away != DEFAULT.away:
            fields.append(("away", f"{query.away:g}"))
    if query.is_mixed and (query.liked or photo is not None) and query.weight != DEFAULT.weight:
        fields.append(("weight", f"{query.weight:g}"))
    fields.extend(("label", label) for label in query.labels)
    if query.labels and query.match != DEFAULT.match:
        fields.append(("match", query.match))
    if query.cutoff is not None:
        fields.append(("cut", f"{query.cutoff:g}"))
    if query.labels_weight is not None:
        fields.append(("subjects", f"{query.labels_weight:g}"))
    if not query.written:
        fields.append(("written", "0"))
    if query.beside:
        fields.append(("beside", "1"))
    return urlencode(fields, safe="/")


def query_of(address: object, item_of: Callable[[str], int]) -> Query | None:
    """Read the query that an address holds, whatever else is in it; None if it holds none.

    Args:
        address: What stands behind the "?" of an address, with it or without, from a browser.
        item_of: The picture of the gallery with a file name; raises InputError.

    Raises:
        InputError: The address holds something that is no query: a number out of range, a picture that is not there.
    """
    if not isinstance(address, str):
        return None
    try:
        fields = parse_qs(address.removeprefix("?"), max_num_fields=MAX_FIELDS)
    except ValueError:
        raise InputError("This link holds too much to be a query; copy it again.") from None
    one = {name: values[0] for name, values in fields.items()}
    if not one.keys() & {"q", "like", "photo"}:
        return None
    liked = [item_of(file) for file in fields.get("like", ())]
    return Query(
        text=one.get("q", ""),
        picture=photo_named(one["photo"]).path if "photo" in one else None,
        item=liked[0] if liked else None,
        also=tuple(liked[1:]),
        unlike=tuple(item_of(file) for file in fields.get("unlike", ())),
        weight=_number(one, "weight", DEFAULT.weight),
        without=one.get("not", ""),
        away=_number(one, "away", DEFAULT.away),
        labels=tuple(fields.get("label", ())),
        match=one.get("match", DEFAULT.match),
        cutoff=_number(one, "cut", None),
        labels_weight=_number(one, "subjects", None),
        written=one.get("written") != "0",
        beside=one.get("beside") == "1",
    )


def _number(fields: dict[str, str], name: str, default: float | None) -> float | None:
    try:
        return float(fields[name]) if name in fields else default
    except ValueError:
        raise InputError(
            f"This link has a {name} of {fields[name]!r:.40}, which is no number; copy it again."
        ) from None
