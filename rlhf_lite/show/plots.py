"""The figures of the notebooks. Each function returns a `Plot`: end a cell with it.

Ours are coloured lines, bars or points with intervals; the paper's values are grey and carry their source. A value with
an interval is a `Mean`, a dict or a tuple (mean, low, high), or a plain number; the paper's are a `Fact` or
(value, source). Every figure describes itself in its alt text; `alt` replaces that description.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import LogFormatter

from .style import GREY, Plot, colour, label, styled
from .text import number


class Interval(NamedTuple):
    """A value and its 95 % interval (equal to it where none is known)."""

    mean: float
    low: float
    high: float


def interval(value) -> Interval:
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


# --- curves -----------------------------------------------------------------------------------------------------------


@styled
def curves(traces, x: str = "step", ys: Sequence[str] | str = ("loss",), *, paper: Mapping | None = None,
           expected: Mapping | None = None, smooth: int = 1, titles: Mapping[str, str] | None = None, title: str = "",
           logx: bool = False, logy: bool = False, columns: int = 3, alt: str = "") -> Plot:  # fmt: skip
    """Training curves, one panel per metric.

    traces: one run, or {label: run or list of runs}; a run is a trace (list of dicts), a history (dict of lists) or a
    Loop. Several runs (seeds) are drawn as their mean within a band from lowest to highest. paper: {metric: Fact or
    (value, source)} as a grey line; expected: {metric: (low, high)} as a grey band; smooth: running mean over n steps.
    """
    named, ys = _named_runs(traces), [ys] if isinstance(ys, str) else list(ys)
    plot, axes = _panels(len(ys), columns, title)
    said = []
    for ax, y in zip(axes, ys, strict=True):
        for i, (name, runs) in enumerate(named.items()):
            xs, values = _together([_series(run, x, y) for run in runs], smooth)
            if not len(xs):
                continue
            said.append(_curve(ax, xs, values, name, colour(name, i), y))
        _beside_curves(ax, (expected or {}).get(y), (paper or {}).get(y))
        ax.set(xlabel=x, title=(titles or {}).get(y, y))
        _log_axes(ax, logx, logy)
    if not said:
        raise ValueError(f"no run has values for {' or '.join(ys)} over {x}; it has: {', '.join(_metrics(named))}")
    _legend(axes[0], always=len(named) > 1)
    plot.alt = alt or _sentence("Line chart", title, f"over {x}", said, paper)
    return plot


def _curve(ax, xs: np.ndarray, values: np.ndarray, name: str, ink: str, y: str) -> str:
    """Draw values (runs, points) as mean and range; say it in words."""
    mean = values.mean(0)
    ax.plot(xs, mean, color=ink, label=label(name) or None, marker="o" if len(xs) < 20 else "", markersize=3)
    if len(values) > 1:
        ax.fill_between(xs, values.min(0), values.max(0), color=ink, alpha=0.18, linewidth=0)
    runs = f" ({len(values)} runs)" if len(values) > 1 else ""
    return f"{label(name) + ' ' if name else ''}{y} from {number(mean[0])} to {number(mean[-1])}{runs}"


def _beside_curves(ax, band, fact) -> None:
    if band is not None:
        ax.axhspan(*band, color=GREY, alpha=0.15, linewidth=0, label="expected")
    if fact is not None:
        value, source = _fact(fact)
        ax.axhline(value, color=GREY, linestyle="--", label=_paper_label(source))
    if band is not None or fact is not None:
        _legend(ax)


def _named_runs(traces) -> dict[str, list]:
    if isinstance(traces, Mapping) and not _is_history(traces):
        return {name: _runs(thing) for name, thing in traces.items()}
    return {"": _runs(traces)}


def _is_history(thing: Mapping) -> bool:
    """{metric: numbers}, not {label: run}."""
    columns = (v for v in thing.values())
    return all(isinstance(v, (list, tuple, np.ndarray)) and not (len(v) and isinstance(v[0], (Mapping, list))) for v in columns)


def _runs(thing) -> list:
    """One run or several -> list of runs, each a list of dicts or a dict of lists."""
    if hasattr(thing, "rows"):  # a Loop
        return [thing.rows]
    if isinstance(thing, Mapping):
        return [thing]
    thing = list(thing)
    one = not thing or (isinstance(thing[0], Mapping) and not _is_history(thing[0]))
    return [thing] if one else [run for several in thing for run in _runs(several)]


def _series(run, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """(x, y) of one run, without steps where y was not logged (or was not a number)."""
    if isinstance(run, Mapping):
        ys = list(run.get(y, ()))
        xs = list(run.get(x, range(len(ys))))
        if len(xs) != len(ys) and ys:  # logged every so often: the last value belongs to the last step
            xs = [xs[round((i + 1) * len(xs) / len(ys)) - 1] for i in range(len(ys))]
        pairs = list(zip(xs, ys, strict=False))
    else:
        pairs = [(row.get(x, i), row[y]) for i, row in enumerate(run) if y in row]
    kept = [(a, b) for a, b in pairs if a is not None and b is not None and np.isfinite(b)]
    return np.array([a for a, _ in kept], float), np.array([b for _, b in kept], float)


def _together(series: list[tuple[np.ndarray, np.ndarray]], smooth: int) -> tuple[np.ndarray, np.ndarray]:
    """Runs on common x (n,), values (runs, n); x of the first run, as far as all runs go."""
    series = [(xs, _smoothed(ys, smooth)) for xs, ys in series if len(xs)]
    if not series:
        return np.zeros(0), np.zeros((0, 0))
    first = series[0][0]
    xs = first[(first >= max(s[0][0] for s in series)) & (first <= min(s[0][-1] for s in series))]
    return xs, np.stack([np.interp(xs, *s) for s in series])


def _smoothed(ys: np.ndarray, n: int) -> np.ndarray:
    """Mean over the last n values, over fewer at the beginning."""
    total = np.cumsum(np.concatenate([[0.0], ys]))
    start = np.maximum(np.arange(len(ys)) - n + 1, 0)
    return (total[1:] - total[start]) / (np.arange(len(ys)) + 1 - start) if n > 1 else ys


def _metrics(named: dict[str, list]) -> list[str]:
    return sorted({key for runs in named.values() for run in runs
                   for key in (run if isinstance(run, Mapping) else [k for row in run for k in row])})  # fmt: skip


@styled
def lines(series: Mapping, *, paper: Mapping | None = None, source: str = "", xlabel: str = "", ylabel: str = "",
          title: str = "", logx: bool = False, level: Mapping | None = None, alt: str = "") -> Plot:  # fmt: skip
    """Measured points joined by lines, e.g. a sweep or model sizes: {label: (xs, values)}, with intervals or not.

    paper: the same in grey, on the same axes (give our xs, e.g. sizes 'S', 'M', 'L'); level: {label: y}, flat lines.
    """
    plot, (ax,) = _panels(1, 1, title)
    said = []
    for i, (name, (xs, values)) in enumerate(series.items()):
        found = [interval(v) for v in values]
        style = dict(color=colour(name, i), label=label(name), marker="o", markersize=4)
        ax.errorbar(list(xs), [v.mean for v in found], yerr=_errors(found), **style)
        said.append(f"{label(name)}: {', '.join(f'{number(v.mean)} at {number(a)}' for a, v in zip(xs, found, strict=True))}")
    for k, (name, (xs, values)) in enumerate((paper or {}).items()):
        style = dict(color=GREY, linestyle=("--", ":", "-.")[k % 3], marker="s", markersize=3)
        ax.plot(list(xs), list(values), label=f"{label(name)}, {source or 'paper'}", **style)
    for i, (name, value) in enumerate((level or {}).items()):
        ax.axhline(value, color=colour(name, i + len(series)), linestyle=":", label=label(name))
        said.append(f"{label(name)}: {number(value)} throughout")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    _log_axes(ax, logx)
    _legend(ax)
    plot.alt = alt or _sentence("Line chart", title, f"of {ylabel or 'values'} over {xlabel or 'x'}", said, paper, source)
    return plot


# --- bars -------------------------------------------------------------------------------------------------------------


@styled
def bars_with_intervals(values: Mapping, paper=None, *, source: str = "", ylabel: str = "", title: str = "",
                        baseline: float | None = None, ylim: tuple | None = None, alt: str = "") -> Plot:  # fmt: skip
    """Bars with 95 % intervals: {name: value}, or {group: {name: value}} for groups of bars.

    paper: the same keys (or a Fact of them), drawn as grey marks with the source; baseline: a dotted line, e.g. 0.5.
    """
    grouped = all(isinstance(v, Mapping) and "mean" not in v for v in values.values())
    groups = dict(values) if grouped else {"": values}
    theirs, source = _fact(paper, source)
    theirs = theirs if grouped or not theirs else {"": theirs}
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    width = 0.8 if len(names) == 1 or not grouped else 0.8 / len(names)
    plot, (ax,) = _panels(1, 1, title, width=max(4.6, min(9.0, 1.6 + 0.42 * sum(map(len, groups.values())))))
    said, ticks, k = [], {}, 0
    for g, (group, bars) in enumerate(groups.items()):
        for name, value in bars.items():
            at = k if not grouped else g + (names.index(name) - (len(names) - 1) / 2) * width
            said.append(_bar(ax, at, width, interval(value), name, colour(name, names.index(name)), group))
            _paper_mark(ax, at, width, (theirs or {}).get(group, {}).get(name))
            ticks[at if not grouped else g] = (group or label(name)).replace(" ", "\n", 1)
            k += 1
    _name_bars(ax, ticks, grouped, names, bool(theirs), source)
    if baseline is not None:
        ax.axhline(baseline, color="#333333", linestyle=":", linewidth=1)
    ax.set(ylabel=ylabel, **({"ylim": ylim} if ylim else {}))
    plot.alt = alt or _sentence("Bar chart", title, f"of {ylabel}" if ylabel else "", said, theirs, source)
    return plot


def _bar(ax, at: float, width: float, value: Interval, name: str, ink: str, group: str) -> str:
    ax.bar(at, value.mean, width * 0.9, color=ink, alpha=0.85)
    if value.low != value.high:
        ax.errorbar(at, value.mean, yerr=_errors([value]), color="#222222", linewidth=1.2)
    spread = f" [{number(value.low)}, {number(value.high)}]" if value.low != value.high else ""
    return f"{f'{group}, ' if group else ''}{label(name)} {number(value.mean)}{spread}"


def _paper_mark(ax, at: float, width: float, value) -> None:
    if value is not None:
        ax.hlines(value, at - width * 0.45, at + width * 0.45, color="white", linewidth=4.5, zorder=3)
        ax.hlines(value, at - width * 0.45, at + width * 0.45, color=GREY, linewidth=2.5, zorder=4)


def _name_bars(ax, ticks: dict, grouped: bool, names: list[str], has_paper: bool, source: str) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    tilted = dict(rotation=25, ha="right") if len(ticks) > 6 else {}
    ax.set_xticks(list(ticks), list(ticks.values()), **tilted)
    ax.grid(axis="x", visible=False)
    handles = [Patch(color=colour(n, i), label=label(n)) for i, n in enumerate(names)] if grouped and len(names) > 1 else []
    handles += [Line2D([], [], color=GREY, linewidth=2.5, label=_paper_label(source))] if has_paper else []
    if handles:
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0))


@styled
def mix_table(ours: Mapping[str, float], paper=None, *, source: str = "", unit: str = "%", title: str = "",
              alt: str = "") -> Plot:  # fmt: skip
    """Shares or counts per category: our bars beside the paper's grey marks, with both numbers (as in Table 1)."""
    theirs, source = _fact(paper, source)
    names = list(ours)
    plot, (ax,) = _panels(1, 1, title, width=6.6, height=0.7 + 0.24 * len(names))
    at = np.arange(len(names))
    ax.barh(at, [ours[n] for n in names], 0.66, color=[colour(n, 0) for n in names], alpha=0.85)
    ax.set_yticks(at, [label(n) for n in names])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(unit)
    ax.margins(y=0.02)
    side = ax.get_yaxis_transform()
    for i, name in enumerate(names):
        ax.text(1.08, i, number(ours[name], 1), transform=side, ha="right", va="center", color=colour(name, 0))
        if theirs and theirs.get(name) is not None:
            ax.vlines(theirs[name], i - 0.42, i + 0.42, color="white", linewidth=4)
            ax.vlines(theirs[name], i - 0.42, i + 0.42, color=GREY, linewidth=2.2)
            ax.text(1.2, i, number(theirs[name], 1), transform=side, ha="right", va="center", color="#666666")
    ax.text(1.08, -0.75, "ours", transform=side, ha="right", va="bottom")
    if theirs:
        ax.text(1.2, -0.75, "paper", transform=side, ha="right", va="bottom", color="#666666")
        ax.set_xlabel(f"{unit}   (grey: {source or 'paper'})")
    beside = {n: f" (paper {number(value, 1)})" for n, value in (theirs or {}).items()}
    said = [f"{label(n)} {number(ours[n], 1)}{beside.get(n, '')}" for n in names]
    plot.alt = alt or _sentence("Bar chart", title, f"in {unit}", said, theirs, source)
    return plot


