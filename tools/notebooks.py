"""Run the notebooks, bring them into one form, and hold them to the style the reader was promised.

    run_notebooks()                              # all of them in order, in full, nothing written
    run_notebooks(["05_ppo"], fast=True)         # RLHF_LITE_FAST=1: a few steps of everything
    run_notebooks(write=True)                    # full, and the executed notebooks replace the old ones

The .ipynb is the only source of a notebook. It is kept executed and normalised: the same run gives the same
file.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlhf_lite.data.files import atomic_write
from rlhf_lite.show.text import OUTSIDE

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TIMEOUT, FAST_TIMEOUT = 3600, 600  # seconds for one notebook
MOST_BYTES = 300_000
WIDGET = "application/vnd.jupyter.widget-view+json"
_PROGRESS = re.compile(r"\d+%\|.*\d+/\d+ \[")  # a bar of tqdm
WIDGET_TEXT = "(interactive: run this cell to use it)"
# Cells for the reader to fill: they show nothing that words beside them would have to explain.
ASKING = ("show.Predict(", "show.predictions(", "exercise = ", "def my_", "display(exercise.")
# measure: (least, most). Code is counted in non-blank lines, prose in words of the Markdown cells.
BUDGET = {
    "median cell": (1, 8),
    "90th percentile": (1, 22),
    "longest cell": (1, 40),
    "code lines": (1, 385),  # of at most 110 columns, where they can be broken; without cells to fill
    "words": (300, 2800),
    "markdown per code cell": (0.8, 2.2),
}


@dataclass
class Result:
    """How one notebook fared."""

    name: str
    seconds: float = 0.0
    error: str = ""  # the traceback of the cell that failed
    problems: list[str] = field(default_factory=list)  # what `check` found in the executed notebook

    @property
    def ok(self) -> bool:
        return not self.error and not self.problems


def run_notebooks(
    names: Iterable[str] | None = None,
    fast: bool = False,
    write: bool = False,
    *,
    folder: Path = NOTEBOOKS,
    timeout: float | None = None,
    env: dict[str, str] | None = None,
    report=None,
) -> list[Result]:
    """Execute notebooks headless, in the order of their names, each in a fresh kernel; go on after a failure.

    names: e.g. ["05_ppo"] or ["05"]; None: all. write: replace the notebook by its executed, normalised form,
    if it ran without an error and not in fast mode. env: further environment variables. report(result) is
    called after each.
    """
    if fast and write:
        raise ValueError(
            "a fast run shows no real results, so it is not written; use fast=False or write=False"
        )
    results = []
    for path in find(names, folder):
        begin, result = time.perf_counter(), Result(path.stem)
        notebook = json.loads(path.read_text("utf-8"))
        try:
            notebook = normalise(execute(notebook, path.parent, fast, timeout, env))
            result.problems = check(notebook) if not fast else []
        except RunError as error:
            result.error = str(error)
        result.seconds = time.perf_counter() - begin
        if write and not result.error:
            save(notebook, path)
        results.append(result)
        if report is not None:
            report(result)
    return results


def find(names: Iterable[str] | None = None, folder: Path = NOTEBOOKS) -> list[Path]:
    """The notebooks of a folder in order; `names` are names or beginnings of names."""
    every = sorted(Path(folder).glob("*.ipynb"))
    if names is None:
        return every
    chosen = set()
    for name in names:
        name = Path(name).stem if str(name).endswith(".ipynb") else str(name)
        found = [path for path in every if path.stem == name] or [
            path for path in every if path.stem.startswith(name)
        ]
        if not found:
            names = ", ".join(path.stem for path in every) or "none"
            raise ValueError(f"there is no notebook {name!r} in {folder}; there are: {names}")
        chosen.update(found)
    return sorted(chosen)


class RunError(RuntimeError):
    """A notebook that did not run to its end; the message is the traceback of the cell."""


def execute(
    notebook: dict,
    cwd: Path = NOTEBOOKS,
    fast: bool = False,
    timeout: float | None = None,
    env: dict[str, str] | None = None,
) -> dict:
    """Run all cells in a fresh kernel of *this* Python; returns the executed notebook."""
    import nbformat
    from jupyter_client import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    total = timeout or (FAST_TIMEOUT if fast else TIMEOUT)
    book, end = nbformat.reads(json.dumps(notebook), as_version=4), time.monotonic() + total
    manager = AsyncKernelManager(kernel_name=KERNEL["name"])
    manager.kernel_spec.argv[0] = (
        sys.executable
    )  # a python3 kernel installed elsewhere might be another Python
    client = NotebookClient(
        book,
        km=manager,
        record_timing=False,
        resources={"metadata": {"path": str(cwd)}},
        timeout_func=lambda cell: max(1, round(end - time.monotonic())),
        extra_arguments=["--log-level=ERROR"],
        shutdown_kernel="immediate",
    )
    try:
        client.execute(
            env=environment(fast, env), cleanup_kc=True
        )  # the kernel ends with the run, however that ends
    except CellExecutionError as error:
        raise RunError(_plain(str(error))) from None
    except CellTimeoutError:
        raise RunError(f"it took longer than its {total:g} seconds") from None
    except DeadKernelError:
        raise RunError("its kernel died, perhaps for lack of memory") from None
    return json.loads(nbformat.writes(book))


def environment(fast: bool = False, env: dict[str, str] | None = None) -> dict[str, str]:
    """What a notebook's kernel sees: this package importable, the hub unasked, fast mode on or off, no
    debugger noise."""
    path = os.pathsep.join(
        filter(None, [(env or {}).get("PYTHONPATH"), str(ROOT), os.environ.get("PYTHONPATH")])
    )
    quiet = {"HF_HUB_OFFLINE": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return {**quiet, **os.environ, "RLHF_LITE_FAST": "1" if fast else "0", **(env or {}), "PYTHONPATH": path}


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()


# --- one form -----------------------------------------------------------------------------------------------


def normalise(notebook: dict) -> dict:
    """The same notebook in the one form that is committed: nothing of when, where and by whom it was run.

    Cell ids 0, 1, 2 ...; execution counts 1 ... n; kernel python3; no widget state (a widget leaves a line of
    text), no timing, no version of the language; neighbouring stream outputs joined.
    """
    count, cells = 0, []
    for i, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"])
        tags = {"tags": cell["metadata"]["tags"]} if cell.get("metadata", {}).get("tags") else {}
        new = {
            "cell_type": cell["cell_type"],
            "id": str(i),
            "metadata": tags,
            "source": source.splitlines(keepends=True),
        }
        if cell["cell_type"] == "code":
            ran = bool(source.strip()) and cell.get("execution_count") is not None
            count += ran
            new["execution_count"] = count if ran else None
            new["outputs"] = _outputs(cell.get("outputs", []), count)
        elif cell.get("attachments"):
            new["attachments"] = cell["attachments"]
        cells.append(new)
    metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _outputs(outputs: list[dict], count: int) -> list[dict]:
    kept: list[dict] = []
    for output in outputs:
        output = json.loads(json.dumps(output))
        output.pop("transient", None)
        if output["output_type"] == "stream":
            text = _as_read("".join(output["text"]))
            if kept and kept[-1]["output_type"] == "stream" and kept[-1]["name"] == output["name"]:
                text = "".join(kept.pop()["text"]) + text
            if text:
                kept.append({"name": output["name"], "output_type": "stream", "text": _lines(text)})
            continue
        if "execution_count" in output:
            output["execution_count"] = count
        if "data" in output:
            output["data"] = _data(output["data"])
        kept.append(output)
    return kept


def _as_read(text: str) -> str:
    """What a terminal shows in the end: progress bars gone, overwritten text overwritten."""
    lines = []
    for line in text.split("\n"):
        left = [part for part in line.split("\r") if not _PROGRESS.search(part)]
        lines.append(left[-1].rstrip(" ") if left else "")
    return "\n".join(lines) if any(lines) else ""


def _data(data: dict) -> dict:
    """Texts as lists of lines, as notebook files have them; a widget as what stands in for it, and a line
    that says so."""
    data = {kind: _lines(value) if kind.startswith("text/") else value for kind, value in data.items()}
    if data.pop(WIDGET, None):
        data["text/plain"] = [WIDGET_TEXT]
    return data


def _lines(text: str | list[str]) -> list[str]:
    return "".join(text).splitlines(keepends=True)


def save(notebook: dict, path: Path) -> None:
    """Write a notebook the way Jupyter does, atomically."""
    with atomic_write(path) as file:
        file.write(to_text(notebook).encode())


def to_text(notebook: dict) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


# --- the style ----------------------------------------------------------------------------------------------


def measures(notebook: dict) -> dict[str, float]:
    """The numbers that `BUDGET` limits."""
    code = [_loc(cell) for cell in notebook["cells"] if cell["cell_type"] == "code" and not _asks(cell)]
    code = [lines for lines in code if lines]
    prose = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    ordered = sorted(code) or [0]
    return {
        "median cell": statistics.median(ordered),
        "90th percentile": ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))],
        "longest cell": ordered[-1],
        "code lines": sum(code),
        "words": sum(len(re.findall(r"\w[\w'’-]*", "".join(cell["source"]))) for cell in prose),
        "markdown per code cell": round(len(prose) / max(1, len(code)), 2),
    }


def _asks(cell: dict) -> bool:
    """A cell for the reader to fill."""
    return "".join(cell["source"]).startswith(ASKING)


def _loc(cell: dict) -> int:
    return sum(bool(line.strip()) for line in _lines(cell["source"]))


def check(notebook: dict | Path) -> list[str]:
    """What is wrong with an executed notebook; an empty list if nothing is."""
    if not isinstance(notebook, dict):
        notebook = json.loads(Path(notebook).read_text("utf-8"))
    return [*_check_budget(notebook), *_check_form(notebook), *_check_cells(notebook)]


def _check_budget(notebook: dict) -> Iterable[str]:
    found = measures(notebook)
    for name, (low, high) in BUDGET.items():
        if not low <= found[name] <= high:
            yield f"{name}: {found[name]:g}, should be {low:g} to {high:g}"
    size = len(to_text(notebook).encode())
    if size > MOST_BYTES:
        yield f"size: {size / 1000:.0f} kB, should be below {MOST_BYTES / 1000:.0f} kB"


def _check_form(notebook: dict) -> Iterable[str]:
    kernel = notebook.get("metadata", {}).get("kernelspec", {}).get("name")
    if kernel != KERNEL["name"]:
        yield f"kernelspec: {kernel!r}, should be {KERNEL['name']!r}"
    if "widgets" in notebook.get("metadata", {}):
        yield "metadata.widgets: widget state breaks the rendering on web pages; normalise the notebook"
    if normalise(notebook) != notebook:
        yield "not normalised: run it with write=True, or save(normalise(...))"
    if not notebook["cells"] or not "".join(notebook["cells"][0]["source"]).lstrip().startswith("# "):
        yield "the first cell is no title (# ...)"


def _check_cells(notebook: dict) -> Iterable[str]:
    for i, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"])
        problems = _code_problems(cell, source) if cell["cell_type"] == "code" else _prose_problems(source)
        yield from (f"cell {i}: {problem}" for problem in problems)


def _prose_problems(source: str) -> Iterable[str]:
    if re.search(r"!\[[^]]*\]\(\s*https?:|<img[^>]*src=[\"']?https?:", source):
        yield "a picture from the net; notebooks work offline"
    if re.search(r"!\[\s*\]\(", source):
        yield "a picture without alt text"


def _code_problems(cell: dict, source: str) -> Iterable[str]:
    if source.strip() and cell.get("execution_count") is None:
        yield "not executed"
    yield from (
        f"{call}: text built into HTML; use safe_text, table or side_by_side" for call in raw_html(source)
    )
    for output in cell.get("outputs", []):
        if output["output_type"] == "error":
            yield f"an error: {output['ename']}: {output['evalue']}"
        yield from _output_problems(output)


def _output_problems(output: dict) -> Iterable[str]:
    data = output.get("data", {})
    pictures = re.findall("<img[^>]*>", "".join(data.get("text/html", "")))
    if "image/png" in data or not all(re.search('alt="[^"]', picture) for picture in pictures):
        yield "a picture without alt text; end the cell with a figure of rlhf_lite.show"
    if output.get("name") == "stderr":
        yield f"a message on stderr: {''.join(output['text'])[:80]!r}"
    text = "".join(output.get("text", [])) + "".join(
        "".join(v) for k, v in data.items() if k.startswith("text/")
    )
    if found := re.search(r"<[\w.]+(?: object)? at 0x[0-9a-f]+>", text):
        yield f"an object without a face: {found.group()}"
    if str(ROOT) in text:
        yield f"a path of this machine: {ROOT}"
    if OUTSIDE in text:
        yield f"a result {OUTSIDE}: {re.sub('<[^>]*>', '', text).strip()[:120]}"


_RAW = {"HTML", "Markdown", "HTMLMath", "Latex", "Javascript"}


def raw_html(source: str) -> list[str]:
    """Calls like HTML(f"...") or Markdown(text) whose text is not a plain literal, and widgets that are given
    HTML put together on the spot: ways for scripts to get in."""
    try:
        tree = ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE))
    except SyntaxError:
        return re.findall(rf"\b(?:{'|'.join(_RAW)})\(\s*f[\"']", source)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _RAW:
            texts = [*node.args[:1], *(k.value for k in node.keywords if k.arg in ("value", "data"))]
            found += [
                f"{_called(node)}({ast.unparse(text)[:40]})"
                for text in texts
                if not isinstance(text, ast.Constant)
            ]
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, (ast.JoinedStr, ast.BinOp))
            and "<" in ast.unparse(node.value)
        ):
            where = [ast.unparse(target) for target in node.targets if getattr(target, "attr", "") == "value"]
            found += [f"{name} = {ast.unparse(node.value)[:40]}" for name in where]  # of a widget
    return found


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def main(argv: Sequence[str] | None = None) -> int:
    """python -m tools.notebooks [NAME ...] [--fast] [--write]"""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="e.g. 05 or 05_ppo (default: all)")
    parser.add_argument("--fast", action="store_true", help="a few steps of everything: does every cell run?")
    parser.add_argument("--write", action="store_true", help="keep the new outputs in the files")
    args = parser.parse_args(argv)

    def report(result: Result) -> None:
        print(f"{result.name}: {'ok' if result.ok else 'FAILED'}, {result.seconds:.0f} s", flush=True)
        for problem in filter(None, (result.error, *result.problems)):
            print(problem, flush=True)

    try:
        results = run_notebooks(args.names or None, fast=args.fast, write=args.write, report=report)
    except ValueError as error:
        parser.error(str(error))
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
