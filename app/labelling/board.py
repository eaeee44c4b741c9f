"""A visitor's pictures while they are labelled: what the page asks for is done, and what it shows then.

Notable: an answer holds all labels of all pictures, as numbers, so that an answer which overtakes another, or gets lost
between two clicks, does no harm; `version` tells the page which is the newer one.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algcn.bundles.new_label import load_new_label, save_new_label
from algcn.kit import checks
from algcn.kit.errors import InputError
from app.kit.numbers import counted
from app.labelling.marks import Marks, Said, check_name, key_of
from app.labelling.new_labels import MIN_COMPARED
from app.labelling.suggestions import CAPTION, NAME, PERCENTS, Suggester, Suggestion

if TYPE_CHECKING:
    from torch import Tensor

    from algcn.bundles.bundle import Bundle
    from algcn.datasets.image_folder import Item
    from algcn.method.new_label import NewLabel
    from app.collection.folder import Collection
    from app.service import RetrievalService

DEFAULT_PERCENT = 80
NO_CHOICE = "Choose a picture first."
NO_GRAPH = "This model has no label graph: what you say of one label changes no other."
NO_PERCENT = "This model gives no percentages: suggested is what is above its thresholds."
NO_SUCH = (
    "There is no such label of yours to download: it needs a name that the model does not know, and at least {count} "
    "pictures to be compared with."
)
OTHER_MODEL = "{names}: made with another model than the one that is open, so here it goes by its name alone."
NO_FILE = "That is no label file; choose one that was downloaded here (.safetensors)."
NO_THRESHOLD = "This model has no thresholds: suggested are the best three of each picture."
OTHER_ENCODER = "Another encoder read these pictures, so this model suggests nothing for them."


@dataclasses.dataclass(frozen=True)
class Sight:
    """The pictures as the model that is open now sees them, and what is known of them.

    Attributes:
        items: The pictures as they came.
        labelled: The same with the labels that they are known to have.
        said: What was said by hand.
        suggester: What suggests labels; None where the model reads other features.
        known: What `Suggester.known` gives; None without it.
        values: What `Suggester.values` gives; None without it.
        own: The labels that the visitor made beside the model's.
    """

    items: Sequence[Item]
    labelled: Sequence[Item]
    said: Said
    suggester: Suggester | None
    known: Tensor | None = None
    values: Tensor | None = None
    own: Sequence[NewLabel] = ()


class Board:
    """The labelling of one visitor's pictures; safe to use from several threads.

    Attributes:
        marks: What the visitor said.
        lock: Held while what the visitor said becomes what is searched.
    """

    def __init__(self) -> None:
        self.marks = Marks()
        self.lock = threading.Lock()
        self._made: tuple[tuple[object, ...], Suggester] | None = None

    def sight(self, service: RetrievalService, collection: Collection) -> Sight:
        """Look at the pictures with a model.

        Args:
            service: The service that answers the visitor.
            collection: The visitor's pictures.
        """
        gallery, said = collection.gallery, self.marks.said()
        labelled = self.marks.items(gallery.items)
        if collection.encoder != service.bundle.encoder_fingerprint:
            return Sight(gallery.items, labelled, said, None)
        suggester = self._suggester(service, collection)
        known = suggester.known(labelled, said)
        own = suggester.new_labels(known)
        return Sight(gallery.items, labelled, said, suggester, known, suggester.values(known, own), own)

    def load(self, content: object, bundle: Bundle) -> str:
        """Take in a label that was made before and downloaded; the sentence for the visitor.

        Args:
            content: A file as a browser sent it, in base64.
            bundle: The model that is open.

        Raises:
            InputError: It is no such file, or was made with another model.
        """
        label = read_label(content, bundle)
        check_name(label.name)
        if bundle.label_set.among([label.name]):
            raise InputError(f"The model that is open has a label {label.name} already; nothing was changed.")
        self.marks.load(label)
        made = f"with {counted(label.examples, 'example')}" if label.examples else "by its name"
        return f"{label.name} is back, as it was made {made}."

    def write_label(self, folder: Path, name: object, sight: Sight, bundle: Bundle) -> Path:
        """Write a label of the visitor's own as a file that can be loaded again.

        Args:
            folder: Where to.
            name: The label's name, whatever its case.
            sight: The pictures now.
            bundle: The model that is open.

        Raises:
            InputError: There is no such label.
        """
        key = key_of(check_name(name))
        found = next((label for label in sight.own if key_of(label.name) == key), None)
        if found is None:
            raise InputError(NO_SUCH.format(count=MIN_COMPARED))
        # Two labels may have one file name, and each keeps its address.
        place = folder / "labels" / hashlib.sha256(key.encode()).hexdigest()[:16]
        place.mkdir(parents=True, exist_ok=True)
        file = re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-") or "label"
        return save_new_label(place / f"{file}.safetensors", found, bundle)

    def act(self, message: Mapping[str, Any], sight: Sight) -> str:
        """Do what the page asks for, and say in a sentence what came of it; "" where that is seen.

        Args:
            message: What a browser sent: `action`, `rows`, `label`, `percent`.
            sight: The pictures before.

        Raises:
            InputError: It cannot be done.
        """
        action, rows = message.get("action"), check_rows(message.get("rows"), len(sight.items))
        if action in ("on", "off"):
            return self._mark(message.get("label"), rows, action == "on", sight)
        if action == "accept":
            return self._accept(message.get("percent"), rows, sight)
        if action == "forget":
            self.marks.forget(check_name(message.get("label")))
        if action == "undo" and self.marks.steps:
            return f"Taken back: {counted(self.marks.undo(), 'change')}."
        return ""

    def state(self, sight: Sight, rows: Sequence[int], told: str = "") -> dict[str, Any]:
        """Return what the page shows: labels by picture as positions in `names`, and what is suggested for some.

        Args:
            sight: The pictures now.
            rows: The positions of the pictures that are chosen.
            told: What came of the last action.
        """
        suggester = sight.suggester
        own = suggester.names if suggester is not None else []
        others = [label for item in sight.labelled for label in item.labels or ()]
        spelled: dict[str, str] = {}
        for name in (*own, *self.marks.new, *others):
            spelled.setdefault(key_of(name), name)
        place = {key: position for position, key in enumerate(spelled)}
        predicted = [] if suggester is None else suggester.predicted(sight.known, sight.values)
        given = [[place[key_of(label)] for label in item.labels or ()] for item in sight.labelled]
        refused = [sight.said.get(item.file_name, {}) for item in sight.items]
        return {
            "version": self.marks.version,
            "told": told,
            "names": list(spelled.values()),
            "new": [place[key_of(label)] for label in self.marks.new],
            "given": given,
            "refused": [
                [place[key] for key, is_there in said.items() if not is_there and key in place] for said in refused
            ],
            "predicted": [[place[key_of(label)] for label, _ in labels] for labels in predicted] or [[]] * len(given),
            "steps": self.marks.steps,
            "note": _note(suggester) or self._other_model(sight),
            "own": [[place[key_of(label.name)], label.examples] for label in sight.own],
            "percents": suggester is not None and suggester.has_probabilities,
            "accepts": suggester is not None and suggester.can_accept,
            "chosen": list(rows),
            "counts": [] if suggester is None else suggester.counts(rows, sight.known, sight.values),
            "first_percent": PERCENTS[0],
            "suggestions": []
            if suggester is None
            else [
                {
                    "label": place[key_of(suggestion.label)],
                    "probability": suggestion.probability and round(suggestion.probability, 4),
                    "why": why(suggestion, len(rows)),
                    "pictures": suggestion.pictures,
                }
                for suggestion in suggester.suggest(rows, sight.known, sight.values)
            ],
        }

    def suggestions(self, sight: Sight, limit: int) -> dict[str, Any]:
        """Return what is suggested for each picture by itself, ready for JSON.

        Args:
            sight: The pictures.
            limit: How many labels for each.
        """
        suggester = sight.suggester
        found = [
            [] if suggester is None else suggester.suggest([row], sight.known, sight.values, limit)
            for row in range(len(sight.items))
        ]
        return {
            "pictures": [
                {
                    "file": item.file_name,
                    "known": list(item.labels or ()),
                    "suggestions": [
                        {
                            "label": suggestion.label,
                            "probability": suggestion.probability and round(suggestion.probability, 4),
                            "reason": why(suggestion),
                            "because": suggestion.because,
                        }
                        for suggestion in suggestions
                    ],
                }
                for item, suggestions in zip(sight.labelled, found, strict=True)
            ],
            "note": _note(suggester),
        }

    def write_zip(self, path: Path, collection: Collection, sight: Sight) -> Path:
        """Write the pictures as an image folder in a zip, what was given and what is predicted apart.

        Args:
            path: The file to write.
            collection: The pictures.
            sight: The same as the open model sees them.
        """
        from app.collection.packing import write_zip

        nothing: list[list[tuple[str, float | None]]] = [[] for _ in sight.items]
        predicted = nothing if sight.suggester is None else sight.suggester.predicted(sight.known, sight.values)
        return write_zip(path, collection.root, sight.labelled, predicted)

    def _suggester(self, service: RetrievalService, collection: Collection) -> Suggester:
        """Make what suggests, anew only where the model, the pictures or the new labels are others."""
        from app.visitors.derive import fitted

        made, new = self._made, self.marks.new
        fits = {name: label for name, label in self.marks.loaded.items() if label.model == service.bundle.fingerprint}
        parts = (service.bundle, collection.gallery, new, fits)
        if made is None or any(before is not now and before != now for before, now in zip(made[0], parts, strict=True)):
            gallery = fitted(collection.gallery, service.bundle)
            made = parts, Suggester(service.bundle, service.predictor, gallery, new, service.names, fits)
            self._made = made
        return made[1]

    def _other_model(self, sight: Sight) -> str:
        made_with = {label.name: label.model for label in sight.own}
        others = [name for name, label in self.marks.loaded.items() if made_with.get(name, label.model) != label.model]
        return OTHER_MODEL.format(names=", ".join(others)) if others else ""

    def _mark(self, label: object, rows: Sequence[int], there: bool, sight: Sight) -> str:
        name = check_name(label)
        key = key_of(name)
        own = sight.suggester.names if sight.suggester is not None else []
        spelled = {key_of(other): other for item in sight.labelled for other in item.labels or ()}
        spelled |= {key_of(other): other for other in (*self.marks.new, *own)}
        learned = {key_of(other) for other in (*self.marks.new, *own)}
        is_new = there and key not in learned
        if not rows and not is_new:
            raise InputError(NO_CHOICE)
        name = spelled.get(key, name)
        # A label that a picture has not is refused too: it is not suggested again.
        wanted = [row for row in rows if not there or key not in map(key_of, sight.labelled[row].labels or ())]
        self.marks.mark([(sight.items[row].file_name, name) for row in wanted], there, [name] if is_new else [])
        if is_new and key not in spelled:
            return f"{name} is a label of your own now. Pictures that may show it are suggested; see it in Labels, too."
        return ""

    def _accept(self, percent: object, rows: Sequence[int], sight: Sight) -> str:
        if not rows:
            raise InputError(NO_CHOICE)
        least = checks.number(percent, "percentage", 0, 100) / 100
        passing = [] if sight.suggester is None else sight.suggester.passing(rows, sight.known, least)
        count = self.marks.mark([(sight.items[row].file_name, label) for row, label in passing], True)
        return f"{counted(count, 'label')} given to {counted(len({row for row, _ in passing}), 'picture')}."


def read_label(content: object, bundle: Bundle) -> NewLabel:
    """Read a label file as a browser sent it, in base64.

    Raises:
        InputError: It is none, or was made with another model.
    """
    try:
        data = base64.b64decode(content, validate=True) if isinstance(content, str) else b""
    except binascii.Error:
        data = b""
    if not data:
        raise InputError(NO_FILE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "this file.safetensors"
        path.write_bytes(data)
        return load_new_label(path, bundle)


def why(suggestion: Suggestion, chosen: int = 1) -> str:
    """Say why a label is suggested.

    Args:
        suggestion: The suggestion.
        chosen: For how many pictures.
    """
    if suggestion.because:
        return f"because you said {suggestion.because}"
    if suggestion.seen == NAME:
        return "by its name"
    if suggestion.seen == CAPTION:
        return "the caption says it" if chosen == 1 else "the captions say it"
    return "seen in the picture" if chosen == 1 else "seen in the pictures"


def check_rows(rows: object, count: int) -> list[int]:
    """Return the positions that a browser sent, those from 0 to `count` - 1, each once; others are dropped."""
    if not isinstance(rows, list):
        return []
    return list(dict.fromkeys(row for row in rows[:count] if checks.is_whole(row) and 0 <= row < count))


def _note(suggester: Suggester | None) -> str:
    if suggester is None:
        return OTHER_ENCODER
    if not suggester.can_accept:
        return NO_THRESHOLD
    if not suggester.has_probabilities:
        return NO_PERCENT
    return "" if suggester.has_graph else NO_GRAPH
