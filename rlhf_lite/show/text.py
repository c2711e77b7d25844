"""Texts and tables as HTML in which nothing that a model or a person wrote can do anything but be read.

HTML would run scripts, Markdown too, MathJax would typeset dollars, control characters would hide or reorder
words. So every text is escaped, put in a <pre> (which MathJax leaves alone), and its invisible characters are
made visible.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping, Sequence
from numbers import Integral, Number, Real

_JOINERS = "\u200c\u200d"  # emoji and some scripts need them
# JupyterLab breaks words of a <pre> anywhere and paints it white: undone. Its sanitizer drops "font:inherit".
_TEXT = (
    "margin:0;padding:0;background:0 0;white-space:pre-wrap;overflow-wrap:anywhere;word-break:normal;"
    "font-family:inherit"
)
CELL = "text-align:left;vertical-align:top;padding:3px 10px"
NUMBER = "text-align:right;vertical-align:top;padding:3px 10px"
_TIGHT = "padding:2px 4px;font-size:12px"
_FRAME = "border:1px solid #bbb;border-radius:4px;padding:6px 10px;margin:4px 0"


class Html:
    """HTML that is safe to show, and plain text for places that have no HTML."""

    def __init__(self, html: str, plain: str = ""):
        self.html, self.plain = html, visible(plain)

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.plain or self.html


def visible(text: str) -> str:
    """The text with control characters, direction marks and broken characters made visible; letters stay as
    they are."""
    return "".join(_visible(c) for c in text)


def _visible(c: str) -> str:
    kind = unicodedata.category(c)
    if c in "\n\t" or c in _JOINERS or kind[0] != "C" or kind == "Co":
        return c
    if ord(c) < 32:
        return chr(0x2400 + ord(c))  # the picture of the control character
    return "\ufffd" if kind in ("Cs", "Cn") else f"⟨U+{ord(c):04X}⟩"


def escape(text) -> str:
    """Any text as inert HTML characters."""
    return html.escape(visible(str(text)), quote=True)


def inert(text, style: str = "") -> str:
    """Any text as inert HTML: a <pre> that looks like ordinary text and keeps its own reading direction."""
    return f'<pre dir="auto" style="{_TEXT};{style}">{escape(text)}</pre>'


def in_cell(text: str) -> str:
    """Any text as the inert content of a table cell. Most need no <pre>, which would make a table three times
    as long."""
    text = str(text)
    harmless = text.isascii() and text.isprintable() and not any(sign in text for sign in ("$", "\\", "  "))
    return escape(text) if harmless else inert(text)


def safe_text(text: str, title: str = "") -> Html:
    """A text somebody wrote, exactly as it is: line breaks kept, nothing interpreted."""
    head = inert(title, "font-weight:bold") if title else ""
    return Html(f'<div style="{_FRAME}">{head}{inert(text)}</div>', text)


def table(
    rows: Sequence[Mapping],
    columns: Sequence[str] | Mapping[str, str] | None = None,
    caption: str = "",
    digits: int = 3,
    tight: bool = False,
) -> Html:
    """Rows (dicts) as a table. `columns` chooses them, or renames them as {key: heading}; tight: many columns
    on a narrow page."""
    rows = [row if isinstance(row, Mapping) else vars(row) for row in rows]
    if columns is None:
        columns = list(dict.fromkeys(key for row in rows for key in row))
    heads = dict(columns) if isinstance(columns, Mapping) else {key: key for key in columns}
    for key in heads:
        if rows and not any(key in row for row in rows):
            raise KeyError(f"no row has a column {key!r}; the rows have: {', '.join(map(str, rows[0]))}")
    numbers = {key for key in heads if all(_is_number(row.get(key, 0)) for row in rows)}
    styles = {key: NUMBER if key in numbers else CELL for key in heads}
    if tight:
        styles = {key: f"{style.partition('padding')[0]}{_TIGHT}" for key, style in styles.items()}
    title = f'<caption style="text-align:left;padding:3px 0">{inert(caption)}</caption>' if caption else ""
    head = [f'<th scope="col" style="{styles[key]}">{in_cell(name)}</th>' for key, name in heads.items()]
    body, plain = [], [" | ".join(map(str, heads.values()))]
    for row in rows:
        texts = {key: number(row.get(key, ""), digits) for key in heads}
        cells = []
        for key, text in texts.items():
            shown = escape(text) if key in numbers else in_cell(text)
            cells.append(f'<td style="{styles[key]}">{shown}</td>')
        body.append(f"<tr>{''.join(cells)}</tr>")
        plain.append(" | ".join(texts.values()))
    if caption:
        plain.insert(0, caption)
    return Html(
        f'<table style="line-height:1.4">{title}<thead><tr>{"".join(head)}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>",
        "\n".join(plain),
    )


def _is_number(value) -> bool:
    return value is None or (isinstance(value, Number) and not isinstance(value, bool))


def number(value, digits: int = 3) -> str:
    """A value as a table shows it: 12,725 or 0.726 or 9.65e-06; texts as they are, None as a dash."""
    if value is None:
        return "–"
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # a number of numpy or torch
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real):
        return ", ".join(number(v, digits) for v in value) if isinstance(value, (list, tuple)) else str(value)
    if isinstance(value, Integral):
        return f"{value:,}"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{max(digits - 1, 1)}e}"
    return f"{value:,.{digits}f}" if abs(value) < 100 else f"{value:,.1f}"


OUTSIDE = "outside the expected band"
