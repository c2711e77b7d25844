"""Real human rankings: the reward model of the tiny world, code and all, on what people wrote and people
ranked.

    tokenizer = load_tokenizer("gpt2-tokenizer/")
    data = prepare("trees.jsonl", tokenizer, RealConfig())      # .train, .held_out, and what was dropped or cut
    found = train(data, tokenizer, RealConfig())                # a store.Found: the model, its trace, report.json

Expect little of it: a hundred conversations and random weights are next to nothing beside what the paper's
reward models had read. What it shows is the whole path, from a file of rankings to an accuracy on
conversations that nobody trained on, with an honest interval around it, beside chance and beside the rule
"the longer answer is better".
"""

from __future__ import annotations

import hashlib
import math
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import GPT2ForSequenceClassification, PreTrainedTokenizerFast

from ..config import RewardConfig, knob
from ..data import hub
from ..data.files import write_json
from ..data.pipeline import split_by_user
from ..data.records import RecordError, Row, untied_pairs
from ..data.sources import cut_to_fit
from ..evaluate.intervals import mean_with_interval
from ..models.checkpoints import (
    load_policy,
    load_scalar_model,
    new_policy,
    new_scalar_model,
    place,
    save_model,
)
from ..models.losses import ranking_loss
from ..models.tokens import load_tokenizer
from ..train.loop import Loop
from ..train.reward import score_texts, train_reward
from . import store

VERSION = 1  # raised when the same settings would lead to another model
WANTED = (
    "give Open-Assistant trees or messages (message_id, role, text, rank), rankings (prompt, completions, ranks), "
    "or pairs (prompt, chosen, rejected)"
)


class Shape(NamedTuple):
    """What `new_policy` needs to know of a GPT-2."""

    width: int
    layers: int
    heads: int
    n_positions: int


SIZES = {
    "tiny": Shape(
        128, 4, 4, 512
    ),  # 7 M parameters with GPT-2's vocabulary, nearly all of them in its embedding
    "small": Shape(256, 6, 8, 512),  # 18 M
    "gpt2": Shape(768, 12, 12, 1024),  # 124 M, the shape of GPT-2 itself: for a GPU
}


@dataclass(frozen=True)
class RealConfig(RewardConfig):
    """A reward model's settings, and what real rankings need besides."""

    epochs: int = knob(2, "passes over the rankings", 1, "App. C.2", low=1)
    lr: float = knob(5e-4, "peak learning rate", 9e-6, "App. C.2", low=0.0, high=1.0)
    size: str = knob("tiny", "shape of the model", "6B", "§3.5", choices=tuple(SIZES))
    limit_tokens: int = knob(384, "longest prompt and completion together", 2048, "App. C", low=8)
    held_out: float = knob(
        0.25, "share of the conversations kept for the accuracy", "Table 6", low=0.01, high=0.99
    )
    steps: int = knob(0, "stop after so many steps, 0: at the end", low=0)
    minutes: float = knob(0.0, "stop after so many minutes, 0: at the end", low=0.0)


# --- The data -----------------------------------------------------------------------------------------------


def find_tokenizer(folder: str | None) -> PreTrainedTokenizerFast:
    """The tokenizer in a folder, or an error that says what is needed."""
    if folder is None:
        raise ValueError(
            "a tokenizer is needed: --tokenizer DIR with GPT-2's vocab.json and merges.txt (or any tokenizer's "
            "files), or $RLHF_LITE_TOKENIZER, or a --model folder that has one"
        )
    return load_tokenizer(folder)


@dataclass(frozen=True)
class RealData:
    """Rankings of both sides, and how many things were dropped or cut for which reason."""

    train: list[Row]
    held_out: list[Row]
    notes: Counter
    digest: str  # of the file


def prepare(path: str | Path, tokenizer: PreTrainedTokenizerFast, cfg: RealConfig) -> RealData:
    """Read a file of rankings, cut every text to the limit, split by conversation so that none is on both
    sides.
    """
    rows, notes = read(path, cfg.seed)
    rows, cut = cut_to_fit(rows, tokenizer, cfg.limit_tokens)
    notes += cut
    usable = [
        row | {"user_id": row.get("user_id") or row["prompt"]} for row in rows if untied_pairs(row["ranks"])
    ]
    if len(usable) < len(rows):
        notes["row dropped: all its answers are tied"] = len(rows) - len(usable)
    sides = split_by_user(usable, {"train": 1 - cfg.held_out, "held_out": cfg.held_out}, cfg.seed)
    if not (sides["train"] and sides["held_out"]):
        raise RecordError(
            f"{path}: only {len(trees(usable))} conversations with a preference, and all on one side of the "
            "split; give more of them, or another seed"
        )
    return RealData(**sides, notes=notes, digest=fingerprint(path))


def read(path: str | Path, seed: int = 0) -> tuple[list[Row], Counter]:
    """Ranking rows of a file in any of three forms, and what had to be left out."""
    return hub.load(Path(path), seed=seed)


def trees(rows: Iterable[Row]) -> set[str]:
    """The conversations (or users) that rows belong to."""
    return {row["user_id"] for row in rows}


def fingerprint(path: str | Path) -> str:
    """Twelve hexadecimal digits of a file's or folder's content; of the name alone, if it is one on
    the hub.
    """
    path, digest = Path(path).expanduser(), hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        digest.update(file.name.encode())
        if file.is_file():
            with file.open("rb") as handle:
                digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()[:12]


# --- The model ----------------------------------------------------------------------------------------------


