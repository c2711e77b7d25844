"""A board of curves that grows while a model trains.

    with LiveBoard(("objective/score", "objective/kl"), total=cfg.iterations) as board:
        train_ppo(..., loop={"control": board})
    board                                       # nothing new appears: the last picture is the cell's output

It is what `Loop` calls a control: `report(step, **metrics)` and `stopped`. It says at every step how far the
run is, draws light pictures up to four times a second, never spends more than a tenth of the time on them,
and works without a notebook, where it only keeps the history.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from statistics import median_low

from .sketch import sketch
from .style import Plot
from .text import Html, inert
from .traces import curves
from .verdicts import stopped_run

SHARE = 12  # a drawing waits for as many times what the last ones took: with the lines, a tenth of the time
TELL_EVERY = 0.1  # seconds: the least time between two lines that say how far a run is


class LiveBoard:
    """Curves of `ys` over steps.

    ys: metrics to draw (default: the first six reported). total: steps to come, for the time left. every:
    least seconds between two drawings. Further options go to `curves` (titles, expected, paper, smooth, ...).
    """

    def __init__(
        self, ys: Sequence[str] | str = (), total: int | None = None, every: float = 0.25, **options
    ):
        self.ys = (ys,) if isinstance(ys, str) else tuple(ys)
        self.total, self.every, self.options = total, every, options
        self.rows: list[dict] = []
        self.drawn = 0  # how often it has drawn
        self._stop = threading.Event()
        self._handle, self._started = None, time.monotonic()
        self._costs: deque[float] = deque([0.0], maxlen=5)  # seconds of the last drawings
        self._last = self._told = float("-inf")  # when it drew, and when it said how far the run is
        self._final: Plot | None = None
        self._sketch, self._spare = "", None

    # -- what a training loop sees ---------------------------------------------------------------------------

    @property
    def stopped(self) -> bool:
        """Whether somebody asked the run to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the run to stop after its current step; any thread may."""
        self._stop.set()

    def report(self, step: int, **metrics: float) -> None:
        """One finished step. A step that is not after the last one begins a new run, with a clean board."""
        if not self.rows or step <= self.rows[-1]["step"]:
            self.rows, self._started, self._last = [], time.monotonic(), float("-inf")
        self.rows.append({"step": step, **metrics})
        self._final, now = None, time.monotonic()
        if self.total is not None and step + 1 >= self.total:
            self.close()
        elif now - self._last >= max(self.every, SHARE * median_low(self._costs)):
            self._draw(self.remaining())
        elif now - self._told >= TELL_EVERY:
            self._told = now
            self._tell(self.remaining())

    # -- what a person sees ----------------------------------------------------------------------------------

    @property
    def history(self) -> dict[str, list[float]]:
        """Everything reported, by metric."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return {name: [row[name] for row in self.rows if name in row] for name in names}

    def remaining(self) -> str:
        """'step 12 of 120, about 1 min 5 s left'; without a total only the step."""
        done = self.rows[-1]["step"] + 1 if self.rows else 0
        if not self.total or len(self.rows) < 2:
            return f"step {done}" + (f" of {self.total}" if self.total else "")
        pace = (time.monotonic() - self._started) / (
            len(self.rows) - 1
        )  # the clock starts at the end of the first step
        return f"step {done} of {self.total}, about {duration(pace * (self.total - done))} left"

    def figure(self, onto: Plot | None = None) -> Plot:
        """The curves so far; see `curves` for `onto`."""
        metrics = dict.fromkeys(name for row in self.rows for name in row if name != "step")
        ys = [y for y in (self.ys or list(metrics)[:6]) if y in metrics]
        if not ys:
            return Plot(5.4, 0.6, alt="No curves yet.")
        title = " — ".join(filter(None, (self.options.get("title", ""), stopped_run(self))))
        return curves(self.rows, ys=ys, **{**self.options, "title": title}, onto=onto)

    def close(self) -> None:
        """Draw the last picture, which stays. It shows no times, so that equal runs leave equal pictures."""
        if self.rows and self._final is None:
            self._draw()

    def _draw(self, status: str = "") -> None:
        begin = time.thread_time()  # of this thread alone: what others do meanwhile is no cost of drawing
        self.drawn += 1
        self._picture(status)
        self._last = self._told = time.monotonic()
        if self.drawn > 1:  # the first reads fonts
            self._costs.append(time.thread_time() - begin)

    def _picture(self, status: str) -> None:
        """Make the picture and put it where it belongs; without a status it is the last one."""
        if not status:
            self._final = self.figure()
        if _in_notebook():
            if status:
                self._spare = self.figure(onto=self._spare)
                self._sketch = sketch(self._spare)
            self._tell(status)

    def _tell(self, status: str) -> None:
        """How far the run is, above the picture; nothing above the last one."""
        if _in_notebook():
            self._show(Html(f"{inert(status)}{self._sketch}", status) if status else self._final)

    def _show(self, shown: Plot | Html) -> None:
        if self._handle is None:
            from IPython.display import display

            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)

    def __enter__(self) -> LiveBoard:
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def _ipython_display_(self) -> None:
        """As the last line of a cell: finish the picture that is already there, or show it if none is."""
        shown_before = self._handle is not None
        self.close()
        if not shown_before and self._handle is None:
            from IPython.display import display

            display(self._final or self.figure())

    def _repr_html_(self) -> str:
        return (self._final or self.figure()).html()

    def __repr__(self) -> str:
        return (
            f"LiveBoard({len(self.rows)} steps: {', '.join(name for name in self.history if name != 'step')})"
        )


def duration(seconds: float) -> str:
    """'40 s', '1 min 5 s', '2 h 3 min'."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    return (
        f"{seconds // 60} min {seconds % 60} s"
        if seconds < 3600
        else f"{seconds // 3600} h {seconds // 60 % 60} min"
    )


def _in_notebook() -> bool:
    """A Jupyter kernel is running us: pictures can be shown and replaced."""
    import sys

    if "ipykernel" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and getattr(shell, "kernel", None) is not None
