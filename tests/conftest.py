import pytest
import torch

from rlhf_lite.world import World

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def world():
    return World(0)
