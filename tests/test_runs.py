"""Stages: found by hash, sealed last, damage named, a half-written one resumed, shipped ones current."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress

import pytest

from rlhf_lite.chain import completions, store
from rlhf_lite.chain.plan import UnknownStage
from rlhf_lite.chain.recipes import STAGES, ChainConfig, TinyPlan
from rlhf_lite.chain.tiny import Chain
from rlhf_lite.config import ConfigError, ModelConfig, RankingsConfig
from rlhf_lite.data import files
from rlhf_lite.data.files import ROOT, check_sums, contents, write_json
from rlhf_lite.models.checkpoints import new_policy, save_model
from rlhf_lite.models.tokens import build_tokenizer
from rlhf_lite.train import checkpoints


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


HARMS = {
    "truncate": ("model.bin", b"weights", b"wei"),
    "change": ("model.bin", b"weights", b"weightz"),
    "summary": ("summary.json", b'"files": {', b""),
    "number": ("summary.json", b"1.5", b"9.5"),
    "seconds": ("summary.json", b'"seconds"', b'"sekonds"'),
    "seal": ("summary.json", b'"summary.json"', b'"summary.jsom"'),
}


@pytest.mark.parametrize("harm", ["remove", *HARMS])
def test_damage_is_named_and_only_that_stage_is_rebuilt(own_home, harm):
    for name in ("toy-1", "toy-2"):
        store.build(name, {}, {}, make)
    name, old, new = HARMS.get(harm, ("model.bin", b"", b""))
    target = own_home / "toy-1" / name
    assert old in target.read_bytes()
    target.unlink() if harm == "remove" else target.write_bytes(target.read_bytes().replace(old, new))
    with pytest.warns(UserWarning, match="toy-1.*(missing|damaged|cannot be read)"):
        assert store.find("toy-1", (own_home,)) is None
    assert store.find("toy-2", (own_home,)) is not None
    store.build("toy-1", {}, {}, make)
    assert store.find("toy-1", (own_home,)) is not None


def test_no_flipped_bit_of_a_stage_passes(own_home):
    folder = store.build("toy-1", {"lr": 1}, {}, make).folder
    passed = []
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for i in range(len(whole)):
            path.write_bytes(whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :])
            with suppress(store.DamagedStage):
                store.check(folder)
                passed.append((path.name, i))
        path.write_bytes(whole)
    assert not passed and store.check(folder)


def test_a_summary_of_an_earlier_version_has_no_hash_of_itself_and_is_taken_if_whole(own_home):
    folder = store.build("toy-1", {}, {}, make).folder
    summary = json.loads((folder / "summary.json").read_text())
    del summary["files"]["summary.json"]
    write_json(folder / "summary.json", summary)
    assert store.find("toy-1", (own_home,)).summary == summary
    del summary["result"]
    write_json(folder / "summary.json", summary)
    with pytest.warns(UserWarning, match="summary.json is damaged: it lacks result"):
        assert store.find("toy-1", (own_home,)) is None


def test_a_shipped_stage_without_its_summary_is_not_passed_over_in_silence(own_home, monkeypatch):
    folder = store.build("toy-1", {}, {}, make).folder
    (folder / "summary.json").unlink()
    assert store.find("toy-1", (own_home,)) is None  # unfinished: it is resumed
    monkeypatch.setattr(store, "SHIPPED", own_home)
    with pytest.warns(UserWarning, match="summary.json cannot be read .* git checkout -- .*toy-1; else"):
        assert store.find("toy-1", (own_home,)) is None


def test_everything_shipped_is_sealed():
    for folder in store.SHIPPED.iterdir():
        summary = store.check(folder)
        assert set(summary["files"]) == set(contents(folder)) and "summary.json" in summary["files"]
    data = store.SHIPPED.parent
    for folder in (data / "tokenizer", *(data / "seeds").iterdir(), *(data / "experiments").iterdir()):
        check_sums(folder, contents(folder))
    there = {path.name for path in data.iterdir()}
    assert there == {"runs", "tokenizer", "seeds", "experiments", "README.md", "overview.png"}


def test_a_renamed_word_of_the_tokenizer_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    monkeypatch.setattr(store, "TOKENIZER", tmp_path / "data" / "tokenizer")
    shutil.copytree(ROOT / "data" / "tokenizer", store.TOKENIZER)
    assert Chain().tokenizer
    path = store.TOKENIZER / "tokenizer.json"
    path.write_text(path.read_text().replace("animal", "anymal", 1))
    with pytest.raises(ValueError, match="tokenizer.json is not what SHA256SUMS says; .* git checkout"):
        Chain().tokenizer  # noqa: B018


def test_a_file_that_no_summary_lists_is_no_set_of_rankings(tmp_path, monkeypatch):
    name = Chain().folder_name("rankings")
    shutil.copytree(store.SHIPPED / name, tmp_path / "runs" / name)
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "runs")
    shutil.copy(tmp_path / "runs" / name / "valid.parquet", tmp_path / "runs" / name / "mine.parquet")
    with pytest.warns(UserWarning, match="not of this stage and is not read: mine.parquet"):
        assert set(Chain().rankings) == {"train", "valid", "again", "held_out"}


def test_what_a_killed_writer_left_is_not_sealed(own_home):
    def leaves(folder):
        (folder / "model.bin.77.tmp").write_bytes(b"half")
        (folder / ".saving-x").mkdir()
        (folder / ".saving-x" / "model.safetensors").write_bytes(b"half")
        (folder / ".DS_Store").write_bytes(b"of a file browser")
        return make(folder)

    folder = store.build("toy-1", {}, {}, leaves).folder
    assert {path.name for path in folder.iterdir()} == {
        "model.bin",
        "stage.json",
        "summary.json",
        ".DS_Store",
    }
    (folder / ".DS_Store").unlink()
    assert store.check(folder)


def test_the_seconds_of_a_stage_are_those_of_all_its_parts(own_home):
    def part(folder):
        later = (folder / "building.json").stat().st_mtime + 100
        (folder / "checkpoint.json").write_text("{}")
        os.utime(folder / "checkpoint.json", (later, later))

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            store.build("toy-1", {}, {}, part)
        os.utime(own_home / "toy-1" / "stage.json", (0, 0))
    assert 200 <= store.build("toy-1", {}, {}, make).summary["seconds"] < 205


# --- two processes ------------------------------------------------------------------------------------------


def test_who_comes_second_waits_for_the_first_and_takes_what_it_built(own_home):
    begun, go_on, made, found = threading.Event(), threading.Event(), [], []

    def slow(folder):
        made.append(folder)
        begun.set()
        assert go_on.wait(20)
        return make(folder)

    first = threading.Thread(target=lambda: found.append(store.build("toy-1", {}, {}, slow)))
    first.start()
    assert begun.wait(20)
    who = f"toy-1 is being built by process {os.getpid()} on .* since 20"
    with pytest.raises(BlockingIOError, match=f"{who}.*; wait for it or end it"):
        store.build("toy-1", {}, {}, slow, wait=False)
    threading.Timer(0.3, go_on.set).start()
    with pytest.warns(UserWarning, match=f"{who}.*; waiting for it"):
        second = store.build("toy-1", {}, {}, slow)
    first.join()
    assert len(made) == 1 and found == [second]


HOLD = """
import time
from rlhf_lite.chain import store
def hold(folder):
    print("begun", flush=True)
    time.sleep(60)
