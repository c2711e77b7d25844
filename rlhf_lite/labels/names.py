"""What a labeler is called: asked once, then remembered. Two people of one name would count as one."""

import contextlib
import os
from pathlib import Path

FILE = "labeler.txt"


def known_name(folder: Path) -> str:
    """The user's name on a JupyterHub, or else the one remembered in the folder; "" if there is none."""
    file, hub = folder / FILE, os.environ.get("JUPYTERHUB_USER", "").strip()
    return hub or (file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else "")


def remember_name(folder: Path, name: str) -> None:
    """Where nothing can be written the name is asked for again."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(f"{name}\n", encoding="utf-8")
