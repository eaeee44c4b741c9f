"""A directed graph of what one label says about another, which acts on what is known of an item.

G is L × L in log-odds: G_jc is added to the log-odds of label c where label j is known to be there. It is counted from
label rows (`counted_graph`) or learned beside classifiers that see the picture (`learn_graph`), so that an edge holds
what the picture does not say by itself. Uses:

    known labels       ℓ_c + Σ_j y_j G_jc                     `with_known`
    predicted scores   ℓ_c + s Σ_j (p_j − π_j) G_jc           `with_predicted`
    missing labels     q = t (1 − κ) / (1 − t κ)              `impute`, of training rows that lack some of their labels
    a new label        zs_c + s Σ_j G_cj (p_j − π_j)          `new_label_scores`

This is no part of the paper: its graph makes classifiers (`algcn.method.graph`), and this one acts on labels. N is the
number of items, L of labels, d the width of features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from algcn.kit.errors import InputError
from algcn.method.graph import cooccurrence

SUPPORT = 5  # a label with fewer examples says nothing: what it comes with may be chance
SMOOTHING = 1e-3  # of the probabilities whose logarithms are taken
COUNTED_SHARE = 0.5  # of the counted graph, from which the learned one starts: a picture says the other half itself
WEIGHT_PENALTY = 0.03
CHANGE_PENALTY = 0.001
STEPS = 60
LEARNED_ROWS = 50_000
STRENGTHS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
CERTAIN = 0.98  # an imputed label is never surer than this
_RARE, _COMMON = 1e-4, 0.99


class DirectedGraph(NamedTuple):
    """A learned graph: G = COUNTED_SHARE · counted + change, L × L with nothing on the diagonal; and π, L.

    Attributes:
        counted: What co-occurrence says (`counted_graph`).
        change: What learning added.
        share: The share of training items that have each label.
    """

    counted: Tensor
    change: Tensor
    share: Tensor

    @property
    def edges(self) -> Tensor:
        """G, L × L: row j is what label j says about the others."""
        return COUNTED_SHARE * self.counted + self.change


def counted_graph(labels: Tensor) -> Tensor:
    """Count how much likelier a label is where another is given: log P(c | j) − log P(c), L × L.

    Args:
        labels: N × L of 0 and 1, or probabilities of them.

    Returns:
        Row j of a label with fewer than SUPPORT examples, and the diagonal, are 0.
    """
    counts, share = _counts(labels), labels.double().mean(dim=0)
    conditional = counts / counts.diagonal()[:, None].clamp(min=1e-6)
    lift = ((conditional + SMOOTHING) / (share + SMOOTHING)).log()
    lift = lift * (counts.diagonal() >= SUPPORT)[:, None]
    return lift.fill_diagonal_(0).float()


def learn_graph(
    features: Sequence[Tensor], labels: Tensor, seed: int = 0, counted_from: Tensor | None = None
) -> DirectedGraph:
    """Learn what labels say about one another beyond what the features say, by pseudo-likelihood (Besag 1975).

    Minimises BCE(W x + b + (r ∘ y) G, y) + WEIGHT_PENALTY / 2 · ‖W‖² + CHANGE_PENALTY / 2 · ‖G − G₀‖², summed over the
    labels, on two copies of the items: one where each label is revealed (r) with a probability drawn for the item, one
    where nothing is. G₀ is COUNTED_SHARE of the counted graph.

    G₀ is counted on all items, and the change learned on LEARNED_ROWS of them, drawn at random, where there are more:
    20,000 rows of 512 features and 67 labels take six seconds of one core.

    Args:
        features: What is seen of the N items, each N × d, standardised; side by side they are x.
        labels: N × L of 0 and 1.
        seed: The seed of what is revealed.
        counted_from: Other label rows that the counted graph comes from; these by default.

    Raises:
        InputError: No item.
    """
    if not len(labels):
        raise InputError("No item has a label, so no label graph can be learned; give labelled items.")
    generator = torch.Generator().manual_seed(seed)
    labels = labels.float()
    counted, share = counted_graph(labels if counted_from is None else counted_from).to(labels), labels.mean(dim=0)
    if len(labels) > LEARNED_ROWS:
        drawn = torch.randperm(len(labels), generator=generator)[:LEARNED_ROWS].to(labels.device)
        features, labels = [part[drawn] for part in features], labels[drawn]
    revealed = _revealed(labels, generator)
    inputs = torch.cat([*features, torch.ones_like(labels[:, :1])], dim=1)
    off_diagonal = 1 - torch.eye(labels.shape[1], device=labels.device)
    weights = torch.zeros(inputs.shape[1], labels.shape[1], device=labels.device)
    weights[-1] = torch.logit(share.clamp(_RARE, _COMMON))
    weights.requires_grad_()
    change = torch.zeros_like(counted, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, change], max_iter=STEPS, history_size=10, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        seen = inputs @ weights
        known = seen + revealed @ ((COUNTED_SHARE * counted + change) * off_diagonal)
        fits = [F.binary_cross_entropy_with_logits(logits, labels) for logits in (known, seen)]
        loss = (fits[0] + fits[1]) / 2 * labels.shape[1]
        loss = loss + WEIGHT_PENALTY / 2 * weights[:-1].square().sum()
        loss = loss + CHANGE_PENALTY / 2 * (change * off_diagonal).square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return DirectedGraph(counted, change.detach() * off_diagonal, share)


def scaled_to(graph: DirectedGraph, logits: Tensor, labels: Tensor, seed: int = 0) -> DirectedGraph:
    """Scale a graph to what it adds to a model's own log-odds, by the likelihood of labels that are not revealed.

    The better a model sees, the less is left for the graph to say: on held-out items labels are revealed at random, and
    of STRENGTHS the one is taken that makes the others likeliest. It may be 0.

    Args:
        graph: What `learn_graph` returned.
        logits: N × L calibrated log-odds of held-out items.
        labels: N × L of 0 and 1.
        seed: The seed of what is revealed.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = labels.float()
    revealed = _revealed(labels, generator)
    hidden = revealed == 0

    def misfit(strength: float) -> float:
        known = with_known(logits, revealed, strength * graph.edges)
        return float(F.binary_cross_entropy_with_logits(known[hidden], labels[hidden]))

    strength = min(STRENGTHS, key=misfit)
    return graph._replace(counted=strength * graph.counted, change=strength * graph.change)


