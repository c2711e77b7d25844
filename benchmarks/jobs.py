"""What is measured: the models, the jobs, their data, and the work that no implementation can avoid.

Every word is one token, so texts have exactly the lengths asked for. End of text and padding are never drawn,
so that every response is full and both sides do the same amount of work.
"""

from __future__ import annotations

import itertools
import json
import string
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import torch
from torch import Tensor

LR = 1e-5  # of both sides: after a dozen steps the models are still nearly those that were saved
FOREVER = 10**6  # steps; the parent ends a process long before
SPECIAL = 2 + 256  # end of text, padding and one token for each byte come before the words


@dataclass(frozen=True)
class Shape:
    """A GPT-2."""

    layers: int
    width: int
    heads: int
    vocabulary: int
    positions: int


@dataclass(frozen=True)
class Job:
    """One optimizer step (rm, sft), one PPO iteration (ppo) or
    one batch of samples (sample); lengths are in tokens."""

    kind: str
    rows: int  # answers to the one prompt (rm), episodes (ppo), prompts (sample), packed rows (sft)
    prompt: int = 32  # with the newline that ends it
    answer: int = 32  # of rm with its end of text; of sft the length of a row
    minibatches: int = 4  # of ppo
    ptx_rows: int = 0  # pretraining rows beside each minibatch of ppo
    ptx_tokens: int = 64


@dataclass(frozen=True)
class Case:
    """A job on a model, as a worker gets it."""

    job: Job
    shape: Shape
    folder: str  # of the model files, see `save_models`
    precision: str  # fp32 or bf16
    device: str = "cpu"

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Case:
        values = json.loads(text)
        return cls(**{**values, "job": Job(**values["job"]), "shape": Shape(**values["shape"])})


MODELS = {
    "tiny": Shape(layers=4, width=256, heads=4, vocabulary=2000, positions=256),
    "gpt2": Shape(layers=12, width=768, heads=12, vocabulary=50257, positions=1024),
}
PRECISIONS = ("fp32", "bf16")
EPISODES = {"tiny": 64, "gpt2": 16}
PACKED_ROWS = {"tiny": 8, "gpt2": 4}
NAMES = ("rm_32_32", "rm_96_32", "ppo", "ptx", "sample", "sft")


def job(name: str, model: str) -> Job:
    """The job of that name, in the size that suits the model."""
    jobs = {
        "rm_32_32": Job("rm", rows=9),
        "rm_96_32": Job("rm", rows=9, prompt=96),
        "ppo": Job("ppo", rows=EPISODES[model]),
        "ptx": Job("ppo", rows=EPISODES[model], ptx_rows=8),
        "sample": Job("sample", rows=64),
        "sft": Job("sft", rows=PACKED_ROWS[model], prompt=0, answer=128),
    }
    return jobs[name]


# --- data ---------------------------------------------------------------------------------------------------


def words(shape: Shape) -> list[str]:
    """As many made-up words as the vocabulary has room for."""
    letters = itertools.product(string.ascii_lowercase, repeat=4)
    return ["".join(four) for four in itertools.islice(letters, shape.vocabulary - SPECIAL)]


def _texts(shape: Shape, count: int, tokens: int, seed: str) -> list[str]:
    """`count` texts of random words."""
    known, rng = words(shape), Random(seed)
    return [" ".join(rng.choices(known, k=tokens)) for _ in range(count)]


def prompts(case: Case) -> list[str]:
    """The prompts, one for each row; a reward model's answers share one."""
    count = 1 if case.job.kind == "rm" else case.job.rows
    return _texts(case.shape, count, case.job.prompt - 1, "prompts")  # a newline follows


def answers(case: Case) -> list[str]:
    """The answers to the reward model's prompt, the best first."""
    return _texts(case.shape, case.job.rows, case.job.answer - 1, "answers")  # end of text follows


