"""A chain that will not fit is refused before it begins, with settings that fit and learn the same."""

import re

import pytest
from helpers_real import real_chain, real_command

from rlhf_lite import cli
from rlhf_lite.chain import engine
from rlhf_lite.chain import memory as room
from rlhf_lite.hardware import forecast, processes
from rlhf_lite.hardware.forecast import TooLittleMemory


@pytest.fixture
def memory(monkeypatch):
    def pretend(free):
        monkeypatch.setattr(room.forecast, "free_memory", lambda device: free)

    return pretend


def test_what_will_not_fit_is_refused_before_training_and_the_advice_helps(
    real_folder, run_home, memory, monkeypatch, capsys
):
    large = (
        "ppo.ptx_gamma=0.5",
        "ppo.ptx_rows=32",
        "ppo.episodes=512",
        "ppo.batch_size=256",
        "sft.batch_size=64",
    )
    made = real_chain(real_folder, *large)
    free = 0.7 * max(found.total for found in room.forecasts(made).values()) / forecast.ROOM
    memory(free)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "train_sft", lambda *_, **__: pytest.fail("trained"))
        said = r"needs \d+ MB while .* but \d+ MB are free on cpu; with --set \w"
        with pytest.raises(TooLittleMemory, match=said) as refused:
            made.get("evaluation")
    words = re.search(r"--set (.*) it fits", str(refused.value)).group(1).split()
    advised = real_chain(real_folder, *large, *words)
    assert all(found.total <= forecast.ROOM * free for found in room.forecasts(advised).values())
    assert room.leaner(advised, free) == {}
    fitted = made.fitted()
    assert fitted.config == advised.config
    assert made.fitted(1e12) is made
    memory(1000)
    with pytest.raises(TooLittleMemory, match="take a smaller model"):
        made.get("sft")
    memory(None)  # nobody says: go on
    room.check(made, ["sft", "ppo"])


def test_stages_that_are_there_need_no_room(real_folder, run_home, memory):
    real_chain(real_folder).get("sft")
    memory(1000)
    assert real_chain(real_folder).get("sft")
    assert real_chain(real_folder, accumulation=4, recompute=True).get("sft")  # found whatever the parts


def test_several_processes_may_be_cut(real_folder, run_home, monkeypatch):
    made = real_chain(real_folder)
    monkeypatch.setattr(processes, "world_size", lambda: 2)
    totals = {name: found.total for name, found in room.forecasts(made).items()}
    cut = {
        name: found.total for name, found in room.forecasts(made, made.config.replace(sharded=True)).items()
    }
    assert all(cut[name] < totals[name] for name in totals)
    least = min(f.total for f in room.forecasts(made, made.config.replace(recompute=True)).values())
    assert (room.leaner(made, 0.9 * least / forecast.ROOM) or {"sharded": True})["sharded"]


def test_the_command_foretells_and_fits(real_folder, run_home, memory, capsys):
    words = real_command(real_folder)
    assert cli.main([*words, "--forecast"]) == 0
    said = capsys.readouterr().out
    assert (
        all(f"\n  {name} " in said or f"{name} " in said for name in ("sft", "reward", "judge", "ppo"))
        and "as they are" in said
    )
    memory(1000)
    assert cli.main([*words, "--fit"]) == 2
    assert "take a smaller model" in capsys.readouterr().err
