"""Encode an image folder once: `python -m algcn.extract IMAGE_FOLDER --bundle B --out features.safetensors`.

Images are decoded by a pool of threads, one for each core, while the encoder works on the batch before; a finished
shard of a few hundred images is written to `OUT.parts/` and into the feature file, so that neither pixels nor features
in memory grow with the folder. A run that was stopped, at whatever point, goes on when started again and ends
with the same file, byte for byte; the parts are removed once it stands.

`--image-features vgg19 --text-features bow` are the features of the paper: no encoder is needed then.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.command_line import open_bundle, open_device
from algcn.datasets.concepts import load_concepts
from algcn.datasets.features import SPLITS
from algcn.datasets.image_folder import ImageFolder, read_image_folder
from algcn.datasets.prepare import LABELS, VOCABULARY
from algcn.features.bag_of_words import MAX_WORDS, MIN_TEXTS, BagOfWords, count_vocabulary, read_vocabulary
from algcn.features.extraction import BATCH, Work, extract_file, label_set_of, with_splits
from algcn.features.sources import EncoderImages, EncoderTexts, Sources
from algcn.features.vgg import WEIGHTS, load_vgg19
from algcn.kit.errors import InputError, run_command
from algcn.method.labels import LabelSet

if TYPE_CHECKING:
    from algcn.features.encoder import Encoder


def open_encoder(
    bundle: str | None, encoder: str | None, device: str, modalities: Collection[str] = ("image", "text")
) -> tuple[Encoder, LabelSet | None]:
    """The encoder of a bundle, or the one a reference names; and the bundle's labels.

    Raises:
        InputError: there is none, or the bundle's does not read all of `modalities`.
    """
    if encoder is not None:
        from algcn.features.encoder import load_encoder

        return load_encoder(encoder, device=device), None
    opened = open_bundle(bundle)
    if opened.encodes and not opened.encodes.issuperset(modalities):
        only, flag = (
            ("images", "--text-features bow") if "image" in opened.encodes else ("texts", "--image-features vgg19")
        )
        raise InputError(f"the encoder of the bundle {bundle} reads {only} only; use {flag}, or another bundle")
    return opened.encoder(device), opened.label_set


def open_sources(arguments: argparse.Namespace, folder: ImageFolder) -> tuple[Sources, LabelSet | None]:
    """The sources that the command line asks for, and the labels of the bundle if it names one.

    Raises:
        InputError: an encoder is asked for and none is named, or the other way round.
    """
    encoder, known = None, None
    if "encoder" in (arguments.image_features, arguments.text_features):
        if arguments.bundle is None and arguments.encoder is None:
            raise InputError(
                "no encoder is named; use --bundle B or --encoder REF, or the paper's features: "
                "--image-features vgg19 --text-features bow"
            )
        kinds = {"image": arguments.image_features, "text": arguments.text_features}
        modalities = [modality for modality, kind in kinds.items() if kind == "encoder"]
        encoder, known = open_encoder(arguments.bundle, arguments.encoder, arguments.device, modalities)
    elif arguments.bundle is not None or arguments.encoder is not None:
        raise InputError("vgg19 and bow use no encoder; leave --bundle and --encoder out")
    images = EncoderImages(encoder) if arguments.image_features == "encoder" else None
    texts = EncoderTexts(encoder) if arguments.text_features == "encoder" else None
    texts = texts or BagOfWords(open_vocabulary(folder, arguments.vocabulary, arguments.min_texts, arguments.max_words))
    return Sources(images or load_vgg19(arguments.weights, arguments.device), texts), known


def open_vocabulary(folder: ImageFolder, path: str | None, min_texts: int, max_words: int) -> list[str]:
    """The vocabulary in `path`, else the folder's own, else the frequent words of its training texts."""
    own = folder.root / VOCABULARY
    if path is not None or own.is_file():
        return read_vocabulary(path if path is not None else own)
    training = (item for item in with_splits(folder) if item.split == "train")
    return count_vocabulary((text for item in training for text in item.texts), min_texts, max_words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m algcn.extract", description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="image folder: images and a metadata.csv (file_name, text, labels, split)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--bundle", help="take the encoder of this bundle (a folder, or OWNER/NAME on the Hub)")
    source.add_argument("--encoder", help="an open_clip folder or hf-hub:OWNER/NAME[@SHA]")
    parser.add_argument("--image-features", choices=("encoder", "vgg19"), default="encoder")
    parser.add_argument("--text-features", choices=("encoder", "bow"), default="encoder", help="bow: bags of words")
    parser.add_argument("--weights", default=WEIGHTS, help=f"of VGG-19, safetensors (default: {WEIGHTS})")
    parser.add_argument(
        "--vocabulary", help=f"for bow, one word a line (default: {VOCABULARY} in the folder, or counted)"
    )
    parser.add_argument("--min-texts", type=int, default=MIN_TEXTS, help="a counted word is in so many training texts")
    parser.add_argument("--max-words", type=int, default=MAX_WORDS, help="at most so many words are counted")
    parser.add_argument("--labels", help=f"a label set as JSON, others are an error (default: {LABELS} in the folder)")
    parser.add_argument("--out", required=True, help="the feature file to write (.safetensors)")
    parser.add_argument("--batch-size", type=int, default=BATCH)
    parser.add_argument("--device", default="cpu")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = _parser().parse_args(argv)
    for name in ("batch_size", "min_texts", "max_words"):
        if getattr(arguments, name) < 1:
            raise InputError(f"--{name.replace('_', '-')} {getattr(arguments, name)} is too small; use 1 or more")
    open_device(arguments.device)
    own = Path(arguments.folder) / LABELS
    labels = arguments.labels or (own if own.is_file() else None)
    strict = LabelSet.load(labels) if labels else None
    folder = read_image_folder(arguments.folder, strict)
    sources, known = open_sources(arguments, folder)
    out = Path(arguments.out)
    work = Work(folder, sources, strict or label_set_of(folder, known or load_concepts()), arguments.batch_size)
    rows = extract_file(work, out)
    images = len(work.items)
    left_out = f", {len(folder) - images} images without a usable text left out" if images < len(folder) else ""
    sizes = ", ".join(f"{name} {rows['split'].count(name)}" for name in SPLITS)
    print(f"{out}: {len(work.owner)} pairs of {images} images ({sizes}){left_out}")
    if rows["split_name"]:
        print(f"split: {rows['split_name']}")


if __name__ == "__main__":
    sys.exit(run_command(main))
