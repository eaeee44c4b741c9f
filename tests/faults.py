"""Kill every command at random moments, start it again, and hold its end against a run that nobody disturbed.

    python -m tests.faults [--kills 100] [--seed 1] [--only extract train]

Notable: a kill is SIGKILL to the process group, at a moment drawn over the whole time that the undisturbed run takes,
or when the next file is written after it; up to three hit the same work before it is let end. Then the promised files
must have the same bytes, everything else that the undisturbed run leaves must be there, and nothing more: what is more
is made an hour old, the command is started once more, and what lies there even then is left behind for good. Home,
cache and temporary folder of a run are one folder, so that nothing escapes. The photos are noise, the encoder is
random, the Hub is on loopback.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import importlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from algcn.kit.errors import run_command
from tests.conftest import write_tiny_bundle, write_tiny_encoder
from tests.hub_server import HubServer
from tests.serving import PROJECT, Server, environment, free_port, wait_for_page

PATIENCE = 300.0  # seconds that a run may take on a busy machine
IN_A_ROW = (1, 1, 2, 3)
AT_A_CHANGE = 0.5  # of the kills wait for the next file that is written and come right then
LOOK_SECONDS = 0.001
MISSES = 6  # starts for each kill; one that ends sooner than the kill comes is not counted
LONG_AGO = 2 * 3600.0
EPOCHS = 40
PICTURES = 1200  # more than two of the parts that an extraction and a gallery are kept in
PACE = 0.01  # seconds between two pieces of a download: as long as the rest of a pull takes


@dataclasses.dataclass(frozen=True)
class Case:
    """A command that is killed.

    Attributes:
        name: What the table calls it.
        argv: Its arguments, in a folder of its own.
        promised: What in that folder has the same bytes, however often it was killed.
        values: Its environment beside the usual one.
        before: A folder of what lies there before it is started for the first time.
        later: The arguments with which it is started an hour later, where another start than the same is meant.
        done: The words with which it says that there is nothing left to do, where that is no success.
        serves: It is the program: its first answer is its end.
        fresh: It is never forked: it reads its settings when it is imported.
    """

    name: str
    argv: tuple[str, ...]
    promised: str
    values: dict[str, str] = dataclasses.field(default_factory=dict)
    before: Path | None = None
    later: tuple[str, ...] | None = None
    done: str | None = None
    serves: bool = False
    fresh: bool = False


@dataclasses.dataclass
class Tally:
    """What came of killing one command.

    Attributes:
        name: What the table calls it.
        kills: How many starts were killed.
        ends: How many times it was let end.
        equal: How many times it ended as if nobody had disturbed it.
        swept: How many files the same command removed an hour later.
        left: The files that nobody removes.
        faults: What else was not as promised, a line each.
        seconds: How long all of it took.
    """

    name: str
    kills: int = 0
    ends: int = 0
    equal: int = 0
    swept: int = 0
    left: list[str] = dataclasses.field(default_factory=list)
    faults: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether everything was as promised."""
        return self.equal == self.ends and not self.left and not self.faults


@dataclasses.dataclass
class Outcome:
    """How a run ended: its exit code, what it said, and its answer where it answers."""

    code: int
    output: str
    answer: Any
    seconds: float


def cases(given: Path, hub: HubServer, epochs: int = EPOCHS) -> list[Case]:
    """The commands, on what `write_given` made."""
    photos, bundle, features = given / "photos", str(given / "bundle"), str(given / "features.safetensors")
    hub.pace = PACE
    extract = ("--out", "features.safetensors", "--quiet")
    reference = f"someone/killed@{hub.add('someone/killed', given / 'bundle')}"
    online = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
    pull = ("-m", "algcn.hub", "pull", reference, "--quiet", "--out")
    train = (
        "--preset",
        "pocket",
        "--epochs",
        str(epochs),
        "--common-dim",
        "256",
        "--compare-gcn",
        "--quiet",
        "--resume",
    )
    return [
        Case(
            "extract",
            ("-m", "algcn.extract", str(photos), "--encoder", str(given / "encoder"), *extract),
            "features.safetensors",
        ),
        Case("train", ("-m", "algcn.train", features, *train, "--out", "bundle"), "bundle", before=given / "before"),
        Case(
            "gallery build",
            ("-m", "algcn.gallery", "build", str(photos), "--bundle", bundle, "--quiet"),
            "cache/galleries",
        ),
        Case(
            "hub pull", (*pull, "bundle"), "bundle", online, later=(*pull, "later"), done="exists already", fresh=True
        ),
        Case(
            "first start",
            (str(PROJECT / "app.py"), "--bundle", bundle, "--gallery", str(photos)),
            "cache/galleries",
            serves=True,
            fresh=True,
        ),
    ]


