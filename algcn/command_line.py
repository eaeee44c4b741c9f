"""What the commands share: one name for one argument, one way to open what it names, one way to answer.

Notable:

- What is read is `--bundle` (or a positional argument), what is written is `--out`; `~` is the home folder in all.
- Bad arguments are an `InputError`: `run_command` prints one sentence and ends with exit code 2, as for all bad input.
- The help shows the defaults of the code and an example, which a test parses.
- Answers go to stdout, notes and progress to stderr; with `--json -` stdout holds the JSON and nothing else.
- A command that reads data ends with its account (`tell`): what was used and what not is part of the answer.
- Importing this file imports no torch: `app.py` parses its arguments with it before the page is up.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from algcn.kit.account import Account
from algcn.kit.disk import check_room, telling
from algcn.kit.errors import InputError
from algcn.kit.files import write_text

if TYPE_CHECKING:
    import torch

    from algcn.bundles.bundle import Bundle
    from algcn.datasets.features import Features
    from algcn.kit.engine import Engine

EXAMPLE = "Example:"
STDOUT = "-"  # of --json
CPU = "cpu"
ENGINES = ("plain", "ray")
LABELS_SHOWN = 10  # of the labels found
FEATURES = "feature file (.safetensors) or folder of the authors' .mat files"


class _Help(argparse.HelpFormatter):
    """Leaves the example as it is, and adds to an option the default that the code gives it."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(EXAMPLE) else super()._fill_text(text, width, indent)

    def _get_help_string(self, action: argparse.Action) -> str:
        text, default = action.help or "", action.default
        if not action.option_strings or default is None or default is False or default in ("", [], argparse.SUPPRESS):
            return text
        shown = " ".join(map(str, default)) if isinstance(default, (list, tuple)) else str(default)
        return f"{text} (default: {shown})".replace("%", "%%").strip()


class CommandParser(argparse.ArgumentParser):
    """Reads a command's arguments; bad ones are an `InputError`.

    Args:
        prog: how the command is started, "python -m algcn.train".
        description: what it does, in a sentence.
        example: arguments that would work, as one types them.
        options: What `argparse.ArgumentParser` takes besides.
    """

    def __init__(self, prog: str, description: str, example: str, **options: Any) -> None:
        self.example = example
        epilog = f"{EXAMPLE}\n  {prog} {example}"
        super().__init__(prog=prog, description=description, epilog=epilog, formatter_class=_Help, **options)

    def add_command(self, commands: Any, name: str, description: str, example: str) -> CommandParser:
        """Add a command to those that `add_subparsers` made."""
        return commands.add_parser(name, help=description, description=description, example=example)

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Raises:
            InputError: always; its sentence is argparse's message in our voice.
        """
        sentence = re.sub(r"^argument ([^:]+): ", r"\1 ", message).replace(
            "not allowed with argument", "cannot go with"
        )
        remedy = "" if ";" in sentence else f"; {self.prog} --help says what there is"
        raise InputError(f"{sentence[0].upper()}{sentence[1:]}{remedy}.")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"cannot be {value!r}; use {_listed(action.choices)}")


def _listed(names: Any) -> str:
    *others, last = map(str, names)
    return f"{', '.join(others)} or {last}" if others else last


class _OldSpelling(argparse.Action):
    """An option that is called otherwise now: it works as before, and says so."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        print(f"{option} is called --{self.dest} now; the old name will go on for a while.", file=sys.stderr)
        setattr(namespace, self.dest, values)


# What an argument may be.


def path(text: str) -> Path:
    """A file or folder, with `~` for the home folder."""
    if not text:
        raise argparse.ArgumentTypeError("cannot be empty; name a file or a folder")
    if "://" in text:
        raise argparse.ArgumentTypeError(
            "cannot be an address, which only python -m algcn.extract and python -m algcn.gallery build read pictures "
            "from; name a file or a folder"
        )
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is in a home folder that nobody knows; write the whole path"
        ) from None


def file(text: str) -> Path:
    """A file that is there."""
    place = path(text)
    if not place.is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is no file; name one that is there")
    return place


def reference(text: str) -> str:
    """A folder or the name of something elsewhere, on the Hub for instance; `~` only in a folder."""
    return str(path(text)) if not text or text.startswith("~") else text


