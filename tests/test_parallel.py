"""Stages in processes of their own: an order their inputs allow, two at a time, the same results, a clean stop."""

import pytest

from rlhf_lite import parallel
from rlhf_lite.chain import INPUTS, STAGES, Chain, ChainConfig
from rlhf_lite.config import PPOConfig


class _Done:
    """A process that ends at the second look."""

    def __init__(self, log, stage, code=0):
        self.log, self.stage, self.returncode, self.looks = log, stage, code, 0

    def poll(self):
        self.looks += 1
        return self.returncode if self.looks > 1 else None

    def communicate(self):
        self.log.append(("end", self.stage))
        return ("what went wrong", None)


@pytest.fixture
def log(monkeypatch, tmp_path):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path))
    events = []

    def start(chain, stage, threads):
        events.append(("start", stage, threads))
        return _Done(events, stage)

    monkeypatch.setattr(parallel, "_start", start)
    monkeypatch.setattr(parallel.time, "sleep", lambda seconds: None)
    return events


def test_every_stage_starts_after_its_inputs_and_never_more_than_two_run(log):
    parallel.build_all(Chain(shipped=()), STAGES)
    running, ended, most = set(), set(), 0
    for event in log:
        if event[0] == "start":
            assert set(INPUTS[event[1]]) <= ended
            running.add(event[1])
            most = max(most, len(running))
        else:
            running.discard(event[1])
            ended.add(event[1])
    assert ended == set(STAGES) and most == 2
    threads = {event[1]: event[2] for event in log if event[0] == "start"}
    assert threads["reward"] == 2 and threads["ppo"] == threads["ppo_ptx"] == 1


def test_a_failed_stage_is_named_with_its_output(log, monkeypatch):
    monkeypatch.setattr(parallel, "_start", lambda chain, stage, threads: _Done(log, stage, code=1))
    with pytest.raises(RuntimeError, match="(?s)base.*what went wrong"):
        parallel.build_all(Chain(shipped=()), STAGES)


def test_a_config_survives_the_way_to_another_process():
    config = ChainConfig(seed=3, ppo=PPOConfig(kl_beta=0.05))
    assert ChainConfig.from_dict(config.to_dict()) == config