class Campaign:
    """Kills one command after the other.

    Args:
        root: A folder for all that the commands write.
        chance: What draws the moments.
        say: Told a line after each end.
        forks: Commands are forked from a process that has imported them, so that kills fall into their work and not
            into imports, which take much longer with as little work as this.
    """

    def __init__(
        self,
        root: Path,
        chance: random.Random,
        say: Callable[[str], None] = print,
        *,
        forks: bool = False,
    ) -> None:
        self.root, self.chance, self.say = root, chance, say
        self.forks, self.is_warm = forks, False

    def attack(self, case: Case, kills: int) -> Tally:
        """Kill a command so many times, and tell what came of it."""
        tally, began = Tally(case.name), time.monotonic()
        place = self.root / case.name.replace(" ", "-")
        if case.fresh or not self.forks or not self.is_warm:
            self._run(case, place / "warm")  # the disk's cache, what Python compiles, what others are forked from
            self.is_warm = True
        whole = self._run(case, place / "undisturbed")
        if whole.code != self._success(case):
            raise RuntimeError(f"{case.name} fails without being disturbed:\n{whole.output}")
        expected = tree(place / "undisturbed")
        starts, longest = 0, whole.seconds
        while tally.kills < kills and starts < MISSES * kills:
            home = place / str(tally.ends)
            hits = 0
            for _ in range(min(self.chance.choice(IN_A_ROW), kills - tally.kills)):
                starts += 1
                moment = self.chance.uniform(0, longest)
                is_hit = self._kill(case, home, moment, longest)
                hits += is_hit
                if not is_hit:  # the machine is quicker now, or there was less left to do
                    longest = max(moment, whole.seconds / MISSES)
            tally.kills += hits
            if hits:
                self._judge(case, home, whole, expected, tally)
            shutil.rmtree(home, ignore_errors=True)
        tally.seconds = time.monotonic() - began
        if tally.kills < kills:
            tally.faults.append(f"only {tally.kills} of {kills} kills came in time")
        return tally

    def _judge(self, case: Case, home: Path, whole: Outcome, expected: dict[str, str], tally: Tally) -> None:
        """Let the command end, and compare."""
        ended = self._run(case, home)
        tally.ends += 1
        faults = []
        is_done = ended.code == 2 and case.done is not None and case.done in ended.output
        if ended.code != self._success(case) and not is_done:
            faults.append(f"exit code {ended.code}: {ended.output.strip()[-2000:]}")
        if "Traceback" in ended.output:
            faults.append(f"a traceback: {ended.output.strip()[-2000:]}")
        if ended.answer != whole.answer:
            faults.append("another answer")
        found = tree(home)
        faults += [f"lost: {name}" for name in expected if name not in found]
        promised = [name for name in expected if name == case.promised or name.startswith(f"{case.promised}/")]
        faults += [f"other bytes: {name}" for name in promised if found.get(name, expected[name]) != expected[name]]
        more = [name for name in found if name not in expected]
        left: list[str] = []
        if more:
            for name in more:
                age(home / name)
            later = dataclasses.replace(case, argv=case.later or case.argv)
            self._run(later, home)
            left = [name for name in more if os.path.lexists(home / name)]
        tally.swept += len(more) - len(left)
        tally.left += left
        tally.faults += faults
        tally.equal += not faults
        lines = "".join(f"\n    {line}" for line in (*faults, *(f"left: {name}" for name in left)))
        self.say(f"{case.name}: end {tally.ends} after {tally.kills} kills{lines}")

    def _run(self, case: Case, home: Path) -> Outcome:
        """Start a command and let it end."""
        began = time.monotonic()
        with self._started(case, home) as (process, log, port):
            answer = None
            if case.serves:
                server = Server(f"http://127.0.0.1:{port}", home, log, process)
                with contextlib.suppress(AssertionError):  # it stopped: its output says why
                    wait_for_page(server)
                    answer = ask(server.url)
                seconds = time.monotonic() - began
                process.terminate()
                process.wait(PATIENCE)
            else:
                process.wait(PATIENCE)
                seconds = time.monotonic() - began
            return Outcome(process.returncode, log.read_text(encoding="utf-8", errors="replace"), answer, seconds)

    def _kill(self, case: Case, home: Path, seconds: float, longest: float) -> bool:
        """Start a command and kill it after so many seconds, or a little later; whether it was still running."""
        latest = time.monotonic() + longest
        with self._started(case, home) as (process, _, _):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
            if self.chance.random() < AT_A_CHANGE:
                before = state(home)
                while process.poll() is None and state(home) == before and time.monotonic() < latest:
                    time.sleep(LOOK_SECONDS)
            return process.poll() is None

    @contextlib.contextmanager
    def _started(self, case: Case, home: Path) -> Iterator[tuple[subprocess.Popen, Path, int]]:
        """A running command, in a process group that is killed in the end, with its output and the program's port."""
        if case.before is not None and not home.exists():
            shutil.copytree(case.before, home)
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        log, port = home.with_name(f"{home.name}.log"), free_port()
        own = {"HF_HOME": str(home / "huggingface"), "TMPDIR": str(home / "tmp"), "PYTHONPATH": str(PROJECT)}
        values = environment(home, **{**own, "GRADIO_SERVER_PORT": str(port), **case.values})
        process = (Forked if self.forks and not case.fresh else started)(case.argv, home, log, values)
        try:
            yield process, log, port
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()  # one that was forked just now has no group yet
            process.wait()

    @staticmethod
    def _success(case: Case) -> int:
        return -signal.SIGTERM if case.serves else 0


