"""The peers' packages: their names and versions, and where TRL's last version with PPO lives."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .jobs import Job

PPO_VERSION = "1.12.0"  # 1.13 has no PPO any more
INSTALL = 'pip install -e ".[bench]"'


class Missing(RuntimeError):
    """A peer that is not installed; the message says how to get it."""


def name(job: Job) -> str:
    """What the peer of a job is called, with its version."""
    ppo = f"trl {PPO_VERSION} PPOTrainer"
    names = {
        "rm": f"trl {version_of('trl')} RewardTrainer",
        "ppo": f"{ppo} + transformers lm loss" if job.ptx_rows else ppo,
        "sample": f"transformers {version_of('transformers')} generate",
        "sft": f"trl {version_of('trl')} SFTTrainer",
    }
    return names[job.kind]


def version_of(package: str) -> str:
    """Its version, or that it is missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def ppo_folder() -> Path:
    """Where that TRL is: two versions cannot be in one environment."""
    from rlhf_lite.chain import store

    return store.home() / "peers" / f"trl-{PPO_VERSION}"


def fetch_ppo() -> None:
    """Get it with pip unless it is there; Missing says how to get it by hand."""
    folder = ppo_folder()
    if (folder / "trl").is_dir():
        return
    words = ["pip", "install", "--quiet", "--no-deps", "--target", str(folder), f"trl=={PPO_VERSION}"]
    if subprocess.run([sys.executable, "-m", *words], capture_output=True).returncode:
        raise Missing(f"TRL {PPO_VERSION}, the last with PPO, could not be fetched; run: {' '.join(words)}")
