"""A bucket on loopback that speaks S3, photos with something of each kind in them, and commands that are run."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from algcn.kit.errors import run_command


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """An S3 of this machine, which the environment names."""
    moto = pytest.importorskip("moto.server", reason="tests/requirements.txt is not installed")
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "AWS_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield
    running.stop()


@pytest.fixture
def upload(server: None, request: pytest.FixtureRequest) -> Callable[[Path], str]:
    """Copies a folder into a bucket of the test's own; its address there."""
    from pyarrow import fs

    bucket = f"b{abs(hash(request.node.name)):x}"

    def upload(folder: Path) -> str:
        made, _ = fs.FileSystem.from_uri(f"s3://{bucket}?allow_bucket_creation=true")
        made.create_dir(bucket)
        fs.copy_files(str(folder), f"{bucket}/some folder", destination_filesystem=made)
        return f"s3://{bucket}/some folder"

    return upload


@pytest.fixture
def photos(tiny_gallery_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with something of each kind that an account counts."""
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(tiny_gallery_dir, tmp_path / "photos"))
    picture = (folder / "street.jpg").read_bytes()
    whole = {
        "street.jpg": picture[:200],
        "empty.jpg": b"",
        "no picture.jpg": b"hello",
        "raw.nef": b"MM\0*" + bytes(100),
        "drawing.svg": b"<svg></svg>",
        "without a suffix": picture,
        "notes.txt": b"hello",
        "all.zip": b"PK",
        "unpacked.gz": b"\x1f\x8b",
        ".hidden/a.jpg": picture,
        "deep/er/a.JPG": picture,
        "unnamed.png": picture,
    }
    for name, content in whole.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    with (folder / "metadata.csv").open("a", encoding="utf-8") as stream:
        for name in ("empty.jpg", "no picture.jpg", "raw.nef", "without a suffix", "deep/er/a.JPG", "gone.jpg"):
            stream.write(f"{name},One more,car\n")
    return folder


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must succeed; what it printed."""

    def run(main: Callable[[list[str]], None], *arguments: object) -> str:
        assert run_command(main, [str(argument) for argument in arguments]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.fixture
def failing(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must end with a sentence; that sentence."""

    def run(main: Callable[[list[str]], None], *arguments: object) -> str:
        with contextlib.suppress(SystemExit):
            assert run_command(main, [str(argument) for argument in arguments]) == 2
        (said,) = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
        assert "/bucket-" not in said and "s3cret" not in said and "Traceback" not in said
        return said

    return run
