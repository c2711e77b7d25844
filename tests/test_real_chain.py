"""The whole chain on a GPT-2 and on what people ranked: every stage found again, saved for others, on one process and on two."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_real_rankings import DATA, TREES, WORDS, written

from rlhf_lite import cli
from rlhf_lite.chain import real, store
from rlhf_lite.chain.real import STAGES, RealChain
from rlhf_lite.cli.real import with_settings
from rlhf_lite.config import ConfigError, RealChainConfig, RealStages
from rlhf_lite.evaluate.judges import NamedJudge
from rlhf_lite.models.tokens import build_tokenizer

ROOT = Path(__file__).resolve().parents[1]
QUICK = (
    "sft.epochs=2",
    "sft.lr=0.002",
    "sft.batch_size=8",
    "reward.lr=0.002",
    "reward.epochs=3",
    "reward.prompts_per_step=8",
    "ppo.episodes=32",
    "ppo.batch_size=16",
    "ppo.minibatches=2",
    "ppo.max_new_tokens=6",
    "ppo.lr=0.0001",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a tokenizer, rankings and running text."""
    folder = tmp_path_factory.mktemp("real")
    build_tokenizer(WORDS).save_pretrained(folder / "tokenizer")
    written(folder / "trees.jsonl", TREES)
    (folder / "text.txt").write_text(
        "\n".join(f"yes it is good because of {word} and so on" for word in WORDS * 20)
    )
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def config(place, **changes) -> RealChainConfig:
    values = dict(
        rankings=str(place / "trees.jsonl"),
        model="",
        tokenizer=str(place / "tokenizer"),
        limit_tokens=48,
        test_share=0.2,
        text=str(place / "text.txt"),
        text_rows=12,
    )
    return RealChainConfig(**values | changes)


def stages(*more) -> RealStages:
    return with_settings(RealChainConfig(), [*QUICK, *more])[1]


def chain(place, *more, **changes) -> RealChain:
    return RealChain(config(place, **changes), stages(*more), progress=False)


def test_all_stages_learn_are_found_again_and_rebuilt_only_where_something_changed(place, home, monkeypatch):
    first = chain(place, "ppo.ptx_gamma=0.5", "ppo.ptx_rows=2")
    report = first.report
    assert (
        report["agreement_with_people"]["reward"]["mean"] > 0.9
        and report["agreement_with_people"]["judge"]["mean"] > 0.9
    )
    assert report["wins_against_sft"]["sft"]["mean"] == 0.5 and set(report["wins_against_sft"]) == {
        "sft",
        "ppo",
        "people's best",
    }
    users = {side: {row["user_id"] for row in rows} for side, rows in first.sides.items()}
    assert not (
        users["policy"] & users["judge"] or users["policy"] & users["test"] or users["judge"] & users["test"]
    )
    assert sum(found["prompts"] for found in report["data"].values()) == 96 and report["left_out"] == {
        "reply: unranked": 48
    }
    trace = store.read_trace(first.get("ppo").folder)
    assert len(trace) == 2 and "loss/ptx" in trace[0]
    for name in ("train_sft", "train_reward", "train_ppo"):
        monkeypatch.setattr(real, name, lambda *_, **__: pytest.fail("trained again"))
    assert chain(place, "ppo.ptx_gamma=0.5", "ppo.ptx_rows=2").report == report
    other = chain(place)
    assert [other.key(stage) == first.key(stage) for stage in STAGES] == [True, True, True, False, False]


