"""The package's own code, shown where it is explained, so that a notebook never holds a second copy of it."""

from __future__ import annotations

import functools
import inspect
import textwrap
from pathlib import Path

from .text import Html, escape

_ROOT = Path(__file__).resolve().parents[2]
_BOX = (
    "background:#f7f7f7;color:#1a1a1a;border:1px solid #ccc;border-radius:4px;padding:6px 10px;margin:0;"
    "overflow-x:auto;font-size:12px;line-height:1.35;white-space:pre"
)


def show_source(
    thing, lines: tuple[int, int] | None = None, part: tuple[str, str] | None = None, docstring: bool = True
) -> Html:
    """The source of a function, method or class, with its file and line.

    lines: (first, last) counted from the `def` line as 1. part: (start, end), from the first line that
    contains `start` up to the line before the next one that contains `end` ("" for the end of the function):
    it survives edits. docstring=False leaves the docstring out.
    """
    code, path, first = _source(thing)
    last = first + len(code) - 1
    if part is not None:
        code, first = _part(thing, code, first, *part)
    elif lines is not None:
        code, first = _lines(thing, code, first, *lines)
    elif not docstring:
        code = _without_docstring(code)
    last = min(last, first + len(code) - 1)
    text = textwrap.dedent("".join(code)).rstrip()
    where = f"{path}, line {first}" + (f" to {last}" if lines or part else "")
    return Html(
        f'<div><small>{escape(where)}</small><pre style="{_BOX}">{_highlighted(text)}</pre></div>',
        f"# {where}\n{text}",
    )


def _source(thing) -> tuple[list[str], str, int]:
    """Lines, path below the repository, and the number of the first line (decorators included)."""
    thing = inspect.unwrap(thing.func if isinstance(thing, functools.partial) else thing)
    thing = thing.fget if isinstance(thing, property) else getattr(thing, "func", thing)  # cached_property
    try:
        code, first = inspect.getsourcelines(thing)
        path = Path(inspect.getsourcefile(thing)).resolve()
    except (TypeError, OSError) as error:
        raise ValueError(
            f"{thing!r} has no Python source to show; pass a function, a method or a class"
        ) from error
    return code, (path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name), first


def _lines(thing, code: list[str], first: int, start: int, end: int) -> tuple[list[str], int]:
    if not 1 <= start <= end <= len(code):
        raise ValueError(f"lines {start} to {end} do not exist: {_name(thing)} has lines 1 to {len(code)}")
    return code[start - 1 : end], first + start - 1


def _part(thing, code: list[str], first: int, start: str, end: str) -> tuple[list[str], int]:
    begin = next((i for i, line in enumerate(code) if start in line), None)
    if begin is None:
        raise ValueError(f"no line of {_name(thing)} contains {start!r}")
    stop = next(
        (i for i in range(begin + 1, len(code)) if end and end in code[i]), None if end else len(code)
    )
    if stop is None:
        raise ValueError(f"no line of {_name(thing)} after {start!r} contains {end!r}")
    return code[begin:stop], first + begin


def _without_docstring(code: list[str]) -> list[str]:
    import ast

    node = ast.parse(textwrap.dedent("".join(code))).body[0]
    doc = node.body[0] if ast.get_docstring(node) is not None and len(node.body) > 1 else None
    return code[: doc.lineno - 1] + code[doc.end_lineno :] if doc else code


def _name(thing) -> str:
    return getattr(thing, "__qualname__", repr(thing))


def _highlighted(text: str) -> str:
    """Coloured by pygments, which comes with Jupyter; without it plain. Both escape."""
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer
    except ImportError:
        return escape(text)
    return highlight(
        text, PythonLexer(), HtmlFormatter(nowrap=True, noclasses=True, style="default")
    ).rstrip()
