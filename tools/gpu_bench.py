"""GPT-2 and the tiny model on a GPU: each job as it is and compiled, and SFT beside compiled transformers.

    python -m tools.gpu_bench OUT.json [--device cpu] [--seconds 400]

What is done is written after each job, the most important first. On a CPU the same in small: whether it runs.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import rlhf_lite  # noqa: F401  # isort: skip  # before torch
import torch
import transformers
from transformers import GPT2LMHeadModel

from benchmarks.jobs import MODELS, Job, Shape, gflop, random_policy, words
from rlhf_lite.config import PPOConfig, RewardConfig
from rlhf_lite.hardware import compiling
from rlhf_lite.hardware.compiling import Trial
from rlhf_lite.hardware.precision import autocast, round_up
from rlhf_lite.models.checkpoints import FUSED_GELU, new_scalar_model, place
from rlhf_lite.models.sampling import sample
from rlhf_lite.models.tokens import build_tokenizer
from rlhf_lite.train.batches import lm_loss
from rlhf_lite.train.optim import Adam
from rlhf_lite.train.ppo import train_ppo
from rlhf_lite.train.reward import train_reward

SMALL = Shape(2, 64, 2, 600, 256)  # on a CPU


class Clock:
    """What a `Loop` reports to: it stops after so many steps and notes the seconds of each."""

    def __init__(self, steps: int, wait: Callable[[], None]):
        self.steps, self.wait, self.seconds, self.stopped, self.start = steps, wait, [], False, 0.0
        self.last: dict = {}

    def report(self, step: int, **metrics) -> None:
        self.wait()
        now = time.perf_counter()
        self.seconds.append(now - self.start)
        self.start, self.last = now, metrics
        self.stopped = step + 1 >= self.steps


class Bench:
    """A model of one shape, texts for it, and what was measured."""

    def __init__(self, out: Path, device: str, shape: Shape, name: str, found: dict, began: float):
        self.out, self.device, self.cuda, self.shape, self.name = out, device, device == "cuda", shape, name
        self.found, self.began, self.rng, self.clock = found, began, random.Random(0), Clock
        self.vocabulary = words(shape)
        self.tokenizer = build_tokenizer(self.vocabulary)
        self.policy_on_cpu = random_policy(shape, self.tokenizer, FUSED_GELU).eval()

    def policy(self) -> GPT2LMHeadModel:
        return place(copy.deepcopy(self.policy_on_cpu), self.device)

    def text(self, tokens: int) -> str:
        return " ".join(self.rng.choices(self.vocabulary, k=tokens))

    def wait(self) -> None:
        if self.cuda:
            torch.cuda.synchronize()

    def note(self, job: str, **facts) -> None:
        if self.cuda:
            facts["peak_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 3)
        self.found[f"{self.name} {job}"] = facts
        self.out.write_text(json.dumps(self.found, indent=1))
        print(f"[{time.monotonic() - self.began:6.1f}] {self.name} {job}: {facts}", flush=True)

    def timed(self, job: str, step: Callable[[], float], rounds=7, **facts) -> None:
        """Milliseconds of a step, the median of a few after three that set up and compile."""
        self._fresh()
        first = time.perf_counter()
        losses, seconds = [step() for _ in range(3)], []
        self.wait()
        first = time.perf_counter() - first
        for _ in range(rounds):
            start = time.perf_counter()
            losses.append(step())
            self.wait()
            seconds.append(time.perf_counter() - start)
        shown = [round(x, 5) for x in losses[:4]]
        self.note(job, ms=round(1e3 * median(seconds), 2), setup_s=round(first, 1), losses=shown, **facts)

    def clocked(self, job: str, clock: Clock, names: tuple[str, ...]) -> None:
        ms = [round(1e3 * s, 1) for s in clock.seconds[1:]]
        shown = {name: clock.last[name] for name in names if name in clock.last}
        self.note(job, ms=median(ms[len(ms) // 2 :]), all_ms=ms, **shown)

    def _fresh(self) -> None:
        if self.cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    # --- the jobs -------------------------------------------------------------------------------------------

    def sft(self, compiled: str, rows: int, length: int) -> None:
        """Steps on packed rows of random tokens."""
        policy, rate = self.policy(), 1e-5
        optimizer, generator = Adam(policy, rate), torch.Generator().manual_seed(0)
        batch = torch.randint(300, self.shape.vocabulary, (rows, length), generator=generator)

        def step() -> float:
            loss = lm_loss(policy, batch)
            optimizer.scaled(loss).backward()
            optimizer.step(rate, max_grad_norm=1.0)
            return float(loss.detach())

        trial = Trial(torch.device(self.device), compiled)
        self.timed(
            f"sft {rows} x {length}, compile {compiled}",
            step,
            gflop=gflop(Job("sft", rows, answer=length), self.shape),
        )
        trial.close()

    def peer(self, compiled: bool, rows: int, length: int) -> None:
        """Transformers as an engineer would run it: autocast, sdpa, fused AdamW, a padded vocabulary."""
        policy = self.policy()
        policy.resize_token_embeddings(round_up(self.shape.vocabulary, 64), mean_resizing=False)
        generator = torch.Generator().manual_seed(0)
        batch = torch.randint(300, self.shape.vocabulary, (rows, length), generator=generator)
        batch, forward = batch.to(self.device), torch.compile(policy) if compiled else policy
        optimizer = torch.optim.AdamW(policy.parameters(), 1e-5, fused=True)

        def step() -> float:
            with torch.autocast(self.device, dtype=torch.bfloat16):
                loss = forward(input_ids=batch, labels=batch, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            return float(loss.detach())

        name = f"transformers{' compiled' if compiled else ''} {rows} x {length}, vocabulary padded"
        self.timed(name, step)

    def reward(self, compiled: str, prompts: int, prompt: int, answer: int) -> None:
        """Steps on rankings of nine answers."""
        self._fresh()
        self.rng = random.Random(1)
        rankings = [
            {
                "prompt": self.text(prompt - 1),
                "completions": [self.text(answer - 1) for _ in range(9)],
                "ranks": list(range(1, 10)),
            }
            for _ in range(prompts)
        ]
        clock, model = self.clock(14, self.wait), new_scalar_model(self.policy())
        os.environ[compiling.ENV] = compiled
        cfg = RewardConfig(epochs=100, prompts_per_step=prompts, lr=1e-5)
        train_reward(model, self.tokenizer, rankings, cfg, loop={"control": clock, "progress": False})
        self.clocked(f"rm {prompts} x ({prompt} + 9 x {answer}), compile {compiled}", clock, ("loss",))

    def ppo(self, compiled: str, rows: int, prompt: int, answer: int, ptx: tuple[int, int] | None) -> None:
        """Iterations of PPO, with ptx rows of so many tokens beside each minibatch."""
        self._fresh()
        self.rng = random.Random(2)
        prompts = [self.text(prompt - 1) for _ in range(rows)]
        policy = self.policy()
        scorer = new_scalar_model(policy)
        scorer.config.trained_rankings = 1
        value_model = copy.deepcopy(scorer)
        options = {"ptx_gamma": 1.0, "ptx_rows": ptx[0]} if ptx else {}
        text = torch.randint(300, self.shape.vocabulary, (4 * ptx[0], ptx[1])) if ptx else None
        cfg = PPOConfig(
            episodes=1000 * rows,
            batch_size=rows,
            minibatches=4,
            lr=1e-5,
            value_lr=1e-5,
            max_new_tokens=answer,
            warmup_iterations=0,
            **options,
        )
        clock = self.clock(8 if compiled == "on" else 6, self.wait)
        os.environ[compiling.ENV] = compiled
        train_ppo(
            policy,
            self.policy(),
            scorer,
            value_model,
            self.tokenizer,
            prompts,
            cfg,
            pretrain_rows=text,
            loop={"control": clock, "progress": False},
        )
        beside = f" + {ptx[0]} x {ptx[1]} ptx" if ptx else ""
        names = ("policy/first_ratio", "objective/kl", "loss/ptx")
        self.clocked(f"ppo {rows} x ({prompt} + {answer}){beside}, compile {compiled}", clock, names)

    def sampling(self, compiled: str, rows: int, prompt: int, answer: int) -> None:
        """Answers of full length; ms of one token of all rows."""
        policy, generator = self.policy(), torch.Generator().manual_seed(0)
        ids = torch.randint(300, self.shape.vocabulary, (rows, prompt), generator=generator)
        ends = self.tokenizer.eos_token_id, self.tokenizer.pad_token_id

        def step() -> float:
            draw = torch.Generator().manual_seed(0)
            with autocast(self.device):
                drawn = sample(policy, ids, torch.ones_like(ids), answer, *ends, generator=draw)
            return float(drawn.tokens.double().mean())

        trial = Trial(torch.device(self.device), compiled)
        self.timed(
            f"sampling {rows} x ({prompt} + {answer}), compile {compiled}", step, rounds=4, steps=answer
        )
        trial.close()


def plan(big: Bench, tiny: Bench, cuda: bool) -> list[Callable[[], None]]:
    """The jobs in order of importance."""
    B, T = (32, 1024) if cuda else (2, 64)
    n, P, A = (256, 64, 64) if cuda else (8, 8, 8)
    many = 16 if cuda else 2
    ptx = (16, 256) if cuda else (2, 32)
    jobs: list[Callable[[], None]] = []
    small = (
        lambda way: tiny.ppo(way, 64, 32, 32, None),
        lambda way: tiny.reward(way, 1, 32, 32),
        lambda way: tiny.sft(way, 8, 128),
        lambda way: big.reward(way, 1, 96, 96),
    )
    for way in ("off", "graphs", "on"):
        if way == "graphs":
            jobs += [partial(job, way) for job in small]
            continue
        jobs += [
            lambda way=way: big.sft(way, B, T),
            lambda way=way: big.sampling(way, n, P, 2 * A),
            lambda way=way: big.reward(way, 1, 96, 96),
        ]
        if way == "on":
            jobs += [lambda: big.peer(True, B, T)]
        jobs += [
            lambda way=way: big.ppo(way, n, P, A, None),
            lambda way=way: tiny.sampling(way, 64, 32, 32),
            lambda way=way: tiny.ppo(way, 64, 32, 32, None),
            lambda way=way: tiny.reward(way, 1, 32, 32),
            lambda way=way: tiny.sft(way, 8, 128),
            lambda way=way: big.ppo(way, n, P, A, ptx),
            lambda way=way: big.reward(way, many, 96, 96),
        ]
    return [*jobs, lambda: big.peer(False, B, T)]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=400)
    args = parser.parse_args()
    cuda, began = args.device == "cuda", time.monotonic()
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    found: dict = {"device": torch.cuda.get_device_name() if cuda else "cpu", **versions}
    big, tiny = (
        Bench(args.out, args.device, MODELS[name] if cuda else SMALL, name, found, began)
        for name in ("gpt2", "tiny")
    )
    for job in plan(big, tiny, cuda):
        if time.monotonic() - began > args.seconds:
            print("no time for more", flush=True)
            break
        try:
            job()
        except Exception as error:
            print(f"FAILED {type(error).__name__}: {str(error)[:600]}", flush=True)


if __name__ == "__main__":
    main()
