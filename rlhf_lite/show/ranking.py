"""A panel in which a person rates, flags and ranks up to nine answers, as in the paper (Fig. 12, Table 3).

    panel = show.RankingPanel(rankings["valid"][:20], store=folder)
    panel                                # rate each answer, then rank them all; Tab and Space are enough
    panel.rows()                         # what its labeler has ranked, as rows like any other

Who wrote an answer is not shown, and each labeler sees the answers in another order, drawn by a seed that is
kept. Whatever is on the screen is kept at every click, so a restart loses nothing. Some prompts come twice,
to count agreement with oneself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import ipywidgets

from ..chain.store import home
from ..data.records import FLAGS, Row, normalise_ranks
from ..data.seeded import chance, shuffled
from ..labels.agreement import self_agreement
from ..labels.names import known_name, remember_name
from ..labels.store import LabelStore, StoreError, open_store
from .responses import side_by_side
from .text import Html, inert
from .widgets import Shown, words

MODES = ("ranking", "pairs")
QUALITY, PLACE = "7 is best", "1 is best"  # the paper's two scales run in opposite directions


class RankingPanel(Shown):
    """prompts: rows with prompt_id, prompt and completions. labeler: asked for if none is given, once for all
    panels. store: one, or where to open it. flags: which of Table 3's yes/no questions are asked. repeats:
    share of the prompts that come a second time. mode "pairs": which of two is better, nothing else."""

    def __init__(
        self,
        prompts: Sequence[Row],
        labeler: str | None = None,
        store: LabelStore | str | Path | None = None,
        *,
        flags: Sequence[str] = tuple(FLAGS),
        repeats: float = 0.1,
        mode: str = "ranking",
    ):
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; use {' or '.join(MODES)}")
        if labeler is not None and not labeler.strip():
            raise ValueError("give the labeler a name: labels are kept under it")
        self.prompts, self.place, self.repeats = list(prompts), store or home() / "labels", repeats
        self.flags, self.mode = tuple(flags), mode
        self._make_frame()
        self._ask_name()
        if name := labeler or known_name(home()):
            self._begin(name)
        if not labeler:  # several people may share a computer
            self.widget.children = [*self.widget.children, _button("Another name", self._ask_name, style="")]

    # --- what a program does --------------------------------------------------------------------------------

    def rows(self, look: int = 1) -> list[Row]:
        """All that this labeler has ranked; look=2: the second looks."""
        return self.store.rows(self.labeler, look) if self.store else []

    @property
    def current(self) -> Row | None:
        """The prompt on the screen; None when all are done."""
        return self.queue[self.at][0] if self.at < len(self.queue) else None

    def rank(self, ranks: Sequence[int], quality: Sequence[int] = ()) -> None:
        """Rank the answers in the order shown, rate them if that is asked, and go on: what clicks do."""
        for box, value in zip(self.quality, quality, strict=False):
            box.value = value
        self._rank_stage()
        for box, value in zip(self.places, ranks, strict=True):
            box.value = value
        self._save()

    def still(self) -> Html:
        """The prompt and the answers on the screen, or the first ones while there is none."""
        if self.prompts and not self.texts:
            first = self.prompts[0]
            return side_by_side(first["prompt"], dict(zip("ABCDEFGHI", first["completions"], strict=False)))
        if self.current is None:
            return Html(inert(self._progress()), self._progress())
        return side_by_side(self.current["prompt"], dict(text.split(".  ", 1) for text in self.texts))

    # --- whose labels ---------------------------------------------------------------------------------------

    def _ask_name(self) -> None:
        self.labeler, self.store, self.queue, self.at, self.texts = "", None, [], 0, []
        self.head.value = inert(self._progress(), "font-weight:bold")
        name = ipywidgets.Text(placeholder="your name")
        name.add_class("rl-name")
        why = words("Your labels are kept under your name. In a class, take one that nobody else has.")
        self.body.children = [why, name, _button("Begin", lambda: self._named(name.value.strip()))]

    def _named(self, name: str) -> None:
        if name:
            remember_name(home(), name)
            self._begin(name)

    def _begin(self, labeler: str) -> None:
        """Open this labeler's labels, draw their order of prompts, and go on where they stopped."""
        with self._told():
            place = self.place
            self.store = place if isinstance(place, LabelStore) else open_store(place, labeler)
            self.labeler = labeler
            rows = [_pair(row, labeler) for row in self.prompts] if self.mode == "pairs" else self.prompts
            again = shuffled(rows, labeler, "again", by=lambda row: row["prompt_id"])
            again = again[: round(self.repeats * len(rows))]
            self.queue = [(row, look) for look, some in ((1, rows), (2, again)) for row in some]
            self.at, self.began, self.before, self.turned = 0, time.monotonic(), 0.0, False
            self._resume()

    # --- a prompt -------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        """Pass over what is done, and put back what was on the screen."""
        done = {_what(row, look) for look in (1, 2) for row in self.store.rows(self.labeler, look)}
        left = (i for i, (row, look) in enumerate(self.queue) if _what(row, look) not in done)
        self.at = next(left, len(self.queue))
        self._open(self.store.draft(self.labeler))

    def _open(self, draft: dict | None = None) -> None:
        self.began, self.before = time.monotonic(), 0.0
        self.head.value = inert(self._progress(), "font-weight:bold")
        if self.current is None:
            self.body.children = [words(f"All done. Thank you!{self._steadiness()}")]
            self.top.focus()
            return
        row, look = self.queue[self.at]
        self.seed = int(chance(self.labeler, row["prompt_id"], look) * 2**31)
        self.order = shuffled(
            range(len(row["completions"])), self.seed, row["prompt_id"]
        )  # of the answers on the screen
        K, letters = len(self.order), "ABCDEFGHI"
        self.texts = [f"{letters[i]}.  {row['completions'][j]}" for i, j in enumerate(self.order)]
        self.quality = [_choice(range(1, 8), f"quality of {letters[i]}, {QUALITY}") for i in range(K)]
        self.marks = [{name: _question(FLAGS[name]) for name in self.flags} for _ in range(K)]
        self.places = [_choice(range(1, K + 1), f"place of {letters[i]}, {PLACE}") for i in range(K)]
        same = draft and (draft["prompt_id"], draft["look"], draft["seed"]) == (
            row["prompt_id"],
            look,
            self.seed,
        )
        if same:
            self._put_back(draft)
        for box in (*self.quality, *self.places, *(box for marks in self.marks for box in marks.values())):
            box.observe(self._changed, "value")
        self._rank_stage() if self.mode == "pairs" or (
            same and draft["stage"] == "rank"
        ) else self._rate_stage()

    def _put_back(self, draft: dict) -> None:
        self.before = draft["seconds"]
        for boxes, values in ((self.quality, draft["quality"]), (self.places, draft["places"])):
            for box, value in zip(boxes, values, strict=True):
                box.value = value
        for boxes, names in zip(self.marks, draft["marks"], strict=True):
            for name in names:
                boxes[name].value = True

    def _rate_stage(self) -> None:
        """One answer under another: overall quality, and yes or no."""
        self.stage, parts = "rate", [self._asked(f"How good is each answer? 1 is worst, {QUALITY}.")]
        for text, quality, marks in zip(self.texts, self.quality, self.marks, strict=True):
            parts += [words(text), _between("worst", quality, "best"), *([_folded(marks)] if marks else [])]
        self.button = _button("To the ranking", self._rank_stage)
        self._turn_to([*parts, self.button])

    def _rank_stage(self) -> None:
        """All answers on one page: a place for each, the same for equals."""
        last = len(self.places)
        scale = f"Which is best? {PLACE}, {last} is last; equally good answers share a place."
        self.stage, parts = "rank", [self._asked(scale)]
        for text, place in zip(self.texts, self.places, strict=True):
            parts += [words(text), _between("best", place, "last")]
        self.button = _button("Save", self._save)
        back = [] if self.mode == "pairs" else [_button("Back", self._rate_stage, style="")]
        self._turn_to([*parts, ipywidgets.HBox([*back, self.button])])

    def _asked(self, scale: str) -> ipywidgets.VBox:
        """The prompt, and what the numbers below it mean."""
        meant = words(scale, "font-style:italic")
        meant.add_class("rl-rank-scale")
        return ipywidgets.VBox([words(self.current["prompt"], "font-weight:bold"), meant])

    def _turn_to(self, parts: Sequence[ipywidgets.Widget]) -> None:
        """Another page: its beginning comes into view, and the next Tab goes to its first answer."""
        self.body.children = list(parts)
        if self.turned:  # not when the panel appears
            self.top.focus()
        self.turned = True
        self._changed()

    def _changed(self, change=None) -> None:
        """After every click: may one go on? And keep what is there."""
        asked = self.quality if self.stage == "rate" else self.places
        self.button.disabled = any(box.value is None for box in asked)
        if change is not None:
            with self._told():
                self.store.keep_draft(self.labeler, self._draft())

    def _draft(self) -> dict:
        row, look = self.queue[self.at]
        return {
            "prompt_id": row["prompt_id"],
            "look": look,
            "seed": self.seed,
            "stage": self.stage,
            "seconds": self._seconds(),
            "quality": [box.value for box in self.quality],
            "places": [box.value for box in self.places],
            "marks": [[name for name, box in marks.items() if box.value] for marks in self.marks],
        }

    def _save(self) -> None:
        row, look = self.queue[self.at]
        back = sorted(
            range(len(self.order)), key=self.order.__getitem__
        )  # in the order of the completions again
        new = {
            **{k: v for k, v in row.items() if k in ("prompt_id", "user_id", "prompt", "task")},
            "labeler": self.labeler,
            "completions": list(row["completions"]),
            "ranks": normalise_ranks([self.places[i].value for i in back]),
            "seconds": round(self._seconds(), 1),
            "seed": self.seed,
        }
        if self.mode == "ranking":
            new["likert"] = [self.quality[i].value for i in back]
            new["flags"] = [
                {name: name in self.marks[i] and self.marks[i][name].value for name in FLAGS} for i in back
            ]
            if None in new["likert"]:
                del new["likert"]
        with self._told():
            self.store.put(new, look)
            self.store.keep_draft(self.labeler, None)
            self.at += 1
            self._open()

    def _steadiness(self) -> str:
        """Agreement with oneself, if there was a second look."""
        first, second = self.rows(), self.rows(look=2)
        try:
            alike = self_agreement(first, second)
        except ValueError:  # no second look, or nothing but ties
            return ""
        return f" At your second look you ordered {alike.share:.0%} of {alike.pairs} pairs as at your first."

    def _seconds(self) -> float:
        return self.before + time.monotonic() - self.began

    def _progress(self) -> str:
        if not self.labeler:
            return "Who ranks?"
        return f"{self.labeler}: {self.at} of {len(self.queue)} done" + (
            " (a second look)" if self.current and self.queue[self.at][1] == 2 else ""
        )

    # --- the frame ------------------------------------------------------------------------------------------

    def _make_frame(self) -> None:
        self.head, self.body, self.trouble = words(), ipywidgets.VBox([]), words()
        for name, widget in (("head", self.head), ("body", self.body), ("trouble", self.trouble)):
            widget.add_class(f"rl-rank-{name}")
        # Only a button can be given the focus, which brings the top of a page into view; this one is a point.
        unseen = {"width": "1px", "height": "1px", "margin": "0", "padding": "0", "border": "0"}
        self.top = ipywidgets.Button(
            tooltip="top of the page", tabbable=False, layout=unseen, style={"button_color": "transparent"}
        )
        self.widget = ipywidgets.VBox([self.top, self.head, self.body, self.trouble])

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What a store refuses is said on the panel, and what is on the screen stays there."""
        self.trouble.value = ""
        try:
            yield
        except StoreError as error:
            self.trouble.value = inert(f"Not kept: {error}", "font-weight:bold")


def _what(row: Row, look: int) -> tuple:
    """What was ranked: another chain has other answers to the same prompt."""
    return row["prompt_id"], tuple(row["completions"]), look


def _pair(row: Row, labeler: str) -> Row:
    """Two different answers of a prompt, drawn for this labeler."""
    texts = list(dict.fromkeys(row["completions"]))
    chosen = shuffled(range(len(texts)), labeler, row["prompt_id"], "pair")[:2]
    return {**row, "prompt_id": f"{row['prompt_id']}/pair", "completions": [texts[i] for i in chosen]}


def _choice(values: Sequence[int], tooltip: str) -> ipywidgets.ToggleButtons:
    """One of some numbers; nothing is chosen at first. Buttons narrower than this cut their number off."""
    names = [str(v) for v in values]
    box = ipywidgets.ToggleButtons(
        options=list(zip(names, values, strict=True)),
        value=None,
        style={"button_width": "42px"},
        tooltips=[f"{name}: {tooltip}" for name in names],
    )
    box.add_class("rl-choice")
    return box


def _between(low: str, box: ipywidgets.ToggleButtons, high: str) -> ipywidgets.HBox:
    """A choice with what its first and its last number mean beside them."""
    box.layout.width = "auto"
    return ipywidgets.HBox([words(low), box, words(high)], layout={"align_items": "center"})


def _question(text: str) -> ipywidgets.Checkbox:
    return ipywidgets.Checkbox(False, description=text, indent=False, layout={"width": "95%"})


def _folded(marks: Mapping[str, ipywidgets.Checkbox]) -> ipywidgets.VBox:
    """The yes/no questions below a button that shows them; unlike an Accordion, Tab reaches it."""
    questions = ipywidgets.VBox(list(marks.values()))
    fold = ipywidgets.ToggleButton(False, layout={"width": "200px"}, tooltip="show or hide the questions")
    fold.add_class("rl-rank-fold")

    def show(change=None) -> None:
        yes = sum(box.value for box in marks.values())
        fold.description = f"yes/no questions ({yes} yes)" if yes else "yes/no questions"
        fold.icon = "chevron-down" if fold.value else "chevron-right"
        questions.layout.display = None if fold.value else "none"

    for box in (fold, *marks.values()):
        box.observe(show, "value")
    show()
    return ipywidgets.VBox([fold, questions])


def _button(text: str, action, style: str = "primary") -> ipywidgets.Button:
    button = ipywidgets.Button(description=text, button_style=style)
    button.on_click(lambda _: action())
    button.add_class("rl-next" if style else "rl-back")
    return button