def at_least(low: int) -> Callable[[str], int]:
    """A whole number that is not below `low`."""

    def whole(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"cannot be {text!r}; use a whole number from {low} on") from None
        if value < low:
            raise argparse.ArgumentTypeError(f"{value} is too small; use {low} or more")
        return value

    return whole


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"cannot be {text!r}; use a number such as 0.5") from None


# One name for one argument.


def add_bundle(parser: CommandParser, name: str = "--bundle", *, many: bool = False, **options: Any) -> None:
    """The bundle that is read."""
    options.setdefault("help", "a bundle's folder, or OWNER/NAME[@COMMIT] on the Hub")
    parser.add_argument(name, type=reference, **({"nargs": "+"} if many else {}), **options)


def add_out(parser: CommandParser, what: str, *, required: bool = True, instead_of: str | None = None) -> None:
    """What is written; `instead_of` is an older name of the option that goes on working."""
    parser.add_argument("--out", type=path, required=required, help=what)
    if instead_of is not None:
        parser.add_argument(
            instead_of, dest="out", type=path, action=_OldSpelling, metavar="OUT", help="old name of --out"
        )


def add_data(parser: CommandParser, what: str = FEATURES) -> None:
    """The items that a command works on."""
    parser.add_argument("data", type=path, help=what)


def add_device(parser: CommandParser) -> None:
    """Where to compute."""
    parser.add_argument("--device", default=CPU, help="where to compute: cpu, cuda, cuda:1, mps")


def add_engine(parser: CommandParser) -> None:
    """Who encodes."""
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="who encodes: this process, or a cluster")
    parser.add_argument("--actors", type=at_least(1), help="with --engine ray: how many processes of Ray encode")


def add_seed(parser: CommandParser, default: int | None, what: str) -> None:
    """What is drawn by chance; `what` says which draws."""
    parser.add_argument("--seed", type=at_least(0), default=default, help=what)


def add_json(parser: CommandParser) -> None:
    """The answer as JSON."""
    parser.add_argument(
        "--json", type=reference, metavar="OUT", help=f"write the answer there as JSON ({STDOUT}: to stdout)"
    )


def add_quiet(parser: CommandParser) -> None:
    """Neither progress nor notes."""
    parser.add_argument("--quiet", action="store_true", help="no progress and no notes; warnings and errors stay")


def add_prior_labels(parser: CommandParser) -> None:
    """What the prior is counted from."""
    parser.add_argument(
        "--prior-labels",
        type=file,
        metavar="FILE",
        help="count the prior C from these label rows, a .mat matrix or a feature file (default: the train split)",
    )


# One way to open what it names.


def open_device(name: str) -> torch.device:
    """The device called `name`: cpu, cuda, cuda:1, mps.

    Raises:
        InputError: There is no such device here.
    """
    import torch

    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"The device {name!r} cannot be used here; use --device cpu.") from error
    return device


@contextlib.contextmanager
def open_engine(arguments: argparse.Namespace) -> Iterator[tuple[Engine, torch.device]]:
    """The engine that `add_engine` asks for, and the device that this process computes on.

    On Ray `--device` is that of the actors; Ray is imported here and nowhere before.

    Raises:
        InputError: The device or the engine is not there, or `--actors` is given without Ray.
    """
    if arguments.engine == ENGINES[0]:
        from algcn.kit.engine import in_this_process

        if arguments.actors is not None:
            raise InputError("--actors goes with --engine ray; add it, or leave --actors out.")
        yield in_this_process, open_device(arguments.device)
    else:
        from algcn.cluster.ray_engine import ray_engine

        with ray_engine(arguments.device, arguments.actors) as engine:
            yield engine, open_device(CPU)


def open_bundle(name: str) -> Bundle:
    """The bundle in a folder, or OWNER/NAME[@COMMIT] on the Hub; what there is to say about it goes to stderr."""
    from algcn.bundles.bundle import Bundle
    from algcn.bundles.hub import resolve_bundle

    folder, notice = resolve_bundle(name)
    if notice:
        print(notice, file=sys.stderr)
    return Bundle.load(folder)


