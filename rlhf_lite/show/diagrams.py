"""Boxes and arrows: the paper's three steps side by side, and who tells whom what while PPO learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from .style import Plot, colour

Boxes = Sequence[tuple[str, str]]  # words, and the shape of the tensor behind them
QUIET = "#777777"
FLOW = {  # name: place, half its width
    "prompt": (0.6, 1.2, 0.4),
    "policy": (2.0, 1.2, 0.35),
    "response": (3.5, 1.2, 0.45),
    "reward model\n(frozen): score": (5.4, 2.0, 0.65),
    "reference (frozen):\nlog-probs": (5.4, 1.2, 0.8),
    "value model:\nvalues": (5.4, 0.4, 0.6),
    "rewards,\nadvantages": (7.6, 1.2, 0.55),
}
ARROWS = ((0, 1), (1, 2), (2, 3), (2, 4), (2, 5), (3, 6), (4, 6), (5, 6))


def three_steps(steps: Mapping[str, tuple[str, Boxes]]) -> Plot:
    """A column of boxes for each step: its title, the policy in whose colour it is drawn, its boxes; one
    whose words begin with an arrow is a result."""
    columns = (f"{title}: {', '.join(words for words, _ in boxes)}" for title, (_, boxes) in steps.items())
    plot = Plot(9.2, 3.7, alt=f"Three columns of boxes. {'; '.join(columns)}")
    ax = plot.subplots()
    ax.set(xlim=(0, len(steps)), ylim=(-0.02, 1.02))
    ax.axis("off")
    for i, (title, (name, boxes)) in enumerate(steps.items()):
        ax.text(i + 0.46, 0.97, title, ha="center", fontsize=10.5, weight="bold", color=colour(name))
        _column(ax, i, boxes, colour(name))
    return plot


def _column(ax: Axes, left: float, boxes: Boxes, ink: str) -> None:
    middle = left + 0.46
    for j, (words, shape) in enumerate(boxes):
        y, fill = 0.72 - 0.237 * j, "#f3f3f3" if words.startswith("→") else "white"
        box = FancyBboxPatch((left + 0.02, y), 0.88, 0.16, boxstyle="round,pad=0.01", fc=fill, ec=ink)
        ax.add_patch(box)
        ax.text(middle, y + 0.11, words, ha="center", va="center", fontsize=8.5)
        small = dict(fontsize=7.5, family="monospace", color="#555555")
        ax.text(middle, y + 0.035, shape, ha="center", va="center", **small)
        if j:
            ax.annotate(
                "", (middle, y + 0.172), (middle, y + 0.225), arrowprops=dict(arrowstyle="->", color=ink)
            )


def ppo_flow() -> Plot:
    """The four models of PPO, what goes from one to the next, and what is learned from it."""
    alt = (
        "Flow: prompt to policy to response; the reward model scores the response, the reference gives its "
        "log-probabilities, the value model its expectations; all go into advantages, which update policy "
        "and value model."
    )
    plot = Plot(8.6, 2.4, alt=alt)
    ax = plot.add_subplot(xlim=(0, 8.6), ylim=(-0.45, 2.4), frame_on=False, xticks=[], yticks=[])
    for name, (x, y, _) in FLOW.items():
        learns = name == "policy" or name.startswith("value")
        box = dict(boxstyle="round,pad=0.45", facecolor="#fdebc8" if learns else "#eef2f6", edgecolor=QUIET)
        ax.text(x, y, name, ha="center", va="center", fontsize=9, bbox=box)
    places, arrow = list(FLOW.values()), dict(arrowstyle="-|>", color=QUIET, shrinkA=0, shrinkB=0)
    for a, b in ARROWS:
        (x0, y0, half0), (x1, y1, half1) = places[a], places[b]
        ax.annotate("", (x1 - half1, y1), (x0 + half0, y0), arrowprops=arrow)
    back = dict(connectionstyle="arc3,rad=-0.32", linestyle="--")
    ax.annotate("", (2.0, 0.9), (7.6, 0.8), arrowprops=arrow | back)
    ax.text(2.6, -0.3, "update policy and value model", fontsize=9, color="#555555")
    return plot
