"""Bars, distributions and relations. Each function returns a `Plot`: end a cell with it.

Ours are coloured bars or points with intervals; the paper's values are grey and carry their source. A value
with an interval is a `Mean`, a dict or a tuple (mean, low, high), or a plain number; the paper's are a `Fact`
or (value, source). Every figure describes itself in its alt text; `alt` replaces that description.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .axes import (
    Interval,
    as_array,
    as_interval,
    errors,
    is_series,
    legend,
    log_axes,
    panels,
    paper_label,
    paper_value,
    sentence,
)
from .style import GREY, Plot, colour, label, styled
from .text import number, visible

# --- bars ---------------------------------------------------------------------------------------------------


@styled
def bars_with_intervals(
    values: Mapping,
    paper=None,
    *,
    source: str = "",
    ylabel: str = "",
    title: str = "",
    baseline: float | None = None,
    ylim: tuple | None = None,
    alt: str = "",
) -> Plot:
    """Bars with 95 % intervals: {name: value}, or {group: {name: value}} for groups of bars.

    paper: the same keys (or a Fact of them), as grey marks with the source; baseline: e.g. 0.5, dotted.
    """
    grouped = all(isinstance(v, Mapping) and "mean" not in v for v in values.values())
    groups = dict(values) if grouped else {"": values}
    theirs, source = paper_value(paper, source)
    theirs = theirs if grouped or not theirs else {"": theirs}
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    width = 0.8 if len(names) == 1 or not grouped else 0.8 / len(names)
    plot, (ax,) = panels(1, 1, title, width=max(4.6, min(9.0, 1.6 + 0.42 * sum(map(len, groups.values())))))
    said, ticks, k = [], {}, 0
    for g, (group, bars) in enumerate(groups.items()):
        for name, value in bars.items():
            at = k if not grouped else g + (names.index(name) - (len(names) - 1) / 2) * width
            said.append(_bar(ax, at, width, as_interval(value), name, colour(name, names.index(name)), group))
            _paper_mark(ax, at, width, (theirs or {}).get(group, {}).get(name))
            ticks[at if not grouped else g] = label(group or name).replace(" ", "\n", 1)
            k += 1
    _name_bars(ax, ticks, grouped, names, bool(theirs), source)
    if baseline is not None:
        ax.axhline(baseline, color="#333333", linestyle=":", linewidth=1)
    ax.set(ylabel=ylabel, **({"ylim": ylim} if ylim else {}))
    plot.alt = alt or sentence("Bar chart", title, f"of {ylabel}" if ylabel else "", said, theirs, source)
    return plot


def _bar(ax, at: float, width: float, value: Interval, name: str, ink: str, group: str) -> str:
    ax.bar(at, value.mean, width * 0.9, color=ink, alpha=0.85)
    if value.low != value.high:
        ax.errorbar(at, value.mean, yerr=errors([value]), color="#222222", linewidth=1.2)
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
    handles = (
        [Patch(color=colour(n, i), label=label(n)) for i, n in enumerate(names)]
        if grouped and len(names) > 1
        else []
    )
    handles += [Line2D([], [], color=GREY, linewidth=2.5, label=paper_label(source))] if has_paper else []
    if handles:
        legend(ax.figure, handles)


@styled
def stacked_bars(
    bars: Mapping[str, Mapping[str, float]],
    *,
    unit: str = "",
    marks: Mapping[str, float] | None = None,
    title: str = "",
    alt: str = "",
) -> Plot:
    """Sums with their parts, {bar: {part: value}}, lying; marks: {name: value} as vertical lines."""
    parts = list(dict.fromkeys(part for bar in bars.values() for part in bar))
    plot, (ax,) = panels(1, 1, title, width=7.6, height=1.5 + 0.35 * len(bars))
    totals = {name: sum(bar.values()) for name, bar in bars.items()}
    for y, (name, bar) in enumerate(bars.items()):
        left = 0.0
        for i, part in enumerate(parts):
            ax.barh(
                y,
                bar.get(part, 0),
                0.7,
                left=left,
                color=colour(part, i),
                alpha=0.85,
                label=visible(part) if y == 0 else None,
            )
            left += bar.get(part, 0)
        ax.annotate(
            number(totals[name], 1),
            (left, y),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            bbox=dict(facecolor="white", edgecolor="none", pad=1),
        )
    for name, x in (marks or {}).items():
        ax.axvline(x, color="#222222", linestyle="--", linewidth=1)
        ax.text(x, -0.55, f" {name}", fontsize=8, va="bottom")
    ax.set_yticks(range(len(bars)), [label(name) for name in bars])
    ax.set(
        xlabel=unit,
        xlim=(0, 1.1 * max(*totals.values(), *(marks or {}).values())),
        ylim=(len(bars) - 0.5, -0.9),
    )
    ax.grid(axis="y", visible=False)
    legend(plot)
    said = []
    for name, bar in bars.items():
        sizes = ", ".join(f"{part} {number(x, 1)}" for part, x in bar.items())
        said.append(f"{label(name)} {number(totals[name], 1)}: {sizes}")
    said += [f"{name} marked at {number(x, 1)}" for name, x in (marks or {}).items()]
    plot.alt = alt or sentence("Stacked bars", title, f"in {unit}" if unit else "", said)
    return plot


@styled
def mix_table(
    ours: Mapping[str, float],
    paper=None,
    *,
    source: str = "",
    unit: str = "%",
    title: str = "",
    alt: str = "",
) -> Plot:
    """Shares or counts per category: our bars beside the paper's grey marks, with both numbers (Table 1)."""
    theirs, source = paper_value(paper, source)
    names = list(ours)
    plot, (ax,) = panels(1, 1, title, width=6.6, height=0.7 + 0.24 * len(names))
    at = np.arange(len(names))
    ax.barh(at, [ours[n] for n in names], 0.66, color=[colour(n, 0) for n in names], alpha=0.85)
    ax.set_yticks(at, [label(n) for n in names])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(unit)
    ax.margins(y=0.02)
    side = ax.get_yaxis_transform()
    for i, name in enumerate(names):
        ax.text(
            1.08, i, number(ours[name], 1), transform=side, ha="right", va="center", color=colour(name, 0)
        )
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
    plot.alt = alt or sentence("Bar chart", title, f"in {unit}", said, theirs, source)
    return plot