def read_features(place: str | Path) -> Features | None:
    """A feature file or one of the authors' .mat folders; None where `place` is another folder."""
    from algcn.datasets.features import Features

    place = Path(place)
    if place.is_file():
        return Features.load(place)
    if place.is_dir() and any(place.glob("*_img.mat")):
        from algcn.datasets.authors import read_reference_folder

        notices: list[str] = []
        features = read_reference_folder(place, notices=notices)
        for notice in notices:
            print(notice, file=sys.stderr)
        return features
    if not place.is_dir():
        raise InputError(f"There is no {str(place)!r}; give an image folder, a feature file or a folder of .mat files.")
    return None


def read_features_only(place: Path) -> Features:
    """As `read_features`, for a command that takes no image folder.

    Raises:
        InputError: It is one.
    """
    features = read_features(place)
    if features is None:
        raise InputError(
            f"{str(place)!r} is an image folder; extract features first: "
            f"python -m algcn.extract {place} --bundle B --out features.safetensors."
        )
    return features


# One way to write, and to answer.


def check_file(out: Path) -> None:
    """Refuse a file that cannot be written, before hours of work for it.

    Raises:
        InputError: It is a folder, or the place cannot be written to.
    """
    if out.is_dir():
        raise InputError(f"{str(out)!r} is a folder; name a file.")
    _check_place(out)


def check_folder(out: Path) -> None:
    """Refuse a folder that cannot be written, before hours of work for it.

    Raises:
        InputError: It is a file, or the place cannot be written to.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{str(out)!r} is a file; name a folder.")
    _check_place(out)


def _check_place(out: Path) -> None:
    with writing(out):
        there = next(place for place in (out.absolute(), *out.absolute().parents) if place.exists())
        if there.is_file() and there != out.absolute():
            raise NotADirectoryError(0, f"{there} is a file")
        if not os.access(there, os.W_OK):
            raise PermissionError(0, "permission denied")
        check_room(out)


@contextlib.contextmanager
def writing(out: Path) -> Iterator[None]:
    """Say in a sentence why something could not be written.

    Raises:
        InputError: The block raised an `OSError`; a `DiskFullError` where there is no room.
    """
    try:
        with telling(out):
            yield
    except OSError as error:
        raise InputError(
            f"{str(out)!r} cannot be written to ({error.strerror or error}); name another place."
        ) from error


@contextlib.contextmanager
def answering(out: str | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Take the answer of a command and write it as JSON, where `--json` says so.

    Args:
        out: what `--json` says: a file, "-" for stdout, or None. With "-" whatever else is printed goes to stderr.

    Yields:
        A function that is given the answer.
    """
    if out is None:
        yield lambda answer: None
    elif out == STDOUT:
        stdout = sys.stdout
        with contextlib.redirect_stdout(sys.stderr):
            yield lambda answer: print(_as_json(answer), end="", file=stdout, flush=True)
    else:
        check_file(Path(out))

        def write(answer: dict[str, Any]) -> None:
            with writing(Path(out)):
                write_text(out, _as_json(answer))

        yield write


def tell(account: Account) -> None:
    """End a command with what it used of the data and what it did not; on stdout, as it belongs to the answer."""
    for line in account.lines():
        print(in_unicode(line))


def in_unicode(text: str) -> str:
    """Return a text that can be printed and written: the name of a file, or of a folder that is a label, need not be.

    What is no Unicode becomes an escape, which JSON reads again as what it was.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def labels_line(counts: Mapping[str, int]) -> str:
    """Say which labels were found on how many pictures, the most frequent first; of many also the rarest.

    Example:
        >>> labels_line({"dog": 1200, "sea": 3})
        '2 labels found: dog (1,200), sea (3).'
    """
    if not counts:
        return "No labels found."
    shown = [f"{name} ({count:,})" for name, count in sorted(counts.items(), key=lambda entry: -entry[1])]
    more = len(shown) - LABELS_SHOWN
    rarest = f" and {more:,} more, the rarest {shown[-1]}" if more > 1 else ""
    listed = ", ".join(shown[:LABELS_SHOWN] if more > 1 else shown)
    return in_unicode(f"{len(shown):,} {'label' if len(shown) == 1 else 'labels'} found: {listed}{rarest}.")


def _as_json(answer: dict[str, Any]) -> str:
    return in_unicode(json.dumps(answer, indent=2, ensure_ascii=False)) + "\n"
