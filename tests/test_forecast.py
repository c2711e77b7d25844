"""Memory: what is foretold is what training takes, and what will not fit is refused with advice that helps."""

import copy
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from live_memory import Live
from test_real_chain import chain, home, place  # noqa: F401 - fixtures

from rlhf_lite import cli
from rlhf_lite.chain import memory as room
from rlhf_lite.chain import real
from rlhf_lite.config import PPOConfig, RewardConfig, SFTConfig
from rlhf_lite.hardware import forecast, kernels, processes
from rlhf_lite.hardware.forecast import Forecast, ComputeSettings, BatchShape, Shape, TooLittleMemory
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model
from rlhf_lite.models.gpt2 import recompute
from rlhf_lite.models.tokens import build_tokenizer, encode_prompts
from rlhf_lite.train.ppo import train_ppo
from rlhf_lite.train.reward import RankingSet, train_reward
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
    data, found = RankingSet(setting.tokenizer, rankings, model), []
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


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("settings", "accumulation"),
    [
        (ComputeSettings(), 1),
        (ComputeSettings(half=True), 4),
        (ComputeSettings(recompute=True), 4),
        (ComputeSettings(half=True, recompute=True), 1),
        (ComputeSettings(fused=False), 4),
        (ComputeSettings(half=True, fused=False), 1),
    ],
    ids=str,
)
def test_what_is_foretold_is_what_training_takes(monkeypatch, stage, settings, accumulation):
    found, train, models = STAGES[stage](Setting(settings, monkeypatch), accumulation)
    with Live(p for model in models for p in model.parameters()) as live:
        train()
    foretold = max(found, key=lambda f: f.total)
    assert foretold.total == pytest.approx(live.peak, rel=0.15), (
        f"{foretold}\n{live.peak / 1e9} GB:\n{live.table()}"
    )


CUT = """
import sys
import pytest
from rlhf_lite import processes
from rlhf_lite.hardware.forecast import ComputeSettings
from rlhf_lite.hardware.sharding import shard
from live_memory import Live
from test_forecast import STAGES, Setting

processes.join(2)
for stage, find in STAGES.items():
    with pytest.MonkeyPatch.context() as patch:
        setting = Setting(ComputeSettings(processes=2, sharded=True), patch, rows=16, width=96)
        found, train, models = find(setting, 2)
        for model in models:
            shard(model)
        with Live((p for model in models for p in model.parameters()), resized=True) as live:
            train()
    foretold = max(found, key=lambda f: f.total)
    assert not processes.is_main_process() or foretold.total == pytest.approx(live.peak, rel=0.15), f"{foretold} {live.peak} {live.table()}"
    if processes.is_main_process():
        print(stage, foretold.total / live.peak)
processes.leave()
"""


