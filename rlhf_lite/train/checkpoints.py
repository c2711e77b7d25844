"""Checkpoints of a training run: a file of tensors, and a small one that points to it."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import torch

from ..data.files import atomic_write, digest, read_json, write_json
from ..hardware import processes


def save(folder: Path, about: dict, step: int, rows: list[dict], things: dict) -> None:
    """Write the state of `things` (with state_dict, or torch.Generators) after `step` steps, and the trace so
    far.

    about: what must be equal for the checkpoint to fit. All processes call it; the first one writes.
    """
    state = {name: _state_of(thing) for name, thing in things.items()}
    if not processes.is_main_process():
        return
    tensors = folder / f"checkpoint-{step}-{os.getpid()}.pt"  # a name no older pointer uses
    with atomic_write(tensors) as file:
        torch.save({"step": step, "rows": json.dumps(rows), "state": state}, file)
    pointer = {"file": tensors.name, "sha256": digest(tensors), "step": step, "about": about}
    write_json(folder / "checkpoint.json", pointer)
    _remove_tensors(folder, keep=tensors)


def load(folder: Path, name: str, about: dict, things: dict) -> tuple[int, list[dict]]:
    """Put the last checkpoint into `things`, if there is a sound one that belongs to this run, on however
    many processes it ran. Returns the steps done and their rows: (0, []) if there is none."""
    pointer = folder / "checkpoint.json"
    if not pointer.exists():
        return 0, []
    try:
        found = read_json(pointer)
        tensors = folder / found["file"]
        if digest(tensors) != found["sha256"]:
            raise ValueError("its sha256 is not the recorded one")
        payload = torch.load(tensors, map_location="cpu", weights_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        warnings.warn(f"The checkpoint {pointer} is damaged ({error}); '{name}' starts from the beginning.")
        return 0, []
    old, new = found["about"], json.loads(json.dumps(about))
    changed = [
        f"{k}: {old.get(k)!r} -> {new.get(k)!r}" for k in sorted({*old, *new}) if old.get(k) != new.get(k)
    ]
    if changed or payload["state"].keys() != things.keys():
        reason = ", ".join(changed) or "the objects it holds"
        warnings.warn(
            f"The checkpoint {pointer} is of another run ({reason}); '{name}' starts from the beginning."
        )
        return 0, []
    for key, state in payload["state"].items():
        _load_into(things[key], state)
    return payload["step"], json.loads(payload["rows"])


def clear(folder: Path) -> None:
    """Delete the checkpoint, e.g. once the finished model is saved elsewhere; the trace stays."""
    for name in ("checkpoint.json", "checkpoint-total.json"):
        (folder / name).unlink(missing_ok=True)
    _remove_tensors(folder)


def _remove_tensors(folder: Path, keep: Path | None = None) -> None:
    for old in folder.glob("checkpoint-*.pt*"):
        if old != keep:
            old.unlink(missing_ok=True)


def _state_of(thing):
    """What was cut over processes is put together."""
    return (
        thing.get_state() if isinstance(thing, torch.Generator) else processes.whole_state(thing.state_dict())
    )


def _load_into(thing, state) -> None:
    if isinstance(thing, torch.Generator):
        thing.set_state(state)
    elif isinstance(thing, torch.nn.Module):
        own = thing.state_dict()
        thing.load_state_dict({name: processes.like(x, own.get(name)) for name, x in state.items()})
    else:
        thing.load_state_dict(state)
