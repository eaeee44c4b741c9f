"""The record: what it writes is what it read, and every value of a wrong kind is one sentence that names its place."""

from __future__ import annotations

import copy
import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import pytest
import torch
from conftest import PROJECT

from algcn import train
from algcn.bundles.bundle import Bundle
from algcn.bundles.manifest import json_text
from algcn.bundles.saving import update_bundle
from algcn.evaluation.record import OWN_RUN, HeldOut, Record, Selection
from algcn.evaluation.results import DIRECTIONS, PRIMARY, Curves, SplitResult, Spread
from algcn.kit.decoding import Part, kinds_of, own_fields
from algcn.kit.errors import InputError

SHIPPED = ("pocket", "mirflickr")
SIZES = ("--common-dim", "16", "--epochs", "2", "--learning-rate", "1e-3", "--batch-size", "64")
# Something of each kind that JSON has.
VALUES: tuple[Any, ...] = ("words", "", 0, -1, 3, 0.5, -0.5, 1.5, True, None, [], [1], {}, {"a": 1}, math.nan, math.inf)


def read_metrics(bundle: Path) -> tuple[str, dict[str, Any]]:
    text = (bundle / "metrics.json").read_text(encoding="utf-8")
    return text, json.loads(text)


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """A record with every part there is: the two bundles', and what neither of them has."""
    _, pocket = read_metrics(PROJECT / "weights" / "pocket")
    _, mirflickr = read_metrics(PROJECT / "weights" / "mirflickr")
    source = {"source": "encoder", "width": 512}
    more = {"features": {"image": source, "text": source}, "ablations": mirflickr["baselines"]}
    beside = {"validation", "test", "test_by_all_labels", "selection", "log"}
    more["other_modes"] = {"paper": {name: part for name, part in pocket.items() if name in beside}}
    more["imputed_labels"] = {"share_given": 0.5, "known": "said", "evidence": ["picture"], "expected": 3.5}
    made = {**mirflickr, **pocket, **more}
    made["ranked_by_labels"] = {split: pocket[split] for split in ("validation", "test")}
    made["other_modes"]["paper"]["ranked_by_labels"] = made["ranked_by_labels"]
    made["ranking"]["weights"] = [{**tried, "labels_weight": 2.0} for tried in pocket["ranking"]["weights"]]
    made["selection"]["warning"] = "on the test set"
    made["baselines"]["prior_labels"] = 7
    return {name: shortened(part) for name, part in made.items()}


