"""The names of the endpoints, those of Train and Collections as plain functions, and what addresses find."""

from __future__ import annotations

import gc
import json
import shutil
from pathlib import Path

import pytest
from gradio_client import Client
from PIL import Image
from serving import ENDPOINTS, Server

from algcn.bundles.bundle import Bundle
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from app.api import collections as api_collections
from app.api import labelling as api_labelling
from app.api import training as api_training
from app.program import Program
from app.service import RetrievalService
from app.visitors.derive import with_gallery
from app.visitors.loading import Loading


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    bundle = Bundle.load(tiny_bundle_dir)
    return RetrievalService(bundle, build_gallery(tiny_gallery_dir, bundle))


@pytest.fixture
def program(service: RetrievalService, tmp_path: Path) -> Program:
    loading = Loading(lambda report: service)
    (tmp_path / "uploads").mkdir()
    return Program(loading, tmp_path / "uploads", tmp_path / "cache")


def test_the_public_endpoints_are_those_of_the_api_and_no_handler_of_the_page(tiny_server: Server) -> None:
    told = Client(tiny_server.url, verbose=False).view_api(return_format="dict", print_info=False)
    assert set(told["named_endpoints"]) == {f"/{name}" for name in ENDPOINTS}
    assert not told["unnamed_endpoints"]


def test_every_endpoint_says_what_it_takes_and_gives(program: Program) -> None:
    functions = [*api_training.api(program), *api_collections.api(program), *api_labelling.api(program)]
    assert [function.__name__ for function in functions] == ["train", "label_pictures", "suggest_labels"]
    assert all("Args:" in function.__doc__ and "Returns:" in function.__doc__ for function in functions)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"epochs": 21}, "epochs must be a whole number from 0 to 20"),
        ({"gamma": 9}, "γ must be a number from 0 to 2"),
        ({"mode": "magic"}, "mode must be one of"),
        ({}, "at least 10 pictures with a label; this gallery has 5"),
    ],
)
def test_train_says_in_a_sentence_what_is_wrong(program: Program, arguments: dict, sentence: str) -> None:
    (train,) = api_training.api(program)
    with pytest.raises(InputError, match=sentence):
        train(**arguments)


def test_label_pictures_labels_and_keeps_nothing(program: Program, tmp_path: Path, tiny_gallery_dir: Path) -> None:
    (label_pictures,) = api_collections.api(program)
    shutil.copy(tiny_gallery_dir / "beach.png", program.uploads / "a.png")
    (program.uploads / "b.png").write_bytes(b"Dear Sir")
    given = [{"path": str(program.uploads / name), "orig_name": f"my {name}"} for name in ("a.png", "b.png")]
    answer = label_pictures(given)
    assert json.loads(json.dumps(answer)) == answer
    assert answer["pictures"] == [{"file": "my a.png", "labels": [], "given_labels": None}]
    assert answer["left_out"] == [{"file": "my b.png", "reason": "is not a picture that can be read"}]
    assert answer["account"] == {
        "used": {"pictures": 1, "captions": 0, "labels": 0},
        "left_out": [
            {
                "kind": "pictures that cannot be opened",
                "unit": "pictures",
                "count": 1,
                "example": "my b.png",
                "remedy": "save them again as JPEG or PNG",
            }
        ],
        "notes": [],
    }
    # The uploads are the sweep's: another caller may have sent the same picture.
    assert {path.parent for path in tmp_path.rglob("*.png")} == {program.uploads}


def test_suggest_labels_says_what_is_likely_and_keeps_nothing(
    program: Program, service: RetrievalService, tmp_path: Path, tiny_gallery_dir: Path
) -> None:
    (suggest_labels,) = api_labelling.api(program)
    shutil.copy(tiny_gallery_dir / "beach.png", program.uploads / "a.png")
    given = [{"path": str(program.uploads / "a.png"), "orig_name": "my a.png"}]
    answer = suggest_labels(given, ["Beach", "not a label of the model"], limit=2)
    assert json.loads(json.dumps(answer)) == answer
    (picture,) = answer["pictures"]
    assert (picture["file"], picture["known"]) == ("my a.png", ["Beach", "not a label of the model"])
    labels = [suggestion["label"] for suggestion in picture["suggestions"]]
    assert len(labels) == 2 and "beach" not in labels, "what is known is not suggested"
    assert {suggestion["probability"] for suggestion in picture["suggestions"]} == {None}
    assert "no thresholds" in answer["note"]
    assert {path.parent for path in tmp_path.rglob("*.png")} == {program.uploads}
    for known, limit, sentence in (("sea", 8, "must be a list"), ([3], 8, "must be a list"), ([], 0, "limit must be")):
        with pytest.raises(InputError, match=sentence):
            suggest_labels(given, known, limit)


@pytest.mark.parametrize("value", [[], None, [{"path": "/etc/passwd"}], [{"path": 3}], "a.png", [None], [{}]])
def test_label_pictures_takes_uploads_alone(program: Program, value: object) -> None:
    (label_pictures,) = api_collections.api(program)
    with pytest.raises(InputError, match=r"Drop at least one picture|must be an uploaded file"):
        label_pictures(value)


def test_an_upload_that_is_gone_is_one_sentence(program: Program) -> None:
    (label_pictures,) = api_collections.api(program)
    with pytest.raises(InputError, match=r"a\.png did not arrive"):
        label_pictures([{"path": str(program.uploads / "a.png")}])


def test_pictures_of_a_visitor_are_found_by_a_key_and_only_while_somebody_holds_them(
    program: Program, service: RetrievalService, tmp_path: Path
) -> None:
    addresses = program.addresses
    own = with_gallery(service, service.gallery, "secret")
    addresses.add(own)
    assert addresses.find("secret") is own
    assert addresses.find("gallery") is service
    assert addresses.cache(service, tmp_path) == tmp_path
    assert addresses.cache(own, tmp_path) == own.gallery.root.parent
    addresses.add(service)  # the shared one is found by its own key alone
    del own
    gc.collect()
    for key in ("secret", "other", ""):
        with pytest.raises(InputError, match="no such pictures"):
            addresses.find(key)


def test_a_file_is_offered_under_an_address_nobody_guesses(program: Program, tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    address = program.addresses.offer(tmp_path / "a.png")
    kind, token = address.split("/")
    assert kind == "download"
    assert len(token) >= 22
    assert program.addresses.file(token) == tmp_path / "a.png"
    (tmp_path / "a.png").unlink()
    for asked in (token, "../a.png", ""):
        with pytest.raises(InputError, match="no such file"):
            program.addresses.file(asked)
