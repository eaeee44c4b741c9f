"""Bars: rate and time left in a terminal, a line now and then in a log, nothing where nothing is to be said."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from algcn.kit import progress
from algcn.kit.progress import ProgressBar, track


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Stdout and stderr on one screen, with bars from the first moment."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(progress, "DELAY_SECONDS", 0.0)
    return screen


def test_a_terminal_sees_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    with ProgressBar("encode", total=4, unit="image") as bar:
        bar.update(2)
        bar.note(loss="0.5")
    drawn = terminal.getvalue()
    assert (
        "encode" in drawn and "0/4 [00:00<?" in drawn and "image/s" in drawn and "2/4" in drawn and "loss=0.5" in drawn
    )


def test_a_line_stands_above_the_bar_and_never_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    with ProgressBar("train", total=2, unit="epoch") as bar:
        bar.say("epoch 1/2")
        bar.update()
    before, _, after = terminal.getvalue().partition("epoch 1/2")
    assert before.endswith("\r") and after.startswith("\n\r")


def test_slow_work_has_a_bar_before_anything_is_done_and_an_error_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = watched(monkeypatch)
    monkeypatch.setattr(progress, "DELAY_SECONDS", 0.05)
    with pytest.raises(ValueError), ProgressBar("train", total=2, unit="epoch"):
        while "0/2" not in terminal.getvalue():
            time.sleep(0.01)
        raise ValueError
    assert terminal.getvalue().endswith("\n")


def test_work_that_is_over_at_once_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    monkeypatch.setattr(progress, "DELAY_SECONDS", 60.0)
    assert list(track(range(3), "count", total=3)) == [0, 1, 2]
    assert terminal.getvalue() == ""


def test_a_bar_that_is_not_shown_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    with ProgressBar("train", total=2, shown=False) as bar:
        bar.say("epoch 1/2")
        bar.reach(1, 2)
        bar.describe("still")
        bar.note(loss="1")
    assert terminal.getvalue() == "" and bar.done == 1


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with ProgressBar("encode", unit="image") as bar:
        bar.start_at(100)
        for step in range(60):
            now[0] += 1.0
            bar.reach(101 + step, 200)
        bar.say("done")
    out, err = capsys.readouterr()
    assert out == "done\n" and "\r" not in err
    lines = err.splitlines()
    assert len(lines) == 3  # after 30 and 60 seconds, and at the end
    assert re.fullmatch(r"encode:  65% 130/200 \[00:30<01:10, +1\.00image/s\]", lines[0]), lines[0]


def test_short_work_leaves_no_line_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track("ab", "count")) == ["a", "b"]
    assert capsys.readouterr() == ("", "")
