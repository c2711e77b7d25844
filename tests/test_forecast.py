"""Memory: what is foretold is what training takes, and what will not fit is refused with advice that helps."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers_memory import STAGES, WORDS, Setting
from live_memory import Live
from test_real_chain import chain, home, place  # noqa: F401 - fixtures

from rlhf_lite import cli
from rlhf_lite.chain import memory as room
from rlhf_lite.chain import real
from rlhf_lite.config import PPOConfig
from rlhf_lite.hardware import forecast, processes
from rlhf_lite.hardware.forecast import ComputeSettings, Forecast, Shape, TooLittleMemory
from rlhf_lite.models.checkpoints import new_policy
from rlhf_lite.models.tokens import build_tokenizer


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