def train(
    data: RealData,
    tokenizer: PreTrainedTokenizerFast,
    cfg: RealConfig,
    model: str | None = None,
    fresh: bool = False,
    progress: bool = True,
) -> store.Found:
    """The trained model of these settings, found in the run folder or built there; a stopped run goes on,
    unless `fresh`.

    `model` is a GPT-2 checkpoint to start from, a folder or a hub name; None means random weights.
    """
    vocabulary = hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()[:12]
    inputs = {
        "rankings": data.digest,
        "tokenizer": vocabulary,
        "model": fingerprint(model) if model else "random weights",
    }
    name = f"real_reward-{store.stage_key('real_reward', VERSION, cfg.to_dict(), inputs)}"
    if fresh:
        shutil.rmtree(store.home() / name, ignore_errors=True)
    found = store.find(name, (store.home(),))
    return found or store.build(
        name, cfg.to_dict(), inputs, lambda folder: _build(folder, data, tokenizer, cfg, model, progress)
    )


def untrained_model(
    tokenizer: PreTrainedTokenizerFast, cfg: RealConfig, model: str | None = None
) -> GPT2ForSequenceClassification:
    """A new scalar head on random weights in one of our shapes, or on a checkpoint; on the GPU if there is
    one.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    policy = (
        load_policy(model, tokenizer, device)
        if model
        else place(new_policy(SIZES[cfg.size], tokenizer, cfg.seed), device)
    )
    if cfg.limit_tokens > (most := policy.config.n_positions):
        raise ValueError(
            f"limit_tokens = {cfg.limit_tokens}, but the model reads {most} tokens; take {most} or less"
        )
    return new_scalar_model(policy, seed=cfg.seed)


class Budget:
    """Stops a training loop after so many steps or minutes; 0 means without limit."""

    def __init__(self, steps: int = 0, minutes: float = 0.0):
        self.steps, self.done = steps or math.inf, 0
        self.deadline = time.monotonic() + 60 * (minutes or math.inf)

    @property
    def stopped(self) -> bool:
        return self.done >= self.steps or time.monotonic() >= self.deadline

    def report(self, step: int, **metrics: float) -> None:
        self.done = step + 1


def _build(
    folder: Path,
    data: RealData,
    tokenizer: PreTrainedTokenizerFast,
    cfg: RealConfig,
    model: str | None,
    progress: bool,
) -> dict | None:
    """Train, save, load again what was saved, and measure that. None if someone stopped it."""
    reward_model = untrained_model(tokenizer, cfg, model)
    budget = Budget(cfg.steps, cfg.minutes)
    loop = Loop("reward", folder=folder, control=budget, progress=progress)
    train_reward(reward_model, tokenizer, data.train, cfg, loop=loop)
    if not (loop.finished or budget.stopped):
        return None
    save_model(reward_model, folder, tokenizer=tokenizer)
    loop.clear()
    saved = load_scalar_model(folder, reward_model.device)
    lengths = [[float(len(text)) for text in row["completions"]] for row in data.held_out]
    report = {
        "start": str(model or "random weights"),
        "parameters": saved.num_parameters(),
        "steps": {"done": loop.step, "planned": loop.total},
        "data": {side: count(rows) for side, rows in (("train", data.train), ("held_out", data.held_out))},
        "left_out": dict(data.notes),
        "held_out": measure(saved, tokenizer, data.held_out),
        "train": measure(saved, tokenizer, data.train),
        "untrained": measure(untrained_model(tokenizer, cfg, model), tokenizer, data.held_out),
        "longer_answer": agreement(data.held_out, lengths)["accuracy"],
        "chance": {"accuracy": 0.5, "loss": math.log(2)},
    }
    write_json(folder / "report.json", report)
    return report


# --- What came of it ----------------------------------------------------------------------------------------


def measure(reward_model, tokenizer: PreTrainedTokenizerFast, rows: Sequence[Row]) -> dict[str, dict]:
    """`agreement` of a model's scores with the people who ranked."""
    prompts = [row["prompt"] for row in rows for _ in row["completions"]]
    texts = [text for row in rows for text in row["completions"]]
    scores = iter(score_texts(reward_model, tokenizer, prompts, texts, batch=16))
    return agreement(rows, [[next(scores) for _ in row["completions"]] for row in rows])


def agreement(rows: Sequence[Row], scores: Sequence[Sequence[float]]) -> dict[str, dict]:
    """Accuracy over all untied pairs and the loss of Eq. 1, each with a 95 % interval.

    The bootstrap draws whole conversations: prompts of one conversation share their text, so they are no two
    witnesses.
    """
    right, owners, losses = [], [], []
    for row, given in zip(rows, scores, strict=True):
        for better, worse in untied_pairs(row["ranks"]):
            gap = given[better] - given[worse]
            right.append(0.5 if gap == 0 else float(gap > 0))
            owners.append(row["user_id"])
        losses.append(float(ranking_loss(torch.tensor([given]), torch.tensor([row["ranks"]]))))
    return {
        "accuracy": mean_with_interval(right, owners).to_dict(),
        "loss": mean_with_interval(losses, [row["user_id"] for row in rows]).to_dict(),
    }


def count(rows: Sequence[Row]) -> dict[str, int]:
    """Conversations, prompts, answers and pairs of one side."""
    return {
        "conversations": len(trees(rows)),
        "prompts": len(rows),
        "answers": sum(len(row["ranks"]) for row in rows),
        "pairs": sum(len(untied_pairs(row["ranks"])) for row in rows),
    }
