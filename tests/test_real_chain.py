"""The chain on a GPT-2 and on what people ranked: every stage found again, saved for others, on one process
and on two."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers_real import DATA, K_WAY, PAIRS, QUICK, TREES, WORDS, message, real_chain, real_command, written

from rlhf_lite import cli
from rlhf_lite.chain import engine, store
from rlhf_lite.chain.recipes import REAL_STAGES as STAGES
from rlhf_lite.chain.recipes import RealChainConfig
from rlhf_lite.cli.chains import with_settings
from rlhf_lite.config import ConfigError
from rlhf_lite.data.records import RecordError
from rlhf_lite.evaluate.judges import NamedJudge
from rlhf_lite.evaluate.preference import order_accuracy
from rlhf_lite.train.optim import Adam

ROOT = Path(__file__).resolve().parents[1]


def test_all_stages_learn_are_found_again_and_rebuilt_only_where_something_changed(
    real_folder, run_home, monkeypatch
):
    first = real_chain(real_folder, "ppo.ptx_gamma=0.5", "ppo.ptx_rows=2")
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
        monkeypatch.setattr(engine, name, lambda *_, **__: pytest.fail("trained again"))
    assert real_chain(real_folder, "ppo.ptx_gamma=0.5", "ppo.ptx_rows=2").report == report
    other = real_chain(real_folder)
    assert [other.key(stage) == first.key(stage) for stage in STAGES] == [True, True, True, False, False]


@pytest.mark.slow
def test_where_several_people_ranked_the_same_their_agreement_is_told(
    real_folder, run_home, tmp_path, capsys
):
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
    report = real_chain(real_folder, rankings=str(tmp_path / "two.jsonl")).report
    found = report["agreement_with_people"]["each other"]
    assert found["mean"] == 0.75 and found["n"] == 60 and found["low"] < 0.75 < found["high"]
    assert "each other" not in real_chain(real_folder).report["agreement_with_people"]
    cli.real._show(report)
    assert "each other  0.750 [" in capsys.readouterr().out


def test_less_memory_gives_the_same_models(real_folder, run_home):
    """Batches in parts, layers computed again."""
    usual = real_chain(real_folder).get("reward").summary["result"]

    frugal = real_chain(real_folder, "accumulation=3", "recompute=true")
    assert frugal.config.accumulation == 3
    loss = frugal.get("reward").summary["result"]["test"]["loss"]["mean"]
    assert loss == pytest.approx(usual["test"]["loss"]["mean"], abs=0.02)


def test_what_it_leaves_loads_without_us(real_folder, run_home):
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    made = real_chain(real_folder)
    assert AutoModelForCausalLM.from_pretrained(made.get("sft").folder).config.vocab_size == len(
        made.tokenizer
    )
    assert (
        AutoModelForSequenceClassification.from_pretrained(made.get("reward").folder).config.num_labels == 1
    )
    assert AutoTokenizer.from_pretrained(made.get("sft").folder).eos_token == made.tokenizer.eos_token
    again = real_chain(
        real_folder, model=str(made.get("sft").folder), tokenizer=""
    )  # a checkpoint of one's own, its own tokenizer
    assert (
        again.key("sft") != made.key("sft")
        and again.start("sft").num_parameters() == made.policy("sft").num_parameters()
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
def test_any_model_that_scores_may_judge(real_folder, run_home, stranger, labels, monkeypatch):
    made = real_chain(real_folder, judge=str(stranger / f"{labels}"))
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
def test_what_cannot_work_is_said_before_anything_is_trained(
    real_folder, run_home, monkeypatch, changes, more, said
):
    monkeypatch.setattr(engine, "train_sft", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises((ValueError, OSError), match=said):
        real_chain(real_folder, *more, **changes).get("sft")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ppo", "write NAME=VALUE"),
        ("pqo.lr=1", "has no part 'pqo'.*: sft, reward, ppo"),
        ("recompute=perhaps", "True or False"),
        ("accumulation=0", "should be at least 1"),
        ("ppo.lrr=1", "Did you mean 'lr'"),
        ("ppo.lr=fast", "should be a number"),
        ("ppo.whiten_advantages=maybe", "should be True or False"),
    ],
)
def test_a_bad_setting_is_named(change, said):
    with pytest.raises((ConfigError, ValueError), match=said):
        with_settings(RealChainConfig(), [change])


def _run(words: list[str], env: dict) -> str:
    """What this Python prints."""
    done = subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_command_on_two_processes_gives_what_one_gives(real_folder, run_home, capsys):
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
    assert cli.main(real_command(real_folder, *settings)) == 0
    alone = result(run_home)
    ways = {
        "two": ("--only", "reward"),
        "cut": ("--set", *QUICK, "sharded=true", "recompute=true", "accumulation=2"),
    }
    for name, more in ways.items():
        words = real_command(real_folder, *settings, *more, "--processes", "2")
        done = subprocess.run(
            [*torchrun, *words],
            env=env | {"RLHF_LITE_HOME": str(run_home / name)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        together = result(run_home / name)
        for stage in ("sft", "reward", "judge", "ppo") if name == "cut" else ("sft", "reward"):
            assert together[stage]["steps"] == alone[stage]["steps"]
        for stage in ("reward", "judge") if name == "cut" else ("reward",):
            loss = together[stage]["test"]["loss"]["mean"]
            assert loss == pytest.approx(alone[stage]["test"]["loss"]["mean"], abs=0.02)
        assert name == "two" or together["evaluation"]["data"] == alone["evaluation"]["data"]
    assert cli.main(real_command(real_folder, *settings, "--processes", "2")) == 2
    assert "there should be 2 processes, but there is 1" in capsys.readouterr().err


def result(run_home) -> dict[str, dict]:
    """What each stage in a run folder found."""
    found = {stage: next(run_home.glob(f"real_{stage}-*"), None) for stage in STAGES}
    return {
        stage: json.loads((folder / "summary.json").read_text())["result"]
        for stage, folder in found.items()
        if folder
    }


@pytest.mark.slow
def test_gpt2_goes_through_every_stage_in_eight_gigabytes(real_folder, run_home):
    """124 M parameters with GPT-2's own vocabulary, where it is at hand; random weights."""
    real = DATA / "gpt2-tokenizer"
    tokenizer = real if real.is_dir() else real_folder / "tokenizer"
    settings = (
        "sft.epochs=1 sft.batch_size=8 reward.prompts_per_step=8 ppo.episodes=8 ppo.batch_size=8 "
        "ppo.minibatches=1 ppo.max_new_tokens=6 ppo.ptx_gamma=1 ppo.ptx_rows=2 text_rows=4 limit_tokens=48"
    ).split()
    text = real_folder / "text.txt"
    code = f"""
import json, resource
from rlhf_lite.chain.real import RealChain
from rlhf_lite.chain.recipes import RealChainConfig
from rlhf_lite.cli.chains import with_settings
cfg = RealChainConfig(rankings={str(real_folder / "trees.jsonl")!r}, limit=24, model="", size="gpt2",
                      tokenizer={str(tokenizer)!r}, text={str(text)!r}, test_share=0.3, test_prompts=4,
                      device="cpu")
chain = RealChain(with_settings(cfg, {settings!r}), progress=False)
print(json.dumps([chain.report["wins_against_sft"]["ppo"]["n"], chain.policy("ppo").num_parameters(),
                  resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""
    said = _run(["-c", code], {**os.environ, "PYTHONPATH": str(ROOT)})
    prompts, parameters, most = json.loads(said.splitlines()[-1])
    assert prompts >= 1 and parameters > 85e6
    assert most * (1 if sys.platform == "darwin" else 1024) < 8e9


# --- its first stages: a reward model of people's rankings --------------------------------------------------


def reward(capsys, *words) -> tuple[int, str, str]:
    """The command that ends with a reward model."""
    quick = [setting for setting in QUICK if setting.startswith(("sft", "reward"))]
    code = cli.main(["real", "--model", "", "--only", "reward", *map(str, words), "--set", *quick])
    return code, *capsys.readouterr()


def test_a_reward_model_says_how_well_it_knows_people(real_folder, run_home, capsys):
    words = real_command(real_folder)[1:]
    code, said, err = reward(capsys, *words)
    assert code == 0, err
    assert re.search(r"^reply: unranked +48$", said, re.MULTILINE) and "this model is above chance" in said
    folder = next(run_home.glob("real_reward-*"))
    found = store.check(folder)["result"]
    assert (
        found["test"]["accuracy"]["low"] > 0.7
        and found["longer_answer"]["mean"] < found["test"]["accuracy"]["mean"]
    )
    assert f"{found['test']['accuracy']['mean']:.3f} [" in said and str(folder) in said
    assert not list(folder.glob("checkpoint*")) and len(store.read_trace(folder)) == found["steps"]
    assert reward(capsys, *words)[1] == said  # found again, not trained again


@pytest.mark.parametrize("rows, answers, units", [(K_WAY, 90, 10), (PAIRS, 60, 30)])
def test_rankings_of_ones_own(tmp_path, real_folder, run_home, rows, answers, units):
    made = real_chain(real_folder, rankings=str(written(tmp_path / "own.jsonl", rows)), test_share=0.3)
    assert sum(len(row["ranks"]) for side in made.sides.values() for row in side) == answers
    users = [{row["user_id"] or row["prompt"] for row in side} for side in made.sides.values()]
    assert sum(map(len, users)) == len(set.union(*users)) == units
    best = {row["completions"][row["ranks"].index(1)] for row in made.sides["policy"]}
    assert all(text.startswith("yes") for text in best)


def test_newcomers_move_nobody_to_another_side(tmp_path, real_folder, run_home):
    few, many = (
        real_chain(real_folder, rankings=str(written(tmp_path / f"{n}.jsonl", TREES[:n]))).sides
        for n in (30, 48)
    )
    for side in few:
        assert {row["user_id"] for row in few[side]} < {row["user_id"] for row in many[side]}


def test_cuts_are_counted(tmp_path, real_folder, run_home):
    texts = ["no " * 40, "yes " * 40, "maybe"]
    long = [row | {"prompt": "why " * 50 + row["prompt"], "completions": texts} for row in K_WAY]
    file = written(tmp_path / "long.jsonl", long)
    assert real_chain(real_folder, rankings=str(file), test_share=0.3, limit_tokens=32).left_out == {
        "completion cut to its first 16 tokens": 60,
        "prompt cut to its last tokens (limit 32 with its completion)": 30,
    }


def test_ties_are_counted_and_never_taken_for_too_few(tmp_path, real_folder, run_home):
    tied = [{**row, "prompt": f"tied {i}", "ranks": [1, 1, 1]} for i, row in enumerate(K_WAY[:7])]
    file = written(tmp_path / "tied.jsonl", [*K_WAY, *tied])
    assert real_chain(real_folder, rankings=str(file), test_share=0.3).left_out == {
        "row: all answers tied": 7
    }
    file = written(tmp_path / "all.jsonl", tied)
    with pytest.raises(RecordError, match="no ranking prefers one answer to another.*all answers tied': 7"):
        real_chain(real_folder, rankings=str(file)).sides  # noqa: B018


def test_a_language_that_open_assistant_speaks_can_be_said_and_names_no_other_stage(
    tmp_path, real_folder, run_home, capsys
):
    german = json.loads(json.dumps(TREES).replace('"role"', '"lang": "de", "role"'))
    file = written(tmp_path / "german.jsonl", german)
    code, _, err = reward(capsys, *real_command(real_folder)[1:], "--rankings", file)
    assert code == 2 and "are not in 'en'; say which language to read with lang (--set lang=de)" in err
    english, made = real_chain(real_folder), real_chain(real_folder, "lang=de", rankings=str(file))
    assert [len(rows) for rows in made.sides.values()] == [len(rows) for rows in english.sides.values()]
    assert english.settings("sft") == real_chain(real_folder, "lang=de").settings("sft")


def test_prompts_leave_room_for_answers_or_nothing_is_trained(tmp_path, real_folder, run_home, capsys):
    long = [row | {"prompt": "why " * 40 + row["prompt"]} for row in K_WAY]
    words = [*real_command(real_folder), "--rankings", written(tmp_path / "long.jsonl", long)]
    words += ["--set", "n_positions=48", "test_share=0.3", "ppo.max_new_tokens=20"]
    assert cli.main([*map(str, words)]) == 2
    said = capsys.readouterr().err
    assert re.search(r"ppo.max_new_tokens = 20, but a prompt of 4\d tokens leaves \d of the model's 48", said)
    assert "take --limit-tokens 28 or less" in said and not list(run_home.glob("real_*"))
    words[words.index("--limit-tokens") + 1] = 28
    cfg = real_chain(
        real_folder,
        *words[words.index("--set") + 1 :],
        rankings=str(tmp_path / "long.jsonl"),
        limit_tokens=28,
    )
    cfg.check_before("evaluation")


def test_the_interval_draws_whole_conversations():
    pair = {"prompt": "p", "completions": ["a", "b"], "ranks": [1, 2]}
    rows = [pair | {"user_id": f"t{i % 2}"} for i in range(100)]
    scores = [[1.0, 0.0] if i % 2 else [0.0, 1.0] for i in range(100)]  # one all right, the other all wrong
    found = order_accuracy(rows, scores)["accuracy"]
    assert (found["mean"], found["low"], found["high"], found["n"]) == (0.5, 0.0, 1.0, 100)
    even = order_accuracy(rows, [[0.0, 0.0]] * 100)
    assert even["accuracy"]["mean"] == 0.5 and even["loss"]["mean"] == pytest.approx(0.6931, abs=1e-4)


def test_an_interrupted_training_goes_on_where_it_was(real_folder, run_home, capsys, monkeypatch):
    words, step, calls = real_command(real_folder)[1:], Adam.step, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), 2)  # Ctrl-C: this step is finished, then training ends
        return step(*arguments)

    monkeypatch.setattr(Adam, "step", interrupted)
    code, out, err = reward(capsys, *words)
    assert code == 130 and "Stopped" in err and "agrees with people" not in out
    code, stopped, _ = reward(capsys, *words)
    monkeypatch.setenv("RLHF_LITE_HOME", str(run_home / "other"))
    code, straight, _ = reward(capsys, *words)
    assert code == 0 and stopped.rsplit("\n", 2)[0] == straight.rsplit("\n", 2)[0]  # all but the folder


GOOD, FLAT = json.dumps(K_WAY[0]), message("x", "hello", "prompter")


@pytest.mark.parametrize(
    "text, said",
    [
        ("", ""),
        ("this is no JSON\n", "line 1 is not JSON"),
        (f"{GOOD}\n[1, 2]\n", "row 2"),
        ('{"question": 1, "answer": 2}\n', "question, answer"),
        (f'{GOOD}\n{{"prompt": "p", "completions": ["a"]}}\n', "row 2"),
        (
            f'{GOOD}\n{{"prompt": "p", "completions": ["a", "b"], "ranks": [1, 2, 3]}}\n',
            "row 2: 3 ranks for 2",
        ),
        (f'{GOOD}\n{{"prompt": "p", "completions": [{{"id": 1}}], "ranks": [1]}}\n', "row 2"),
        ('{"prompt": "p", "chosen": "a", "rejected": null}\n', "row 1"),
        (f'{json.dumps(FLAT)}\n{{"message_id": "y", "text": "z"}}\n', "row 2"),
        (f"{json.dumps(FLAT)}\n{json.dumps(FLAT | {'replies': ['hello']})}\n", "row 2"),
        (f"{GOOD}\n", "leave nothing for the side"),
    ],
)
def test_a_bad_file_is_one_line_with_its_row(tmp_path, real_folder, run_home, capsys, text, said):
    file = tmp_path / "bad.jsonl"
    file.write_text(text)
    code, out, err = reward(capsys, *real_command(real_folder)[1:], "--rankings", file)
    assert (code, out) == (2, "") and err.count("\n") == 1 and "bad.jsonl" in err and said in err


@pytest.mark.parametrize(
    "words, said",
    [
        ("--size huge", "'huge' is not one of 'XS', 'S', 'M', 'L', 'gpt2'"),
        ("--limit-tokens 4000", "limit_tokens = 4000, but the model reads 512 tokens"),
        ("--model /nowhere/at/all", "no folder '/nowhere/at/all'"),
        ("--tokenizer /nowhere/at/all", "no folder '/nowhere/at/all'"),
    ],
)
def test_settings_that_cannot_work(real_folder, run_home, capsys, words, said):
    code, _, err = reward(capsys, *real_command(real_folder)[1:], *words.split())
    assert code == 2 and said in err and "Traceback" not in err


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "oasst").is_dir(), reason=f"no public data at {DATA}")
def test_the_real_open_assistant_trees(run_home, capsys):
    file, tokenizer = DATA / "oasst" / "en_100_tree.jsonl", DATA / "gpt2-tokenizer"
    words = ["--limit-tokens", 48, "--device", "cpu"]
    code, said, err = reward(capsys, "--rankings", file, "--tokenizer", tokenizer, *words)
    assert code == 0 and re.search(r"reward +\d\.\d{3} \[", said), err
