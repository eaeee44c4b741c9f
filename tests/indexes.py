"""Galleries made up of random numbers, Milvus Lite's server on loopback, and a publication that is killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from likely import with_probabilities
from numpy.typing import NDArray
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.bundles.embedding import project
from algcn.cluster import publish
from algcn.cluster.address import Address
from algcn.cluster.contents import Rows
from algcn.cluster.milvus import Collection, open_index
from algcn.datasets.image_folder import Item
from algcn.gallery.store import Gallery
from algcn.kit.errors import InputError


def made_gallery(
    bundle: Bundle, pictures: int, labels: Sequence[Sequence[str] | None] = ((),), seed: int = 0
) -> Gallery:
    """A gallery of random features; every second picture has two texts, the others one, and picture i labels[i].

    A model that reads no texts gets none.
    """
    generator = torch.Generator().manual_seed(seed)
    reads = "text" in bundle.encodes
    given = [labels[i % len(labels)] for i in range(pictures)]
    items = [
        Item(f"{i}.jpg", [f"text {k} of {i}" for k in range(reads * (1 + i % 2))], None if names is None else [*names])
        for i, names in enumerate(given)
    ]
    owner = torch.tensor([i for i, item in enumerate(items) for _ in item.texts], dtype=torch.long)
    width = bundle.model.config.image_dim
    images, texts = (functional.normalize(torch.randn(n, width, generator=generator)) for n in (pictures, len(owner)))
    return Gallery(
        root=Path("nowhere"),
        items=items,
        texts=[text for item in items for text in item.texts],
        text_owner=owner,
        image_embeddings=project(bundle.model, bundle.model.embed_image, images),
        text_embeddings=project(bundle.model, bundle.model.embed_text, texts) if reads else texts,
        image_features=images,
        text_features=texts,
        store_notices=[],
    )


def vectors(bundle: Bundle, gallery: Gallery, modality: str, space: str) -> NDArray[np.float32]:
    """All that an index holds of a modality in a space."""
    count = len(gallery.items if modality == "image" else gallery.texts)
    return np.stack([row[space] for row in Rows(bundle, gallery).of(modality, range(count))])


class MilvusServer:
    """Milvus Lite's gRPC server on loopback, on data that stay when it stops; with a key and a certificate by TLS."""

    def __init__(self, data: Path, interceptors: Sequence = (), tls: tuple[bytes, bytes] | None = None) -> None:
        self._data, self._interceptors, self._tls, self.port = data, interceptors, tls, 0
        self.start()

    def start(self) -> None:
        """Start, or start again on the same port."""
        from concurrent.futures import ThreadPoolExecutor

        import grpc
        from milvus_lite.adapter.grpc.servicer import MilvusServicer
        from milvus_lite.db import MilvusLite
        from pymilvus.grpc_gen import milvus_pb2_grpc

        self._db = MilvusLite(str(self._data))
        self._server = grpc.server(ThreadPoolExecutor(4), interceptors=self._interceptors)
        milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(self._db), self._server)
        place = f"127.0.0.1:{self.port}"
        if self._tls is None:
            self.port = self._server.add_insecure_port(place)
        else:
            self.port = self._server.add_secure_port(place, grpc.ssl_server_credentials([self._tls]))
        self._server.start()

    def stop(self) -> None:
        """Go down."""
        self._server.stop(0).wait()
        self._db.close()

    def address(self, collection: str = "gallery") -> str:
        """What --index takes."""
        return f"milvus://127.0.0.1:{self.port}/{collection}"


KILLED_PICTURES, KILLED_BATCH = 130, 20


def killed_gallery(bundle: Bundle) -> Gallery:
    """What the processes below publish."""
    return made_gallery(bundle, KILLED_PICTURES, [("dog",), (), ("sea", "boat")])


def publish_and_be_killed(bundle: Bundle, address: str, moment: str) -> None:
    """Publish, and kill this process: after its "create", "write 3" or "flush", or "never"; or just "open"."""
    publish.BATCH = KILLED_BATCH
    name, _, number = moment.partition(" ")
    gallery, calls = killed_gallery(bundle), 0
    if name == "open":
        try:
            open_index(address, bundle, gallery)
        except InputError as error:
            print(error, flush=True)
        return
    if name != "never":
        method = getattr(Collection, name)

        def killing(self: Collection, *arguments: object) -> None:
            nonlocal calls
            calls += 1
            if name == "create":  # between the collection and its first row
                Collection.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
            method(self, *arguments)
            if calls == int(number or 1):
                os.kill(os.getpid(), signal.SIGKILL)

        setattr(Collection, name, killing)
    print(publish.publish(Address.parse(address), bundle, gallery).written, flush=True)


def main(bundle_dir: str, address: str, *moments: str) -> None:
    """Have a process for each moment, one after another; prints how each ended."""
    bundle = with_probabilities(Path(bundle_dir))
    for moment in moments:
        child = os.fork()  # nothing here knows gRPC yet, which does not like it
        if not child:
            publish_and_be_killed(bundle, address, moment)
            sys.exit()
        _, status = os.waitpid(child, 0)
        print(moment, os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
