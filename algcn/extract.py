"""Encode an image folder once: `python -m algcn.extract IMAGE_FOLDER --bundle B --out features.safetensors`.

Images are decoded by a pool of threads, one for each core, while the encoder works on the batch before; a finished
shard of a few hundred images is written to `OUT.parts/`, from which the feature file is put together at the end, so
that neither pixels nor features in memory grow with the folder. A run that was stopped, at whatever point, goes on when
started again and ends with the same file, byte for byte; the parts are removed once it stands.

A picture that cannot be read is left out and counted: the command ends with an account of what has features and what
has not.

The pictures may lie in a bucket, s3://BUCKET/FOLDER: the same file comes of them as of that folder on a disk.

`--image-features vgg19 --text-features bow` are the features of the paper: no encoder is needed then.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.command_line import (
    CommandParser,
    add_bundle,
    add_device,
    add_engine,
    add_json,
    add_out,
    add_quiet,
    answering,
    at_least,
    check_file,
    file,
    labels_line,
    open_bundle,
    open_engine,
    reference,
    tell,
)
from algcn.datasets.concepts import load_concepts
from algcn.datasets.features import SPLITS
from algcn.datasets.image_folder import ImageFolder, read_image_folder
from algcn.datasets.prepare import LABELS, VOCABULARY
from algcn.features.bag_of_words import MAX_WORDS, MIN_TEXTS, BagOfWords, count_vocabulary, read_vocabulary
from algcn.features.extraction import BATCH, Work, extract_file, label_set_of, with_splits
from algcn.features.places import OnDisk, Place
from algcn.features.sources import EncoderImages, EncoderTexts, Sources
from algcn.features.vgg import WEIGHTS, load_vgg19
from algcn.kit.errors import InputError, run_command
from algcn.method.labels import LabelSet

if TYPE_CHECKING:
    from algcn.features.encoder import Encoder


@contextlib.contextmanager
def open_folder(where: str, labels: Path | None) -> Iterator[tuple[ImageFolder, LabelSet | None, Place]]:
    """The image folder at a path or in a bucket, the labels that are allowed in it, and where its pictures are."""
    if "://" not in where:
        root = Path(where)
        yield *_read_folder(root, labels), OnDisk(root)
        return
    from algcn.cluster.bucket import Bucket

    bucket = Bucket(where)
    with bucket.laid_out() as root:
        folder, strict = _read_folder(root, labels)
        bucket.count_left_out(folder.account)
        yield folder, strict, bucket


def _read_folder(root: Path, labels: Path | None) -> tuple[ImageFolder, LabelSet | None]:
    own = root / LABELS
    labels = labels or (own if own.is_file() else None)
    strict = LabelSet.load(labels) if labels else None
    return read_image_folder(root, strict), strict


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
        raise InputError(f"The encoder of the bundle {bundle} reads {only} only; use {flag}, or another bundle.")
    return opened.encoder(device), opened.label_set


def open_sources(arguments: argparse.Namespace, folder: ImageFolder, device: str) -> tuple[Sources, LabelSet | None]:
    """The sources that the command line asks for, and the labels of the bundle if it names one.

    Raises:
        InputError: an encoder is asked for and none is named, or the other way round.
    """
    encoder, known = None, None
    if "encoder" in (arguments.image_features, arguments.text_features):
        if arguments.bundle is None and arguments.encoder is None:
            raise InputError(
                "No encoder is named; use --bundle B or --encoder REF, or the paper's features: "
                "--image-features vgg19 --text-features bow."
            )
        kinds = {"image": arguments.image_features, "text": arguments.text_features}
        modalities = [modality for modality, kind in kinds.items() if kind == "encoder"]
        encoder, known = open_encoder(arguments.bundle, arguments.encoder, device, modalities)
    elif arguments.bundle is not None or arguments.encoder is not None:
        raise InputError("The features vgg19 and bow use no encoder; leave --bundle and --encoder out.")
    images = EncoderImages(encoder) if arguments.image_features == "encoder" else None
    texts = EncoderTexts(encoder) if arguments.text_features == "encoder" else None
    texts = texts or BagOfWords(open_vocabulary(folder, arguments.vocabulary, arguments.min_texts, arguments.max_words))
    return Sources(images or load_vgg19(arguments.weights, device), texts), known


def open_vocabulary(folder: ImageFolder, vocabulary: Path | None, min_texts: int, max_words: int) -> list[str]:
    """The words of the file `vocabulary`, else the folder's own, else the frequent words of its training texts."""
    own = folder.root / VOCABULARY
    if vocabulary is not None or own.is_file():
        return read_vocabulary(own if vocabulary is None else vocabulary)
    training = (item for item in with_splits(folder) if item.split == "train")
    return count_vocabulary((text for item in training for text in item.texts), min_texts, max_words)


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.extract",
        "Encode an image folder into a feature file; a stopped run goes on when started again.",
        "PHOTOS --bundle weights/pocket --out features.safetensors",
    )
    parser.add_argument(
        "folder",
        type=reference,
        help="images and a metadata.csv (file_name,text,labels,split), in a folder or at s3://BUCKET/FOLDER",
    )
    source = parser.add_mutually_exclusive_group()
    add_bundle(source, help="take the encoder of this bundle: its folder, or OWNER/NAME[@COMMIT] on the Hub")
    source.add_argument("--encoder", type=reference, help="an encoder's folder, or hf-hub:OWNER/NAME[@COMMIT]")
    parser.add_argument("--image-features", choices=("encoder", "vgg19"), default="encoder", help="of images")
    parser.add_argument(
        "--text-features",
        choices=("encoder", "bow"),
        default="encoder",
        help="of texts; bow: bags of words",
    )
    parser.add_argument("--weights", type=reference, default=WEIGHTS, help="of VGG-19, safetensors")
    parser.add_argument(
        "--vocabulary", type=file, help=f"for bow, one word a line (default: {VOCABULARY} in the folder, or counted)"
    )
    parser.add_argument(
        "--min-texts", type=at_least(1), default=MIN_TEXTS, help="a counted word is in so many training texts"
    )
    parser.add_argument("--max-words", type=at_least(1), default=MAX_WORDS, help="at most so many words are counted")
    parser.add_argument(
        "--labels", type=file, help=f"a label set as JSON, others are an error (default: {LABELS} in the folder)"
    )
    add_out(parser, "the feature file to write (.safetensors)")
    parser.add_argument("--batch-size", type=at_least(1), default=BATCH, help="images or texts encoded at once")
    add_device(parser)
    add_engine(parser)
    add_json(parser)
    add_quiet(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    check_file(arguments.out)
    with (
        answering(arguments.json) as answer,
        open_engine(arguments) as (engine, device),
        open_folder(arguments.folder, arguments.labels) as (folder, strict, place),
    ):
        sources, known = open_sources(arguments, folder, str(device))
        work = Work(
            folder,
            sources,
            strict or label_set_of(folder, known or load_concepts()),
            arguments.batch_size,
            progress=not arguments.quiet,
            engine=engine,
            place=place,
        )
        print(labels_line(folder.label_counts), flush=True)
        rows = extract_file(work, arguments.out)
        pairs, images, names = len(rows["file_names"]), len(work.kept), rows["split_name"]
        sizes = {name: rows["split"].count(name) for name in SPLITS}
        print(
            f"{arguments.out}: {pairs} pairs of {images} images "
            f"({', '.join(f'{name} {size}' for name, size in sizes.items())})"
        )
        if names:
            print(f"split: {names}")
        account = work.account()
        tell(account)
        answer(
            {
                "out": str(arguments.out),
                "pairs": pairs,
                "images": images,
                "splits": sizes,
                "left_out": len(folder) - images,
                "labels": folder.label_counts,
                "account": account.to_json(),
                **({"split_name": names} if names else {}),
            }
        )


if __name__ == "__main__":
    sys.exit(run_command(main))