@styled
def funnel(steps: Sequence, *, title: str = "", unit: str = "prompts", alt: str = "") -> Plot:
    """What each step of a pipeline kept and dropped; steps have `name`, `rows_in`, `rows_out` (Splits.funnel)."""
    plot, (ax,) = _panels(1, 1, title, width=6.6, height=0.8 + 0.3 * (len(steps) + 1))
    names = [unit, *(step.name for step in steps)]
    kept = [steps[0].rows_in, *(step.rows_out for step in steps)]
    lost = [0, *(step.rows_in - step.rows_out for step in steps)]
    at = np.arange(len(names))
    ax.barh(at, kept, 0.7, color="#0072B2", alpha=0.85, label="kept")
    ax.barh(at, lost, 0.7, left=kept, color="#E69F00", alpha=0.55, label="dropped here", hatch="//", edgecolor="white")
    ax.set_yticks(at, names)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    for i, (k, gone) in enumerate(zip(kept, lost, strict=True)):
        ax.text(k + gone, i, f"  {k:,}" + (f"  (−{gone:,})" if gone else ""), va="center", fontsize=8.5)
    ax.set(xlabel=unit, xlim=(0, max(kept) * 1.25))
    ax.legend(loc="lower right")
    said = [f"{n}: {k:,} left" + (f", {gone:,} dropped" if gone else "") for n, k, gone in zip(names, kept, lost, strict=True)]
    plot.alt = alt or _sentence("Funnel", title, "", said)
    return plot


