"""Open the notebooks in JupyterLab.

Takes:    seconds; stays open until Ctrl-C, or File > Shut Down.
Leaves:   what the notebooks build, in the run folder.
Example:  rlhf-lite lab
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable

from ..data.files import ROOT

NOTEBOOKS = ROOT / "notebooks"


def options(option: Callable) -> None:
    option("--no-browser", action="store_true", help="only print the address")
    option("--port", type=int, metavar="N", help="the port to listen on")


def run(args: argparse.Namespace) -> int:
    import importlib.util
    import subprocess

    if importlib.util.find_spec("jupyterlab") is None:
        raise ValueError("JupyterLab is not installed; run: pip install -r requirements.txt")
    if not NOTEBOOKS.is_dir():
        raise ValueError(f"{NOTEBOOKS} is missing: the notebooks come with the repository only")
    command = [sys.executable, "-m", "jupyterlab"]
    if args.no_browser:
        command.append("--no-browser")
    if args.port:
        command.append(f"--port={args.port}")
    with subprocess.Popen(command, cwd=NOTEBOOKS) as process:
        while True:
            with contextlib.suppress(KeyboardInterrupt):  # JupyterLab got it too, asks whether it is meant
                return process.wait()
