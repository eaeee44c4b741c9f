"""The endpoint that trains a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from algcn.kit import checks
from app.api.watching import train_model
from app.program import Program
from app.training.run import training_work
from app.training.settings import DEFAULTS, Settings

API_EPOCHS, API_MAX_EPOCHS = 10, 20


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoint that trains a model."""

    def train(
        mode: str = DEFAULTS.mode,
        gamma: float = DEFAULTS.gamma,
        threshold: float = DEFAULTS.threshold,
        use_gcn: bool = DEFAULTS.use_gcn,
        adaptive: bool = DEFAULTS.adaptive,
        epochs: int = 0,
        seed: int = DEFAULTS.seed,
    ) -> dict[str, Any]:
        """Train ALGCN on the gallery's own captions and labels, and measure it on pictures it never saw.

        The model is measured and thrown away; it takes about half a second for each epoch on an idle laptop. To keep a
        model: python -m algcn.train.

        Args:
            mode: "paper", training as in the paper; "plus", training for searches. The next four are of mode paper.
            gamma: Weight of what the label graph learns, 0 to 2.
            threshold: Conditional probability from which two labels are linked at the start, 0.05 to 1.
            use_gcn: Whether classifiers come from the label graph.
            adaptive: Whether the label graph learns.
            epochs: 1 to 20; 0 for 10 or, in mode plus, for as many as suit the number of pictures.
            seed: The seed of the split, the start and the order, 0 to 999,999.

        Returns:
            {"settings", "seconds", "stopped", "best_epoch", "pictures" (of each split), "labels", "validation" (mAP,
            chance), "held_out" (mAP of this model, the model before, the encoder and a random ranking, each
            {image_to_text, text_to_image, average}), "log" (losses, mAP and seconds of each epoch)}.
        """
        epochs = checks.whole_number(epochs, "epochs", 0, API_MAX_EPOCHS) or (API_EPOCHS if mode == "paper" else None)
        settings = Settings(mode, gamma, threshold, use_gcn, adaptive, epochs, seed)
        work = training_work(program.models.reading(program.named_service()), settings, None)
        trained, _ = train_model(program, work)
        return trained.summary()

    return [train]
