"""What is said of labels by hand: on and off, step by step back, whatever the case, and never without bound."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from algcn.datasets.image_folder import Item
from algcn.kit.errors import InputError
from app.labelling import marks as module
from app.labelling.marks import MAX_NAME, MAX_NEW, MAX_STEPS, Marks, check_name

ITEMS = [Item("a.png", [], ["Sea", "boat"]), Item("b.png", [], None), Item("c.png", ["A dog"], None)]


def labels(marks: Marks) -> list[list[str] | None]:
    return [item.labels for item in marks.items(ITEMS)]


def test_what_is_said_lies_over_what_came_with_the_pictures() -> None:
    marks = Marks()
    assert labels(marks) == [["Sea", "boat"], None, None]
    assert marks.mark([("a.png", "SEA"), ("b.png", "dog")], False) == 2
    assert marks.mark([("b.png", "sky"), ("c.png", "sky")], True) == 2
    assert labels(marks) == [["boat"], ["sky"], ["sky"]]
    assert marks.said()["b.png"] == {"dog": False, "sky": True}
    assert ITEMS[0].labels == ["Sea", "boat"], "what came is never changed"
    assert [item.texts for item in marks.items(ITEMS)] == [[], [], ["A dog"]]


def test_a_label_is_the_same_whatever_its_case_and_spaces() -> None:
    marks = Marks()
    marks.mark([("a.png", "sea ")], True)
    assert labels(marks)[0] == ["Sea", "boat"], "it has it already"
    assert marks.mark([("b.png", "Red  Kite")], True) == 1
    assert marks.mark([("b.png", "red kite")], True) == 0
    marks.mark([("b.png", "RED KITE")], False)
    assert labels(marks)[1] is None


def test_every_step_is_taken_back_in_turn() -> None:
    marks = Marks()
    marks.mark([("a.png", "sky")], True)
    marks.mark([("b.png", "zebra"), ("c.png", "zebra")], True, ["zebra"])
    marks.mark([("a.png", "sky"), ("b.png", "zebra")], False)
    marks.forget("Zebra")
    assert (marks.new, labels(marks), marks.steps) == ([], [["Sea", "boat"], None, None], 4)
    assert marks.undo() == 2
    assert (marks.new, labels(marks)) == (["zebra"], [["Sea", "boat"], None, ["zebra"]])
    assert marks.undo() == 2
    assert labels(marks) == [["Sea", "boat", "sky"], ["zebra"], ["zebra"]]
    assert marks.undo() == 2
    assert (marks.new, labels(marks)) == ([], [["Sea", "boat", "sky"], None, None])
    assert (marks.undo(), marks.undo(), marks.steps) == (1, 0, 0)
    assert marks.said()["a.png"] == {}


def test_what_changes_nothing_is_no_step() -> None:
    marks = Marks()
    marks.mark([("a.png", "sky")], True)
    version = marks.version
    assert marks.mark([("a.png", "sky")], True) == 0
    assert marks.mark([], True) == 0
    assert marks.forget("unknown") == 0
    assert (marks.steps, marks.version) == (1, version)


def test_steps_and_new_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = Marks()
    for number in range(MAX_STEPS + 20):
        marks.mark([("a.png", f"label {number}")], True)
    assert marks.steps == MAX_STEPS
    for number in range(MAX_NEW):
        marks.mark([], True, [f"new {number}"])
    with pytest.raises(InputError, match=f"There may be {MAX_NEW} labels of your own; take one away first."):
        marks.mark([("a.png", "one more")], True, ["one more"])
    assert "one more" not in labels(marks)[0], "on an error nothing is said"
    monkeypatch.setattr(module, "MAX_REMEMBERED", 10)
    marks.mark([("b.png", f"label {number}") for number in range(30)], True)
    assert marks.steps == 1, "the last step can always be taken back"
    assert marks.undo() == 30


def test_clicks_at_once_lose_nothing() -> None:
    marks = Marks()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: marks.mark([("b.png", f"label {number}")], True), range(80)))
    assert sorted(labels(marks)[1]) == sorted(f"label {number}" for number in range(80))
    assert (marks.steps, marks.version) == (80, 80)
    for _ in range(80):
        assert marks.undo() == 1
    assert labels(marks)[1] is None


@pytest.mark.parametrize("label", ["", "  ", None, 3, ["sea"], "a|b", "a\x00b", "x" * (MAX_NAME + 1)])
def test_a_name_that_is_none_is_one_sentence(label: object) -> None:
    with pytest.raises(InputError) as caught:
        check_name(label)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_a_name_is_kept_as_it_was_typed_but_for_spaces() -> None:
    assert check_name("  Grandma's   house ") == "Grandma's house"
