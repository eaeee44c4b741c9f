"""A gallery on Milvus: what is found there, and what is said when it does not answer."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from indexes import MilvusServer, made_gallery, vectors
from likely import with_probabilities

from algcn.bundles.bundle import Bundle
from algcn.cluster import milvus
from algcn.cluster.address import Address
from algcn.cluster.contents import LONGEST_LABEL, expression
from algcn.cluster.milvus import KINDS, Collection, Deadlines, MilvusCandidates, open_index
from algcn.cluster.publish import publish
from algcn.gallery.candidates import Allowed
from algcn.gallery.store import Gallery
from algcn.kit.errors import InputError
from app.search.filters import MATCHES, LabelFilter

pytest.importorskip("pymilvus", reason="algcn/cluster/requirements.txt is not installed")
pytest.importorskip("milvus_lite", reason="algcn/cluster/requirements.txt is not installed")

IMPATIENT = Deadlines(connect=1.0, answer=1.0, write=1.0, prepare=1.0)
HOSTILE = (
    'a "quoted" one',
    "it's",
    "back\\slash",
    "ends in a backslash\\",
    '"] or key >= 0 or array_contains_any(labels, ["x',
    "{labels}",
    "{",
    "100%",
    "%22",
    "_",
    "a, b",
    "[dog]",
    "new\nline",
    "tab\tand\0zero",
    " spaces  around ",
    "Straße",
    "STRASSE",
    "İstanbul",
    "ΣΊΣΥΦΟΣ",
    "naïve",
    "nai\u0308ve",
    "海",
    "🐕",
    "👩‍🚀",
    "\ud800",
    "\u202eright to left",
    "not",
    "true",
    "null",
    "-1",
    "1e5",
    "x" * 2 * LONGEST_LABEL,
    "x" * (2 * LONGEST_LABEL + 1),
    "dog",
    "Dog",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    running = MilvusServer(tmp_path_factory.mktemp("milvus") / "server")
    yield running
    running.stop()


@pytest.fixture(scope="module", params=("file", "server"))
def place(
    request: pytest.FixtureRequest, server: MilvusServer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Makes an address of a name: a file's, or a server's collection."""
    folder = tmp_path_factory.mktemp("files")
    return server.address if request.param == "server" else lambda name: str(folder / f"{name}.db")


@pytest.fixture(scope="module")
def bundle(tiny_bundle_dir: Path) -> Bundle:
    return with_probabilities(tiny_bundle_dir)


@pytest.fixture(scope="module")
def gallery(bundle: Bundle) -> Gallery:
    return made_gallery(bundle, 400, [("dog",), ("sea", "Boat"), (), ("boat", "night"), None])


def published(address: str, bundle: Bundle, gallery: Gallery, kind: str | None = None) -> MilvusCandidates:
    publish(Address.parse(address), bundle, gallery, kind=kind)
    return open_index(address, bundle, gallery)


@pytest.fixture(scope="module")
def candidates(place: Callable[[str], str], bundle: Bundle, gallery: Gallery) -> MilvusCandidates:
    return published(place("plain"), bundle, gallery)


@pytest.mark.parametrize("space", ("ranking", "encoder"))
@pytest.mark.parametrize("modality", ("image", "text"))
@pytest.mark.parametrize("count", (1, 50, 1000))
def test_the_nearest_are_those_of_all_inner_products(
    modality: str, space: str, count: int, candidates: MilvusCandidates, bundle: Bundle, gallery: Gallery
) -> None:
    rows = vectors(bundle, gallery, modality, space)
    for query in np.random.default_rng(0).standard_normal((5, rows.shape[1])).astype(np.float32):
        found = candidates.nearest(modality, space, query, count, None).rows
        assert found.tolist() == np.argsort(-(rows @ query), kind="stable")[:count].tolist()
        assert found.dtype == np.int64


