"""The hub: whether it is there, asked before anything is fetched, and the rows of what it holds.

Its own client takes most of a minute to find out that there is no hub.
"""

import os
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .records import RecordError, Row, SourceError

Source = str | os.PathLike  # a folder, or a name on the hub
PATIENCE = 1.5  # seconds to wait for the hub before saying that it cannot be reached
EXPORT = "refs/convert/parquet"  # where the hub keeps its own Parquet copy of a set that is a script


def endpoint() -> str:
    """The hub's address."""
    from huggingface_hub import constants

    return constants.ENDPOINT


def unreachable() -> str:
    """What to say where the hub does not answer; what to do instead comes after it."""
    return f"the hub at {endpoint()} cannot be reached; go online"


def hub_answers() -> bool:
    """Whether a connection to the hub, or to the proxy before it, opens within PATIENCE."""
    url = urlsplit(endpoint())
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if proxy and not urllib.request.proxy_bypass(url.hostname or ""):
        url = urlsplit(proxy if "://" in proxy else f"//{proxy}")
    place = (url.hostname, url.port or (80 if url.scheme == "http" else 443))
    opened = threading.Event()

    def connect() -> None:
        with suppress(OSError):  # not there: `opened` stays unset
            socket.create_connection(place, PATIENCE).close()
            opened.set()

    # In a thread, because looking up a name has no timeout of its own.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return opened.is_set()


def pretrained_source(path: Source) -> dict:
    """Arguments for `from_pretrained`: a folder never asks the network, a missing one is an error at once,
    and so is a hub name that is neither stored here nor to be had. No model brings code of its own."""
    from huggingface_hub import constants, try_to_load_from_cache

    name = os.path.expanduser(path)
    found = {"pretrained_model_name_or_path": name, "trust_remote_code": False}
    if Path(name).is_dir():
        return found | {"local_files_only": True}
    foreign = set(name) & set("\\:~")  # of a path on Windows, or in somebody's home
    if not isinstance(path, str) or name.startswith((".", os.sep)) or name.count("/") > 1 or foreign:
        raise FileNotFoundError(f"no folder {name!r}; give an existing one, or a hub name like 'gpt2'")
    if away := constants.HF_HUB_OFFLINE or not hub_answers():
        stored = (
            try_to_load_from_cache(name, file) for file in ("config.json", "tokenizer.json", "vocab.json")
        )
        if not any(isinstance(file, str) for file in stored):
            raise FileNotFoundError(
                f"{name!r} is no folder and not stored on this machine, and {unreachable()}, or give a folder"
            )
    return found | {"local_files_only": away}


def dataset_rows(
    where: str, source: str | Path, split: str, streaming: bool = True, **part: Any
) -> Iterator[Row]:
    """The rows of one split of a folder or of a set on the hub; `where` is what error messages call it.

    `part` (name, data_dir, revision) says which part of it, as for `datasets.load_dataset`.
    """
    import datasets

    offline = datasets.config.HF_HUB_OFFLINE
    away = not Path(source).is_dir() and (offline or not hub_answers())
    datasets.config.HF_HUB_OFFLINE = offline or away  # or it would ask a hub that is not there
    try:
        # A set that was loaded before is on this machine; from there it is read whole.
        rows = _opened(str(source), split, streaming and not away, away, part)
    except Exception as error:
        raise SourceError(_explained(error, where, split, away)) from None
    finally:
        datasets.config.HF_HUB_OFFLINE = offline
    return _read(where, rows)


def _opened(source: str, split: str, streaming: bool, away: bool, part: dict[str, Any]) -> Any:
    """The set, or the hub's own copy of it if the set is a script: scripts are code, which we do not run."""
    from datasets import load_dataset, load_from_disk
    from huggingface_hub import snapshot_download

    if (
        Path(source) / "state.json"
    ).is_file() and split == "train":  # what `save_to_disk` wrote has no splits
        return load_from_disk(source)
    if not part.get("data_dir"):
        try:
            return load_dataset(source, split=split, streaming=streaming, **part)
        except (RuntimeError, ConnectionError) as error:
            if not away and "scripts are no longer supported" not in str(error):
                raise
        part = {"data_dir": part.get("name") or "default", "revision": EXPORT}
    if not streaming and not Path(source).is_dir():
        # What `datasets` stores of one folder of a set it does not find again without the hub; the hub's own
        # files it does.
        files = {"allow_patterns": f"{part['data_dir']}/*", "ignore_patterns": "*.duckdb"}
        where = {"repo_type": "dataset", "revision": part.get("revision"), "local_files_only": away}
        source = snapshot_download(source, **where, **files)
    return load_dataset(source, split=split, streaming=True, **part)


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


def _read(where: str, rows: Any) -> Iterator[Row]:
    """The rows, with a failure while they are read named by the last good one."""
    number = 0
    try:
        for number, row in enumerate(rows, 1):  # noqa: B007 - told where it breaks off
            yield row
    except Exception as error:
        raise RecordError(f"{where}: cannot be read after row {number}: {_one_line(error)}") from None
