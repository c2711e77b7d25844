"""The base model: it learns, resumes, and refuses what is too short."""

import copy

import pytest
import torch
from helpers_train import QUIET, FailAt, Failure, same

from rlhf_lite.config import PretrainConfig
from rlhf_lite.train.pretrain import stream_loss, train_base

pytest_plugins = ["helpers_train"]
pytestmark = pytest.mark.usefixtures("exact")


def test_pretraining_learns_a_pattern_and_resumes(policy, tokenizer, tmp_path):
    stream = torch.arange(2, 14).repeat(200)
    cfg = PretrainConfig(tokens=40 * 8 * 32, batch_size=8, lr=1e-2, warmup_steps=5)
    straight, resumed = copy.deepcopy(policy), copy.deepcopy(policy)
    history = train_base(straight, stream, cfg, valid=stream[:320], valid_every=20, loop=QUIET)
    assert len(history["loss"]) == 40 and len(history["loss/valid"]) == 2
    assert history["loss/valid"][-1] == pytest.approx(stream_loss(straight, stream[:320]))
    assert history["loss/valid"][-1] < 0.5
    options = {**QUIET, "folder": tmp_path, "save_every_s": 0}
    with pytest.raises(Failure):
        train_base(copy.deepcopy(policy), stream, cfg, loop={**options, "control": FailAt(23)})
    train_base(resumed, stream, cfg, loop=options)
    assert same(straight, resumed)


def test_short_streams_are_refused(policy):
    with pytest.raises(ValueError, match="at least 32 tokens"):
        train_base(policy, torch.arange(10), loop=QUIET)
