"""Recorded sweeps: one setting changed and nothing else, every run kept once, curves with their spread."""

import json
import shutil

import pytest

from rlhf_lite import cli
from rlhf_lite.chain import sweeps
from rlhf_lite.chain.recipes import STAGES, TinyPlan
from rlhf_lite.config import ConfigError
from rlhf_lite.data import files


@pytest.mark.parametrize("name", sweeps.SWEEPS)
def test_a_sweep_changes_one_knob_and_only_stages_that_depend_on_it(name):
    sweep = sweeps.SWEEPS[name]
    plans = [TinyPlan(sweep.config(value, seed=1)) for value in sweep.values]
    assert len({plan.key(sweep.stage) for plan in plans}) == len(sweep.values)
    changed = [stage for stage in STAGES if len({plan.key(stage) for plan in plans}) > 1]
    assert changed[0] in (sweep.of, sweep.stage) and set(changed) <= set(
        list(STAGES)[list(STAGES).index(sweep.of) :]
    )
    if sweep.ours is not None:
        assert sweep.ours in sweep.values and TinyPlan(sweep.config(sweep.ours, seed=0)).key(
            sweep.stage
        ) == TinyPlan().key(sweep.stage)
    assert sweep.papers


def test_values_out_of_range_are_refused_before_anything_runs(tmp_path):
    with pytest.raises(ConfigError, match="kl_beta = -1"):
        sweeps.record_all("kl_beta", values=(-1.0,), into=tmp_path)
    with pytest.raises(ValueError, match="no sweep 'nope'; there are: kl_beta, ptx_gamma, lr, k"):
        sweeps.record_all("nope", into=tmp_path)
    with pytest.raises(ValueError, match="there are: none. Record it with: rlhf-lite sweep kl_beta"):
        sweeps.load("kl_beta", tmp_path)


def test_what_is_needed_comes_first():
    *before, last = TinyPlan().needed("ppo")
    assert set(before) == set(list(STAGES)[: list(STAGES).index("baselines")]) and len(before) == len(
        set(before)
    )
    assert last == "ppo" and all(
        before.index(needed) < i for i, stage in enumerate(before) for needed in STAGES[stage]
    )


@pytest.mark.slow
def test_recorded_runs_are_small_complete_and_not_made_twice(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path / "home"))
    kept = tmp_path / "kept"
    words = f"sweep kl_beta --values 0 0.5 --seeds 0 --profile smoke --into {kept}".split()
    assert cli.main(words) == 0
    assert "2 of 2 runs" in (shown := capsys.readouterr()).err and "gold/mean" in shown.out
    records = {path.name: path for path in (kept / "kl_beta").iterdir()}
    assert set(records) == {"0-seed-0.json", "0.5-seed-0.json", "SHA256SUMS"}
    assert max(path.stat().st_size for path in records.values()) < 20_000
    run = json.loads(records["0.5-seed-0.json"].read_text())
    assert (
        run["config"]["kl_beta"] == 0.5
        and run["seed"] == 0
        and run["commit"]
        and len(run["samples"]) == sweeps.SHOWN_PROMPTS
    )
    assert {"prompt", "response", "gold"} == set(run["samples"][0])
    del records["SHA256SUMS"]
    before = {name: path.stat().st_mtime_ns for name, path in records.items()}
    assert cli.main(words) == 0 and "of" not in capsys.readouterr().err
    assert {name: path.stat().st_mtime_ns for name, path in records.items()} == before
    found = sweeps.load("kl_beta", kept)
    assert list(found) == [0.0, 0.5] and sweeps.recorded(kept) == ["kl_beta"]
    records["0.5-seed-0.json"].write_text(json.dumps({**run, "value": 0.4}))
    with pytest.raises(ValueError, match="0.5-seed-0.json is not what SHA256SUMS says"):
        sweeps.load("kl_beta", kept)


def test_a_curve_is_the_mean_over_runs_at_the_steps_that_all_of_them_have():
    first = [{"step": 0, "x": 1.0}, {"step": 1, "x": 3.0}, {"step": 2}]
    second = [{"step": 0, "x": 2.0}, {"step": 1, "x": 3.0}]
    steps, means = sweeps.curve([{"trace": first}, {"trace": second}], "x")
    assert (
        steps == [0, 1]
        and [m.mean for m in means] == [1.5, 3.0]
        and means[0].low < 1.0
        and means[1].low == 3.0
    )


@pytest.mark.parametrize("name", sweeps.SWEEPS)
def test_shipped_sweeps_have_three_seeds_at_every_value_and_are_small(name):
    found = sweeps.load(name)
    assert sorted(found) == sorted(sweeps.SWEEPS[name].values)
    assert all({run["seed"] for run in repeats} == {0, 1, 2} for repeats in found.values())
    assert all(run["commit"] and run["trace"] for repeats in found.values() for run in repeats)
    assert sum(path.stat().st_size for path in (sweeps.SHIPPED_SWEEPS / name).iterdir()) < 3_000_000


def test_of_shipped_runs_only_what_is_listed_is_read(tmp_path, monkeypatch):
    """A record that somebody added or changed would be an average's part without a word."""
    monkeypatch.setattr(files, "ROOT", tmp_path)
    place = tmp_path / "data" / "sweeps"
    shutil.copytree(sweeps.SHIPPED_SWEEPS / "k", place / "k")
    assert list(sweeps.load("k", place)) == [2, 4, 9]
    shutil.copy(place / "k" / "2-seed-0.json", place / "k" / "2-seed-7.json")
    with pytest.raises(ValueError, match="2-seed-7.json is not in SHA256SUMS; move it elsewhere"):
        sweeps.load("k", place)
    (place / "k" / "2-seed-7.json").unlink()
    (place / "k" / "SHA256SUMS").unlink()
    with pytest.raises(ValueError, match="SHA256SUMS cannot be read .* git checkout"):
        sweeps.load("k", place)


def test_ends_lie_where_the_runs_do():
    """With three runs that scatter, a t-interval of a KL would begin below 0."""
    found = {0.1: [{"trace": [{"kl": 0.0}, {"kl": kl}]} for kl in (2.0, 8.0, 26.0)]}
    (end,) = sweeps.ends(found, "kl", last=1).values()
    assert (end.mean, end.low, end.high, end.n) == (12.0, 2.0, 26.0, 3)
