"""Where a step goes on a GPU: python -m tools.gpu_profile [--device cpu] rm|sampling|ppo [tiny] [on|off]"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import rlhf_lite  # noqa: F401  # isort: skip  # before torch
import torch

from benchmarks.jobs import MODELS
from tools import gpu_bench
from tools.gpu_bench import SMALL, Bench, Clock

device = "cpu" if "--device" in sys.argv else "cuda"
cuda = device == "cuda"
jobs = [word for word in sys.argv[1:] if word in ("rm", "sampling", "ppo", "sft", "tiny")]
way = "off" if "off" in sys.argv else "on"
kinds = [torch.profiler.ProfilerActivity.CPU] + ([torch.profiler.ProfilerActivity.CUDA] if cuda else [])


class Profiled(Clock):
    """Profiles the last two steps but one."""

    def report(self, step, **metrics):
        if step == self.steps - 4:
            self.profile = torch.profiler.profile(activities=kinds)
            self.profile.__enter__()
            self.began = time.perf_counter()
        if step == self.steps - 2:
            self.wait()
            wall = time.perf_counter() - self.began
            self.profile.__exit__(None, None, None)
            show(self.profile, wall)
        super().report(step, **metrics)


def show(profile, wall):
    events = profile.key_averages()
    busy = [e for e in events if cuda and str(e.device_type).endswith("CUDA")]
    total = sum(e.self_device_time_total for e in busy)
    print(f"wall {1e3 * wall:.1f} ms, device {total / 1e3:.1f} ms in {sum(e.count for e in busy)} kernels")
    for e in sorted(busy, key=lambda e: -e.self_device_time_total)[:14]:
        print(f"   device {e.self_device_time_total / 1e3:8.2f} ms {e.count:6d} {e.key[:100]}")
    for e in sorted(events, key=lambda e: -e.self_cpu_time_total)[:22]:
        print(f"   cpu    {e.self_cpu_time_total / 1e3:8.2f} ms {e.count:6d} {e.key[:100]}", flush=True)


gpu_bench.Clock = Profiled
name = "tiny" if "tiny" in jobs else "gpt2"
bench = Bench(Path("/tmp/p.json"), device, MODELS[name] if cuda else SMALL, name, {}, time.monotonic())
n, P, A = (256, 64, 64) if cuda else (8, 8, 8)
if name == "tiny":
    n, P, A = 64, 32, 32
if "rm" in jobs:
    bench.reward(way, 1, 96, 96)
if "ppo" in jobs:
    bench.ppo(way, n, P, A, None)
if "sampling" in jobs:
    timed = bench.timed

    def timed_and_profiled(job, step, **facts):
        timed(job, step, **facts)
        with torch.profiler.profile(activities=kinds) as profile:
            start = time.perf_counter()
            step()
            bench.wait()
            wall = time.perf_counter() - start
        show(profile, wall)

    bench.timed = timed_and_profiled
    bench.sampling(way, n, P, 2 * A if name == "gpt2" else A)
