"""One device: every model of both chains is on the one that was asked for, and the summaries say which it
was."""

import inspect

import pytest
import torch
from helpers_real import real_chain

from rlhf_lite.chain.tiny import Chain
from rlhf_lite.cli.chains import profile
from rlhf_lite.hardware import processes
from rlhf_lite.hardware.device import DeviceError, choose_device
from rlhf_lite.models import checkpoints


@pytest.fixture
def card(monkeypatch, run_home):
    """A card that is not there: models are asked to go to it, are noted, and stay. Returns where models were
    sent."""
    sent, place = [], checkpoints.place

    def pretend(model, device):
        if inspect.stack()[1].function != "new_scalar_model":  # which follows its policy, wherever that is
            sent.append(str(device))
        return place(model, "cpu")

    monkeypatch.setattr(checkpoints, "place", pretend)
    monkeypatch.setattr(processes, "choose_device", lambda kind="auto": torch.device("cuda", 7))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: f"the card {device}")
    monkeypatch.setenv("RLHF_LITE_PRECISION", "fp32")
    return sent


@pytest.mark.slow
def test_every_model_of_the_tiny_chain_is_on_the_chains_device(card):
    chain = Chain(profile("smoke"), shipped=(), progress=False)
    for stage in chain.needs:
        assert chain.summary(stage)["hardware"]["gpu"] == "the card cuda:7"
    assert len(card) > 15 and set(card) == {"cuda:7"}


@pytest.mark.slow
def test_every_model_of_the_real_chain_is_on_the_chains_device(card, real_folder):
    chain = real_chain(real_folder, device="auto")
    chain.check_before = lambda stage: None  # nobody knows the memory of a card that is not there
    assert chain.report and chain.summary("ppo")["hardware"]["gpu"] == "the card cuda:7"
    assert len(card) > 8 and set(card) == {"cuda:7"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_the_option_comes_before_the_environment_and_that_before_what_is_there(monkeypatch):
    monkeypatch.delenv("RLHF_LITE_DEVICE")
    assert choose_device().type == "cpu"
    monkeypatch.setenv("RLHF_LITE_DEVICE", "cuda")
    with pytest.raises(DeviceError, match="there is no GPU: .*; take device cpu or auto"):
        choose_device()
    assert choose_device("cpu").type == "cpu"
    monkeypatch.setenv("RLHF_LITE_DEVICE", "tpu")
    with pytest.raises(DeviceError, match="'tpu' is not one of auto, cuda, cpu"):
        choose_device("auto")


def test_under_torchrun_each_process_takes_a_card_of_its_own(monkeypatch):
    taken = []
    monkeypatch.delenv("RLHF_LITE_DEVICE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert choose_device() == torch.device("cuda", 1) == taken[0]
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(DeviceError, match="process 2 of this machine has no GPU of its own"):
        choose_device()


def test_the_tests_themselves_need_no_card_for_each_process(monkeypatch):
    """On a machine with one card the second process of a test has none."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert choose_device() == choose_device("auto") == torch.device("cpu")