@styled
def funnel(steps: Sequence, *, title: str = "", unit: str = "prompts", alt: str = "") -> Plot:
    """What each step of a pipeline kept; steps have `name`, `rows_in`, `rows_out` (Splits.funnel)."""
    plot, (ax,) = panels(1, 1, title, width=6.6, height=0.8 + 0.3 * (len(steps) + 1))
    names = [unit, *(step.name for step in steps)]
    kept = [steps[0].rows_in, *(step.rows_out for step in steps)]
    lost = [0, *(step.rows_in - step.rows_out for step in steps)]
    at = np.arange(len(names))
    ax.barh(at, kept, 0.7, color="#0072B2", alpha=0.85, label="kept")
    ax.barh(
        at,
        lost,
        0.7,
        left=kept,
        color="#E69F00",
        alpha=0.55,
        label="dropped here",
        hatch="//",
        edgecolor="white",
    )
    ax.set_yticks(at, [label(name) for name in names])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    for i, (k, gone) in enumerate(zip(kept, lost, strict=True)):
        ax.text(k + gone, i, f"  {k:,}" + (f"  (−{gone:,})" if gone else ""), va="center", fontsize=8.5)
    ax.set(xlabel=unit, xlim=(0, max(kept) * 1.25))
    legend(plot)
    said = [
        f"{n}: {k:,} left" + (f", {gone:,} dropped" if gone else "")
        for n, k, gone in zip(names, kept, lost, strict=True)
    ]
    plot.alt = alt or sentence("Funnel", title, "", said)
    return plot


# --- distributions and relations ----------------------------------------------------------------------------


@styled
def histogram(
    values,
    *,
    bins=30,
    xlabel: str = "",
    title: str = "",
    marks: Mapping[str, float] | None = None,
    share: bool = False,
    logx: bool = False,
    logy: bool = False,
    alt: str = "",
) -> Plot:
    """How numbers are distributed: a sequence, or {label: sequence}. marks: {label: x} as vertical lines."""
    named = {
        name: as_array(v) for name, v in (values if isinstance(values, Mapping) else {"": values}).items()
    }
    edges = np.concatenate(list(named.values()))
    if not len(edges):
        raise ValueError("there are no values to draw")
    if logx and isinstance(bins, int):
        bins = np.geomspace(max(edges.min(), 1e-9), max(edges.max(), edges.min() + 1e-9), bins + 1)
    bins = np.histogram_bin_edges(edges, bins)
    plot, (ax,) = panels(1, 1, title, width=5.4)
    for i, (name, found) in enumerate(named.items()):
        weights = np.full(len(found), 1 / len(found)) if share else None
        style = dict(histtype="step", linewidth=1.8, linestyle=("-", "--", "-.", ":")[i % 4])
        if len(named) == 1:
            style = dict(alpha=0.85)
        ax.hist(found, bins, weights=weights, color=colour(name, i), label=label(name) or None, **style)
    for i, (name, x) in enumerate((marks or {}).items()):
        ax.axvline(
            x,
            color="#222222",
            linestyle=("--", ":", "-.")[i % 3],
            linewidth=1.2,
            label=f"{name}: {number(x)}",
        )
    ax.set(xlabel=xlabel, ylabel="share" if share else "count")
    log_axes(ax, logx, logy)
    legend(plot)
    said = []
    for name, found in named.items():
        middle = f"mean {number(found.mean())}, median {number(np.median(found))}"
        ends = f"from {number(found.min())} to {number(found.max())}"
        said.append(f"{label(name) + ': ' if name else ''}{len(found):,} values, {middle}, {ends}")
    said += [f"{name} marked at {number(x)}" for name, x in (marks or {}).items()]
    plot.alt = alt or sentence("Histogram", title, f"of {xlabel}" if xlabel else "", said)
    return plot


