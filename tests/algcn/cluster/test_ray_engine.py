"""The engine on Ray gives what the plain one gives, byte for byte, and says in a sentence what goes wrong elsewhere."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from conftest import PROJECT

from algcn import extract
from algcn.cluster import ray_engine as module
from algcn.features.extraction import Work
from algcn.gallery import __main__ as gallery_command
from algcn.gallery import encoding
from algcn.kit.engine import Advance, Engine
from algcn.kit.errors import InputError, run_command

CPUS = 2


@pytest.fixture(scope="module")
def session() -> Iterator[None]:
    """A Ray of two processors on this machine; started once, since that takes seconds."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed; see algcn/cluster/requirements.txt")
    ray = module._import_ray()
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # actors do not know the tests
    ray.init("local", num_cpus=CPUS, include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
    yield
    ray.shutdown()


@pytest.fixture
def engine(session: None) -> Iterator[Engine]:
    with module.ray_engine(actors=CPUS) as engine:
        yield engine


@pytest.fixture
def photos(tiny_gallery_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures of which two cannot be read, a copy of one of them among these."""
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(tiny_gallery_dir, tmp_path / "photos"))
    damaged = (folder / "street.jpg").read_bytes()[:200]
    for name in ("street.jpg", "copy.jpg"):
        (folder / name).write_bytes(damaged)
    with (folder / "metadata.csv").open("a", encoding="utf-8") as stream:
        stream.write("copy.jpg,The same once more,car\n")
    return folder


def test_extraction_gives_the_same_file_and_account(
    session: None, photos: Path, tiny_bundle_dir: Path, told: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract, "Work", partial(Work, shard_size=2))
    command = (photos.name, "--bundle", tiny_bundle_dir, "--quiet", "--batch-size", 2, "--out")
    plain = told(extract.main, *command, "out.safetensors")
    whole = Path("out.safetensors").read_bytes()
    Path("out.safetensors").unlink()
    assert told(extract.main, *command, "out.safetensors", "--engine", "ray", "--actors", CPUS) == plain
    assert "Damaged pictures: 2" in plain
    assert Path("out.safetensors").read_bytes() == whole


def test_a_gallery_has_the_same_store_and_account(
    session: None, photos: Path, tiny_bundle_dir: Path, told: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "BLOCK", 4)
    command = ("build", photos.name, "--bundle", tiny_bundle_dir, "--in-place", "--quiet")
    plain = told(gallery_command.main, *command)
    store = photos / "embeddings.safetensors"
    whole = store.read_bytes()
    store.unlink()
    assert told(gallery_command.main, *command, "--engine", "ray") == plain
    assert "Damaged pictures: 2" in plain
    assert store.read_bytes() == whole
    assert not list(photos.glob(".*")), "no part is left"


def test_a_stranger_cannot_join(session: None) -> None:
    import ray

    program = f"import ray; ray.init({ray.get_runtime_context().gcs_address!r}, log_to_driver=False)"
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH_")}
    environment = {**ours, "RAY_NUM_REDIS_GET_RETRIES": "1"}  # it would try for 20 seconds
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "Failed to connect to Ray cluster" in done.stderr
    token = {name: value for name, value in os.environ.items() if name.startswith("RAY_AUTH_")}
    subprocess.run([sys.executable, "-c", program], env=environment | token, capture_output=True, check=True)


@dataclass
class Failing:
    """A worker that fails on its way to a device, at a task, or with its whole process."""

    where: str

    def on(self, device: str) -> Failing:
        if self.where == "on":
            raise RuntimeError("out of memory\nand a long story")
        return self

    def __call__(self, task: int, advance: Advance) -> int:
        if self.where == "input":
            raise InputError("The text is empty: type at least one word.")
        if self.where == "process":
            os._exit(1)
        raise RuntimeError("out of memory\nand a long story")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("on", "An actor of Ray failed (out of memory); what was finished is kept, "),
        ("task", "An actor of Ray failed (out of memory); what was finished is kept, "),
        ("input", "The text is empty: type at least one word."),
        ("process", "An actor of Ray failed ("),
    ],
)
def test_a_worker_that_fails_is_one_sentence(
    engine: Engine, where: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRIES", 0)  # the next test goes on
    with pytest.raises(InputError) as raised:
        list(engine(Failing(where), [1], lambda done: None))
    sentence = str(raised.value)
    assert sentence.startswith(said) and sentence.endswith(".") and "\n" not in sentence


def lossy(losses: int) -> Callable[[list[int]], Iterator[int]]:
    """What doubles tasks and loses an actor so many times, each time after a task."""
    from ray.exceptions import RayError

    left = [losses]

    def do(tasks: list[int]) -> Iterator[int]:
        for task in tasks:
            yield 2 * task
            if left[0]:
                left[0] -= 1
                raise RayError("The machine is gone")

    return do


def test_a_lost_actor_costs_nothing_that_is_done(session: None) -> None:
    from ray.exceptions import RayError

    assert list(module._persistently(lossy(4), [1, 2, 3, 4, 5, 6])) == [2, 4, 6, 8, 10, 12]
    tries = []

    def deadly(tasks: list[int]) -> Iterator[int]:
        tries.append(tasks)
        yield from [1] if len(tries) == 1 else []
        raise RayError("The actor died\nof this")

    with pytest.raises(InputError, match=r"^An actor of Ray failed \(The actor died\); what was finished is kept"):
        list(module._persistently(deadly, [1, 2]))
    assert tries == [[1, 2], *[[2]] * module.RETRIES]


@pytest.mark.parametrize(
    ("nodes", "threads", "device", "actors", "places"),
    [
        ([{"CPU": 2}], 2, "cpu", None, (1, 2)),
        ([{"CPU": 2}], 1, "cpu", None, (2, 1)),
        ([{"CPU": 2}], 2, "cpu", 2, (2, 1)),
        ([{"CPU": 2}], 8, "cpu", None, (1, 2)),
        ([{"CPU": 5}, {"CPU": 5}, {"CPU": 5}], 4, "cpu", 4, (4, 2)),  # three to each of four would not fit
        ([{"CPU": 8, "GPU": 2}, {"CPU": 4}], 4, "cuda", None, (2, 4)),
        ([{"CPU": 8, "GPU": 8}], 4, "cuda", None, (8, 1)),
    ],
)
def test_as_many_actors_as_there_is_room_for(
    nodes: list[dict[str, float]], threads: int, device: str, actors: int | None, places: tuple[int, int]
) -> None:
    assert module._places(nodes, threads, device, actors) == places


@pytest.mark.parametrize(
    ("device", "actors", "said"),
    [
        ("cpu", 3, "Ray has 2 processors, too few for 3 actors; use fewer --actors, or join more machines."),
        ("cuda", None, "Ray knows of no GPU; use --device cpu, or join machines that have some."),
    ],
)
def test_actors_for_which_there_is_no_room_are_refused(device: str, actors: int | None, said: str) -> None:
    with pytest.raises(InputError) as raised:
        module._places([{"CPU": 2}], 2, device, actors)
    assert str(raised.value) == said


COMMANDS = {
    extract.main: ("PHOTOS", "--bundle", "BUNDLE", "--out", "new.safetensors"),
    gallery_command.main: ("build", "PHOTOS", "--bundle", "BUNDLE"),
}


@pytest.mark.parametrize("main", COMMANDS)
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--engine", "ray"), "The engine ray needs a package that is not installed ("),
        (("--engine", "ray", "--device", "cuda:1"), "Ray chooses the device of an actor, so --device cannot be "),
        (("--actors", "2"), "--actors goes with --engine ray; add it, or leave --actors out."),
    ],
)
def test_what_cannot_be_is_one_sentence(
    main: Callable[[list[str]], None],
    more: tuple[str, ...],
    said: str,
    tiny_gallery_dir: Path,
    tiny_bundle_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as where it is not installed
    given = {"PHOTOS": str(tiny_gallery_dir), "BUNDLE": str(tiny_bundle_dir)}
    assert run_command(main, [*(given.get(each, each) for each in COMMANDS[main]), *more]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"error: {said}") and err.endswith(".\n") and err.count("\n") == 1
    assert "not installed" not in err or "requirements.txt" in err


def test_a_cluster_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="Ray is not installed; see algcn/cluster/requirements.txt")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda *given, **named: pytest.fail("Ray is asked"))
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # nobody listens there any more
    monkeypatch.setenv(module.ADDRESS, f"127.0.0.1:{port}")
    with module.ray_engine() as engine, pytest.raises(InputError) as raised:
        next(engine(Failing("task"), [1], lambda done: None))
    assert str(raised.value) == (
        f"The Ray cluster at 127.0.0.1:{port} cannot be joined ([Errno 111] Connection refused); start it, set "
        "RAY_AUTH_MODE=token if it asks for one, or unset RAY_ADDRESS to do without it."
    )


def test_only_the_engine_imports_ray() -> None:
    program = "import sys, algcn.extract, algcn.gallery.__main__, app.launch; sys.exit('ray' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True)
