"""Exercises of notebooks 00, 01 and 03: what is counted before anything is trained, and after."""

from __future__ import annotations

import torch
from torch import Tensor

from .task import Case, Law, Mistake, Outputs, Task, doubles

# --- 00: who wins -------------------------------------------------------------------------------------------


def win_rate(ours: Tensor, theirs: Tensor) -> Tensor:
    """ours (N,) and theirs (N,), what a person thinks of two answers to each of N prompts -> a scalar."""
    return (ours > theirs).double().mean() + (ours == theirs).double().mean() / 2


def ties_are_lost(ours, theirs):
    return (ours > theirs).double().mean()


def ties_are_won(ours, theirs):
    return (ours >= theirs).double().mean()


def ties_are_left_out(ours, theirs):
    return (ours > theirs).sum() / (ours != theirs).sum()


def they_win(ours, theirs):
    return win_rate(theirs, ours)


def means_compared(ours, theirs):
    return win_rate(ours.mean()[None], theirs.mean()[None])


def margins_averaged(ours, theirs):
    return (ours - theirs).mean()


def _rates_are_complements(out: Outputs) -> bool:
    one, other = (out[name]["rate"] for name in ("two ties and a win", "the same, from the other side"))
    return bool(torch.isclose(one + other, torch.ones(()).double()))


WIN_RATE = Task(
    name="win_rate",
    notebook="00",
    minutes=4,
    text="How often a person likes our answer better than theirs. ours[i] and theirs[i] are what they "
    "think of the two answers to prompt i. A tie counts as half a win.",
    hint="ours > theirs is a tensor of True and False, whose mean is a share.",
    solution=win_rate,
    cases=(
        Case("a win, a loss and a tie", (doubles(1, 0, 3), doubles(0, 3, 3)), {"rate": 0.5}),
        Case("two ties and a win", (doubles(1, 1, 2), doubles(1, 1, 1)), {"rate": 2 / 3}),
        Case("the same, from the other side", (doubles(1, 1, 1), doubles(1, 1, 2)), {"rate": 1 / 3}),
        Case(
            "three narrow wins and a crushing defeat",
            (doubles(0.6, 0.6, 0.6, 0.0), doubles(0.5, 0.5, 0.5, 1.0)),
            {"rate": 0.75},
        ),
        Case("nothing but ties", (doubles(0.5, 0.7), doubles(0.5, 0.7)), {"rate": 0.5}),
    ),
    mistakes=(
        Mistake(
            "ties are lost",
            "A model that says exactly what the other says would win 0 %, and so would the other. Give "
            "each half.",
            ties_are_lost,
        ),
        Mistake(
            "ties are won",
            "Seen from the other side they are won as well, and the two rates add up to more than 1.",
            ties_are_won,
        ),
        Mistake(
            "ties are left out",
            "Then two models that differ on one prompt in a hundred stand at 0 or 100 %, and two that "
            "never differ nowhere: 0 / 0. Count a tie as half a win.",
            ties_are_left_out,
        ),
        Mistake("theirs, not ours", "You have the share that they win: turn the comparison round.", they_win),
        Mistake(
            "the means compared",
            "One disaster outweighs three small wins in a mean. A win rate asks prompt by prompt, and "
            "forgets by how much.",
            means_compared,
        ),
        Mistake(
            "margins averaged",
            "That says by how much better, on a scale that differs from person to person. A win rate "
            "counts who was better.",
            margins_averaged,
        ),
    ),
    laws=(Law("Our rate and theirs add up to 1.", _rates_are_complements),),
    outputs=("rate",),
)


# --- 01: not too much of one person -------------------------------------------------------------------------


def kept_per_user(users: Tensor, most: int) -> Tensor:
    """users (N,), a number for whoever typed each prompt, and how many may stay of each -> keep (N,)."""
    same = users[:, None] == users[None, :]  # (N, N)
    earlier = same.tril(diagonal=-1).sum(dim=1)  # how many of this user's prompts came before
    return earlier < most


def _earlier(users: Tensor) -> Tensor:
    return (users[:, None] == users[None, :]).tril(diagonal=-1).sum(dim=1)


def of_all_together(users, most):
    return torch.arange(len(users)) < most


def one_too_many(users, most):
    return _earlier(users) <= most


def the_last_ones(users, most):
    return _earlier(users.flip(0)).flip(0) < most


def users_thrown_out(users, most):
    return (users[:, None] == users[None, :]).sum(dim=1) <= most


def in_a_row(users, most):
    kept, run = [], 0
    for i, user in enumerate(users):
        run = run + 1 if i and user == users[i - 1] else 1
        kept.append(run <= most)
    return torch.tensor(kept)


def _more_keeps_more(out: Outputs) -> bool:
    one, two = (out[name]["keep"] for name in ("three users, one of each", "the same, two of each"))
    return bool((two >= one).all())


