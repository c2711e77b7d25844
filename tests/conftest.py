"""What every test module shares. No test ever looks into a
user's run folder, or depends on a user's environment."""

import os
import tempfile

# Before anything is imported, and inherited by child processes and by the kernels of notebooks.
_RUN_FOLDER = tempfile.TemporaryDirectory(prefix="rlhf-lite-tests-", ignore_cleanup_errors=True)
os.environ["RLHF_LITE_HOME"] = _RUN_FOLDER.name
for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "RLHF_LITE_TRACEBACK"):
    os.environ.pop(name, None)

import pytest  # noqa: E402

pytest.register_assert_rewrite("helpers_memory", "helpers_train")

from rlhf_lite.world import World  # noqa: E402  # before torch, which reads what it sets

import torch  # noqa: E402  # isort: skip

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def world():
    return World(0)
