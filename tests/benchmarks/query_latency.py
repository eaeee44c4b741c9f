"""How long a text query takes: the bundle's own encoder, and beside it a ViT-B-32 with random weights.

    python -m tests.benchmarks.query_latency [--bundle B] [--gallery G] [--queries 100]

Both answer the same queries through the same service (encode, project, rank the whole gallery, describe the hits), one
after the other in one process. The ViT's results mean nothing; its cost is that of a usual CLIP.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.features.encoder import Encoder
from algcn.gallery.store import Gallery, build_gallery
from algcn.method.config import ModelConfig
from algcn.method.model import ALGCN
from app.service import RetrievalService

PROJECT = Path(__file__).resolve().parents[2]
WARM_UP = 5


def random_vit(bundle: Bundle, gallery: Gallery) -> RetrievalService:
    """The same bundle and gallery around open_clip's ViT-B-32 with random weights; nothing is downloaded."""
    import open_clip

    name = "ViT-B-32"
    model, _, preprocess = open_clip.create_model_and_transforms(name, pretrained=None)
    width = open_clip.get_model_config(name)["embed_dim"]
    encoder = Encoder(
        model.eval(), preprocess, open_clip.get_tokenizer(name), width, "random", name, torch.device("cpu")
    )
    config = dataclasses.replace(bundle.model.config, image_dim=width, text_dim=width)
    features = {
        name: functional.normalize(torch.randn(len(getattr(gallery, name)), width), dim=1)
        for name in ("image_features", "text_features")
    }
    gallery = dataclasses.replace(gallery, **features)
    beside = dataclasses.replace(bundle, model=ALGCN(ModelConfig(**config.to_dict()), bundle.model.prior).eval())
    return RetrievalService(beside, gallery, encoder=encoder)


def measure(service: RetrievalService, queries: Sequence[str]) -> list[float]:
    """Seconds for each query."""
    for query in queries[:WARM_UP]:
        service.search_by_text(query)
    times = []
    for query in queries:
        start = time.perf_counter()
        service.search_by_text(query)
        times.append(time.perf_counter() - start)
    return times


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=PROJECT / "weights" / "pocket")
    parser.add_argument("--gallery", type=Path, default=PROJECT / "assets" / "gallery")
    parser.add_argument("--queries", type=int, default=100)
    arguments = parser.parse_args(argv)
    bundle = Bundle.load(arguments.bundle)
    gallery = build_gallery(arguments.gallery, bundle)
    texts = gallery.texts or bundle.label_set.names
    queries = [texts[number * len(texts) // arguments.queries % len(texts)] for number in range(arguments.queries)]
    services = {
        arguments.bundle.name: RetrievalService(bundle, gallery),
        "ViT-B-32, random": random_vit(bundle, gallery),
    }
    sizes = f"{len(gallery):,} pictures, {len(gallery.texts):,} texts"
    print(f"{len(queries)} text queries, {sizes}, {torch.get_num_threads()} threads")
    print(f"{'encoder':<20}{'parameters':>12}{'median':>10}{'95 %':>10}{'slowest':>10}")
    for name, service in services.items():
        times = sorted(1000 * seconds for seconds in measure(service, queries))
        parameters = sum(parameter.numel() for parameter in service.encoder.model.parameters()) / 1e6
        late = times[int(0.95 * (len(times) - 1))]
        print(f"{name:<20}{parameters:>10.1f} M{statistics.median(times):>7.1f} ms{late:>7.1f} ms{times[-1]:>7.1f} ms")


if __name__ == "__main__":
    main()
