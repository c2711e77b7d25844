"""Giving memory back."""

import ctypes
from pathlib import Path

import pytest
import torch

from rlhf_lite.memory import give_back


def resident() -> int:
    """Bytes that this process occupies."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc can")
def test_freed_memory_goes_back():
    pieces = [torch.ones(2_000) for _ in range(20_000)]  # 160 MB in small pieces
    last, full = pieces[-1], resident()
    del pieces  # `last` lies above them, so glibc keeps what is free below
    give_back()
    assert resident() < full - 100e6 and last.sum() == 2_000
