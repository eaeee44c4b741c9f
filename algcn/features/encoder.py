"""Image and text encoders: open_clip models read from a folder or a Hub repository, by one code path.

Notable: weights are safetensors only; open_clip's own "local-dir:" loader builds the model, so the pocket encoder and
`hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K` differ in nothing but their files; open_clip (seconds to import) is
imported when an encoder is loaded, not before. Features are float32 and L2-normalised.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from algcn.features.encoder_files import (
    HUB_PATTERNS,
    HUB_PREFIX,
    encoder_fingerprint,
    missing_files,
    read_encoder_config,
    weights_path,
)
from algcn.features.vocabulary import Vocabulary
from algcn.kit import checks
from algcn.kit.errors import InputError
from algcn.kit.memory import keep_large_buffers
from algcn.kit.resizing import Resizing, limit_aspect_ratio

# Small batches keep the activations in the processor's caches, and buffers below glibc's limit of 32 MB to be kept.
IMAGE_BATCH = 4
TEXT_BATCH = 64
# More than a context (77 tokens) holds. A tokenizer's time grows with the square of a word's length, so a run of
# letters without a space is broken up too: 10,000 random letters would take it seconds.
MAX_TEXT_LENGTH = 1000
MAX_WORD_LENGTH = 100
_KEPT_FORMAT_CHARACTERS = frozenset("\u200c\u200d")  # they join letters and emoji


def clean_text(text: str) -> str:
    """Clean a text for an encoder: valid Unicode, no control characters, single spaces, a bounded length.

    Characters and words beyond MAX_TEXT_LENGTH and MAX_WORD_LENGTH could not reach a context of 77 tokens anyway.

    Raises:
        InputError: Nothing that could be searched for is left.
    """
    if not isinstance(text, str):
        raise InputError(f"A text is needed, not {checks.kind(text)}.")
    text = text.strip()[: 10 * MAX_TEXT_LENGTH]
    # Surrogate halves that form a pair become their character, the others U+FFFD: no tokenizer survives a lone one.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    kept = (
        character
        if character in _KEPT_FORMAT_CHARACTERS or unicodedata.category(character) not in ("Cc", "Cf")
        else " "
        for character in text
    )
    words = "".join(kept).replace("\ufffd", " ").split()
    pieces = (word[at : at + MAX_WORD_LENGTH] for word in words for at in range(0, len(word), MAX_WORD_LENGTH))
    cleaned = " ".join(pieces)[:MAX_TEXT_LENGTH].strip()
    if not cleaned.strip("\u200c\u200d\ufe0e\ufe0f "):
        raise InputError("The text is empty: type at least one word.")
    return cleaned


@dataclasses.dataclass(eq=False)
class Encoder:
    """An open_clip model with its preprocessing and tokenizer, ready for inference.

    Attributes:
        width: The number d of features of an image and of a text.
        fingerprint: Names the function computed: equal fingerprints, equal features.
        reference: The folder or the Hub reference (with its commit) it came from.
        vocabulary: The words that it was taught, where a list of them lies beside its weights.
    """

    model: torch.nn.Module
    preprocess: Callable[[Image.Image], Tensor]
    tokenizer: Callable[[list[str]], Tensor]
    width: int
    fingerprint: str
    reference: str
    device: torch.device
    vocabulary: Vocabulary | None = None

    @torch.inference_mode()
    def encode_images(self, images: Iterable[Image.Image], batch_size: int = IMAGE_BATCH) -> Tensor:
        """Encode N RGB pictures (see `images.open_image`) as N × d features, float32, L2-normalised, on the CPU.

        They may come from a generator: no more than `batch_size` are taken at a time.
        """
        images = iter(images)
        features = [torch.empty(0, self.width)]
        while batch := [self.pixels(image) for image in islice(images, batch_size)]:
            features.append(self.encode_pixels(torch.stack(batch)))
        return torch.cat(features)

    @torch.inference_mode()
    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Encode a batch of pictures as `pixels` makes them, B × 3 × H × W, as B × d features."""
        pixels = pixels.to(self.device).contiguous(memory_format=torch.channels_last)
        return functional.normalize(self.model.encode_image(pixels).float(), dim=-1).cpu()

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str], batch_size: int = TEXT_BATCH) -> Tensor:
        """Encode N texts as N × d features, float32, L2-normalised, on the CPU; texts are cut to the context's length.

        Raises:
            InputError: A text is blank.
        """
        texts = [clean_text(text) for text in texts]
        features = [torch.empty(0, self.width)]
        for start in range(0, len(texts), batch_size):
            tokens = self.tokenizer(texts[start : start + batch_size]).to(self.device)
            features.append(functional.normalize(self.model.encode_text(tokens).float(), dim=-1).cpu())
        return torch.cat(features)

    def on(self, device: str | torch.device) -> Encoder:
        """Return the same encoder, computing on another device; its model moves there."""
        device = torch.device(device)
        if device.type == "cpu":
            keep_large_buffers()
        return dataclasses.replace(self, model=self.model.to(device), device=device)

    def pixels(self, image: Image.Image) -> Tensor:
        """Turn an RGB picture into the tensor that the image tower takes, 3 × H × W; several threads may call it."""
        return self.preprocess(limit_aspect_ratio(image))

    @property
    def resizing(self) -> Resizing | None:
        """How `pixels` begins, for those who decode pictures elsewhere; None where it begins with something else."""
        from torchvision.transforms import Resize

        first = next(iter(getattr(self.preprocess, "transforms", ())), None)
        if type(first) is not Resize or first.max_size is not None:
            return None
        name = first.interpolation.name
        if name not in Image.Resampling.__members__:
            return None
        sides = (first.size,) if isinstance(first.size, int) else tuple(first.size)
        return Resizing(sides, int(Image.Resampling[name]))


