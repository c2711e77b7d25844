"""Make the students' copy of the notebooks: no results, no solutions.

Every number and picture is gone, so a guess is a guess. A function to write and
its check are cells that nbgrader knows (source/ASSIGNMENT of a course): the
answer is theirs, the check is locked and gives as many points as the exercise
has minutes.

Takes:    a second.
Leaves:   a notebook of the same name for each, in FOLDER.
Example:  rlhf-lite classroom copy ~/course/source/ppo --only 05
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from ..data.files import read_json, write_json
from .lab import NOTEBOOKS
from .terminal import say

ANSWER = re.compile(r"def my_(\w+)\(.*\nexercise\.check\(my_\w+\)\s*\Z", re.DOTALL)


def options(option: Callable) -> None:
    option("action", choices=("copy",), help="copy: write the students' notebooks")
    option("folder", type=Path, metavar="FOLDER", help="where to; it is made")
    option("--only", metavar="NN", help="only the notebook whose name begins so, e.g. 05")
    option("--replace", action="store_true", help="write over copies that are there")


def run(args: argparse.Namespace) -> None:
    chosen = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.name.startswith(args.only or "")]
    if not chosen:
        raise ValueError(f"{NOTEBOOKS} has no notebook whose name begins with '{args.only or ''}'")
    folder = args.folder.expanduser()
    there = [path.name for path in chosen if (folder / path.name).exists()]
    if there and not args.replace:
        raise ValueError(f"{folder} has {', '.join(there)}; give another folder, or --replace")
    folder.mkdir(parents=True, exist_ok=True)
    for path in chosen:
        notebook = students_copy(read_json(path), path.stem)
        write_json(folder / path.name, notebook)
        graded = sum("nbgrader" in cell["metadata"] for cell in notebook["cells"]) // 2
        say(f"{folder / path.name}: {graded} functions to write")


def students_copy(notebook: dict, name: str) -> dict:
    """The notebook without outputs and solutions, its exercises in cells that nbgrader grades."""
    cells: list[dict] = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"]).replace(", exercise.solution())", ")")
        if found := ANSWER.match(source):
            answer, check = source.rsplit("\n\n\n", 1)
            about = {"schema_version": 3, "cell_type": "code", "grade_id": f"{name}-{found[1]}"}
            cells.append(_code(answer, about | {"solution": True, "grade": False, "locked": False}))
            about |= {"grade_id": f"{about['grade_id']}-check", "points": _minutes(found[1])}
            about |= {"solution": False, "grade": True, "locked": True}
            cells.append(_code(f"{check}.require()", about))
            # "Not yet written" stops nobody who runs all cells.
            cells[-1]["metadata"]["tags"] = ["raises-exception"]
        else:
            cells.append({**cell, "source": source.splitlines(keepends=True)})
            if cell["cell_type"] == "code":
                cells[-1] |= {"outputs": [], "execution_count": None}
    return {**notebook, "cells": [{**cell, "id": str(i)} for i, cell in enumerate(cells)]}


def _code(source: str, about: dict) -> dict:
    parts = {"cell_type": "code", "outputs": [], "execution_count": None, "metadata": {"nbgrader": about}}
    return parts | {"source": source.splitlines(keepends=True)}


def _minutes(exercise: str) -> int:
    from ..show.exercises.exercise import tasks

    return tasks()[exercise].minutes
