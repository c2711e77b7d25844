"""What a class has ranked: how far each two people agree, what they quarrel about, what a reward model
learns from them.

    view = show.ClassView("/shared/labels")      # the folder of their stores, or files
    view                                         # everybody with everybody
    view.divided()                               # prompts to talk about
    view.learned(chain.reward_model, chain.tokenizer, chain.config.reward)
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np

from ..config import RewardConfig
from ..data.records import Row
from ..labels.agreement import Agreement, agreement
from ..labels.store import SUFFIXES, StoreError, gathered
from ..train.reward import train_reward
from ..train.scoring import agreement_with, score_rankings
from .plots import bars_with_intervals, heat
from .responses import side_by_side
from .style import Plot
from .text import Html, inert


class ClassView:
    """The rankings of everybody whose labels lie in `places`: folders of label stores, or stores.

    same_person: names that are one person's in several stores, see `labels.store.merge`.
    Raises StoreError where there is no store, or nobody ranked anything.
    """

    def __init__(self, *places: str | Path, same_person: Iterable[str] = ()):
        stores = [store for place in places for store in _stores(Path(place).expanduser())]
        self.rows = gathered(stores, tuple(same_person))[1]  # a second look is nobody else's opinion
        if not self.rows:
            raise StoreError(f"nobody has ranked anything in {', '.join(map(str, stores))}.")
        self.people = sorted({row["labeler"] for row in self.rows})

    def _repr_html_(self) -> str:
        return self.agreement()._repr_html_() if counted(self.rows) else inert(repr(self))

    def __repr__(self) -> str:
        prompts = len({row["prompt_id"] for row in self.rows})
        who = "1 person" if len(self.people) == 1 else f"{len(self.people)} people"
        return f"{who} ranked answers to {prompts} prompts, {len(self.rows)} rankings"

    def agreement(self) -> Plot:
        """Who orders pairs like whom, in per cent; those who agree most with all others stand first. A field
        is empty where two people put no pair in common in an order. ValueError if all are."""
        if not (everyone := counted(self.rows)):
            raise ValueError(f"{self!r}, and no two of them put the same pair in an order")
        shares = np.full((len(self.people), len(self.people)), np.nan)
        for (i, one), (j, other) in combinations(enumerate(self.people), 2):
            if found := counted(row for row in self.rows if row["labeler"] in (one, other)):
                shares[i, j] = shares[j, i] = 100 * found.share
        means = [np.nanmean(row) if np.isfinite(row).any() else -1.0 for row in shares]
        order = sorted(range(len(self.people)), key=lambda i: -means[i])
        names = [self.people[i] for i in order]
        title = f"{self!r}: {everyone.share:.0%} of pairs ordered alike"
        scale = f"the same people; dark: {np.nanmin(shares):.0f} % alike, bright: {np.nanmax(shares):.0f} %"
        grid, few = shares[np.ix_(order, order)], len(names) <= 16
        return heat(grid, names, names, title=title, xlabel=scale, digits=0, numbers=few)

    def divided(self, prompts: int = 3) -> list[Html]:
        """The prompts that people agree least on, and how many of them like each answer best."""
        by_prompt = defaultdict(list)
        for row in self.rows:
            by_prompt[row["prompt_id"], *sorted(row["completions"])].append(row)
        shares = {key: found.share for key, rows in by_prompt.items() if (found := counted(rows))}
        return [_votes(by_prompt[key]) for key in sorted(shares, key=shares.get)[:prompts]]

    def learned(
        self, reward_model, tokenizer, settings: RewardConfig, folds: int = 3, epochs: int = 4
    ) -> Plot:
        """How often a reward model orders pairs as the class does: as it came, and trained further on them.

        Prompts are dealt into `folds` parts; each part is judged by a copy that never saw its prompts.
        """
        prompts = sorted({row["prompt_id"] for row in self.rows})
        if len(prompts) < folds:
            raise ValueError(f"{len(prompts)} ranked prompts are too few for {folds} folds")
        before, after = [], []
        for fold in range(folds):
            rest = [row for row in self.rows if row["prompt_id"] in prompts[fold::folds]]
            known = [row for row in self.rows if row["prompt_id"] not in prompts[fold::folds]]
            model = copy.deepcopy(reward_model)
            few = settings.replace(epochs=epochs, lr=settings.lr / 2, prompts_per_step=min(8, len(known)))
            train_reward(model, tokenizer, known, few, loop={"progress": False})
            before += zip(score_rankings(reward_model, tokenizer, rest), rest, strict=True)
            after += zip(score_rankings(model, tokenizer, rest), rest, strict=True)
        bars = {"as it came": before, "trained on the class": after}
        values = {name: _share(*zip(*scored, strict=True)) for name, scored in bars.items()}
        if found := counted(self.rows, bootstrap=500):
            values["two of the class"] = (found.share, found.low, found.high)
        return bars_with_intervals(
            values, ylabel="pairs ordered as a person did", baseline=0.5, ylim=(0.4, 1)
        )


def counted(rows: Iterable[Row], bootstrap: int = 0) -> Agreement | None:
    """Their agreement, None where no pair was put in an order by two people."""
    try:
        return agreement(rows, bootstrap)
    except ValueError:
        return None


def _stores(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    found = sorted(path for path in place.iterdir() if path.suffix in SUFFIXES)
    if not found:
        raise StoreError(f"there is no label store in {place}.")
    return found


def _votes(rows: list[Row]) -> Html:
    """A prompt, its answers, and how many people put each of them first, or among the first."""
    first = Counter(
        text for row in rows for text, rank in zip(row["completions"], row["ranks"], strict=True) if rank == 1
    )
    answers = sorted(rows[0]["completions"], key=lambda text: -first[text])
    letters = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", answers, strict=False))
    votes = {letter: f"best for {first[text]} of {len(rows)}" for letter, text in letters.items()}
    return side_by_side(rows[0]["prompt"], letters, votes)


def _share(scores, rows) -> tuple[float, float, float]:
    found = agreement_with(scores, rows, draws=500)
    return found["accuracy"], found["accuracy_low"], found["accuracy_high"]
