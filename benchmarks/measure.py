"""Both sides of a job in turns: a round is one step of
ours and one of the peer's, back to back, whoever is first.

A busy machine slows both down alike, so the ratio of a round says more than its seconds. Each side has a
process of its own, so that their peaks of memory do not mix. The first round, which sets up and warms up, is
never counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import torch

from rlhf_lite.hardware.cores import cores

from . import checks, jobs, packages
from .jobs import Case
from .machine import Peak, device_name
from .worker import Worker

CORES = {"one": ("one",), "all": ("all",), "both": ("one", "all")}
CLOCK = {
    "one": "cpu_s",
    "all": "wall_s",
}  # what counts: CPU seconds of one core, wall seconds of all (or of a GPU)
Say = Callable[[str], None]


def run(
    names: Sequence[str],
    model: str,
    precisions: Sequence[str],
    rounds: int,
    cores: str,
    device: str,
    folder: Path,
    say: Say,
) -> Iterator[dict]:
    """Measure these jobs, with the model's files in `folder`: a row for each precision and job."""
    shape = jobs.MODELS[model]
    jobs.save_models(shape, folder)
    for precision in precisions:
        say(f"{precision}: the fastest matrix product")
        ways = ("all",) if device == "cuda" else CORES[cores]
        peaks = {way: Peak(precision, threads(way), device) for way in ways}
        for name in names:
            say(f"{precision}: {name}")
            case = Case(jobs.job(name, model), shape, str(folder), precision, device)
            row = {"job": name, "model": model, "precision": precision, "peer": packages.name(case.job)}
            yield {**row, **compare(case, rounds, peaks, say), "device": device_name(device)}


def check_wishes(
    names: Sequence[str], model: str, precisions: Sequence[str], rounds: int, cores: str, device: str
) -> None:
    """Refuse what there is not, with a list of what there is."""
    wishes = {
        "job": (names, jobs.NAMES),
        "model": ([model], jobs.MODELS),
        "precision": (precisions, jobs.PRECISIONS),
        "choice of --cores": ([cores], CORES),
        "device": ([device], ("cpu", "cuda")),
    }
    for what, (wanted, known) in wishes.items():
        for name in wanted:
            if name not in known:
                raise ValueError(f"there is no {what} '{name}'; take {', '.join(known)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: torch sees no GPU here; take cpu")
    if rounds < 1:
        raise ValueError(f"--rounds {rounds}: take at least 1 (5 or more for numbers that others should see)")


def threads(way: str) -> int:
    """How many threads torch gets."""
    return 1 if way == "one" else cores()


def compare(case: Case, rounds: int, peaks: dict[str, Peak], say: Say) -> dict:
    """One job, ours and the peer's: seconds, ratios, memory and checks. Without the peer, ours alone."""
    with ExitStack() as stack:
        sides = {"ours": stack.enter_context(Worker("ours", case))}
        first = {"ours": sides["ours"].step(1), "peer": None}
        try:
            if case.job.kind == "ppo":
                packages.fetch_ppo()
            peer = stack.enter_context(Worker("peer", case))
            first["peer"], sides["peer"] = peer.step(1), peer
        except RuntimeError as error:  # not installed, or it cannot do the job here
            say(f"no peer: {error}")
        found = {way: _rounds(sides, way, peak, _fewer(rounds, way, peaks)) for way, peak in peaks.items()}
        verdicts = checks.judge(case, first["ours"], first["peer"], sides["ours"].check())
    steps = {side: report and report["optimizer_steps"] for side, report in first.items()}
    return {**_row(found, jobs.gflop(case.job, case.shape)), "optimizer_steps": steps, "checks": verdicts}


def _fewer(rounds: int, way: str, ways: Iterable[str]) -> int:
    """Wall seconds take fewer rounds where CPU seconds are measured too."""
    return rounds if way == next(iter(ways)) else -(-rounds // 2)


def _rounds(sides: dict[str, Worker], way: str, peak: Peak, rounds: int) -> dict[str, list]:
    """What each side reports of each round, and the peak rate just before."""
    found = {"peak": [], **{side: [] for side in sides}}
    if way == "all":
        for worker in sides.values():  # starts the threads
            worker.step(threads(way))
    for number in range(rounds):
        found["peak"].append(peak.now())
        for side in sorted(sides, reverse=number % 2 == 0):
            found[side].append(sides[side].step(threads(way)))
    return found


def _row(found: dict[str, dict[str, list]], work: float) -> dict:
    """Medians over rounds. `work` is in 10^9 operations; ratio,
    share and memory are those of the first way measured."""
    row = {}
    for way, reports in found.items():
        clock = CLOCK[way]
        ours, peer = ([report[clock] for report in reports.get(side, ())] for side in ("ours", "peer"))
        ratios = ratio_of(ours, peer)
        if not row:
            shares = [work / rate / seconds for rate, seconds in zip(reports["peak"], ours, strict=True)]
            row = {
                **ratios,
                "share_of_floor": median(shares),
                "gflop": work,
                "peak_gflops": max(reports["peak"]),
                **_memory(reports.get("ours"), ""),
                **_memory(reports.get("peer"), "peer_"),
                "rounds": len(ours),
                "clock": clock,
            }
        row |= {clock: median(ours), f"peer_{clock}": median(peer) if peer else None}
        if way == "all":
            row |= {"wall_ratio": ratios["ratio"], "wall_rounds": len(ours)}
    return row


def ratio_of(ours: Sequence[float], peer: Sequence[float]) -> dict[str, float | None]:
    """How many times longer the peer took, round by round: the
    median, the least and the most. None without a peer."""
    if not peer:
        return {"ratio": None, "ratio_min": None, "ratio_max": None}
    ratios = [b / a for a, b in zip(ours, peer, strict=True)]
    return {"ratio": median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios)}


def _memory(reports: list[dict] | None, who: str) -> dict[str, float | None]:
    """The peak of a process, and what of it is libraries, in MB."""
    return {f"{who}{name}": reports[-1][name] if reports else None for name in ("peak_mb", "imports_mb")}
