"""Files that appear whole or not at all: a full disk or a kill in the middle leaves what was there before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path


@contextlib.contextmanager
def atomic_write(path: str | Path):
    """A binary file that appears under its name only when it is complete and on disk."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


ROOT = Path(__file__).resolve().parents[2]  # of the repository


def write_json(path: Path, value) -> None:
    """Atomically; the same value always gives the same bytes."""
    with atomic_write(path) as file:
        file.write((json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def read_json(path: Path):
    return json.loads(Path(path).read_text())


def read_jsonl(path: Path) -> list[dict]:
    """A JSON Lines file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def lacks(folder: Path, what: str) -> str:
    """What is wrong with a folder without a model or a tokenizer: also what it is instead."""
    if (folder / "adapter_config.json").is_file():
        merge = "merge it into its base first (peft: merge_and_unload, then save_pretrained)"
        return f"{folder} holds a LoRA adapter and no {what}; {merge}"
    saved = any((folder / name).is_file() for name in ("state.json", "dataset_dict.json"))
    return f"{folder} holds {'a data set and ' if saved else ''}no {what}; give a folder with one"


def digest(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(path: str | Path) -> str:
    """Twelve hexadecimal digits of a file's or folder's content; of the name alone for one on the hub."""
    path, found = Path(path).expanduser(), hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        found.update(file.name.encode())
        if file.is_file():
            found.update(bytes.fromhex(digest(file)))
    return found.hexdigest()[:12]
