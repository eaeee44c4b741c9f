"""Every command that reads data ends with an account: what was given is what was used and what was not."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_process import Client
from official import write_mirflickr, write_ms_coco, write_nus_wide
from PIL import Image

from algcn.datasets.authors import write_reference_folder
from algcn.datasets.features import Features
from algcn.kit.account import Account
from algcn.kit.errors import run_command

UNITS = ("pictures", "captions", "labels")


def write_photos(folder: Path) -> dict[str, int]:
    """A folder with one of each trouble; returns how many pictures, captions and labels were given."""
    folder.mkdir()
    rows = ["file_name,text,labels"]
    for number in range(6):
        Image.new("RGB", (48, 32), (40 * number, 90, 160)).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{'a dog on a beach' if number != 3 else ''},dog|beach")
    rows += ["4.png,\u200b,dog", "gone.png,nobody sees it,car"]
    (folder / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:60])
    Image.new("RGB", (48, 32), "red").save(folder / "unnamed.jpg")
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    (folder / "notes.txt").write_text("about the trip", encoding="utf-8")
    return {"pictures": 8, "captions": 6, "labels": 12}


@pytest.fixture
def places(
    tmp_path: Path, tiny_bundle_dir: Path, make_features: Callable[..., Features], monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    write_photos(tmp_path / "photos")
    made = make_features(120)
    labels = made.labels.clone()
    labels[[0, 3]] = 0  # an image of the training split and one of the validation split
    features = Features(
        image_features=made.image_features.repeat(1, 2), text_features=made.text_features.repeat(1, 3)[:, :32],
        labels=labels, split=made.split, label_set=made.label_set, file_names=made.file_names,
    )  # fmt: skip
    features.save(tmp_path / "features.safetensors")
    write_reference_folder(features, tmp_path / "mat")
    write_mirflickr(tmp_path / "mirflickr")
    write_nus_wide(tmp_path / "nus-wide")
    write_ms_coco(tmp_path / "ms-coco")
    shutil.copytree(tiny_bundle_dir, tmp_path / "bundle")
    return {"PHOTOS": "photos", "BUNDLE": "bundle", "FEATURES": "features.safetensors", "MAT": "mat"}


# A command, and how many of each unit were given to it where that is known beforehand.
GIVEN = {"pictures": 8, "captions": 6, "labels": 12}
CASES = {
    "extract": (["algcn.extract", "PHOTOS", "--bundle", "BUNDLE", "--out", "new.safetensors"], GIVEN),
    "extract bow": (
        ["algcn.extract", "PHOTOS", "--bundle", "BUNDLE", "--text-features", "bow", "--min-texts", "1", "--out", "b"],
        GIVEN,
    ),
    "evaluate photos": (["algcn.evaluate", "BUNDLE", "PHOTOS"], {**GIVEN, "queries": 8}),
    "evaluate features": (["algcn.evaluate", "BUNDLE", "FEATURES"], {"rows": 120, "queries": 48}),
    "evaluate everything": (
        ["algcn.evaluate", "BUNDLE", "FEATURES", "--split", "all"], {"rows": 120, "queries": 240}
    ),
    "evaluate mat": (["algcn.evaluate", "BUNDLE", "MAT"], {"rows": 120, "queries": 48}),
    "gallery build": (["algcn.gallery.__main__", "build", "PHOTOS", "--bundle", "BUNDLE"], GIVEN),
    "gallery layout": (["algcn.gallery.__main__", "layout", "PHOTOS", "--bundle", "BUNDLE"], GIVEN),
    "baselines": (
        ["algcn.baselines", "FEATURES", "--seeds", "1", "--epochs", "1", "--common-dim", "16"], {"rows": 120}
    ),
    "train": (["algcn.train", "FEATURES", "--epochs", "1", "--common-dim", "16", "--out", "new"], {"rows": 120}),
    **{
        name: (["algcn.datasets.__main__", name, "--root", name, "--out", "n", "--split", "2-query"], {})
        for name in ("mirflickr", "nus-wide", "ms-coco")
    },
}  # fmt: skip


def account_in(printed: str, answer: dict) -> Account:
    """The account of an answer, which is also what the command ended with."""
    account = Account()
    for unit, count in answer["used"].items():
        account.use(unit, count)
    for kind in answer["left_out"]:
        assert kind["count"] > 0 and kind["example"]
        account.add(kind["kind"], kind["example"], kind["remedy"], kind["count"], kind["unit"])
    for sentence in answer["notes"]:
        account.note(sentence)
    lines = account.lines()
    assert printed.splitlines()[-len(lines) :] == lines
    assert account.summary().endswith(("not used.", "nothing left out."))
    assert all(count >= 0 for count in answer["used"].values())
    return account


@pytest.mark.parametrize("case", CASES)
def test_a_command_ends_with_its_account(
    case: str, places: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (module, *words), given = CASES[case]
    arguments = [places.get(word, word) for word in words]
    has_json = module != "algcn.train"
    answer = ["--json", "answer.json"] if has_json else []
    assert run_command(importlib.import_module(module).main, [*arguments, "--quiet", *answer]) == 0
    printed = capsys.readouterr().out
    if not has_json:
        assert printed.endswith(
            "119 rows used; 1 row not used.\nTraining rows without a label: 1, for instance row 0, 0.png; "
            "give it labels.\n"
        )
        return
    account = account_in(printed, json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))["account"])
    assert {unit: account.given(unit) for unit in given} == given


def test_what_is_left_out_of_photos(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Two commands, one account but for what they need: a gallery shows a picture without a caption."""
    found = []
    for case in ("extract", "gallery build"):
        (module, *words), _ = CASES[case]
        assert (
            run_command(
                importlib.import_module(module).main, [*(places.get(word, word) for word in words), "--json", "-"]
            )
            == 0
        )
        left_out = json.loads(capsys.readouterr().out)["account"]["left_out"]
        found.append({kind["kind"]: kind["count"] for kind in left_out})
    extract, gallery = found
    assert extract.pop("pictures without a usable caption") == 1
    assert (extract.pop("labels of pictures left out"), gallery.pop("labels of pictures left out")) == (4, 2)
    assert extract == gallery
    assert extract.pop("damaged pictures") == extract.pop("captions that say nothing") == 1
    assert extract.pop("captions of pictures left out") == 1
    assert sorted(extract.values()) == [1, 1, 1, 1]  # the row of no picture, one that no row names, a drawing, notes