# --- distributions and relations --------------------------------------------------------------------------------------


@styled
def histogram(values, *, bins=30, xlabel: str = "", title: str = "", marks: Mapping[str, float] | None = None,
              share: bool = False, logx: bool = False, logy: bool = False, alt: str = "") -> Plot:  # fmt: skip
    """How numbers are distributed: a sequence, or {label: sequence}. marks: {label: x} as vertical lines."""
    named = {name: _numbers(v) for name, v in (values if isinstance(values, Mapping) else {"": values}).items()}
    edges = np.concatenate(list(named.values()))
    if not len(edges):
        raise ValueError("there are no values to draw")
    if logx and isinstance(bins, int):
        bins = np.geomspace(max(edges.min(), 1e-9), max(edges.max(), edges.min() + 1e-9), bins + 1)
    bins = np.histogram_bin_edges(edges, bins)
    plot, (ax,) = _panels(1, 1, title, width=5.4)
    for i, (name, numbers) in enumerate(named.items()):
        weights = np.full(len(numbers), 1 / len(numbers)) if share else None
        style = dict(histtype="step", linewidth=1.8, linestyle=("-", "--", "-.", ":")[i % 4])
        if len(named) == 1:
            style = dict(alpha=0.85)
        ax.hist(numbers, bins, weights=weights, color=colour(name, i), label=label(name) or None, **style)
    for i, (name, x) in enumerate((marks or {}).items()):
        ax.axvline(x, color="#222222", linestyle=("--", ":", "-.")[i % 3], linewidth=1.2, label=f"{name}: {number(x)}")
    ax.set(xlabel=xlabel, ylabel="share" if share else "count")
    _log_axes(ax, logx, logy)
    _legend(ax, always=len(named) > 1)
    said = [f"{label(n) + ': ' if n else ''}{len(v):,} values, mean {number(v.mean())}, median {number(np.median(v))}, "
            f"from {number(v.min())} to {number(v.max())}" for n, v in named.items()]  # fmt: skip
    said += [f"{name} marked at {number(x)}" for name, x in (marks or {}).items()]
    plot.alt = alt or _sentence("Histogram", title, f"of {xlabel}" if xlabel else "", said)
    return plot