def shortened(value: Any) -> Any:
    """The first two of long lists and of objects with many names: enough of each kind."""
    if isinstance(value, dict):
        kept = list(value)[: 2 if len(value) > 10 else None]
        return {name: shortened(value[name]) for name in kept}
    return [shortened(item) for item in value[:2]] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def trained(make_features, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the training command, with a second model."""
    folder = tmp_path_factory.mktemp("record")
    features = str(folder / "features.safetensors")
    make_features(120, validation=False).save(features)
    train.main([features, *SIZES, "--compare-gcn", "--out", str(folder / "small")])
    return folder / "small"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_bundled_files_are_read_and_written_byte_for_byte(name: str) -> None:
    text, value = read_metrics(PROJECT / "weights" / name)
    record = Record.from_json(value)
    assert json_text(record.to_json()) == text
    assert record.problems == () and everything_else(record) == [], "every key of theirs has a name here"


def test_a_new_bundle_is_read_and_written_byte_for_byte(trained: Path) -> None:
    text, value = read_metrics(trained)
    record = Record.from_json(value)
    assert json_text(record.to_json()) == text
    assert everything_else(record) == []
    assert record.without_gcn is not None and record.features is not None and len(record.log) == 2
    assert Bundle.load(trained).record == record


def everything_else(value: Any) -> list[Any]:
    """What parts keep because it has no name, wherever in a record."""
    if isinstance(value, Part):
        inside = [item for field in own_fields(type(value)) for item in everything_else(getattr(value, field.name))]
        return [*value.others, *inside]
    if isinstance(value, Mapping):
        return [item for inner in value.values() for item in everything_else(inner)]
    return [item for inner in value for item in everything_else(inner)] if isinstance(value, tuple) else []


def test_what_has_no_name_here_is_kept(whole: dict[str, Any]) -> None:
    changed = copy.deepcopy(whole)
    changed["mine"] = {"a": [1, None]}
    changed["test"]["map"]["mine"] = 0.5
    changed["log"][0]["mine"] = "words"
    record = Record.from_json(changed)
    assert record.to_json() == changed
    assert record.others == {"mine": {"a": [1, None]}} and record.test.map.others == {"mine": 0.5}


def test_what_is_not_understood_is_said_left_out_and_kept(whole: dict[str, Any]) -> None:
    changed = copy.deepcopy(whole)
    changed["test"]["map"][PRIMARY] = "x"
    del changed["items"]["test"]["images"]
    record = Record.read(changed)
    assert record.problems == (
        "metrics.json: items.test.images is missing; it must be a whole number of at least 0.",
        "metrics.json: test.map.average must be a number from 0 to 1, not 'x'.",
    )
    assert record.test is None and record.items is None and record.validation is not None
    assert record.to_json() == changed, "nothing is lost on the way"
    with pytest.raises(InputError, match=r"metrics\.json: items\.test\.images is missing"):
        Record.from_json(changed)


def test_null_is_as_good_as_absent() -> None:
    assert Record.from_json({"test": None, "split_name": None}) == Record()


@pytest.mark.parametrize("value", [None, [], "words", 3])
def test_what_is_no_object_is_one_sentence(value: Any) -> None:
    with pytest.raises(InputError, match=r"metrics\.json must hold an object"):
        Record.read(value)


def places(
    kind: Any, value: Any, path: tuple[str | int, ...] = (), seen: set[Any] | None = None
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every place in a value with its kind: all fields of each kind of part, the first item of lists and objects."""
    seen = set() if seen is None else seen
    if path:
        yield path, kind
    kind = optional(kind)
    if kind is Any or kind in seen:
        return
    origin = get_origin(kind)
    if origin is tuple:
        yield from places(get_args(kind)[0], value[0], (*path, 0), seen)
    elif origin is Mapping:
        key = next(iter(value))
        yield from places(get_args(kind)[1], value[key], (*path, key), seen)
    elif isinstance(made := origin or kind, type) and issubclass(made, Part):
        seen.add(kind)
        for name, inner in kinds_of(kind).items():
            yield from places(inner, value[name], (*path, name), seen)


def optional(kind: Any) -> Any:
    """`X` of `X | None`."""
    inner = [argument for argument in get_args(kind) if argument is not NoneType]
    return inner[0] if NoneType in get_args(kind) else kind


def fits(kind: Any, value: Any) -> bool | None:
    """Whether JSON's value is of a kind; None where what is inside decides."""
    if value is None or kind is Any:
        return kind is Any or NoneType in get_args(kind)
    kind = optional(kind)
    if get_origin(kind) is Annotated:
        number, within = get_args(kind)
        return fits(number, value) and within.low <= value <= within.high
    if kind is str:
        return isinstance(value, str)
    if kind in (int, float):
        right = isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
        return right and math.isfinite(value)
    holder = list if get_origin(kind) is tuple else dict
    return None if isinstance(value, holder) else False


def put(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A copy of a value with something else in one place."""
    if not path:
        return new
    changed = value.copy()
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


def test_every_value_of_a_wrong_kind_is_one_sentence_that_names_the_part(whole: dict[str, Any]) -> None:
    """The mutations come from the types themselves: every field there is, every kind of value that JSON has."""
    found = list(places(Record, whole))
    assert len(found) > 120
    wrong = 0
    for path, kind in found:
        # Only the part is read again: the rest of the file has nothing to do with it.
        part = {path[0]: whole[path[0]]}
        for value in VALUES:
            fitting = fits(kind, value)
            if fitting is None or (value is None and len(path) == 1):
                continue
            said = Record.read(put(part, path, value)).problems
            if not fitting:
                wrong += 1
                assert len(said) == 1, (path, value)
                # A name that could stand in a program is behind a dot, any other in brackets.
                assert re.fullmatch(rf"metrics\.json: {path[0]}\b.* (must be|is missing; it must be) .+\.", said[0]), (
                    said
                )
                assert all(isinstance(key, int) or key in said[0] for key in path), (path, said)
    assert wrong > 1000


def test_every_field_that_a_part_needs_is_missed(whole: dict[str, Any]) -> None:
    missed = 0
    for path, kind in places(Record, whole):
        kind = optional(kind)
        made = get_origin(kind) or kind
        if not (isinstance(made, type) and issubclass(made, Part)):
            continue
        for field in own_fields(made):
            inside: Any = whole
            for key in path:
                inside = inside[key]
            less = {name: value for name, value in inside.items() if name != field.name}
            said = Record.read(put({path[0]: whole[path[0]]}, path, less)).problems
            assert len(said) == (field.default is not None)
            missed += len(said)
            assert all(f"{field.name} is missing; it must be " in sentence for sentence in said)
    assert missed > 50


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ("ranking", {"split": "validation", "weights": []}, "ranking must try at least one weight."),
        ("baselines", {"relevance": {}, "seeds": [1]}, "must have at least one definition of relevance and one seed."),
        ("log", [{"epoch": 2**60}], "log[0].losses is missing; it must be an object."),
        ("relevance", ["dog", 3], "relevance[1] must be a text, not 3."),
        ("items", {"a b": 3}, "items['a b'] must be an object, not 3."),
        ("split_name", "x" * 10**6, None),
        ("left_out_of_training", 2**60, "must be a whole number of at least 0, not 1152921504606846976."),
        ("definitions", {"k" * 10**6: ["<b>"]}, "must be a text, not a list."),
    ],
)
def test_sentences(part: str, value: Any, sentence: str | None) -> None:
    problems = Record.read({part: value}).problems
    assert len(problems) == (sentence is not None)
    for said in problems:
        assert sentence in said and len(said) < 200


def test_curves_are_as_long_as_their_levels_of_recall(whole: dict[str, Any]) -> None:
    for place in ("recall", *DIRECTIONS):
        curves = copy.deepcopy(whole["test"]["precision_recall"])
        curves[place] = curves[place][:-1]
        with pytest.raises(InputError, match="must have a precision for each of one or more recalls"):
            Curves.from_json(curves)
    block = next(iter(whole["baselines"]["relevance"].values()))
    block = copy.deepcopy(block)
    block["precision_recall"]["methods"]["algcn"]["image_to_text"] = []
    said = Record.read({"baselines": {"relevance": {"a": block}, "seeds": [1]}}).problems
    assert said == (
        "metrics.json: baselines.relevance.a.precision_recall must have a precision for each of one or more recalls.",
    )


def test_the_primary_measure_is_the_average(whole: dict[str, Any]) -> None:
    record = Record.from_json(whole)
    assert record.test.primary == record.test.map.primary == whole["test"]["map"]["average"]
    assert SplitResult(images=1, texts=1).primary is None
    block = record.baselines.first
    means = {method: result.average.mean for method, result in block.methods.items()}
    assert block.best == max(means, key=means.get)
    assert block.gains() == tuple(
        a - b for a, b in zip(*(block.methods[m].average.values for m in ("algcn", "algcn_without_gcn")), strict=True)
    )


def test_a_spread_over_one_run_has_no_deviation() -> None:
    assert Spread.over([0.5]) == Spread(0.5, None, (0.5,))
    assert Spread.over([0.25, 0.75]).std == pytest.approx(math.sqrt(0.125))


def test_curves_of_the_comparison_else_of_the_run_alone(whole: dict[str, Any]) -> None:
    record = Record.from_json(whole)
    assert list(record.label_curves()) == list(whole["baselines"]["relevance"])
    alone = Record.from_json({name: whole[name] for name in whole if name not in ("baselines", "other_modes")})
    (curves,) = alone.label_curves().values()
    assert list(alone.label_curves()) == [OWN_RUN] and set(curves.per_label) == {"algcn", "algcn_without_gcn"}
    assert curves.precision_recall.methods["algcn"].image_to_text == record.test.precision_recall.image_to_text
    assert Record(without_gcn=HeldOut(test=record.test)).label_curves() == {}


def test_a_record_that_is_made_is_written_without_what_it_has_not() -> None:
    record = Record(selection=Selection("last", "average mAP@all", 3))
    assert record.to_json() == {"selection": {"split": "last", "measure": "average mAP@all", "best_epoch": 3}}


def test_a_bundle_with_odd_numbers_opens_and_keeps_them(trained: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(trained, tmp_path / "odd"))
    odd = read_metrics(path)[1] | {"test": "words", "mine": 3}
    update_bundle(path, metrics=odd)
    bundle = Bundle.load(path)
    assert bundle.metrics == odd and bundle.record.test is None and len(bundle.record.problems) == 1
    assert bundle.record.validation is not None and bundle.record.others == {"test": "words", "mine": 3}
    assert bundle.model.embed_image(torch.zeros(1, bundle.model.config.image_dim)).shape == (1, 16)


def test_reading_a_record_imports_neither_torch_nor_pydantic() -> None:
    code = "import sys, algcn.evaluation.record; print({'torch', 'pydantic', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
