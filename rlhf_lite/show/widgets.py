"""What all panels share."""

from __future__ import annotations

import ipywidgets

from .style import Plot
from .text import Html, inert


class Shown:
    """A thing whose `widget` a cell shows when it ends with the thing."""

    widget: ipywidgets.Widget

    def still(self) -> Plot | Html:
        """What stands in for the widget where none can run: on a web page, in print."""
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        from IPython.display import display

        still = self.still()
        data = {"text/html": still._repr_html_(), "text/plain": repr(still)}
        display(self.widget._repr_mimebundle_() | data, raw=True)


def words(text: str = "", style: str = "") -> ipywidgets.HTML:
    """A line of text that is only read: a Label, and the description of any widget, would typeset dollars."""
    return ipywidgets.HTML(inert(text, style) if text else "")
