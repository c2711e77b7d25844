"""Files that appear whole or not at all: a full disk or a kill in the middle leaves what was there before."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

FULL_OR_BROKEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
SUMS = "SHA256SUMS"


class DiskError(OSError):
    """What a disk refused, in one line."""


class DamagedFile(ValueError):
    """A file that is not what its list of hashes says."""


@contextlib.contextmanager
def disk_errors(folder: str | Path) -> Iterator[None]:
    """A disk that is full or broken is one line with the folder, whoever was writing: torch has an error of
    its own on top of the system's, and those of safetensors and tokenizers hold its number in their text."""
    try:
        yield
    except Exception as error:
        found: BaseException | None = error
        while found is not None and not isinstance(found, DiskError):
            number = re.search(r"\(os error (\d+)\)", str(found))
            code = int(number[1]) if number else getattr(found, "errno", None)
            if code in FULL_OR_BROKEN:
                kept = "what was saved before is kept; mend this and repeat the command"
                raise DiskError(f"{folder}: {os.strerror(code)}; {kept}") from error
            found = found.__cause__ or found.__context__
        raise


@contextlib.contextmanager
def atomic_write(path: str | Path):
    """A binary file that appears under its name only when it is complete and on disk."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with disk_errors(path.parent):
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


def contents(folder: Path) -> list[str]:
    """The names of all files in a folder and below, but of lists of hashes, temporary and hidden ones."""
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    kept = (name for name in names if name.name != SUMS and name.suffix != ".tmp")
    return [name.as_posix() for name in kept if not any(part.startswith(".") for part in name.parts)]


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """List the sha256 of these files of a folder in it, as `sha256sum` does and `check_sums` expects."""
    lines = [f"{digest(folder / name)}  {name}\n" for name in sorted(names)]
    with atomic_write(folder / SUMS) as file:
        file.write("".join(lines).encode())


def check_sums(folder: Path, names: Iterable[str]) -> None:
    """DamagedFile if a file that its folder lists is another, or one of `names`, which are about to be read,
    is not listed. Folders that came with the repository have such a list, and nothing beside it."""
    shipped = folder.resolve().is_relative_to(ROOT / "data")
    if not (folder / SUMS).exists() and not shipped:
        return
    mend = f"bring it back with: git checkout -- {folder}"
    try:
        lines = (folder / SUMS).read_text().splitlines()
        listed = {name: found for found, _, name in (line.partition("  ") for line in lines)}
    except (OSError, ValueError) as error:
        raise DamagedFile(f"{folder / SUMS} cannot be read ({error}); {mend}") from error
    for name in sorted({*listed, *(contents(folder) if shipped else names)}):
        if name not in listed:
            raise DamagedFile(f"{folder / name} is not in {SUMS}; move it elsewhere, or {mend}")
        if not (folder / name).is_file() or digest(folder / name) != listed[name]:
            raise DamagedFile(f"{folder / name} is not what {SUMS} says; {mend}")


def fingerprint(path: str | Path) -> str:
    """Twelve hexadecimal digits of a file's or folder's content; of the name alone for one on the hub."""
    path, found = Path(path).expanduser(), hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        found.update(file.name.encode())
        if file.is_file():
            found.update(bytes.fromhex(digest(file)))
    return found.hexdigest()[:12]
