"""Features of image-text pairs: what two frozen encoders say about N pairs, with their labels, in a safetensors file.

One row is one pair. An image with several texts has several rows that share its `file_names` entry, its image features
and its labels; `first_rows` gives one row for each image. In the file, tensors hold the numbers (`image_features`,
`text_features`, `labels`, `split`), and the safetensors metadata holds JSON strings (`label_set`, `file_names`,
`encoder` and, where there is one, `split_name` and `vocabulary`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from algcn.kit.errors import InputError
from algcn.kit.files import save_tensors
from algcn.kit.tensors import not_plain
from algcn.method.labels import LabelSet

FORMAT = "algcn-features-1"
SPLITS = ("train", "validation", "test")
TENSORS = ("image_features", "text_features", "labels", "split")
REMEDY = "make one with: python -m algcn.extract IMAGE_FOLDER --bundle B --out features.safetensors"


def check_rows(features: Tensor, name: str, file_names: Sequence[str], first: int = 0) -> None:
    """Raise an `InputError` for a row with a NaN, an infinity or nothing but zeros.

    Args:
        features: N × d.
        name: The name of the features, `image_features` for instance.
        file_names: The image of each row.
        first: Number of the first row.
    """
    for bad, what in (
        (~torch.isfinite(features).all(dim=1), "hold a NaN or infinity"),
        ((features == 0).all(dim=1), "are all zero, so the item has no direction to compare"),
    ):
        if bad.any():
            row = int(bad.nonzero()[0])
            raise InputError(
                f"The {name.replace('_', ' ')} of row {first + row} ({file_names[row]!r}) {what}; "
                "leave the item out or extract its features again."
            )


def file_metadata(
    label_set: LabelSet,
    file_names: Sequence[str],
    encoder: dict[str, str],
    split_name: str = "",
    vocabulary: Sequence[str] = (),
) -> dict[str, str]:
    """Return the safetensors metadata of a feature file."""
    metadata = {
        "format": FORMAT,
        "label_set": json.dumps(label_set.to_json(), ensure_ascii=False),
        "file_names": json.dumps(file_names, ensure_ascii=False),
        "encoder": json.dumps(encoder),
    }
    if split_name:
        metadata["split_name"] = split_name
    if vocabulary:
        metadata["vocabulary"] = json.dumps(list(vocabulary), ensure_ascii=False)
    return metadata


@dataclass(frozen=True)
class Features:
    """The features of N image-text pairs with their labels and splits.

    Args:
        image_features: N × image_dim, float32, finite, no row all zero.
        text_features: N × text_dim, likewise.
        labels: N × L of 0 and 1, stored as uint8. A row may be empty (an item without labels).
        split: The split of each row: "train", "validation" or "test".
        label_set: The L labels, in column order.
        file_names: The image that each row belongs to; rows with the same name are several texts of one image.
        encoder: Where the features come from: `reference` and `fingerprint`, or for features that are of no encoder
            `image` and `text`, what each is, with `image_fingerprint` where the images are an encoder's; empty when
            that is not known.
        split_name: What the split is called, for instance "mirflickr 2000-query seed 103"; empty for one of no name.
        vocabulary: The word of each text column where the texts are bags of words; else empty.

    Raises:
        InputError: Sizes that do not fit together, a NaN or infinity, a row of zeros (it has no direction, so no
            cosine), an unknown split, labels other than 0 and 1.

    Example:
        >>> features = Features(
        ...     image_features=torch.rand(3, 8),
        ...     text_features=torch.rand(3, 6),
        ...     labels=torch.tensor([[1, 0], [0, 1], [1, 1]]),
        ...     split=["train", "train", "test"],
        ...     label_set=LabelSet(["dog", "beach"]),
        ...     file_names=["1.jpg", "2.jpg", "3.jpg"],
        ... )
        >>> len(features.select("train").file_names), features.image_dim
        (2, 8)
    """

    image_features: Tensor
    text_features: Tensor
    labels: Tensor
    split: Sequence[str]
    label_set: LabelSet
    file_names: Sequence[str]
    encoder: dict[str, str] = field(default_factory=dict)
    split_name: str = ""
    vocabulary: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_features", self.image_features.float())
        object.__setattr__(self, "text_features", self.text_features.float())
        object.__setattr__(self, "split", list(self.split))
        object.__setattr__(self, "file_names", list(self.file_names))
        self._check_sizes()
        unknown = sorted(set(self.split) - set(SPLITS))
        if unknown:
            raise InputError(f"The split {unknown[0]!r} is not known; use one of {', '.join(SPLITS)}.")
        if ((self.labels != 0) & (self.labels != 1)).any():
            raise InputError("The labels must be 0 or 1 (1 where the item has the label).")
        object.__setattr__(self, "labels", self.labels.to(torch.uint8))
        for name in ("image_features", "text_features"):
            check_rows(getattr(self, name), name, self.file_names)
        self._check_images()

    def _check_sizes(self) -> None:
        for name in ("image_features", "text_features", "labels"):
            if getattr(self, name).dim() != 2:
                raise InputError(
                    f"The array {name} must have two dimensions (rows × columns), not {getattr(self, name).dim()}."
                )
        counts = {name: len(getattr(self, name)) for name in (*TENSORS, "file_names")}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{name} {count}" for name, count in counts.items())
            raise InputError(f"The parts of a feature set must have the same number of rows, not {listed}.")
        if self.labels.shape[1] != len(self.label_set):
            raise InputError(
                f"The array labels has {self.labels.shape[1]} columns for {len(self.label_set)} label names; "
                "each label needs one column."
            )
        if self.vocabulary and len(self.vocabulary) != self.text_dim:
            raise InputError(
                f"The array text_features must have a column for each of the {len(self.vocabulary)} words, not "
                f"{self.text_dim}."
            )

    def _check_images(self) -> None:
        first, owner = self.first_rows()
        of_image = torch.tensor(first, dtype=torch.long)[owner]
        split = torch.tensor([SPLITS.index(name) for name in self.split])
        for differs, what in (
            ((self.labels != self.labels[of_image]).any(dim=1), "labels"),
            (split != split[of_image], "split"),
        ):
            if differs.any():
                row = int(differs.nonzero()[0])
                raise InputError(
                    f"Rows {int(of_image[row])} and {row} both belong to {self.file_names[row]!r} but differ in their "
                    f"{what}; several texts of an image share it."
                )

    def __len__(self) -> int:
        return len(self.file_names)

    @property
    def image_dim(self) -> int:
        """The width of the image features."""
        return self.image_features.shape[1]

    @property
    def text_dim(self) -> int:
        """The width of the text features."""
        return self.text_features.shape[1]

    @property
    def image_encoder(self) -> dict[str, str]:
        """The `reference` and `fingerprint` of the encoder of the image features, where that is known."""
        if "image_fingerprint" in self.encoder:
            return {"reference": self.encoder["image"], "fingerprint": self.encoder["image_fingerprint"]}
        return {name: self.encoder[name] for name in ("reference", "fingerprint") if name in self.encoder}

    @property
    def of_one_encoder(self) -> bool:
        """Whether one encoder made both sides, as far as is known; then images and texts can be compared directly."""
        return bool(self.encoder) and not {"image", "text"} & self.encoder.keys()

    def rows(self, index: Sequence[int] | Tensor) -> Features:
        """Return the rows of `index`, in its order."""
        chosen = torch.as_tensor(index, dtype=torch.long)
        return Features(
            image_features=self.image_features[chosen],
            text_features=self.text_features[chosen],
            labels=self.labels[chosen],
            split=[self.split[i] for i in chosen.tolist()],
            label_set=self.label_set,
            file_names=[self.file_names[i] for i in chosen.tolist()],
            encoder=self.encoder,
            split_name=self.split_name,
            vocabulary=self.vocabulary,
        )

    def select(self, split: str) -> Features:
        """Return the rows of one split, possibly none."""
        if split not in SPLITS:
            raise InputError(f"The split {split!r} is not known; use one of {', '.join(SPLITS)}.")
        return self.rows([row for row, name in enumerate(self.split) if name == split])

    def first_rows(self) -> tuple[list[int], Tensor]:
        """Return the first row of each image and, for each row, the position of its image among those (`owner`, N)."""
        position: dict[str, int] = {}
        first, owner = [], []
        for row, name in enumerate(self.file_names):
            if name not in position:
                position[name] = len(first)
                first.append(row)
            owner.append(position[name])
        return first, torch.tensor(owner, dtype=torch.long)

    def check_widths(self, image_dim: int, text_dim: int, wanted_by: str = "the model") -> None:
        """Raise an `InputError` unless the features are as wide as `wanted_by` needs them."""
        if (self.image_dim, self.text_dim) != (image_dim, text_dim):
            raise InputError(
                f"The features are {self.image_dim} (image) and {self.text_dim} (text) wide, but {wanted_by} takes "
                f"{image_dim} and {text_dim}; extract them with the encoder it was trained on."
            )

    def save(self, path: str | Path) -> None:
        """Write the feature file, atomically."""
        tensors = {
            name: getattr(self, name).contiguous().cpu() for name in ("image_features", "text_features", "labels")
        }
        tensors["split"] = torch.tensor([SPLITS.index(name) for name in self.split], dtype=torch.int8)
        metadata = file_metadata(self.label_set, self.file_names, self.encoder, self.split_name, self.vocabulary)
        save_tensors(path, tensors, metadata)

    @classmethod
    def load(cls, path: str | Path) -> Features:
        """Read a feature file.

        Raises:
            InputError: Not a feature file, or one whose content breaks the rules of `Features`.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(f"There is no feature file {str(path)!r}; {REMEDY}.")
        try:
            with safe_open(path, framework="pt") as stream:
                metadata = stream.metadata() or {}
                missing = sorted(set(TENSORS) - set(stream.keys()))
                if missing or metadata.get("format") != FORMAT:
                    reason = f"it lacks {missing[0]}" if missing else f"it does not say it is {FORMAT}"
                    raise InputError(f"The file {str(path)!r} is not a feature file ({reason}); {REMEDY}.")
                tensors = {name: stream.get_tensor(name) for name in TENSORS}
            wrong = [f"{name} {said}" for name, tensor in tensors.items() if (said := not_plain(tensor)) is not None]
            if wrong:
                raise InputError(f"The file {str(path)!r} is not a feature file ({wrong[0]}); {REMEDY}.")
            label_set = LabelSet.from_json(json.loads(metadata["label_set"]))
            file_names = [str(name) for name in json.loads(metadata["file_names"])]
            encoder = {str(key): str(value) for key, value in json.loads(metadata.get("encoder", "{}")).items()}
            split_name = metadata.get("split_name", "")
            vocabulary = [str(word) for word in json.loads(metadata.get("vocabulary", "[]"))]
            split = [dict(enumerate(SPLITS))[code] for code in tensors["split"].tolist()]
        except InputError:
            raise
        except (SafetensorError, OSError) as error:
            raise InputError(
                f"The file {str(path)!r} is not a feature file, or it is damaged ({error}); {REMEDY}."
            ) from error
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise InputError(f"The metadata of the feature file {str(path)!r} is damaged; {REMEDY}.") from error
        try:
            return cls(tensors["image_features"], tensors["text_features"], tensors["labels"], split, label_set,
                       file_names, encoder, split_name, vocabulary)  # fmt: skip
        except InputError as error:
            raise InputError(f"The feature file {str(path)!r} cannot be used. {error}") from error
