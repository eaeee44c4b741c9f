"""Measure retrieval: `python -m algcn.evaluate BUNDLE IMAGE_FOLDER|FEATURES|MAT_FOLDER [--space ranking] [--json OUT]`.

An image queries all texts, a text queries all images, its own partner included; ranking is by cosine. Each image is
there once, each of its texts is a row.

- `map`: mean average precision over the whole ranking. Relevant = at least one label in common, by the labels of the
  data, whatever labels the bundle knows. An item without labels stays in the gallery, and as a query it is left out.
- `chance`: what a random ranking is expected to reach, exactly, averaged over both directions. Without it `map` says
  little: where a label is common, a random ranking scores high.
- `precision_recall`: interpolated precision at 21 levels of recall, and that of a random ranking beside it.
- `recall`: the share of queries that find one of their own partners among the first 1, 5, 10.

The answer ends with an account: what of the data was measured, and what was not.

Items of equal cosine have no order of their own, so each measure is what all their orders are expected to give
(`algcn.evaluation.ties`): data sorted by label win nothing by it.

A bundle that was trained on pictures of the same file names knows their split: that one counts, where the data name
none. Pictures that it was trained on are never measured as a test, and are said where all are measured.

`--space` says what ranks: "common" the cosine in ALGCN's common space alone, as in the paper; "labels" the labels that
two items probably share, of those that the data has, with the common space beside them; "encoder" the cosine of the
encoder's features; "ranking" the bundle's rule, as on the page: common space, labels and encoder in one score
(`algcn.evaluation.ranking`). The default is what each mode is made for: "common" for a model of mode paper, "labels"
for one of mode plus.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from algcn.command_line import (
    CommandParser,
    add_bundle,
    add_data,
    add_device,
    add_json,
    add_quiet,
    answering,
    open_bundle,
    open_device,
    read_features,
    tell,
)
from algcn.datasets.features import SPLITS, Features
from algcn.datasets.image_folder import ImageFolder, read_image_folder
from algcn.datasets.left_out import count_captions, count_labels, use_items
from algcn.evaluation.measure import embed_by_labels
from algcn.evaluation.retrieval import (
    DEFINITIONS,
    SPACES,
    Embedded,
    embed,
    embed_for_ranking,
    evaluate_embedded,
    summary,
)
from algcn.features.extraction import extract_features, label_set_of, with_splits
from algcn.kit.account import Account
from algcn.kit.errors import InputError, run_command
from algcn.training.verdict import record_warnings

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle


OTHER_SPLITS = "--split all measures them too"


class Measured(NamedTuple):
    """The features to measure, their split, and what of the data they are."""

    features: Features
    split: str
    account: Account


def _chosen_split(named: set[str | None], filled: set[str], asked: str | None) -> str:
    """The split to measure: the one asked for; without, the test split where the data name one, else everything.

    Args:
        named: the splits that the data name themselves.
        filled: the splits that have an item.
        asked: the split asked for, "all" or None.

    Raises:
        InputError: no item is in the split asked for.
    """
    if asked is None:
        return "test" if "test" in named else "all"
    if asked != "all" and asked not in filled:
        raise InputError(
            f"No item of the data is in the split {asked!r} (there are: {', '.join(sorted(filled))}); "
            "use one of them or --split all."
        )
    return asked


def load_data(path: str | Path, bundle: Bundle, split: str | None, device: str, *, progress: bool = False) -> Measured:
    """The features to measure, extracted with the bundle's encoder where `path` is an image folder.

    Args:
        path: where the data are.
        bundle: what is measured.
        split: the split asked for, "all" or None.
        device: where the encoder computes.
        progress: show a progress bar on stderr while images are encoded.

    Raises:
        InputError: the data cannot be read or were made by another encoder, or no item is in the split.
    """
    features = read_features(path)
    if features is not None:
        made_by, wanted = features.image_encoder.get("fingerprint"), bundle.encoder_fingerprint
        if made_by and wanted and made_by != wanted:
            raise InputError(
                f"The features {str(path)!r} were made by another encoder than the bundle's; "
                f"extract them anew: python -m algcn.extract IMAGE_FOLDER --bundle {bundle.path} --out {path}."
            )
        if bundle.split is not None:
            known = [bundle.split[name] or own for name, own in zip(features.file_names, features.split, strict=True)]
            _check_unseen(bundle, features.file_names, features.split)
            features = replace(features, split=known)
        chosen = _chosen_split(set(features.split), set(features.split), split)
        selected = features if chosen == "all" else features.select(chosen)
        return Measured(selected, chosen, _account_of_rows(features, chosen))
    if bundle.encodes == {"image"}:
        raise InputError(
            f"The encoder of the bundle {bundle.path} reads no texts, so those of {str(path)!r} have no features; "
            "give a feature file with the text features that the bundle was trained on."
        )
    named = read_image_folder(path)
    folder = with_splits(named)  # the same pictures as in a feature file of this folder
    names_splits = {item.split for item in named}
    if bundle.split is not None:
        _check_unseen(bundle, [item.file_name for item in named], [item.split for item in named])
        known = [replace(item, split=bundle.split[item.file_name] or item.split) for item in folder]
        names_splits |= {bundle.split[item.file_name] for item in named}
        folder = replace(folder, items=known)
    chosen = _chosen_split(names_splits, {item.split for item in folder}, split)
    folder = _of_split(folder, chosen)
    label_set, account = label_set_of(folder, bundle.label_set), Account()
    features = extract_features(folder, bundle.encoder(device), label_set, progress=progress, account=account)
    return Measured(features, chosen, account)


def _check_unseen(bundle: Bundle, file_names: Sequence[str], split: Sequence[str | None]) -> None:
    """Refuse data that call pictures a test which the bundle was trained on.

    Raises:
        InputError: They do; the sentence counts them and names one.
    """
    seen = bundle.split.trained_on(
        name for name, part in zip(file_names, split, strict=True) if part in ("validation", "test")
    )
    if seen:
        raise InputError(
            f"The bundle {bundle.path} was trained on {len(seen):,} of the pictures that the data hold out, "
            f"{seen[0]!r} for instance, so their numbers would be no test; name other splits in the data's table, or "
            "train again."
        )


def _of_split(folder: ImageFolder, chosen: str) -> ImageFolder:
    """The pictures of a split (or of "all"), with an account of the others."""
    items = [item for item in folder if chosen in ("all", item.split)]
    account = Account()
    account.merge(folder.account)
    use_items(account, items)
    for item in folder:
        if chosen not in ("all", item.split):
            account.add("pictures of other splits", f"{item.file_name} ({item.split})", OTHER_SPLITS, unit="pictures")
            count_captions(account, item)
            count_labels(account, item)
    return replace(folder, items=items, account=account)


def _account_of_rows(features: Features, chosen: str) -> Account:
    """Which rows of a feature file are measured."""
    account = Account()
    for row, (name, split) in enumerate(zip(features.file_names, features.split, strict=True)):
        if chosen in ("all", split):
            account.use("rows")
        else:
            account.add("rows of other splits", f"row {row}, {name} ({split})", OTHER_SPLITS, unit="rows")
    return account


def count_queries(account: Account, features: Features) -> None:
    """Add the queries of both directions to an account: those without a label have no average precision."""
    labelled = features.labels.any(dim=1).tolist()
    first, _ = features.first_rows()
    queries = [*first, *range(len(features))]  # every image and every text
    without = [row for row in queries if not labelled[row]]
    account.use("queries", len(queries) - len(without))
    if without:
        remedy = "give them labels; recall has them all the same"
        account.add("queries without a label", features.file_names[without[0]], remedy, len(without), "queries")


def training_notice(features: Features, split: str, bundle: Bundle) -> str | None:
    """A sentence where what is measured holds pictures of the training split, None where it does not."""
    first, _ = features.first_rows()
    if bundle.split is not None:
        seen = bundle.split.trained_on(features.file_names)
        if not seen:
            return None
        return (
            f"The bundle was trained on {len(seen):,} of these {len(first):,} images, {seen[0]!r} for instance, so "
            "these numbers are no test; --split test measures images that it was not trained on."
        )
    training = sum(features.split[row] == "train" for row in first)
    if split != "all" or not training:
        return None
    return (
        f"{training:,} of these {len(first):,} images are in the training split, so these numbers flatter a bundle "
        "that was trained on this data; --split test measures images that it was not trained on."
    )


def embed_in(space: str, features: Features, bundle: Bundle, device: torch.device) -> Embedded:
    """Embed features so that cosine ranks as one of SPACES does.

    Raises:
        InputError: The features do not fit the bundle, or it has no probabilities of labels to rank by.
    """
    if space == "encoder":
        return embed(features, None, device)
    model = bundle.model.to(device)
    if space == "common":
        return embed(features, model, device)
    if space == "ranking":
        return embed_for_ranking(features, model, bundle.ranking, bundle.probabilities, device).by_inner_product()
    if not bundle.probabilities:
        raise InputError("The bundle has no probabilities of labels; use --space common, or fit them first.")
    names = bundle.label_set.names
    shared = [names.index(name) for name in features.label_set.names if name in names]
    columns = torch.tensor(shared or range(len(names)))
    return embed_by_labels(features, model, bundle.ranking, bundle.probabilities, columns, device)


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.evaluate",
        "Measure retrieval with a bundle: mAP, recall and precision beside what a random ranking reaches.",
        "weights/pocket PHOTOS --split test --json report.json",
    )
    add_bundle(parser, "bundle")
    add_data(parser, "image folder, feature file (.safetensors) or folder of the authors' .mat files")
    parser.add_argument(
        "--space",
        choices=SPACES,
        help="rank behind ALGCN, by probable labels, before it, or as the page does (default: common in mode paper, "
        "labels in mode plus)",
    )
    parser.add_argument(
        "--split", choices=(*SPLITS, "all"), help="default: test where the data name splits, else everything"
    )
    add_device(parser)
    add_json(parser)
    add_quiet(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    device = open_device(arguments.device)
    with answering(arguments.json) as answer:
        bundle = open_bundle(arguments.bundle)
        features, split, account = load_data(
            arguments.data, bundle, arguments.split, arguments.device, progress=not arguments.quiet
        )
        notice = training_notice(features, split, bundle)
        for said in (notice, *record_warnings(bundle.record, bundle.training)):
            if said:
                print(said, file=sys.stderr)
        of_plus = bundle.training is not None and bundle.training.mode == "plus"
        space = arguments.space or ("labels" if of_plus else "common")
        embedded = embed_in(space, features, bundle, device)
        count_queries(account, features)
        result = evaluate_embedded(embedded, features.label_set.names)
        report = {
            "bundle": arguments.bundle,
            "data": str(arguments.data),
            "space": space,
            "split": split,
            **({"trained_on": len(bundle.split.trained_on(features.file_names))} if bundle.split is not None else {}),
            **({"split_name": features.split_name} if features.split_name else {}),
            **result.to_json(),
            "account": account.to_json(),
            "definitions": DEFINITIONS,
        }
        print(summary(result, split, space, features.split_name))
        tell(account)
        answer(report)


if __name__ == "__main__":
    sys.exit(run_command(main))
