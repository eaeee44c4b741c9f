"""A search of a million pictures and captions on one machine: time, memory, and what an exact search would have found.

    python -m tests.benchmarks.million --folder FOLDER [--pairs 1000000] [--bundle weights/pocket]

With OMP_WAIT_POLICY=PASSIVE and OPENBLAS_NUM_THREADS=1 before it, as the page sets for itself. The pairs are generated
from the features of a real gallery: a picture's, moved halfway to those of another and by noise, with the caption and
the labels of the first. Their rows lie in memory-mapped files in FOLDER, as those of any large gallery do in the cache:
4.1 kB a pair. Beside it faiss's flat index answers for the joined vectors of the pictures alone, on as many of them as
fit (--flat), and on as many pairs the search itself without an index. The exact ranking says what is missed.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, quantiles

import faiss
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.bundles.embedding import project
from algcn.evaluation.ranking import joined
from algcn.gallery.store import Gallery, build_gallery
from app.search import ranker
from app.search.kinds import Kinds
from app.search.own_labels import OwnLabels
from app.search.parse import parse_query
from app.search.query import Query
from app.service import RetrievalService

BLOCK = 50_000
NEAR, NOISE = 0.5, 0.35
SEED = 0
ROUNDED = 2e-4  # scores of items that equal the last of the best
WORDS = (
    "two people skiing down a hill",
    "a red bus in a city",
    "a dog on the beach",
    "a plate of food",
    "a train",
    "a man riding a horse",
    "boats in a harbour at night",
    "a cat on a couch",
    "a giraffe",
    "children playing football",
    "an old bridge over a river",
    "a bowl of fruit",
    "a stop sign",
    "a kitchen",
    "snow on mountains",
    "a flock of birds",
)
LABELS = ("dog", "snow", "boat", "city")


def main() -> None:
    """Build and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--bundle", type=Path, default="weights/pocket")
    parser.add_argument("--gallery", type=Path, default="assets/gallery")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--flat", type=int, default=100_000)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    bundle = Bundle.load(arguments.bundle)
    start = time.perf_counter()
    gallery = generated(build_gallery(arguments.gallery, bundle), bundle, arguments.pairs, arguments.folder)
    print(f"{len(gallery.items):,} pictures and {len(gallery.texts):,} captions in {since(start)}; {memory()}")
    start = time.perf_counter()
    service = RetrievalService(bundle, gallery, bundle.encoder())
    service.search_by_text("a dog")
    print(f"the index, which is built where it is not there yet, and a first search: {since(start)}; {memory()}")
    print(service.index.describe() if service.index else "all are ranked")
    search = service.search
    for title, queries in {
        "words": [Query(text) for text in WORDS],
        "words, filtered by a label": [Query(text, labels=(label,)) for text in WORDS[:8] for label in LABELS],
        "words, without a label": [Query(text, labels=("person",), match="none") for text in WORDS],
        "a picture": [Query(item=item) for item in range(0, len(gallery.items), len(gallery.items) // 16)],
        "words, steered": [Query(text, without="person") for text in WORDS],
    }.items():
        timed(title, lambda query: search(query), queries)
    print(memory())
    recalls(service, "words", [Query(text, limit=50) for text in WORDS])
    filtered = [Query(text, limit=50, labels=(label,)) for text in WORDS[:8] for label in LABELS]
    recalls(service, "words, filtered by a label", filtered)
    flat(service, arguments.flat)
    whole(service, arguments.flat)


def generated(real: Gallery, bundle: Bundle, pairs: int, folder: Path) -> Gallery:
    """A gallery of many pairs like those of a real one."""
    firsts = real.text_owner.tolist()
    rng = np.random.default_rng(SEED)
    texts = rng.integers(0, len(firsts), pairs)
    others = rng.integers(0, len(firsts), pairs)

    def moved(features: Tensor, name: str) -> Tensor:
        def blocks() -> Iterator[Tensor]:
            noises = torch.Generator().manual_seed(SEED + len(name))
            for start in range(0, pairs, BLOCK):
                part = slice(start, start + BLOCK)
                own, other = features[texts[part]], features[others[part]]
                noise = torch.randn(own.shape, generator=noises) / own.shape[1] ** 0.5
                yield functional.normalize(own + NEAR * other + NOISE * noise, dim=1)

        return mapped(folder / f"{name}-{pairs}.npy", pairs, features.shape[1], blocks())

    def embedded(features: Tensor, name: str, embed: Callable[[Tensor], Tensor]) -> Tensor:
        parts = (project(bundle.model, embed, part.float()) for part in features.split(BLOCK))
        return mapped(folder / f"{name}-{pairs}.npy", pairs, bundle.model.config.common_dim, parts)

    images = moved(real.image_features[real.text_owner], "image_features")
    captions = moved(real.text_features, "text_features")
    items = [real.items[owner] for owner in firsts]
    return dataclasses.replace(
        real,
        items=[
            dataclasses.replace(items[text], file_name=f"{number}.webp", texts=(real.texts[text],))
            for number, text in enumerate(texts.tolist())
        ],
        texts=[real.texts[text] for text in texts.tolist()],
        text_owner=torch.arange(pairs),
        image_features=images,
        text_features=captions,
        image_embeddings=embedded(images, "image_embeddings", bundle.model.embed_image),
        text_embeddings=embedded(captions, "text_embeddings", bundle.model.embed_text),
        key=f"generated {pairs} {SEED}",
    )


def mapped(path: Path, count: int, width: int, parts: Iterator[Tensor]) -> Tensor:
    """Write rows to a file, unless they are there, and map it."""
    if not path.is_file():
        rows = np.lib.format.open_memmap(path, "w+", np.float16, (count, width))
        start = 0
        for part in parts:
            rows[start : start + len(part)] = part.half().numpy()
            start += len(part)
        rows.flush()
    return torch.from_numpy(np.load(path, mmap_mode="c"))


def timed(title: str, ask: Callable[[Query], object], queries: list[Query]) -> None:
    """Ask each query three times, and print the median and the slowest twentieth."""
    taken = []
    for query in queries * 3:
        start = time.perf_counter()
        ask(query)
        taken.append(1000 * (time.perf_counter() - start))
    half, late = quantiles(taken, n=20)[9], quantiles(taken, n=20)[18]
    print(f"{title}: median {half:.0f} ms, 95 % {late:.0f} ms of {len(taken)}")


def recalls(service: RetrievalService, title: str, queries: list[Query]) -> None:
    """Compare with the exact ranking, by the same score over all rows, a block at a time."""
    gallery, rule = service.gallery, service.bundle.ranking
    owner = gallery.text_owner.numpy()
    kinds = Kinds(gallery, service.predictor, rule, OwnLabels(), known=True)
    parsed = [parse_query(query, service._reader, gallery, service.predictor, rule, service.own) for query in queries]
    asking = torch.cat([rule.weighted(one.seen) for one in parsed])
    seen: dict[str, list[Tensor]] = {"image": [], "text": []}
    for start in range(0, len(gallery.items), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(gallery.items)))
        for kind in kinds.some(rows, rows):
            seen[kind.modality].append(asking @ joined(kind.items).T)
    units = {kind.modality: (asking @ joined(kind.items).T).std(dim=1, correction=0) for kind in kinds.samples}
    for modality, blocks in seen.items():
        exact, shares = torch.cat(blocks, dim=1), []
        for number, query in enumerate(queries):
            scores = exact[number].clone()
            written = service._written.weights(service._ranker._asked(parsed[number]), modality)
            if written is not None:
                scores = scores + units[modality][number] * torch.from_numpy(written.of(np.arange(len(scores))))
            allowed = service.labels.mask(query.labels, query.match)
            scores[torch.from_numpy(~(allowed if modality == "image" else allowed[owner]))] = -torch.inf
            result = service.search(query)
            hits = result.images if modality == "image" else result.texts
            least = float(scores.topk(len(hits)).values[-1]) - ROUNDED
            shares.append(mean(float(hit.score >= least) for hit in hits))
        print(f"{title}: {mean(shares):.4f} of the best {len(hits)} ({modality}) of the exact ranking are found")


def flat(service: RetrievalService, count: int) -> None:
    """Time plain faiss beside it, on some of the pictures."""
    count = min(count, len(service.gallery.items))
    kinds = Kinds(service.gallery, service.predictor, service.bundle.ranking, OwnLabels(), known=True)
    pictures, _ = kinds.some(np.arange(count), np.arange(0))
    vectors = joined(pictures.items).numpy()
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        index.search(vectors[:1], 50)
        taken.append(1000 * (time.perf_counter() - start))
    whole = quantiles(taken, n=20)[9]
    print(
        f"faiss flat on {count:,} pictures alone: median {whole:.0f} ms; for {len(service.gallery.items):,} "
        f"pictures and captions that is {whole * 2 * len(service.gallery.items) / count:.0f} ms, computed"
    )


def whole(service: RetrievalService, count: int) -> None:
    """Time a search without an index beside one with it, on some of the pairs, held in memory in float32 for that."""
    gallery = service.gallery
    rows = {
        name: getattr(gallery, name)[:count]
        for name in ("image_features", "text_features", "image_embeddings", "text_embeddings")
    }
    some = dataclasses.replace(
        gallery,
        items=gallery.items[:count],
        texts=gallery.texts[:count],
        text_owner=gallery.text_owner[:count],
        key=f"{gallery.key}, {count} of them",
        **rows,
    )
    held = dataclasses.replace(some, **{name: tensor.float() for name, tensor in rows.items()})
    queries = [Query(text) for text in WORDS]
    for title, those, exact in (("with an index", some, ranker.EXACT), ("without", held, count)):
        ranker.EXACT = exact
        asked = RetrievalService(service.bundle, those, service.encoder)
        for query in queries:
            asked.search(query)
        timed(f"{len(some.items):,} pairs {title}", asked.search, queries)


def since(start: float) -> str:
    """Seconds since then."""
    return f"{time.perf_counter() - start:.1f} s"


def memory() -> str:
    """What the process holds, and how much of it is files."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    held = {
        words[0].rstrip(":"): int(words[1]) / 1e6 for words in lines if words and words[0].startswith(("VmRSS", "Rss"))
    }
    return f"{held['VmRSS']:.1f} GB of memory, {held['RssFile']:.1f} of them mapped files"


if __name__ == "__main__":
    main()
