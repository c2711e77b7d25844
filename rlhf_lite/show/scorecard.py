"""What the paper claims and whether it holds here, as a table; the rules were written beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..evaluate.claims import CLAIMS, Claim

HEAD = ("claim", "paper", "wanted", "mean of the runs", "here")


def scorecard(reports: Sequence[Mapping], claims: Sequence[Claim] = CLAIMS) -> tuple[tuple, list[tuple]]:
    """Header and rows: each claim, what it should be, what it is with its interval, and whether it holds."""
    rows = [(c.says, c.where, c.band, str(c.found(reports)), c.verdict(reports)) for c in claims]
    return HEAD, rows