def load_encoder(
    reference: str | Path, device: str | torch.device = "cpu", *, fingerprint: str | None = None
) -> Encoder:
    """Load the encoder that `reference` names.

    Args:
        reference: A folder in open_clip's own format (open_clip_config.json and open_clip_model.safetensors, float16
            or float32), or "hf-hub:OWNER/NAME[@COMMIT]", which is taken from the local Hub cache when it is there.
        device: The device that the model runs on.
        fingerprint: What `encoder_fingerprint` would give, by a caller that has just hashed the files.

    Raises:
        InputError: The folder or a file of it is missing, damaged, or of a kind that is not read.

    Example:
        >>> encoder = load_encoder("weights/pocket/encoder")
        >>> encoder.encode_texts(["a dog on the beach"]).shape == (1, encoder.width)
        True
    """
    reference = str(reference)
    folder = Path(reference)
    if reference.startswith(HUB_PREFIX):
        from algcn.kit.snapshots import fetch_snapshot

        snapshot = fetch_snapshot(reference[len(HUB_PREFIX) :], HUB_PATTERNS, damaged=missing_files)
        folder, reference = snapshot.path, f"{HUB_PREFIX}{snapshot.repository}@{snapshot.commit}"
    config = read_encoder_config(folder)
    weights_path(folder)
    fingerprint = fingerprint or encoder_fingerprint(folder)
    model, preprocess, tokenizer = _load_open_clip(folder, config)
    model = model.eval().requires_grad_(False)
    # Convolutions are faster on channels-last weights; other layers are not touched by it.
    model.visual.to(memory_format=torch.channels_last)
    width = int(config["model_cfg"]["embed_dim"])
    vocabulary = Vocabulary.load(folder)
    encoder = Encoder(model, preprocess, tokenizer, width, fingerprint, reference, torch.device("cpu"), vocabulary)
    return encoder.on(device)


def _load_open_clip(folder: Path, config: dict[str, Any]) -> tuple[torch.nn.Module, Callable, Callable]:
    from safetensors import SafetensorError

    try:
        import open_clip

        name = f"local-dir:{folder.resolve()}"
        # The folder has safetensors weights (see `weights_path`): open_clip takes them before any other file, and
        # looks for no pretrained tower anywhere else.
        model, preprocess = open_clip.create_model_from_pretrained(name, device="cpu", precision="fp32")
        tokenizer = open_clip.get_tokenizer(name)
    except SafetensorError as error:
        raise InputError(
            f"The file {weights_path(folder)} is damaged or cut off ({error}); copy or download it again."
        ) from None
    except ImportError as error:
        raise InputError(
            f"The encoder in {folder} needs a package that is not installed ({error}); install it."
        ) from None
    except (RuntimeError, ValueError, TypeError, KeyError, AssertionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"The config and the weights in {folder} do not make an open_clip model ({reason}); save both anew."
        ) from None
    return model, preprocess, tokenizer
