"""Stages in processes of their own: an order their inputs allow, two at a time, the same results, a clean
stop."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from contextlib import contextmanager
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


@contextmanager
def _run(home, *more):
    """`rlhf-lite run` in a process of its own, which ends with the test."""
    words = [sys.executable, "-m", "rlhf_lite", "run", *more]
    here = os.environ | {"RLHF_LITE_HOME": str(home), "PYTHONPATH": str(Path(workers.__file__).parents[2])}
    run = subprocess.Popen(words, env=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield run
    finally:
        run.kill()
        run.wait()


def _steps(home, stage):
    return sum(len(path.read_text().splitlines()) for path in home.glob(f"{stage}-*/trace.jsonl"))


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_sigterm_saves_what_is_in_training_and_says_so(tmp_path, jobs):
    long = "--profile", "smoke", "--set", "base.tokens=3000000"
    with _run(tmp_path, *long, "--jobs", jobs, "--only", "base") as run:
        _until(lambda: run.poll() is not None or _steps(tmp_path, "base") > 3)
        done = _steps(tmp_path, "base")
        run.terminate()
        _, err = run.communicate(timeout=60)
    assert run.returncode == 130 and err.splitlines()[-1].startswith("Stopped. What is finished is kept")
    assert "Traceback" not in err and "leaked" not in err
    (pointer,) = tmp_path.glob("base-*/checkpoint.json")
    assert json.loads(pointer.read_text())["step"] == _steps(tmp_path, "base") >= done > 3


@pytest.mark.slow
def test_a_chain_that_is_killed_again_and_again_ends_with_the_same_bits(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    words = "--profile", "smoke", "--only", "ppo", "--jobs", "1"
    for stage in ("base", "sft", "ppo"):
        with _run(killed, *words) as run:
            _until(lambda: run.poll() is not None or [*killed.glob(f"{stage}-*/stage.json")])  # noqa: B023
    for home in (whole, killed):
        with _run(home, *words) as run:
            assert run.wait(240) == 0
    models = sorted(whole.glob("*/*.safetensors"))
    assert len(models) == 5
    for path in (*models, *whole.glob("*/*.parquet"), *whole.glob("*/*.gz")):
        assert path.read_bytes() == (killed / path.relative_to(whole)).read_bytes(), path


@pytest.mark.slow
def test_two_runs_in_one_folder_build_each_stage_once(tmp_path):
    words = "--profile", "smoke", "--only", "sft", "--jobs", "2"
    with _run(tmp_path, *words) as one, _run(tmp_path, *words) as other:
        told = [run.communicate(timeout=240)[1] for run in (one, other)]
    assert one.returncode == other.returncode == 0 and "Traceback" not in "".join(told)
    assert "is being built by" in "".join(told)
    assert len([*tmp_path.glob("*/summary.json")]) == 3 and not [*tmp_path.glob("*/building.json")]


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


def _until(condition, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)
