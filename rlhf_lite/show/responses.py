"""A prompt and what each model answers to it, one under another."""

from __future__ import annotations

from collections.abc import Mapping

from .style import COLOURS, label
from .text import CELL, Html, inert, number


def side_by_side(prompt: str, answers: Mapping[str, str], notes: Mapping[str, object] | None = None) -> Html:
    """A prompt and the answers to it, {model: answer}; beside them notes, {model: number or text}."""
    longest = max(map(len, map(label, answers)), default=0)
    names = (
        f"{CELL};width:{min(13, max(7, 1 + 0.6 * longest)):.1f}em"  # JupyterLab would make both columns equal
    )
    rows = [
        f'<tr><th scope="row" style="{names}">prompt</th>'
        f'<td style="{CELL}">{inert(prompt, "font-weight:bold")}</td></tr>'
    ]
    for name, answer in answers.items():
        note = ""
        if notes and name in notes:
            note = inert(number(notes[name]), "font-weight:normal;font-size:smaller")
        bar = f"border-left:5px solid {COLOURS.get(name, '#bbb')}"
        rows.append(
            f'<tr><th scope="row" style="{names};{bar}">{inert(label(name))}{note}</th>'
            f'<td style="{CELL}">{inert(answer) if answer else "<i>(nothing)</i>"}</td></tr>'
        )
    plain = [f"prompt: {prompt}", *(f"{label(name)}: {answer}" for name, answer in answers.items())]
    return Html(f'<table style="width:100%"><tbody>{"".join(rows)}</tbody></table>', "\n".join(plain))