def test_where_several_people_ranked_the_same_their_agreement_is_told(place, home, tmp_path, capsys):
    """As in the comparisons of summaries, whose workers have ids: three of four pairs alike."""
    lines = []
    for i in range(60):
        word, so = WORDS[i % len(WORDS)], "so " * (i // len(WORDS))
        texts = [f"yes because of {word}", "no"]
        for who in ("ann", "bob"):
            ranks = [1, 2] if who == "ann" or i % 4 else [2, 1]
            lines.append(
                {
                    "prompt_id": f"p{i}",
                    "user_id": f"u{i}",
                    "prompt": f"why {word} {so}",
                    "completions": texts,
                    "ranks": ranks,
                    "labeler": who,
                }
            )
    written(tmp_path / "two.jsonl", lines)
    report = chain(place, rankings=str(tmp_path / "two.jsonl")).report
    found = report["agreement_with_people"]["each other"]
    assert found["mean"] == 0.75 and found["n"] == 60 and found["low"] < 0.75 < found["high"]
    assert "each other" not in chain(place).report["agreement_with_people"]
    cli.real._show(report)
    assert "each other  0.750 [" in capsys.readouterr().out


def test_less_memory_gives_the_same_models(place, home):
    """Batches in parts, layers computed again."""
    usual = chain(place).get("reward").summary["result"]
    config_, stages_ = with_settings(config(place), [*QUICK, "accumulation=3", "recompute=true"])
    frugal = RealChain(config_, stages_, progress=False)
    assert frugal.config.accumulation == 3 and frugal._trained(frugal._start()).transformer.recompute
    loss = frugal.get("reward").summary["result"]["test"]["loss"]["mean"]
    assert loss == pytest.approx(usual["test"]["loss"]["mean"], abs=0.02)


def test_what_it_leaves_loads_without_us(place, home):
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    made = chain(place)
    assert AutoModelForCausalLM.from_pretrained(made.get("sft").folder).config.vocab_size == len(
        made.tokenizer
    )
    assert (
        AutoModelForSequenceClassification.from_pretrained(made.get("reward").folder).config.num_labels == 1
    )
    assert AutoTokenizer.from_pretrained(made.get("sft").folder).eos_token == made.tokenizer.eos_token
    again = chain(
        place, model=str(made.get("sft").folder), tokenizer=""
    )  # a checkpoint of one's own, its own tokenizer
    assert (
        again.key("sft") != made.key("sft")
        and again._start().num_parameters() == made.policy("sft").num_parameters()
    )


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A small BERT that scores; what it says is nothing."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("stranger")
    (folder / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(word.lower() for word in WORDS)])
    )
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    shape = dict(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=24,
    )
    for labels in (1, 2, 3):
        cfg = BertConfig(vocab_size=40, num_labels=labels, **shape)
        BertForSequenceClassification(cfg).save_pretrained(folder / f"{labels}")
        BertTokenizerFast.from_pretrained(folder).save_pretrained(folder / f"{labels}")
    return folder


@pytest.mark.parametrize("labels", [1, 2])
def test_any_model_that_scores_may_judge(place, home, stranger, labels, monkeypatch):
    made = chain(place, judge=str(stranger / f"{labels}"))
    found = made.get("judge")
    assert (
        0 <= found.summary["result"]["test"]["accuracy"]["mean"] <= 1
        and not (found.folder / "model.safetensors").exists()
    )
    judge = NamedJudge(str(stranger / f"{labels}"))
    one = judge.score(["why is it so"], ["yes it is"])
    many = judge.score(["why is it so", "why"], ["yes it is", "no " * 90])  # the second is cut
    assert many[0] == pytest.approx(one[0], abs=1e-5) and len(many) == 2
    assert set(made.report["scores"]) == {"judge", "reward_model"}


def test_a_judge_of_three_labels_gives_no_score(stranger):
    with pytest.raises(ValueError, match="tells 3 labels apart, so it gives no score"):
        NamedJudge(str(stranger / "3"))


