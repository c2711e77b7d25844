"""Curves drawn lightly: for pictures that are replaced at once.

Matplotlib takes a quarter of a second for five panels, most of it for letters. A sketch takes what `curves`
has made (lines, bands, texts) and writes it as SVG, in a hundredth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from .style import LOCK, Plot
from .text import visible

_ROW = 16  # pixels of a line of the legend
_POINTS = 400  # of a line, at most: more than its pixels say nothing
_FONT = 'font-family="DejaVu Sans,Verdana,sans-serif"'


def sketch(plot: Plot) -> str:
    """What `curves` made as one light <img> with its alt text."""
    with LOCK:
        plot.set_layout_engine(None)
        width, height = plot.bbox.size
        names = _names(plot, width, height)
        rows = plot.axes[0].get_subplotspec().get_gridspec().nrows if plot.axes else 1
        plot.subplots_adjust(
            left=50 / width,
            right=1 - 12 / width,
            bottom=(26 + _ROW * len({y for _, y, *_ in names})) / height,
            top=1 - (46 if plot._suptitle else 24) / height,
            wspace=0.25,
            hspace=50 * rows / height,
        )
        parts = [*_panels(plot, height), *(_text(text, x, y, 11, "start", ink) for x, y, text, ink in names)]
    body = f'<rect width="{width:g}" height="{height:g}" fill="white"/>{"".join(parts)}'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" {_FONT}>{body}</svg>'
    )
    return plot.image(svg.encode(), "svg+xml")


def _panels(plot: Plot, height: float) -> Iterator[str]:
    if plot._suptitle is not None:
        yield _text(plot._suptitle.get_text(), plot.bbox.width / 2, 16, 12.5, "middle")
    for ax in plot.axes:
        if ax.get_visible():
            yield from _panel(ax, height)


def _panel(ax, height: float) -> Iterator[str]:
    (left, right), (low, high), box = ax.get_xlim(), ax.get_ylim(), ax.bbox
    top, bottom = height - box.y1, height - box.y0
    yield f'<path d="M{box.x0:.1f} {top:.1f}V{bottom:.1f}H{box.x1:.1f}" fill="none" stroke="#777"/>'
    yield _text(ax.get_title(), (box.x0 + box.x1) / 2, top - 6, 12, "middle")
    for x in (x for x in ax.get_xticks() if left <= x <= right):
        yield _text(f"{x:g}", ax.transData.transform((x, low))[0], bottom + 14, 10, "middle")
    for y in (y for y in ax.get_yticks() if low <= y <= high):
        at = height - ax.transData.transform((left, y))[1]
        yield f'<path d="M{box.x0:.1f} {at:.1f}H{box.x1:.1f}" stroke="#e4e4e4"/>'
        yield _text(f"{y:.6g}", box.x0 - 4, at + 3, 10, "end")
    areas = [(patch, [patch.get_path()]) for patch in ax.patches]
    for area, paths in (*areas, *((band, band.get_paths()) for band in ax.collections)):
        for path in paths:
            points = area.get_transform().transform(path.vertices)
            yield _line(points, height, fill=_ink(area.get_facecolor()), opacity=0.2)
    for line in ax.lines:
        points = line.get_transform().transform(line.get_xydata())
        dash = "" if line.get_linestyle() == "-" else ' stroke-dasharray="3 3"'
        more = f' stroke-width="{line.get_linewidth():.1f}"{dash}'
        yield _line(points, height, stroke=_ink(line.get_color()), more=more)
    for text in ax.texts:
        x, y = text.get_transform().transform(text.get_position())
        yield _text(text.get_text().strip(), x - 3, height - y, 9, "end", _ink(text.get_color()), turned=True)


def _names(plot: Plot, width: float, height: float) -> list[tuple[float, float, str, str]]:
    """The legend below: x, y, name and colour, in as many columns as the legend has."""
    found = []
    for legend in plot.legends:
        columns, texts = legend._ncols, legend.get_texts()
        down = -(-len(texts) // columns)
        for i, (handle, text) in enumerate(zip(legend.legend_handles, texts, strict=True)):
            ink = handle.get_color() if hasattr(handle, "get_color") else handle.get_facecolor()
            x, y = 50 + (width - 60) * (i // down) / columns, height - 6 - _ROW * (down - 1 - i % down)
            found.append((x, y, f"━ {text.get_text()}", _ink(ink)))
    return found


def _line(points: np.ndarray, height: float, stroke="none", fill="none", opacity=1.0, more="") -> str:
    points = points[:: max(1, len(points) // _POINTS)]
    places = " ".join(f"{x:.1f},{height - y:.1f}" for x, y in (points if len(points) > 1 else [*points] * 2))
    style = f'stroke="{stroke}" fill="{fill}" opacity="{opacity}" stroke-linecap="round"'
    return f'<polyline points="{places}" {style}{more}/>'


def _text(text: str, x: float, y: float, size: float, anchor: str, ink: str = "#222", turned=False) -> str:
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{ink}"{turn}'
    return f"<text {place}>{escape(visible(text))}</text>"


def _ink(colour) -> str:
    from matplotlib.colors import to_hex

    return to_hex(colour[0] if np.ndim(colour) == 2 else colour)
