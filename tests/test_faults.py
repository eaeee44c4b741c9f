"""The fault campaign in short: commands that are killed end as if nobody had disturbed them."""

from __future__ import annotations

import random
from pathlib import Path

from hub_server import HubServer

from tests.faults import Campaign, cases, table, write_given


def test_commands_that_are_killed_end_as_if_they_had_not_been(tmp_path: Path) -> None:
    with HubServer() as hub:
        chosen = cases(write_given(tmp_path / "given", pictures=520), hub, epochs=3)[:3]
    campaign = Campaign(tmp_path, random.Random(3), forks=True)
    tallies = [campaign.attack(case, kills) for case, kills in zip(chosen, (2, 2, 1), strict=True)]
    assert all(tally.is_good for tally in tallies), table(tallies)
