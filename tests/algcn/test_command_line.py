"""One vocabulary for all commands: help with an example that parses, one sentence and exit code 2 for bad input."""

from __future__ import annotations

import argparse
import functools
import importlib.util
import inspect
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from conftest import PROJECT

from algcn import command_line
from algcn.command_line import CommandParser, answering, path, reference
from algcn.datasets.features import Features
from algcn.kit.account import Account
from algcn.kit.errors import InputError, run_command

MODULES = (
    *(f"algcn.{name}" for name in ("train", "extract", "evaluate", "baselines", "reliability", "hub", "quickstart")),
    *(f"algcn.{name}.__main__" for name in ("gallery", "datasets", "report", "study", "pretrain")),
    "algcn.pretrain.words.__main__",
    "assets.postcards.__main__",
    "app.launch",
)
Run = Callable[..., str]


@functools.cache
def load(name: str) -> ModuleType:
    return importlib.import_module(name)


def parsers(parser: CommandParser) -> Iterator[CommandParser]:
    """A parser and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from parsers(command)


def options(parser: CommandParser) -> dict[str, argparse.Action]:
    return {name: action for action in parser._actions for name in action.option_strings}


@pytest.fixture(params=MODULES)
def command(request: pytest.FixtureRequest) -> ModuleType:
    return load(request.param)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that must refuse its input with one sentence; the sentence."""

    def run(module: str, *arguments: object) -> str:
        assert run_command(load(module).main, [str(argument) for argument in arguments]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("error: ") and err.endswith(".\n") and err.count("\n") == 1, err
        return err.removeprefix("error: ").strip()

    return run


def test_every_command_is_here() -> None:
    with_main = {
        ".".join(file.relative_to(PROJECT).with_suffix("").parts)
        for folder in ("algcn", "assets")
        for file in (PROJECT / folder).rglob("*.py")
        if "sys.exit(run_command(main))" in file.read_text(encoding="utf-8")
    }
    assert with_main == {*MODULES} - {"app.launch"}


def test_the_example_in_the_help_parses(
    command: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_file", lambda self: True)  # the files of an example are there
    for parser in parsers(command.build_parser()):
        with pytest.raises(SystemExit) as ended:
            parser.parse_args(["--help"])
        assert ended.value.code == 0
        shown, _, example = capsys.readouterr().out.rpartition("Example:\n  ")
        assert "usage: " in shown
        assert example.startswith(f"{parser.prog} ")
        parser.parse_args(shlex.split(example.removeprefix(parser.prog), comments=True))


def test_the_help_shows_the_defaults_of_the_code(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    for parser in parsers(command.build_parser()):
        with pytest.raises(SystemExit):
            parser.parse_args(["--help"])
        shown = "".join(capsys.readouterr().out.split())
        for name, action in options(parser).items():
            assert action.help, f"{parser.prog} {name} has no help"
            if action.default and action.default is not argparse.SUPPRESS:
                default = action.default if isinstance(action.default, list) else [action.default]
                assert f"(default:{''.join(map(str, default))})".replace(" ", "") in shown, f"{parser.prog} {name}"


def test_no_default_is_typed_by_hand() -> None:
    """In a help string "(default: …)" has a value of the code in it, or says in words where the value comes from."""
    words = (
        "the preset's",
        "what suits the data",
        "common in mode",
        "the train split",
        "the one the features",
        "symbolic links",
        "Flickr below",
        "{",
    )
    for name in MODULES:
        for line in inspect.getsource(load(name)).splitlines():
            _, found, default = line.partition("(default: ")
            assert not found or default.startswith(words), f"{name}: {line.strip()}"


def test_the_same_option_means_the_same_everywhere() -> None:
    found: dict[str, set[object]] = {}
    for name in MODULES:
        for parser in parsers(load(name).build_parser()):
            for option, action in options(parser).items():
                found.setdefault(option, set()).add((action.type, action.nargs))
    assert found["--out"] == {(path, None)}
    assert found["--json"] == {(reference, None)} and found["--device"] == {(None, None)}
    assert found["--quiet"] == {(None, 0)}
    assert found["--bundle"] == {(reference, None), (path, None)}  # the second is the old name of --out in baselines


def test_answers_and_quiet_where_they_mean_something() -> None:
    for name in MODULES:
        for parser in parsers(load(name).build_parser()):
            leaf = not any(isinstance(action, argparse._SubParsersAction) for action in parser._actions)
            silent = any(part in name for part in ("report", "pretrain", "study"))
            answers = not silent and name not in ("algcn.train", "app.launch")
            if leaf and "postcards" not in name:
                assert ("--json" in options(parser)) == answers, parser.prog
            assert not leaf or ("--quiet" in options(parser)) == (
                name not in ("app.launch", "algcn.report.__main__", "algcn.pretrain.words.__main__")
            )


def test_unknown_and_missing_arguments(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(command.main, ["--nonsense"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1
    assert "--help says what there is." in err


FILE, FOLDER, MISSING = "file", "folder", "missing"
BASE: dict[str, list[str]] = {
    "algcn.train": ["FEATURES", "--out", "new"],
    "algcn.extract": ["PHOTOS", "--bundle", "BUNDLE", "--out", "new.safetensors"],
    "algcn.evaluate": ["BUNDLE", "FEATURES"],
    "algcn.baselines": ["FEATURES"],
    "algcn.reliability": ["BUNDLE", "FEATURES"],
    "algcn.gallery.__main__": ["build", "PHOTOS", "--bundle", "BUNDLE"],
    "algcn.datasets.__main__": ["mirflickr", "--root", "folder", "--out", "new"],
    "algcn.report.__main__": ["BUNDLE", "--out", "new.html"],
    "algcn.pretrain.__main__": [
        *("--images", "PHOTOS", "--imagenet", "file", "--wordnet", "file", "--teacher", "folder"),
        *("--work", "work", "--out", "new"),
    ],
    "algcn.pretrain.words.__main__": ["--captions", "file", "--wordnet", "file", "--out", "new"],
    "assets.postcards.__main__": ["new", "--count", "1"],
    "algcn.hub": ["push", "BUNDLE", "owner/name"],
}


@pytest.fixture
def places(
    tmp_path: Path,
    tiny_bundle_dir: Path,
    tiny_gallery_dir: Path,
    make_features: Callable[..., Features],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """What the words of `BASE` stand for; the others are names in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path(FILE).write_text("no bundle, no features, no picture", encoding="utf-8")
    Path(FOLDER).mkdir()
    make_features(60).save("features.safetensors")
    return {"FEATURES": "features.safetensors", "PHOTOS": str(tiny_gallery_dir), "BUNDLE": str(tiny_bundle_dir)}


def changed(module: str, places: dict[str, str], word: str, value: str) -> list[str]:
    """The base of a command with one value replaced (or an option added at the end)."""
    words = list(BASE[module])
    if word not in words:
        words += [word, value]
    elif word.startswith("--"):
        words[words.index(word) + 1] = value
    else:
        words[words.index(word)] = value
    return [places.get(word, word) for word in words]


def cases() -> Iterator[tuple[str, str, str]]:
    """A command, a word of its base or an option, and a bad value for it."""
    for module, words in BASE.items():
        source = inspect.getsource(load(module))
        for word, values in (
            ("FEATURES", (FILE, MISSING)),
            ("BUNDLE", (FILE, FOLDER, MISSING)),
            ("PHOTOS", (FILE, FOLDER, MISSING)),
            ("--out", ("file/new", "")),
        ):
            yield from ((module, word, value) for value in values if word in words)
        if "add_device(" in source:
            yield from ((module, "--device", value) for value in ("toaster", "cuda:99", ""))
        if "add_json(" in source:
            yield from ((module, "--json", value) for value in (FOLDER, "file/report.json", ""))
    for module, option, values in (
        ("algcn.train", "--out", (FILE,)),
        ("algcn.datasets.__main__", "--out", (FILE,)),
        ("algcn.pretrain.__main__", "--out", (FILE,)),
        ("algcn.extract", "--out", (FOLDER,)),
        ("algcn.report.__main__", "--out", (FOLDER, "report.pdf")),
        ("algcn.baselines", "--out", (FILE, MISSING)),
        ("algcn.extract", "--vocabulary", (FOLDER, MISSING)),
        ("algcn.extract", "--labels", (FILE, FOLDER, MISSING)),
        ("algcn.extract", "--encoder", (MISSING,)),
        ("algcn.extract", "--batch-size", ("0", "x")),
        ("algcn.extract", "--image-features", ("eyes",)),
        ("algcn.train", "--prior-labels", (FILE, FOLDER, MISSING)),
        ("algcn.train", "--label-embeddings", (FILE, FOLDER, MISSING)),
        ("algcn.train", "--encoder", (FILE, FOLDER, MISSING)),
        ("algcn.train", "--encoder-of", (MISSING,)),
        ("algcn.train", "--epochs", ("x",)),
        ("algcn.train", "--seed", ("x", "-1")),
        ("algcn.train", "--gamma", ("x",)),
        ("algcn.train", "--preset", ("x",)),
        ("algcn.train", "--mode", ("x",)),
        ("algcn.baselines", "--prior-labels", (FOLDER,)),
        ("algcn.baselines", "--seeds", ("x",)),
        ("algcn.reliability", "--gallery", (FILE, FOLDER, MISSING)),
        ("algcn.datasets.__main__", "--root", (FILE, FOLDER, MISSING)),
        ("algcn.datasets.__main__", "mirflickr", ("cifar",)),
        ("algcn.pretrain.__main__", "--imagenet", (FOLDER, MISSING)),
        ("algcn.pretrain.__main__", "--teacher", (MISSING,)),
        ("algcn.pretrain.__main__", "--wordnet", (MISSING,)),
        ("algcn.pretrain.__main__", "--texts", (MISSING,)),
        ("algcn.pretrain.__main__", "--work", (FILE,)),
        ("assets.postcards.__main__", "new", (FILE, "file/new")),
        ("assets.postcards.__main__", "--font", (FILE, FOLDER, MISSING)),
        ("assets.postcards.__main__", "--count", ("0",)),
    ):
        yield from ((module, option, value) for value in values)


@pytest.mark.parametrize(("module", "word", "value"), list(cases()))
def test_bad_input_is_one_sentence(module: str, word: str, value: str, places: dict[str, str], refused: Run) -> None:
    before = sorted(os.listdir())
    sentence = refused(module, *changed(module, places, word, value))
    assert sentence[0].isupper() or not sentence[0].isalpha() or sentence.startswith(value), sentence
    assert value.split("/")[0] in sentence or word in sentence, sentence
    assert sorted(os.listdir()) == before, "something was written"


def test_a_stopped_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    def stop(argv: object) -> None:
        raise KeyboardInterrupt

    assert run_command(stop) == 130
    assert capsys.readouterr() == ("", "Stopped; what was finished is kept.\n")


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path("~/x") == tmp_path / "x" and reference("~/x") == str(tmp_path / "x")
    assert reference("owner/~name") == "owner/~name" and reference("hf-hub:a/b") == "hf-hub:a/b"
    with pytest.raises(argparse.ArgumentTypeError, match="write the whole path"):
        path("~nobody-of-this-name/x")


def test_every_path_expands_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "there").write_text("", encoding="utf-8")
    seen = 0
    for name in MODULES:
        for parser in parsers(load(name).build_parser()):
            for action in parser._actions:
                if action.type in (path, reference, command_line.file):
                    assert str(parser._get_value(action, "~/there")) == str(tmp_path / "there")
                    seen += 1
                elif action.nargs != 0 and action.type is None and not action.choices:
                    named = action.dest.removeprefix("--")
                    assert named in FREE_TEXT, f"{parser.prog} {named} may be a path; give it the type of one"
    assert seen > 30


FREE_TEXT = {"preset", "device", "name", "without", "encoder_of", "reference", "repository", "message", "split", "size"}


def test_an_answer_in_a_file_on_stdout_or_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for out in (None, "-", str(tmp_path / "deep" / "answer.json")):
        with answering(out) as answer:
            print("words")
            answer({"größe": 1})
    said = capsys.readouterr()
    assert said.out == 'words\n{\n  "größe": 1\n}\nwords\n' and said.err == "words\n"
    assert json.loads((tmp_path / "deep" / "answer.json").read_text(encoding="utf-8")) == {"größe": 1}


def test_the_labels_found_are_one_line() -> None:
    assert command_line.labels_line({}) == "No labels found."
    assert command_line.labels_line({"sea": 2, "dog\udcff": 1234}) == "2 labels found: dog\\udcff (1,234), sea (2)."
    many = command_line.labels_line({f"label {number}": number for number in range(1, 41)})
    assert many.startswith("40 labels found: label 40 (40), ") and many.count("(") == command_line.LABELS_SHOWN + 1
    assert many.endswith(", label 31 (31) and 30 more, the rarest label 1 (1).")
    eleven = command_line.labels_line(dict.fromkeys("abcdefghijk", 1))
    assert eleven.endswith("j (1), k (1).") and "more" not in eleven


def test_an_account_is_told_and_written_whatever_files_are_called(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account()
    account.add("damaged pictures", "a\udcfe.jpg", "save it again", unit="pictures")
    with answering("-") as answer:
        command_line.tell(account)
        answer({"account": account.to_json()})
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "Nothing used; 1 picture not used.",
        "Damaged pictures: 1, for instance a\\udcfe.jpg; save it again.",
    ]
    assert json.loads(out)["account"]["left_out"][0]["example"] == "a\udcfe.jpg"


def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    sentence = rf"^The disk at .* is full \(.* free\), so {tmp_path} cannot be written; make room on it, or"
    with pytest.raises(InputError, match=sentence), command_line.writing(tmp_path):
        raise OSError(28, "No space left on device")


def test_the_answers_on_stdout_are_json_and_quiet_is_quiet(
    places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for module, words in (
        ("algcn.extract", ["PHOTOS", "--bundle", "BUNDLE", "--out", "new.safetensors"]),
        ("algcn.evaluate", ["BUNDLE", "PHOTOS"]),
        ("algcn.gallery.__main__", ["build", "PHOTOS", "--bundle", "BUNDLE"]),
    ):
        words = [places.get(word, word) for word in words]
        assert run_command(load(module).main, [*words, "--quiet", "--json", "-"]) == 0
        quiet = capsys.readouterr()
        assert json.loads(quiet.out), module
        assert run_command(load(module).main, [*words, "--quiet"]) == 0
        spoken = capsys.readouterr()
        assert quiet.err == spoken.err + spoken.out and spoken.out
        assert ("flatter" in spoken.err) if module == "algcn.evaluate" else not spoken.err  # a warning stays


def test_importing_the_arguments_imports_no_torch() -> None:
    """The page parses its arguments before it has time for that."""
    code = f"import sys\nimport {command_line.__name__}\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


HEAVY = ("torch", "numpy", "gradio", "tqdm", "PIL", "huggingface_hub", "safetensors")
