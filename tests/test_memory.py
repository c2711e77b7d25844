"""Giving memory back."""

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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads wait in other ways")
def test_the_package_sets_what_torch_reads_when_it_is_loaded_unless_told_otherwise():
    names = (
        "LRU_CACHE_CAPACITY",
        "ONEDNN_PRIMITIVE_CACHE_CAPACITY",
        "OMP_WAIT_POLICY",
        "GOMP_SPINCOUNT",
        "KMP_BLOCKTIME",
    )
    code = (
        f"import os, sys, rlhf_lite; print('torch' in sys.modules, *(os.environ[name] for name in {names}))"
    )

    def seen(**own: str) -> list[str]:
        environment = {k: v for k, v in os.environ.items() if k not in names} | own
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        ).stdout.split()

    waiting = ["active", "1000", "200"]
    assert seen() == ["False", "20", "1000", *waiting]  # torch is not loaded yet
    assert seen(LRU_CACHE_CAPACITY="7") == ["False", "7", "1000", *waiting]
