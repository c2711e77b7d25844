"""Memory: what is foretold is what training takes, and what will not fit is refused with advice that
helps."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers_memory import STAGES, WORDS, Setting
from live_memory import Live

from rlhf_lite.config import PPOConfig
from rlhf_lite.hardware import forecast
from rlhf_lite.hardware.forecast import ComputeSettings, Forecast, Shape
from rlhf_lite.models.checkpoints import new_policy
from rlhf_lite.models.tokens import build_tokenizer


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("settings", "accumulation"),
    [
        (ComputeSettings(), 1),
        (ComputeSettings(half=True, recompute=True), 1),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                (ComputeSettings(half=True), 4),
                (ComputeSettings(recompute=True), 4),
                (ComputeSettings(half=True, recompute=True), 4),
                (ComputeSettings(fused=False), 4),
                (ComputeSettings(half=True, fused=False), 1),
            )
        ),
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


SCRIPT = """
import sys
import pytest
from rlhf_lite.hardware import processes
from rlhf_lite.hardware.forecast import ComputeSettings
from helpers_memory import STAGES, Setting
from helpers_memory import STAGES, WORDS, Setting
from live_memory import Live

processes.join(2, "cpu")
sharded = sys.argv[1] == "sharded"
for stage, find in STAGES.items():
    with pytest.MonkeyPatch.context() as patch:
        setting = Setting(ComputeSettings(processes=2, sharded=sharded), patch, rows=16, width=96)
        found, train, models = find(setting, 2)
        trained = models if len(models) == 1 or sharded else (models[0], models[-1])
        for model in trained:
            processes.distribute(model, reshard=sharded)
        with Live((p for model in models for p in model.parameters()), resized=True) as live:
            train()
    if processes.is_main_process():
        foretold = max(found, key=lambda f: f.total)
        print(stage, foretold.total / live.peak, str(foretold).replace(" ", "_"), flush=True)
        if foretold.total != pytest.approx(live.peak, rel=0.15):
            print(live.table(), file=sys.stderr)
processes.leave()
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sharded", "whole while at work"])
def test_what_is_foretold_holds_for_models_that_are_cut(tmp_path, way):
    (tmp_path / "train.py").write_text(SCRIPT)
    tests = Path(__file__).parent
    path = os.pathsep.join(map(str, (tests, tests.parent)))
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [sys.executable, *torchrun, str(tmp_path / "train.py"), way],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    ratios = {line.split()[0]: float(line.split()[1]) for line in done.stdout.splitlines()}
    assert list(ratios) == list(STAGES)
    for ratio in ratios.values():
        assert 1 / 1.15 < ratio < 1.15, done.stdout + done.stderr


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
    alone = ComputeSettings(half=True, recompute=True)
    whole_at_work = alone._replace(processes=4)
    many = whole_at_work._replace(sharded=True)
    # with models of its own, each of four processes would take as much as one with a quarter of the rows
    own_models = total(alone, accumulation=4, batch_size=cfg.batch_size // 4, ptx_rows=cfg.ptx_rows // 4)
    assert total(many, accumulation=4) < 0.6 * own_models
    assert total(many, accumulation=4) < total(whole_at_work, accumulation=4) < own_models
    said = str(forecast.ppo(shape, cfg, lengths, ComputeSettings(half=True), 256))
    assert re.match(r"ppo needs \d+\.\d GB while \w.* \(\w.* \d", said)


def test_free_memory_is_read_where_the_system_says():
    free = forecast.free_memory("cpu")
    assert free is None or 1e6 < free < 1e14
    assert isinstance(Forecast("sft", "waiting", {"weights": 10}).total, int)
