"""Putting a finished chain into the repository."""

from types import SimpleNamespace

import pytest

from rlhf_lite.chain import store
from rlhf_lite.chain.recipes import STAGES, TinyPlan
from rlhf_lite.data.files import ROOT, read_json
from rlhf_lite.world import COLLECTIONS
from tools import ship


@pytest.fixture
def plan(tmp_path):
    """A plan whose stages are all finished, in a run folder."""

    def find(stage):
        folder = tmp_path / "home" / f"{stage}-1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "summary.json").write_text(stage)
        return SimpleNamespace(folder=folder)

    return SimpleNamespace(find=find, folder_name=lambda stage: f"{stage}-1")


def test_a_chain_replaces_the_shipped_one(plan, tmp_path):
    target = tmp_path / "runs"
    (target / "base-0").mkdir(parents=True)
    ship.ship(plan, target)
    assert sorted(p.name for p in target.iterdir()) == sorted(
        f"{stage}-1" for stage in STAGES if stage not in COLLECTIONS
    )
    assert (target / "ppo-1" / "summary.json").read_text() == "ppo"


def test_an_unfinished_chain_is_refused_before_anything_is_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path / "home"))
    (tmp_path / "runs" / "base-0").mkdir(parents=True)
    with pytest.raises(ValueError, match="not finished: base-.*rlhf-lite run"):
        ship.ship(TinyPlan(shipped=()), tmp_path / "runs")
    assert (tmp_path / "runs" / "base-0").exists()


def test_readme_and_picture_are_those_of_the_shipped_report():
    table = ship.TABLE.search((ROOT / "README.md").read_text())[0]
    report = read_json(store.SHIPPED / TinyPlan().folder_name("evaluation") / "report.json")
    assert table == ship.readme_table(report)
    assert ship.with_tables((ROOT / "README.md").read_text(), report) == (ROOT / "README.md").read_text()


# --- slides -------------------------------------------------------------------------------------------------


def _cell(kind: str, source: str) -> dict:
    return {"cell_type": kind, "source": source, "metadata": {}}


def test_headings_and_what_follows_a_guess_begin_a_slide():
    from tools.slides import with_slides

    cells = [
        _cell("markdown", "# Title"),
        _cell("code", "1"),
        _cell("markdown", "What will it be?"),
        _cell("code", "show.Predict('What?')"),
        _cell("code", "2"),
        _cell("markdown", "It was 2."),
        _cell("markdown", "## Next"),
        _cell("code", "display(exercise.hint(), exercise.solution())"),
    ]
    kinds = [cell["metadata"]["slideshow"]["slide_type"] for cell in with_slides({"cells": cells})["cells"]]
    assert kinds == ["slide", "-", "subslide", "skip", "subslide", "-", "slide", "skip"]


def test_slides_hold_the_notebooks_results_and_an_unknown_one_is_told(tmp_path, capsys):
    from tools import slides

    assert slides.main(["06", "--to", str(tmp_path), "--assets", "here"]) == 0
    page = (tmp_path / "06_ppo_ptx.slides.html").read_text()
    assert (
        page.count("<section") > 20 and 'src="here/mathjax/MathJax.js' in page and "show.Predict" not in page
    )
    with pytest.raises(SystemExit):
        slides.main(["77", "--to", str(tmp_path)])
    assert "there are: 00, 01" in capsys.readouterr().err
