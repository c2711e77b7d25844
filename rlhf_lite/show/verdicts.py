"""Verdicts on results; what rests on a training that somebody stopped is none, and says so.

■ in a notebook (or Ctrl-C) ends a training after its step, and the cells below go on with what there is. So
every cell is followed: names that a stopped training left are remembered, with all that is computed from
them, until the training runs to its end. A cell that reads such a name says at its end what it rests on, and
`expect` does not judge there.
"""

from __future__ import annotations

import ast
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType

from ..config import Config
from ..hardware.environment import fast_mode
from .text import OUTSIDE, Html, inert, number

_NO_RESULTS = (str, type, FunctionType, ModuleType, Config)  # what no training changes
_interrupted: list[Callable[[], None]] = []  # what else is to end when somebody presses ■


def expect(name: str, value: float, band: tuple[float, float], paper=None, digits: int = 3) -> Html:
    """One result beside the band it should fall into and the paper's value; not judged in fast mode, nor
    where a training that it rests on was stopped."""
    (low, high), stopped = band, rests_on()
    if stopped:
        mark, verdict, colour = "·", f"not judged: {stopped}", "#D55E00"
    elif low <= value <= high:
        mark, verdict, colour = "✓", "as expected", "#bbb"
    elif fast_mode():
        mark, verdict, colour = "·", "fast mode, not judged", "#bbb"
    else:
        mark, verdict, colour = "✗", OUTSIDE, "#D55E00"
    expected = f"expected {number(low, digits)} to {number(high, digits)}: {verdict}"
    line = f"{mark} {name}: {number(value, digits)} ({expected})"
    if paper is not None:
        line += f"; the paper: {paper}"
    return Html(f'<div style="border-left:5px solid {colour};padding:2px 10px">{inert(line)}</div>', line)


def stopped_run(control) -> str:
    """'stopped after 3 of 10 steps' if that befell the last run that reported to `control`."""
    found = [run for run in _stopped() if run["control"] is control]
    return _words(found[-1]) if found and found[-1]["step"] == len(control.rows) else ""


def rests_on() -> str:
    """What the cell that is running rests on, if that is a stopped training: 'ppo, stopped after ...'."""
    return _cells.why() if _cells else ""


def _words(run: dict) -> str:
    return f"stopped after {run['step']} of {run['total']} steps"


def follow() -> None:
    """From now on follow the cells of this notebook, if it is one."""
    global _cells
    from IPython import get_ipython

    if _cells is None and (shell := get_ipython()) is not None:
        _cells = Cells(shell)
        shell.events.register("pre_run_cell", _cells.begin)
        shell.events.register("post_run_cell", _cells.end)


def end_with_interrupts(end: Callable[[], None]) -> None:
    """Have `end` called when somebody interrupts the kernel: also while no cell runs, when it heeds no ■."""
    if end in _interrupted:
        return
    _interrupted.append(end)
    if _cells and (loop := getattr(getattr(_cells.shell, "kernel", None), "io_loop", None)):
        loop.add_callback(_heed_interrupts)  # in the main thread, between two cells


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, lambda number, frame: _end_all())


def _end_all() -> None:
    for end in _interrupted:
        end()


def _stopped() -> list:
    """All trainings that were stopped in this process; where nothing was trained, no torch is asked for."""
    loop = sys.modules.get("rlhf_lite.train.loop")
    return loop.STOPPED if loop else []


class Cells:
    """Which variables of a notebook rest on a stopped training: {name: why}."""

    def __init__(self, shell):
        self.shell, self.names = shell, {}
        self.reads, self.writes, self.before = set(), set(), len(_stopped())

    def begin(self, info) -> None:
        self.reads, self.writes = _names(info.raw_cell)
        self.before = len(_stopped())

    def why(self) -> str:
        """What the cell that is running rests on."""
        found = [f"{run['name']}, {_words(run)}" for run in self._new()]
        found += [self.names[name] for name in sorted(self.reads) if name in self.names]
        for name in sorted(self.reads):  # a panel, of which the person who looks at it stopped the run
            control = getattr(self.shell.user_ns.get(name), "__dict__", {}).get("control")
            found += filter(None, [control is not None and stopped_run(control)])
        return "; ".join(dict.fromkeys(found))

    def _new(self) -> list[dict]:
        """What was stopped in this cell, and not in the thread of a panel meanwhile."""
        return [run for run in _stopped()[self.before :] if run["thread"] == threading.main_thread().ident]

    def end(self, result) -> None:
        """Remember what the cell left, and say what it rests on."""
        why, new = self.why(), self._new()
        for name in self.writes:
            if why and not isinstance(self.shell.user_ns.get(name), _NO_RESULTS):
                self.names[name] = why
            else:
                self.names.pop(name, None)
        trained = {thing for run in new for thing in run["trained"]}
        self.names |= {name: why for name, thing in self.shell.user_ns.items() if id(thing) in trained}
        if why:
            from IPython.display import display

            display(notice(f"This rests on a training that was stopped and is no result: {why}."))
        if new or isinstance(result.error_in_exec, KeyboardInterrupt):
            _end_all()


_cells: Cells | None = None


def notice(words: str) -> Html:
    """A line that is not to be overlooked."""
    return Html(f'<div style="border-left:5px solid #D55E00;padding:2px 10px">{inert(words)}</div>', words)


def _names(source: str) -> tuple[set[str], set[str]]:
    """Names that a cell reads before it sets them, and names that it sets."""
    reads, writes = set(), set()
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # a magic
        return reads, writes
    for statement in statements:
        reads |= {node.id for node in _of(statement, ast.Load)} - writes
        writes |= {node.id for node in _of(statement, ast.Store)}
    return reads, writes


def _of(statement: ast.stmt, context: type) -> Iterator[ast.Name]:
    """The names that a statement reads (ast.Load) or sets (ast.Store); what a function sets is its own."""
    if context is ast.Store and isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield ast.Name(statement.name)
        return
    for node in ast.walk(statement):
        if not isinstance(getattr(node, "ctx", None), context):
            continue
        while context is ast.Store and isinstance(node, ast.Subscript | ast.Attribute):
            node = node.value  # runs["a"] = ... sets something of `runs`
        if isinstance(node, ast.Name):
            yield node
