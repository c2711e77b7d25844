"""Raw rows from where they are: a file, a folder, or the hub, whose absence is noticed at once.

Everything but single files goes through `datasets.load_dataset`, which is imported when it is needed.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .network import hub_answers, unreachable
from .records import RecordError, Row
from .sources import read_rows

EXPORT = (
    "refs/convert/parquet"  # where the hub keeps its own Parquet copy of a set that is written as a script
)
BUILDERS = {".txt": "text", ".json": "json", ".jsonl": "json", ".parquet": "parquet", ".csv": "csv"}


class SourceError(ValueError):
    """A set that cannot be had: there is no such name, split or file, or no way to the hub."""


def find(name: str | Path, known: Iterable[str]) -> Path | str:
    """The file or folder of this name, else the name as a hub id if it can be one, else a SourceError with the known names."""
    path, parts = Path(name).expanduser(), str(name).split("/")
    if path.exists():
        return path
    is_local = isinstance(name, Path) or len(parts) != 2 or not all(parts) or parts[0] in (".", "..", "~")
    if is_local or path.suffix in (*BUILDERS, ".gz"):
        raise SourceError(
            f"there is no set, file or folder '{name}'; sets are {', '.join(known)}, and others on the "
            "hub by their OWNER/NAME"
        )
    return str(name)


def raw_rows(
    where: str, source: Path | str, split: str = "train", config: str | None = None, **options: Any
) -> Iterator[Row]:
    """The rows of one split as the source has them; `where` is what error messages call it.

    `options` (streaming, data_dir, revision) are those of `datasets.load_dataset`, for all but single files.
    """
    if Path(source).is_file():
        if split != "train":
            raise SourceError(
                f"{where} is one file, so it has no split '{split}'; leave split out, or give a folder"
            )
        return iter(read_rows(source))
    return _guarded(where, _dataset(where, split, str(source), config, **options))


def text_file_rows(path: Path) -> Iterator[Row]:
    """The rows of one file, read as they are asked for; every line of a .txt file is one."""
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind not in BUILDERS:
        raise SourceError(f"{path}: cannot read '{path.suffix}' files; use {', '.join(BUILDERS)}")
    return _guarded(
        str(path), _dataset(str(path), "train", BUILDERS[kind], data_files=str(path), streaming=True)
    )


# --- the datasets library -----------------------------------------------------------------------------------------


def _dataset(
    where: str, split: str, source: str, config: str | None = None, *, streaming: bool = True, **options: Any
):
    """`datasets.load_dataset`, with everything that can go wrong told in one line."""
    import datasets

    local = "data_files" in options or Path(source).is_dir()
    away = not local and (datasets.config.HF_HUB_OFFLINE or not hub_answers())
    try:
        # A set that was loaded before is on this machine; from there it is read whole.
        with _offline(datasets.config, away):
            return _opened(
                source, config, local, away, split=split, streaming=streaming and not away, **options
            )
    except Exception as error:
        raise SourceError(_explained(error, where, split, away)) from None


def _opened(
    source: str,
    config: str | None,
    local: bool,
    away: bool,
    *,
    streaming: bool,
    data_dir: str | None = None,
    revision: str | None = None,
    **options: Any,
):
    """The set, or the hub's own copy of it if the set is a script: scripts are code, which we do not run."""
    from datasets import load_dataset
    from huggingface_hub import snapshot_download

    if not data_dir:
        try:
            return load_dataset(source, config, revision=revision, streaming=streaming, **options)
        except (RuntimeError, ConnectionError) as error:
            if not away and "scripts are no longer supported" not in str(error):
                raise
        data_dir, revision = config or "default", EXPORT
    if not local and not streaming:
        # What `datasets` stores of one folder of a set it does not find again without the hub; the hub's own files it does.
        files = {"allow_patterns": f"{data_dir}/*", "ignore_patterns": "*.duckdb"}
        source = snapshot_download(
            source, repo_type="dataset", revision=revision, local_files_only=away, **files
        )
    return load_dataset(source, data_dir=data_dir, revision=revision, streaming=True, **options)


def _explained(error: Exception, where: str, split: str, away: bool) -> str:
    from datasets.exceptions import DatasetNotFoundError

    detail = _one_line(error)
    if isinstance(error, DatasetNotFoundError):
        return f"{where} is no file or folder here and no set on the hub, or needs a login: {detail}"
    if away and isinstance(error, (ConnectionError, FileNotFoundError)):
        return f"{where} is not on this machine, and {unreachable()}, or give a folder with the set's files"
    if detail.startswith(("Unknown split", "Bad split")):
        return f"{where} has no split '{split}': {detail}"
    return f"{where} cannot be loaded: {detail}"


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "..."


def _guarded(where: str, rows: Any) -> Iterator[Row]:
    """The rows, with a failure while they are read named by the last good one."""
    number = 0
    try:
        for row in rows:
            number += 1
            yield row
    except Exception as error:
        raise RecordError(f"{where}: cannot be read after row {number}: {_one_line(error)}") from None


@contextmanager
def _offline(config: Any, away: bool) -> Iterator[None]:
    """Keeps `datasets` from asking a hub that is not there, which takes it most of a minute to find out."""
    before = config.HF_HUB_OFFLINE
    config.HF_HUB_OFFLINE = before or away
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE = before
