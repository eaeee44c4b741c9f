"""The README's commands and its Python example, run as they stand."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT
from gradio_client import Client
from PIL import Image, ImageDraw
from serving import Server, environment, serve

import algcn

README = (PROJECT / "README.md").read_text(encoding="utf-8")
SCENES = (
    ("beach", "khaki"),
    ("boat", "navy"),
    ("dog", "sienna"),
    ("car", "dimgrey"),
    ("cat", "white"),
    ("tree", "green"),
)
PICTURES, TEST_PICTURES = 60, 9  # as many of the names are of the test split


def block_after(sentence: str) -> str:
    """The first block of code after a sentence."""
    _, found, after = README.partition(sentence)
    assert found, f"the README no longer says {sentence!r}"
    return re.search(r"^```\w*\n(.*?)^```", after, re.DOTALL | re.MULTILINE)[1]


ONE_COMMAND = block_after("On your own labelled pictures").splitlines()
SINGLE_COMMANDS = block_after("The same in single commands").splitlines()


def write_photos(folder: Path) -> None:
    """A small labelled folder, as the README describes one: each picture has two labels."""
    folder.mkdir()
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file_name", "text", "labels"))
        for number in range(PICTURES):
            (first, sky), (second, ground) = SCENES[number % 6], SCENES[(number + 1 + number // 6 % 2) % 6]
            picture = Image.new("RGB", (64, 64), sky)
            ImageDraw.Draw(picture).rectangle((0, 20 + number % 30, 64, 64), fill=ground)
            name = f"IMG_{number:04}.jpg"
            picture.save(folder / name)
            writer.writerow((name, f"A {first} and a {second}", f"{first}|{second}"))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with PHOTOS in it and the weights that come with the project."""
    folder = tmp_path_factory.mktemp("readme") / "workplace"
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "pocket").symlink_to(PROJECT / "weights" / "pocket")
    write_photos(folder / "PHOTOS")
    return folder


