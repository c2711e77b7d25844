"""The plan of the house: which room may use which, how large each may be, what stays out of the core.

docs/ARCHITECTURE.md draws the same floors.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from rlhf_lite.chain import store

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "rlhf_lite"
FLOORS = (
    "paper", "config", "data", "labels", "world", "hardware", "models", "train", "evaluate", "chain",
    "export", "show", "cli", "__main__",
)  # fmt: skip
CORE = (
    "config", "models.tokens", "models.gpt2", "models.heads", "models.losses", "models.sampling",
    "train.batches", "train.optim", "train.loop", "train.sft", "train.reward", "train.ppo",
)  # fmt: skip

# Physical lines. These numbers are to fall: the package to 9,000. It rose once, by 920, when it learned to
# read what strangers bring, to know labelers by name, to seal what is shipped, to share a folder; by 140,
# when it learned to measure rudeness, bias and what a model admits not to know, and to prepare a class;
# by 500, when claims became rules and experiments arms (a hundred of these came from show/); and by 340, when
# the loop took a second turn, judges got sizes of their own, answers were searched,
# and short steps on a GPU became graphs.
LIMITS = {
    "lines of the core": 2_500,
    "lines of the package without world/ and show/": 13_060,
    "loose modules": 5,
    "lines of a function": 63,
    "columns": 110,
}
TABLES = {
    "paper.py",
    "config.py",
    "chain/questions.py",
    "evaluate/claims.py",
    "data/records.py",
    "data/sets.py",
    "world",
}  # files or rooms that hold tables
WORDINGS = "rlhf_lite/world/"  # how people ask and answer: a line each, however long


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def imports(name: str) -> tuple[str, ...]:
    """The modules that a module imports, wherever in it: also in functions, also for type checkers only."""
    return tuple(_imports(name))


def _imports(name: str) -> Iterator[str]:
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:  # a name may be a module, or something in the base
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base


def floor(name: str) -> int:
    return FLOORS.index(name.split(".")[1])


def lines(name: str) -> int:
    return len(MODULES[name].read_text().splitlines())


def tracked(*patterns: str) -> list[Path]:
    """The repository's own files, without what was built or run in it."""
    rooms = ("rlhf_lite", "tests", "tools", "benchmarks", "docs", "notebooks")
    found = [path for pattern in patterns for room in rooms for path in (ROOT / room).rglob(pattern)]
    found += [path for pattern in patterns for path in ROOT.glob(pattern)]
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


# --- floors
# -----------------------------------------------------------------------------------------------------------


def test_imports_go_down_the_floors_only():
    up = [
        f"{name} -> {other}"
        for name in MODULES
        for other in imports(name)
        if name != "rlhf_lite" and other in MODULES
        # the package's own face is for its users: behind it every floor can be reached
        if other == "rlhf_lite" or (name.split(".")[1] != other.split(".")[1] and floor(other) >= floor(name))
    ]
    assert not up, "\n".join(up)


def test_no_imports_go_round_in_circles():
    graph = {name: {other for other in imports(name) if other in MODULES} for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_tools_and_tests_are_above_the_package():
    outside = {
        f"{name} -> {other}"
        for name in MODULES
        for other in imports(name)
        if other.split(".")[0] in ("tools", "tests", "benchmarks")
    }
    assert outside == {"rlhf_lite.cli.bench -> benchmarks"}  # the command that starts them, where they are


def test_no_test_module_imports_another():
    found = []
    for path in (ROOT / "tests").glob("*.py"):
        for line in re.findall(r"^\s*(?:from|import) +(?:tests\.)?test_.*", path.read_text(), re.MULTILINE):
            found.append(f"{path.name}: {line.strip()}")
    assert not found, "\n".join(found)


def test_the_core_needs_no_data_sets_and_no_notebook():
    blocked = ("datasets", "ipywidgets", "jupyterlab", "IPython", "matplotlib")
    code = f"import sys\nfor name in {blocked}: sys.modules[name] = None\n"
    code += "".join(f"import rlhf_lite.{name}\n" for name in CORE)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


# --- sizes
# ------------------------------------------------------------------------------------------------------------


def test_the_core_can_be_read_in_an_evening():
    sizes = {name: lines(f"rlhf_lite.{name}") for name in CORE}
    assert sum(sizes.values()) <= LIMITS["lines of the core"], sizes


def test_the_package_stays_small():
    sizes = {name: lines(name) for name in MODULES if name.split(".")[1:2] not in (["world"], ["show"])}
    assert sum(sizes.values()) <= LIMITS["lines of the package without world/ and show/"], sizes


def test_what_is_no_room_is_rare():
    assert len(list(PACKAGE.glob("*.py"))) <= LIMITS["loose modules"]


def test_functions_fit_on_a_screen():
    long = []
    for path in tracked("*.py"):
        if path.parent.name == "tests":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                size = node.end_lineno - node.lineno + 1
                if size > LIMITS["lines of a function"]:
                    long.append(f"{path.relative_to(ROOT)}: {node.name} has {size} lines")
    assert not long, "\n".join(long)


def test_lines_fit_beside_another_window():
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > LIMITS["columns"] and WORDINGS not in path.as_posix()
    ]
    assert not long, "\n".join(long)


def test_only_tables_keep_a_form_of_their_own():
    own = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if "# fmt: skip" in path.read_text()}
    assert {path.as_posix() for path in own if not {path.as_posix(), path.parts[0]} & TABLES} == set()


# --- nothing private
# --------------------------------------------------------------------------------------------------


def test_no_file_tells_of_the_machine_it_was_written_on():
    private = [f"{ROOT}/", f"{Path.home()}/"]
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked("*.py", "*.md", "*.toml", "*.txt", "*.ipynb", "*.yaml")
        for word in private
        if len(word) > 5 and word in path.read_text(encoding="utf-8")
    ]
    assert not found, "\n".join(found)


def test_no_test_looks_into_a_users_run_folder():
    code = "from rlhf_lite.chain import store; print(store.home())"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    assert Path(told) == store.home() and "rlhf-lite-tests-" in told


# --- the pages about it
# -----------------------------------------------------------------------------------------------


def defined(module: str) -> set[str]:
    """Functions, classes and assigned names at the top of a module."""
    found = set()
    for node in ast.parse(MODULES[module].read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return found


@pytest.mark.parametrize("page", ["docs/ARCHITECTURE.md", "docs/TEACHING.md", "README.md", "CONTRIBUTING.md"])
def test_pages_name_only_what_there_is(page):
    rooms = "|".join(path.name for path in PACKAGE.iterdir() if path.is_dir())
    missing = []
    for name in re.findall(rf"`((?:{rooms})\.[A-Za-z_.]+)`", (ROOT / page).read_text()):
        module, _, member = f"rlhf_lite.{name}".rpartition(".")
        here = f"rlhf_lite.{name}" in MODULES or (module in MODULES and member in defined(module))
        if not here and not (ROOT / name).exists():
            missing.append(name)
    for name in re.findall(r"`((?:\w+/)+\w+\.py)`", (ROOT / page).read_text()):
        if not ((ROOT / name).exists() or (PACKAGE / name).exists()):
            missing.append(name)
    assert not missing, missing
