"""Exercises of notebook 08: what a few runs can tell, and what a training costs."""

from __future__ import annotations

import math

from .task import Case, Law, Mistake, Outputs, Task


def _spread(xs: list[float], less: int = 1) -> float:
    """Standard deviation, divided by the number of values, less one."""
    mean = sum(xs) / len(xs)
    return math.sqrt(sum((x - mean) ** 2 for x in xs) / (len(xs) - less))


def half_width(xs: list[float]) -> float:
    """Three runs' gains -> half of the 95 % interval of their mean."""
    mean = sum(xs) / 3
    spread = math.sqrt(sum((x - mean) ** 2 for x in xs) / 2)
    return 4.303 * spread / math.sqrt(3)


HALF_WIDTH = Task(
    name="half_width",
    notebook="08",
    minutes=6,
    text="Three runs gave three gains. How far does the 95 % interval of their mean reach to each side? "
    "Student's t for three runs is 4.303.",
    hint="The deviation of single runs (divide by 2, not by 3), over the root of 3, times t.",
    solution=half_width,
    cases=(
        Case("section 2", ([0.03, 0.05, 0.01],), {"half": 0.049686764166459195}),
        Case("three equal ones", ([0.2, 0.2, 0.2],), {"half": 0.0}),
        Case("one that went wrong", ([0.05, 0.04, -0.30],), {"half": 0.4950008812450068}),
    ),
    mistakes=(
        Mistake(
            "1.96",
            "That is for many runs: with three the deviation itself is hardly known.",
            lambda xs: 1.96 * _spread(xs) / math.sqrt(3),
        ),
        Mistake(
            "divided by three",
            "Once the mean is fixed, only two of the three deviations are free: divide by 2.",
            lambda xs: 4.303 * _spread(xs, 0) / math.sqrt(3),
        ),
        Mistake(
            "of single runs",
            "A mean of three scatters less: over the root of 3.",
            lambda xs: 4.303 * _spread(xs),
        ),
        Mistake(
            "from least to most", "The range ignores the middle run.", lambda xs: (max(xs) - min(xs)) / 2
        ),
        Mistake("both sides", "Half of it is asked for.", lambda xs: 2 * half_width(xs)),
    ),
    laws=(Law("Runs that agree leave no doubt.", lambda out: abs(_at(out, "three equal ones")) < 1e-9),),
    outputs=("half",),
)


def paired_spread(ours: list[float], theirs: list[float]) -> float:
    """Two arms' results, run by run with the same seeds -> the deviation of their differences."""
    gains = [a - b for a, b in zip(ours, theirs, strict=True)]
    mean = sum(gains) / len(gains)
    return math.sqrt(sum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1))


PAIRED_SPREAD = Task(
    name="paired_spread",
    notebook="08",
    minutes=6,
    text="Two arms were run with the same seeds. How much do their *differences* scatter from seed to seed? "
    "(Standard deviation, divided by n - 1.)",
    hint="First subtract, seed by seed. Only then is there something to scatter.",
    solution=paired_spread,
    cases=(
        Case("luck that both share", ([0.70, 0.60, 0.80], [0.65, 0.56, 0.74]), {"spread": 0.01}),
        Case("always the same gain", ([0.5, 0.7], [0.4, 0.6]), {"spread": 0.0}),
        Case("luck of its own", ([0.70, 0.60, 0.80], [0.61, 0.72, 0.66]), {"spread": 0.13796134724383252}),
    ),
    mistakes=(
        Mistake(
            "two arms apart",
            "Seeds that are good for one arm are good for the other: that luck cancels in the differences.",
            lambda ours, theirs: math.sqrt(_spread(ours) ** 2 + _spread(theirs) ** 2),
        ),
        Mistake(
            "of one arm", "It is the differences that are asked for.", lambda ours, theirs: _spread(ours)
        ),
        Mistake(
            "difference of deviations",
            "Subtract the results, not their deviations.",
            lambda ours, theirs: abs(_spread(ours) - _spread(theirs)),
        ),
        Mistake(
            "sorted first",
            "Each seed belongs to its own partner.",
            lambda ours, theirs: paired_spread(sorted(ours), sorted(theirs)),
        ),
        Mistake(
            "divided by n",
            "Divide by n - 1.",
            lambda ours, theirs: _spread([a - b for a, b in zip(ours, theirs, strict=True)], 0),
        ),
    ),
    laws=(
        Law(
            "A gain that is always the same does not scatter.",
            lambda out: abs(_at(out, "always the same gain")) < 1e-9,
        ),
    ),
    outputs=("spread",),
)


def verdict_of(low: float, high: float, least: float) -> float:
    """An interval, and the least that was wanted -> 1 shows, 0.5 partly, 0 not here."""
    if (low + high) / 2 < least:
        return 0.0
    return 1.0 if low >= least else 0.5


