"""A place to write down a guess before the answer is shown: most is learned where the two differ.

    show.Predict("Which pair costs most?")     # asked in the text above; here is a line to type in
    show.predictions()                         # all guesses of this notebook

Nothing waits for it: whoever types nothing runs the next cell, and so does a notebook without anybody.
"""

from __future__ import annotations

import ipywidgets

from .text import Html, inert, safe_text, table
from .widgets import Shown, words

_GUESSES: dict[str, str] = {}  # question -> the latest guess, of this kernel
_LINE = "border-bottom:1px dotted #8a8a8a;color:#8a8a8a;padding:2px 6px"


class Predict(Shown):
    """A line for the answer to `question`; Enter keeps it."""

    def __init__(self, question: str):
        if not question.strip():
            raise ValueError("a prediction needs its question, by which it is listed later")
        self.question = question
        self.box = ipywidgets.Text(
            value=_GUESSES.get(question, ""),
            placeholder="your guess, then Enter",
            layout=ipywidgets.Layout(width="26em"),
            continuous_update=False,
        )
        self.remark = words()
        self.box.observe(lambda change: self.guess(change["new"]), names="value")
        self.widget = ipywidgets.HBox([self.box, self.remark])

    def guess(self, text: str) -> None:
        """Keep a guess; an empty one takes it back."""
        _GUESSES[self.question] = text.strip()
        self.remark.value = words("Noted. Now run the next cell." if text.strip() else "").value

    def still(self) -> Html:
        kept = _GUESSES.get(self.question, "")
        return Html(f"<div>{inert(f'Your guess: {kept}', _LINE)}</div>", f"Your guess: {kept}")


def predictions() -> Html:
    """Every question of this notebook that was answered, with the guess."""
    rows = [{"question": question, "your guess": guess} for question, guess in _GUESSES.items() if guess]
    return table(rows) if rows else safe_text("No guesses yet. They cost nothing, and nobody else sees them.")
