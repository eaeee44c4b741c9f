"""What `pip install .` installs: the library, and the page with its weights and pictures in a folder of its own."""

from __future__ import annotations

import configparser
import subprocess
import sys
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from conftest import PROJECT
from serving import environment

import algcn

# Folders of the checkout and where they are installed; what is not below these is not part of an installation.
INSTALLED = {
    "algcn": "algcn",
    "app": "algcn_explorer/app",
    "assets/page": "algcn_explorer/assets/page",
    "assets/gallery": "algcn_explorer/assets/gallery",
    "assets/study": "algcn_explorer/assets/study",
    "weights": "algcn_explorer/weights",
}
SOURCES = ("algcn", "app", "assets", "weights", "tests", "pyproject.toml", "README.md", "LICENSE", "requirements.txt")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from links to the project, since a build leaves folders beside the sources."""
    root = tmp_path_factory.mktemp("install")
    (root / "source").mkdir()
    for name in SOURCES:
        (root / "source" / name).symlink_to(PROJECT / name)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    done = subprocess.run([*pip, str(root / "source"), "-w", str(root)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = root.glob("algcn_explorer-*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive
    path.unlink()


@pytest.fixture(scope="module")
def site(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the wheel, installed; its weights and pictures are left out."""
    folder = tmp_path_factory.mktemp("site")
    wheel.extractall(folder, [name for name in wheel.namelist() if not name.endswith((".safetensors", ".webp"))])
    return folder


def information(wheel: zipfile.ZipFile, file: str) -> str:
    return wheel.read(f"algcn_explorer-{algcn.__version__}.dist-info/{file}").decode()


def requirements(folder: str) -> list[str]:
    lines = (PROJECT / folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_everything_that_the_page_opens_is_installed_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = {
        f"{target}/{path.relative_to(PROJECT / source).as_posix()}"
        for source, target in INSTALLED.items()
        for path in (PROJECT / source).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    beside = {f"algcn_explorer/assets/{name}" for name in ("__init__.py", "CREDITS.md", "examples.json", "favicon.svg")}
    assert names == wanted | beside
    assert {name.split("/")[0] for name in names} == {"algcn", "algcn_explorer"}, "names that no other program has"


def test_the_project_says_who_it_is(wheel: zipfile.ZipFile) -> None:
    said = HeaderParser().parsestr(information(wheel, "METADATA"))
    assert (said["Name"], said["Version"]) == ("algcn-explorer", algcn.__version__)
    assert (said["License-Expression"], said["Requires-Python"]) == ("Apache-2.0", ">=3.11")
    needed = said.get_all("Requires-Dist")
    for file, extra in (("", None), ("algcn/cluster", "cluster")):
        ending = "" if extra is None else f'; extra == "{extra}"'
        assert [f"{line}{ending}" for line in requirements(file)] == [
            line for line in needed if (line.endswith(ending) if extra else "extra ==" not in line)
        ]


def test_every_package_of_the_library_is_named() -> None:
    """`find` cannot name packages otherwise than their folders, so pyproject.toml has a list."""
    named = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    found = {
        path.parent.relative_to(PROJECT).as_posix().replace("/", ".")
        for path in (PROJECT / "algcn").rglob("__init__.py")
    }
    assert {name for name in named if name.split(".")[0] == "algcn"} == found


def test_the_entry_point_starts_the_installed_page(wheel: zipfile.ZipFile, site: Path, tmp_path: Path) -> None:
    entries = configparser.ConfigParser()
    entries.read_string(information(wheel, "entry_points.txt"))
    module, _, function = entries["console_scripts"]["algcn-explorer"].partition(":")
    # As pip writes it; an `app` in the folder where it is called must not be taken for the page.
    program = f"import sys; from {module} import {function}; sys.argv[0] = 'algcn-explorer'; sys.exit({function}())"
    (tmp_path / "app.py").write_text("raise SystemExit('another program')", encoding="utf-8")

    def run(*arguments: str, **values: str) -> subprocess.CompletedProcess:
        env = environment(tmp_path, PYTHONPATH=str(site), **values)
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True
        )

    done = run("--help")
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["usage:", "algcn-explorer"]), done.stderr
    done = run("--bundle", "no/such/folder")
    assert done.returncode == 2 and "There is no bundle at no/such/folder" in done.stderr
    done = run("--gallery", "nowhere")
    assert done.returncode == 2 and "There is no gallery at nowhere" in done.stderr, "the bundle is found"
    where = f"import {module} as entry; from pathlib import Path; print(Path(entry.__file__).resolve())"
    done = subprocess.run(
        [sys.executable, "-c", where],
        cwd=tmp_path,
        env=environment(tmp_path, PYTHONPATH=str(site)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(site.resolve())
