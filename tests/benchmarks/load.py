"""A crowd at the page: visitors of mixed work, what each of them waits, and whether any sees what is another's.

    python -m tests.benchmarks.load [--visitors 50] [--minutes 10] [--seed 1]

Notable: the program runs as a user starts it, on loopback; the visitors are threads of a few other processes and speak
as the page's own script does. Every word, picture, caption and label that a visitor gives bears that visitor's mark,
and each answer is searched for the marks of others. After one answer in ten a visitor closes the page and opens it
anew. In the end everybody leaves: what then still takes memory, files and handles is told.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import math
import multiprocessing
import random
import re
import statistics
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from PIL import Image

from tests.serving import PROJECT, Server, serve
from tests.visiting import Failed, Refused, Visit

PROCESSES = 4
THINKING = 6.0  # seconds at most from an answer to the next question
ARRIVING = 20.0  # seconds within which all come
LEAVING = 0.1  # of those who are answered close the page and open a new one
LEAVING_PICTURES = 0.4  # of those who gave pictures close the page and leave them there
GONE_SECONDS = 240.0  # within which what they left must go; see impatient.py
OWN_PICTURES = 5
EPOCHS = 3
MARK = re.compile(r"mark(\d{4})mark")
PICTURE = re.compile(r"picture/[\w-]+/\w+/\d+")
WORDS = ("a dog on the beach", "a red boat", "people in the street at night", "a cat and a clock", "snow on mountains")
# How often each kind of work is done.
WORK = {
    "words": 40,
    "picture": 20,
    "more like it": 10,
    "label": 12,
    "map": 8,
    "benchmark": 4,
    "collection": 5,
    "training": 1,
}


class Visitor:
    """Somebody in the crowd.

    Args:
        number: Which one; the mark is made of it.
        url: Where the page is.
        folder: Where this visitor's files are.
        seed: What the work is drawn by.
        told: Where every answer, refusal, failure and leak is told: (kind, seconds or None, problem or "").
    """

    def __init__(self, number: int, url: str, folder: Path, seed: int, told: Queue) -> None:
        self.number, self.url, self.told = number, url, told
        self.mark = f"mark{number:04}mark"
        self.colour = (40 + 4 * (number % 50), 250 - 4 * (number % 47), (number * 37) % 256)
        self.chance = random.Random(f"{seed} {number}")
        self.folder = folder / self.mark
        self.visit: Visit | None = None
        self.leaving = False
        self._prepare()

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True)
        Image.new("RGB", (160, 120), self.colour).save(self.folder / f"{self.mark}.png")
        names = [f"{self.mark}-{number}.png" for number in range(OWN_PICTURES)]
        for number, name in enumerate(names):
            picture = Image.new("RGB", (160, 120), self.colour)
            picture.putpixel((number, 0), (255, 255, 255))  # no two are the same
            picture.save(self.folder / name)
        rows = [f"{name},my {self.mark} photo,{self.mark} label\n" for name in names]
        (self.folder / "metadata.csv").write_text("file_name,text,labels\n" + "".join(rows), encoding="utf-8")
        self.own = [*(self.folder / name for name in names), self.folder / "metadata.csv"]

    def live(self, until: float) -> None:
        """Come, ask and think, until it is time to go."""
        time.sleep(self.chance.uniform(0, ARRIVING))
        while time.monotonic() < until:
            with contextlib.ExitStack() as stack:
                if not self._timed("arriving", lambda stack=stack: self._arrive(stack)):
                    time.sleep(THINKING)
                    continue
                self.leaving = False
                while time.monotonic() < until and not self.leaving:
                    (kind,) = self.chance.choices(list(WORK), list(WORK.values()))
                    self._timed(kind, getattr(self, f"_{kind.replace(' ', '_')}"))
                    self.leaving = self.leaving or self.chance.random() < LEAVING
                    time.sleep(self.chance.uniform(0, THINKING))

    def _timed(self, kind: str, work: Any) -> bool:
        """Do something and tell how long it took; work that has to wait for nothing gives its own seconds."""
        began = time.monotonic()
        try:
            own = work()
        except Refused as error:
            self.told.put((kind, None, f"refused: {error}"))
            return False
        except (Failed, OSError, ValueError, KeyError) as error:
            self.told.put((kind, None, f"failed: {type(error).__name__}: {error}"[:400]))
            return False
        self.told.put((kind, own if isinstance(own, float) else time.monotonic() - began, ""))
        return True

    def _arrive(self, stack: contextlib.ExitStack) -> None:
        self.visit = stack.enter_context(Visit(self.url))
        self.visit.open_page()
        self._look("arriving")

    def _words(self) -> float:
        self.visit.put("query-text", f"{self.chance.choice(WORDS)} {self.mark}")
        began = time.monotonic()
        shown = self.visit.fire("query-text", "submit")
        seconds = time.monotonic() - began
        self._look("words")
        self._expect("words", self.mark in str(shown["results"]), "my words are not in the answer")
        return seconds

    def _picture(self) -> float:
        self.visit.put("query-text", self.chance.choice(("", f"a boat {self.mark}")))
        began = time.monotonic()
        (given,) = self.visit.upload(self.folder / f"{self.mark}.png")
        self.visit.put("query-picture", given)
        shown = self.visit.fire("query-picture", "upload")
        seconds = time.monotonic() - began
        self._look("picture")
        thumbnail = re.search(r'class="asked-picture" src="data:[^,]+,([^"]+)"', str(shown["results"]))
        self._expect("picture", thumbnail is not None, "my picture is not beside the answer")
        if thumbnail is not None:
            self._check_colour("picture", base64.b64decode(thumbnail[1]))
        self.visit.put("query-picture", None)
        self.visit.fire("query-picture", "clear")
        return seconds

    def _more_like_it(self) -> float:
        self.visit.put("query-text", f"{self.chance.choice(WORDS)} {self.mark}")
        self.visit.fire("query-text", "submit")
        began = time.monotonic()
        self.visit.fire("results", "select", {"action": "similar", "item": self.chance.randrange(OWN_PICTURES)})
        seconds = time.monotonic() - began
        self._look("more like it")
        self.visit.fire("query-picture", "clear")
        return seconds

    def _label(self) -> float:
        self.visit.open_tab("labels")
        self._look("label")
        began = time.monotonic()
        sent = {"action": "label", "label": self.chance.randrange(20), "serial": 1}
        shown = self.visit.fire("label-graph", "select", sent)
        seconds = time.monotonic() - began
        self._look("label")
        self._expect("label", '"kind":"label"' in str(shown["label-graph"]), str(shown["label-graph"])[:200])
        return seconds

    def _map(self) -> float:
        began = time.monotonic()
        self.visit.open_tab("map")
        self._look("map")
        return time.monotonic() - began

    def _benchmark(self) -> None:
        self.visit.open_tab("benchmark")
        self._look("benchmark")

    def _collection(self) -> float:
        """Give pictures of one's own, search them, look at them, and delete them."""
        visit = self.visit
        began = time.monotonic()
        visit.put("collect-drop", visit.upload(*self.own))
        shown = visit.fire("collect-drop", "upload")
        seconds = time.monotonic() - began
        self._look("collection")
        pictures = PICTURE.findall(str(shown["collect-pictures"]))
        self._expect(
            "collection", len(pictures) == OWN_PICTURES, f"{len(pictures)} pictures: {shown['collect-status']}"
        )
        for picture in pictures[:2]:
            self._check_colour("collection", visit.get(f"/{picture}"))
        visit.put("query-text", "a photo")
        found = str(visit.fire("query-text", "submit")["results"])
        self._look("collection")
        self._expect("collection", f"my {self.mark} photo" in found, "my captions are not in the answer")
        for picture in PICTURE.findall(found)[:1]:
            self._check_colour("collection", visit.get(f"/{picture}"))
        self.leaving = self.chance.random() < LEAVING_PICTURES
        if self.leaving:  # the program deletes them
            return seconds
        visit.fire("collect-delete", "click")
        visit.fire("query-text", "submit")
        self._look("collection")
        return seconds

    def _training(self) -> float:
        visit = self.visit
        visit.open_tab("train")
        visit.put("train-epochs", EPOCHS)
        visit.put("train-seed", self.number)
        began = time.monotonic()
        shown = visit.fire("train-start", "click")
        seconds = time.monotonic() - began
        self._look("training")
        result = f"{shown['train-result']} {shown['train-status']}"
        self._expect("training", f"{EPOCHS} epochs" in result or "mAP" in result, f"no result: {result[:200]}")
        visit.put("query-text", f"a dog {self.mark}")
        self.visit.fire("query-text", "submit")
        self._look("training")
        return seconds

    def _look(self, kind: str) -> None:
        """Search all that was heard for the marks of others."""
        for mark in set(MARK.findall(self.visit.heard)) - {f"{self.number:04}"}:
            self.told.put((kind, None, f"leak: {self.mark} saw the mark of visitor {mark}"))

    def _check_colour(self, kind: str, data: bytes) -> None:
        """A picture that is this visitor's has this visitor's colour."""
        with Image.open(io.BytesIO(data)) as picture:
            colour = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))
        if max(abs(a - b) for a, b in zip(colour, self.colour, strict=True)) > 12:
            self.told.put((kind, None, f"leak: {self.mark} was shown a picture of the colour {colour}"))

    def _expect(self, kind: str, is_so: bool, problem: str) -> None:
        if not is_so:
            self.told.put((kind, None, f"wrong: {self.mark}: {problem}"))


