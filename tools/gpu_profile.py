"""Where a step goes on a GPU: python -m tools.gpu_profile rm|sampling|ppo ... [--tiny] [--compile off]"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import rlhf_lite  # noqa: F401  # isort: skip  # before torch
import torch

from benchmarks.jobs import MODELS
from tools.gpu_bench import SMALL, Bench, Clock


class Profiled(Clock):
    """Profiles the last two steps but one."""

    def report(self, step: int, **metrics) -> None:
        if step == self.steps - 4:
            self.profile = start()
        if step == self.steps - 2:
            self.wait()
            show(self.profile)
        super().report(step, **metrics)


class ProfiledBench(Bench):
    """A bench whose steps are profiled."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.clock = Profiled

    def timed(self, job, step, **facts) -> None:
        super().timed(job, step, **facts)
        profile = start()
        step()
        self.wait()
        show(profile)


def start() -> torch.profiler.profile:
    """A profile that has begun."""
    profile = torch.profiler.profile()
    profile.__enter__()
    profile.began = time.perf_counter()
    return profile


def show(profile: torch.profiler.profile) -> None:
    """End it: how long the device worked, and what took most of its time and of the CPU's."""
    wall = time.perf_counter() - profile.began
    profile.__exit__(None, None, None)
    events = profile.key_averages()
    busy = [e for e in events if str(e.device_type).endswith("CUDA")]
    total = sum(e.self_device_time_total for e in busy)
    print(f"wall {1e3 * wall:.1f} ms, device {total / 1e3:.1f} ms in {sum(e.count for e in busy)} kernels")
    for e in sorted(busy, key=lambda e: -e.self_device_time_total)[:14]:
        print(f"   device {e.self_device_time_total / 1e3:8.2f} ms {e.count:6d} {e.key[:100]}")
    for e in sorted(events, key=lambda e: -e.self_cpu_time_total)[:22]:
        print(f"   cpu    {e.self_cpu_time_total / 1e3:8.2f} ms {e.count:6d} {e.key[:100]}", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("jobs", nargs="+", choices=("rm", "sampling", "ppo"))
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--compile", default="on", choices=("on", "off"))
    parser.add_argument("--device", default="cuda")
    args = parser.parse_args()
    cuda, name = args.device == "cuda", "tiny" if args.tiny else "gpt2"
    shape = MODELS[name] if cuda else SMALL
    bench = ProfiledBench(Path(os.devnull), args.device, shape, name, {}, time.monotonic())
    n, P, A = (8, 8, 8) if not cuda else (64, 32, 32) if args.tiny else (256, 64, 64)
    for job in args.jobs:
        if job == "rm":
            bench.reward(args.compile, 1, 96, 96)
        elif job == "ppo":
            bench.ppo(args.compile, n, P, A, None)
        else:
            bench.sampling(args.compile, n, P, A if args.tiny else 2 * A)


if __name__ == "__main__":
    main()