@styled
def scatter(
    points: Mapping,
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    names: bool = False,
    diagonal: bool = False,
    paper: Mapping | None = None,
    source: str = "",
    logx: bool = False,
    alt: str = "",
) -> Plot:
    """Points {label: (x, y)}: x and y are single values (with intervals or not), or sequences.

    names=True writes the label beside each single point; diagonal draws y = x; paper: {label: (x, y)}.
    """
    plot, (ax,) = panels(1, 1, title, width=4.8, height=3.6)
    ax.margins(0.12)
    said = []
    for i, (name, (x, y)) in enumerate(points.items()):
        if is_series(x):
            xs, ys = as_array(x), as_array(y)
            ax.scatter(
                xs, ys, s=12, alpha=0.6, color=colour(name, i), label=label(name) or None, linewidths=0
            )
            fit = (
                f", correlation {np.corrcoef(xs, ys)[0, 1]:.2f}"
                if len(xs) > 2 and xs.std() > 0 and ys.std() > 0
                else ""
            )
            said.append(f"{label(name) + ': ' if name else ''}{len(xs):,} points{fit}")
            continue
        a, b = as_interval(x), as_interval(y)
        style = dict(fmt="o", color=colour(name, i), label=None if names else label(name))
        ax.errorbar(a.mean, b.mean, xerr=errors([a]), yerr=errors([b]), **style)
        if names:
            ax.annotate(
                label(name), (a.mean, b.mean), xytext=(5, 5), textcoords="offset points", fontsize=8.5
            )
        said.append(f"{label(name)} at {number(a.mean)}, {number(b.mean)}")
    for k, (name, (x, y)) in enumerate((paper or {}).items()):
        ax.scatter(x, y, color=GREY, marker="s", s=22, label=paper_label(source) if not k else None)
        ax.annotate(
            label(name), (x, y), xytext=(5, -10), textcoords="offset points", fontsize=8, color="#666666"
        )
    if diagonal:
        ax.axline((0, 0), slope=1, color="#333333", linestyle=":", linewidth=1)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    log_axes(ax, logx)
    legend(plot)
    plot.alt = alt or sentence(
        "Scatter plot", title, f"of {ylabel or 'y'} against {xlabel or 'x'}", said, paper, source
    )
    return plot


@styled
def heat(
    cells,
    rows: Sequence | None = None,
    columns: Sequence | None = None,
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    digits: int = 2,
    numbers: bool = True,
    alt: str = "",
) -> Plot:
    """A grid of numbers as colours: {row: {column: value}} or a matrix (rows, columns). The numbers are
    written in, unless `numbers` is False: then cells are small squares."""
    if isinstance(cells, Mapping):
        rows = list(cells)
        columns = list(dict.fromkeys(c for row in cells.values() for c in row))
        cells = [[cells[r].get(c, np.nan) for c in columns] for r in rows]
    grid = np.array([[np.nan if v is None else float(v) for v in row] for row in cells])
    rows, columns = list(rows or range(grid.shape[0])), list(columns or range(grid.shape[1]))
    if grid.shape != (len(rows), len(columns)):
        raise ValueError(
            f"{len(rows)} row and {len(columns)} column names do not fit a grid of shape {grid.shape}"
        )
    wide, high = (0.62, 0.34) if numbers else (0.17, 0.17)  # inches
    plot, (ax,) = panels(1, 1, title, width=1.8 + wide * len(columns), height=1.1 + high * len(rows))
    slope = 0  # of the columns' names, in degrees
    if len(columns) > 5:
        slope = 25 if numbers else 90 * any(len(str(c)) > 2 for c in columns)
    picture = ax.imshow(grid, cmap="cividis", aspect="auto")
    ax.grid(visible=False)
    ax.set_xticks(range(len(columns)), [label(str(c)) for c in columns], rotation=slope)
    ax.set_yticks(range(len(rows)), [label(str(r)) for r in rows])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    for (i, j), value in np.ndenumerate(grid):
        if numbers and np.isfinite(value):
            ink = "black" if picture.norm(value) > 0.55 else "white"
            ax.text(j, i, number(value, digits), ha="center", va="center", color=ink, fontsize=8)
    low, high = (np.unravel_index(f(grid), grid.shape) for f in (np.nanargmin, np.nanargmax))
    said = [
        f"{word} {number(grid[at], digits)} at {rows[at[0]]}, {columns[at[1]]}"
        for word, at in (("lowest", low), ("highest", high))
    ]
    plot.alt = alt or sentence("Grid of numbers", title, f"{len(rows)} by {len(columns)}", said)
    return plot
