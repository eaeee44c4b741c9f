"""Make the golden tensors of this folder by running the authors' public code, which is not part of this project.

    git clone https://github.com/LivXue/ALGCN /tmp/ALGCN
    python tests/data/make_reference.py /tmp/ALGCN

Nothing in the checkout is changed: `numpy.float`, which NumPy has removed, is put back before it is imported, and every
size is small. Needs scipy and torchvision beside torch. See README.md here for what the tensors are.
"""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.io import loadmat, savemat

HERE = Path(__file__).resolve().parent
LABELS, IMAGE, TEXT, EMBEDDING, COMMON = 7, 20, 12, 10, 32
TRAIN, TEST, BATCH, STEPS, LEARNING_RATE = 40, 30, 10, 6, 2e-3
GAMMA, THRESHOLD, ALPHA, DATA_SEED = 0.5, 0.4, 0.2, 9


def data() -> dict[str, torch.Tensor]:
    """Features around a few label prototypes, and labels of which some imply others."""
    generator = torch.Generator().manual_seed(DATA_SEED)
    prototypes = {
        kind: torch.randn(LABELS, width, generator=generator) for kind, width in (("image", IMAGE), ("text", TEXT))
    }
    tensors = {}
    for split, count in (("train", TRAIN), ("test", TEST)):
        labels = (torch.rand(count, LABELS, generator=generator) < 0.2).float()
        labels[torch.arange(count), torch.arange(count) % LABELS] = 1
        labels[:, 1] = torch.maximum(labels[:, 1], labels[:, 0])
        labels[:, 4] = torch.maximum(labels[:, 4], labels[:, 3] * labels[:, 2])
        tensors[f"{split}.labels"] = labels
        for kind, prototype in prototypes.items():
            noise = torch.randn(count, prototype.shape[1], generator=generator)
            tensors[f"{split}.{kind}"] = labels @ prototype + noise
    return tensors


def main(checkout: Path) -> None:
    """Run the authors' code in `checkout` and write reference.safetensors and reference.pth."""
    np.float = float
    sys.path.insert(0, str(checkout))
    from evaluate import fx_calc_map_label, fx_calc_map_label_per_class
    from model import ALGCN
    from train_model import calc_loss

    golden = data()
    labels = golden["train.labels"]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("data/mirflickr").mkdir(parents=True)
        savemat("data/mirflickr/train_lab.mat", {"train_lab": labels.numpy().astype(np.uint8)})
        runpy.run_path(str(checkout / "gen_occurrence_adj.py"), run_name="__main__")
        counts = loadmat("data/mirflickr/adj.mat")
        golden["adj"], golden["nums"] = torch.tensor(counts["adj"]), torch.tensor(counts["nums"])
        torch.manual_seed(103)
        model = ALGCN(IMAGE, TEXT, COMMON, LABELS, EMBEDDING, THRESHOLD, "data/mirflickr/adj.mat", gamma=GAMMA)
    golden |= {f"initial.{name}": tensor.clone() for name, tensor in model.state_dict().items()}

    optimiser = torch.optim.Adam(model.get_config_optim(LEARNING_RATE), lr=LEARNING_RATE, betas=(0.5, 0.999))
    losses = []
    for step in range(STEPS):
        rows = torch.arange(step * BATCH, (step + 1) * BATCH) % TRAIN
        torch.manual_seed(step)
        image, text, image_scores, text_scores, _, supervision = model(
            golden["train.image"][rows], golden["train.text"][rows]
        )
        parts = [image, text, image_scores, text_scores, labels[rows], labels[rows]]
        loss = calc_loss(*parts, ALPHA) + 0.5 * supervision
        classification = calc_loss(*parts, 0.0)
        invariance = calc_loss(*parts, 1.0) - classification
        losses.append(torch.stack([classification, invariance, supervision, loss]).detach())
        optimiser.zero_grad()
        loss.backward()
        if step == 0:
            # Adam divides a first gradient by its own size: where that is all rounding, nothing could be compared.
            sizes = torch.cat([p.grad.abs().flatten() for p in model.parameters() if p.requires_grad])
            assert sizes[sizes > 0].min() > 1e-6, "take another DATA_SEED: a gradient is too close to zero"
        optimiser.step()
        if step == 0:
            golden |= {f"one_step.{name}": tensor.clone() for name, tensor in model.state_dict().items()}
    golden["losses"] = torch.stack(losses)

    model.eval()
    with torch.no_grad():
        outputs = model(golden["test.image"], golden["test.text"])[:5]
    names = ("image", "text", "image_scores", "text_scores", "classifiers")
    golden |= {f"out.{name}": output for name, output in zip(names, outputs, strict=True)}
    image, text, relevance = outputs[0].numpy(), outputs[1].numpy(), golden["test.labels"].numpy()
    golden["map"] = torch.tensor(
        [fx_calc_map_label(image, text, relevance), fx_calc_map_label(text, image, relevance)], dtype=torch.float64
    )
    golden["map_per_label"] = torch.tensor(fx_calc_map_label_per_class(image, text, relevance))

    torch.save(model.state_dict(), HERE / "reference.pth")
    save_file({name: tensor.contiguous().clone() for name, tensor in golden.items()}, HERE / "reference.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
