"""Trainings whose memory is foretold and measured: a small GPT-2, texts for it, and each stage on them."""

import copy
import random
from types import SimpleNamespace

import torch

from rlhf_lite.config import PPOConfig, RewardConfig, SFTConfig
from rlhf_lite.hardware import forecast, kernels
from rlhf_lite.hardware.forecast import BatchShape, Shape
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model
from rlhf_lite.models.gpt2 import recompute
from rlhf_lite.models.tokens import build_tokenizer, encode_prompts
from rlhf_lite.train.ppo import train_ppo
from rlhf_lite.train.rankings import RankingSet
from rlhf_lite.train.reward import train_reward
from rlhf_lite.train.sft import ExchangeSet, train_sft

QUIET = {"progress": False}
WORDS = [f"w{i}" for i in range(2000)]


class Setting:
    """A small GPT-2 and texts for it, computed in some way on some device."""

    def __init__(self, settings, monkeypatch, device="cpu", rows=16, **size):
        self.settings, self.device, self.draw = settings, device, random.Random(0)
        monkeypatch.setenv("RLHF_LITE_PRECISION", "bf16" if settings.half else "fp32")
        if device == "cpu":
            fused = ("torch.float32", "torch.bfloat16") if settings.fused else ()
            monkeypatch.setattr(kernels, "choose_kernels", lambda kind: kernels.Kernels(sdpa=fused))
        self.tokenizer = build_tokenizer(WORDS)
        shape = SimpleNamespace(**{"width": 64, "layers": 3, "heads": 4, "n_positions": 256, **size})
        self.base = new_policy(shape, self.tokenizer).to(device)
        self.shape, self.rows = Shape.of(self.base.config), rows

    def text(self, least, most):
        return " ".join(self.draw.choice(WORDS) for _ in range(self.draw.randrange(least, most)))

    def parts(self, rows, accumulation):
        """The rows of each piece, of the first process."""
        own = range(rows)[:: self.settings.processes]
        return [own[k::accumulation] for k in range(accumulation)]

    def model(self, of=None):
        model = copy.deepcopy(of or self.base)
        return recompute(model) if self.settings.recompute else model


def sft(setting, accumulation):
    """-> what training was foretold to take, a function that trains, and the models it trains"""
    pairs = [(setting.text(10, 60), setting.text(10, 50)) for _ in range(setting.rows)]
    examples, policy = ExchangeSet(setting.tokenizer, pairs, 256), setting.model()
    found = []
    for rows in setting.parts(setting.rows, accumulation):
        load = BatchShape.of([examples.lengths[i] for i in rows], [examples.answer_tokens([i]) for i in rows])
        found.append(forecast.sft(setting.shape, load, setting.settings, accumulation))
    cfg = SFTConfig(epochs=2, batch_size=setting.rows)
    return (
        found,
        lambda: train_sft(policy, setting.tokenizer, pairs, cfg, accumulation=accumulation, loop=QUIET),
        [policy],
    )


def reward(setting, accumulation):
    rankings = [
        {
            "prompt": setting.text(5, 30),
            "completions": [setting.text(5, 20) for _ in range(4)],
            "ranks": [1, 2, 3, 4],
        }
        for _ in range(setting.rows // 2)
    ]
    model = setting.model(new_scalar_model(setting.base))
    data, found = RankingSet(setting.tokenizer, rankings, model.config.n_positions), []
    for rows in setting.parts(len(rankings), accumulation):
        load = BatchShape.of([data.lengths[i] for i in rows], [4] * len(rows))
        found.append(forecast.reward(setting.shape, load, setting.settings, accumulation))
    cfg = RewardConfig(epochs=2, prompts_per_step=len(rankings))
    return (
        found,
        lambda: train_reward(model, setting.tokenizer, rankings, cfg, accumulation=accumulation, loop=QUIET),
        [model],
    )


def ppo_ptx(setting, accumulation):
    scorer, rows = new_scalar_model(setting.base), 2 * setting.rows
    scorer.config.trained_rankings = 1
    models = setting.model(), copy.deepcopy(setting.base), scorer, setting.model(scorer)
    prompts = [setting.text(10, 50) for _ in range(rows)]
    # two batches: Adam's moments are there after the first
    cfg = PPOConfig(
        episodes=2 * rows,
        batch_size=rows,
        minibatches=2,
        accumulation=accumulation,
        max_new_tokens=48,
        ptx_gamma=0.5,
        ptx_rows=4,
    )
    text, lengths = (
        torch.randint(0, 2000, (16, 64)),
        encode_prompts(setting.tokenizer, prompts, 255).mask.sum(dim=1).tolist(),
    )
    found = forecast.ppo(setting.shape, cfg, lengths, setting.settings, 64)
    return (
        [found],
        lambda: train_ppo(*models, setting.tokenizer, prompts, cfg, pretrain_rows=text, loop=QUIET),
        models,
    )


STAGES = {"sft": sft, "reward": reward, "ppo": ppo_ptx}
