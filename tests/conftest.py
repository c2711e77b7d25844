"""What every test module shares. No test ever looks into a
user's run folder, or depends on a user's environment."""

import os
import tempfile

# Before anything is imported, and inherited by child processes and by the kernels of notebooks.
_RUN_FOLDER = tempfile.TemporaryDirectory(prefix="rlhf-lite-tests-", ignore_cleanup_errors=True)
os.environ["RLHF_LITE_HOME"] = _RUN_FOLDER.name
# Tests that need a GPU ask for it by name. All others compute on the CPU: several processes, which want a
# card each, and sentences that say where memory is free.
os.environ["RLHF_LITE_DEVICE"] = "cpu"
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


@pytest.fixture(scope="session")
def real_folder(tmp_path_factory):
    """A folder with a tokenizer, rankings and running text, for `helpers_real.real_chain`."""
    from helpers_real import TREES, WORDS, written

    from rlhf_lite.models.tokens import build_tokenizer

    folder = tmp_path_factory.mktemp("real")
    build_tokenizer(WORDS).save_pretrained(folder / "tokenizer")
    written(folder / "trees.jsonl", TREES)
    lines = (f"yes it is good because of {word} and so on" for word in WORDS * 20)
    (folder / "text.txt").write_text("\n".join(lines))
    return folder


@pytest.fixture
def run_home(tmp_path, monkeypatch):
    """A run folder of the test's own."""
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
