"""Align pictures and captions: CLIP's loss over whole networks, softened by what the sentence encoder finds alike."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from algcn.kit.progress import ProgressBar
from algcn.pretrain.pictures import augmented, normalised
from algcn.pretrain.pocket import encode_text

BATCH = 512
OTHER_TEXTS = 512  # texts of no picture in a step, for the anchor
RATES = {"text": 4e-4, "head": 1.5e-3, "trunk": 3e-4, "labels": 2e-3}
WARM_UP = 0.15
DROPOUT = 0.2
SOFTNESS = 0.3
"""How much of a pair's target goes to the other pairs of the batch, by how alike their captions are to the teacher."""
TEACHER_TEMPERATURE = 0.07
LABEL_WEIGHT = 0.1
LABEL_SCALE = 16.0
AVERAGING = 0.995  # of the exponential moving average of the weights, which is what is kept


@dataclass(frozen=True)
class Pairs:
    """Pictures and their captions.

    Attributes:
        pixels: N × 3 × 256 × 256 bytes.
        tokens: M × context.
        owner: The picture of each caption, M.
        teacher: Sentence vectors of the captions, M × 384, L2-normalised; only training needs them.
        labels: N × L of 0 and 1, and NaN in the rows of pictures whose labels nobody gave.
    """

    pixels: np.ndarray
    tokens: Tensor
    owner: Tensor
    teacher: Tensor | None = None
    labels: Tensor | None = None


@dataclass(frozen=True)
class Language:
    """Texts without pictures, for the anchor: `tokens` K × context, `teacher` K × 384."""

    tokens: Tensor
    teacher: Tensor