def started(argv: Sequence[str], home: Path, log: Path, values: dict[str, str]) -> subprocess.Popen:
    """A command in a process group of its own."""
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, *argv],
            env=values,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


class Forked:
    """A command that is forked from a process which has imported it; as much of a `Popen` as is needed here."""

    def __init__(self, argv: Sequence[str], home: Path, log: Path, values: dict[str, str]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["algcn.extract", "algcn.train", "algcn.gallery.__main__", "open_clip"])
        self._process = context.Process(target=run_module, args=(argv, home, log, values))
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    poll = returncode.fget

    def wait(self, seconds: float | None = None) -> None:
        self._process.join(seconds)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), seconds)

    def kill(self) -> None:
        self._process.kill()


def run_module(argv: Sequence[str], home: Path, log: Path, values: dict[str, str]) -> None:
    """What `python -m MODULE …` does, in this process."""
    import torch

    os.setsid()
    os.environ.clear()
    os.environ.update(values)
    tempfile.tempdir = None
    os.chdir(home)
    torch.set_num_threads(1)
    with log.open("wb") as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
    _, name, *arguments = argv
    module = importlib.import_module(name)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{name}.__main__")
    sys.exit(run_command(module.main, arguments))


def ask(url: str) -> Any:
    """What the program answers to a visitor."""
    from gradio_client import Client

    return Client(url, verbose=False).predict("a red boat", 5, api_name="/search_by_text")


