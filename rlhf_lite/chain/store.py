"""Where results live, and how a stage is found, built, resumed and trusted.

A *stage* (base, prompts, sft, ...) is a function of its config and of other stages. Its folder is named by a
hash of both, so a changed setting leads to another folder and rebuilds only what depends on it::

    <home>/ppo_ptx-3f9a0c1d2e/     stage.json  trace.jsonl  model.safetensors  ...  summary.json

`summary.json` is written last and holds the sha256 of every other file: a folder without it is unfinished and
is resumed, one whose files do not match it is damaged and is rebuilt. Finished stages are looked for in the
user's run folder and then among the ones shipped in `data/runs`.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.files import ROOT, digest, read_jsonl, write_json
from ..hardware.cores import cores

if TYPE_CHECKING:
    import torch

SHIPPED = ROOT / "data" / "runs"
TOKENIZER = ROOT / "data" / "tokenizer"
SCRATCH = "checkpoint*"  # of the training loop; gone when a stage is finished


def home() -> Path:
    """The user's run folder: $RLHF_LITE_HOME, else `runs/` beside the package, else ~/.rlhf_lite."""
    if "RLHF_LITE_HOME" in os.environ:
        return Path(os.environ["RLHF_LITE_HOME"]).expanduser()
    return ROOT / "runs" if os.access(ROOT, os.W_OK) else Path.home() / ".rlhf_lite"


@dataclass(frozen=True)
class Found:
    """A finished stage."""

    folder: Path
    summary: dict


class DamagedStage(RuntimeError):
    """A finished stage whose files are not what its summary says."""


def stage_key(name: str, version: int, config: dict, inputs: dict[str, str]) -> str:
    """Ten hexadecimal digits that change with the stage's code version, its config, or any input."""
    text = json.dumps([name, version, config, inputs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def find(folder_name: str, where: Sequence[Path]) -> Found | None:
    """The first finished and sound folder of that name; a damaged one is warned of and passed over."""
    for place in where:
        folder = place / folder_name
        if (folder / "summary.json").exists():
            try:
                return Found(folder, check(folder))
            except DamagedStage as error:
                warnings.warn(f"{error} It is built anew; nothing else is lost.", stacklevel=2)
    return None


def check(folder: Path) -> dict:
    """The summary of a stage folder, after comparing every file with the hash it records."""
    try:
        summary = json.loads((folder / "summary.json").read_text())
        files = summary["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedStage(f"{folder / 'summary.json'} cannot be read ({error}).") from error
    for name, expected in files.items():
        if not (folder / name).is_file():
            raise DamagedStage(f"{folder / name} is missing.")
        if digest(folder / name) != expected:
            raise DamagedStage(f"{folder / name} is damaged: its sha256 is not the recorded one.")
    return summary


def build(
    folder_name: str,
    config: dict,
    inputs: dict[str, str],
    make: Callable[[Path], dict | None],
    device: torch.device | str = "cpu",
) -> Found:
    """Run `make(folder)` in the user's run folder and seal the result; `device` is where its models were.

    An interrupted `make` (it returns None) leaves its checkpoints for next time: KeyboardInterrupt.
    """
    folder = home() / folder_name
    if (folder / "summary.json").exists():  # sealed but damaged, or `find` would have taken it
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "stage.json", {"config": config, "inputs": inputs})
    started = time.perf_counter()
    result = make(folder)
    if result is None:
        raise KeyboardInterrupt(f"{folder_name} was stopped; it goes on from its checkpoint next time.")
    return Found(folder, seal(folder, time.perf_counter() - started, result, device))


def seal(folder: Path, seconds: float, result: dict, device: torch.device | str = "cpu") -> dict:
    """Write summary.json: results, time, versions, commit and the hash of every file."""
    for path in folder.glob(SCRATCH):
        path.unlink()
    summary = {"result": result, "seconds": round(seconds, 1), **provenance(device), "files": digests(folder)}
    write_json(folder / "summary.json", summary)
    return summary


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of every file in a folder but its summary.json."""
    return {
        p.relative_to(folder).as_posix(): digest(p)
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != "summary.json"
    }


def provenance(device: torch.device | str = "cpu") -> dict:
    """What a number needs to be believed: commit, versions, the device, and the kernels chosen there."""
    import torch

    from ..hardware.kernels import describe_kernels
    from ..hardware.precision import describe_dtype

    kind = torch.device(device).type
    packages = ("torch", "transformers", "tokenizers", "numpy", "datasets")
    return {
        "commit": commit(),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in packages}},
        "hardware": {
            "cpu": platform.processor() or platform.machine(),
            "cores": cores(),
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name(device) if kind == "cuda" else None,
            "precision": describe_dtype(kind),
            "kernels": describe_kernels(kind),
        },
    }


@cache
def commit() -> str:
    """The commit of this checkout, with '+' when tracked files differ from it; "" outside git."""

    def git(*words: str) -> str:
        return subprocess.check_output(
            ("git", *words), cwd=ROOT, stderr=subprocess.DEVNULL, text=True
        ).strip()

    try:
        changed = git("status", "--porcelain", "-uno")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def read_trace(folder: Path) -> list[dict]:
    """The rows of a stage's trace.jsonl, one per training step."""
    return read_jsonl(Path(folder) / "trace.jsonl")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
