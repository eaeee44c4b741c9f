"""Pulling from and pushing to a Hub: a real server on loopback, a real client in a process of its own."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path

import gradio_client
import numpy as np
import pytest
from hub_process import Client, Refused
from hub_server import HubServer
from serving import serve

from algcn.bundles.bundle import Bundle
from algcn.bundles.hub import BUNDLE, resolve_bundle
from algcn.bundles.manifest import verify
from algcn.bundles.saving import save_bundle
from algcn.gallery.files import LAYOUT_NAME
from algcn.gallery.hub import resolve_gallery
from algcn.gallery.layout import gallery_key, gallery_points, read_layout, write_layout
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from algcn.kit.hub import push
from algcn.kit.snapshots import parse_reference

SECONDS = 5.0  # what an unreachable Hub may cost, in total


pytestmark = pytest.mark.usefixtures("healthy_hub")


@pytest.fixture
def repository(hub: HubServer, tiny_bundle_dir: Path, request: pytest.FixtureRequest) -> tuple[str, str]:
    """A repository of its own for each test, and its commit."""
    name = f"someone/{request.node.name.strip('_').replace('[', '.').replace(']', '')[-60:]}"
    return name, hub.add(name, tiny_bundle_dir)


def test_a_pinned_bundle_is_pulled_once(hub: HubServer, client: Client, repository: tuple[str, str]) -> None:
    name, commit = repository
    path, notice = client.ask("resolve", f"{name}@{commit}")
    assert notice is None
    assert Path(path).name == commit
    assert len(client.ask("load", path)) == 16
    assert verify(path)
    hub.requests.clear()
    assert client.ask("resolve", f"{name}@{commit}") == [path, None]
    assert hub.requests == []
    hub.stop()
    assert client.ask("resolve", f"{name}@{commit}") == [path, None]
    assert client.seconds < SECONDS


def test_an_unpinned_bundle_says_its_commit(hub: HubServer, client: Client, repository: tuple[str, str]) -> None:
    name, commit = repository
    path, notice = client.ask("resolve", name)
    assert Path(path).name == commit
    assert notice == f"{name} is {name}@{commit} now; name it so to stay with this commit."
    hub.stop()
    again, notice = client.ask("resolve", name)
    assert again == path
    assert notice == f"The Hub cannot be reached (ConnectError). Using the local copy of {name}@{commit}."
    assert client.seconds < SECONDS


def test_an_unpinned_bundle_follows_its_branch(
    hub: HubServer, client: Client, repository: tuple[str, str], tiny_bundle_dir: Path, tmp_path: Path
) -> None:
    name, first = repository
    client.ask("resolve", f"{name}@main")
    newer = Path(shutil.copytree(tiny_bundle_dir, tmp_path / "newer"))
    (newer / "README.md").write_text("# Newer\n")
    second = hub.add(name, newer)
    path, notice = client.ask("resolve", f"{name}@main")
    assert second != first
    assert (Path(path) / "README.md").read_text() == "# Newer\n"
    assert f"{name}@main is {name}@{second} now" in notice


def test_only_the_files_of_a_bundle_are_downloaded(
    hub: HubServer, client: Client, tiny_bundle_dir: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_bundle_dir, tmp_path / "more"))
    for extra in ("pytorch_model.bin", "run.py", "encoder/open_clip_pytorch_model.bin", "other.safetensors"):
        (folder / extra).write_bytes(b"not wanted")
    commit = hub.add("someone/more", folder)
    path, _ = client.ask("resolve", f"someone/more@{commit}")
    found = {p.relative_to(path).as_posix() for p in Path(path).rglob("*") if p.is_file()}
    assert found == {p.relative_to(tiny_bundle_dir).as_posix() for p in tiny_bundle_dir.rglob("*") if p.is_file()}


def test_without_a_hub_the_fallback_is_used_soon(hub: HubServer, client: Client, repository: tuple[str, str]) -> None:
    name, commit = repository
    hub.stop()
    for reference in (name, f"{name}@{commit}"):
        path, notice = client.ask("resolve", reference, fallback="weights/pocket")
        assert client.seconds < SECONDS
        assert path == "weights/pocket"
        assert notice == (
            "The Hub cannot be reached (ConnectError). "
            f"There is no whole local copy of {reference}. Using weights/pocket instead."
        )
    with pytest.raises(Refused, match="There is no whole local copy"):
        client.ask("resolve", name)


def test_a_hub_that_does_not_answer_costs_seconds(hub: HubServer, client: Client, repository: tuple[str, str]) -> None:
    hub.delay = 30
    client.ask("settings", LOOKUP_SECONDS=0.5)
    try:
        _, notice = client.ask("resolve", repository[0], fallback="weights/pocket")
        assert client.seconds < SECONDS
    finally:
        client.ask("settings", LOOKUP_SECONDS=4.0)
    assert notice.startswith("The Hub did not answer within 0.5 seconds.") or "(ReadTimeout)" in notice


def test_a_hub_that_is_out_of_order(hub: HubServer, client: Client, repository: tuple[str, str]) -> None:
    hub.status = 503
    _, notice = client.ask("resolve", repository[0], fallback="weights/pocket")
    assert "The Hub refused" in notice
    assert "503" in notice


def test_a_missing_repository_and_a_missing_commit(client: Client, repository: tuple[str, str]) -> None:
    with pytest.raises(Refused, match=r"There is no folder no/such here\. The Hub has no model repository no/such"):
        client.ask("resolve", "no/such")
    with pytest.raises(Refused, match=f"{repository[0]} has no commit, branch or tag {'0' * 40}"):
        client.ask("resolve", f"{repository[0]}@{'0' * 40}")
    path, notice = client.ask("resolve", "no/such", fallback="weights/pocket")
    assert path == "weights/pocket"
    assert notice.startswith("The Hub has no model repository no/such, or it is private")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_wrong_hash_is_said_and_not_kept(
    hub: HubServer, client: Client, repository: tuple[str, str], name: str
) -> None:
    reference = "@".join(repository)
    hub.altered = {name}
    with pytest.raises(Refused, match=f"{name} from {reference} arrived damaged .* was not kept; try again"):
        client.ask("resolve", reference)
    assert not [path for path in client.cached_files(repository[0]) if path.name == name]
    hub.heal()
    path, _ = client.ask("resolve", reference)
    assert verify(path)


def test_a_truncated_file_is_said_and_not_kept(hub: HubServer, client: Client, repository: tuple[str, str]) -> None:
    reference = "@".join(repository)
    hub.truncated = {"model.safetensors"}
    client.ask("settings", DOWNLOAD_SECONDS=1.5, SECONDS_PER_FILE=0, BYTES_PER_SECOND=1e9)
    try:
        with pytest.raises(Refused, match=f"The download of {reference} broke off and nothing incomplete was kept"):
            client.ask("resolve", reference)
    finally:
        client.ask("settings", DOWNLOAD_SECONDS=30, SECONDS_PER_FILE=1, BYTES_PER_SECOND=200_000)
    hub.heal()
    path, _ = client.ask("resolve", reference)
    assert verify(path)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_hub_that_sends_more_than_it_announced_is_cut_off_and_leaves_nothing(
    hub: HubServer, client: Client, tiny_bundle_dir: Path, name: str
) -> None:
    reference = f"someone/endless-{name[0]}@{hub.add(f'someone/endless-{name[0]}', tiny_bundle_dir)}"
    hub.endless = {name}
    with pytest.raises(Refused, match=f"sends more of {reference} than it announced, so the download was ended"):
        client.ask("resolve", reference)
    assert hub.sent < 100 << 20
    left = client.cached_files(reference.partition("@")[0])
    assert not [path for path in left if path.suffix == ".incomplete" or path.stat().st_size > 50 << 20]
    hub.heal()
    path, _ = client.ask("resolve", reference)
    assert verify(path)


def test_what_a_killed_download_left_goes_with_the_next_one(
    hub: HubServer, client: Client, tiny_bundle_dir: Path
) -> None:
    reference = f"someone/killed@{hub.add('someone/killed', tiny_bundle_dir)}"
    blobs = client.cache / "hub" / "models--someone--killed" / "blobs"
    locks = client.cache / "hub" / ".locks" / "models--someone--killed"
    for folder in (blobs, locks):
        folder.mkdir(parents=True)
    noted = [
        blobs.parent / name for name in ("trees/tmpab_c1234.tmp", "refs/main.0123abcd.tmp", "refs/pr/1.0a0b0c0d.tmp")
    ]
    named = blobs.parent / "refs" / "kept.tmp"
    for path in (*noted, named):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
        os.utime(path, (0, 0))
    old, living, fresh = (blobs / f"{letter * 40}.12345678.incomplete" for letter in "abc")
    for path in (old, living, fresh):
        path.write_bytes(bytes(1000))
    for path in (old, living):
        os.utime(path, (0, 0))
    with open(locks / f"{'b' * 40}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client.ask("resolve", reference)
    assert [path.exists() for path in (old, living, fresh)] == [False, True, True]
    assert not any(path.exists() for path in noted) and named.exists()
    os.utime(fresh, (0, 0))
    client.ask("resolve", reference)
    assert not fresh.exists(), "though nothing had to be downloaded"


@pytest.mark.parametrize("status", [401, 403])
def test_a_hub_that_does_not_let_one_read_names_the_token(
    hub: HubServer, client: Client, repository: tuple[str, str], status: int
) -> None:
    hub.status = status
    with pytest.raises(Refused, match=r"set HF_TOKEN"):
        client.ask("resolve", repository[0])


def test_a_damaged_local_copy_is_fetched_anew(hub: HubServer, client: Client, repository: tuple[str, str]) -> None:
    reference = "@".join(repository)
    path, _ = client.ask("resolve", reference)
    weights = (Path(path) / "encoder" / "open_clip_model.safetensors").resolve()
    weights.write_bytes(weights.read_bytes()[:1000])
    hub.stop()
    with pytest.raises(Refused, match="There is no whole local copy"):
        client.ask("resolve", reference)
    hub.start()
    assert client.ask("resolve", reference) == [path, None]
    assert verify(path)


def test_a_bundle_that_was_pushed_damaged(
    hub: HubServer, client: Client, tiny_bundle_dir: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_bundle_dir, tmp_path / "damaged"))
    (folder / "model.safetensors").write_bytes(b"something else")
    commit = hub.add("someone/damaged", folder)
    with pytest.raises(Refused, match=r"is not usable: model\.safetensors is missing or damaged in it"):
        client.ask("resolve", f"someone/damaged@{commit}")


def test_a_repository_without_a_bundle(hub: HubServer, client: Client, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x")
    commit = hub.add("someone/else", tmp_path)
    with pytest.raises(Refused, match="has none of the files that are read"):
        client.ask("resolve", f"someone/else@{commit}")


def test_a_cache_that_cannot_be_written(client: Client, repository: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(Refused, match=f"{repository[0]} cannot be kept in the local cache"):
        client.ask("resolve", "@".join(repository), cache_dir=str(tmp_path / "cache"))


def test_an_encoder_comes_by_the_same_way(
    hub: HubServer, client: Client, tiny_encoder_dir: Path, tiny_bundle_dir: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_encoder_dir, tmp_path / "encoder"))
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"a pickle")
    commit = hub.add("someone/clip", folder)
    reference = f"hf-hub:someone/clip@{commit}"
    fingerprint = Bundle.load(tiny_bundle_dir).encoder_fingerprint
    assert client.ask("encoder", "hf-hub:someone/clip") == [reference, fingerprint]
    assert "open_clip_pytorch_model.bin" not in {path.name for path in client.cached_files("someone/clip")}
    hub.stop()
    assert client.ask("encoder", reference) == [reference, fingerprint]


def test_a_bundle_may_name_its_encoder_on_the_hub(
    hub: HubServer, client: Client, tiny_encoder_dir: Path, tiny_bundle_dir: Path, tmp_path: Path
) -> None:
    commit = hub.add("someone/tower", tiny_encoder_dir)
    whole = Bundle.load(tiny_bundle_dir)
    path = save_bundle(tmp_path / "light", whole.model, whole.label_set)
    config = json.loads((path / "config.json").read_text())
    config["encoder"] = {
        "reference": "hf-hub:someone/tower",
        "revision": commit,
        "fingerprint": whole.encoder_fingerprint,
    }
    (path / "config.json").write_text(json.dumps(config))
    assert client.ask("load", str(path)) == whole.encoder_fingerprint
    assert Bundle.load(path).fingerprint == whole.fingerprint
    config["encoder"]["fingerprint"] = "0" * 16
    (path / "config.json").write_text(json.dumps(config))
    with pytest.raises(Refused, match="is not the one that the bundle"):
        client.ask("load", str(path))


def test_push_and_pull_give_the_same_bundle(
    hub: HubServer, client: Client, tiny_bundle_dir: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_bundle_dir, tmp_path / "mine"))
    (folder / "notes.txt").write_text("not for others")
    reference = client.ask("push", str(folder), "someone/pushed")
    name, commit = reference.split("@")
    assert hub.repositories["model", name].head == commit
    assert "notes.txt" not in hub.repositories["model", name].commits[commit]
    path = client.ask("pull", reference, out=str(tmp_path / "pulled"))
    assert verify(path) == verify(tiny_bundle_dir)
    assert not any(file.is_symlink() for file in Path(path).rglob("*"))
    assert Bundle.load(path).fingerprint == Bundle.load(tiny_bundle_dir).fingerprint
    with pytest.raises(Refused, match="exists already"):
        client.ask("pull", reference, out=str(tmp_path / "pulled"))
    assert client.ask("push", str(folder), "someone/pushed") == reference  # nothing changed: no new commit


def test_a_bundle_that_uses_its_neighbours_encoder_is_pushed_with_it(
    client: Client, tiny_bundle_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_bundle_dir, tmp_path / "tiny")
    whole = Bundle.load(tiny_bundle_dir)
    path = save_bundle(tmp_path / "second", whole.model, whole.label_set, encoder_bundle="tiny", readme="# Second\n")
    reference = client.ask("push", str(path), "someone/second")
    pulled = Path(client.ask("pull", reference, out=str(tmp_path / "elsewhere" / "pulled")))
    assert client.ask("load", str(pulled)) == whole.encoder_fingerprint
    assert Bundle.load(pulled).fingerprint == Bundle.load(path).fingerprint
    assert (pulled / "README.md").read_text() == "# Second\n"
    shutil.rmtree(tmp_path / "tiny")
    with pytest.raises(InputError, match="uses the encoder of the bundle 'tiny' beside it"):
        push(path, "someone/second", BUNDLE)


def test_a_gallery_travels_too(hub: HubServer, client: Client, tiny_gallery_dir: Path, tmp_path: Path) -> None:
    reference = client.ask("push", str(tiny_gallery_dir), "someone/pictures", kind="gallery")
    assert ("dataset", "someone/pictures") in hub.repositories
    path = Path(client.ask("pull", reference, kind="gallery", out=str(tmp_path / "pulled")))
    assert (path / "night" / "boat.png").read_bytes() == (tiny_gallery_dir / "night" / "boat.png").read_bytes()
    assert (path / "metadata.csv").read_bytes() == (tiny_gallery_dir / "metadata.csv").read_bytes()


def test_a_gallery_keeps_its_features_and_its_layout(
    client: Client, tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    folder, bundle = tmp_path / "gallery", Bundle.load(tiny_bundle_dir)
    shutil.copytree(tiny_gallery_dir, folder)
    built = build_gallery(folder, bundle, in_place=True)
    count = len(gallery_points(built))
    positions = {dimensions: np.linspace(-1, 1, count * dimensions).reshape(count, -1) for dimensions in (2, 3)}
    write_layout(folder / LAYOUT_NAME, gallery_key(built, bundle), positions)
    reference = client.ask("push", str(folder), "someone/laid-out", kind="gallery")
    pulled = Path(client.ask("pull", reference, kind="gallery", out=str(tmp_path / "pulled")))
    assert sorted(path.relative_to(pulled) for path in pulled.rglob("*")) == sorted(
        path.relative_to(folder) for path in folder.rglob("*")
    )
    key = gallery_key(build_gallery(pulled, bundle), bundle)
    assert read_layout(pulled / LAYOUT_NAME, key, count) is not None


def test_a_push_that_is_not_allowed(
    hub: HubServer, client: Client, repository: tuple[str, str], tiny_bundle_dir: Path
) -> None:
    hub.writable = False
    for name in (repository[0], "someone/new-one"):
        with pytest.raises(Refused, match=f"does not let you write to {name}; set HF_TOKEN"):
            client.ask("push", str(tiny_bundle_dir), name)
    assert hub.repositories["model", repository[0]].head == repository[1]


def test_pickles_and_damaged_bundles_are_not_pushed(tiny_bundle_dir: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle_dir, tmp_path / "mine"))
    (folder / "encoder" / "weights.PT").write_bytes(b"x")
    with pytest.raises(InputError, match=r"weights\.PT may hold a pickle, which is never pushed"):
        push(folder, "someone/mine", BUNDLE)
    (folder / "encoder" / "weights.PT").unlink()
    (folder / "model.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match="is damaged or was changed"):
        push(folder, "someone/mine", BUNDLE)
    with pytest.raises(InputError, match="There is no bundle at"):
        push(tmp_path / "nothing", "someone/mine", BUNDLE)
    with pytest.raises(InputError, match="without @main"):
        push(folder, "someone/mine@main", BUNDLE)


def test_the_command(client: Client, repository: tuple[str, str], tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    assert client.ask("command", "pull", repository[0], "--out", str(out)) == 0
    assert verify(out)
    assert client.ask("command", "push", str(out), "someone/by-command", "--private") == 0
    assert client.ask("command", "pull", "no/such") == 2
    log = client.log.read_text()
    assert "error: The Hub has no model repository no/such" in log
    assert "Traceback" not in log


def test_the_program_starts_from_the_hub_and_again_without_it(
    hub: HubServer, repository: tuple[str, str], tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    name, commit = repository
    (home := tmp_path / "home").mkdir()
    reached = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
    arguments = ("--bundle", f"{name}@{commit}", "--gallery", tiny_gallery_dir)
    for _ in ("first", "second"):
        with serve(home, arguments, **reached) as server:
            page = gradio_client.Client(server.url, verbose=False)
            assert page.predict("boat", api_name="/search_by_text")["images"]
            assert "instead" not in server.output, "it answers from the repository's bundle"
        hub.stop()


def test_folders_need_no_hub(tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path) -> None:
    assert resolve_bundle(tiny_bundle_dir) == (tiny_bundle_dir, None)
    assert resolve_gallery(str(tiny_gallery_dir)) == (tiny_gallery_dir, None)
    with pytest.raises(InputError, match="There is no bundle at"):
        resolve_bundle(tmp_path / "nothing", fallback=tiny_bundle_dir)


@pytest.mark.parametrize(
    "reference",
    ["", "name", "a/b/c", "../b", "a/..", "a/b@", "a b/c", "https://hub/a/b", "-a/b", "a/b.git", "a/" + 99 * "b"],
)
def test_what_is_no_reference(reference: str) -> None:
    with pytest.raises(InputError, match="no repository of the Hub"):
        parse_reference(reference)


def test_references() -> None:
    assert parse_reference("some-one/na.me_1") == ("some-one/na.me_1", None)
    assert parse_reference("a/b@refs/pr/1") == ("a/b", "refs/pr/1")


def test_a_stranger_gets_a_small_public_model_alone(
    hub: HubServer, client: Client, repository: tuple[str, str], tmp_path: Path
) -> None:
    name, commit = repository
    before = len(hub.with_token)
    path, told = client.ask("fetch_model", name, str(tmp_path / "visitor"), 1 << 30)
    files = {file.relative_to(path).as_posix(): file.stat().st_size for file in Path(path).rglob("*") if file.is_file()}
    assert Path(path).name == commit and "model.safetensors" in files
    assert not [file for file in files if file.startswith("encoder")]
    received = [bytes_ for bytes_, _ in told]
    assert received[0] == 0 and max(received) == sum(files.values()) and {size for _, size in told} == {max(received)}
    assert len(hub.with_token) == before, "the token is that of the machine's user"
    with pytest.raises(Refused, match=r"and 1\.0 kB are the most that can be opened here; name a smaller one\."):
        client.ask("fetch_model", name, str(tmp_path / "other"), 1000)
    assert not list((tmp_path / "other").rglob("*.safetensors"))
    with pytest.raises(Refused, match=r"has no model repository nobody/nothing that everybody may read\.$"):
        client.ask("fetch_model", "nobody/nothing", str(tmp_path / "third"), 1000)
