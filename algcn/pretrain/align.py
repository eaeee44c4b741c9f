"""Align pictures and captions with the contrastive loss of CLIP over the cached maps of the image trunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algcn.kit.progress import ProgressBar
from algcn.pretrain.pocket import encode_text
from algcn.pretrain.trunk import MAP_SHAPE, trained_top

SMALLEST_CROP = 6
"""Random crops of the 8 × 8 maps are at least this wide; the cheap stand-in for random crops of the picture."""


@dataclass(frozen=True)
class Pairs:
    """Pictures and their captions: `maps` N × 208 × 8 × 8, `tokens` M × context, `owner` M (row of the picture)."""

    maps: np.ndarray
    tokens: Tensor
    owner: Tensor
    teacher: Tensor | None
    """Sentence vectors of the captions, M × 384; only training needs them."""


@dataclass(frozen=True)
class Language:
    """Texts without pictures, for the anchor: `tokens` K × context, `teacher` K × 384."""

    tokens: Tensor
    teacher: Tensor


def crop_and_flip(maps: Tensor, generator: torch.Generator) -> Tensor:
    """Crop the batch at random to 6 to 8 columns and rows, and mirror every other picture."""
    side = MAP_SHAPE[1]
    height, width = (int(torch.randint(SMALLEST_CROP, side + 1, (1,), generator=generator)) for _ in range(2))
    top = int(torch.randint(0, side - height + 1, (1,), generator=generator))
    left = int(torch.randint(0, side - width + 1, (1,), generator=generator))
    maps = maps[:, :, top : top + height, left : left + width]
    mirrored = torch.rand(len(maps), 1, 1, 1, generator=generator) < 0.5
    return torch.where(mirrored, maps.flip(3), maps).contiguous(memory_format=torch.channels_last)


def contrastive_loss(images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
    """Compute CLIP's symmetric cross-entropy (Radford et al. 2021, figure 3) of L2-normalised N × d rows."""
    logits = scale * images @ texts.T
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


class ImageTop(nn.Module):
    """The trained part of the image tower: N × 208 × 8 × 8 maps to L2-normalised N × embed_dim vectors."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.top = trained_top(visual.trunk)
        self.head = visual.head

    def train(self, mode: bool = True) -> ImageTop:
        """Set training mode but keep ImageNet's batch-norm statistics, which batches of cropped maps would spoil."""
        self.top.train(False)
        self.head.train(mode)
        return self

    def forward(self, maps: Tensor) -> Tensor:
        return F.normalize(self.head(self.top(maps)), dim=1)


@torch.inference_mode()
def embed_maps(image_top: ImageTop, maps: np.ndarray, rows: Tensor, batch: int = 256) -> Tensor:
    """Embed the pictures `rows`, len(rows) × embed_dim."""
    image_top.eval()
    parts = [
        image_top(torch.from_numpy(maps[chunk.numpy()]).float().contiguous(memory_format=torch.channels_last))
        for chunk in rows.split(batch)
    ]
    return torch.cat(parts)


@torch.inference_mode()
def recall(images: Tensor, texts: Tensor, owner: Tensor, ks: tuple[int, ...] = (1, 5, 10)) -> dict[str, dict]:
    """Return recall at k of both directions; `owner[j]` is the row of `images` that caption j describes."""
    scores = texts @ images.T
    own = scores.gather(1, owner[:, None])
    rank_t2i = (scores > own).sum(1)
    best_of_image = torch.full((len(images),), len(texts))
    order = scores.T.argsort(dim=1, descending=True)
    position = (owner[order] == torch.arange(len(images))[:, None]).int().argmax(1)
    best_of_image = torch.minimum(best_of_image, position)
    return {
        "text_to_image": {str(k): round((rank_t2i < k).float().mean().item(), 4) for k in ks},
        "image_to_text": {str(k): round((best_of_image < k).float().mean().item(), 4) for k in ks},
    }


