"""The notebooks keep the promised style, run from top to bottom, and the tools that see to it work."""

import json
import re
from pathlib import Path

import pytest

from tools import notebooks as nbs

NOTEBOOKS = nbs.find()
OFFLINE = """
import socket

def _local(address):
    return not isinstance(address, tuple) or address[0] in ("127.0.0.1", "::1", "localhost")

def _refusing(method):
    def call(self, address, *rest):
        if not _local(address):
            raise OSError(f"a notebook asked the network for {address}")
        return method(self, address, *rest)
    return call

socket.socket.connect = _refusing(socket.socket.connect)
socket.socket.connect_ex = _refusing(socket.socket.connect_ex)
"""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_style(path):
    assert nbs.check(path) == []


@pytest.mark.notebooks
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_in_fast_mode_offline_and_changes_nothing(path, tmp_path):
    pytest.importorskip("nbclient")
    (tmp_path / "sitecustomize.py").write_text(OFFLINE)
    before = _files()
    env = {"RLHF_LITE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
    (result,) = nbs.run_notebooks([path.stem], fast=True, env=env)
    assert not result.error, result.error
    assert _files() == before


def _files() -> dict[Path, float]:
    """Everything in the repository that a notebook might write to, with its time of change."""
    return {
        path: path.stat().st_mtime
        for folder in ("notebooks", "data")
        for path in (nbs.ROOT / folder).rglob("*")
        if path.is_file()
    }


# --- the tools ----------------------------------------------------------------------------------------------


def code(source, outputs=(), count=1, **metadata):
    cell = {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": metadata, "id": "x"}
    return cell | {"execution_count": count}


def prose(text="some words"):
    return {"cell_type": "markdown", "source": text, "metadata": {}, "id": "y"}


def book(*cells, **metadata):
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def shown(data, metadata=None, kind="display_data", **more):
    return {"output_type": kind, "data": data, "metadata": metadata or {}, **more}


def good():
    """A notebook without a fault."""
    cells = [prose("# Title\n" + "word " * 60)] + [
        c for i in range(10) for c in (prose("word " * 30), code(f"x = {i}\nx"))
    ]
    return nbs.normalise(book(*cells))


def test_normalise_removes_when_where_and_by_whom():
    messy = book(
        prose("# Title\ntext"),
        code(
            "import time",
            [stream("a\n"), stream("b\n"), stream("c", "stderr")],
            17,
            execution={"iopub": "2026"},
            tags=["setup"],
        ),
        code("", [], None),
        code(
            "1",
            [shown({"text/plain": "1"}, kind="execute_result", execution_count=18)],
            18,
            papermill={},
            collapsed=True,
        ),
        code(
            "w",
            [shown({nbs.WIDGET: {"model_id": "abc"}, "text/plain": "VBox()"}, transient={"display_id": "1"})],
            30,
        ),
        widgets={"state": {}},
        kernelspec={"name": "my-env"},
        language_info={"name": "python", "version": "3.12.1"},
    )
    clean = nbs.normalise(messy)
    assert [cell["id"] for cell in clean["cells"]] == ["0", "1", "2", "3", "4"]
    assert [cell.get("execution_count") for cell in clean["cells"]] == [None, 1, None, 2, 3]
    assert clean["cells"][1]["metadata"] == {"tags": ["setup"]} and clean["cells"][3]["metadata"] == {}
    assert clean["cells"][1]["outputs"] == [stream(["a\n", "b\n"]), stream(["c"], "stderr")]
    assert clean["cells"][3]["outputs"][0]["execution_count"] == 2
    assert clean["cells"][4]["outputs"] == [shown({"text/plain": [nbs.WIDGET_TEXT]})]
    assert clean["metadata"] == {"kernelspec": nbs.KERNEL, "language_info": {"name": "python"}}
    assert nbs.normalise(clean) == clean and nbs.to_text(clean) == nbs.to_text(json.loads(nbs.to_text(clean)))


def test_normalise_gives_a_valid_notebook():
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(nbs.to_text(good()), as_version=4))


def test_normalise_leaves_no_progress_bars():
    bar = "\rsft:   0%|          | 0/60 [00:00<?, ?it/s]\rsft:  47%|####7   | 28/60 [00:07<00:05,  5.41it/s]"
    ended, other = stream(bar + "\r        \r", "stderr"), stream("kept\nold\rnew\n")
    clean = nbs.normalise(book(code("x", [stream(bar, "stderr"), shown({"text/plain": "1"}), ended, other])))
    assert clean["cells"][0]["outputs"] == [shown({"text/plain": ["1"]}), stream(["kept\n", "new\n"])]


def test_a_good_notebook_passes():
    assert nbs.check(good()) == []


PNG = {"image/png": "aGVsbG8=", "text/plain": "x"}
FAULTS = {
    "longest cell: 41": lambda nb: nb["cells"][2].update(source=["x = 1\n"] * 41),
    "code lines: 450": lambda nb: [
        cell.update(source=["x = 1\n"] * 45) for cell in nb["cells"] if cell["cell_type"] == "code"
    ],
    "median cell: 9": lambda nb: [
        cell.update(source=["x = 1\n"] * 9) for cell in nb["cells"] if cell["cell_type"] == "code"
    ],
    "words: ": lambda nb: nb["cells"][0].update(source=["# Title\n"] + ["many words "] * 3000),
    "markdown per code cell: ": lambda nb: nb.update(cells=nb["cells"][:1] + nb["cells"][2::2]),
    "size: ": lambda nb: nb["cells"][2].update(outputs=[shown({"text/plain": ["x" * 400_000]})]),
    "kernelspec: 'other'": lambda nb: nb["metadata"]["kernelspec"].update(name="other"),
    "metadata.widgets": lambda nb: nb["metadata"].update(widgets={}),
    "not normalised": lambda nb: nb["cells"][2].update(execution_count=7),
    "cell 2: not executed": lambda nb: nb["cells"][2].update(execution_count=None),
    "no title": lambda nb: nb["cells"][0].update(source=["Title " * 60]),
    "cell 2: an error: ValueError: bad": lambda nb: nb["cells"][2].update(
        outputs=[{"output_type": "error", "ename": "ValueError", "evalue": "bad", "traceback": []}]
    ),
    "cell 2: HTML(": lambda nb: nb["cells"][2].update(source=["HTML(f'<b>{answer}</b>')"]),
    "cell 2: a picture without alt": lambda nb: nb["cells"][2].update(outputs=[shown(PNG)]),
    "cell 2: a picture without alt text": lambda nb: nb["cells"][2].update(
        outputs=[shown({"text/html": ['<img alt="" src="data:image/png;base64,aGVsbG8=">']})]
    ),
    "cell 2: a message on stderr": lambda nb: nb["cells"][2].update(
        outputs=[stream(["UserWarning"], "stderr")]
    ),
    "cell 2: an object without a face": lambda nb: nb["cells"][2].update(
        outputs=[shown({"text/plain": ["<a.B at 0x7f00>"]})]
    ),
    "cell 2: a path of this machine": lambda nb: nb["cells"][2].update(
        outputs=[stream([f"{nbs.ROOT}/data"])]
    ),
    "cell 2: a result outside": lambda nb: nb["cells"][2].update(
        outputs=[shown({"text/html": [f"<b>{nbs.OUTSIDE}</b>"]})]
    ),
    "cell 1: a picture from the net": lambda nb: nb["cells"][1].update(
        source=["![a](https://x.org/a.png) " + "word " * 30]
    ),
    "cell 1: a picture without alt": lambda nb: nb["cells"][1].update(source=["![](a.png) " + "word " * 30]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_check_finds(fault):
    notebook = good()
    FAULTS[fault](notebook)
    assert any(fault in problem for problem in nbs.check(notebook)), nbs.check(notebook)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("HTML('<b>x</b>')", 0),
        ("HTML(f'<b>{x}</b>')", 1),
        ("display(HTML('<b>' + x))", 1),
        ("w.HTML(value=text)", 1),
        ("Markdown(text)", 1),
        ("HTML('%s' % x)", 1),
        ("show.table(rows)", 0),
        ("%matplotlib inline\nHTML(x)", 1),
        ("not python HTML(f'')", 1),
        ("box.value = f'<b>{x}</b>'", 1),
        ("box.value = 3", 0),
        ("box.value = show.table(rows).html", 0),
    ],
)
def test_raw_html_is_found(source, found):
    assert len(nbs.raw_html(source)) == found


def test_notebooks_are_found_by_the_beginning_of_their_name(tmp_path):
    for name in ("00_start", "01_prompts", "A1_pretraining"):
        (tmp_path / f"{name}.ipynb").write_text("{}")
    assert [p.stem for p in nbs.find(folder=tmp_path)] == ["00_start", "01_prompts", "A1_pretraining"]
    assert [p.stem for p in nbs.find(["A1", "00_start.ipynb"], tmp_path)] == ["00_start", "A1_pretraining"]
    with pytest.raises(ValueError, match="there are: 00_start, 01_prompts"):
        nbs.find(["07"], tmp_path)
    assert [p.stem for p in nbs.find(["00_start.ipynb"], tmp_path)] == ["00_start"]


def test_fast_results_are_never_written(tmp_path):
    with pytest.raises(ValueError, match="not written"):
        nbs.run_notebooks(fast=True, write=True, folder=tmp_path)


@pytest.mark.notebooks
def test_running_executes_in_order_reports_failures_and_writes(tmp_path):
    pytest.importorskip("nbclient")
    first = book(
        prose("# One"), code("import os\nprint(os.environ['RLHF_LITE_FAST'], os.getcwd())", count=None)
    )
    for name, notebook in (("00_one", first), ("01_two", book(code("1 / 0", count=None)))):
        nbs.save(nbs.normalise(notebook), tmp_path / f"{name}.ipynb")
    good, bad = nbs.run_notebooks(write=True, folder=tmp_path)
    assert (
        (good.name, bad.name) == ("00_one", "01_two") and not good.error and "ZeroDivisionError" in bad.error
    )
    written = json.loads((tmp_path / "00_one.ipynb").read_text())
    assert written["cells"][1]["outputs"][0]["text"] == [f"0 {tmp_path}\n"]
    assert nbs.normalise(written) == written and "not executed" not in str(good.problems)
    assert (
        json.loads((tmp_path / "01_two.ipynb").read_text())["cells"][0]["outputs"] == []
    )  # a failure is not kept
    (fast,) = nbs.run_notebooks(["00"], fast=True, folder=tmp_path)
    assert fast.ok
    (slow,) = nbs.run_notebooks(["01"], folder=tmp_path, env={}, timeout=0.001)
    assert slow.error


def test_the_command_reports_each_and_fails_if_one_does(capsys, monkeypatch):
    def fake(names, fast, write, report):
        asked.append((names, fast, write))
        results = [nbs.Result("01_a", 2.0), nbs.Result("02_b", 3.0, *fault)]
        for result in results:
            report(result)
        return results

    monkeypatch.setattr(nbs, "run_notebooks", fake)
    asked, fault = [], ()
    assert nbs.main([]) == 0 and capsys.readouterr().out == "01_a: ok, 2 s\n02_b: ok, 3 s\n"
    fault = ("", ["size: too large"])
    assert nbs.main(["01", "02", "--fast"]) == 1
    assert "02_b: FAILED, 3 s\nsize: too large\n" in capsys.readouterr().out
    assert asked == [(None, False, False), (["01", "02"], True, False)]


@pytest.mark.parametrize(
    "words, said",
    [("nope", "there is no notebook 'nope'"), ("--fast --write", "a fast run shows no real results")],
)
def test_the_command_refuses_in_one_line(words, said, capsys):
    with pytest.raises(SystemExit) as end:
        nbs.main(words.split())
    assert end.value.code == 2 and said in capsys.readouterr().err.splitlines()[-1]


def test_the_map_leads_to_every_notebook_and_calls_none_that_is_there_to_come():
    texts = {path.name: json.loads(path.read_text()) for path in nbs.find()}
    start = next(name for name in texts if name.startswith("00"))
    prose = "\n".join("".join(c["source"]) for c in texts[start]["cells"] if c["cell_type"] == "markdown")
    assert all(f"]({name})" in prose for name in texts if name != start)
    coming = re.findall(r"^\| (\d\d|A\d) .*\(to come\)", prose, re.MULTILINE)
    assert not [number for number in coming if any(name.startswith(number) for name in texts)]


@pytest.mark.parametrize("path", nbs.find(), ids=lambda path: path.stem)
def test_no_heading_stands_twice(path):
    cells = json.loads(path.read_text())["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    headings = re.findall(r"^#+ .+", prose, re.MULTILINE)
    assert len(headings) == len(set(headings))
