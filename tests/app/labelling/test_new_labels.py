"""How sure the name of a label makes is told by the labels that a model knows."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch.nn import functional

from algcn.gallery.store import Gallery
from algcn.method.labels import LabelSet
from algcn.method.new_label import NewLabel
from app.labelling.new_labels import CLEAR, NewLabels, mean_by_owner, zero_shot

COUNT, WIDTH = 200, 16


def world() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures that show one of five things, N × WIDTH, what they show, N, and the things' names, 5 × WIDTH."""
    generator = torch.Generator().manual_seed(3)
    names = functional.normalize(torch.randn(5, WIDTH, generator=generator), dim=1)
    shown = torch.randint(5, (COUNT,), generator=generator)
    pictures = names[shown] + 0.15 * torch.randn(COUNT, WIDTH, generator=generator)
    return functional.normalize(pictures, dim=1), shown, names


def gallery(pictures: torch.Tensor, owner: list[int] = (), texts: torch.Tensor | None = None) -> Gallery:
    empty = torch.empty(0, WIDTH)
    items = [None] * len(pictures)
    return Gallery(None, items, [], torch.tensor(owner, dtype=torch.long), pictures, empty, pictures,
                   empty if texts is None else texts, [])  # fmt: skip


def making(pictures: torch.Tensor, known: torch.Tensor, of_known: torch.Tensor, seen: bool = True, **loaded: NewLabel):
    """What makes a label "new", whose name has the last row's features, in a world of such pictures."""
    bundle = SimpleNamespace(
        label_set=LabelSet(list("abcd")),
        fingerprint="f",
        encodes=("image", "text"),
        model=SimpleNamespace(embed_text=lambda features: features),
    )
    features = dict(zip([*"abcd", "new"], known, strict=True))
    names = lambda asked: torch.stack([features[name] for name in asked])  # noqa: E731
    return NewLabels(bundle, gallery(pictures), ["new"], names, loaded, of_known if seen else None)


def test_a_new_label_is_probable_where_pictures_show_it() -> None:
    pictures, shown, names = world()
    of_known = functional.one_hot(shown, 5)[:, :4].float() * 0.9 + 0.02
    maker = making(pictures, names, of_known)
    for marked in (0, 4):
        known = torch.zeros(COUNT, 1)
        known[(shown == 4).nonzero()[:marked, 0]] = 1
        (label,) = maker.make(known, of_known)
        likely = maker.logits([label], of_known).sigmoid()[:, 0]
        assert label.examples == marked and label.is_calibrated
        assert likely[shown == 4].min() > 0.5 > likely[shown != 4].max()
        assert torch.allclose(label.probabilities(pictures, of_known, "image"), likely, atol=1e-5)
        assert bool((label.edges < 0).all()) == bool(marked), "they say what it does not come with"


def test_examples_find_what_the_name_does_not() -> None:
    pictures, shown, names = world()
    of_known = functional.one_hot(shown, 5)[:, :4].float() * 0.9 + 0.02
    noise = functional.normalize(torch.randn(WIDTH, generator=torch.Generator().manual_seed(9)), dim=0)
    names[4] = functional.normalize(names[4] + 3 * noise, dim=0)
    of_known[:] = 0.2  # the other labels tell nothing
    maker, known = making(pictures, names, of_known), torch.zeros(COUNT, 1)
    is_there = shown == 4

    def right() -> float:
        likely = maker.logits(maker.make(known, of_known), of_known)[:, 0]
        first = likely.argsort(descending=True)[: int(is_there.sum())]
        return float(is_there[first].float().mean())

    by_name = right()
    known[is_there.nonzero()[:4, 0]] = 1
    by_examples = right()
    known[(~is_there).nonzero()[:4, 0]] = -1
    assert by_name < 0.5 < 0.9 < by_examples
    (label,) = maker.make(known, of_known)
    refused = maker.logits([label], of_known)[(known < 0)[:, 0]]
    (without,) = maker.make(known.clamp(min=0), of_known)
    assert refused.mean() < maker.logits([without], of_known)[(known < 0)[:, 0]].mean()


def test_a_label_that_was_loaded_begins_where_it_was_and_learns_on() -> None:
    pictures, shown, names = world()
    of_known = functional.one_hot(shown, 5)[:, :4].float() * 0.9 + 0.02
    known = torch.zeros(COUNT, 1)
    known[(shown == 4).nonzero()[:2, 0]] = 1
    (made,) = making(pictures, names, of_known).make(known, of_known)
    elsewhere = making(pictures[100:], names, of_known[100:], new=made)
    (same,) = elsewhere.make(torch.zeros(100, 1), of_known[100:])
    assert same is made
    known = torch.zeros(100, 1)
    known[(shown[100:] == 4).nonzero()[3:5, 0]] = 1
    (more,) = elsewhere.make(known, of_known[100:])
    assert more.examples == 4 and torch.equal(more.edges, made.edges)
    assert not torch.equal(more.vector, made.vector)


def test_without_probabilities_a_label_is_clear_two_deviations_above_the_mean() -> None:
    pictures, _, names = world()
    maker = making(pictures, names, torch.zeros(COUNT, 4), seen=False)
    (label,) = maker.make(torch.zeros(COUNT, 1), torch.zeros(COUNT, 4))
    assert not label.is_calibrated
    scores = zero_shot(gallery(pictures), names[4:])[:, 0]
    assert torch.allclose(maker.logits([label], torch.zeros(COUNT, 4))[:, 0], scores - CLEAR, atol=1e-5)


def test_captions_count_as_much_as_the_picture_where_there_are_some() -> None:
    pictures, _, names = world()
    texts = functional.normalize(torch.randn(4, WIDTH, generator=torch.Generator().manual_seed(1)), dim=1)
    owner = [2, 2, 5, 9]
    alone, both = zero_shot(gallery(pictures), names), zero_shot(gallery(pictures, owner, texts), names)
    others = [row for row in range(COUNT) if row not in owner]
    assert torch.allclose(alone[others], both[others])
    of_texts = torch.stack([(texts[:2] @ names.T).mean(0), texts[2] @ names.T, texts[3] @ names.T])
    standard = (of_texts - of_texts.mean(0)) / of_texts.std(0, correction=0)
    assert torch.allclose(both[[2, 5, 9]], (alone[[2, 5, 9]] + standard) / 2, atol=1e-5)


def test_rows_of_texts_are_averaged_by_picture() -> None:
    values = torch.tensor([[1.0], [3.0], [7.0]])
    assert mean_by_owner(values, torch.tensor([1, 1, 0]), 3).tolist() == [[7.0], [2.0], [0.0]]
