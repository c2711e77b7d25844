"""From a raw prompt log to the seven data sets of Table 6 (§3.2, App. A).

    raw log -> drop long common prefixes -> at most 200 per user -> split by user
            -> drop personal data (train only) -> SFT / RM / PPO sets in the paper's proportions

Every step takes rows and returns (kept, dropped), so that it can be looked at alone; `prepare` runs them all
and keeps a `funnel` of what each step dropped. A user's side of the split is a hash of the user's own id, so
it does not depend on who else is there.
"""

import json
import lzma
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from pathlib import Path

from ..paper import PROMPTS_PER_USER, TABLE_6
from .records import RecordError, Row, check_prompts
from .seeded import chance, name_of, shuffled

Parted = tuple[list[Row], list[Row]]  # kept, dropped
TABLE_6_SETS = tuple(TABLE_6.value)  # sft_train, sft_valid, rm_train, rm_valid, ppo_train, ppo_valid, test
STORY = "story"  # the file of what is not a set
# Shares of *users*. Customers differ so much in how many prompts they write that shares of rows come out
# otherwise (`realised`); the test side is drawn larger than the paper's 3.4 % of rows so that a few users
# cannot leave it empty.
CUSTOMER_FRACTIONS = {"train": 0.58, "valid": 0.30, "test": 0.12}
LABELER_FRACTIONS = {"train": 0.72, "valid": 0.28}


class SupplyError(ValueError):
    """Too few prompts for a set; the message says which, how many, and what to do."""


@dataclass(frozen=True)
class Step:
    """One line of the funnel figure."""

    name: str
    rows_in: int
    rows_out: int
    examples: tuple[Row, ...] = ()  # a few of the dropped rows


@dataclass
class Splits:
    """The seven sets of Table 6 (with Table 9's test set), and the story of how they came about."""

    sft_train: list[Row]
    sft_valid: list[Row]
    rm_train: list[Row]
    rm_valid: list[Row]
    ppo_train: list[Row]
    ppo_valid: list[Row]
    test: list[Row]
    funnel: list[Step] = field(default_factory=list)
    realised: dict[str, dict[str, float]] = field(default_factory=dict)  # split -> users, rows, share of rows
    shared: dict[str, int] = field(default_factory=dict)  # set -> prompts it had to share with another set

    def sets(self) -> dict[str, list[Row]]:
        return {name: getattr(self, name) for name in TABLE_6_SETS}


def table6_sizes(scale: float = 1.0) -> dict[str, dict[str, int]]:
    """Prompts per set and writer, Table 6 times `scale`: {"sft_train": {"labeler": 11295, ...}, ...}."""
    if scale <= 0:
        raise ValueError(f"scale must be above 0, but is {scale}; 1.0 is the paper's own sizes.")
    return {s: {who: round(n * scale) for who, n in parts.items()} for s, parts in TABLE_6.value.items()}


# --- one step each ------------------------------------------------------------------------------------------


def drop_repeats(rows: Iterable[Row]) -> Parted:
    """Keeps the earliest of prompts with the same words."""
    rows, first = list(rows), {}
    for i, row in enumerate(rows):
        first.setdefault(_words(row["text"]), i)
    return _parted(rows, (first[_words(row["text"])] == i for i, row in enumerate(rows)))


def dedupe_long_prefix(rows: Iterable[Row], words: int = 16, least: int = 4) -> Parted:
    """Keeps the earliest of prompts that share a long common prefix (§3.2, App. A.2).

    Long means: the first `words` words, or all of the shorter prompt if that has at least `least`. The paper
    gives neither the length nor whether it compared across users; here it is across all. One pass with two
    sets, since a prompt repeats a kept one exactly when it is a beginning of it, or when one of its own
    beginnings is a kept prompt.
    """
    beginnings: set = set()  # of kept prompts
    wholes: set = set()  # kept prompts, cut to `words`
    kept, dropped = [], []
    for row in rows:
        head = _words(row["text"])[:words]
        own = [head[:n] for n in range(min(least, len(head)), len(head) + 1)]
        if head in beginnings or any(start in wholes for start in own):
            dropped.append(row)
            continue
        kept.append(row)
        beginnings.update(own)
        wholes.add(head)
    return kept, dropped


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.lower().split())