@pytest.fixture
def told(client: Client, tmp_path: Path) -> Iterator[Callable[..., Account]]:
    """Push a folder; the account, which the command also printed."""

    def push(folder: Path, *options: str) -> Account:
        answer = tmp_path / "answer.json"
        name = f"someone/{folder.name}"
        assert client.ask("command", "push", str(folder), name, *options, "--json", str(answer)) == 0
        return account_in(client.log.read_text(), json.loads(answer.read_text())["account"])

    yield push


def test_a_push_ends_with_its_account(
    told: Callable[..., Account], tiny_bundle_dir: Path, tmp_path: Path, healthy_hub: None
) -> None:
    given = write_photos(tmp_path / "account-photos")
    account = told(tmp_path / "account-photos", "--kind", "gallery")
    assert {unit: account.given(unit) for unit in UNITS} == given
    assert (account.used["pictures"], account.given("rows")) == (6, 8)
    assert account.given("pictures") + account.given("files") == 10
    bundle = Path(shutil.copytree(tiny_bundle_dir, tmp_path / "account-bundle"))
    (bundle / "notes.txt").write_text("mine", encoding="utf-8")
    account = told(bundle)
    assert account.given("files") == sum(path.is_file() for path in bundle.rglob("*"))
    assert account.counts == {"files that stay here": 1}