def contrastive_loss(images: Tensor, texts: Tensor, scale: Tensor, alike: Tensor | None = None) -> Tensor:
    """Compute CLIP's symmetric cross-entropy (Radford et al. 2021, figure 3) of L2-normalised N × d rows.

    Args:
        images: N × d.
        texts: N × d.
        scale: Multiplies the cosines.
        alike: N × N, each row sums to 1; takes `SOFTNESS` of the target (two captions may fit either picture).
    """
    logits = scale * images @ texts.T
    target = torch.eye(len(logits), device=logits.device)
    if alike is not None:
        target = (1 - SOFTNESS) * target + SOFTNESS * alike
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def label_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the cross-entropy summed over the labels, the mean over the rows that have any (`Pairs.labels`)."""
    known = ~labels[:, 0].isnan()
    if not known.any():
        return logits.sum() * 0
    return F.binary_cross_entropy_with_logits(logits[known], labels[known]) * labels.shape[1]


@torch.inference_mode()
def embed_pictures(model: nn.Module, pixels: np.ndarray, rows: Tensor, batch: int = 256) -> Tensor:
    """Embed the pictures `rows` as they are, len(rows) × embed_dim on the CPU, L2-normalised."""
    model.eval()
    device = model.logit_scale.device
    parts = [
        model.encode_image(normalised(torch.from_numpy(pixels[chunk.numpy()]).to(device).float()), normalize=True)
        for chunk in rows.split(batch)
    ]
    return torch.cat(parts).cpu()


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
    batch: int = BATCH,
    other_texts: int = OTHER_TEXTS,
    seed: int = 0,
    after_epoch: Callable[[int, nn.Module], None] | None = None,
    progress: bool = True,
) -> nn.Module:
    """Train both towers whole, anchored to the sentence encoder so that rare words stay in place.

    The loss is `contrastive_loss` + 1 − cos(to_teacher(text), teacher) for the captions and for other texts
    + .1 · `label_loss` of a linear classifier on each side. AdamW, one cycle; batch-norm statistics stay ImageNet's,
    which batches of crops would spoil; bfloat16 on a GPU.

    Args:
        model: The open_clip model, on the device to compute on.
        to_teacher: embed_dim → 384, as distillation left it, on the same device.
        pairs: Pictures, captions, the captions' sentence vectors, labels (L may be 0).
        language: Other texts that must not be forgotten.
        epochs: The number of passes over the pictures, one random caption each.
        batch: The number of pairs in a step; each is contrasted with all others of its batch.
        other_texts: The number of other texts in a step.
        seed: The seed of order, crops, colours and choice of captions.
        after_epoch: Called with the epoch's number, from 0, and the averaged model.
        progress: Show a progress bar on stderr.

    Returns:
        The model with averaged weights.
    """
    device = model.logit_scale.device
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    drawn = torch.Generator(device).manual_seed(seed)
    half = torch.autocast(device.type, dtype=torch.bfloat16) if device.type == "cuda" else nullcontext()
    model.visual.to(memory_format=torch.channels_last)
    classifiers = nn.ModuleList(nn.Linear(model.text_projection.shape[1], pairs.labels.shape[1]) for _ in range(2))
    for classifier in classifiers.to(device):
        nn.init.constant_(classifier.bias, -3.0)
    groups = _parameter_groups(model, to_teacher, classifiers)
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    parameters = [parameter for group in groups for parameter in group["params"]]
    pictures = pairs.owner.unique()
    steps = len(pictures) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        [group["lr"] for group in groups],
        total_steps=epochs * steps + 1,
        pct_start=WARM_UP,
        cycle_momentum=False,
    )
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(AVERAGING))
    captions_of = _group_by_owner(pairs.owner)

    def on_device(rows: Tensor | np.ndarray) -> Tensor:
        return torch.as_tensor(rows).to(device)

    def loss_of(rows: Tensor, texts: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        pixels = normalised(augmented(on_device(pairs.pixels[rows.numpy()]), drawn))
        with half:
            seen = model.visual.trunk(pixels.contiguous(memory_format=torch.channels_last))
            images = F.normalize(model.visual.head(F.dropout(seen, DROPOUT)).float(), dim=1)
            words = encode_text(model, on_device(pairs.tokens[texts])).float()
            remembered = encode_text(model, on_device(language.tokens[other])).float()
        teacher = on_device(pairs.teacher[texts])
        alike = (teacher @ teacher.T / TEACHER_TEMPERATURE).softmax(dim=1)
        contrast = contrastive_loss(images, words, model.logit_scale.exp(), alike)
        anchor = 1 - F.cosine_similarity(to_teacher(words), teacher).mean()
        anchor = anchor + 1 - F.cosine_similarity(to_teacher(remembered), on_device(language.teacher[other])).mean()
        loss = contrast + anchor
        if pairs.labels.shape[1]:
            labels = on_device(pairs.labels[rows])
            for classifier, side in zip(classifiers, (images, words), strict=True):
                loss = loss + LABEL_WEIGHT / 2 * label_loss(classifier(LABEL_SCALE * side), labels)
        return loss, contrast

    for epoch in range(epochs):
        model.train()
        model.visual.trunk.eval()
        shuffled, mean_loss = pictures[torch.randperm(len(pictures), generator=order)], 0.0
        with ProgressBar(f"align {epoch + 1}/{epochs}", total=steps * batch, unit="pair", shown=progress) as bar:
            for step in range(steps):
                rows = shuffled[step * batch : (step + 1) * batch].sort().values  # read in the file's order
                choice = torch.rand(len(rows), generator=order).tolist()
                texts = torch.tensor(
                    [captions_of[r][int(c * len(captions_of[r]))] for r, c in zip(rows.tolist(), choice, strict=True)]
                )
                other = torch.randint(0, len(language.tokens), (other_texts,), generator=order)
                loss, contrast = loss_of(rows, texts, other)
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimiser.step()
                schedule.step()
                with torch.no_grad():
                    model.logit_scale.clamp_(0, np.log(100))
                average.update_parameters(model)
                mean_loss += (contrast.item() - mean_loss) / (step + 1)
                bar.update(len(rows))
                bar.note(contrast=f"{mean_loss:.3f}")
        if after_epoch is not None:
            after_epoch(epoch, average.module)
    return average.module


def _parameter_groups(model: nn.Module, to_teacher: nn.Module, classifiers: nn.Module) -> list[dict]:
    text = [parameter for name, parameter in model.named_parameters() if not name.startswith("visual.")]
    trunk = list(model.visual.trunk.parameters())
    return [
        {"params": [*text, *to_teacher.parameters()], "lr": RATES["text"], "weight_decay": 0.0},
        {"params": list(model.visual.head.parameters()), "lr": RATES["head"], "weight_decay": 0.1},
        {"params": [p for p in trunk if p.ndim > 1], "lr": RATES["trunk"], "weight_decay": 0.05},
        {"params": [p for p in trunk if p.ndim < 2], "lr": RATES["trunk"], "weight_decay": 0.0},
        {"params": list(classifiers.parameters()), "lr": RATES["labels"], "weight_decay": 0.0},
    ]


def _group_by_owner(owner: Tensor) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for caption, picture in enumerate(owner.tolist()):
        groups.setdefault(picture, []).append(caption)
    return groups