_USERS = torch.tensor([7, 7, 3, 7, 3, 5])

KEPT_PER_USER = Task(
    name="kept_per_user",
    notebook="01",
    minutes=6,
    text="Some customers typed hundreds of prompts, and the paper kept 200 of each at most. True for "
    "each prompt that stays: the first `most` of every user.",
    hint="A prompt stays if fewer than `most` of the same user stand before it. users[:, None] == "
    "users[None, :] says of every two prompts whether they are one user's.",
    solution=kept_per_user,
    cases=(
        Case("three users, one of each", (_USERS, 1), {"keep": [1, 0, 1, 0, 0, 1]}),
        Case("the same, two of each", (_USERS, 2), {"keep": [1, 1, 1, 0, 1, 1]}),
        Case("nobody has too many", (_USERS, 3), {"keep": [1, 1, 1, 1, 1, 1]}),
        Case("one user alone", (torch.tensor([4, 4, 4]), 2), {"keep": [1, 1, 0]}),
        Case("two who take turns", (torch.tensor([1, 2, 1, 2, 1, 2, 1]), 3), {"keep": [1, 1, 1, 1, 1, 1, 0]}),
    ),
    mistakes=(
        Mistake(
            "counted over all users together",
            "You keep the first prompts of the log, whoever typed them. The limit is for each user.",
            of_all_together,
        ),
        Mistake(
            "one too many",
            "Of a user's prompts as many as `most` may stand before one that stays, in yours: that "
            "makes most + 1.",
            one_too_many,
        ),
        Mistake(
            "the last ones kept",
            "You keep each user's last prompts. Either choice would do, but the task says the first.",
            the_last_ones,
        ),
        Mistake(
            "users thrown out",
            "Whoever typed more than `most` loses everything. Only what is above the limit goes: the "
            "busiest customers are customers, too.",
            users_thrown_out,
        ),
        Mistake(
            "only runs are counted",
            "Your count begins anew whenever somebody else typed in between, and in a real log that is "
            "nearly always.",
            in_a_row,
        ),
    ),
    laws=(Law("A higher limit keeps everything that a lower one kept.", _more_keeps_more),),
    outputs=("keep",),
)


def common_prefix(a: Tensor, b: Tensor) -> int:
    """Tokens of two prompts, (N,) and (M,) -> with how many of the same they begin."""
    length = 0
    for one, other in zip(a, b, strict=False):  # up to the end of the shorter one
        if one != other:
            break
        length += 1
    return length


def equal_places(a, b):
    shorter = min(len(a), len(b))
    return int((a[:shorter] == b[:shorter]).sum())


def shared_words(a, b):
    return len(set(a.tolist()) & set(b.tolist()))


def place_of_the_first_difference(a, b):
    shorter = min(len(a), len(b))
    return int((a[:shorter] != b[:shorter]).int().argmax()) if shorter else 0


def difference_counted(a, b):
    return common_prefix(a, b) + 1


def common_end(a, b):
    return common_prefix(a.flip(0), b.flip(0))


def all_or_nothing(a, b):
    shorter = min(len(a), len(b))
    return shorter * bool((a[:shorter] == b[:shorter]).all())


def _symmetric(out: Outputs) -> bool:
    one, other = (
        out[name]["length"] for name in ("a beginning of the other", "the other, and its beginning")
    )
    return bool(one == other)


def _ids(*ids: int) -> Tensor:
    return torch.tensor(ids, dtype=torch.long)


COMMON_PREFIX = Task(
    name="common_prefix",
    notebook="01",
    minutes=6,
    text="Prompts that begin alike are mostly one prompt, sent again with a word changed at its end. "
    "The paper dropped those that share a long common prefix. How long is it, in tokens?",
    hint="Walk along both until they differ or one ends.",
    solution=common_prefix,
    cases=(
        Case(
            "two of four alike, and a third after the difference",
            (_ids(5, 6, 7, 9), _ids(5, 6, 8, 9)),
            {"length": 2},
        ),
        Case("nothing at the beginning, much after it", (_ids(1, 6, 7), _ids(2, 6, 7)), {"length": 0}),
        Case("a beginning of the other", (_ids(5, 6), _ids(5, 6, 7)), {"length": 2}),
        Case("the other, and its beginning", (_ids(5, 6, 7), _ids(5, 6)), {"length": 2}),
        Case("the same prompt twice", (_ids(4, 4, 4), _ids(4, 4, 4)), {"length": 3}),
        Case("an empty one", (_ids(), _ids(5, 6)), {"length": 0}),
        Case("the same words in another order", (_ids(3, 1, 2), _ids(3, 2, 1)), {"length": 1}),
    ),
    mistakes=(
        Mistake(
            "equal places counted",
            "You count every place where both are alike, also behind the first difference. A prefix "
            "ends there.",
            equal_places,
        ),
        Mistake(
            "shared words counted",
            "Order and place are forgotten: a prompt would share everything with its words in any order.",
            shared_words,
        ),
        Mistake(
            "no difference means 0",
            "Where one prompt is the beginning of the other there is no difference to find, and argmax "
            "of nothing but False is 0. It should be the length of the shorter one.",
            place_of_the_first_difference,
        ),
        Mistake(
            "the difference counted, too",
            "The first token that differs is no longer common: one less.",
            difference_counted,
        ),
        Mistake(
            "from the end",
            "You have the common end. Resubmitted prompts differ there, so nothing would be found.",
            common_end,
        ),
        Mistake(
            "all or nothing",
            "You only ask whether one is the beginning of the other. Two that differ in their last word "
            "share all but that.",
            all_or_nothing,
        ),
    ),
    laws=(Law("It does not matter which of the two comes first.", _symmetric),),
    outputs=("length",),
)


