"""An exercise as a cell shows it: its task, what is said to an answer, a hint and a solution in a fold."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import import_module

from ..source import show_source
from ..text import Html, escape, inert
from .grading import Grade, grade
from .task import Task

# Modules that hold tasks, and the notebooks in the order in which they are read.
ROOMS = (
    "counting",
    "language",
    "rankings",
    "reinforcement",
    "pretraining",
    "budgets",
    "arithmetic",
    "findings",
)
NOTEBOOKS = ("00", "01", "A1", "02", "03", "04", "05", "06", "07", "08", "09")
_FRAME = "border:1px solid #8a8a8a;border-left-width:5px;border-radius:4px;padding:6px 10px;margin:4px 0"


def tasks() -> dict[str, Task]:
    """Every task by its name, in the order of the notebooks."""
    rooms = (import_module(f"{__package__}.{room}") for room in ROOMS)
    found = sorted((t for room in rooms for t in room.TASKS), key=lambda task: NOTEBOOKS.index(task.notebook))
    return {task.name: task for task in found}


def names() -> list[str]:
    return list(tasks())


class Exercise(Html):
    """name: which; an unknown one is refused with those there are."""

    def __init__(self, name: str):
        known = tasks()
        if name not in known:
            raise ValueError(f"there is no exercise {name!r}; there are: {', '.join(known)}")
        self.task = known[name]
        head = f"{name}, {self.task.minutes} minutes"
        parts = [_bold(head), _marked(self.task.text), inert(self.start(), "font-family:monospace")]
        super().__init__(_framed(*parts), f"{head}\n{self.task.text}\n{self.start()}")

    def start(self) -> str:
        """What the cell to fill begins with."""
        signature = str(inspect.signature(self.task.solution)).replace("'", "")  # annotations are texts
        return f"def my_{self.task.name}{signature}:\n    ..."

    def check(self, function: Callable) -> Verdict:
        """Call it once for each hidden case, and say what is to be said."""
        if not callable(function):
            raise TypeError(f"check takes the function itself, not its result: check(my_{self.task.name})")
        return Verdict(self.task, grade(self.task, function))

    def hint(self) -> Fold:
        return Fold("Hint", _marked(self.task.hint), self.task.hint)

    def solution(self) -> Fold:
        """One way to write it, in a fold. Without HTML: print(exercise.solution().inside)."""
        source = show_source(self.task.solution).plain
        return Fold("Solution", inert(source, "font-family:monospace"), source)


class Verdict(Html):
    """What is said about a function. `passed`; `mistake`: the typical one that it holds, by name, or ""."""

    def __init__(self, task: Task, found: Grade):
        self.passed, self.missing = found.passed, found.missing
        self.mistake = found.mistake.name if found.mistake else ""
        said = _said(task, found)
        super().__init__(_framed(_bold(said[0]), *map(inert, said[1:])), "\n".join(said))

    def require(self) -> None:
        """AssertionError unless it is right: what a grader runs."""
        if not self.passed:
            raise AssertionError(self.plain)


def _said(task: Task, found: Grade) -> list[str]:
    if found.passed:
        return [f"{task.name}: right", f"All {len(task.cases)} cases{_and_gradients(task)}."]
    if found.missing:
        return [f"{task.name}: not yet written", "Fill the function in and run the cell again."]
    if found.mistake:
        return [f"{task.name}: {found.mistake.name}", found.mistake.says, found.says]
    laws = [law.says for law in found.broken]
    return [f"{task.name}: not yet right", found.says, *laws, f"Hint: {task.hint}"]


def _and_gradients(task: Task) -> str:
    return ", with their gradients" if task.learns else ""


class Fold(Html):
    """Something that is only seen if it is opened; `inside` is its text."""

    def __init__(self, title: str, html: str, inside: str):
        super().__init__(
            f'<details style="margin:4px 0"><summary>{escape(title)}</summary>{html}</details>',
            f"{title}: folded; print(_.inside) shows it",
        )
        self.inside = inside


def _marked(text: str) -> str:
    """A text of ours, in which `code` and *words that count* are marked as in Markdown."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", inert(text))
    return re.sub(r"\*(\S(?:[^*]*\S)?)\*", r"<em>\1</em>", html)


def _bold(text: str) -> str:
    return inert(text, "font-weight:bold")


def _framed(*parts: str) -> str:
    return f'<div style="{_FRAME}">{"".join(parts)}</div>'
