"""Train each method that is compared, and describe the held-out items as each of them ranks.

Every method is chosen on the validation split alone: epoch, regularisation, probabilities, graph strength.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from algcn.datasets.features import Features
from algcn.evaluation.fitting import fit_probabilities
from algcn.evaluation.linear_probe import WEIGHT_DECAYS, Standardiser, fit_linear_probe
from algcn.evaluation.probabilities import fit_platt
from algcn.evaluation.ranking import Parts, label_vectors, rarity, rarity_among
from algcn.evaluation.retrieval import Embedded, group, has_own_space
from algcn.method.config import preset
from algcn.method.label_graph import counted_graph, with_predicted
from algcn.method.plus import DEFAULTS, PlusSettings, plus_config
from algcn.study.settings import Study
from algcn.training.loop import default_sizes, train_algcn

SPLITS = ("validation", "test")


@dataclasses.dataclass(frozen=True)
class Sides:
    """Something of the held-out images and texts, by split: "validation" and "test"."""

    image: Mapping[str, Tensor]
    text: Mapping[str, Tensor]

    def map(self, function) -> Sides:
        """Apply a function of a tensor to every part."""
        return Sides(*({split: function(rows) for split, rows in side.items()} for side in (self.image, self.text)))


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A trained method on the held-out items.

    Attributes:
        embeddings: L2-normalised, what cosine ranks by.
        logits: Calibrated log-odds of every label; None of a method that knows no labels.
        counted: The counted label graph of the labels that it was trained on, L × L.
        share: The share of training images that have each label, L.
        rarity: w_c of every label, L.
        instances: What finds the very picture in the rule of ranking, L2-normalised; the embeddings by default.
    """

    embeddings: Sides
    logits: Sides | None
    counted: Tensor
    share: Tensor
    rarity: Tensor
    instances: Sides | None = None

    def with_graph(self, strength: float, features: Features) -> Fitted:
        """Let predicted labels speak for one another (`with_predicted`), calibrated anew."""
        if not strength:
            return self
        moved = self.logits.map(lambda logits: with_predicted(logits, self.share, self.counted, strength))
        return dataclasses.replace(self, logits=calibrated(moved, features))

    def parts(self, split: str, columns: Tensor) -> tuple[Parts, Parts]:
        """Describe the images and texts of a split as the rule of ranking sees them, by some of the labels."""
        weights, instances = rarity_among(self.rarity, columns), self.instances or self.embeddings

        def side(embeddings: Tensor, logits: Tensor) -> Parts:
            return Parts(embeddings, label_vectors(logits.sigmoid(), weights), embeddings[:, :0])

        return (
            side(instances.image[split], self.logits.image[split]),
            side(instances.text[split], self.logits.text[split]),
        )


def held_out(features: Features) -> dict[str, Embedded]:
    """Group the held-out items with their features as they are."""
    return {split: group(features.select(split)) for split in SPLITS}


def calibrated(logits: Sides, features: Features) -> Sides:
    """Fit log-odds anew on the validation split (Platt), for each side."""
    items = group(features.select("validation"))
    found = []
    for side, labels in ((logits.image, items.labels), (logits.text, items.text_labels)):
        scale = fit_platt(side["validation"], labels)
        found.append({split: scale.logits(rows) for split, rows in side.items()})
    return Sides(*found)