@styled
def scatter(points: Mapping, *, xlabel: str = "", ylabel: str = "", title: str = "", names: bool = False,
            diagonal: bool = False, paper: Mapping | None = None, source: str = "", logx: bool = False,
            alt: str = "") -> Plot:  # fmt: skip
    """Points {label: (x, y)}: x and y are single values (with intervals or not), or sequences for many points.

    names=True writes the label beside each single point; diagonal draws y = x; paper: {label: (x, y)} in grey.
    """
    plot, (ax,) = _panels(1, 1, title, width=4.8, height=3.6)
    ax.margins(0.12)
    said, many = [], False
    for i, (name, (x, y)) in enumerate(points.items()):
        if _is_series(x):
            many = True
            xs, ys = _numbers(x), _numbers(y)
            ax.scatter(xs, ys, s=12, alpha=0.6, color=colour(name, i), label=label(name) or None, linewidths=0)
            fit = f", correlation {np.corrcoef(xs, ys)[0, 1]:.2f}" if len(xs) > 2 and xs.std() > 0 and ys.std() > 0 else ""
            said.append(f"{label(name) + ': ' if name else ''}{len(xs):,} points{fit}")
            continue
        a, b = interval(x), interval(y)
        style = dict(fmt="o", color=colour(name, i), label=None if names else label(name))
        ax.errorbar(a.mean, b.mean, xerr=_errors([a]), yerr=_errors([b]), **style)
        if names:
            ax.annotate(label(name), (a.mean, b.mean), xytext=(5, 5), textcoords="offset points", fontsize=8.5)
        said.append(f"{label(name)} at {number(a.mean)}, {number(b.mean)}")
    for k, (name, (x, y)) in enumerate((paper or {}).items()):
        ax.scatter(x, y, color=GREY, marker="s", s=22, label=_paper_label(source) if not k else None)
        ax.annotate(label(name), (x, y), xytext=(5, -10), textcoords="offset points", fontsize=8, color="#666666")
    if diagonal:
        ax.axline((0, 0), slope=1, color="#333333", linestyle=":", linewidth=1)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    _log_axes(ax, logx)
    _legend(ax, always=many and len(points) > 1)
    plot.alt = alt or _sentence("Scatter plot", title, f"of {ylabel or 'y'} against {xlabel or 'x'}", said, paper, source)
    return plot


