"""The cache folder: one place for everything, and a temporary one where it cannot be written to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from gradio_client import Client
from serving import environment, serve

from algcn.kit.cache import cache_folder

NOTICE = "cannot be written to"


def kept(folder: Path) -> set[str]:
    """The first part of the path of every file in a folder."""
    return {path.relative_to(folder).parts[0] for path in folder.rglob("*") if path.is_file()}


def test_the_variable_names_it_and_a_tilde_is_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for named, folder in (("~/x", "x"), (str(tmp_path / "y"), "y"), ("", ".cache/algcn")):
        monkeypatch.setenv("ALGCN_CACHE", named)
        assert cache_folder() == tmp_path / folder
    assert not list(tmp_path.iterdir()), "whoever keeps nothing writes nothing"


def test_without_a_home_a_temporary_folder_is_used_until_the_process_ends(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    script = "from algcn.kit.cache import cache_folder as f; assert f() == f(); (f() / 'a').write_text(''); print(f())"
    for home in (tmp_path / "file", Path("/proc/nowhere")):
        env = environment(home, ALGCN_CACHE="", PYTHONPATH=str(PROJECT), TMPDIR=str(tmp_path))
        done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
        folder = Path(done.stdout.strip())
        assert folder.parent == tmp_path and not folder.exists()
        (line,) = done.stderr.splitlines()
        assert f"The cache folder {home}/.cache/algcn {NOTICE}" in line and "set ALGCN_CACHE to a folder" in line


def test_a_temporary_folder_of_a_killed_process_goes_when_the_next_needs_one(tmp_path: Path) -> None:
    script = "from algcn.kit.cache import cache_folder as f; print(f(), flush=True); input()"
    env = environment(Path("/proc/nowhere"), ALGCN_CACHE="", PYTHONPATH=str(PROJECT), TMPDIR=str(tmp_path))
    (tmp_path / "algcn-cache-of-mine").mkdir()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    folders, processes = [], []
    try:
        for killed in (True, False, False):
            process = subprocess.Popen([sys.executable, "-c", script], env=env, **pipes)
            processes.append(process)
            folders.append(Path(process.stdout.readline().strip()))
            (folders[-1] / "uploads").mkdir()
            os.utime(folders[-1], (0, 0))
            if killed:
                process.kill()
                process.wait()
        assert [folder.is_dir() for folder in folders] == [False, True, True]
    finally:
        for process in processes:
            process.communicate("\n")
    assert [path.name for path in tmp_path.iterdir()] == ["algcn-cache-of-mine"]


def test_where_no_folder_can_be_written_to_a_sentence_says_so(tmp_path: Path) -> None:
    script = "from algcn.kit.cache import cache_folder; cache_folder()"
    program = f"import sys; from algcn.kit.errors import run_command; sys.exit(run_command(lambda _: exec({script!r})))"
    nowhere = "import os, tempfile; tempfile._candidate_tempdir_list = lambda: ['/proc/nowhere']"
    env = environment(tmp_path, ALGCN_CACHE="/proc/nowhere", PYTHONPATH=str(PROJECT))
    done = subprocess.run([sys.executable, "-c", f"{nowhere}; {program}"], env=env, capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: Neither the cache folder /proc/nowhere (") and "set ALGCN_CACHE" in line


@pytest.mark.parametrize("place", ["/proc/nowhere", "{folder}/file/below", "~nobody-of-this-name/hub"])
def test_without_a_place_for_the_hub_its_files_are_kept_with_the_others(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    script = "from algcn.kit.cache import hub_cache_folder as f; assert f() == f(); print(f())"
    named = place.format(folder=tmp_path)
    env = environment(tmp_path, HF_HUB_CACHE=named, PYTHONPATH=str(PROJECT))
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path / "cache" / "hub")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"What the Hub gives is kept in {tmp_path / 'cache' / 'hub'}, since {named} cannot be")


def test_a_place_of_the_hub_that_can_be_written_to_stays_its_own(tmp_path: Path) -> None:
    script = "from algcn.kit.cache import hub_cache_folder as f; print(f())"
    env = environment(tmp_path, HF_HOME=str(tmp_path / "huggingface"), PYTHONPATH=str(PROJECT))
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (str(tmp_path / "huggingface" / "hub"), "")


def test_a_program_whose_cache_is_in_the_home_keeps_everything_there(
    tmp_path: Path, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with serve(home, ("--bundle", tiny_bundle_dir, "--gallery", tiny_gallery_dir), ALGCN_CACHE="~/x") as server:
        client = Client(server.url, verbose=False)
        assert client.predict("a dog", api_name="/search_by_text")["images"]
        assert len(client.predict(points=True, api_name="/gallery_map")["points"]) == 12
    assert kept(home) == {"x"}
    assert "galleries" in kept(home / "x")


def test_a_program_without_a_home_says_so_and_works(
    tmp_path: Path, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> None:
    places = {"HOME": "/proc/nowhere", "ALGCN_CACHE": "", "TMPDIR": str(tmp_path)}
    (tmp_path / "work").mkdir()
    with serve(tmp_path / "work", ("--bundle", tiny_bundle_dir, "--gallery", tiny_gallery_dir), **places) as server:
        client = Client(server.url, verbose=False)
        assert client.predict("a dog", api_name="/search_by_text")["images"]
        assert len(client.predict(points=True, api_name="/gallery_map")["points"]) == 12
        assert server.output.count(NOTICE) == 1 and "Traceback" not in server.output
    assert not os.listdir(tmp_path / "work")


def test_a_command_without_a_home_says_so_and_works(
    tmp_path: Path, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> None:
    arguments = ["build", str(tiny_gallery_dir), "--bundle", str(tiny_bundle_dir)]
    env = environment(tmp_path, HOME="/proc/nowhere", ALGCN_CACHE="", TMPDIR=str(tmp_path), PYTHONPATH=str(PROJECT))
    done = subprocess.run([sys.executable, "-m", "algcn.gallery", *arguments], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(NOTICE) == 1 and "Traceback" not in done.stderr
