"""Recorded experiments: a few settings changed and nothing else, every run kept once, curves with their
spread."""

import json
import shutil

import pytest

from rlhf_lite import cli
from rlhf_lite.chain import experiments
from rlhf_lite.chain.questions import EXPERIMENTS
from rlhf_lite.chain.recipes import FOLDS, STAGES, ChainConfig, TinyPlan
from rlhf_lite.chain.tiny import Chain
from rlhf_lite.config import ConfigError
from rlhf_lite.data import files
from rlhf_lite.world import COLLECTIONS
from rlhf_lite.world.labelers import make_pool


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_arms_differ_and_only_in_what_depends_on_their_settings(name):
    experiment = EXPERIMENTS[name]
    plans = [TinyPlan(experiment.config(arm, seed=1)) for arm in experiment.arms]
    assert len({plan.key(experiment.stage) for plan in plans}) == len(plans) > 1
    touched = {knob.partition(".")[0] for changes in experiment.arms.values() for knob in changes}
    changed = next(stage for stage in STAGES if len({plan.key(stage) for plan in plans}) > 1)
    assert changed in touched | {"base", "prompts", "sft", "rankings", "reward"}
    assert experiment.says and (not experiment.knobs or experiment.papers)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_rules_can_hold_and_can_fail(name):
    """Every claim reads numbers that are measured, of arms that are there."""
    for claim in EXPERIMENTS[name].claims:
        seen = [claim.measure({arm: _Any(x) for arm in EXPERIMENTS[name].arms}) for x in (0.5, 0.5)]
        assert claim.verdict([{arm: _Any(0.5) for arm in EXPERIMENTS[name].arms}] * 3) and seen[0] == seen[1]
        assert claim.low > float("-inf") or claim.high < float("inf")


INSIDE = ("skills", "valid", "held_out", "left_out", "ppo_ptx", "prompted", "truth", "unasked_t1")


class _Any(dict):
    """Measured numbers that are all the same, under whatever name."""

    def __init__(self, value):
        super().__init__(one=value)
        self.value = value

    def __missing__(self, name):
        return self if name in INSIDE else self.value


def test_values_out_of_range_are_refused_before_anything_runs(tmp_path):
    with pytest.raises(ConfigError, match="kl_beta = -1"):
        experiments.record_all("kl_beta", arms=(-1.0,), into=tmp_path)
    with pytest.raises(ValueError, match="no experiment 'nope'; there are: kl_beta, ptx_gamma, lr, k"):
        experiments.record_all("nope", into=tmp_path)
    with pytest.raises(ValueError, match="there are: none. Record it with: rlhf-lite experiment kl_beta"):
        experiments.load("kl_beta", tmp_path)


def test_what_is_needed_comes_first():
    *before, last = TinyPlan().needed("ppo")
    assert set(before) == set(list(STAGES)[: list(STAGES).index("baselines")]) - set(COLLECTIONS) and len(
        before
    ) == len(set(before))
    assert last == "ppo" and all(
        before.index(needed) < i for i, stage in enumerate(before) for needed in STAGES[stage]
    )


def test_a_second_turn_learns_from_as_many_rankings_and_of_the_first_ones_policy():
    chain = Chain(EXPERIMENTS["turns"].config("two turns", seed=0), shipped=())
    first = TinyPlan(chain.last_turn)
    assert chain.last_turn.turn == 1 and chain.last_turn.rankings.train_prompts == 7000
    assert chain.inputs("rankings")["ppo_ptx of the last turn"] == first.key("ppo_ptx")
    assert first.last_turn is None and first.key("sft") == chain.key("sft")


def test_models_of_another_size_judge_and_are_made_from_that_size():
    plan = TinyPlan(EXPERIMENTS["reward_size"].config("XS, judged by S", seed=0))
    default = TinyPlan(plan.sized)
    assert plan.inputs("reward")["start"] == default.key("start") == TinyPlan().key("start")
    assert plan.key("reward") != default.key("reward")  # it ranks what XS says
    assert TinyPlan(ChainConfig(reward_size="S")).key("reward") == TinyPlan().key("reward")


def test_every_labeler_is_left_out_once():
    chains = [Chain(ChainConfig(fold=n), shipped=()) for n in range(1, FOLDS + 1)]
    out = [person for chain in chains for person in chain.left_out]
    assert sorted(out) == sorted(person.id for person in make_pool(0)) and Chain().left_out == []
    assert len({chain.key("reward") for chain in chains}) == FOLDS
    assert len({chain.key("rankings") for chain in chains}) == 1


def test_fewer_demonstrations_leave_all_other_prompts_as_they_are():
    few = TinyPlan(EXPERIMENTS["sft_epochs"].config(4, seed=0))
    assert few.key("prompts") == TinyPlan().key("prompts") and few.key("sft") != TinyPlan().key("sft")


def test_people_are_as_noisy_about_the_answers_of_a_beam_search():
    plan = TinyPlan(EXPERIMENTS["search"].config("beam search", seed=0))
    assert plan.inputs("rankings")["ranked before"] == TinyPlan().key("rankings")
    assert TinyPlan().ranked_before is None