@styled
def heat(cells, rows: Sequence | None = None, columns: Sequence | None = None, *, xlabel: str = "", ylabel: str = "",
         title: str = "", digits: int = 2, alt: str = "") -> Plot:  # fmt: skip
    """A grid of numbers as colours with the numbers written in: {row: {column: value}} or a matrix (rows, columns)."""
    if isinstance(cells, Mapping):
        rows = list(cells)
        columns = list(dict.fromkeys(c for row in cells.values() for c in row))
        cells = [[cells[r].get(c, np.nan) for c in columns] for r in rows]
    grid = np.array([[np.nan if v is None else float(v) for v in row] for row in cells])
    rows, columns = list(rows or range(grid.shape[0])), list(columns or range(grid.shape[1]))
    if grid.shape != (len(rows), len(columns)):
        raise ValueError(f"{len(rows)} row and {len(columns)} column names do not fit a grid of shape {grid.shape}")
    plot, (ax,) = _panels(1, 1, title, width=1.8 + 0.62 * len(columns), height=1.1 + 0.34 * len(rows))
    picture = ax.imshow(grid, cmap="cividis", aspect="auto")
    ax.grid(visible=False)
    ax.set_xticks(range(len(columns)), [label(str(c)) for c in columns], rotation=25 if len(columns) > 5 else 0)
    ax.set_yticks(range(len(rows)), [label(str(r)) for r in rows])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    for (i, j), value in np.ndenumerate(grid):
        if np.isfinite(value):
            ink = "black" if picture.norm(value) > 0.55 else "white"
            ax.text(j, i, number(value, digits), ha="center", va="center", color=ink, fontsize=8)
    low, high = (np.unravel_index(f(grid), grid.shape) for f in (np.nanargmin, np.nanargmax))
    said = [f"{word} {number(grid[at], digits)} at {rows[at[0]]}, {columns[at[1]]}"
            for word, at in (("lowest", low), ("highest", high))]  # fmt: skip
    plot.alt = alt or _sentence("Grid of numbers", title, f"{len(rows)} by {len(columns)}", said)
    return plot


