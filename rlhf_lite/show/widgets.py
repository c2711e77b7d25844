"""What all panels share."""

from __future__ import annotations

import ipywidgets


class Shown:
    """A thing whose `widget` a cell shows when it ends with the thing."""

    widget: ipywidgets.Widget

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget)
