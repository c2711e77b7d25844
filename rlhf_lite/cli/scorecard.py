"""What the paper claims, and whether it shows here.

Each line is a rule that was written before the runs it judges, the mean of what
was found over the seeds with its 95 % interval, and a verdict: it shows, if the
whole interval lies in the band that was wanted; partly, if the mean does; else
it is not here. `rlhf-lite seeds` has the numbers behind the first part,
`rlhf-lite experiment NAME` makes those of the second anew.

Takes:    a second, leaves nothing behind.
Example:  rlhf-lite scorecard
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from .terminal import print_table, say


def options(option: Callable) -> None:
    pass


def run(args: argparse.Namespace) -> None:
    from ..show.scorecard import whole_scorecard

    head, rows = whole_scorecard()
    print_table(head, rows)
    verdicts = [row[-1] for row in rows]
    say("\n" + ", ".join(f"{verdicts.count(word)} {word}" for word in dict.fromkeys(verdicts)))
