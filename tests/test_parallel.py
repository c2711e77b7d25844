"""Stages in processes of their own: an order their inputs allow, two at a time, the same results, a clean
stop."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rlhf_lite.chain import workers
from rlhf_lite.chain.recipes import STAGES, ChainConfig
from rlhf_lite.chain.tiny import Chain
from rlhf_lite.config import DataConfig, PPOConfig


class _Done:
    """A stage that is built at the second look."""

    def __init__(self, log, stage):
        self.log, self.stage, self.looks = log, stage, 0

    def done(self):
        self.looks += 1
        return self.looks > 1

    def result(self):
        self.log.append(("end", self.stage))


@pytest.fixture
def log(monkeypatch, tmp_path):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path))
    monkeypatch.setattr(workers, "wait", lambda running, **options: None)
    events = []

    def start(chain, stage, threads, device):
        events.append(("start", stage, threads))
        return _Done(events, stage)

    monkeypatch.setattr(workers, "start", start)
    return events


def test_every_stage_starts_after_its_inputs_and_never_more_than_two_run(log):
    workers.build_all(Chain(shipped=()), STAGES)
    running, ended, most = set(), set(), 0
    for event in log:
        if event[0] == "start":
            assert set(STAGES[event[1]]) <= ended
            running.add(event[1])
            most = max(most, len(running))
        else:
            running.discard(event[1])
            ended.add(event[1])
    assert ended == set(STAGES) and most == 2
    together = _met(log)
    assert not any(stage in workers.ALONE for pair in together for stage in pair)
    assert {"ppo", "ppo_ptx"} in together and {"reward", "baselines"} in together
    threads = {event[1]: event[2] for event in log if event[0] == "start"}
    assert threads["rankings"] == 2 and threads["reward"] == threads["ppo"] == threads["ppo_ptx"] == 1


def _met(log):
    """Pairs of stages that ran at the same time."""
    running, met = set(), []
    for event in log:
        if event[0] == "start":
            met += [{event[1], other} for other in running]
            running.add(event[1])
        else:
            running.discard(event[1])
    return met


@pytest.mark.slow
def test_what_goes_wrong_in_a_process_is_said_in_this_one(monkeypatch, tmp_path):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path))
    chain = Chain(ChainConfig(data=DataConfig(scale=0.001, sft_scale=0.001)), shipped=())
    (tmp_path / chain.folder_name("base")).write_text("a file where a folder should be")
    with pytest.raises(OSError, match="Building base failed: .*base-"):
        workers.build_all(chain, ("base",))


@pytest.mark.slow
def test_a_killed_process_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path))
    others = multiprocessing.active_children()
    building = workers.start(Chain(shipped=()), "base", threads=1)
    (child,) = (process for process in multiprocessing.active_children() if process not in others)
    child.kill()
    with pytest.raises(ChildProcessError, match="Building base ended without a word; was it killed"):
        workers.check("base", building)


def test_a_config_survives_the_way_to_another_process():
    config = ChainConfig(seed=3, ppo=PPOConfig(kl_beta=0.05))
    assert ChainConfig.from_dict(config.to_dict()) == config


ORPHAN = """
import multiprocessing, sys, time
from rlhf_lite.chain.workers import begin_process

def beat(path):
    begin_process(1, {})
    while True:
        open(path, "a").write(".")
        time.sleep(0.05)

if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=beat, args=(sys.argv[1],), daemon=True).start()
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_stage_ends_when_the_process_that_asked_for_it_is_killed(tmp_path):
    script, beats = tmp_path / "orphan.py", tmp_path / "beats"
    script.write_text(ORPHAN)
    here = os.environ | {"PYTHONPATH": str(Path(workers.__file__).parents[2])}
    parent = subprocess.Popen([sys.executable, str(script), str(beats)], env=here)
    try:
        _until(lambda: beats.exists() and beats.stat().st_size > 3)
    finally:
        parent.kill()
        parent.wait()

    def quiet() -> bool:
        size = beats.stat().st_size
        time.sleep(0.5)
        return beats.stat().st_size == size

    _until(quiet)


def _until(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)