@pytest.mark.slow
def test_what_is_foretold_holds_for_models_that_are_cut(tmp_path):
    (tmp_path / "train.py").write_text(CUT)
    tests = Path(__file__).parent
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (tests, tests.parent))),
        "OMP_NUM_THREADS": "1",
    }
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        str(tmp_path / "train.py"),
    ]
    done = subprocess.run(torchrun, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(STAGES)


def test_parameters_are_counted_as_transformers_counts_them():
    base = new_policy(SimpleNamespace(width=64, layers=3, heads=4, n_positions=32), build_tokenizer(WORDS))
    assert Shape.of(base.config).parameters == base.num_parameters()
    assert Shape(768, 12, 12, 50257, 1024).parameters == 124_439_808  # GPT-2
    assert Shape(1024, 24, 16, 50257, 1024).parameters == 354_823_168  # GPT-2 medium


def test_parts_layers_and_processes_take_less():
    shape, cfg, lengths = (
        Shape(1024, 24, 16, 50257, 1024),
        PPOConfig.for_profile("gpt2", ptx_gamma=1.0),
        [200] * 400,
    )

    def total(settings=ComputeSettings(half=True), **changes):
        return forecast.ppo(shape, cfg.replace(**changes), lengths, settings, 256).total

    assert (
        total()
        > total(accumulation=4)
        > total(ComputeSettings(half=True, recompute=True), accumulation=4)
        > 36 * shape.parameters
    )
    many = ComputeSettings(half=True, recompute=True, processes=4, sharded=True)
    assert total(many, accumulation=4) < 0.6 * total(
        ComputeSettings(half=True, recompute=True, processes=4), accumulation=4
    )
    said = str(forecast.ppo(shape, cfg, lengths, ComputeSettings(half=True), 256))
    assert re.match(r"ppo needs \d+\.\d GB while \w.* \(\w.* \d", said)


# --- refusing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def memory(monkeypatch):
    def pretend(free):
        monkeypatch.setattr(room, "free_memory", lambda device: free)

    return pretend


def test_what_will_not_fit_is_refused_before_training_and_the_advice_helps(
    place, home, memory, monkeypatch, capsys
):  # noqa: F811
    large = (
        "ppo.ptx_gamma=0.5",
        "ppo.ptx_rows=32",
        "ppo.episodes=512",
        "ppo.batch_size=256",
        "sft.batch_size=64",
    )
    made = chain(place, *large)
    free = 0.7 * max(found.total for found in room.forecasts(made).values()) / forecast.ROOM
    memory(free)
    with monkeypatch.context() as patch:
        patch.setattr(real, "train_sft", lambda *_, **__: pytest.fail("trained"))
        said = r"needs \d+ MB while .* but \d+ MB are free on cpu; with --set \w"
        with pytest.raises(TooLittleMemory, match=said) as refused:
            made.get("evaluation")
    words = re.search(r"--set (.*) it fits", str(refused.value)).group(1).split()
    advised = chain(place, *large, *words)
    assert all(found.total <= forecast.ROOM * free for found in room.forecasts(advised).values())
    assert room.leaner(advised, free) == {}
    fitted = made.fitted()
    assert (fitted.config, fitted.stages) == (advised.config, advised.stages)
    assert made.fitted(1e12) is made
    memory(1000)
    with pytest.raises(TooLittleMemory, match="take a smaller model"):
        made.get("sft")
    memory(None)  # nobody says: go on
    room.check(made, ["sft", "ppo"])


def test_stages_that_are_there_need_no_room(place, home, memory):  # noqa: F811
    chain(place).get("sft")
    memory(1000)
    assert chain(place).get("sft") and chain(place, accumulation=4, recompute=True).get(
        "sft"
    )  # found whatever the parts


def test_several_processes_may_be_cut(place, home, monkeypatch):  # noqa: F811
    made = chain(place)
    monkeypatch.setattr(processes, "world_size", lambda: 2)
    totals = {name: found.total for name, found in room.forecasts(made).items()}
    cut = {
        name: found.total for name, found in room.forecasts(made, made.config.replace(sharded=True)).items()
    }
    assert all(cut[name] < totals[name] for name in totals)
    least = min(f.total for f in room.forecasts(made, made.config.replace(recompute=True)).values())
    assert (room.leaner(made, 0.9 * least / forecast.ROOM) or {"sharded": True})["sharded"]


def test_the_command_foretells_and_fits(place, home, memory, capsys):  # noqa: F811
    cfg = chain(place).config
    words = [
        "real",
        "--rankings",
        cfg.rankings,
        "--model",
        "",
        "--tokenizer",
        cfg.tokenizer,
        "--limit-tokens",
        "48",
    ]
    assert cli.main([*words, "--forecast"]) == 0
    said = capsys.readouterr().out
    assert (
        all(f"\n  {name} " in said or f"{name} " in said for name in ("sft", "reward", "judge", "ppo"))
        and "as they are" in said
    )
    memory(1000)
    assert cli.main([*words, "--fit"]) == 2
    assert "take a smaller model" in capsys.readouterr().err


def test_free_memory_is_read_where_the_system_says():
    free = forecast.free_memory("cpu")
    assert free is None or 1e6 < free < 1e14
    assert isinstance(Forecast("sft", "waiting", {"weights": 10}).total, int)
