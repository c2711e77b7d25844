"""What commands print: rich tables on a terminal, aligned text in pipes and files, remarks on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import zip_longest

from ..show.text import visible


def say(text: str = "") -> None:
    """A line of output."""
    print(clean(text), flush=True)


def note(text: str) -> None:
    """One line about what is going on, which stays out of the output."""
    print(clean(one_line(text)), file=sys.stderr, flush=True)


def one_line(message: object) -> str:
    return " ".join(str(message).split())


def clean(text: str) -> str:
    """Text that a terminal only shows: nothing in it can move the cursor, ring, recolor or reorder."""
    return visible(text.replace("\t", " "))


def speak_utf8() -> None:
    """Read and write UTF-8, whatever the locale says: JSON is nothing else."""
    for stream in (sys.stdin, sys.stdout):
        with suppress(AttributeError):
            stream.reconfigure(encoding="utf-8", errors="replace")


def print_json(record: object) -> None:
    """One line of JSON with letters as they are; what a terminal would obey or hide is escaped."""
    text = json.dumps(record, ensure_ascii=False)
    breaks = "\u2028\u2029"  # where some readers would begin another line
    print("".join(json.dumps(c)[1:-1] if visible(c) != c or c in breaks else c for c in text), flush=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Rows under the names of their columns; cells may have several lines and are never read as markup."""
    cells = [[clean(str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, cells, clean(title))
    else:
        heading = ["", clean(title)] if title else []
        print("\n".join([*heading, *_aligned([list(columns), *cells])]), flush=True)


def _rich_table(columns: Sequence[str], rows: list[list[str]], title: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    heading = Text(title, "bold") if title else None
    shown = Table(title=heading, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        shown.add_column(Text(name), overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    Console().print(shown)


def _aligned(rows: list[list[str]]) -> list[str]:
    lines = []
    for row in rows:
        lines += zip_longest(*(cell.split("\n") for cell in row), fillvalue="")
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return ["  ".join(line).rstrip() for line in padded]


class Board:
    """What runs at the moment: bars on a terminal, else a line when something begins and one when it ends.

    Call it again and again with {name: progress}: step, total (None: unknown) and metrics.
    """

    def __init__(self):
        self.bars = None
        self.began: dict[str, float] = {}
        self.tasks: dict[str, int] = {}

    def __enter__(self) -> Board:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            name, at = TextColumn("{task.description}"), TextColumn("{task.fields[at]}")
            columns = name, BarColumn(), at, TimeElapsedColumn()
            self.bars = Progress(*columns, console=Console(stderr=True), transient=True).__enter__()
        return self

    def __exit__(self, *error) -> None:
        if self.bars is not None:
            self.bars.__exit__(*error)

    def __call__(self, running: dict[str, dict]) -> None:
        for name in [name for name in self.began if name not in running]:
            if self.bars is not None:
                self.bars.remove_task(self.tasks.pop(name))
            note(f"{name}: built in {time.monotonic() - self.began.pop(name):.0f} s")
        for name, progress in running.items():
            if name not in self.began:
                self._begin(name)
            if self.bars is not None:
                at = _progress_text(progress)
                self.bars.update(self.tasks[name], completed=progress["step"], total=progress["total"], at=at)

    def _begin(self, name: str) -> None:
        self.began[name] = time.monotonic()
        if self.bars is None:
            note(f"{name}: building ...")
        else:
            self.tasks[name] = self.bars.add_task(name, total=None, at="")


def _progress_text(progress: dict) -> str:
    """Step, total and up to two metrics worth watching."""
    watched = ("loss", "loss/valid", "accuracy", "objective/score", "objective/kl")
    metrics = [f"{name} {progress[name]:.2f}" for name in watched if progress.get(name) is not None]
    step = [f"{progress['step']}/{progress['total'] or '?'}"] if progress["step"] else []
    return "  ".join(step + metrics[:2])