def cap_per_user(rows: Sequence[Row], cap: int = PROMPTS_PER_USER.value, seed: int = 0) -> Parted:
    """At most `cap` prompts per user id, which ones by seed (§3.2)."""
    places = defaultdict(list)
    for i, row in enumerate(rows):
        places[row["user_id"]].append(i)
    keep = set()
    for user, own in places.items():
        keep.update(own[n] for n in shuffled(range(len(own)), seed, "cap", user)[:cap])
    return _parted(rows, (i in keep for i in range(len(rows))))


_SUFFIX = r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Sq|Way)"
PERSONAL = {
    "e-mail": re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"),
    "card": re.compile(r"(?<![\d-])(?:\d{4}(?:[ -]?\d{4}){3}|\d{4}[ -]?\d{6}[ -]?\d{5}|\d{13,19})(?![\d-])"),
    "phone": re.compile(
        r"\+\d[\d ().-]{6,18}\d"  # +44 20 7946 0958
        r"|(?<![\w-])(?:\(\d{2,4}\)|\d{2,4})[-. ]?\d{3}[-.]\d{4}(?![\w-])"  # (555) 123-4567, 555.123.4567
        r"|(?<![\w-])0\d{2,4} \d{3,4} ?\d{3,4}(?![\w-])"  # 020 7946 0958
        r"|(?<![\w-])\d{3}[- ]\d{4}(?![\w-])"  # 555-0142
    ),
    "address": re.compile(rf"\b\d{{1,5}} (?:[A-Z][\w'-]{{0,30}} ){{1,3}}{_SUFFIX}\b"),  # 12 Old Mill Road
}


def find_personal_data(text: str) -> list[tuple[str, str]]:
    """What looks like personal data: (kind, the words found). Names of people are not recognised."""
    return [(kind, match.group()) for kind, pattern in PERSONAL.items() for match in pattern.finditer(text)]


def remove_personal_data(rows: Sequence[Row]) -> Parted:
    """Drops prompts with an e-mail address, phone, card or street number. For training only (§3.2)."""
    return _parted(rows, (not find_personal_data(row["text"]) for row in rows))


def split_by_user(
    rows: Iterable[Row], fractions: dict[str, float] = CUSTOMER_FRACTIONS, seed: int = 0
) -> dict[str, list[Row]]:
    """Every user to one side, by a hash of the user id: no user is on two (§3.2), newcomers move nobody."""
    rows = list(rows)
    for number, row in enumerate(rows, 1):
        if not row.get("user_id"):
            why = "a split by user does not know what to keep together"
            advice = "fill it in (a user, a conversation, a prompt), or use split_at_random."
            raise RecordError(f"row {number} has no user_id, so {why}; {advice}")
    return _divide(rows, fractions, [chance(seed, "split", row["user_id"]) for row in rows])


def split_at_random(
    rows: Iterable[Row], fractions: dict[str, float] = CUSTOMER_FRACTIONS, seed: int = 0
) -> dict[str, list[Row]]:
    """Every prompt to a side of its own: what the paper did not do. `leak` shows why."""
    rows = list(rows)
    return _divide(rows, fractions, [chance(seed, "split", i, row["text"]) for i, row in enumerate(rows)])


def _divide(rows: list[Row], fractions: dict[str, float], draws: list[float]) -> dict[str, list[Row]]:
    """Each row to the side in whose share of 0 ... 1 its draw falls."""
    total = sum(fractions.values())
    if min(fractions.values()) < 0 or total <= 0:
        raise ValueError(f"fractions must be shares of at least 0, but are {fractions}.")
    names, edges = list(fractions), list(accumulate(fractions.values()))
    splits: dict[str, list[Row]] = {name: [] for name in names}
    for row, draw in zip(rows, draws, strict=True):
        side = min(bisect_right(edges, draw * total), len(names) - 1)
        splits[names[side]].append(row)
    return splits


