"""The InstructGPT paper in miniature, from a shell.

Start with `rlhf-lite chat` to talk to the models, `rlhf-lite lab` for the
notebooks, `rlhf-lite run` to build everything yourself. Results live in a run
folder: $RLHF_LITE_HOME, else runs/ beside the package. Only names of public sets
and models need a network. `python -m rlhf_lite` is the same as `rlhf-lite`.
"""

# Every command is the module of its name in this folder: its docstring is its help, `options` adds its
# options, `run` does it and returns the exit code (None: 0). Whatever is heavy is imported inside the
# functions that need it, so that --help answers at once. Docstrings of commands are shown, so they are at
# most 80 columns wide.

from __future__ import annotations

import argparse
import contextlib
import inspect
import os
import signal
import sys
import warnings
from collections.abc import Sequence

from ..hardware.signals import handled
from . import (
    bench,
    chat,
    classroom,
    experiment,
    export,
    lab,
    labels,
    real,
    run,
    scorecard,
    seeds,
    stages,
    world,
)
from .terminal import note, one_line

COMMANDS = {  # in the order of the help
    command.__name__.rpartition(".")[2]: command
    for command in (
        run,
        chat,
        lab,
        stages,
        seeds,
        scorecard,
        experiment,
        world,
        labels,
        real,
        export,
        classroom,
        bench,
    )
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0: all went well, 1: a check failed, 2: what the user can mend, 130: asked to stop."""
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # prompts may hold bytes that are no text, answers anything
            stream.reconfigure(errors="replace")
    with handled(_end, signal.SIGTERM):
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    try:
        args = parser().parse_args(argv)
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: note(f"note: {message}")
            return args.command(args) or 0
    except SystemExit as end:
        return end.code or 0
    except KeyboardInterrupt as stop:
        note(f"Stopped. {stop}")
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, ImportError, ArithmeticError) as error:
        if os.environ.get("RLHF_LITE_TRACEBACK"):
            raise
        note(f"rlhf-lite: error: {_explained(error)}")
        return 2


def _end(number, frame) -> None:
    """`kill`, Slurm and `docker stop` end a command as Ctrl-C does; asking again changes nothing."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt("What is finished is kept; the same command goes on from there.")


def _explained(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"a package is missing ({error}); run: pip install -r requirements.txt"
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return one_line(error)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def __init__(self, **options):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str):
        self.exit(2, f"{self.prog}: error: {one_line(message)} (see {self.prog} --help)\n")


def parser() -> Parser:
    """All commands with their options."""
    top = Parser(prog="rlhf-lite", description=inspect.cleandoc(__doc__))
    top.set_defaults(command=lambda args: top.print_help())
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        text = inspect.cleandoc(command.__doc__)
        part = commands.add_parser(name, help=text.partition("\n")[0].rstrip("."), description=text)
        part.set_defaults(command=command.run)
        command.options(part.add_argument)
    return top
