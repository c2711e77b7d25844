"""One look for all figures: a small style, a colour-blind palette, and one fixed colour per policy.

Figures are made without pyplot, so they work in threads and without a screen, and nothing is shown twice.
"""

from __future__ import annotations

import base64
import functools
import html
import io
import threading
import warnings
from collections.abc import Callable

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from .text import visible

DPI = 90
_FIT = "max-width:100%;height:auto"
LOCK = threading.RLock()  # matplotlib's settings and font caches belong to the whole process
STYLE = {
    "font.size": 9.0,
    "font.family": ["DejaVu Sans"],
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.edgecolor": "#777777",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "errorbar.capsize": 2.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "text.parse_math": False,
}

# Okabe and Ito's colours, which people with any colour vision tell apart. Grey is kept for the paper.
GREY = "#8a8a8a"
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A6A00", "#000000")
COLOURS = {
    "base": "#CC79A7",
    "prompted": "#56B4E9",
    "flan": "#000000",
    "t0": "#5B5B5B",
    "sft": "#E69F00",
    "start": "#7A6A00",
    "ppo": "#0072B2",
    "ppo_ptx": "#D55E00",
    "reference": "#009E73",
}
LABELS = {
    "base": "GPT",
    "prompted": "GPT prompted",
    "flan": "FLAN",
    "t0": "T0",
    "sft": "SFT",
    "start": "RL start",
    "ppo": "PPO",
    "ppo_ptx": "PPO-ptx",
    "reference": "reference",
}
_NAMES = {label: name for name, label in LABELS.items()}


def colour(name: str, index: int = 0) -> str:
    """The fixed colour of a policy (by its name or its label), else the palette's colour of that index."""
    return COLOURS.get(_NAMES.get(name, name), PALETTE[index % len(PALETTE)])


def label(name: str) -> str:
    """What a figure calls it: 'ppo_ptx' -> 'PPO-ptx', as in the paper; other names stay as they are."""
    return LABELS.get(name, visible(str(name)))


class Plot(Figure):
    """A figure that a notebook cell ends with; `alt` says in words what it shows."""

    def __init__(self, width: float = 6.4, height: float = 3.0, alt: str = "", **options):
        super().__init__(figsize=(width, height), dpi=DPI, layout="constrained", **options)
        FigureCanvasAgg(self)
        self.alt = alt
        self.axes_size = None  # inches without a legend
        self._png: bytes | None = None

    @property
    def alt(self) -> str:
        """What the picture shows, in words; nothing invisible is in it."""
        return self._alt

    @alt.setter
    def alt(self, words: str) -> None:
        self._alt = visible(words)

    def png(self) -> bytes:
        """The picture, drawn once; the same figure and libraries give the same bytes everywhere."""
        if self._png is None:
            self._png = _fewer_colours(self._drawn())
        return self._png

    def _drawn(self) -> bytes:
        with LOCK, matplotlib.rc_context(STYLE), warnings.catch_warnings():
            for text in self.findobj(Text):
                text.set_text(visible(text.get_text()))
            file = io.BytesIO()
            warnings.filterwarnings("ignore", "Glyph .* missing")  # a box stands for it
            self.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
        return file.getvalue()

    def html(self) -> str:
        """The picture as one <img> with its alt text, never wider than where it stands."""
        return self.image(self.png(), "png")

    def image(self, data: bytes, kind: str) -> str:
        """Bytes of a picture of this plot as one <img>."""
        shown = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        return f'<img alt="{html.escape(self.alt)}" style="{_FIT}" src="{shown}">'

    def _repr_html_(self) -> str:
        """As HTML, and as nothing else: of a bare picture JupyterLab drops the alt text."""
        return self.html()

    def __repr__(self) -> str:
        return self.alt


def styled(draw: Callable[..., Plot]) -> Callable[..., Plot]:
    """A plotting function with our style, safe to call from any thread."""

    @functools.wraps(draw)
    def wrapped(*args, **options) -> Plot:
        with LOCK, matplotlib.rc_context(STYLE):
            return draw(*args, **options)

    return wrapped


def _fewer_colours(png: bytes) -> bytes:
    """The same picture with a palette of 32 colours: a quarter of the bytes, no visible difference."""
    from PIL import Image

    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(32, dither=Image.Dither.NONE).save(
        file, "png", optimize=True
    )
    return file.getvalue()