store.build("toy-1", {}, {}, hold)
"""


def test_a_killed_builder_holds_nobody_up(own_home):
    holder = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"begun\n"
    with pytest.raises(BlockingIOError, match=f"process {holder.pid} on"):
        store.build("toy-1", {}, {}, make, wait=False)
    holder.kill()
    holder.wait()
    assert store.build("toy-1", {}, {}, make, wait=False).summary["result"] == {"loss": 1.5}


# --- full disks ---------------------------------------------------------------------------------------------


def _tensors(folder, policy, tokenizer):
    checkpoints.save(folder, {}, 1, [], {"policy": policy})


def _model(folder, policy, tokenizer):
    save_model(policy, folder)


def _tokenizer(folder, policy, tokenizer):
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))


def _table(folder, policy, tokenizer):
    from datasets import Dataset

    Dataset.from_list([{"text": f"{i} " * 50} for i in range(2000)]).to_parquet(folder / "train.parquet")


def _trace(folder, policy, tokenizer):
    with open(folder / "trace.jsonl", "w") as file:
        file.write("x" * 100_000)


@pytest.mark.parametrize("write", [_tensors, _model, _tokenizer, _table, _trace])
def test_a_disk_that_takes_no_more_is_one_line_with_the_folder_whoever_wrote(own_home, write):
    """Files may have 10 KB here: torch, safetensors and tokenizers learn of it as of a full disk."""
    resource = pytest.importorskip("resource")
    tokenizer = build_tokenizer([f"word{i}" for i in range(500)])
    policy, limits = new_policy(ModelConfig(size="XS"), tokenizer), resource.getrlimit(resource.RLIMIT_FSIZE)

    def build(folder):
        (folder / "checkpoint.json").write_text('{"step": 3}')
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        write(folder, policy, tokenizer)

    try:
        with pytest.raises(
            OSError, match="^[^\n]*toy-1: File too large; what was saved before is kept[^\n]*$"
        ):
            store.build("toy-1", {}, {}, build)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert json.loads((own_home / "toy-1" / "checkpoint.json").read_text()) == {"step": 3}
    store.build("toy-1", {}, {}, make)


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
    with pytest.raises(OSError, match=f"{own_home}: No space left on device; what was saved before is kept"):
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


def test_a_beam_search_finds_the_same_answers_whatever_the_batch(world):
    tokenizer = build_tokenizer(world.vocabulary())
    policy, prompts = (
        new_policy(ModelConfig(size="XS"), tokenizer, seed=1),
        ["Name a dog.", "hello", "What is 2 + 2?"],
    )
    found = completions.beam_texts(policy, tokenizer, prompts, beams=3, max_new_tokens=6)
    assert len(found) == 3 and all(len(texts) == 3 for texts in found)
    alone = completions.beam_texts(policy, tokenizer, prompts[1:2], beams=3, max_new_tokens=6, batch_size=1)
    assert alone == found[1:2]
    cfg = RankingsConfig(search="beams", max_new_tokens=6)
    rows = completions.beam_completions([policy], tokenizer, [{"text": p} for p in prompts], cfg, 0, "train")
    for row, texts in rows:
        assert 2 <= len(texts) <= 9 and all(text.strip() for text in texts)
        assert row["text"] in prompts


def test_completions_come_from_all_policies_at_temperatures_of_their_own(monkeypatch):
    """K of them for each prompt, in range; temperatures cover the range log-uniformly; empty answers are
    dropped."""
    asked = []

    def answers(policy, tokenizer, prompts, max_new_tokens, temperatures, generator):
        asked.extend((policy, prompt, warm) for prompt, warm in zip(prompts, temperatures, strict=True))
        return [f"{policy} {warm}" if warm < 1.3 else " " for warm in temperatures]

    monkeypatch.setattr(completions, "sample_texts", answers)
    cfg, prompts = RankingsConfig(coldest=0.5, hottest=1.4), [{"text": f"prompt {i}"} for i in range(400)]
    found = completions.sample_completions(["a", "b"], None, prompts, cfg, 0, "train")
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
    assert found == completions.sample_completions(["a", "b"], None, prompts, cfg, 0, "train")
    with pytest.raises(ConfigError, match="coldest = 2.0 is more than hottest = 1.4"):
        RankingsConfig(coldest=2.0)