# --- shared -----------------------------------------------------------------------------------------------------------


def _panels(n: int, columns: int, title: str, width: float | None = None, height: float | None = None):
    """A figure with n panels, its axes as a flat list."""
    wide = min(n, columns)
    tall = -(-n // wide)
    plot = Plot(width or (5.4 if wide == 1 else min(9.4, 3.2 * wide)), height or 2.6 * tall + 0.3)
    axes = plot.subplots(tall, wide, squeeze=False).ravel()
    for spare in axes[n:]:
        spare.set_visible(False)
    if title:
        plot.suptitle(title, fontsize=10.5)
    return plot, list(axes[:n])


def _legend(ax, always: bool = True) -> None:
    if always and ax.get_legend_handles_labels()[1]:
        ax.legend(loc="best")


def _log_axes(ax, x: bool = False, y: bool = False) -> None:
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


def _errors(values: Sequence[Interval]) -> list[list[float]] | None:
    """(2, n) distances for matplotlib, None if no value has an interval."""
    if all(v.low == v.high for v in values):
        return None
    return [[max(0.0, v.mean - v.low) for v in values], [max(0.0, v.high - v.mean) for v in values]]


def _fact(paper, source: str = "") -> tuple:
    """(value, source) of a Fact, a pair (value, source), or a bare value."""
    if hasattr(paper, "value") and hasattr(paper, "source"):
        return paper.value, source or paper.source + (", read off the plot" if paper.read_off_plot else "")
    if isinstance(paper, tuple) and len(paper) == 2 and isinstance(paper[1], str):
        return paper
    return paper, source


def _paper_label(source: str) -> str:
    return f"paper, {source}" if source else "paper"


def _is_series(x) -> bool:
    return isinstance(x, (list, np.ndarray)) or (hasattr(x, "ndim") and x.ndim > 0)


def _numbers(values) -> np.ndarray:
    """Finite numbers of a list, an array or a tensor (on any device)."""
    if hasattr(values, "detach"):
        values = values.detach().float().cpu()
    return np.asarray(values, float).ravel()


def _sentence(kind: str, title: str, what: str, said: Sequence[str], paper=None, source: str = "") -> str:
    """The alt text: what it is, what it shows, and the numbers that carry it."""
    start = " ".join([kind, *([what] if what else [])]) + (f": {title}" if title else "")
    more = f" In grey the paper's values{f' ({source})' if source else ''}." if paper else ""
    return f"{start}. {'; '.join(said)}.{more}"
