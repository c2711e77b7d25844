"""Where results live, and how a stage is found, built, resumed and trusted.

A *stage* (base, prompts, sft, ...) is a function of its config and of other stages. Its folder is named by a
hash of both, so a changed setting leads to another folder and rebuilds only what depends on it::

    <home>/ppo_ptx-3f9a0c1d2e/     stage.json  trace.jsonl  model.safetensors  ...  summary.json

`summary.json` is written last and holds the sha256 of every other file and of the rest of itself: a folder
without it is unfinished and is resumed, one whose files do not match it is damaged and is rebuilt. One
process at a time builds a stage. Finished stages are looked for in the user's run folder and then among the
ones shipped in `data/runs`.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ..data.files import ROOT, contents, digest, disk_errors, read_json, read_jsonl, write_json
from ..hardware.cores import cores

if TYPE_CHECKING:
    import torch

SHIPPED = ROOT / "data" / "runs"
TOKENIZER = ROOT / "data" / "tokenizer"
SUMMARY, BUILDING = "summary.json", "building.json"
PARTS = {"result", "seconds", "commit", "versions", "hardware", "files"}  # of a summary
SCRATCH = ("checkpoint*", BUILDING, "*.tmp", ".saving-*")  # of who builds; gone when a stage is finished


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
    """A finished stage whose files, or whose summary, are not what the summary says."""


def stage_key(name: str, version: int, config: dict, inputs: dict[str, str]) -> str:
    """Ten hexadecimal digits that change with the stage's code version, its config, or any input."""
    text = json.dumps([name, version, config, inputs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def find(folder_name: str, where: Sequence[Path]) -> Found | None:
    """The first finished and sound folder of that name; a damaged one is warned of and passed over."""
    for place in where:
        folder, mend = place / folder_name, "It is built anew; nothing else is lost."
        if place == SHIPPED:
            mend = f"Bring it back with: git checkout -- {folder}; else it is built anew."
        if (folder / SUMMARY).exists() or (place == SHIPPED and folder.exists()):
            try:
                found = Found(folder, _finished(folder))
            except DamagedStage as error:
                warnings.warn(f"{error} {mend}", stacklevel=2)
                continue
            if strange := set(contents(folder)) - {SUMMARY, *found.summary["files"]}:
                names = ", ".join(sorted(strange)[:3])
                warnings.warn(f"{folder} holds what is not of this stage and is not read: {names}")
            return found
    return None


def _finished(folder: Path) -> dict:
    """The summary of a stage with all that a stage says; older ones have no hash of themselves."""
    summary = check(folder)
    if missing := PARTS - summary.keys():
        raise DamagedStage(f"{folder / SUMMARY} is damaged: it lacks {', '.join(sorted(missing))}.")
    return summary


def check(folder: Path) -> dict:
    """The summary of a folder, after comparing every file, and the summary itself, with the hash it
    records."""
    try:
        summary = json.loads((folder / SUMMARY).read_text())
        files = dict(summary["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedStage(f"{folder / SUMMARY} cannot be read ({error}).") from error
    damaged = files.pop(SUMMARY, own := own_digest(summary)) != own
    for name, expected in files.items():
        if not (folder / name).is_file():
            raise DamagedStage(f"{folder / name} is missing.")
        if digest(folder / name) != expected:
            raise DamagedStage(f"{folder / name} is damaged: its sha256 is not the recorded one.")
    if damaged:
        raise DamagedStage(f"{folder / SUMMARY} is damaged: its sha256 is not the one it records.")
    return summary


def own_digest(summary: dict) -> str:
    """The sha256 of all that a summary says but this."""
    files = {name: found for name, found in summary["files"].items() if name != SUMMARY}
    return hashlib.sha256(json.dumps({**summary, "files": files}, sort_keys=True).encode()).hexdigest()


@contextmanager
def claimed(folder: Path, wait: bool = True) -> Iterator[None]:
    """One process at a time builds a stage, or throws it away; others wait, or are refused. The system frees
    the lock when its holder ends, however it ends."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock, told = FileLock(folder.with_name(f".{folder.name}.lock")), False
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.5 if told else 0)
        except Timeout:
            busy = f"{folder} is being built by {_builder(folder)}"
            if not wait:
                raise BlockingIOError(f"{busy}; wait for it or end it, then repeat the command") from None
            if not told:
                warnings.warn(f"{busy}; waiting for it")
            told = True
    try:
        yield
    finally:
        lock.release()


def _builder(folder: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        who, since = read_json(folder / BUILDING), time.localtime((folder / BUILDING).stat().st_mtime)
        return f"process {who['process']} on {who['host']} since {time.strftime('%Y-%m-%d %H:%M', since)}"
    return "another process"


def build(
    folder_name: str,
    config: dict,
    inputs: dict[str, str],
    make: Callable[[Path], dict | None],
    device: torch.device | str = "cpu",
    wait: bool = True,
) -> Found:
    """Run `make(folder)` in the user's run folder and seal the result; `device` is where its models were.

    An interrupted `make` (it returns None) leaves its checkpoints for next time: KeyboardInterrupt. Where
    another process is building the same, `wait` for it and take what it built, or BlockingIOError.
    """
    folder = home() / folder_name
    with claimed(folder, wait), disk_errors(folder):
        with suppress(DamagedStage):
            return Found(folder, _finished(folder))
        if (folder / SUMMARY).exists():  # sealed but damaged
            shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)
        before, started = _seconds_before(folder), time.perf_counter()
        _remove(folder, SCRATCH[1:])
        who = {"process": os.getpid(), "host": socket.gethostname(), "seconds": before}
        write_json(folder / BUILDING, who)
        write_json(folder / "stage.json", {"config": config, "inputs": inputs})
        result = make(folder)
        if result is None:
            raise KeyboardInterrupt(f"{folder_name} was stopped; it goes on from its checkpoint next time.")
        return Found(folder, seal(folder, before + time.perf_counter() - started, result, device))


def _seconds_before(folder: Path) -> float:
    """What earlier, interrupted parts of building a stage took: each until the last file that it wrote."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        last = max(path.stat().st_mtime for path in folder.iterdir())
        return read_json(folder / BUILDING)["seconds"] + last - (folder / BUILDING).stat().st_mtime
    return 0.0


def _remove(folder: Path, patterns: Sequence[str]) -> None:
    for path in (path for pattern in patterns for path in folder.glob(pattern)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def seal(folder: Path, seconds: float, result: dict, device: torch.device | str = "cpu") -> dict:
    """Write summary.json: results, time, versions, commit and the hash of every file."""
    _remove(folder, SCRATCH)
    return write_summary(folder, {"result": result, "seconds": round(seconds, 1), **provenance(device)})


def write_summary(folder: Path, content: dict) -> dict:
    """Write what `check` expects: the content, the hash of every file and, under its own name, of itself."""
    files = {name: digest(folder / name) for name in contents(folder) if name != SUMMARY}
    summary = json.loads(json.dumps({**content, "files": files}))  # as it will be read
    summary["files"][SUMMARY] = own_digest(summary)
    write_json(folder / SUMMARY, summary)
    return summary


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
