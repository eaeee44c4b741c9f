"""Names beside points: none covers another or a point, and some must be there."""

from __future__ import annotations

import numpy as np

from app.maps.names import BOLD, LETTER, LINE, _box, _hits, _overlap, _pixels, place_names


class TestNames:
    ranges = ((0.0, 100.0), (0.0, 100.0))

    def sides(
        self, positions: list[list[float]], names: list[str], **options: object
    ) -> list[str | tuple[float, float] | None]:
        return place_names(positions, names, range(len(names)), self.ranges, (100.0, 100.0), **options)

    def test_a_lonely_name_stands_on_the_right_and_turns_at_the_edge(self) -> None:
        assert self.sides([[20, 50], [95, 20]], ["dog", "cat"]) == ["middle right", "middle left"]

    def test_a_name_never_covers_a_point_or_another_name(self) -> None:
        sides = self.sides([[20, 50], [40, 50]], ["dog", "cat"])
        assert sides[0] != "middle right"
        crowd = [[50 + x, 50 + y] for x in range(-6, 7, 3) for y in range(-6, 7, 3)]
        sides = self.sides(crowd, ["some words"] * len(crowd))
        assert sum(side is not None for side in sides) <= 4
        assert None in sides

    def test_who_comes_first_is_named_first_and_others_may_have_no_name(self) -> None:
        positions = [[50, 50], [50, 50]]
        assert place_names(positions, ["one", "two"], [1], self.ranges, (100.0, 100.0))[0] is None

    def test_names_keep_clear_of_the_query(self) -> None:
        free = self.sides([[20, 50]], ["dog"])
        beside = self.sides([[20, 50]], ["dog"], star=[40, 50])
        assert free == ["middle right"]
        assert beside != free

    def test_no_two_of_many_overlap(self) -> None:
        generator = np.random.default_rng(0)
        positions, names = generator.random((60, 2)) * 100, ["a longer name"] * 60
        size = (400.0, 400.0)
        sides = place_names(positions, names, range(60), self.ranges, size)
        pixels = _pixels(positions, self.ranges, size)
        boxes = [_box(*pixels[i], 6.4 * 13, side) for i, side in enumerate(sides) if side is not None]
        assert len(boxes) > 10
        assert not any(_overlap(a, b) for number, a in enumerate(boxes) for b in boxes[:number])

    def test_names_that_must_be_there_are_led_away_from_a_crowd(self) -> None:
        generator = np.random.default_rng(1)
        positions = 50 + generator.random((60, 2)) * 6  # all on one heap
        names, size, must = ["some words"] * 60, (350.0, 350.0), range(9)
        places = place_names(positions, names, range(60), self.ranges, size, must=must)
        assert all(places[number] is not None for number in must)
        pixels = _pixels(positions, self.ranges, size)
        width = LETTER * 10 * BOLD
        boxes = []
        for number in must:
            (x, y), place = pixels[number], places[number]
            if isinstance(place, tuple):
                x, y = x + place[0], y + place[1]
                boxes.append((x - width / 2, y - LINE / 2, x + width / 2, y + LINE / 2))
            else:
                boxes.append(_box(x, y, width, place))
        assert any(isinstance(places[number], tuple) for number in must)
        assert not any(_overlap(a, b) for number, a in enumerate(boxes) for b in boxes[:number])
        assert not any(_hits(box, np.delete(pixels, number, axis=0)) for number, box in zip(must, boxes, strict=True))
        assert all(min(box) >= 0 and max(box) <= 350 for box in boxes)
        assert not any(isinstance(place, tuple) for place in places[9:])
