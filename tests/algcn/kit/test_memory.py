"""The memory of activations and gradients is kept, unless the user says otherwise."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from algcn.kit.memory import keep_large_buffers

PROJECT = Path(__file__).resolve().parents[3]
FAULTS = """
import resource, sys, torch
from algcn.features.encoder import load_encoder
load_encoder(sys.argv[1])
torch.ones(4 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(4 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
def test_memory_of_activations_is_kept_unless_the_user_says_otherwise(tiny_encoder_dir: Path) -> None:
    def page_faults(**settings: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", FAULTS, str(tiny_encoder_dir)],
            cwd=PROJECT,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout)

    kept = page_faults()
    assert page_faults(MALLOC_MMAP_THRESHOLD_="131072", MALLOC_TRIM_THRESHOLD_="131072") > 10 * (kept + 1)
    assert page_faults(GLIBC_TUNABLES="glibc.malloc.mmap_threshold=131072") > 10 * (kept + 1)


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(os, "confstr", unknown)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: pytest.fail("nothing is to be set"))
    keep_large_buffers()
