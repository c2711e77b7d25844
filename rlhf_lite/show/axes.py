"""What all figures share: panels, intervals, the paper's values, log axes, and the alt text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import LogFormatter

from .style import Plot


class Interval(NamedTuple):
    """A value and its 95 % interval (equal to it where none is known)."""

    mean: float
    low: float
    high: float


def as_interval(value) -> Interval:
    """From a Mean, a dict or tuple of mean, low and high, or a number."""
    if isinstance(value, Mapping):
        return Interval(*(float(value[k]) for k in Interval._fields))
    if hasattr(value, "mean") and hasattr(value, "low"):
        return Interval(value.mean, value.low, value.high)
    if isinstance(value, tuple):
        if len(value) != 3:
            raise ValueError(f"an interval is (mean, low, high), but got {value!r}")
        return Interval(*map(float, value))
    return Interval(*[float(value)] * 3)


def panels(n: int, columns: int, title: str, width: float | None = None, height: float | None = None):
    """A figure with n panels, its axes as a flat list."""
    wide = min(n, columns)
    tall = -(-n // wide)
    plot = Plot(width or (5.4 if wide == 1 else min(9.4, 3.2 * wide)), height or 2.6 * tall + 0.3)
    axes = plot.subplots(tall, wide, squeeze=False).ravel()
    plot.axes_size = plot.get_size_inches()
    for spare in axes[n:]:
        spare.set_visible(False)
    if title:
        plot.suptitle(title, fontsize=10.5)
    return plot, list(axes[:n])


def emptied(plot: Plot | None, n: int, title: str) -> tuple[Plot, list] | None:
    """A figure of n panels that nobody looks at any more, to draw on anew: empty axes are most of the work.
    None if it has another form."""
    if plot is None or plot.axes_size is None or sum(ax.get_visible() for ax in plot.axes) != n:
        return None
    for ax in plot.axes[:n]:
        for artist in (*ax.lines, *ax.patches, *ax.collections, *ax.texts):
            artist.remove()
        ax.relim()
        ax.autoscale()
    plot.legends.clear()
    plot.set_size_inches(plot.axes_size)
    if title:
        plot.suptitle(title, fontsize=10.5)
    return plot, plot.axes[:n]


def legend(plot: Plot, handles: Sequence = ()) -> None:
    """One legend for the whole figure, below it, where it covers nothing: every label once."""
    found = {handle.get_label(): handle for handle in handles}
    for ax in () if handles else plot.axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    if not found:
        return
    width, height = plot.get_size_inches()
    columns = next((n for n in range(len(found), 1, -1) if _inches(found, n) <= width), 1)
    plot.set_size_inches(width, height + 0.05 + 0.19 * -(-len(found) // columns))
    plot.legend(found.values(), found.keys(), loc="outside lower center", ncols=columns)


def _inches(names: Iterable[str], columns: int) -> float:
    """How wide a legend in so many columns is, about; a long name widens its own column only."""
    return sum(0.45 + 0.072 * max(map(len, part)) for part in np.array_split(list(names), columns))


def log_axes(ax, x: bool = False, y: bool = False) -> None:
    """Logarithmic axes with plain numbers at the ticks."""
    for axis, scale, wanted in ((ax.xaxis, ax.set_xscale, x), (ax.yaxis, ax.set_yscale, y)):
        if wanted:
            scale("log")
            axis.set_major_formatter(_PlainNumbers(labelOnlyBase=False))
            axis.set_minor_formatter(_PlainNumbers(labelOnlyBase=False))


class _PlainNumbers(LogFormatter):
    """0.05 where matplotlib would write 5e-02; it still decides which ticks are named."""

    def __call__(self, x, pos=None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def errors(values: Sequence[Interval]) -> list[list[float]] | None:
    """(2, n) distances for matplotlib, None if no value has an interval."""
    if all(v.low == v.high for v in values):
        return None
    return [[max(0.0, v.mean - v.low) for v in values], [max(0.0, v.high - v.mean) for v in values]]


def paper_value(paper, source: str = "") -> tuple:
    """(value, source) of a Fact, a pair (value, source), or a bare value."""
    if hasattr(paper, "value") and hasattr(paper, "source"):
        return paper.value, source or paper.source + (", read off the plot" if paper.read_off_plot else "")
    if isinstance(paper, tuple) and len(paper) == 2 and isinstance(paper[1], str):
        return paper
    return paper, source


def paper_label(source: str) -> str:
    return f"paper, {source}" if source else "paper"


def is_series(x) -> bool:
    return isinstance(x, (list, np.ndarray)) or (hasattr(x, "ndim") and x.ndim > 0)


def as_array(values) -> np.ndarray:
    """Numbers of a list, an array or a tensor (on any device): (n,)."""
    if hasattr(values, "detach"):
        values = values.detach().float().cpu()
    return np.asarray(values, float).ravel()


def sentence(kind: str, title: str, what: str, said: Sequence[str], paper=None, source: str = "") -> str:
    """The alt text: what it is, what it shows, and the numbers that carry it."""
    start = " ".join([kind, *([what] if what else [])]) + (f": {title}" if title else "")
    more = f" In grey the paper's values{f' ({source})' if source else ''}." if paper else ""
    return f"{start}. {'; '.join(said)}.{more}"