@pytest.mark.parametrize(
    ("changes", "more", "said"),
    [
        ({"text": ""}, ["ppo.ptx_gamma=1"], "ptx_gamma = 1.0 needs running text"),
        ({"text": ""}, ["sft.pretrain_mix=0.1"], "pretrain_mix = 0.1 needs running text"),
        ({"text": "no/such/file.txt"}, ["ppo.ptx_gamma=1"], "no/such/file.txt"),
        ({"judge": "no/such/folder/at/all"}, [], "no folder 'no/such/folder/at/all'"),
        ({"tokenizer": ""}, [], "random weights bring no tokenizer"),
        ({"limit_tokens": 4096}, [], "the model reads 512 tokens; take 512 or less"),
        ({"rankings": "no/such/file.jsonl"}, [], "there is no set, file or folder 'no/such/file.jsonl'"),
        ({"test_share": 0.01}, [], "leave nothing for the side 'test'"),
        ({"judge_share": 0.9, "test_share": 0.5}, [], "leave nobody to train on"),
        pytest.param(
            {"device": "cuda"},
            [],
            "there is no GPU: .*; take device cpu or auto",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is one"),
        ),
        ({"device": "tpu"}, [], "'tpu' is not one of 'auto', 'cuda', 'cpu'"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_trained(place, home, monkeypatch, changes, more, said):
    monkeypatch.setattr(real, "train_sft", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises((ValueError, OSError), match=said):
        chain(place, *more, **changes).get("sft")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ppo", "write NAME=VALUE"),
        ("pqo.lr=1", "with a stage of sft, reward, ppo"),
        ("recompute=perhaps", "True or False"),
        ("accumulation=0", "should be at least 1"),
        ("ppo.lrr=1", "Did you mean 'lr'"),
        ("ppo.lr=fast", "should be a number"),
        ("ppo.whiten_advantages=maybe", "should be True or False"),
    ],
)
def test_a_bad_setting_is_named(change, said):
    with pytest.raises((ConfigError, ValueError), match=said):
        stages(change)


def command(place, *more) -> list[str]:
    cfg = config(place)
    return [
        "real",
        "--rankings",
        cfg.rankings,
        "--model",
        "",
        "--tokenizer",
        cfg.tokenizer,
        "--limit-tokens",
        "48",
        *more,
    ]


def _run(words: list[str], env: dict) -> str:
    """What this Python prints."""
    done = subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_command_on_two_processes_gives_what_one_gives(place, home, capsys):
    """Whole models to the reward model, cut ones through PPO to the report."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "rlhf_lite",
    ]
    settings = ("--set", *QUICK)
    assert cli.main(command(place, *settings)) == 0
    alone = result(home)
    ways = {
        "two": ("--only", "reward"),
        "cut": ("--set", *QUICK, "sharded=true", "recompute=true", "accumulation=2"),
    }
    for name, more in ways.items():
        words = command(place, *settings, *more, "--processes", "2")
        done = subprocess.run(
            [*torchrun, *words],
            env=env | {"RLHF_LITE_HOME": str(home / name)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        together = result(home / name)
        for stage in ("sft", "reward", "judge", "ppo") if name == "cut" else ("sft", "reward"):
            assert together[stage]["steps"] == alone[stage]["steps"]
        for stage in ("reward", "judge") if name == "cut" else ("reward",):
            loss = together[stage]["test"]["loss"]["mean"]
            assert loss == pytest.approx(alone[stage]["test"]["loss"]["mean"], abs=0.02)
        assert name == "two" or together["evaluation"]["data"] == alone["evaluation"]["data"]
    assert cli.main(command(place, *settings, "--processes", "2")) == 2
    assert "there should be 2 processes, but there is 1" in capsys.readouterr().err


def result(home) -> dict[str, dict]:
    """What each stage in a run folder found."""
    found = {stage: next(home.glob(f"real_{stage}-*"), None) for stage in STAGES}
    return {
        stage: json.loads((folder / "summary.json").read_text())["result"]
        for stage, folder in found.items()
        if folder
    }


@pytest.mark.slow
def test_gpt2_goes_through_every_stage_in_eight_gigabytes(place, home):
    """124 M parameters with GPT-2's own vocabulary, where it is at hand; random weights."""
    real = DATA / "gpt2-tokenizer"
    code = f"""
from rlhf_lite.cli.real import with_settings
from rlhf_lite.config import RealChainConfig
from rlhf_lite.chain.real import RealChain
import json, resource
cfg = RealChainConfig(rankings={str(place / "trees.jsonl")!r}, limit=24, model="", size="gpt2", test_share=0.3, test_prompts=4,
                      tokenizer={str(real if real.is_dir() else place / "tokenizer")!r}, limit_tokens=48,
                      text={str(place / "text.txt")!r}, text_rows=4)
stages = with_settings(cfg, ["sft.epochs=1", "sft.batch_size=8", "reward.prompts_per_step=8", "ppo.episodes=8",
                             "ppo.batch_size=8",
                             "ppo.minibatches=1", "ppo.max_new_tokens=6", "ppo.ptx_gamma=1", "ppo.ptx_rows=2"])[1]
chain = RealChain(cfg, stages, progress=False)
print(json.dumps([chain.report["wins_against_sft"]["ppo"]["n"], chain.policy().num_parameters(),
                  resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""
    said = _run(["-c", code], {**os.environ, "PYTHONPATH": str(ROOT)})
    prompts, parameters, most = json.loads(said.splitlines()[-1])
    assert prompts >= 1 and parameters > 85e6
    assert most * (1 if sys.platform == "darwin" else 1024) < 8e9