VERDICT_OF = Task(
    name="verdict_of",
    notebook="08",
    minutes=3,
    text="A rule wants `least` or more; the interval reaches from `low` to `high`, with the mean in its "
    "middle. Return 1 for *shows*, 0.5 for *partly*, 0 for *not here*.",
    hint="Two questions: is the mean in the band, and is all of the interval?",
    solution=verdict_of,
    cases=(
        Case("the interval of section 2, any gain", (-0.02, 0.08, 0.0), {"verdict": 0.5}),
        Case("all of it above", (0.02, 0.06, 0.01), {"verdict": 1.0}),
        Case("the mean below", (-0.01, 0.05, 0.03), {"verdict": 0.0}),
        Case("all of it below", (0.0, 0.02, 0.03), {"verdict": 0.0}),
        Case("on the edge", (0.05, 0.07, 0.05), {"verdict": 1.0}),
    ),
    mistakes=(
        Mistake(
            "all or nothing",
            "Where only the mean is in the band, it is partly.",
            lambda lo, hi, x: float(lo >= x),
        ),
        Mistake("the mean decides", "What of the interval?", lambda lo, hi, x: float((lo + hi) / 2 >= x)),
        Mistake(
            "overlap is enough",
            "An interval that reaches into the band is not partly if its mean lies outside.",
            lambda lo, hi, x: 1.0 if lo >= x else 0.5 * (hi >= x),
        ),
        Mistake(
            "against nothing",
            "The rule's band begins at `least`, not at 0.",
            lambda lo, hi, x: verdict_of(lo, hi, 0.0),
        ),
    ),
    laws=(
        Law("There are three verdicts.", lambda out: {_at(out, shows) for shows in out} <= {0.0, 0.5, 1.0}),
    ),
    outputs=("verdict",),
)


def picked_gold(scores: list[float], golds: list[float]) -> float:
    """What n answers score, and what they are worth -> the worth of the one that the score picks."""
    best = max(range(len(scores)), key=lambda i: scores[i])
    return golds[best]


PICKED_GOLD = Task(
    name="picked_gold",
    notebook="08",
    minutes=3,
    text="n answers have a score each, and a gold score that the reward model does not know. What gold does "
    "best of n get?",
    hint="The score picks, gold pays.",
    solution=picked_gold,
    cases=(
        Case("the judge is right", ([0.1, 2.0, 1.0], [0.2, 0.9, 0.5]), {"gold": 0.9}),
        Case("the judge is fooled", ([3.0, 1.0], [0.1, 0.8]), {"gold": 0.1}),
        Case("one answer", ([0.4], [0.7]), {"gold": 0.7}),
    ),
    mistakes=(
        Mistake("the truly best", "Nobody tells the reward model what is gold.", lambda s, g: max(g)),
        Mistake("a mean", "One answer is given, not an average of all.", lambda s, g: sum(g) / len(g)),
        Mistake("the score itself", "That is what the judge believes.", lambda s, g: max(s)),
        Mistake(
            "the worst",
            "The highest score is picked.",
            lambda s, g: g[min(range(len(s)), key=lambda i: s[i])],
        ),
    ),
    laws=(Law("Of one answer there is no choice.", lambda out: abs(_at(out, "one answer") - 0.7) < 1e-6),),
    outputs=("gold",),
)


def passes_of_ppo(read: float, learn: float) -> float:
    """So many models read a token, so many learn from it -> operations for each parameter."""
    return 2 * read + 6 * learn


BEST_OF_N = "best of n: sample and score"
PASSES_OF_PPO = Task(
    name="passes_of_ppo",
    notebook="08",
    minutes=4,
    text="Reading a token costs 2 operations for each parameter, learning from it 6. In PPO `read` models "
    "read each token once (the policy that samples, reference, reward and value model) and `learn` models "
    "learn from it (policy and value model). How many operations for each parameter, if all are equally "
    "large?",
    hint="Four readings and two learnings.",
    solution=passes_of_ppo,
    cases=(
        Case("PPO", (4, 2), {"operations": 20}),
        Case(BEST_OF_N, (2, 0), {"operations": 4}),
        Case("SFT", (0, 1), {"operations": 6}),
    ),
    mistakes=(
        Mistake("learning only", "Somebody has to write the answers and to judge them.", lambda r, n: 6 * n),
        Mistake(
            "reading only", "Learning costs 6: forward 2, backward twice as much.", lambda r, n: 2 * (r + n)
        ),
        Mistake("6 for all", "Who only reads needs no backward pass.", lambda r, n: 6 * (r + n)),
        Mistake(
            "read before learned",
            "The 6 hold the forward pass of learning.",
            lambda r, n: 2 * (r + n) + 6 * n,
        ),
    ),
    laws=(
        Law(
            "For each token, PPO costs five times what best of n does.",
            lambda out: _at(out, "PPO") == 5 * _at(out, BEST_OF_N),
        ),
    ),
    outputs=("operations",),
)


def _at(out: Outputs, shows: str) -> float:
    """The one number that a case gave."""
    (value,) = out[shows].values()
    return float(value)


TASKS = (HALF_WIDTH, PAIRED_SPREAD, VERDICT_OF, PICKED_GOLD, PASSES_OF_PPO)