# --- 03: rankings -------------------------------------------------------------------------------------------


def tied_ranks(utilities: Tensor, width: float) -> Tensor:
    """utilities (K,) of K answers, and how close is a tie -> ranks (K,), 1 is best."""
    ranks, rank, head = torch.zeros_like(utilities), 0, None
    for i in utilities.argsort(descending=True):
        if head is None or head - utilities[i] >= width:
            rank, head = rank + 1, utilities[i]  # the head of a new column
        ranks[i] = rank
    return ranks


def chained(utilities, width):
    ranks, rank, last = torch.zeros_like(utilities), 0, None
    for i in utilities.argsort(descending=True):
        rank += last is None or last - utilities[i] >= width
        ranks[i], last = rank, utilities[i]
    return ranks


def with_gaps(utilities, width):
    dense = tied_ranks(utilities, width)
    return 1 + (dense[None, :] < dense[:, None]).sum(dim=1)


def worst_first(utilities, width):
    dense = tied_ranks(utilities, width)
    return dense.max() + 1 - dense


def no_ties(utilities, width):
    return tied_ranks(utilities, 0.0)


def rounded(utilities, width):
    boxes = (utilities / width).round()
    return tied_ranks(boxes, 0.5)


def from_zero(utilities, width):
    return tied_ranks(utilities, width) - 1


def _best_is_one(out: Outputs) -> bool:
    return all(bool(x["ranks"].min() == 1) for x in out.values())


def _no_gap(out: Outputs) -> bool:
    return all(len(x["ranks"].unique()) == x["ranks"].max() for x in out.values())


TIED_RANKS = Task(
    name="tied_ranks",
    notebook="03",
    minutes=8,
    text="Columns of a ranking: going down from the best answer, an answer joins the column if it is "
    "less than `width` below the answer at its *head*, else it opens the next one. 1 is the best column.",
    hint="Keep the head of the present column, and its number. argsort(descending=True) is the way down.",
    solution=tied_ranks,
    cases=(
        Case(
            "five answers, the third near the second only",
            (doubles(0.93, 0.92, 0.905, 0.7, 0.7), 0.02),
            {"ranks": [1, 1, 2, 3, 3]},
        ),
        Case(
            "the same in another order",
            (doubles(0.7, 0.905, 0.93, 0.7, 0.92), 0.02),
            {"ranks": [3, 2, 1, 3, 1]},
        ),
        Case(
            "a long slope of small steps",
            (doubles(0.5, 0.49, 0.48, 0.47, 0.46), 0.025),
            {"ranks": [1, 1, 1, 2, 2]},
        ),
        Case("two at the top, one below", (doubles(0.9, 0.9, 0.1), 0.02), {"ranks": [1, 1, 2]}),
        Case("ties that are as wide as everything", (doubles(0.1, 0.9, 0.5), 1.0), {"ranks": [1, 1, 1]}),
        Case(
            "two close ones on both sides of a round number",
            (doubles(0.252, 0.248, 0.1), 0.1),
            {"ranks": [1, 1, 2]},
        ),
    ),
    mistakes=(
        Mistake(
            "neighbours chained",
            "You compare with the answer just above, so a slope of small steps becomes one column, "
            "however long: its ends differ a lot and are called equal. Compare with the head.",
            chained,
        ),
        Mistake(
            "gaps in the ranks",
            "After two at the top you go on with 3, as in sport. The columns of the paper's page have "
            "numbers without gaps; the loss would not mind, this function's reader does.",
            with_gaps,
        ),
        Mistake("the worst has 1", "1 is the best column: sort the other way.", worst_first),
        Mistake(
            "no ties",
            "Answers closer than `width` are still apart. Nobody is sure of such a difference.",
            no_ties,
        ),
        Mistake(
            "rounded into boxes",
            "Rounding parts two answers that are nearly equal whenever a border of boxes lies between them.",
            rounded,
        ),
        Mistake("counted from 0", "The best column is 1, as on the page that the labelers see.", from_zero),
    ),
    laws=(Law("The best answer has rank 1.", _best_is_one), Law("Ranks have no gaps.", _no_gap)),
    outputs=("ranks",),
)


