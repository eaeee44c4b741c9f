"""A label without any training example: what similar names and captions add to what the encoder says of its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.retrieval import group
from algcn.method.label_graph import STRENGTHS, edges_of_a_name, edges_of_examples, new_label_scores
from algcn.study.cells import Key
from algcn.study.measuring import standardised
from algcn.study.methods import label_ap, trained
from algcn.study.settings import Study


def keys(study: Study) -> Iterator[Key]:
    """Name the runs: every label that decides relevance and every seed, by captions where there are some."""
    with_captions = study.language().named is not None
    for column in study.relevant.tolist():
        label = study.features.label_set[column].name
        for seed in study.settings.seeds:
            yield Key(study.collection.name, "new", {"label": label, "seed": seed, "captions": with_captions})


def measure(study: Study, key: Key) -> dict[str, Any]:
    """Train mode "plus" on all labels but one, and find the pictures of that one.

    The strength of a graph is picked on the validation split by the other labels, each scored as if it were new.

    Returns:
        "label", "seed", "chance" (the share of test pictures that have it), "zero-shot" (AP by its name alone), and by
        graph, "names" and "captions", the "ap" and the "strength" that was picked.
    """
    features, language = study.features, study.language()
    column = features.label_set.index(key.of["label"])
    known = [other for other in range(len(features.label_set)) if other != column]
    fitted = trained("plus", study.on(columns_of(features, known)), key.of["seed"])
    training = features.select("train")
    first, _ = training.first_rows()
    labels = training.labels[first]
    truth = {split: group(features.select(split)) for split in ("validation", "test")}
    zero_shot = {split: standardised(items.images @ language.names.T) for split, items in truth.items()}

    def by_names(label: int, among: list[int]) -> Tensor:
        return edges_of_a_name(language.names[label], language.names[among])

    graphs: dict[str, Callable[[int, list[int]], Tensor]] = {"names": by_names}
    if key.of["captions"]:
        rows = torch.tensor([split == "train" for split in features.split])
        named = language.named[rows][first]
        graphs["captions"] = lambda label, among: edges_of_examples(labels[named[:, label]][:, among], labels[:, among])

    def ap(split: str, label: int, graph: Callable[[int, list[int]], Tensor]) -> Tensor:
        """AP of a label by strength."""
        among = [other for other in known if other != label]
        chosen = torch.tensor([known.index(other) for other in among])
        likely = fitted.logits.image[split].sigmoid()[:, chosen]
        edges, share = graph(label, among), likely.mean(dim=0)
        scores = [new_label_scores(zero_shot[split][:, label], likely, share, edges, s) for s in STRENGTHS]
        has = truth[split].labels[:, label, None].expand(-1, len(STRENGTHS))
        return label_ap(torch.stack(scores, dim=1), has)

    found: dict[str, Any] = {"label": key.of["label"], "seed": key.of["seed"]}
    found["chance"] = float(truth["test"].labels[:, column].float().mean())
    others = [other for other in study.relevant.tolist() if other != column]
    for name, graph in graphs.items():
        at = torch.stack([ap("validation", other, graph) for other in others], dim=1).nanmean(dim=1).argmax()
        aps = ap("test", column, graph)
        found["zero-shot"] = float(aps[STRENGTHS.index(0.0)])
        found[name] = {"ap": float(aps[at]), "strength": STRENGTHS[at]}
    return found


def columns_of(features: Features, columns: list[int]) -> Features:
    """The same items with some of the labels."""
    names = [features.label_set[column].name for column in columns]
    return dataclasses.replace(features, labels=features.labels[:, columns], label_set=features.label_set.subset(names))
