"""Teach the text tower English by distillation from a sentence encoder on captions and WordNet nouns.

Captions alone name a few hundred things. WordNet's nouns and their glosses carry the rest ("schnauzer", "a breed of
terrier"), and the sentence encoder all-MiniLM-L6-v2 says where each belongs. The token embeddings start as MiniLM's
own, reduced by principal components, so that even a word never met in training has a sensible place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

from algcn.kit.errors import InputError
from algcn.kit.files import save_tensors
from algcn.kit.progress import ProgressBar, track
from algcn.pretrain.pocket import TEACHER_WIDTH, encode_text

WORDNET = Path("/usr/share/wordnet/data.noun")  # where Debian has it
VISIBLE_LEXICOGRAPHER_FILES = {"05": "animal", "06": "artifact", "13": "food", "17": "object", "18": "person"}
"""WordNet's lexicographer files whose nouns can be photographed (wninput(5WN))."""


def wordnet_texts(data_noun: str | Path) -> list[str]:
    """Read common nouns one can photograph from WordNet's `data.noun` (format: wndb(5WN)): "dog", its gloss, its photo.

    Capitalised words (people's names, taxonomic families) and compounds of more than three words are left out.
    """
    texts: dict[str, None] = {}
    path = Path(data_noun)
    if not path.is_file():
        raise InputError(f"The file {path} is missing; install WordNet (Debian's package is called wordnet).")
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith("  ") or line.split(" ", 2)[1] not in VISIBLE_LEXICOGRAPHER_FILES:
            continue
        synset, gloss = line.split("|", 1)
        fields = synset.split()
        words = [fields[4 + 2 * i].replace("_", " ") for i in range(int(fields[3], 16))]
        words = [w for w in words if re.fullmatch(r"[a-z'-]+( [a-z'-]+){0,2}", w)]
        if not words:
            continue
        meaning = re.sub(r"\([^)]*\)", "", gloss.split('; "')[0].split(";")[0]).strip()
        for word in words:
            texts.update({word: None, f"a photo of a {word}": None})
        texts[f"{words[0]}, {meaning}"] = None
    return list(texts)


def load_teacher(folder: str | Path) -> tuple[nn.Module, object]:
    """Load the MiniLM sentence encoder and its tokenizer from a local folder (needs the package `transformers`)."""
    from transformers import AutoModel, AutoTokenizer

    return AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


def teacher_embeddings(
    texts: list[str],
    folder: str | Path,
    cache: Path,
    batch: int = 128,
    *,
    device: torch.device | str = "cpu",
    progress: bool = True,
) -> Tensor:
    """Compute MiniLM's sentence vectors (mean of the tokens', L2-normalised), N × 384, or read them from `cache`."""
    known_texts, known_vectors = _read_cache(cache)
    row_of = {text: row for row, text in enumerate(known_texts)}
    missing = sorted({text for text in texts if text not in row_of}, key=len)  # alike lengths together: little padding
    if missing:
        known_vectors = np.concatenate([known_vectors, _embed(missing, folder, batch, torch.device(device), progress)])
        row_of.update({text: len(known_texts) + i for i, text in enumerate(missing)})
        save_tensors(cache, {"vectors": known_vectors}, {"texts": json.dumps([*known_texts, *missing])})
    return torch.from_numpy(known_vectors[[row_of[text] for text in texts]]).float()


def _read_cache(cache: Path) -> tuple[list[str], np.ndarray]:
    if not cache.exists():
        return [], np.zeros((0, TEACHER_WIDTH), dtype=np.float16)
    with safe_open(cache, framework="np") as stored:
        return json.loads(stored.metadata()["texts"]), stored.get_tensor("vectors")


def _embed(texts: list[str], folder: str | Path, batch: int, device: torch.device, progress: bool) -> np.ndarray:
    model, tokenizer = load_teacher(folder)
    model.to(device)
    parts = []
    with torch.inference_mode():
        starts = range(0, len(texts), batch)
        for start in track(starts, "teacher", total=len(starts), unit="batch", shown=progress):
            tokens = tokenizer(
                texts[start : start + batch], padding=True, truncation=True, max_length=40, return_tensors="pt"
            ).to(device)
            hidden = model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1)
            parts.append(F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1).half().cpu().numpy())
    return np.concatenate(parts)


