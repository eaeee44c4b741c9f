"""Read the label embeddings H_0 that the graph convolution starts from: word vectors, or an encoder's of the names.

Sources are a `.mat` of the authors (variable `inp`, a row for each label in the order of the labels), a text file of
word vectors (GloVe, or word2vec's and fastText's with their first line), and a text encoder. All are frozen in
training; embeddings that are learned need no source.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from algcn.features.encoder import load_encoder
from algcn.features.encoder_files import HUB_PREFIX
from algcn.kit.errors import InputError
from algcn.kit.mat import read_variable
from algcn.method.labels import LabelSet

LEARNED, ENCODER = "learned", "encoder"
VARIABLE = "inp"
SHOWN = 5
DIGITS = 10  # which no number of words or of numbers has
_GAP = re.compile(r"[\s_\-]+")


def read_label_embeddings(source: str, label_set: LabelSet, encoder: str | None = None) -> Tensor | None:
    """Read the embeddings that `source` names, L × d; None for "learned".

    Args:
        source: "learned", "encoder", a .mat file, a text file of word vectors, an encoder's folder or hf-hub:….
        label_set: The labels.
        encoder: The reference of the encoder that "encoder" means.

    Raises:
        InputError: There is no such source, it is damaged, or it has no vector for a label.
    """
    if source == LEARNED:
        return None
    if source == ENCODER and encoder is None:
        raise InputError(
            "The features name no encoder whose vectors could be the label embeddings; "
            "name one: --label-embeddings FOLDER or hf-hub:OWNER/NAME."
        )
    reference = encoder if source == ENCODER else source
    if source == ENCODER or source.startswith(HUB_PREFIX) or Path(source).is_dir():
        return load_encoder(reference).encode_texts([_spaced(name) for name in label_set.names])
    if not Path(source).is_file():
        raise InputError(
            f"There are no label embeddings {source!r}; use learned, encoder, a .mat file with {VARIABLE!r}, a text "
            "file of word vectors, or an encoder's folder."
        )
    if source.endswith(".mat"):
        return _from_mat(Path(source), label_set)
    return _from_words(Path(source), label_set)


def fingerprint(embeddings: Tensor | None) -> str:
    """Name the values, so that a run with others is another run; empty for learned ones."""
    return "" if embeddings is None else hashlib.sha256(embeddings.contiguous().numpy().data).hexdigest()


def _spaced(name: str) -> str:
    return _GAP.sub(" ", name).strip()


def _from_mat(path: Path, label_set: LabelSet) -> Tensor:
    embeddings = read_variable(path, VARIABLE)
    if len(embeddings) != len(label_set):
        raise InputError(
            f"The file {str(path)!r} has {len(embeddings)} label embeddings for {len(label_set)} labels; "
            "it must be the file of the same benchmark, its rows in the order of the labels."
        )
    return embeddings


def _from_words(path: Path, label_set: LabelSet) -> Tensor:
    """Average the vectors of each label's words; the file is read line by line and only these words are kept."""
    parts = {name: _spaced(name).split(" ") for name in label_set.names}
    wanted = {word for words in parts.values() for word in words}
    vectors = _vectors(path, wanted | {word.lower() for word in wanted})
    found = {word: vectors.get(word, vectors.get(word.lower())) for word in wanted}
    missing = sorted(word for word, vector in found.items() if vector is None)
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise InputError(
            f"The file {str(path)!r} has no vector for {', '.join(map(repr, missing[:SHOWN]))}{more}; "
            "use word vectors that have them, or rename the labels."
        )
    return torch.stack([torch.stack([found[word] for word in parts[name]]).mean(dim=0) for name in label_set.names])


def _vectors(path: Path, wanted: set[str]) -> dict[str, Tensor]:
    vectors: dict[str, Tensor] = {}
    width = 0
    with path.open(encoding="utf-8", errors="replace", newline="\n") as stream:
        for number, line in enumerate(stream, start=1):
            fields = line.rstrip().split(" ")
            if number == 1:
                if len(fields) == 2 and all(field.isdecimal() and len(field) < DIGITS for field in fields):
                    width = int(fields[1])  # word2vec's and fastText's first line: how many words, how wide
                    continue
                width = len(fields) - 1
            # A word may hold spaces ("at home" is one of GloVe's 840B): the numbers are counted from the end.
            word = " ".join(fields[: len(fields) - width])
            if word in wanted and word not in vectors:
                vectors[word] = _numbers(path, number, fields[-width:] if width > 0 else [], width)
    return vectors


def _numbers(path: Path, number: int, fields: Sequence[str], width: int) -> Tensor:
    try:
        values = torch.tensor([float(field) for field in fields])
    except ValueError:
        values = torch.empty(0)
    if not len(values) or len(values) != width or not torch.isfinite(values).all():
        raise InputError(
            f"Line {number} of {str(path)!r} is no word with its vector; give a text file of word vectors like GloVe's."
        )
    return values