def realised_fractions(splits: dict[str, list[Row]]) -> dict[str, dict[str, float]]:
    """What the split came to: users and rows of each side, and its share of the rows."""
    total = sum(map(len, splits.values())) or 1
    return {
        name: {"users": len({row["user_id"] for row in rows}), "rows": len(rows), "share": len(rows) / total}
        for name, rows in splits.items()
    }


def leak(train: Iterable[Row], test: Sequence[Row], words: int = 6) -> dict[str, float]:
    """Shares of the test prompts whose writer, or whose first `words` words, training has seen."""
    train, n = list(train), len(test) or 1
    users, starts = {row["user_id"] for row in train}, {_words(row["text"])[:words] for row in train}
    return {
        "user": sum(row["user_id"] in users for row in test) / n,
        "prefix": sum(_words(row["text"])[:words] in starts for row in test) / n,
    }


def expand_few_shot(instruction: str, pairs: Sequence[tuple[str, str]]) -> list[Row]:
    """K (query, response) pairs -> K examples, each with the other K - 1 as its context (App. A.1).

    Rows have a `prompt`, which ends with the open query, and a `response`.
    """
    rows, shown = [], [f"{query} -> {response}" for query, response in pairs]
    for i, (query, response) in enumerate(pairs):
        lines = [instruction, *shown[:i], *shown[i + 1 :], f"{query} ->"]
        rows.append({"prompt": "\n".join(lines), "response": response})
    return rows


def _parted(rows: Sequence[Row], keep: Iterable[bool]) -> Parted:
    kept, dropped = [], []
    for row, good in zip(rows, keep, strict=True):
        (kept if good else dropped).append(row)
    return kept, dropped


# --- all steps together -------------------------------------------------------------------------------------


def to_prompt(row: Row) -> Row:
    """A raw log row (user_id, source, kind, text, task) as a prompt row, with an id from writer and text."""
    task = json.loads(row["task"]) if row.get("task") else {}
    return {
        "prompt_id": row.get("prompt_id") or name_of(row["user_id"], row["text"]),
        "user_id": row["user_id"],
        "source": row.get("source") or "customer",
        "kind": row.get("kind") or task.get("kind", "plain"),
        "use_case": row.get("use_case") or task.get("use_case", ""),
        "text": row["text"],
        "task": row.get("task") or "",
        "annotations": row.get("annotations") or task.get("annotations", {}),
    }


def prepare(
    raw_rows: Iterable[Row],
    sizes: dict[str, dict[str, int]],
    seed: int = 0,
    fits: Callable[[str], bool] = lambda text: True,
) -> Splits:
    """The whole of §3.2: raw log rows -> Splits of the given sizes (see `table6_sizes`).

    Prefixes and the cap are for customers, as in the paper: labelers are few and paid to write, and their
    few-shot prompts (`expand_few_shot`) share beginnings on purpose. Prompts of the SFT, RM and PPO sets
    differ as long as there are enough; what had to be used twice is counted in `shared`. A prompt that does
    not fit into the models, by `fits`, is dropped first.
    """
    funnel: list[Step] = []

    def step(name: str, before: int, kept: int, dropped: Sequence[Row] = ()) -> None:
        funnel.append(Step(name, before, kept, tuple(dropped[:5])))

    def drawn(dropped: list[Row]) -> list[Row]:
        return shuffled(dropped, seed, by=lambda row: row["text"])

    rows = [to_prompt(row) for row in check_prompts(raw_rows)]
    short, long = _parted(rows, (fits(row["text"]) for row in rows))
    step("longer than models read", len(rows), len(short), drawn(long))
    kept, repeats = drop_repeats(short)
    step("repeats", len(short), len(kept), drawn(repeats))
    customers, labelers = _parted(kept, (row["source"] == "customer" for row in kept))
    different, alike = dedupe_long_prefix(customers)
    step("long common prefix", len(kept), len(kept) - len(alike), drawn(alike))
    capped, over = cap_per_user(different, seed=seed)
    rows = capped + labelers
    step("over the cap", len(kept) - len(alike), len(rows), drawn(over))
    # Labelers write for training and validation only: Table 6 has no test prompts of theirs.
    splits = split_by_user(capped, CUSTOMER_FRACTIONS, seed)
    for side, own in split_by_user(labelers, LABELER_FRACTIONS, seed).items():
        splits[side] += own
    splits["train"], personal = remove_personal_data(splits["train"])
    step("personal data (train)", len(rows), len(rows) - len(personal), personal)
    sets, shared = _fill(splits, sizes, seed)
    used = len({row["prompt_id"] for chosen in sets.values() for row in chosen})
    step("not needed", len(rows) - len(personal), used)
    return Splits(**sets, funnel=funnel, realised=realised_fractions(splits), shared=shared)


