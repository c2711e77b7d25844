"""Putting a finished chain into the repository."""

from types import SimpleNamespace

import pytest

from rlhf_lite.chain import store
from rlhf_lite.chain.recipes import STAGES, TinyPlan
from rlhf_lite.data.files import ROOT, read_json
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
    assert sorted(p.name for p in target.iterdir()) == sorted(f"{stage}-1" for stage in STAGES)
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
