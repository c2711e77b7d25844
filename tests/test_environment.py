"""What torch and the C library are told: settings before torch is loaded, memory given back."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rlhf_lite.hardware.environment import trim_memory


def resident() -> int:
    """Bytes that this process occupies."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc can")
def test_freed_memory_goes_back():
    pieces = [torch.ones(2_000) for _ in range(20_000)]  # 160 MB in small pieces
    last, full = pieces[-1], resident()
    del pieces  # `last` lies above them, so glibc keeps what is free below
    trim_memory()
    assert resident() < full - 100e6 and last.sum() == 2_000


NAMES = (
    "LRU_CACHE_CAPACITY",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY",
    "OMP_WAIT_POLICY",
    "GOMP_SPINCOUNT",
    "KMP_BLOCKTIME",
)


def run(code: str, **own: str) -> subprocess.CompletedProcess:
    """A Python program without these settings but for its own."""
    environment = {k: v for k, v in os.environ.items() if k not in NAMES} | own
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads wait in other ways")
def test_the_package_sets_what_torch_reads_when_it_is_loaded_unless_told_otherwise():
    code = (
        f"import os, sys, rlhf_lite; print('torch' in sys.modules, *(os.environ[name] for name in {NAMES}))"
    )
    waiting = ["active", "1000", "200"]
    assert run(code).stdout.split() == ["False", "20", "1000", *waiting]  # torch is not loaded yet
    assert run(code, LRU_CACHE_CAPACITY="7").stdout.split() == ["False", "7", "1000", *waiting]


@pytest.mark.slow
def test_torch_before_the_package_is_one_warning_unless_the_settings_are_there():
    late = run("import torch, rlhf_lite, rlhf_lite.models.gpt2")
    assert late.returncode == 0 and late.stderr.count("torch was imported before rlhf_lite") == 1
    own = {
        "LRU_CACHE_CAPACITY": "20",
        "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1000",
        "OMP_WAIT_POLICY": "passive",
    }
    for code, settings in (("import torch, rlhf_lite", own), ("import rlhf_lite, torch", {})):
        quiet = run(code, **settings)
        assert quiet.returncode == 0 and quiet.stderr == ""