def test_a_query_of_the_rule_ranks_as_the_rule_does(
    candidates: MilvusCandidates, bundle: Bundle, gallery: Gallery
) -> None:
    texts, images = (vectors(bundle, gallery, modality, "ranking") for modality in ("text", "image"))
    widths = (bundle.model.config.common_dim, 3 * len(bundle.label_set), bundle.model.config.image_dim)
    factors = np.repeat(np.float32(bundle.ranking.factors), widths)
    found = candidates.nearest("image", "ranking", (factors * texts[3])[None], 50, None).rows
    assert found.tolist() == np.argsort(-(images @ (factors * texts[3])), kind="stable")[:50].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_search_finds_nearly_all(
    kind: str, place: Callable[[str], str], bundle: Bundle, gallery: Gallery
) -> None:
    candidates, rows = published(place(kind), bundle, gallery, kind), vectors(bundle, gallery, "text", "ranking")
    queries = np.random.default_rng(1).standard_normal((10, rows.shape[1])).astype(np.float32)
    shared = [
        len({*candidates.nearest("text", "ranking", query, 50, None).rows} & {*np.argsort(-(rows @ query))[:50]})
        for query in queries
    ]
    assert np.mean(shared) >= (50 if kind == "FLAT" else 40)
    order = np.argsort(-(rows @ queries[0]), kind="stable")
    mask = np.zeros(len(rows), np.bool_)
    mask[order[-70:]] = True  # what is farthest, where no graph and no cell leads to
    found = candidates.nearest("text", "ranking", queries[0], 50, Allowed(mask)).rows
    assert len({*found}) == 50 and mask[found].all()
    assert len({*found} & {*order[-70:-20]}) >= (45 if kind == "IVF_SQ8" else 50)
    assert candidates.describe().startswith("Milvus at ") and f"searched as {kind}" in candidates.describe()


@pytest.fixture(scope="module")
def hostile(place: Callable[[str], str], bundle: Bundle) -> tuple[MilvusCandidates, Gallery]:
    """A published gallery whose labels are meant to be taken for something else."""
    random = np.random.default_rng(2)
    labels = [[name for name in HOSTILE if random.random() < 0.15] for _ in range(60)]
    gallery = made_gallery(bundle, 60, [*labels, *([name] for name in HOSTILE)])
    return published(place("hostile"), bundle, gallery), gallery


def filtered(candidates: MilvusCandidates, modality: str, bundle: Bundle, allowed: Allowed) -> list[int]:
    """What Milvus alone finds by the labels of a filter, in the order of the gallery."""
    query = np.ones(bundle.model.config.image_dim, np.float32)
    found, _ = candidates._collection.search(modality, "encoder", query, len(allowed.mask), expression(allowed), {})
    return sorted(found.tolist())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(labels=st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=4), match=st.sampled_from(MATCHES))
def test_a_filter_is_the_pages(
    labels: list[str], match: str, hostile: tuple[MilvusCandidates, Gallery], bundle: Bundle
) -> None:
    candidates, gallery = hostile
    mask = LabelFilter([item.labels for item in gallery.items]).mask(labels, match)
    for modality, wanted in (("image", mask), ("text", mask[gallery.text_owner.numpy()])):
        allowed = Allowed(wanted, tuple(labels), match)
        assert filtered(candidates, modality, bundle, allowed) == np.flatnonzero(wanted).tolist()
        query = np.ones(bundle.model.config.image_dim, np.float32)
        found = candidates.nearest(modality, "encoder", query, len(wanted), allowed).rows
        assert sorted(found.tolist()) == np.flatnonzero(wanted).tolist()


@given(st.lists(st.text(), min_size=1), st.sampled_from(MATCHES))
def test_nothing_in_a_filter_ends_a_name(labels: list[str], match: str) -> None:
    filter = expression(Allowed(np.ones(1, np.bool_), tuple(labels), match))
    assert filter.isascii() and filter.isprintable() and "\\" not in filter
    assert filter.count('"') == 2 * len({label.casefold() for label in labels})


@pytest.mark.parametrize("name", HOSTILE)
def test_each_name_finds_its_pictures(name: str, hostile: tuple[MilvusCandidates, Gallery], bundle: Bundle) -> None:
    candidates, gallery = hostile
    has = np.array([name.casefold() in {label.casefold() for label in item.labels} for item in gallery.items])
    assert has.any() and filtered(candidates, "image", bundle, Allowed(has, (name,))) == np.flatnonzero(has).tolist()


def test_without_given_labels_the_models_count(place: Callable[[str], str], pictures_bundle_dir: Path) -> None:
    from algcn.bundles.predictor import LabelPredictor

    bundle = Bundle.load(pictures_bundle_dir)
    gallery = made_gallery(bundle, 60, [None])
    predicted = LabelPredictor(bundle).of_pictures(gallery.image_embeddings)
    has = np.array(["dog" in names for names in predicted])
    assert 0 < has.sum() < 60
    candidates = published(place("predicted"), bundle, gallery)
    assert filtered(candidates, "image", bundle, Allowed(has, ("DOG",))) == np.flatnonzero(has).tolist()
    query = np.ones(bundle.model.config.image_dim, np.float32)
    assert candidates.nearest("text", "encoder", query, 60, None).rows.tolist() == []