def exchange_ids(case: Case) -> Tensor:
    """Prompt, newline, answer and end of text of each answer,
    as transformers reads them: (answers, prompt + answer)."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(Path(case.folder, "policy"))
    (prompt,) = prompt_ids(case, tokenizer).tolist()
    return torch.tensor(
        [prompt + ids + [tokenizer.eos_token_id] for ids in tokenizer(answers(case)).input_ids]
    )


def prompt_ids(case: Case, tokenizer) -> Tensor:
    """Each prompt with its newline, (prompts, tokens)."""
    return torch.tensor(tokenizer([f"{text}\n" for text in prompts(case)]).input_ids)


def packed_rows(case: Case, count: int, tokens: int) -> Tensor:
    """Ids of running text, (count, tokens)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(SPECIAL, case.shape.vocabulary, (count, tokens), generator=generator)


def random_policy(shape: Shape, tokenizer, activation: str = "gelu_new"):
    """A GPT-2 with random weights that never ends a text by itself."""
    from transformers import GPT2Config, GPT2LMHeadModel

    from rlhf_lite.models.checkpoints import NO_DROPOUT

    eos, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=shape.positions,
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=shape.heads,
        activation_function=activation,
        bos_token_id=eos,
        eos_token_id=eos,
        pad_token_id=pad,
        **NO_DROPOUT,
    )
    torch.manual_seed(0)
    policy = GPT2LMHeadModel(config)
    with torch.no_grad():  # the logits of end of text and padding are about -width / 4
        policy.transformer.ln_f.bias.fill_(0.5)
        policy.transformer.wte.weight[[eos, pad]] = -0.5
    return policy


def save_models(shape: Shape, folder: Path) -> None:
    """A policy, a reward model and their tokenizer, as any GPT-2 is saved: what both sides load."""
    from rlhf_lite.models.checkpoints import new_scalar_model, save_model
    from rlhf_lite.models.tokens import build_tokenizer

    tokenizer = build_tokenizer(words(shape))
    policy = random_policy(shape, tokenizer)
    reward = new_scalar_model(policy)
    reward.config.trained_rankings = 1  # PPO refuses a reward model without it
    save_model(policy, folder / "policy", tokenizer=tokenizer)
    save_model(reward, folder / "reward", tokenizer=tokenizer)


# --- the floor ----------------------------------------------------------------------------------------------


def gflop(job: Job, shape: Shape) -> float:
    """Matrix products that one step cannot do without, in 10^9
    operations (a multiplication and an addition are two).

    Backward passes cost twice their forward. The head over the vocabulary works only where a token is
    predicted, attention only backwards, a prompt with several answers is read once, and nobody reads what the
    last drawn token could predict. Every layer is counted on all tokens; what is not a matrix product costs
    nothing.
    """
    rows, P, A = job.rows, job.prompt, job.answer
    if job.kind == "rm":
        work = 3 * (_trunk(shape, 1, P) + _trunk(shape, rows, A, before=P))
    elif job.kind == "sft":
        work = 3 * _next_token(shape, rows, A)
    else:
        policy = _trunk(shape, rows, P + A - 1) + _head(shape, rows * A)
        value = _trunk(shape, rows, P + A - 1)
        work = policy
        if (
            job.kind == "ppo"
        ):  # sampling; then reference, value and reward model; then the update of two networks
            work += policy + value + _trunk(shape, rows, P + A) + 3 * (policy + value)
            work += 3 * job.minibatches * _next_token(shape, job.ptx_rows, job.ptx_tokens)
    return work / 1e9


def _next_token(shape: Shape, rows: int, tokens: int) -> float:
    return _trunk(shape, rows, tokens) + _head(shape, rows * (tokens - 1))


def _trunk(shape: Shape, rows: int, tokens: int, before: int = 0) -> float:
    """All layers on `rows` texts of `tokens` tokens, each of
    which follows `before` tokens that are read elsewhere."""
    seen = rows * tokens * (before + (tokens + 1) / 2)  # pairs of a token and one that it may look at
    return shape.layers * (24 * shape.width**2 * rows * tokens + 4 * shape.width * seen)


def _head(shape: Shape, positions: int) -> float:
    return 2 * shape.width * shape.vocabulary * positions