def with_known(logits: Tensor, known: Tensor, edges: Tensor) -> Tensor:
    """Add what known labels say to the log-odds of the others: ℓ + y G, N × L.

    Args:
        logits: N × L log-odds by what is seen.
        known: N × L, 1 where a label is known to be there, −1 where it is known not to be; 0 where nothing is known.
            Only labels that are there say something about others.
        edges: G, L × L.
    """
    return logits + (known > 0).to(logits) @ edges.to(logits)


def known_probabilities(logits: Tensor, known: Tensor, edges: Tensor) -> Tensor:
    """The probability of every label, N × L: 1 or 0 where it is known, else by picture and graph (`with_known`)."""
    probabilities = with_known(logits, known, edges).sigmoid()
    return torch.where(known == 0, probabilities, (known > 0).to(probabilities))


def with_predicted(logits: Tensor, share: Tensor, edges: Tensor, strength: float) -> Tensor:
    """Add what predicted labels say to the log-odds of the others: ℓ + s (σ(ℓ) − π) G, N × L.

    Args:
        logits: N × L.
        share: π, the share of items that have each label, L.
        edges: G, L × L.
        strength: s; 0 changes nothing.
    """
    return logits + strength * (logits.sigmoid() - share.to(logits)) @ edges.to(logits)


def impute(labels: Tensor, logits: Tensor, kept: float, edges: Tensor | None = None) -> Tensor:
    """Fill in labels that people left out: y + (1 − y) q, N × L.

    t = min(σ(ℓ + ½ y · counted) / κ, CERTAIN) is the probability that the label is there, for ℓ was fitted on rows that
    keep a share κ of the true labels; q = t (1 − κ) / (1 − t κ) that of a label which was not given (Bayes).

    Args:
        labels: N × L of 0 and 1, some of the true ones missing.
        logits: N × L log-odds of a label being *given*, by classifiers that were fitted on these rows.
        kept: κ, the share of true labels that were given, above 0 and up to 1.
        edges: The counted graph, L × L; without, only what is seen counts.
    """
    if not 0 < kept <= 1:
        raise InputError(f"The share of labels that were given must be above 0 and at most 1, not {kept:g}.")
    labels = labels.to(logits)
    if edges is not None:
        logits = logits + COUNTED_SHARE * labels @ edges.to(logits)
    there = (logits.sigmoid() / kept).clamp(max=CERTAIN)
    missing = there * (1 - kept) / (1 - there * kept)
    return labels + (1 - labels) * missing


def new_label_scores(zero_shot: Tensor, probabilities: Tensor, share: Tensor, edges: Tensor, strength: float) -> Tensor:
    """Score items for a label that nobody trained: zs + s Σ_j G_j (p_j − π_j), N.

    Args:
        zero_shot: N cosines with the label's name, standardised over the collection.
        probabilities: N × L of the labels that are known.
        share: π, the share of items that have each of them, L.
        edges: What each known label says about the new one, L (`edges_of_a_name` or `edges_of_examples`).
        strength: s; 0 leaves the name alone.
    """
    return zero_shot + strength * (probabilities - share.to(probabilities)) @ edges.to(probabilities)


def edges_of_a_name(name: Tensor, names: Tensor) -> Tensor:
    """Guess what known labels say about a new one by how near their names are, L: standardised cosines above the mean.

    Args:
        name: The embedding of the new name, d.
        names: The embeddings of the known ones, L × d.
    """
    centre = names.mean(dim=0)
    known = F.normalize(names - centre, dim=1)
    pairs = (known @ known.T)[~torch.eye(len(names), dtype=torch.bool, device=names.device)]
    cosines = known @ F.normalize(name - centre, dim=0)
    return ((cosines - pairs.mean()) / pairs.std().clamp(min=1e-6)).clamp(min=0)


def edges_of_examples(examples: Tensor, labels: Tensor, prior_items: float = 3.0) -> Tensor:
    """Count what known labels say about a new one from a few examples of it: a smoothed log-odds ratio, L.

    Args:
        examples: K × L labels (or their probabilities) of the pictures that show the new label.
        labels: N × L of all items.
        prior_items: How many items of the ordinary kind are mixed in.
    """
    share = labels.float().mean(dim=0)
    among = (examples.float().sum(dim=0) + prior_items * share) / (len(examples) + prior_items)
    return torch.logit(among.clamp(SMOOTHING, CERTAIN)) - torch.logit(share.clamp(SMOOTHING, CERTAIN))


def _revealed(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Reveal each label of an item with a probability that is drawn for the item, N × L of 0 and 1."""
    share = torch.rand(len(labels), 1, generator=generator)
    return (share > torch.rand(labels.shape, generator=generator)).to(labels) * labels


def _counts(labels: Tensor) -> Tensor:
    """Count how often two labels come together; of probabilities, how often they are expected to."""
    if labels.is_floating_point():
        soft = labels.double()
        counts = soft.T @ soft
        return counts.diagonal_scatter(soft.sum(dim=0))
    return cooccurrence(labels).double()
