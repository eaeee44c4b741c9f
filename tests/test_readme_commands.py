"""Every command of the README's blocks is run, on small data; one that is added without a test is found here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from gradio_client import Client
from hub_server import HubServer
from official import write_mirflickr
from serving import environment, serve
from test_readme import ONE_COMMAND, README, SINGLE_COMMANDS, block_after, write_photos

STARTS = block_after("## Use it").splitlines()
BENCHMARK = block_after("The paper's data sets, from their official files").splitlines()
(SHARED,) = block_after("several processes share every batch").splitlines()
INDEX = block_after("A gallery can be searched on").splitlines()
MANY_MACHINES = block_after("**Many machines** encode with Ray Data").splitlines()
FIT = "python -m algcn.reliability weights/mine features.safetensors"
# Each is run elsewhere, or changes the environment in which the tests run.
INSTALL = {
    "pip install -r requirements.txt && python app.py",
    "pip install -r requirements.txt --extra-index-url https://download.pytorch.org/whl/cpu && python app.py",
    "pip install -r requirements.txt -r tests/requirements.txt && pytest",
}
PLAIN_REQUEST = block_after("polling too:").splitlines()


def test_no_command_is_left_out() -> None:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    plain = [block for language, block in blocks if not language and not block.startswith("app.py  ")]  # no tree
    written = {line for block in plain for line in block.splitlines()}
    assert written == {
        *STARTS,
        *BENCHMARK,
        SHARED,
        *MANY_MACHINES,
        *INDEX,
        *ONE_COMMAND,
        *SINGLE_COMMANDS,
        *INSTALL,
        *PLAIN_REQUEST,
    }
    assert f"`{FIT}`" in README.replace("\n", " ")


def run(command: str, folder: Path, **variables: str) -> str:
    """Run a command in a shell; what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = environment(folder, PATH=path, PYTHONPATH=str(PROJECT), **variables)
    done = subprocess.run(command, shell=True, env=env, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with PHOTOS and the weights that come with the project."""
    folder = tmp_path / "workplace"
    (folder / "weights").mkdir(parents=True)
    for name in ("pocket", "mirflickr"):
        (folder / "weights" / name).symlink_to(PROJECT / "weights" / name)
    write_photos(folder / "PHOTOS")
    return folder


@pytest.fixture
def named_on_the_hub(hub: HubServer, tiny_bundle_dir: Path) -> dict[str, str]:
    """What OWNER/NAME@COMMIT stands for, and where it is asked for."""
    commit = hub.add("someone/tiny", tiny_bundle_dir)
    return {
        "OWNER/NAME@COMMIT": f"someone/tiny@{commit}",
        "HF_ENDPOINT": hub.url,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
    }


@pytest.mark.parametrize("line", STARTS)
def test_a_start_of_the_page(line: str, workplace: Path, named_on_the_hub: dict[str, str]) -> None:
    reference = named_on_the_hub.pop("OWNER/NAME@COMMIT")
    program, script, *arguments = shlex.split(line.replace("OWNER/NAME@COMMIT", reference), comments=True)
    assert (program, script) == ("python", "app.py")
    if reference in arguments:  # here already: a start on a busy machine may not wait the seconds that a Hub is given
        run(f"python -m algcn.hub pull {reference}", workplace, **named_on_the_hub)
    with serve(workplace, arguments, **named_on_the_hub) as server:
        client = Client(server.url, verbose=False)
        names = [model["name"] for model in client.predict(api_name="/list_models")["models"]]
        asked = arguments[arguments.index("--bundle") + 1] if "--bundle" in arguments else "weights/pocket"
        assert names[0] == (asked if "@" in asked else Path(asked).name), server.output
        found = client.predict("dog", api_name="/search_by_text")["images"]
        assert found and found[0]["file"].startswith("IMG_") == ("PHOTOS" in arguments)
        assert "Traceback" not in server.output


def test_the_papers_data_set_from_its_files_to_a_bundle(tmp_path: Path, vgg_weights: Path) -> None:
    """As they stand but for what is small here: fewer queries, random weights of VGG-19, the CPU for the GPU."""
    write_mirflickr(tmp_path / "DIR", 24)
    prepare, extract, train = (line.partition("#")[0] for line in BENCHMARK)
    run(f"{prepare} --split 6-query", tmp_path)
    run(f"{extract} --weights {vgg_weights}", tmp_path)
    printed = run(train.replace("--device cuda", "--device cpu --epochs 3"), tmp_path)
    assert "mode paper: 3 epochs" in printed and (tmp_path / "weights" / "mirflickr" / "config.json").is_file()


def test_processes_that_share_a_batch(tmp_path: Path, make_features) -> None:
    make_features(150).save(tmp_path / "features.safetensors")
    command = SHARED.replace("--nproc-per-node 4", "--standalone --nproc-per-node 2").replace("cuda", "cpu --epochs 3")
    assert "mode paper: 3 epochs" in run(command, tmp_path)
    assert (tmp_path / "weights" / "ms-coco" / "config.json").is_file()


def test_a_gallery_on_milvus(workplace: Path) -> None:
    pytest.importorskip("milvus_lite", reason="algcn/cluster/requirements.txt is not installed")
    install, publish, start = INDEX
    assert install == "pip install -r algcn/cluster/requirements.txt" and (PROJECT / install.split()[-1]).is_file()
    assert "120 rows written, 0 were there; searched as FLAT" in run(publish, workplace)
    with serve(workplace, shlex.split(start)[2:]) as server:
        found = Client(server.url, verbose=False).predict("dog", api_name="/search_by_text")["images"]
        assert found and found[0]["file"].startswith("IMG_"), server.output
        assert "Traceback" not in server.output


def test_a_bundle_from_before_is_fitted(tmp_path: Path, make_features) -> None:
    make_features(150).save(tmp_path / "features.safetensors")
    run("python -m algcn.train features.safetensors --epochs 3 --out weights/mine", tmp_path)
    assert run(FIT, tmp_path)


def test_the_commands_for_many_machines(workplace: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed; see algcn/cluster/requirements.txt")
    extract, build = MANY_MACHINES
    assert "60 pictures, 60 captions" in run(extract, workplace)
    assert "60 pictures and 60 texts" in run(build, workplace)
