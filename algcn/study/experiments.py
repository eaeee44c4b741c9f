"""The experiments by name: what each measures, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from algcn.study import ablations, comparison, damage, known, new, rare, truth
from algcn.study.cells import Key
from algcn.study.peers import experiment as peers
from algcn.study.settings import Study


class Experiment(NamedTuple):
    """An experiment.

    Attributes:
        keys: Names its measurements of a collection, in the order of tables.
        measure: Makes one; what it returns is JSON.
    """

    keys: Callable[[Study], Iterator[Key]]
    measure: Callable[[Study, Key], dict[str, Any]]


EXPERIMENTS: Mapping[str, Experiment] = {
    "main": Experiment(comparison.keys, comparison.measure),
    "ablations": Experiment(ablations.keys, ablations.measure),
    "damage": Experiment(damage.keys, damage.measure),
    "known": Experiment(known.keys, known.measure),
    "new": Experiment(new.keys, new.measure),
    "rare": Experiment(rare.keys, rare.measure),
    "truth": Experiment(truth.keys, truth.measure),
    "peers": Experiment(peers.keys, peers.measure),
}