def test_likeness_is_the_share_of_words_in_common():
    same, apart = {"completions": ["a cat", "A cat"]}, {"completions": ["a cat", "two dogs", "a cow"]}
    assert experiments.likeness([same]) == 1.0
    assert experiments.likeness([apart]) == pytest.approx((0 + 1 / 3 + 0) / 3)


ELSEWHERE = [
    ("turns", "two turns"),
    ("search", "beam search"),
    ("folds", "without group 2"),
    ("reward_size", "XS, judged by S"),
]


@pytest.mark.slow
@pytest.mark.parametrize("name, arm", ELSEWHERE)
def test_arms_that_reach_into_other_chains_run(tmp_path, monkeypatch, name, arm):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path / "home"))
    words = ["experiment", name, "--arms", arm, "--seeds", "0", "--profile", "smoke", "--into", str(tmp_path)]
    assert cli.main(words) == 0
    (run,) = experiments.load(name, tmp_path)[arm]
    measured = run["measured"]
    assert measured["gold"] if run["stage"] == "ppo_ptx" else measured["valid"]["accuracy"]
    if name == "folds":
        assert measured["left_out"]["pairs"] > 0


@pytest.mark.slow
def test_recorded_runs_are_small_complete_and_not_made_twice(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path / "home"))
    kept = tmp_path / "kept"
    words = f"experiment kl_beta --arms 0 0.5 --seeds 0 --profile smoke --into {kept}".split()
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
        and len(run["samples"]) == experiments.SHOWN_PROMPTS
    )
    assert {"prompt", "response", "gold"} == set(run["samples"][0])
    del records["SHA256SUMS"]
    before = {name: path.stat().st_mtime_ns for name, path in records.items()}
    assert cli.main(words) == 0 and "of" not in capsys.readouterr().err
    assert {name: path.stat().st_mtime_ns for name, path in records.items()} == before
    found = experiments.load("kl_beta", kept)
    assert list(found) == [0.0, 0.5] and experiments.recorded(kept) == ["kl_beta"]
    records["0.5-seed-0.json"].write_text(json.dumps({**run, "arm": 0.4}))
    with pytest.raises(ValueError, match="0.5-seed-0.json is not what SHA256SUMS says"):
        experiments.load("kl_beta", kept)


def test_a_curve_is_the_mean_over_runs_at_the_steps_that_all_of_them_have():
    first = [{"step": 0, "x": 1.0}, {"step": 1, "x": 3.0}, {"step": 2}]
    second = [{"step": 0, "x": 2.0}, {"step": 1, "x": 3.0}]
    steps, means = experiments.curve([{"trace": first}, {"trace": second}], "x")
    assert (
        steps == [0, 1]
        and [m.mean for m in means] == [1.5, 3.0]
        and means[0].low < 1.0
        and means[1].low == 3.0
    )


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_shipped_experiments_have_three_seeds_in_every_arm_and_are_small(name):
    if name not in experiments.recorded():
        pytest.skip("not recorded yet")
    found = experiments.load(name)
    assert list(found) == list(EXPERIMENTS[name].arms)
    assert all({run["seed"] for run in repeats} == {0, 1, 2} for repeats in found.values())
    assert all(run["commit"] and run["trace"] for repeats in found.values() for run in repeats)
    assert sum(path.stat().st_size for path in (experiments.SHIPPED_EXPERIMENTS / name).iterdir()) < 3_000_000


def test_of_shipped_runs_only_what_is_listed_is_read(tmp_path, monkeypatch):
    """A record that somebody added or changed would be an average's part without a word."""
    monkeypatch.setattr(files, "ROOT", tmp_path)
    place = tmp_path / "data" / "experiments" / "k"
    place.mkdir(parents=True)
    names = [f"{k}-seed-0.json" for k in (2, 9, 4)]
    for name in names:
        (place / name).write_text(json.dumps({"arm": int(name[0]), "seed": 0}))
    files.write_sums(place, names)
    assert list(experiments.load("k", place.parent)) == [2, 4, 9]
    shutil.copy(place / "2-seed-0.json", place / "2-seed-7.json")
    with pytest.raises(ValueError, match="2-seed-7.json is not in SHA256SUMS; move it elsewhere"):
        experiments.load("k", place.parent)
    (place / "2-seed-7.json").unlink()
    (place / "SHA256SUMS").unlink()
    with pytest.raises(ValueError, match="SHA256SUMS cannot be read .* git checkout"):
        experiments.load("k", place.parent)


def test_ends_lie_where_the_runs_do():
    """With three runs that scatter, a t-interval of a KL would begin below 0."""
    found = {0.1: [{"trace": [{"kl": 0.0}, {"kl": kl}]} for kl in (2.0, 8.0, 26.0)]}
    (end,) = experiments.ends(found, "kl", last=1).values()
    assert (end.mean, end.low, end.high, end.n) == (12.0, 2.0, 26.0, 3)