def trained(
    mode: str,
    study: Study,
    seed: int,
    *,
    use_gcn: bool = True,
    plus: PlusSettings = DEFAULTS,
    soft_labels: Tensor | None = None,
) -> Fitted:
    """Train ALGCN in a mode, on the train split, the epoch picked on validation.

    Args:
        mode: "paper" or "plus".
        study: The features with their splits, and where to compute.
        seed: The seed of the start and of everything drawn.
        use_gcn: Whether the classifiers of mode "paper" come from the graph convolution.
        plus: How much each part of the loss of mode "plus" counts.
        soft_labels: The labels of the training rows where some were imputed, for mode "plus".
    """
    features, collection = study.features, study.collection
    if mode == "plus":
        labelled = (features.select("train").labels != 0).any(dim=1).sum()
        config, sizes = plus_config(int(labelled), seed=seed), default_sizes(features, mode)
    else:
        config = preset(collection.preset).replace(seed=seed)
        config = config.replace(epochs=collection.epochs) if collection.epochs else config
        sizes = default_sizes(features, mode).replace(use_gcn=use_gcn)
    model = train_algcn(
        features,
        config,
        model_config=sizes,
        relevance=study.relevant,
        device=study.device,
        plus=plus,
        soft_labels=soft_labels,
    ).model.cpu()
    scales = fit_probabilities(model, features)
    items = held_out(features)
    with torch.no_grad():
        classifiers = functional.normalize(model.classifiers(), dim=1)
        embeddings = Sides(
            {split: functional.normalize(model.embed_image(part.images), dim=1) for split, part in items.items()},
            {split: functional.normalize(model.embed_text(part.texts), dim=1) for split, part in items.items()},
        )
    logits = Sides(
        {split: scales["image"].logits(rows @ classifiers.T) for split, rows in embeddings.image.items()},
        {split: scales["text"].logits(rows @ classifiers.T) for split, rows in embeddings.text.items()},
    )
    return Fitted(embeddings, logits, *label_statistics(features))


def linear_probe(study: Study) -> Fitted:
    """Fit a logistic regression for each label and side, its strength by label AP on validation.

    Its embeddings are the probabilities, as `algcn.evaluation.linear_probe` has it; what finds the very picture is the
    encoder where it has a space of its own.
    """
    features, columns = study.features, study.relevant
    training, items = features.select("train"), held_out(features)
    keep = (training.labels != 0).any(dim=1)
    labels = training.labels[keep].to(study.device)
    found: dict[str, dict[str, Tensor]] = {}
    for side in ("images", "texts"):
        rows = (training.image_features if side == "images" else training.text_features)[keep]
        standardise = Standardiser.fit(rows)
        truth = items["validation"].labels if side == "images" else items["validation"].text_labels
        best, kept = -1.0, {}
        for strength in WEIGHT_DECAYS:
            weights = fit_linear_probe(standardise(rows).to(study.device), labels, strength).cpu()
            scored = {
                split: standardise(getattr(part, side)) @ weights[:-1] + weights[-1] for split, part in items.items()
            }
            ap = float(label_ap(scored["validation"], truth)[columns].nanmean())
            if ap > best:
                best, kept = ap, scored
        found[side] = kept
    logits = calibrated(Sides(found["images"], found["texts"]), features)
    embeddings = logits.map(lambda rows: functional.normalize(rows.sigmoid(), dim=1))
    instances = None
    if has_own_space(features):
        own = {name: (part.images, part.texts) for name, part in items.items()}
        instances = Sides(
            *({name: functional.normalize(sides[which], dim=1) for name, sides in own.items()} for which in (0, 1))
        )
    return Fitted(embeddings, logits, *label_statistics(features), instances)


def probe_logits(features: Features, device: str, weight_decay: float = 0.03) -> Tensor:
    """Fit probes of both sides to items and return the mean of their log-odds on the same items, N × L."""
    logits = []
    for rows in (features.image_features, features.text_features):
        standard = Standardiser.fit(rows)(rows).to(device)
        weights = fit_linear_probe(standard, features.labels.to(device), weight_decay)
        logits.append(standard @ weights[:-1] + weights[-1])
    return (logits[0] + logits[1]).cpu() / 2


def label_statistics(features: Features) -> tuple[Tensor, Tensor, Tensor]:
    """Count the label graph, the share of every label and its rarity on the images of the train split."""
    training = features.select("train")
    first, _ = training.first_rows()
    labels = training.labels[first]
    labels = labels[(labels != 0).any(dim=1)]
    return counted_graph(labels), labels.float().mean(dim=0), rarity(labels)


def label_ap(scores: Tensor, labels: Tensor) -> Tensor:
    """Average precision of every label over items, L; NaN for a label that no item has."""
    order = scores.argsort(dim=0, descending=True, stable=True)
    found = labels.gather(0, order).double()
    ranks = torch.arange(1, len(scores) + 1)[:, None]
    return ((found.cumsum(dim=0) / ranks) * found).sum(dim=0) / found.sum(dim=0)
