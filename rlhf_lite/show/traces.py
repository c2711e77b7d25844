"""Curves over training steps, and measured points joined by lines; the paper's values are grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .axes import as_interval, emptied, errors, legend, log_axes, panels, paper_label, paper_value, sentence
from .style import GREY, Plot, colour, label, styled
from .text import number

MOVED = "moved/"  # before the name of a setting that a run's trace says was moved


@styled
def curves(
    traces,
    x: str = "step",
    ys: Sequence[str] | str = ("loss",),
    *,
    paper: Mapping | None = None,
    expected: Mapping | None = None,
    smooth: int = 1,
    titles: Mapping[str, str] | None = None,
    title: str = "",
    logx: bool = False,
    logy: bool = False,
    columns: int = 3,
    alt: str = "",
    onto: Plot | None = None,
) -> Plot:
    """Training curves, one panel per metric.

    traces: one run, or {label: run or list of runs}; a run is a trace (list of dicts), a history (dict of
    lists) or a Loop. Several runs (seeds) are drawn as their mean within a band from lowest to highest.
    paper: {metric: Fact or (value, source)} as a grey line; expected: {metric: (low, high)} as a grey band;
    smooth: running mean over n steps. onto: a figure of these panels that is no longer looked at.
    """
    named, ys = _named_runs(traces), [ys] if isinstance(ys, str) else list(ys)
    plot, axes = emptied(onto, len(ys), title) or panels(len(ys), columns, title)
    said = []
    for ax, y in zip(axes, ys, strict=True):
        for i, (name, runs) in enumerate(named.items()):
            xs, values = _together([_series(run, x, y) for run in runs], smooth)
            if not len(xs):
                continue
            said.append(_curve(ax, xs, values, name, colour(name, i), y))
            for place, what in moves(runs, x).items():
                _mark(ax, place, what, colour(name, i))
        _beside_curves(ax, (expected or {}).get(y), (paper or {}).get(y))
        ax.set(xlabel=x, title=(titles or {}).get(y, y))
        log_axes(ax, logx, logy)
    if not said:
        raise ValueError(
            f"no run has values for {' or '.join(ys)} over {x}; it has: {', '.join(_metrics(named))}"
        )
    legend(plot)
    for name, runs in named.items():
        run = f"{label(name)}: " if name else ""
        said += [f"{run}{what} from {x} {place:g} on" for place, what in moves(runs, x).items()]
    plot.alt = alt or sentence("Line chart", title, f"over {x}", said, paper)
    return plot


def moves(runs: Sequence, x: str = "step") -> dict[float, str]:
    """{place: 'kl_beta 0'}: the settings that somebody moved while one of the runs went on, and where."""
    found: dict[float, list[str]] = {}
    for i, row in ((i, row) for run in runs if not isinstance(run, Mapping) for i, row in enumerate(run)):
        said = [f"{key.removeprefix(MOVED)} {row[key]:g}" for key in row if key.startswith(MOVED)]
        if said:
            found.setdefault(row.get(x, i), []).extend(said)
    return {place: ", ".join(said) for place, said in found.items()}


def _mark(ax, place: float, what: str, ink: str) -> None:
    """A dotted line across a panel, with what was moved there beside it."""
    ax.axvline(place, color=ink, linestyle=":", linewidth=1.1)
    paper = dict(facecolor="white", edgecolor="none", alpha=0.7, pad=0.5)
    style = dict(rotation=90, fontsize=7, color=ink, va="top", ha="right", bbox=paper)
    ax.text(place, 0.98, f" {what}", transform=ax.get_xaxis_transform(), **style)


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
        value, source = paper_value(fact)
        ax.axhline(value, color=GREY, linestyle="--", label=paper_label(source))


def _named_runs(traces) -> dict[str, list]:
    if isinstance(traces, Mapping) and not _is_history(traces):
        return {name: _runs(thing) for name, thing in traces.items()}
    return {"": _runs(traces)}


def _is_history(thing: Mapping) -> bool:
    """{metric: numbers}, not {label: run}."""
    columns = (v for v in thing.values())
    return all(
        isinstance(v, (list, tuple, np.ndarray)) and not (len(v) and isinstance(v[0], (Mapping, list)))
        for v in columns
    )


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
    """Mean over the last n values, at the beginning over the first n / 2: a curve that began with one sample
    would seem to fall or rise from wherever that one lay."""
    total, place = np.cumsum(np.concatenate([[0.0], ys])), np.arange(len(ys)) + 1
    start, end = np.maximum(place - n, 0), np.maximum(place, min(n // 2, len(ys)))
    return (total[end] - total[start]) / (end - start)


def _metrics(named: dict[str, list]) -> list[str]:
    return sorted(
        {
            key
            for runs in named.values()
            for run in runs
            for key in (run if isinstance(run, Mapping) else [k for row in run for k in row])
        }
    )


@styled
def lines(
    series: Mapping,
    *,
    paper: Mapping | None = None,
    source: str = "",
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    logx: bool = False,
    logy: bool = False,
    level: Mapping | None = None,
    alt: str = "",
) -> Plot:
    """Measured points joined by lines, e.g. a sweep or model sizes: {label: (xs, values)}, with intervals or
    not.

    paper: the same in grey, on the same axes (give our xs, e.g. sizes 'S', 'M', 'L'); level: {label: y}, flat
    lines.
    """
    plot, (ax,) = panels(1, 1, title)
    said = []
    for i, (name, (xs, values)) in enumerate(series.items()):
        found = [as_interval(v) for v in values]
        style = dict(color=colour(name, i), label=label(name), marker="o", markersize=4)
        ax.errorbar(_places(xs), [v.mean for v in found], yerr=errors(found), **style)
        points = [f"{number(v.mean)} at {number(x)}" for x, v in zip(xs, found, strict=True)]
        said.append(f"{label(name)}: {', '.join(points)}")
    for k, (name, (xs, values)) in enumerate((paper or {}).items()):
        style = dict(color=GREY, linestyle=("--", ":", "-.")[k % 3], marker="s", markersize=3)
        ax.plot(_places(xs), list(values), label=f"{label(name)}, {source or 'paper'}", **style)
    for i, (name, value) in enumerate((level or {}).items()):
        ax.axhline(value, color=colour(name, i + len(series)), linestyle=":", label=label(name))
        said.append(f"{label(name)}: {number(value)} throughout")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    log_axes(ax, logx, logy)
    legend(plot)
    plot.alt = alt or sentence(
        "Line chart", title, f"of {ylabel or 'values'} over {xlabel or 'x'}", said, paper, source
    )
    return plot


def _places(xs: Sequence) -> list:
    """Numbers as they are, names as figures write them."""
    return [label(x) if isinstance(x, str) else x for x in xs]