def counts_alike(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Ranks (K,) of the same K answers by two people -> pairs ordered alike, pairs that both ordered."""
    i, j = torch.triu_indices(len(a), len(a), offset=1)
    agree = torch.sign(a[i] - a[j]) * torch.sign(b[i] - b[j])  # 1 alike, -1 unlike, 0 a tie of either
    return (agree > 0).sum(), (agree != 0).sum()


def _signs(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    i, j = torch.triu_indices(len(a), len(a), offset=1)
    return torch.sign(a[i] - a[j]), torch.sign(b[i] - b[j])


def common_ties_are_alike(a, b):
    one, other = _signs(a, b)
    counted = (one * other != 0) | ((one == 0) & (other == 0))
    return ((one == other) & counted).sum(), counted.sum()


def all_pairs_counted(a, b):
    one, other = _signs(a, b)
    return (one * other > 0).sum(), torch.tensor(len(one))


def ties_of_one_counted(a, b):
    one, other = _signs(a, b)
    return (one * other > 0).sum(), ((one != 0) | (other != 0)).sum()


def both_directions(a, b):
    alike, both = counts_alike(a, b)
    return 2 * alike, 2 * both


def equal_ranks(a, b):
    return (a == b).sum(), torch.tensor(len(a))


def next_ones_only(a, b):
    one, other = torch.sign(a[:-1] - a[1:]), torch.sign(b[:-1] - b[1:])
    return (one * other > 0).sum(), (one * other != 0).sum()


def _no_more_alike_than_counted(out: Outputs) -> bool:
    return all(bool(0 <= x["alike"] <= x["both"]) for x in out.values())


COUNTS_ALIKE = Task(
    name="counts_alike",
    notebook="03",
    minutes=8,
    text="Two people ranked the same answers. Of the pairs that *both* put in a strict order: how many "
    "did they order alike, and how many are there? A pair that either of them tied is left out.",
    hint="The sign of a[i] - a[j] says how one person orders a pair, 0 is a tie. Each pair i < j counts "
    "once.",
    solution=counts_alike,
    cases=(
        Case("three answers, two ties", (doubles(1, 2, 2), doubles(2, 1, 3)), {"alike": 1, "both": 2}),
        Case(
            "the same opinion, told with gaps", (doubles(1, 2, 3), doubles(1, 5, 9)), {"alike": 3, "both": 3}
        ),
        Case("the opposite opinion", (doubles(1, 2, 3, 4), doubles(4, 3, 2, 1)), {"alike": 0, "both": 6}),
        Case("a tie that both see", (doubles(1, 1, 2), doubles(1, 1, 2)), {"alike": 2, "both": 2}),
        Case("somebody who ties everything", (doubles(1, 1, 1), doubles(3, 1, 2)), {"alike": 0, "both": 0}),
        Case("five answers", (doubles(2, 1, 3, 3, 4), doubles(1, 2, 4, 3, 3)), {"alike": 6, "both": 8}),
    ),
    mistakes=(
        Mistake(
            "common ties are alike",
            "Two people who tie the same pair agree, one may say, but then whoever ties most agrees "
            "most. Leave every tie out.",
            common_ties_are_alike,
        ),
        Mistake(
            "ties count against them",
            "You divide by all pairs. A tie is not a disagreement: take only pairs that both put in an "
            "order.",
            all_pairs_counted,
        ),
        Mistake(
            "a tie of one person counts",
            "If only one of them ordered the pair there is nothing to compare with.",
            ties_of_one_counted,
        ),
        Mistake(
            "each pair twice",
            "A before B and B after A are one pair. The share is right, the number is not, and every "
            "interval computed from it is too narrow.",
            both_directions,
        ),
        Mistake(
            "ranks compared, not pairs",
            "Rank 2 of one person may be rank 5 of another with the same opinion. What is compared is "
            "the order of two answers.",
            equal_ranks,
        ),
        Mistake(
            "only neighbours compared",
            "K answers have K (K - 1) / 2 pairs, not K - 1: every answer meets every other.",
            next_ones_only,
        ),
    ),
    laws=(Law("No more pairs are alike than are counted.", _no_more_alike_than_counted),),
    outputs=("alike", "both"),
)

TASKS = (WIN_RATE, KEPT_PER_USER, COMMON_PREFIX, TIED_RANKS, COUNTS_ALIKE)
