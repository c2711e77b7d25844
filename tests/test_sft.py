"""Supervised fine-tuning: it learns, mixes in text as it says, keeps the best epoch, resumes exactly."""

import copy
import os
import signal
import subprocess
import sys

import pytest
import torch
from helpers_train import DEMOS, QUIET, ROOT, FailAt, Failure, gradients, same

from rlhf_lite.config import SFTConfig
from rlhf_lite.models.sampling import sample_texts
from rlhf_lite.train import batches, loop, optim, sft
from rlhf_lite.train.sft import train_sft

pytest_plugins = ["helpers_train"]
pytestmark = pytest.mark.usefixtures("exact")


def test_sft_overfits_a_toy_set(policy, tokenizer):
    cfg = SFTConfig(epochs=80, lr=1e-2, batch_size=8)
    history = train_sft(policy, tokenizer, DEMOS, cfg, valid=DEMOS, loop=QUIET)
    assert len(history["loss"]) == 160 and len(history["loss/valid"]) == 80
    assert history["loss/valid"][-1] < 0.05 < history["loss/valid"][0]
    assert history["lr"][0] == 1e-2 and history["lr"][-1] == pytest.approx(1e-3)
    prompts, answers = zip(*DEMOS, strict=True)
    assert sample_texts(policy, tokenizer, prompts, greedy=True) == list(answers)  # and EOS was learned


def test_sft_takes_demonstration_rows(policy, tokenizer):
    other = copy.deepcopy(policy)
    cfg = SFTConfig(epochs=1)
    train_sft(policy, tokenizer, DEMOS, cfg, loop=QUIET)
    train_sft(other, tokenizer, [{"prompt": p, "text": t, "labeler": "x"} for p, t in DEMOS], cfg, loop=QUIET)
    assert same(policy, other)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_pretraining_mix_is_a_share_of_the_rows(policy, tokenizer, rows, share, monkeypatch):
    seen = []
    monkeypatch.setattr(sft, "lm_loss", lambda model, x: seen.append(len(x)) or batches.lm_loss(model, x))
    cfg = SFTConfig(epochs=10, batch_size=7, pretrain_mix=share)
    train_sft(policy, tokenizer, DEMOS, cfg, pretrain_rows=rows, loop=QUIET)
    demonstrations = 10 * len(DEMOS)
    assert sum(seen) / (sum(seen) + demonstrations) == pytest.approx(share, abs=0.01)
    with pytest.raises(ValueError, match="pretrain_rows"):
        train_sft(policy, tokenizer, DEMOS, cfg, loop=QUIET)


def test_mix_gradient_is_the_coefficient_times_the_language_model_gradient(policy, rows):
    cfg = SFTConfig(batch_size=8, pretrain_mix=0.2, pretrain_coefficient=0.3)  # exactly 2 rows per step
    sft.backward_on_text(policy, optim.Adam(policy, 1e-3), rows, cfg, step=3)
    found = gradients(policy)
    policy.zero_grad()
    (0.3 * batches.lm_loss(policy, rows[batches.endless(len(rows), 6, 2, 0, "mix")])).backward()
    for ours, plain in zip(found, gradients(policy), strict=True):
        torch.testing.assert_close(ours, plain)


def test_best_epoch_is_kept(policy, tokenizer):
    snapshots, scores = {}, {1: 1.0, 2: 3.0, 3: 2.0}
    cfg = SFTConfig(epochs=3, lr=1e-2, select="reward")
    history = train_sft(
        policy,
        tokenizer,
        DEMOS,
        cfg,
        loop=QUIET,
        select=lambda model: scores[len(snapshots) + 1],
        on_epoch=lambda epoch, model: snapshots.update({epoch: copy.deepcopy(model)}) or {"gold": epoch},
    )
    assert same(policy, snapshots[2]) and not same(policy, snapshots[3])
    assert history["select/score"] == [1, 3, 2] and history["gold"] == [1, 2, 3]
    with pytest.raises(ValueError, match="needs `select`"):
        train_sft(policy, tokenizer, DEMOS, cfg, loop=QUIET)


def test_sft_resumes_exactly(policy, tokenizer, rows, tmp_path):
    """With dropout, mix and best epoch, all of which have a state of their own."""
    cfg = SFTConfig(epochs=4, lr=1e-2, batch_size=4, dropout=0.2, pretrain_mix=0.2, select="reward")
    more = dict(pretrain_rows=rows, select=lambda m: -batches.lm_loss(m, rows[:4]).item())
    straight, resumed = copy.deepcopy(policy), copy.deepcopy(policy)
    expected = train_sft(straight, tokenizer, DEMOS, cfg, **more, loop=QUIET)
    options = {**QUIET, "folder": tmp_path, "save_every_s": 0}
    with pytest.raises(Failure):
        train_sft(
            copy.deepcopy(policy), tokenizer, DEMOS, cfg, **more, loop={**options, "control": FailAt(9)}
        )
    torch.rand(5)  # the global generator is somewhere else now
    history = train_sft(resumed, tokenizer, DEMOS, cfg, **more, loop=options)
    assert same(straight, resumed) and history == expected


KILLED = """
import sys
import torch
from helpers_train import DEMOS, QUIET, WORDS, FailAt
from rlhf_lite.config import ModelConfig, SFTConfig
from rlhf_lite.models.checkpoints import new_policy
from rlhf_lite.models.tokens import build_tokenizer
from rlhf_lite.train.sft import train_sft

torch.set_num_threads(1)
tokenizer = build_tokenizer([*WORDS, "."])
policy = new_policy(ModelConfig(size="XS", n_positions=32), tokenizer)
options = {**QUIET, "folder": sys.argv[1], "save_every_s": 0, "control": FailAt(9, kill=True)}
train_sft(policy, tokenizer, DEMOS, SFTConfig(epochs=4, lr=1e-2, batch_size=4), loop=options)
"""


@pytest.mark.slow
def test_sft_resumes_exactly_after_kill_9(policy, tokenizer, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], env=environment, cwd=ROOT, timeout=100)
    assert done.returncode == -signal.SIGKILL
    straight, resumed, cfg = (
        copy.deepcopy(policy),
        copy.deepcopy(policy),
        SFTConfig(epochs=4, lr=1e-2, batch_size=4),
    )
    expected = train_sft(straight, tokenizer, DEMOS, cfg, loop=QUIET)
    mine = loop.Loop("sft", **QUIET, folder=tmp_path)
    seen = []
    mine.control = type(
        "Watch", (), {"stopped": False, "report": lambda self, step, **m: seen.append(step)}
    )()
    assert train_sft(resumed, tokenizer, DEMOS, cfg, loop=mine) == expected
    assert seen[0] == 9 and same(straight, resumed)
