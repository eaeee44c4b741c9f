"""What a training says of itself."""

from __future__ import annotations

from algcn.training.verdict import last_epoch_warning, probe_warning


def test_the_best_epoch_was_the_last() -> None:
    assert last_epoch_warning(20, 20, "validation").startswith("The best epoch was the last (20)")
    assert last_epoch_warning(19, 20, "validation") is None
    assert last_epoch_warning(20, 20, "last") is None  # none was picked


def test_the_probe_is_better() -> None:
    assert "(mAP 0.8830 and 0.6960)" in probe_warning(0.696, 0.883)
    assert probe_warning(0.883, 0.883) is None
