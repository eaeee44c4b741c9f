"""Two processes that share every batch end with what one process has, to float tolerance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from conftest import PROJECT

from algcn.bundles.bundle import Bundle
from algcn.evaluation.retrieval import embed_items, group, retrieval_map
from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig
from algcn.method.model import ALGCN
from algcn.train import main
from algcn.training.processes import Processes, joined


def test_shares_cover_a_batch_and_come_back_in_its_order():
    batch = torch.tensor([7, 3, 9, 1, 5])
    for count in (1, 2, 3, 5, 8):
        shares = [Processes(count, rank).share(batch) for rank in range(count)]
        assert {len(share) for share in shares} == {-(-len(batch) // count)}
        together = torch.stack(shares).T.flatten()[: len(batch)]
        assert torch.equal(together, batch)


def _together(monkeypatch, count, work):
    """Run `work` as so many processes would; threads that gather as they do stand for them."""
    everyone, gathered, rank_of = threading.Barrier(count), [None] * count, {}

    def all_gather(parts, rows):
        gathered[rank_of[threading.get_ident()]] = rows
        everyone.wait(timeout=30)
        for part, theirs in zip(parts, list(gathered), strict=True):
            part.copy_(theirs)
        everyone.wait(timeout=30)

    def run(rank):
        rank_of[threading.get_ident()] = rank
        return work(Processes(count, rank))

    monkeypatch.setattr(torch.distributed, "all_gather", all_gather)
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("count", [2, 3, 8])
def test_each_ranks_its_share_and_all_end_with_what_one_measures(monkeypatch, make_features, count):
    """So do those whose queries have no label at all: of the 21 items only three have one."""
    features = make_features(21)
    features.labels[3:] = 0
    with torch.random.fork_rng():
        torch.manual_seed(0)
        items, model = group(features), ALGCN(ModelConfig(16, 12, 6, common_dim=32, use_gcn=False)).eval()
    alone = retrieval_map(embed_items(items, model))

    def measure(processes):
        computed = []

        def shared(compute, total):
            return processes.shared(lambda rows: computed.append(len(rows)) or compute(rows), total)

        return retrieval_map(embed_items(items, model, shared), shared), computed

    for found, computed in _together(monkeypatch, count, measure):
        assert found == pytest.approx(alone, abs=1e-6)
        assert computed == [-(-21 // count)] * 4  # images and texts embedded, and ranked


def test_alone_without_torchrun(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("cpu") as (processes, device):
        assert (processes, device) == (Processes(1, 0), "cpu")
        assert processes.is_first and processes.agree(True, "never said")


def test_gpus_that_are_not_there_are_one_sentence(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", str(torch.cuda.device_count()))
    with pytest.raises(InputError, match="fewer GPUs"), joined("cuda"):
        pass
    with pytest.raises(InputError, match="cannot share 'cuda:0'"), joined("cuda:0"):
        pass


def _run_two(arguments):
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [sys.executable, *launcher, "-m", "algcn.train", *map(str, arguments)]
    settings = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=PROJECT, env=settings, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    "flags",
    [[], ["--no-gcn"], ["--mode", "plus", "--incomplete-labels", "0.8"]],
    ids=["paper", "without GCN", "plus"],
)
def test_two_processes_give_what_one_gives(make_features, tmp_path, capsys, flags):
    make_features(150).save(tmp_path / "features.safetensors")
    # 90 training rows: the last batch has 15, which two processes cannot share evenly.
    settings = ["--epochs", 3, "--batch-size", 25, "--common-dim", 32, "--learning-rate", 0.001, *flags]
    command = [tmp_path / "features.safetensors", *settings, "--out"]
    main([str(argument) for argument in (*command, tmp_path / "by1")])
    done = _run_two([*command, tmp_path / "by2"])
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(capsys.readouterr().out.splitlines())  # one of the two speaks
    one, two = Bundle.load(tmp_path / "by1"), Bundle.load(tmp_path / "by2")
    weights = two.model.state_dict()
    for name, tensor in one.model.state_dict().items():
        torch.testing.assert_close(weights[name], tensor, atol=1e-5, rtol=1e-4, msg=name)
    assert (one.history is None) == (two.history is None) == ("plus" in flags)
    for name, tensor in (one.history or {}).items():
        torch.testing.assert_close(two.history[name].float(), tensor.float(), atol=1e-3, rtol=1e-3, msg=name)
    for ours, theirs in zip(one.metrics["log"], two.metrics["log"], strict=True):
        assert theirs["losses"] == pytest.approx(ours["losses"], rel=1e-5)
        assert theirs["map"] == pytest.approx(ours["map"], abs=1e-4)
    assert two.metrics["selection"]["best_epoch"] == one.metrics["selection"]["best_epoch"]
    assert two.metrics["test"]["map"] == pytest.approx(one.metrics["test"]["map"], abs=1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["by1", "by2", "features.safetensors"]


def test_two_processes_resume_what_they_left(make_features, tmp_path):
    """Killed after its checkpoint, a shared run goes on from it; one process may go on too."""
    make_features(100).save(tmp_path / "features.safetensors")
    base = [tmp_path / "features.safetensors", "--epochs", 4, "--batch-size", 25, "--common-dim", 16]
    assert _run_two([*base, "--out", tmp_path / "whole"]).returncode == 0
    killer = (
        "import algcn.training.loop as t, os\n"
        "save = t.save_checkpoint\n"
        "def then_die(*a):\n    save(*a)\n    os._exit(9)\n"
        "t.save_checkpoint = then_die\n"
        "import sys, algcn.train\nalgcn.train.main(sys.argv[1:])\n"
    )
    script = tmp_path / "killed.py"
    script.write_text(killer)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    settings = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT)}
    killed = subprocess.run(
        [*launcher, *map(str, base), "--out", str(tmp_path / "parts")], env=settings, capture_output=True, timeout=300
    )
    assert killed.returncode != 0 and (tmp_path / "parts.checkpoint.safetensors").is_file()
    done = _run_two([*base, "--out", tmp_path / "parts", "--resume"])
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("epoch ")] == ["2/4", "3/4", "4/4"]
    logs = [json.loads((tmp_path / name / "metrics.json").read_text())["log"] for name in ("whole", "parts")]
    for ours, theirs in zip(*logs, strict=True):
        assert theirs["losses"] == pytest.approx(ours["losses"], rel=1e-6)
