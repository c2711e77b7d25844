"""Stages: found by hash, sealed last, damage named, a half-written one resumed, shipped ones current."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from rlhf_lite.chain import store, tiny
from rlhf_lite.chain.plan import UnknownStage
from rlhf_lite.chain.recipes import STAGES, ChainConfig, TinyPlan
from rlhf_lite.chain.tiny import Chain
from rlhf_lite.config import ConfigError, RankingsConfig
from rlhf_lite.data.files import write_json


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def make(folder):
    (folder / "model.bin").write_bytes(b"weights")
    return {"loss": 1.5}


def test_a_stage_is_built_once_and_found_again(own_home):
    found = store.build("toy-1", {"lr": 1}, {}, make)
    assert store.find("toy-1", (own_home,)).summary == found.summary
    assert found.summary["result"] == {"loss": 1.5} and found.summary["versions"]["torch"]


@pytest.mark.parametrize("harm", ["truncate", "change", "remove", "summary"])
def test_damage_is_named_and_only_that_stage_is_rebuilt(own_home, harm):
    for name in ("toy-1", "toy-2"):
        store.build(name, {}, {}, make)
    target = own_home / "toy-1" / ("summary.json" if harm == "summary" else "model.bin")
    target.unlink() if harm == "remove" else target.write_bytes(
        {"truncate": b"wei", "change": b"weightz", "summary": b"{"}[harm]
    )
    with pytest.warns(UserWarning, match=target.name):
        assert store.find("toy-1", (own_home,)) is None
    assert store.find("toy-2", (own_home,)) is not None
    store.build("toy-1", {}, {}, make)
    assert store.find("toy-1", (own_home,)) is not None


def test_a_failed_build_leaves_no_finished_stage_and_its_files_stay(own_home):
    def interrupted(folder):
        (folder / "checkpoint.json").write_text("{}")
        return None

    with pytest.raises(KeyboardInterrupt):
        store.build("toy-1", {}, {}, interrupted)
    assert store.find("toy-1", (own_home,)) is None and (own_home / "toy-1" / "checkpoint.json").exists()


def test_a_full_disk_leaves_the_last_good_state(own_home, monkeypatch):
    path = own_home / "state.json"
    write_json(path, {"step": 1})

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {"step": 2})
    assert json.loads(path.read_text()) == {"step": 1} and [p.name for p in own_home.iterdir()] == [
        "state.json"
    ]


def test_a_setting_changes_the_keys_of_what_depends_on_it_and_of_nothing_else():
    chain = Chain()
    other = chain.with_(**{"ppo.kl_beta": 0.123})
    changed = {stage for stage in STAGES if chain.key(stage) != other.key(stage)}
    assert changed == {"ppo", "evaluation"}
    assert {s for s in STAGES if chain.key(s) != Chain(ChainConfig(seed=1)).key(s)} == set(STAGES) - {"base"}
    assert set(TinyPlan.versions) == set(STAGES) == set(Chain.builders)


def test_unknown_stages_are_refused_with_the_valid_names():
    with pytest.raises(UnknownStage, match="sft.*ppo_ptx"):
        Chain().key("pppo")
    with pytest.raises(UnknownStage, match="base, sft, start"):
        Chain().policy("reward")


def test_the_shipped_stages_are_those_of_the_defaults():
    chain = Chain()
    for stage in STAGES:
        assert store.find(chain.folder_name(stage), (store.SHIPPED,)), (
            f"data/runs has no {chain.folder_name(stage)}"
        )


def test_keys_do_not_depend_on_the_process():
    code = "from rlhf_lite.chain.recipes import *; print([TinyPlan().key(s) for s in STAGES])"
    outs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": s},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for s in ("1", "2")
    }
    assert len(outs) == 1


class _Stop:
    """A Stop button that was pressed."""

    stopped = True

    def report(self, step, **metrics):
        pass


def test_a_stopped_stage_is_never_taken_for_a_finished_one(own_home):
    from rlhf_lite.cli.chains import profile

    config = profile("smoke")
    Chain(config, shipped=(), progress=False).get("rankings")
    for stage in ("reward", "ppo"):
        stopped = Chain(config, shipped=(), progress=False, control=_Stop())
        with pytest.raises(KeyboardInterrupt):
            stopped.get(stage)
        assert stopped.find(stage) is None and list(
            (own_home / stopped.folder_name("reward")).glob("checkpoint*")
        )
    Chain(config, shipped=(), progress=False).get("reward")  # goes on and finishes


def test_completions_come_from_all_policies_at_temperatures_of_their_own(monkeypatch):
    """K of them for each prompt, in range; temperatures cover the range log-uniformly; empty answers are
    dropped."""
    asked = []

    def answers(policy, tokenizer, prompts, max_new_tokens, temperatures, generator):
        asked.extend((policy, prompt, warm) for prompt, warm in zip(prompts, temperatures, strict=True))
        return [f"{policy} {warm}" if warm < 1.3 else " " for warm in temperatures]

    monkeypatch.setattr(tiny, "sample_texts", answers)
    cfg, prompts = RankingsConfig(coldest=0.5, hottest=1.4), [{"text": f"prompt {i}"} for i in range(400)]
    found = tiny.sample_completions(["a", "b"], None, prompts, cfg, 0, "train")
    counts = Counter(prompt for _, prompt, _ in asked)
    assert set(counts) == {row["text"] for row in prompts} and {*counts.values()} == {4, 5, 6, 7, 8, 9}
    assert 0.45 < sum(policy == "a" for policy, *_ in asked) / len(asked) < 0.55
    warm = [temperature for *_, temperature in asked]
    assert 0.5 <= min(warm) < 0.51 and 1.38 < max(warm) <= 1.4
    assert (
        0.46 < sum(t < (0.5 * 1.4) ** 0.5 for t in warm) / len(warm) < 0.54
    )  # half are below the geometric mean
    kept = sum(len(texts) for _, texts in found)
    assert kept == sum(t < 1.3 for t in warm) < len(warm) and not any(
        " " == text for _, texts in found for text in texts
    )
    assert found == tiny.sample_completions(["a", "b"], None, prompts, cfg, 0, "train")
    with pytest.raises(ConfigError, match="coldest = 2.0 is more than hottest = 1.4"):
        RankingsConfig(coldest=2.0)