def crowd(numbers: Sequence[int], url: str, folder: Path, seed: int, seconds: float, told: Queue) -> None:
    """The visitors of one process."""
    until = time.monotonic() + seconds
    visitors = [Visitor(number, url, folder, seed, told) for number in numbers]
    threads = [threading.Thread(target=visitor.live, args=(until,)) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Watch:
    """What the program and the processes that it starts take while it is watched."""

    def __init__(self, server: Server) -> None:
        self.place = Path(f"/proc/{server.process.pid}")
        self.peaks: Counter[str] = Counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def now(self) -> dict[str, int]:
        status = _status(self.place)
        helpers = [_status(place) for place in _below(self.place)]
        return {
            "memory, MB": _megabytes(status),
            "helpers, MB": sum(map(_megabytes, helpers)),  # what they share with each other is counted for each
            "helpers": len(helpers),
            "open files": len(list((self.place / "fd").iterdir())),
            "threads": int(status.get("Threads", 0)),
        }

    @contextlib.contextmanager
    def peaking(self) -> Iterator[None]:
        """Note the most of everything within a `with` block."""
        self._thread.start()
        yield
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(1.0):
            for name, value in self.now().items():
                self.peaks[name] = max(self.peaks[name], value)


def _below(place: Path) -> list[Path]:
    """The processes that a process has started, and those that they have."""
    found = []
    with contextlib.suppress(OSError):  # it has just ended
        for task in (place / "task").iterdir():
            for number in (task / "children").read_text().split():
                found += [place.parent / number, *_below(place.parent / number)]
    return found


def _status(place: Path) -> dict[str, str]:
    try:
        return dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
    except OSError:  # it has just ended
        return {}


def _megabytes(status: dict[str, str]) -> int:
    return int(status.get("VmRSS", "0").split()[0]) // 1024


def files_in(cache: Path) -> dict[str, int]:
    """How many files lie in each folder of the cache."""
    return {place.name: sum(path.is_file() for path in place.rglob("*")) for place in sorted(cache.iterdir())}


def main(argv: Sequence[str] | None = None) -> None:
    """Let the crowd in, and print what it met."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.load",
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--visitors", type=int, default=50, help="how many are there at once")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long they stay")
    parser.add_argument("--seed", type=int, default=1, help="of what they do")
    parser.add_argument("--bundle", type=Path, default=PROJECT / "weights" / "pocket", help="the model")
    parser.add_argument("--gallery", type=Path, default=PROJECT / "assets" / "gallery", help="the pictures")
    arguments = parser.parse_args(argv)
    folders = ("--bundle", arguments.bundle.resolve(), "--gallery", arguments.gallery.resolve())
    context = multiprocessing.get_context("spawn")
    told: Queue = context.Queue()
    heard: list[tuple[str, float | None, str]] = []
    with tempfile.TemporaryDirectory(prefix="load-") as root:
        home = Path(root, "home")
        home.mkdir()
        with serve(home, folders, program=PROJECT / "tests" / "benchmarks" / "impatient.py") as server:
            with Visit(server.url) as visit:  # the model is loaded, and every kind of work was done once
                visit.open_page()
                visit.put("query-text", "a dog")
                visit.fire("query-text", "submit")
            watch = Watch(server)
            start = watch.now()
            groups = [range(first, arguments.visitors, PROCESSES) for first in range(PROCESSES)]
            processes = [
                context.Process(
                    target=crowd,
                    args=(group, server.url, Path(root), arguments.seed, 60 * arguments.minutes, told),
                )
                for group in groups
                if len(group)
            ]
            with watch.peaking():
                for process in processes:
                    process.start()
                while any(process.is_alive() for process in processes):
                    heard += drained(told)
                    time.sleep(0.2)
                heard += drained(told)
            busy, left = watch.now(), files_in(home / "cache")
            gone = wait_until_gone(home / "cache")
            end, kept = watch.now(), files_in(home / "cache")
            has_died = server.process.poll() is not None
            output = server.output
        after = files_in(home / "cache")
    print(report(heard, arguments))
    print(f"\n{'the program':<14}{'start':>8}{'peak':>8}{'busy':>8}{'end':>8}")
    for name in start:
        print(f"{name:<14}{start[name]:>8}{watch.peaks[name]:>8}{busy[name]:>8}{end[name]:>8}")
    swept = "all gone" if gone is None else f"not gone within {gone:.0f} s"
    print(f"\nfiles when the last one leaves: {left}; swept, {swept}: {kept}; stopped: {after}")
    if has_died or "Traceback" in output:
        print(f"\nthe program {'ended' if has_died else 'printed a traceback'}:\n{output[-4000:]}")


def drained(told: Queue) -> list[tuple[str, float | None, str]]:
    """All that was told until now."""
    found = []
    while not told.empty():
        found.append(told.get())
    return found


def wait_until_gone(cache: Path) -> float | None:
    """Wait until no file of a visitor is there; the seconds after which that was given up, None where it came."""
    began = time.monotonic()
    while time.monotonic() - began < GONE_SECONDS:
        places = [place for name in ("visitors", "uploads") for place in (cache / name).rglob("*")]
        if not any(place.is_file() and place.suffix != ".lock" for place in places):
            return None
        time.sleep(1.0)
    return GONE_SECONDS


def report(heard: Sequence[tuple[str, float | None, str]], arguments: argparse.Namespace) -> str:
    """The waits by kind of work, and whatever went wrong."""
    waits, problems = defaultdict(list), defaultdict(Counter)
    for kind, seconds, problem in heard:
        if seconds is not None:
            waits[kind].append(seconds)
        if problem:
            problems[problem.split(":")[0]][f"{kind}: {MARK.sub('mark…', problem)}"] += 1
    lines = [
        f"{arguments.visitors} visitors, {arguments.minutes:g} minutes, {len(heard)} answers",
        f"{'seconds':<14}{'answers':>8}{'p50':>8}{'p95':>8}{'max':>8}",
    ]
    for kind in ("arriving", *WORK):
        times = sorted(waits.get(kind, ()))
        if times:
            late = times[math.ceil(0.95 * len(times)) - 1]
            lines.append(f"{kind:<14}{len(times):>8}{statistics.median(times):>8.2f}{late:>8.2f}{times[-1]:>8.2f}")
    for name in ("leak", "wrong", "failed", "refused"):
        lines.append(f"{name}: {problems[name].total()}")
        lines += [f"  {count} × {text}" for text, count in problems[name].most_common(8)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
