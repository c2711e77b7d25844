"""Open the notebooks in JupyterLab, at the first of them.

Takes:    seconds; stays open until Ctrl-C, kill, or File > Shut Down.
Leaves:   what the notebooks build, in the run folder.
Example:  rlhf-lite lab
          rlhf-lite lab --no-browser --allow-root --ip 0.0.0.0
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable

from ..data.files import ROOT
from ..hardware.signals import handled
from .terminal import note

NOTEBOOKS, FIRST = ROOT / "notebooks", "00_start_here.ipynb"
NO_NEWS = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")


def options(option: Callable) -> None:
    option("--no-browser", action="store_true", help="only print the address")
    option("--port", type=int, metavar="N", help="the port to listen on")
    option("--ip", metavar="A", help="the address to listen on; in a container 0.0.0.0 (default localhost)")
    option("--allow-root", action="store_true", help="let root run it, as in a container")


def run(args: argparse.Namespace) -> int:
    import importlib.util
    import subprocess

    if importlib.util.find_spec("jupyterlab") is None:
        raise ValueError("JupyterLab is not installed; run: pip install -r requirements.txt")
    if not NOTEBOOKS.is_dir():
        raise ValueError(f"{NOTEBOOKS} is missing: the notebooks come with the repository only")
    if hasattr(os, "geteuid") and os.geteuid() == 0 and not args.allow_root:
        raise ValueError("JupyterLab gives whoever reaches it all that root may do; if so: lab --allow-root")
    command = [sys.executable, "-m", "jupyterlab", f"--LabApp.default_url=/lab/tree/{FIRST}", *NO_NEWS]
    command += [f"--{name}" for name in ("no-browser", "allow-root") if getattr(args, name.replace("-", "_"))]
    command += [f"--{name}={value}" for name in ("port", "ip") if (value := getattr(args, name))]
    note(f"Notebooks: {NOTEBOOKS}; the first is {FIRST}")
    with subprocess.Popen(command, cwd=NOTEBOOKS) as process:
        asked = []
        with handled(
            lambda *_: asked.append(process.terminate()), signal.SIGTERM
        ):  # it ends without a question
            while True:
                with contextlib.suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
                    code = process.wait(5)  # at Ctrl-C JupyterLab asks by itself
                    return 0 if asked else code  # a second signal may kill it at its very end
                if asked:
                    process.terminate()  # while it starts it may not have listened