def write_given(folder: Path, pictures: int = PICTURES) -> Path:
    """All that the commands are given: `photos`, `encoder`, `features.safetensors`, `bundle` and `before`."""
    from algcn import extract

    photos, encoder, features = folder / "photos", folder / "encoder", folder / "features.safetensors"
    photos.mkdir(parents=True)
    chance = random.Random(0)
    with (photos / "metadata.csv").open("w", encoding="utf-8") as stream:
        stream.write("file_name,text,labels\n")
        for number in range(pictures):
            noise = Image.frombytes("L", (48, 32), chance.randbytes(48 * 32))
            Image.merge("RGB", [noise, noise.rotate(180), noise]).save(photos / f"{number:04}.png")
            labels = chance.sample(("boat", "car", "dog", "sea", "street"), 2)
            stream.write(f"{number:04}.png,a {labels[0]} number {number} and a {labels[1]},{'|'.join(labels)}\n")
    write_tiny_encoder(encoder)
    with contextlib.redirect_stdout(None):
        extract.main([str(photos), "--encoder", str(encoder), "--out", str(features), "--quiet"])
    write_tiny_bundle(folder / "bundle", encoder)
    (folder / "before").mkdir()
    shutil.copytree(folder / "bundle", folder / "before" / "bundle")  # trained earlier, with a note beside it
    (folder / "before" / "bundle" / "notes.txt").write_text("mine", encoding="utf-8")
    return folder


def state(folder: Path) -> set[tuple[str, int]]:
    """What lies below a folder now, with sizes: another one as soon as something is written."""
    found = set()
    for place, folders, names in os.walk(folder):
        found |= {(os.path.join(place, name), 0) for name in folders}
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found.add((os.path.join(place, name), os.lstat(os.path.join(place, name)).st_size))
    return found


def tree(folder: Path) -> dict[str, str]:
    """All below a folder by name: the hash of a file, the target of a link, "folder"."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            content = f"-> {os.readlink(path)}"
        elif path.is_dir():
            content = "folder"
        else:
            content = hashlib.sha256(timeless(path)).hexdigest()
        found[path.relative_to(folder).as_posix()] = content
    return found


def timeless(path: Path) -> bytes:
    """The bytes of a file; those of a bundle's metrics.json without the seconds that epochs took, and their hash."""
    data = path.read_bytes()
    if path.name == "metrics.json":
        value = json.loads(data, object_hook=lambda entry: {k: v for k, v in entry.items() if k != "seconds"})
    elif path.name == "config.json" and (path.parent / "metrics.json").is_file():
        value = json.loads(data)
        del value["files"]["metrics.json"]
    else:
        return data
    return json.dumps(value).encode()


def age(path: Path) -> None:
    """Make a file look as if nobody had touched it for two hours."""
    then = time.time() - LONG_AGO
    os.utime(path, (then, then), follow_symlinks=False)


def table(tallies: Sequence[Tally]) -> str:
    """All tallies as a table for a terminal."""
    head = f"{'command':<16}{'kills':>7}{'ends':>7}{'equal':>7}{'gone later':>12}{'left behind':>13}{'seconds':>9}"
    total = Tally("together")
    for name in ("kills", "ends", "equal", "swept", "seconds"):
        setattr(total, name, sum(getattr(tally, name) for tally in tallies))
    total.left = [name for tally in tallies for name in tally.left]
    rows = [
        f"{tally.name:<16}{tally.kills:>7}{tally.ends:>7}{tally.equal:>7}{tally.swept:>12}{len(tally.left):>13}"
        f"{tally.seconds:>9.0f}"
        for tally in (*tallies, total)
    ]
    return "\n".join([head, *rows])


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    names = ("extract", "train", "gallery build", "hub pull", "first start")
    parser.add_argument("--kills", type=int, default=100, help="how many starts are killed, of all commands together")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="the commands")
    parser.add_argument(
        "--forked",
        action="store_true",
        help="fork extract, train and gallery build from a process that has imported them: much quicker, and kills "
        "fall into their work instead of imports",
    )
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, HubServer() as hub:
        root = Path(folder)
        chosen = [case for case in cases(write_given(root / "given"), hub) if case.name in arguments.only]
        tallies = []
        for number, case in enumerate(chosen):
            kills = arguments.kills // len(chosen) + (number < arguments.kills % len(chosen))
            chance = random.Random(f"{arguments.seed} {case.name}")
            campaign = Campaign(root, chance, lambda line: print(line, flush=True), forks=arguments.forked)
            tallies.append(campaign.attack(case, kills))
    print(table(tallies))
    return 0 if all(tally.is_good for tally in tallies) else 1


if __name__ == "__main__":
    sys.exit(main())
