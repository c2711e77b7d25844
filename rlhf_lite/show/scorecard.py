"""What the paper claims and whether it holds here, as a table; the rules were written beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..chain.experiments import by_seed, load, recorded
from ..chain.questions import EXPERIMENTS
from ..evaluate.claims import CLAIMS, Claim
from ..evaluate.seeds import read_reports

HEAD = ("claim", "paper", "wanted", "mean of the runs", "here")


def scorecard(seeds: Sequence[Mapping], claims: Sequence[Claim] = CLAIMS) -> tuple[tuple, list[tuple]]:
    """Header and rows: each claim, what it should be, what it is with its interval, and whether it holds.
    seeds: what was found with each, reports of the chain unless the claims are about something else."""
    rows = [(c.says, c.where, c.band, str(c.found(seeds)), c.verdict(seeds)) for c in claims]
    return HEAD, rows


def whole_scorecard() -> tuple[tuple, list[tuple]]:
    """The same for all that comes with the repository: the chain's claims, then those of experiments."""
    rows = scorecard(read_reports())[1]
    for name in recorded():
        if name in EXPERIMENTS:
            rows += scorecard(by_seed(load(name)), EXPERIMENTS[name].claims)[1]
    return HEAD, rows
