"""The students' copy has no results and no solutions, and a grader finds its cells."""

import json

import pytest

from rlhf_lite import cli
from rlhf_lite.cli.lab import NOTEBOOKS
from rlhf_lite.show.exercises import Exercise, names
from rlhf_lite.show.exercises.exercise import tasks


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "new" / "source"
    assert cli.main(["classroom", "copy", str(folder)]) == 0
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.ipynb"))}


def test_every_notebook_is_there_without_a_result(copies):
    assert set(copies) == {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    for notebook in copies.values():
        assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
        for cell in notebook["cells"]:
            assert not cell.get("outputs") and "solution()" not in "".join(cell["source"])


def test_every_exercise_has_an_answer_and_a_locked_check_worth_its_minutes(copies):
    found = {}
    for notebook in copies.values():
        for cell in notebook["cells"]:
            if about := cell["metadata"].get("nbgrader"):
                found[about["grade_id"].split("-")[-1 - about["grade"]], about["grade"]] = cell
    assert {name for name, _ in found} == set(names())
    for name in names():
        answer, check = found[name, False], found[name, True]
        assert answer["metadata"]["nbgrader"]["solution"] and check["metadata"]["nbgrader"]["locked"]
        assert check["metadata"]["nbgrader"]["points"] == tasks()[name].minutes
        assert "".join(check["source"]) == f"exercise.check(my_{name}).require()"


@pytest.mark.parametrize("name", names())
def test_a_check_passes_with_the_solution_and_fails_without(copies, name):
    cells = ["".join(cell["source"]) for notebook in copies.values() for cell in notebook["cells"]]
    answer = next(source for source in cells if source.startswith(f"def my_{name}("))
    check = f"exercise.check(my_{name}).require()"
    room = {"exercise": Exercise(name)}
    exec(answer, room)
    with pytest.raises(AssertionError, match="not yet written"):
        exec(check, room)
    exec(check, room | {f"my_{name}": tasks()[name].solution})


def test_copies_are_not_written_over_unasked(tmp_path, capsys):
    assert cli.main(["classroom", "copy", str(tmp_path), "--only", "05"]) == 0
    assert cli.main(["classroom", "copy", str(tmp_path), "--only", "05"]) == 2
    assert "--replace" in capsys.readouterr().err
    assert cli.main(["classroom", "copy", str(tmp_path), "--only", "05", "--replace"]) == 0
    assert cli.main(["classroom", "copy", str(tmp_path), "--only", "77"]) == 2
    assert [path.name[:2] for path in tmp_path.iterdir()] == ["05"]
