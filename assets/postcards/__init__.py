"""Postcards: painted scenes with things from the Noto Color Emoji font, captions, and their true labels.

`python -m assets.postcards OUT --count 1200 --seed 7` writes an image folder. The same seed gives the same
bytes; scene i does not depend on how many are asked for.

One file per idea: `glyphs` (pictures from the font), `props` (what the font lacks), `paint` (backgrounds), `light`
(times of day), `stage` (perspective, shadows, what is hidden), `cast` (who and what), `captions`, `kinds` (the
designed co-occurrence; its numbers are in kinds.json), `land`, `shore` and `interior` (what several scenes share), the
scenes themselves (`seaside`, `river`, `town`, `park`, `country`, `heights`, `wildlife`, `travel`, `sports`, `indoors`,
`bathroom`, `tables`), and `gallery`, which puts them together.
"""

from __future__ import annotations