def run(command: str, folder: Path) -> str:
    """Run a line of the README in a shell; what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = environment(folder, PATH=path, PYTHONPATH=str(PROJECT))
    done = subprocess.run(command, shell=True, env=env, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def quick(workplace: Path) -> Path:
    """A workplace in which the one command was run; what it printed is in a file."""
    command, look = ONE_COMMAND
    folder = workplace.with_name("quick")
    folder.mkdir()
    for name in ("weights", "PHOTOS"):
        shutil.copytree(workplace / name, folder / name, symlinks=True)
    printed = run(command, folder)
    assert printed.endswith(f"Look at it:\n  {look}\n")
    assert f"{PICTURES} pictures, {PICTURES} captions" in printed
    for method in ("random ranking", "encoder alone (zero-shot)", "linear probe", "the model"):
        assert re.search(rf"^  {re.escape(method)} +[01]\.\d{{4}}$", printed, re.MULTILINE), method
    return folder


def test_the_one_command_for_own_pictures(quick: Path) -> None:
    printed = run("python -m algcn.evaluate weights/mine PHOTOS --split test", quick)
    assert printed.startswith(f"{TEST_PICTURES} images, {TEST_PICTURES} texts, split test")
    assert "<svg" in (quick / "weights" / "mine.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", SINGLE_COMMANDS)
def test_the_commands_for_own_pictures(command: str, workplace: Path) -> None:
    """They build on each other, so the first that fails is the one to look at."""
    printed = run(command, workplace)
    if "algcn.evaluate" in command:
        assert printed.startswith(f"{TEST_PICTURES} images, {TEST_PICTURES} texts, split test")


def test_the_page_shows_own_pictures_with_the_model_trained_on_them(quick: Path) -> None:
    program, script, *arguments = shlex.split(ONE_COMMAND[-1])
    assert (program, script) == ("python", "app.py")
    with serve(quick, arguments) as server:
        client = Client(server.url, verbose=False)
        images = client.predict("a dog and a car", api_name="/search_by_text")["images"]
        assert images[0]["file"].startswith("IMG_")
        model = client.predict("all", api_name="/benchmark")["numbers"]
        assert model["items"]["test"]["images"] == TEST_PICTURES


def test_the_python_example(
    pocket_server: Server, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = block_after("Suggest labels of pictures from what they show")
    address = "http://127.0.0.1:7860"
    assert address in example
    Image.open(workplace / "PHOTOS" / "IMG_0000.jpg").save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    answers = []
    for statement in ast.parse(example.replace(address, pocket_server.url)).body:
        if isinstance(statement, ast.Expr):
            answers.append(eval(ast.unparse(statement), names))
        else:
            exec(ast.unparse(statement), names)
    image, text, neighbours = answers
    assert image.startswith(f"{pocket_server.url}/picture/") and text["text"] and neighbours


def test_the_example_of_a_language_model(tiny_server: Server) -> None:
    example = block_after("With the protocol's own")
    address = "http://127.0.0.1:7860"
    assert address in example
    *statements, last = ast.parse(example.replace(address, tiny_server.url)).body
    names: dict[str, Any] = {}
    exec(ast.unparse(statements), names)
    # In a thread of its own: the browser of other tests keeps an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        file, kind = pool.submit(eval, ast.unparse(last), names).result()
    assert file and kind in ("image/png", "image/webp", "image/jpeg")


def test_the_command_for_plain_requests(tiny_server: Server, tmp_path: Path) -> None:
    command = block_after("polling too:").replace("http://127.0.0.1:7860", tiny_server.url).replace("surfing", "dog")
    (answer,) = json.loads(run(command, tmp_path))["data"]
    assert answer["label"] == "dog"


def test_the_example_for_scripts(
    workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs as it stands, on the bundled weights and pictures; a small checkpoint stands for the authors'."""
    example = block_after("## From Python")
    for name in ("weights", "assets"):
        (tmp_path / name).symlink_to(PROJECT / name)
    (tmp_path / "reference.pth").symlink_to(PROJECT / "tests" / "data" / "reference.pth")
    Image.open(workplace / "PHOTOS" / "IMG_0000.jpg").save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(example, names)
    labels = len(names["bundle"].label_set)
    assert names["scores"].shape == (1, labels)
    best_label = names["bundle"].label_set.names[int(names["scores"].argmax())]
    assert best_label in ("dog", "beach")
    assert all(name in names["bundle"].label_set.names for name, _ in names["predicted"][0])
    assert names["best"].shape == (1, 5)
    found, chance = (float(number) for number in re.findall(r"0?\.\d+", capsys.readouterr().out))
    assert chance + 0.2 < found < 1
    graph = names["graph"]
    assert all(graph[stage].shape == (labels, labels) for stage in graph)
    assert (graph["adaptive"] - (graph["prior"] + graph["learned_change"]).relu()).abs().max() < 1e-6
    assert names["theirs"].label_graph()["prior"].shape == (7, 7)


def test_the_readme_lists_the_public_names() -> None:
    """All of them, in the table and in the sentence below it."""
    section = README.partition("## From Python")[2].partition("\n## ")[0]
    assert set(algcn.__all__) <= set(re.findall(r"`(\w+)`", section.rpartition("```")[2])) <= {*algcn.__all__, "algcn"}


def test_what_the_commands_make_is_not_published_with_a_space() -> None:
    """Pictures, features, models and reports of one's own are ignored; what is shipped is not."""
    if not (PROJECT / ".git").exists():
        pytest.skip("not a clone")
    made = ["PHOTOS/a.jpg", "features.safetensors", "report.html", "weights/mine/config.json", "weights/mine.html"]
    shipped = ["weights/pocket/config.json", "weights/mirflickr/README.md", "assets/gallery/metadata.csv"]
    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", *made, *shipped], cwd=PROJECT, capture_output=True, text=True
    )
    assert asked.stdout.split() == made, asked.stderr