@torch.no_grad()
def initialise_token_embeddings(model: nn.Module, clip_tokens: dict[int, str], folder: str | Path) -> None:
    """Start every CLIP token's vector from MiniLM's vectors of the same word, reduced by principal components."""
    teacher, tokenizer = load_teacher(folder)
    table = teacher.get_input_embeddings().weight
    table = table - table.mean(0)
    width = model.token_embedding.weight.shape[1]
    components = torch.linalg.svd(table, full_matrices=False).Vh[:width]
    reduced = table @ components.T
    reduced *= 0.02 / reduced.std()  # open_clip's own initial scale
    words = [(row, text.replace("</w>", "")) for row, text in clip_tokens.items() if text.endswith("</w>")]
    pieces = tokenizer([w for _, w in words], add_special_tokens=False)["input_ids"]
    for (row, _), ids in zip(words, pieces, strict=True):
        if ids:
            model.token_embedding.weight[row] = reduced[ids].mean(0).to(model.token_embedding.weight.device)


def length_batches(lengths: Tensor, tokens_per_batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Shuffle rows into batches of alike token lengths, each of about `tokens_per_batch` tokens."""
    noisy = lengths + torch.rand(len(lengths), generator=generator) * 2
    order = noisy.argsort()
    batches, start = [], 0
    while start < len(order):
        longest = int(lengths[order[min(start + 1024, len(order)) - 1]])
        step = min(1024, max(64, tokens_per_batch // longest))
        batches.append(order[start : start + step])
        start += step
    for i in torch.randperm(len(batches), generator=generator).tolist():
        yield batches[i]


def distil(
    model: nn.Module,
    to_teacher: nn.Linear,
    tokens: Tensor,
    targets: Tensor,
    *,
    epochs: int,
    learning_rate: float = 1.5e-3,
    tokens_per_batch: int = 16384,
    seed: int = 0,
    progress: bool = True,
) -> None:
    """Pull the text tower, read through `to_teacher`, towards the teacher's vectors: loss 1 − cos.

    Args:
        model: The open_clip model, on the device to compute on; only its text tower is trained.
        to_teacher: embed_dim → 384; trained too, and used again as an anchor while aligning with images.
        tokens: N × context length, from open_clip's tokenizer.
        targets: N × 384, L2-normalised.
        epochs: The number of passes over the texts.
        learning_rate: The peak of AdamW's one cycle.
        tokens_per_batch: About how many tokens a step sees, padding included.
        seed: The seed of the order.
        progress: Show a progress bar on stderr.
    """
    device = model.logit_scale.device
    half = torch.autocast(device.type, dtype=torch.bfloat16) if device.type == "cuda" else nullcontext()
    generator = torch.Generator().manual_seed(seed)
    lengths = (tokens != 0).sum(1)
    text_parameters = [
        p for n, p in model.named_parameters() if not n.startswith(("visual.", "logit_")) and p.requires_grad
    ]
    optimiser = torch.optim.AdamW([*text_parameters, *to_teacher.parameters()], lr=learning_rate, weight_decay=0.0)
    steps = epochs * sum(1 for _ in length_batches(lengths, tokens_per_batch, torch.Generator().manual_seed(seed)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps + epochs, pct_start=0.08)
    model.train()
    for epoch in range(epochs):
        total, seen = 0.0, 0
        with ProgressBar(f"distil {epoch + 1}/{epochs}", total=len(tokens), unit="text", shown=progress) as bar:
            for rows in length_batches(lengths, tokens_per_batch, generator):
                with half:
                    predicted = to_teacher(encode_text(model, tokens[rows].to(device)))
                loss = 1 - F.cosine_similarity(predicted.float(), targets[rows].to(device)).mean()
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(text_parameters, 1.0)
                optimiser.step()
                if schedule.last_epoch < steps + epochs - 1:
                    schedule.step()
                total, seen = total + loss.item() * len(rows), seen + len(rows)
                bar.update(len(rows))
                bar.note(loss=f"{total / seen:.4f}")
