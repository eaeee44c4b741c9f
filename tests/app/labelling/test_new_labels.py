"""How sure the name of a label makes is told by the labels that a model knows."""

from __future__ import annotations

import torch
from torch.nn import functional

from algcn.gallery.store import Gallery
from app.labelling.new_labels import edges_of, mean_by_owner, new_label_probabilities, scale_of_names, zero_shot

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


def test_a_new_label_is_probable_where_pictures_show_it() -> None:
    pictures, shown, names = world()
    known, new = names[:4], names[4]
    of_known = functional.one_hot(shown, 5)[:, :4].float() * 0.9 + 0.02
    scale = scale_of_names(zero_shot(gallery(pictures), known), of_known)
    scores = zero_shot(gallery(pictures), new[None])[:, 0]
    assert abs(float(scores.mean())) < 1e-5 and abs(float(scores.std(correction=0)) - 1) < 1e-5
    for examples in (torch.zeros(COUNT, dtype=torch.bool), shown == 4):
        edges = edges_of(examples, new, known, of_known)
        likely = new_label_probabilities(scores, edges, of_known, scale)
        assert likely[shown == 4].min() > 0.5 > likely[shown != 4].max()


def test_examples_say_what_a_label_does_not_come_with() -> None:
    _, shown, names = world()
    of_known = functional.one_hot(shown, 5)[:, :4].float()
    assert bool((edges_of(shown == 4, names[4], names[:4], of_known) < 0).all())
    assert bool((edges_of(torch.zeros(COUNT, dtype=torch.bool), names[4], names[:4], of_known) >= 0).all())


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
