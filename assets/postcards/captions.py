"""Captions that read like a person's: whole sentences from what can be seen.

Notable: things are grouped and counted first ("two dogs", "a man and a woman", "a herd of cows"), then a sentence
pattern is chosen that suits how many things there are and what they do. Only things that show are given in.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from assets.postcards.stage import Item

# What a caption calls a thing -> its plural, where adding s is not enough.
PLURALS = {
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "sheep": "sheep",
    "goose": "geese",
    "fruit": "fruit",
    "slice of pizza": "slices of pizza",
    "piece of cake": "pieces of cake",
    "bunch of grapes": "bunches of grapes",
    "bowl of salad": "bowls of salad",
    "cup of coffee": "cups of coffee",
    "plate of spaghetti": "plates of spaghetti",
    "bowl of soup": "bowls of soup",
    "glass of wine": "glasses of wine",
    "vase of flowers": "vases of flowers",
    "loaf of bread": "loaves of bread",
    "bowl of noodles": "bowls of noodles",
    "plate of pancakes": "plates of pancakes",
    "plate of curry": "plates of curry",
    "box of food": "boxes of food",
    "glass of milk": "glasses of milk",
    "mug of beer": "mugs of beer",
    "pile of books": "piles of books",
}
PEOPLE = {"person", "man", "woman", "boy", "girl", "child"}
SCENERY = {
    "tree",
    "pine tree",
    "palm tree",
    "building",
    "house",
    "potted plant",
    "chair",
    "flower",
    "table",
    "sink",
    "goal",
    "toilet",
    "fridge",
    "stove",
    "mirror",
    "painting",
    "control tower",
    "gift",
    "balloon",
}  # seldom the subject
ON_THE_WALL = {"clock", "painting", "mirror"}
HERDS = {
    "cow": "herd",
    "sheep": "flock",
    "elephant": "herd",
    "zebra": "herd",
    "horse": "group",
    "bird": "flock",
    "seagull": "flock",
    "duck": "group",
    "giraffe": "group",
    "goat": "group",
}
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
VOWEL_SOUNDS = tuple("aeiou")


def article(phrase: str) -> str:
    """`phrase` with a or an before it."""
    return f"{'an' if phrase.startswith(VOWEL_SOUNDS) else 'a'} {phrase}"


def plural(noun: str) -> str:
    """The plural of a noun or a noun phrase of ours."""
    if noun in PLURALS:
        return PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in VOWEL_SOUNDS:
        return noun[:-1] + "ies"
    return noun + "s"


def join(parts: Sequence[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def merge(*phrases: str) -> str:
    """`join`, with "a man and a woman" counting as two parts."""
    return join([part for phrase in phrases for part in phrase.split(" and ")])


@dataclass(frozen=True)
class Place:
    """How a caption may speak of where we are.

    Attributes:
        at: Phrases after a thing: "on the beach".
        a: Noun phrases with article: "a sandy beach".
        when: Phrases of time and weather; "" for none.
        behind: Phrases for the background, true of this picture: "with mountains in the background".
    """

    at: Sequence[str]
    a: Sequence[str]
    when: Sequence[str] = ("",)
    behind: Sequence[str] = ()


@dataclass
class Mention:
    """One or more things that go by one phrase."""

    items: list[Item]
    noun: str
    does: tuple[str, ...]
    adjective: str | None
    weight: float = 0.0
    covers: list[Item] = field(default_factory=list)

    @property
    def many(self) -> bool:
        """Whether the phrase takes a plural verb."""
        return len(self.items) > 1

    def phrase(self, rng: random.Random) -> str:
        """Return it counted, with its article: "a dog", "two dogs", "a herd of cows"."""
        count = len(self.items)
        name = f"{self.adjective} {self.noun}" if self.adjective else self.noun
        if count == 1:
            return article(name)
        if self.noun == "fruit":
            return "some fruit"
        if self.noun in PEOPLE:
            return self._people(rng)
        if count >= 3 and self.noun in HERDS and rng.random() < 0.5:
            return f"a {HERDS[self.noun]} of {plural(self.noun)}"
        if count > 3 and rng.random() < 0.45:
            return f"{rng.choice(('several', 'some', 'a few' if count < 5 else 'several'))} {plural(name)}"
        return f"{NUMBERS.get(count, 'many')} {plural(name)}"

    def _people(self, rng: random.Random) -> str:
        nouns = [item.noun for item in self.items]
        if len(set(nouns)) == 1 and len(nouns) in NUMBERS:
            return f"{NUMBERS[len(nouns)]} {plural(nouns[0])}"
        if len(nouns) == 2:
            first, second = sorted(nouns, key=["woman", "man", "person", "girl", "boy", "child"].index)
            return f"{article(first)} and {article(second)}"
        if len(nouns) > 3:
            return rng.choice(("a group of people", "several people", f"{NUMBERS.get(len(nouns), 'many')} people"))
        return rng.choice((f"{NUMBERS[len(nouns)]} people", "a group of people"))


def gather(items: Sequence[Item]) -> list[Mention]:
    """Group the things that show: same noun (or all people) doing the same, counted together."""
    groups: dict[tuple, Mention] = {}
    present = set(map(id, items))
    for item in items:
        if item.noun is None:
            continue
        does = item.does if all(id(need) in present for need in item.needs) else ()
        paired = bool(item.needs) and bool(does)
        people = item.noun in PEOPLE
        # People who do something with a thing of their own are told of one by one; others are counted together.
        key = ("pair", id(item)) if paired else ("people", does) if people else (item.noun, does)
        weight = item.sprite.width * item.sprite.height * max(item.shown, 0.1)
        if key not in groups:
            groups[key] = Mention([], item.noun, does, item.adjective)
        mention = groups[key]
        mention.items.append(item)
        mention.weight += (
            weight**0.5
            * (1.5 if item.labels else 0.6)
            * (1.35 if does and people else 1.0)
            * (0.07 if item.noun in SCENERY else 1.0)
        )
        if paired:
            mention.covers.extend(item.needs)
        if item.adjective != mention.adjective:
            mention.adjective = None
    covered = {id(item) for mention in groups.values() for item in mention.covers}
    mentions = []
    for mention in groups.values():
        mention.items = [item for item in mention.items if id(item) not in covered]
        if mention.items:
            mentions.append(mention)
    # The same noun twice with different doings would read as if there were only one: keep the larger group.
    mentions.sort(key=lambda mention: -mention.weight)
    return mentions


def _capital(text: str) -> str:
    text = " ".join(text.split()).replace(" ,", ",")
    return text[0].upper() + text[1:]


def _manage(doing: str, many: bool) -> str:
    """What several things do, where the singular would read as if they shared one bicycle."""
    if many:
        for one, several in (
            ("in a wheelchair", "in wheelchairs"),
            ("riding a bicycle", "riding bicycles"),
            ("riding a bike", "riding bikes"),
            ("riding a wave", "riding waves"),
            ("riding a surfboard", "riding surfboards"),
            ("surfing a wave", "surfing"),
            ("riding a snowboard", "riding snowboards"),
            ("on a snowboard", "on snowboards"),
            ("riding a horse", "riding horses"),
        ):
            doing = doing.replace(one, several)
    return doing


def _apart(doing: str, at: str) -> str:
    """`at`, unless it says again what `doing` has said ("floating on the water on the water")."""
    said = {word for word in doing.split() if len(word) > 3 and word not in ("with", "near", "under")}
    repeats = said & set(at.split())
    two_places = doing.startswith(("on ", "in ", "under ", "passing", "crossing", "going over")) or " on the " in doing
    return "" if repeats or two_places else at


def compose(rng: random.Random, items: Sequence[Item], place: Place) -> str:
    """One sentence about the picture."""
    mentions = gather(items)
    when = rng.choice(tuple(place.when)) if rng.random() < 0.55 else ""
    at, scene = rng.choice(tuple(place.at)), rng.choice(tuple(place.a))
    behind = rng.choice(tuple(place.behind)) if place.behind and rng.random() < 0.33 else ""
    if not mentions:
        return _capital(rng.choice((f"{scene} {when} {behind}", f"a view of {scene} {when}", f"{scene} {when}")) + ".")
    # Mostly the largest things, sometimes a smaller one.
    ranked = sorted(mentions, key=lambda mention: -mention.weight * rng.uniform(0.55, 1.45))
    main = ranked[0]
    same_kind = {main.noun} | (PEOPLE if main.noun in PEOPLE else set())
    others: list[Mention] = []
    for mention in ranked[1:]:
        if mention.noun not in same_kind:
            others.append(mention)
            same_kind |= {mention.noun} | (PEOPLE if mention.noun in PEOPLE else set())
    subject = main.phrase(rng)
    verb = "are" if main.many else "is"
    doing = _manage(rng.choice(main.does), main.many) if main.does else ""
    at = _apart(doing, at)
    behind = _apart(f"{doing} {at}", behind)
    plain = [name for name in place.a if " with " not in name]
    scene = rng.choice(plain) if plain else scene
    # "A man is with a suitcase" is not what people say.
    clause = doing
    if doing.startswith("with "):
        clause = next((does for does in main.does if not does.startswith("with ")), doing)
    near = [mention for mention in others if mention.noun not in ON_THE_WALL and _apart(doing, mention.noun)]
    patterns = [("simple", 3.0 if doing else 1.2), ("there", 0.8), ("with", 1.2)]
    if others:
        patterns += [("and", 1.2), ("with_two", 1.4)]
        if doing and others[0].does:
            patterns.append(("while", 1.6))
    if near and main.noun not in ON_THE_WALL:
        patterns.append(("near", 0.7))
        if doing and " near " not in f" {doing}":
            patterns.append(("doing_near", 0.9))
    if len(others) > 1:
        patterns.append(("list", 1.6))
    if when:
        patterns.append(("when_first", 0.7))
    pattern = rng.choices([name for name, _ in patterns], [weight for _, weight in patterns])[0]
    other = others[0].phrase(rng) if others else ""
    if pattern == "simple":
        text = f"{subject} {doing} {at} {when}" if rng.random() < 0.7 else f"{subject} {verb} {clause} {at} {behind}"
    elif pattern == "there":
        be = "is" if subject.startswith(("a ", "an ")) else verb
        text = f"there {be} {subject} {doing} {at} {behind or when}"
    elif pattern == "and":
        text = f"{merge(subject, other)} {at} {when or behind}"
    elif pattern == "with":
        text = f"{scene} with {subject} {doing if rng.random() < 0.6 and _apart(doing, scene) else ''} {when}"
    elif pattern == "with_two":
        text = f"{scene} with {merge(subject, other)} {when}"
    elif pattern == "near":
        text = f"{subject} {rng.choice(('near', 'next to', 'not far from'))} {near[0].phrase(rng)} {at} {when}"
    elif pattern == "doing_near":
        where = at if rng.random() < 0.6 else ""
        text = f"{subject} {doing} near {near[0].phrase(rng)} {where} {when}"
    elif pattern == "while":
        second = others[0]
        does = _manage(
            rng.choice([does for does in second.does if not does.startswith("with ")] or second.does), second.many
        )
        be = "are" if second.many else "is"
        where = _apart(does, at) if rng.random() < 0.6 else ""
        text = f"{subject} {verb} {clause} {where} while {other} {be} {does}"
    elif pattern == "list":
        text = f"{scene} with {merge(subject, other, others[1].phrase(rng))}"
        if rng.random() < 0.4:
            text += f" {when}"
    else:
        text = f"{when}, {subject} {verb} {clause} {at}"
    return _capital(text + ".").replace(" .", ".")