@pytest.mark.parametrize("labels", ((), ("dog",)))
@pytest.mark.parametrize("share", (0.0, 0.02, 0.1, 0.5))
@pytest.mark.parametrize("count", (1, 20, 400))
def test_a_mask_leaves_out_more_than_its_labels(
    count: int,
    share: float,
    labels: tuple[str, ...],
    candidates: MilvusCandidates,
    bundle: Bundle,
    gallery: Gallery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The farthest may be found, so that the nearest by labels alone are none of them, however many are asked for."""
    monkeypatch.setattr(milvus, "MOST_FOUND", 64)
    monkeypatch.setattr(milvus, "MOST_LISTED", 16)
    rows = vectors(bundle, gallery, "image", "encoder")
    order = np.argsort(-(rows @ rows[0]), kind="stable")
    has = [not labels or "dog" in (gallery.items[row].labels or ()) for row in order]
    mask = np.zeros(400, np.bool_)
    mask[order[round(400 * (1 - share)) :]] = True
    mask[order[~np.array(has)]] = False
    found = candidates.nearest("image", "encoder", rows[0], count, Allowed(mask, labels)).rows
    assert found.tolist() == order[mask[order]][: min(count, 64)].tolist()


def test_many_are_searched_by_their_labels_on_a_server(
    place: Callable[[str], str],
    candidates: MilvusCandidates,
    bundle: Bundle,
    gallery: Gallery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a file they are listed: Milvus Lite looks at the labels of 20,000 rows for nine seconds."""
    filters, search = [], Collection.search
    monkeypatch.setattr(Collection, "search", lambda *asked: filters.append(asked[5]) or search(*asked))
    dogs = Allowed(np.array([item.labels == ["dog"] for item in gallery.items]), ("dog",))
    query = np.ones(bundle.model.config.image_dim, np.float32)
    assert len(candidates.nearest("image", "encoder", query, 80, dogs).rows) == 80
    (filter,) = filters
    assert filter.startswith("array_contains_any(labels," if place("").startswith("milvus") else "key in [0, 10, ")


@pytest.mark.parametrize("version, indexed", (("v2.6.4", ["INVERTED"]), ("milvus_lite-3.2.2", [])))
def test_a_server_indexes_the_labels_and_milvus_lite_cannot(
    version: str, indexed: list[str], bundle: Bundle, gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymilvus import MilvusClient

    told, create = [], MilvusClient.create_index

    def creating(self, name, indexes, **soon):
        told.extend(index.index_type for index in indexes if index.field_name == "labels")
        indexes[:] = [index for index in indexes if index.field_name != "labels"]
        create(self, name, indexes, **soon)

    monkeypatch.setattr(MilvusClient, "create_index", creating)
    monkeypatch.setattr(MilvusClient, "get_server_version", lambda *_, **soon: version)
    assert published(str(tmp_path / "a.db"), bundle, gallery)
    assert told == indexed


def test_an_index_of_something_else_is_refused(
    place: Callable[[str], str], candidates: MilvusCandidates, bundle: Bundle, gallery: Gallery, tiny_bundle_dir: Path
) -> None:
    with pytest.raises(InputError, match=r"holds another model's vectors .* --replace writes it anew\.$"):
        open_index(place("plain"), Bundle.load(tiny_bundle_dir), gallery)  # the same weights, no probabilities
    other = made_gallery(bundle, 400, [("cat",)])
    with pytest.raises(InputError, match=r"another gallery, or this one before it changed \(400 pictures"):
        open_index(place("plain"), bundle, other)
    with pytest.raises(InputError, match=r"^There is no index at .*publish FOLDER"):
        open_index(place("nothing_there"), bundle, gallery)


def refused(address: str, bundle: Bundle, gallery: Gallery, deadlines: Deadlines = IMPATIENT) -> list[str]:
    """What is said of an index that cannot be opened, and what when it is published to."""
    said = []
    for ask in (
        lambda: open_index(address, bundle, gallery, deadlines),
        lambda: publish(Address.parse(address), bundle, gallery, deadlines=deadlines),
    ):
        with pytest.raises(InputError) as error:
            ask()
        said.append(str(error.value))
        assert "\n" not in said[-1] and len(said[-1]) < 400, said[-1]
    return said


def test_a_server_that_is_down_is_said(
    bundle: Bundle, gallery: Gallery, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILVUS_TOKEN", "s3cret")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}/photos"
        for said in refused(f"milvus://{address}", bundle, gallery):
            assert said.startswith(f"Milvus at {address} is not there or does not answer within 1 seconds; start it")
            assert "s3cret" not in said
    assert capfd.readouterr() == ("", "")


def test_a_server_that_never_answers_is_said(bundle: Bundle, gallery: Gallery) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        for said in refused(f"milvus://127.0.0.1:{silent.getsockname()[1]}/photos", bundle, gallery):
            assert "does not answer within 1 seconds" in said


def intercepting(when: Callable[[str], bool], answer: Callable):
    """An interceptor that answers itself where `when` says so of a method's name."""
    import grpc

    class Interceptor(grpc.ServerInterceptor):
        def intercept_service(self, continuation, details):
            if when(details.method.rpartition("/")[2]):
                return grpc.unary_unary_rpc_method_handler(answer)
            return continuation(details)

    return Interceptor()


def test_a_server_that_becomes_slow_is_said(tmp_path: Path, bundle: Bundle, gallery: Gallery) -> None:
    slow: set[str] = set()
    running = MilvusServer(tmp_path / "data", [intercepting(slow.__contains__, lambda *_: time.sleep(3))])
    try:
        published(running.address(), bundle, gallery)
        candidates = open_index(running.address(), bundle, gallery, IMPATIENT._replace(prepare=10.0))
        query = np.ones(bundle.model.config.image_dim, np.float32)
        slow.add("Search")
        started = time.monotonic()
        with pytest.raises(InputError, match="does not answer within 1 seconds"):
            candidates.nearest("image", "encoder", query, 5, None)
        assert time.monotonic() - started < 3
        slow.clear()
        assert len(candidates.nearest("image", "encoder", query, 5, None).rows) == 5
    finally:
        running.stop()


def test_who_is_not_let_in_is_told_what_to_set(
    tmp_path: Path, bundle: Bundle, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    import base64

    import grpc

    def guard(method: str) -> bool:
        return True

    def refuse(request: object, context: grpc.ServicerContext) -> None:
        sent.append(dict(context.invocation_metadata()).get("authorization", ""))
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure")

    sent: list[str] = []
    monkeypatch.setenv("MILVUS_TOKEN", "root:s3cret")
    running = MilvusServer(tmp_path / "data", [intercepting(guard, refuse)])
    try:
        for said in refused(running.address(), bundle, gallery):
            assert "does not let this user in; set MILVUS_USER and MILVUS_PASSWORD, or MILVUS_TOKEN." in said
            assert "s3cret" not in said
        assert base64.b64decode(sent[0]) == b"root:s3cret"
    finally:
        running.stop()


def test_tls(tmp_path: Path, bundle: Bundle, gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on the PATH to make a certificate with")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    make = f"req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -subj /CN=test"
    subprocess.run(
        ["openssl", *make.split(), "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True
    )
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(certificate))
    running = MilvusServer(tmp_path / "data", tls=(key.read_bytes(), certificate.read_bytes()))
    try:
        candidates = published(running.address().replace("milvus", "milvus+tls", 1), bundle, gallery)
        assert candidates.nearest("image", "encoder", gallery.image_features[3].numpy(), 1, None).rows.tolist() == [3]
        for said in refused(running.address(), bundle, gallery):
            assert "is not there or does not answer" in said
    finally:
        running.stop()


def test_a_server_that_went_down_is_asked_again_when_it_is_back(
    tmp_path: Path, bundle: Bundle, gallery: Gallery
) -> None:
    running = MilvusServer(tmp_path / "data")
    published(running.address(), bundle, gallery)
    candidates = open_index(running.address(), bundle, gallery, Deadlines(connect=1.0, answer=2.0))
    query = np.ones(bundle.model.config.image_dim, np.float32)
    before = candidates.nearest("image", "encoder", query, 5, None).rows.tolist()
    running.stop()
    with pytest.raises(InputError, match="is not there or does not answer within 2 seconds"):
        candidates.nearest("image", "encoder", query, 5, None)
    running.start()
    try:
        for _ in range(30):  # gRPC waits a moment before it tries again
            with contextlib.suppress(InputError):
                assert candidates.nearest("image", "encoder", query, 5, None).rows.tolist() == before
                break
            time.sleep(0.3)
        else:
            pytest.fail("it is not found again")
    finally:
        running.stop()


def test_a_file_that_cannot_be_opened_is_said(
    tmp_path: Path, bundle: Bundle, gallery: Gallery, capfd: pytest.CaptureFixture[str]
) -> None:
    from milvus_lite.db import MilvusLite

    (tmp_path / "old.db").write_bytes(b"SQLite format 3\0")
    for name in ("old.db", "no/such/folder.db"):
        with pytest.raises(InputError, match=r"; name a new file in a folder that is there\.$"):
            Collection(Address.parse(str(tmp_path / name)))
    with MilvusLite(str(tmp_path / "busy.db")):
        for said in refused(str(tmp_path / "busy.db"), bundle, gallery):
            assert said.endswith("cannot be opened; end the program that has it open, or name another file.")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("package", ("pymilvus", "milvus_lite"))
def test_a_missing_package_is_said_with_what_installs_it(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        InputError, match=rf"needs the package {package}; pip install -r \S+requirements\.txt installs it\.$"
    ):
        Collection(Address.parse(str(tmp_path / "a.db")))
