"""The shapes of answers, of a model of mode plus with the paper's beside it, and of one with nothing beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from plus_bundles import write_plus_bundle

from algcn.bundles.bundle import Bundle
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from app.api.answers import schema_of
from app.api.hits import TEXT_LENGTH
from app.api.register import functions
from app.api.table import BY_NAME
from app.kit.root import absolute, asked_at
from app.kit.words import shortened
from app.program import Program
from app.service import RetrievalService
from app.visitors.loading import Loading

ASKED: dict[str, list[dict[str, Any]]] = {
    "benchmark": [{}, {"part": "all"}],
    "classifier_map": [{}, {"points": True, "dimensions": 3}],
    "classifier_neighbours": [{"label": "dog"}],
    "describe_graph": [{}, {"limit": 2}],
    "edit_edge": [{"source": "dog", "target": "beach", "weight": 1.0, "limit": 1}],
    "export_csv": [{"text": "a dog"}],
    "gallery_map": [{}, {"points": True}],
    "gallery_neighbours": [{"file": "beach.png", "limit": 2}],
    "gallery_picture": [{"file": "beach.png"}, {"file": "unlabelled.png"}],
    "label_graph": [{"threshold": 0}, {"threshold": 0, "limit": 2}],
    "label_neighbours": [{"label": "dog"}],
    "list_models": [{}],
    "search_by_item": [{"file": "beach.png"}],
    "search_by_text": [{"text": "a dog"}, {"text": "a dog", "details": True}],
}


@pytest.fixture(scope="module", params=["paper", "plus"])
def program(
    request: pytest.FixtureRequest,
    tiny_bundle_dir: Path,
    tiny_gallery_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Program:
    folder, bundle = tmp_path_factory.mktemp("answers"), Bundle.load(tiny_bundle_dir)
    gallery = build_gallery(tiny_gallery_dir, bundle)
    if request.param == "plus":
        bundle = Bundle.load(write_plus_bundle(folder / "plus", bundle, gallery))
        gallery = build_gallery(tiny_gallery_dir, bundle)
    service = RetrievalService(bundle, gallery)
    return Program(Loading(lambda report: service), folder / "uploads", folder / "cache")


@pytest.mark.parametrize("name", sorted(ASKED))
def test_an_answer_has_its_shape(program: Program, name: str) -> None:
    function = functions(program)[name]
    for asked in ASKED[name]:
        answer = function(**asked)
        assert json.loads(json.dumps(answer)) == answer
        jsonschema.validate(answer, schema_of(BY_NAME[name].answer))


def test_the_stages_of_a_graph_have_one_shape(program: Program) -> None:
    found = functions(program)
    for stage in found["describe_graph"]()["stages"]:
        for name, asked in (("label_graph", {"threshold": 0}), ("label_neighbours", {"label": "dog"})):
            jsonschema.validate(found[name](stage=stage, **asked), schema_of(BY_NAME[name].answer))


def test_a_picture_of_the_gallery_is_told_whole(program: Program) -> None:
    picture = functions(program)["gallery_picture"]
    with asked_at("https://here.example/page/"):
        dog, plain = picture("beach_dog.webp"), picture("unlabelled.png")
    assert dog["texts"] == ["A dog runs on the beach", "Sand, sea & <b>a dog</b>"]
    assert (dog["labels"], dog["labels_are_predicted"]) == (["beach", "dog"], False)
    assert dog["picture"] == "https://here.example/page/picture/gallery/large/1"
    assert plain["picture"].endswith("/5") and absolute("a") == "a"
    with pytest.raises(InputError, match="no picture called 'nowhere'"):
        picture("nowhere")


def test_an_answer_of_another_shape_is_noticed() -> None:
    schema = schema_of(BY_NAME["list_models"].answer)
    good = {"name": "a", "is_default": True, "is_loaded": True}
    jsonschema.validate({"models": [good]}, schema)
    for bad in ({"models": [{**good, "more": 1}]}, {"models": [{"name": "a"}]}, {"models": [good], "more": 1}, {}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


def test_a_long_text_is_cut_unless_details_are_asked_for(
    tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    words = "A boat on a long river. " * 40
    shutil.copytree(tiny_gallery_dir, tmp_path / "gallery")
    with (tmp_path / "gallery" / "metadata.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"beach.png,{words.strip()},beach|boat\n")
    bundle = Bundle.load(tiny_bundle_dir)
    service = RetrievalService(bundle, build_gallery(tmp_path / "gallery", bundle))
    program = Program(Loading(lambda report: service), tmp_path / "uploads", tmp_path / "cache")
    search = functions(program)["search_by_text"]
    short, whole = (
        {hit["text"] for hit in search("a boat", limit=100, details=details)["texts"]} for details in (False, True)
    )
    assert words.strip() in whole and max(map(len, short)) == TEXT_LENGTH
    assert [text for text in short if text.endswith("…")] == [shortened(words.strip(), TEXT_LENGTH)]
