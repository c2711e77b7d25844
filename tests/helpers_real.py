"""Rankings as people have them, small, and a chain of real rankings that takes seconds."""

import json
import os
from pathlib import Path

from rlhf_lite.chain.real import RealChain
from rlhf_lite.chain.recipes import RealChainConfig
from rlhf_lite.cli.chains import with_settings

DATA = Path(os.environ.get("RLHF_LITE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
WORDS = (
    "why is it so yes no maybe good bad never always because of that User Assistant "
    "one two three four five six"
).split()


def message(name, text, role, rank=None, replies=()):
    return {"message_id": name, "text": text, "role": role, "rank": rank, "replies": list(replies)}


def tree(i):
    """A conversation of two turns; of the answers to both, whoever says yes is preferred."""
    word = WORDS[i % 16]
    follow = message(
        f"q{i}b",
        f"so why {word}",
        "prompter",
        replies=[
            message(f"c{i}", f"no {word}", "assistant", 1),
            message(f"d{i}", f"yes {word} it is", "assistant", 0),
        ],
    )
    answers = [
        message(f"a{i}", f"yes {word}", "assistant", 0, [follow]),
        message(f"b{i}", f"no it is {word}", "assistant", 1),
        message(f"u{i}", "not ranked", "assistant"),
    ]
    return {
        "message_tree_id": f"t{i}",
        "prompt": message(f"q{i}", f"why is it {word} {i}", "prompter", replies=answers),
    }


TREES = [tree(i) for i in range(48)]
K_WAY = [
    {
        "prompt": f"why {i}",
        "user_id": f"u{i // 3}",
        "completions": [f"no {i}", f"yes {i}", "maybe"],
        "ranks": [3, 1, 2],
    }
    for i in range(30)
]
PAIRS = [{"prompt": f"why {i}", "chosen": f"yes {i}", "rejected": f"no {i}"} for i in range(30)]
QUICK = (
    "sft.epochs=2",
    "sft.lr=0.002",
    "sft.batch_size=8",
    "reward.lr=0.002",
    "reward.epochs=3",
    "reward.prompts_per_step=8",
    "ppo.episodes=32",
    "ppo.batch_size=16",
    "ppo.minibatches=2",
    "ppo.max_new_tokens=6",
    "ppo.lr=0.0001",
)


def written(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def real_config(folder: Path, *more: str, **changes) -> RealChainConfig:
    """Settings for the data in a folder of the fixture `real_folder`, with others as `--set` takes them."""
    values = dict(
        rankings=str(folder / "trees.jsonl"),
        model="",
        tokenizer=str(folder / "tokenizer"),
        limit_tokens=48,
        test_share=0.2,
        text=str(folder / "text.txt"),
        text_rows=12,
        device="cpu",
    )
    return with_settings(RealChainConfig(**values | changes), [*QUICK, *more])


def real_chain(folder: Path, *more: str, **changes) -> RealChain:
    return RealChain(real_config(folder, *more, **changes), progress=False)


def real_command(folder: Path, *more: str) -> list[str]:
    """The words of `rlhf-lite real` for the same data."""
    cfg = real_config(folder)
    words = ["real", "--rankings", cfg.rankings, "--model", "", "--tokenizer", cfg.tokenizer]
    return [*words, "--device", "cpu", "--limit-tokens", "48", *more]