def align(
    model: nn.Module,
    to_teacher: nn.Linear,
    pairs: Pairs,
    language: Language,
    *,
    epochs: int,
    learning_rates: dict[str, float],
    batch: int = 512,
    anchor_weight: float = 1.0,
    anchor_batch: int = 128,
    seed: int = 0,
    after_epoch: Callable[[int], None] | None = None,
    progress: bool = True,
) -> None:
    """Train both towers with CLIP's loss, anchored to the sentence encoder so that rare words stay in place.

    Args:
        model: The open_clip model; its text tower, image projection and upper image blocks are trained.
        to_teacher: embed_dim → 384, as distillation left it.
        pairs: Pictures and captions, with the captions' sentence vectors.
        language: Other texts that must not be forgotten.
        epochs: The number of passes over the pictures, one random caption each.
        learning_rates: Peak rates of "top", "head" and "text"; AdamW, one cycle.
        batch: The number of pairs in a step; each is contrasted with all others of its batch.
        anchor_weight: The weight of 1 − cos(to_teacher(text), teacher), over the captions and `anchor_batch` texts.
        anchor_batch: The number of other texts in a step.
        seed: The seed of order, crops, mirror images and choice of captions.
        after_epoch: Called with the epoch's number, from 0.
        progress: Show a progress bar on stderr.
    """
    generator = torch.Generator().manual_seed(seed)
    image_top = ImageTop(model.visual)
    text = [p for n, p in model.named_parameters() if not n.startswith("visual.")]
    for parameter in model.visual.parameters():
        parameter.requires_grad_(False)
    head = list(image_top.head.parameters())
    top = list(image_top.top.parameters())
    for parameter in [*head, *top]:
        parameter.requires_grad_(True)
    groups = [
        {"params": text, "lr": learning_rates["text"], "weight_decay": 0.0},
        {"params": list(to_teacher.parameters()), "lr": learning_rates["text"], "weight_decay": 0.0},
        {"params": head, "lr": learning_rates["head"], "weight_decay": 0.1},
        {"params": top, "lr": learning_rates["top"], "weight_decay": 0.05},
    ]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    pictures = pairs.owner.unique()
    steps = epochs * (len(pictures) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [g["lr"] for g in groups], total_steps=steps + 1, pct_start=0.15, cycle_momentum=False
    )
    captions_of = _group_by_owner(pairs.owner)

    for epoch in range(epochs):
        model.train()
        image_top.train()
        shuffled = pictures[torch.randperm(len(pictures), generator=generator)]
        mean_loss = 0.0
        pairs_seen = len(shuffled) // batch * batch
        with ProgressBar(f"align {epoch + 1}/{epochs}", total=pairs_seen, unit="pair", shown=progress) as bar:
            for step in range(len(shuffled) // batch):
                rows = shuffled[step * batch : (step + 1) * batch]
                choice = torch.rand(len(rows), generator=generator)
                texts = torch.tensor(
                    [captions_of[int(r)][int(c * len(captions_of[int(r)]))] for r, c in zip(rows, choice, strict=True)]
                )
                maps = crop_and_flip(torch.from_numpy(pairs.maps[rows.sort().values.numpy()]).float(), generator)
                texts = texts[rows.argsort()]  # the maps were read in file order
                images = F.normalize(image_top.head(F.dropout(image_top.top(maps), 0.1)), dim=1)
                words = encode_text(model, pairs.tokens[texts])
                contrast = contrastive_loss(images, words, model.logit_scale.exp())
                anchor = 1 - F.cosine_similarity(to_teacher(words), pairs.teacher[texts]).mean()
                other = torch.randint(0, len(language.tokens), (anchor_batch,), generator=generator)
                remembered = to_teacher(encode_text(model, language.tokens[other]))
                anchor = anchor + (1 - F.cosine_similarity(remembered, language.teacher[other]).mean())
                loss = contrast + anchor_weight * anchor
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_([p for g in groups for p in g["params"]], 1.0)
                optimiser.step()
                schedule.step()
                with torch.no_grad():
                    model.logit_scale.clamp_(0, np.log(100))
                mean_loss += (contrast.item() - mean_loss) / (step + 1)
                bar.update(len(rows))
                bar.note(contrast=f"{mean_loss:.3f}", anchor=f"{anchor.item():.3f}")
        if after_epoch is not None:
            after_epoch(epoch)


def _group_by_owner(owner: Tensor) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for caption, picture in enumerate(owner.tolist()):
        groups.setdefault(picture, []).append(caption)
    return groups
