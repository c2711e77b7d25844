"""Several runs of the chain: archives, means over seeds, the table that a shell shows."""

import json
import math
from types import SimpleNamespace

import pytest

from rlhf_lite.chain.plan import Plan
from rlhf_lite.data.files import read_jsonl
from rlhf_lite.evaluate.seeds import SHIPPED_SEEDS, each, over_ratios, over_seeds, read_reports
from rlhf_lite.show.tables import CLAIMS, seeds_table


def test_over_seeds_is_students_interval():
    found = over_seeds([{"a": {"mean": x, "low": 0}} for x in (1.0, 2.0, 3.0)], "a")
    assert found.mean == 2 and found.n == 3
    assert found.high - found.mean == pytest.approx(4.303 / math.sqrt(3), rel=1e-3)
    assert each([{"a": {"b": 4}}], "a", "b") == [4]


def test_archive_keeps_report_settings_and_traces_but_no_weights(tmp_path):
    folder = tmp_path / "stage"
    folder.mkdir()
    for name in ("trace.jsonl", "report.json", "model.safetensors"):
        (folder / name).write_text('{"step": 0}\n')
    found = SimpleNamespace(folder=folder, summary={"seconds": 1.0, "commit": "abc"})
    plan = SimpleNamespace(
        needs=("sft", "ppo", "evaluation"),
        settings=lambda stage: {"seed": 1},
        find=lambda stage: found,
        key=lambda stage: "0" * 10,
    )
    Plan.archive(plan, tmp_path / "kept")
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == [
        "SHA256SUMS",
        "evaluation.trace.jsonl",
        "ppo.trace.jsonl",
        "report.json",
        "sft.trace.jsonl",
        "stages.json",
    ]
    assert json.loads((tmp_path / "kept" / "stages.json").read_text())["ppo"]["commit"] == "abc"
    assert read_reports([tmp_path / "kept"]) == [{"step": 0}]
    assert read_jsonl(tmp_path / "kept" / "ppo.trace.jsonl") == [{"step": 0}]
    (tmp_path / "kept" / "report.json").write_text('{"step": 1}\n')
    with pytest.raises(ValueError, match="report.json is not what SHA256SUMS says"):
        read_reports([tmp_path / "kept"])


def test_ratios_are_taken_within_each_run():
    reports = [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]
    assert over_ratios(reports, ("a",), ("b",)).mean == pytest.approx(0.625)
    assert math.isnan(over_ratios([{"a": 1.0, "b": 0.0}], ("a",), ("b",)).mean)


def test_shipped_runs_are_three_seeds_and_two_base_models():
    reports = read_reports()
    assert len(reports) >= 3 and len({r["config"]["seed"] for r in reports}) >= 3
    assert len({r["config"]["base_seed"] for r in reports}) >= 2
    columns, rows = seeds_table(reports)
    assert len(columns) == 2 + len(reports) and len(rows) > len(CLAIMS)
    assert SHIPPED_SEEDS.is_dir()


def test_an_empty_folder_of_archives_says_how_to_make_one(monkeypatch, tmp_path):
    monkeypatch.setattr("rlhf_lite.evaluate.seeds.SHIPPED_SEEDS", tmp_path)
    with pytest.raises(ValueError, match="rlhf-lite run --seed 1 --archive"):
        read_reports()
