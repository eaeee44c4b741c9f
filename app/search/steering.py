"""Steer a query away from words, as strongly as it says.

With a the strength, 0 to 1, and f = a / DEFAULT_AWAY:

- Words that name a label are subtracted from all that the query is, AWAY · min(1, f) times as vectors and LABELS_AWAY ·
  min(1, f) times as labels. Beyond the default, what shows a label that is named by itself is left out instead: where
  it is written, and where its probability is at least 1.5 − a. At 1 that is more likely than not.
- Other words are subtracted AWAY · f times, and as vectors alone: the labels that the model predicts for them are those
  of what is wanted, too. Of caption words that often come with a label, 40 pairs on Postcards, 42 % of the first 24
  have the word; 32 % do by default, 25 % at 1, and the label stays on 100 % and 97 %. By the encoder's vector alone it
  is 40 %; by predicted labels as well 16 %, but the label is on 91 % only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.search.query import DEFAULT_AWAY

if TYPE_CHECKING:
    from algcn.bundles.predictor import LabelPredictor, LabelScore
    from app.search.reading import Part

# Of the vectors. On Postcards, ten best results for a label without another that often comes with it: the unwanted one
# falls from 19 % of them to 9 %, the wanted one from 87 % to 83 %; for a picture that shows both, from 59 % to 26 % and
# 68 % to 59 %.
AWAY = 0.75
# Of the labels that are probably shared. On Postcards, over 11 pairs of words and what they are steered away from, ten
# best results each: the unwanted label falls from 45 % of them to 9 %, the wanted one from all to 89 %; with .75 it
# falls to 23 %, and with 3 to 4 % but the wanted one is on 66 % only.
LABELS_AWAY = 1.5


def of_labels(away: float) -> float:
    """min(1, f): how much words that name labels count, beside how much they do by default."""
    return min(1.0, of_words(away))


def of_words(away: float) -> float:
    """f: how much other words count, beside how much they do by default."""
    return away / DEFAULT_AWAY


def of_parts(unwanted: Sequence[Part], away: float) -> list[float]:
    """How much each of some parts is subtracted as a vector; by default together AWAY."""
    return [AWAY / len(unwanted) * (of_labels(away) if names_labels(part) else of_words(away)) for part in unwanted]


def names_labels(part: Part) -> bool:
    """Tell whether words name a label, the model's or the visitor's own."""
    return bool(part.mentioned or part.own)


def named_labels(parts: Sequence[Part]) -> list[str]:
    """Return all labels that words name, the model's and the visitor's own."""
    return list(dict.fromkeys(name for part in parts for name in (*part.mentioned, *part.own)))


def left_out_from(away: float) -> float | None:
    """Return the probability of an unwanted label from which on a picture is left out; None where none is."""
    return None if away <= DEFAULT_AWAY else 1.5 - away


def left_out_labels(unwanted: Sequence[Part]) -> list[str]:
    """Return the labels that are named by themselves: "red car" leaves out no car."""
    return named_labels([part for part in unwanted if part.labels_only])


def without_unwanted(
    labels: Sequence[LabelScore], unwanted: Sequence[Part], predictor: LabelPredictor
) -> list[LabelScore]:
    """Leave of a query's labels those that it is not steered away from.

    Neither those that the unwanted words name, nor those that the model predicts for them unless the query names them.
    """
    named = named_labels(unwanted)
    predicted = {
        name
        for part in unwanted
        if part.embedding.any()
        for name, _ in predictor.clearest(predictor.scores(part.embedding)[0], part.modality)
    }
    return [label for label in labels if label.name not in named and (label.mentioned or label.name not in predicted)]
