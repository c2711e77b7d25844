"""The two figures: ours beside the peers, and how our jobs grow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from rlhf_lite.data.files import atomic_write
from rlhf_lite.show.axes import log_axes, panels, sentence
from rlhf_lite.show.style import PALETTE, Plot, styled

KINDS = ("rm", "ppo", "sample", "sft")  # their order is that of the colours


@styled
def ratios(rows: Sequence[dict], title: str) -> Plot:
    """Ratios with their least and most, on a log scale around
    1, and shares of the floor; a colour for each precision."""
    plot, (left, right) = panels(2, 2, title, width=9.4, height=3.4)
    jobs, precisions = (list(dict.fromkeys(row[key] for row in rows)) for key in ("job", "precision"))
    width = 0.8 / len(precisions)
    for row in rows:
        i = precisions.index(row["precision"])
        x, ink = jobs.index(row["job"]) + (i - (len(precisions) - 1) / 2) * width, PALETTE[i]
        if (ratio := row["ratio"]) is not None:
            spread = [[ratio - row["ratio_min"]], [row["ratio_max"] - ratio]]
            left.bar(x, ratio - 1, width, bottom=1, color=ink, yerr=spread, ecolor="#444444")
            left.text(x, row["ratio_max"] * 1.06, f"{ratio:.1f}", ha="center", fontsize=7.5)
        right.bar(x, 100 * row["share_of_floor"], width, color=ink)
    left.axhline(1, color="#444444", linewidth=1)
    left.set(title="how many times longer the peer takes", yscale="log")
    left.margins(y=0.1)
    low, high = left.get_ylim()
    ticks = [tick for tick in (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= tick <= high]
    left.yaxis.set_minor_locator(NullLocator())
    left.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    right.set(title="unavoidable matrix products, % of our time", ylim=(0, 100))
    for ax in (left, right):
        ax.set_xticks(range(len(jobs)), jobs)
    right.legend([Patch(color=PALETTE[i]) for i in range(len(precisions))], precisions)
    plot.alt = sentence(
        "Bar chart", title, "of the peers' time as a multiple of ours", [_said(row) for row in rows]
    )
    return plot


def _said(row: dict) -> str:
    ratio = "no peer" if row["ratio"] is None else f"{row['ratio']:.2f} times"
    return f"{row['job']} in {row['precision']}: {ratio}, {row['share_of_floor']:.0%} of the floor"


@styled
def growth(curves: dict[str, dict[str, dict]], title: str) -> Plot:
    """Seconds above, memory below, a column for each thing that grows; all axes are logarithmic."""
    plot, axes = panels(2 * len(curves), len(curves), title, width=15, height=6)
    said = []
    for row, (measure, unit) in enumerate((("seconds", "seconds"), ("mb", "MB beyond the libraries"))):
        for ax, (sweep, jobs) in zip(axes[row * len(curves) :], curves.items(), strict=False):
            for kind, curve in jobs.items():
                power = f"{kind}, exponent {curve[f'{measure}_exponent']:.1f}"
                ax.plot(
                    curve["x"],
                    curve[measure],
                    color=PALETTE[KINDS.index(kind)],
                    marker="o",
                    markersize=3,
                    label=power,
                )
                said.append(f"{unit} over {sweep}, {power}")
            _axes_of(ax, next(iter(jobs.values()))["x"], sweep)
        axes[row * len(curves)].set(ylabel=unit)
    plot.alt = sentence("Line charts", title, "", said)
    return plot


def _axes_of(ax, xs: Sequence[float], label: str) -> None:
    """Logarithmic, named at the points, with room above the curves for the legend."""
    log_axes(ax, x=True, y=True)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(xs, [f"{x:,}" if x < 1e5 else f"{x / 1e6:.0f} M" for x in xs])
    low, high = ax.get_ylim()
    ax.set(xlabel=label, ylim=(low, high * (high / low) ** 0.6))
    ax.legend(loc="upper left")


def write(plot: Plot, path: Path) -> None:
    """As PNG."""
    with atomic_write(path) as file:
        file.write(plot.png())