def _fill(
    splits: dict[str, list[Row]], sizes: dict[str, dict[str, int]], seed: int
) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """Deals each side's prompts to its sets, one writer group after the other; used ones only if it must."""
    sets: dict[str, list[Row]] = {name: [] for name in TABLE_6_SETS}
    shared: Counter = Counter()
    for side in ("train", "valid", "test"):
        for who in ("labeler", "customer"):
            own = (row for row in splits[side] if row["source"] == who)
            pool = shuffled(own, seed, by=lambda row: row["prompt_id"])
            start, have = 0, len(pool)
            for name in TABLE_6_SETS:
                need = sizes.get(name, {}).get(who, 0)
                if not name.endswith(side) or not need:
                    continue
                if need > have:
                    raise SupplyError(
                        f"The set {name} needs {need:,} {who} prompts, but the {side} side of the split has "
                        f"{have:,}. Draw a longer log (about {need / max(have, 1):.1f} times as many {who} "
                        f"prompts), or ask for smaller sets (a scale below {have / need:.2f} of this one)."
                    )
                sets[name] += (pool[start:] + pool[:start])[:need]
                shared[name] += max(0, need - (have - start))
                start = min(start + need, have)
    sets = {name: shuffled(rows, seed, name, by=lambda row: row["prompt_id"]) for name, rows in sets.items()}
    return sets, {name: n for name, n in shared.items() if n}


# --- on disk ------------------------------------------------------------------------------------------------


def write_splits(folder: str | Path, splits: Splits) -> None:
    """One compressed JSON file per set and one for the story; equal splits give equal bytes."""
    story = asdict(splits)
    files = {name: story.pop(name) for name in TABLE_6_SETS}
    for name, content in {**files, STORY: story}.items():
        text = json.dumps(content, ensure_ascii=False)
        (Path(folder) / f"{name}.json.xz").write_bytes(lzma.compress(text.encode(), preset=3))


def read_splits(folder: str | Path) -> Splits:
    """What `write_splits` wrote. A set is read when it is first asked for: all of them take 60 MB."""
    return _Stored(Path(folder))


class _Stored(Splits):
    def __init__(self, folder: Path):
        self.folder, story = folder, _read(folder, STORY)
        self.funnel = [Step(**{**step, "examples": tuple(step["examples"])}) for step in story["funnel"]]
        self.realised, self.shared = story["realised"], story["shared"]

    def __getattr__(self, name: str) -> list[Row]:
        if name not in TABLE_6_SETS:
            raise AttributeError(name)
        setattr(self, name, _read(self.folder, name))
        return vars(self)[name]


def _read(folder: Path, name: str):
    return json.loads(lzma.decompress((folder / f"{name}.json.xz").read_bytes()))
