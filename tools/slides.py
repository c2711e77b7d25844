"""Slides from a notebook, as it stands with its results: an HTML page that a browser shows (reveal.js).

    python -m tools.slides 05 --to slides            slides/05_ppo.slides.html
    python -m tools.slides 05 --to slides --code     with the code, not only what it shows
    python -m tools.slides all --assets assets       for a room without a network, see below

Headings begin a slide, every other text that introduces something one below it. What follows a question to
predict is on a slide of its own: the class guesses first. Long slides scroll.

The page loads four libraries from public servers. For a room without a network, put them into a folder beside
the pages once, and name it with --assets:

    for name in reveal.js@4 jquery@2 requirejs@2 mathjax@2; do
        into=slides/assets/${name%@*}
        mkdir -p $into && tar xzf $(npm pack -s $name) -C $into --strip-components=1
    done
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter

from rlhf_lite.data.files import atomic_write
from tools.notebooks import NOTEBOOKS

GUESS = re.compile(r"\s*show\.Predict\(")


def with_slides(notebook: dict) -> dict:
    """The notebook with the kind of slide that each cell begins: a new one, one below, or none.

    Text that stands before code introduces what the code shows; any other is about what was shown before it.
    """
    after_guess = False
    for cell, coming in zip(notebook["cells"], [*notebook["cells"][1:], None], strict=True):
        source, kind = "".join(cell["source"]), "-"
        text = cell["cell_type"] == "markdown"
        introduces = coming is not None and coming["cell_type"] == "code"
        if text and source.startswith(("# ", "## ")):
            kind = "slide"
        elif after_guess or text and (introduces or source.startswith("### ")):
            kind = "subslide"
        after_guess = bool(GUESS.match(source))
        if after_guess or "exercise.hint()" in source:  # a line to type in, a fold: nothing to look at
            kind = "skip"
        cell["metadata"]["slideshow"] = {"slide_type": kind}
    return notebook


def write(path: Path, folder: Path, code: bool = False, assets: str = "") -> Path:
    """The slides of one notebook in `folder`, which is made."""
    exporter = SlidesExporter(exclude_input=not code, exclude_input_prompt=True, exclude_output_prompt=True)
    exporter.reveal_scroll = True
    if assets:
        exporter.reveal_url_prefix = f"{assets}/reveal.js"
        exporter.jquery_url = f"{assets}/jquery/dist/jquery.min.js"
        exporter.require_js_url = f"{assets}/requirejs/require.js"
        exporter.mathjax_url = f"{assets}/mathjax/MathJax.js?config=TeX-AMS_CHTML-full,Safe"
    page, _ = exporter.from_notebook_node(with_slides(nbformat.read(path, as_version=4)))
    # MathJax would break lines, and so make a table's column as wide as a line.
    page = page.replace("automatic: true", "automatic: false")
    into = folder / f"{path.stem}.slides.html"
    with atomic_write(into) as file:
        file.write(page.encode())
    return into


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.slides", description=__doc__.partition("\n")[0])
    parser.add_argument("name", help="how the notebook's file name begins, e.g. 05; all: every one")
    parser.add_argument("--to", type=Path, default=Path("slides"), help="folder of the pages")
    parser.add_argument("--code", action="store_true", help="show the code, too")
    parser.add_argument("--assets", default="", help="folder of the libraries, as seen from the pages")
    args = parser.parse_args(argv)
    chosen = sorted(NOTEBOOKS.glob("*.ipynb" if args.name == "all" else f"{args.name}*.ipynb"))
    if not chosen:
        there = ", ".join(sorted(path.stem[:2] for path in NOTEBOOKS.glob("*.ipynb")))
        parser.error(f"no notebook begins with {args.name!r}; there are: {there}")
    for path in chosen:
        print(write(path, args.to, args.code, args.assets))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
