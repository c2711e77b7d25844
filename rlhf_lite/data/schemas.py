"""What the rows of public preference sets look like, and how each becomes ours.

A reader takes an `Intake` of raw rows and yields our rows. Whatever is wrong with a raw row is a `Fault`; the intake
knows which row of which set it was. Where a set has no user ids, rows are owned by their conversation's first turn:
prompts that share it share their text, so a split must keep them together. Texts are stripped at both ends, as in
`sources.open_assistant`, and the order of completions is drawn by seed, so that place tells nothing.

Columns, scales and which end of them is good are those of the sets' cards on the hub; of the comparisons of summaries,
those of the README beside its authors' code (github.com/openai/summarize-from-feedback, "Human feedback data"); of
UltraFeedback's scores, those of the README of github.com/OpenBMB/UltraFeedback; of the pairs made of it, those of
`create_dataset.py` beside their card.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, TypeVar

from .own import decoded, from_exchange, from_pairs
from .records import RecordError, Row, check_rankings, normalise_ranks
from .seeded import name_of, shuffled
from .sources import Report, first_of_equals, flat_messages, open_assistant

T = TypeVar("T")
MAX_K = 9  # as many completions as a labeler of the paper ranks at most (§3.5)

# The ten categories of no_robots are those of Table 1, with "Coding" where the table has "other" (card of the set).
NO_ROBOTS_USE_CASES = {
    "Generation": "generation",
    "Open QA": "open_qa",
    "Brainstorm": "brainstorm",
    "Chat": "chat",
    "Rewrite": "rewrite",
    "Summarize": "summarize",
    "Classify": "classify",
    "Coding": "other",
    "Closed QA": "closed_qa",
    "Extract": "extract",
}


class Fault(ValueError):
    """What is wrong with one raw row; whoever reads the rows adds which."""


@dataclass
class Intake:
    """Raw rows on their way in: every row has the columns it needs, and a faulty one stops the reading or is left out."""

    where: str  # the set, as error messages call it
    raw: Iterable[Row]
    columns: Sequence[str] = ()
    seed: int = 0
    drop: bool = False
    lang: str | None = None  # for sets in many languages; None is all
    report: Report = field(default_factory=Report)

    def each(self, convert: Callable[[Row], T | None]) -> Iterator[T]:
        """What `convert` makes of each raw row; None is left out. A missing column is never just left out."""
        for number, row in enumerate(self.raw, 1):
            if missing := [name for name in self.columns if name not in row]:
                raise RecordError(
                    f"{self.where}, row {number}: column '{missing[0]}' is missing; it has "
                    f"{', '.join(map(str, row)) or 'none'}, but needs {', '.join(self.columns)}."
                )
            try:
                made = convert(row)
            except Fault as fault:
                if not self.drop:
                    raise RecordError(
                        f"{self.where}, row {number}: {fault}; mend the row, or load with drop=True "
                        "(--set drop=true), which leaves such rows out and counts them."
                    ) from None
                self.report.note("row: faulty", f"row {number}: {fault}")
                continue
            if made is not None:
                yield made

    def ranking(
        self, prompt: str, texts: Sequence[str], ranks: Sequence[float], labeler: str, owner: str
    ) -> Row | None:
        """A ranking row of texts with ranks (lower is better, ties equal), or None (reported) if fewer than two differ."""
        best = first_of_equals(texts, ranks)
        for _ in range(empty := texts.count("")):
            self.report.note("reply: empty", prompt)
        if len(best) + empty < len(texts):
            self.report.note("reply: same text as another", prompt)
        best = sorted(best, key=lambda i: ranks[i])
        for i in best[MAX_K:]:
            self.report.note(f"reply: beyond the best {MAX_K}", texts[i])
        if len(best) < 2:
            self.report.note("prompt: fewer than two different replies", prompt)
            return None
        best = shuffled(best[:MAX_K], self.seed, prompt, by=lambda i: texts[i])
        return {
            "prompt_id": name_of(prompt, *sorted(texts)),  # the same for everyone who judged the same texts
            "user_id": owner,
            "prompt": prompt,
            "task": "",
            "labeler": labeler,
            "completions": [texts[i] for i in best],
            "ranks": normalise_ranks([ranks[i] for i in best]),
            "likert": [],
            "flags": [],
            "seconds": None,
            "seed": self.seed,
        }


# --- values -------------------------------------------------------------------------------------------------------


def text_in(row: Row, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Fault(f"'{name}' is {_shown(value)}, but must be a text that is not empty")
    return value.strip()


def reply_in(row: Row, name: str) -> str:
    """A model's reply, which may be nothing: some of UltraFeedback's are empty, and `Intake.ranking` leaves them out."""
    value = row.get(name)
    return "" if value is None or isinstance(value, str) and not value.strip() else text_in(row, name)


def number_in(row: Row, name: str, low: float, high: float) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise Fault(f"'{name}' is {_shown(value)}, but must be a number from {low} to {high}")
    return value


def list_in(row: Row, name: str, columns: Sequence[str]) -> list[Row]:
    """A list of objects that all have these columns."""
    value = row.get(name)
    if not isinstance(value, list) or not all(isinstance(thing, dict) for thing in value):
        raise Fault(f"'{name}' is {_shown(value)}, but must be a list of objects with {', '.join(columns)}")
    for i, thing in enumerate(value, 1):
        if missing := [column for column in columns if column not in thing]:
            raise Fault(f"'{name}' {i} has no '{missing[0]}'; it has {', '.join(thing) or 'nothing'}")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _numbered(what: str, things: Iterable[Row], read: Callable[[Row], T]) -> list[T]:
    """`read` of every thing in a list; a fault says which thing it was."""
    out = []
    for i, thing in enumerate(things, 1):
        try:
            out.append(read(thing))
        except Fault as fault:
            raise Fault(f"{what} {i}: {fault}") from None
    return out


def check_gaps(ranks: Sequence[float]) -> None:
    """Ranks count from 1 without gaps, after a tie either on by one (1, 1, 2) or by as many as tied (1, 1, 3)."""
    counted = [1 + sum(other < rank for other in ranks) for rank in ranks]
    if list(ranks) not in (counted, normalise_ranks(ranks)):
        raise Fault(
            f"the ranks are {_shown(sorted(ranks))}, but must count 1, 2, 3 ... without gaps, ties equal"
        )


def first_turn(prompt: str) -> str:
    """A name for the conversation that a prompt belongs to: everything before the assistant's first word."""
    return name_of("conversation", prompt.partition("\n\nAssistant:")[0].strip())


def as_prompt(turns: Sequence[Row]) -> str:
    """Chat messages before the answer as one text: a lone question as it is, more as "Role: text" turns."""
    if len(turns) == 1 and turns[0]["role"] == "user":
        return text_in(turns[0], "content")
    return "\n\n".join(
        [
            *(f"{text_in(turn, 'role').capitalize()}: {text_in(turn, 'content')}" for turn in turns),
            "Assistant:",
        ]
    )


def _answer(messages: Sequence[Row], read: Callable[[Row, str], str] = text_in) -> str:
    """The last message, which must be the assistant's."""
    if not messages or messages[-1]["role"] != "assistant":
        raise Fault("the last message is not the assistant's")
    return read(messages[-1], "content")


# --- one set each -------------------------------------------------------------------------------------------------


def hh_rlhf(intake: Intake) -> Iterator[Row]:
    """chosen, rejected: whole conversations that share all but the last turn."""

    def convert(row: Row) -> Row | None:
        texts = {name: text_in(row, name) for name in ("chosen", "rejected")}
        try:
            pair = from_pairs([{name: "\n\n" + text for name, text in texts.items()}])[0]
        except RecordError as error:
            raise Fault(str(error).removeprefix("row 1: ").rstrip(".")) from None
        chosen, rejected = (
            text_in({name: text}, name) for name, text in zip(texts, pair["completions"], strict=True)
        )
        prompt = pair["prompt"].strip()
        return intake.ranking(prompt, [chosen, rejected], [1, 2], "people", first_turn(prompt))

    return intake.each(convert)


def nectar(intake: Intake) -> Iterator[Row]:
    """prompt, answers [{answer, model, rank}]: rank 1 is best."""

    def convert(row: Row) -> Row | None:
        prompt, answers = text_in(row, "prompt"), list_in(row, "answers", ("answer", "rank"))
        texts = _numbered("'answers'", answers, lambda a: text_in(a, "answer"))
        ranks = _numbered("'answers'", answers, lambda a: number_in(a, "rank", 1, len(answers)))
        check_gaps(ranks)
        return intake.ranking(prompt, texts, ranks, "GPT-4", first_turn(prompt))

    return intake.each(convert)


def ultrafeedback(intake: Intake) -> Iterator[Row]:
    """instruction, completions [{model, response, overall_score}]: scores 1 to 10, higher is better, equal is a tie."""

    def convert(row: Row) -> Row | None:
        prompt, answers = (
            text_in(row, "instruction"),
            list_in(row, "completions", ("response", "overall_score")),
        )
        texts = _numbered("'completions'", answers, lambda a: reply_in(a, "response"))
        scores = _numbered("'completions'", answers, lambda a: number_in(a, "overall_score", 1, 10))
        return intake.ranking(prompt, texts, [-score for score in scores], "GPT-4", first_turn(prompt))

    return intake.each(convert)


def ultrafeedback_binarized(intake: Intake) -> Iterator[Row]:
    """prompt, chosen and rejected [{role, content}]: the question and an answer each; score_chosen, score_rejected.

    The chosen answer has the highest score of UltraFeedback's four, the rejected one is any other: scores may be equal.
    """

    def convert(row: Row) -> Row | None:
        prompt = text_in(row, "prompt")
        pair = [_answer(list_in(row, name, ("role", "content")), reply_in) for name in ("chosen", "rejected")]
        tied = row.get("score_chosen") is not None and row["score_chosen"] == row.get("score_rejected")
        return intake.ranking(prompt, pair, [1, 1 if tied else 2], "GPT-4", first_turn(prompt))

    return intake.each(convert)


def helpsteer(intake: Intake) -> Iterator[Row]:
    """prompt, response, helpfulness (0 to 4, higher is better): responses to one prompt, wherever they stand, are ranked.

    Of HelpSteer2's prompts, 29% are conversations: every turn but the first is headed "<extra_id_1>User", or Assistant.
    """

    def convert(row: Row) -> tuple[str, str, float]:
        first, *rest = re.split(r"\n?<extra_id_1>(User|Assistant)\n", text_in(row, "prompt"))
        turns = zip(["User", *rest[::2]], [first, *rest[1::2]], strict=True)
        prompt = as_prompt([{"role": role.lower(), "content": text} for role, text in turns])
        return prompt, text_in(row, "response"), number_in(row, "helpfulness", 0, 4)

    groups: dict[str, list[tuple[str, float]]] = {}
    for prompt, text, score in intake.each(convert):
        groups.setdefault(prompt, []).append((text, score))
    for prompt, rated in groups.items():
        texts, scores = zip(*rated, strict=True)
        if row := intake.ranking(prompt, texts, [-score for score in scores], "people", first_turn(prompt)):
            yield row


def summarize(intake: Intake) -> Iterator[Row]:
    """info {id, post, title, subreddit, or article}, summaries [{text}] twice, choice (0 or 1), worker.

    What `info` lacks is null, its id too: a post without one goes by its text. Comparisons of the same two summaries by
    several workers become rows with the same prompt_id and completions, one per worker, as `labels.agreement.agreement`
    wants them.
    """

    def convert(row: Row) -> Row | None:
        summaries = list_in(row, "summaries", ("text",))
        if len(summaries) != 2:
            raise Fault(f"'summaries' has {len(summaries)} entries, but a comparison is of 2")
        texts = _numbered("'summaries'", summaries, lambda s: text_in(s, "text"))
        choice = number_in(row, "choice", 0, 1)
        if choice not in (0, 1):
            raise Fault(f"'choice' is {choice}, but must be 0 or 1")
        if not isinstance(info := row["info"], dict):
            raise Fault(f"'info' is {_shown(info)}, but must be an object with id and post")
        prompt, worker = _post(info), text_in(row, "worker")
        post = first_turn(prompt) if info.get("id") is None else text_in(info, "id")
        return intake.ranking(prompt, texts, [int(i != choice) for i in (0, 1)], worker, post)

    return intake.each(convert)


def _post(info: Row) -> str:
    """A Reddit post under its subreddit and title, a news article under its title, and "TL;DR:" where the summary goes."""
    if info.get("article"):
        return "\n\n".join(
            [f"TITLE: {info.get('title') or ''}".strip(), f"ARTICLE: {text_in(info, 'article')}", "TL;DR:"]
        )
    head = [
        f"{name}: {info[key].strip()}"
        for key, name in (("subreddit", "SUBREDDIT"), ("title", "TITLE"))
        if info.get(key)
    ]
    return "\n\n".join([*head, f"POST: {text_in(info, 'post')}", "TL;DR:"])


def no_robots(intake: Intake, kind: str) -> Iterator[Row]:
    """prompt, prompt_id, messages [{role, content}], category: people's prompts and answers.

    `prompts` or `demonstrations` rows, both with their use case. The last message is the answer, all before it the prompt.
    """
    seen: set[str] = set()

    def convert(row: Row) -> Row:
        name, case = text_in(row, "prompt_id"), text_in(row, "category")
        if name in seen:
            raise Fault(f"'prompt_id' is {name!r}, as of an earlier row; ids must differ")
        if case not in NO_ROBOTS_USE_CASES:
            raise Fault(f"'category' is {_shown(case)}, but must be one of {', '.join(NO_ROBOTS_USE_CASES)}")
        messages = list_in(row, "messages", ("role", "content"))
        answer, prompt = _answer(messages), as_prompt(messages[:-1])
        seen.add(name)
        shared = {"prompt_id": name, "user_id": name, "use_case": NO_ROBOTS_USE_CASES[case]}
        if kind == "prompts":
            return shared | {
                "source": "labeler",
                "kind": "plain",
                "text": prompt,
                "task": "",
                "annotations": {},
            }
        return shared | {"prompt": prompt, "labeler": "people", "text": answer}

    return intake.each(convert)


# --- one's own ----------------------------------------------------------------------------------------------------


def own(intake: Intake, form: str) -> Iterator[Row]:
    """`rankings` (prompt, completions, ranks) or `pairs` (prompt, chosen, rejected) as this package writes them or as people
    make them; in CSV, lists are JSON. Without a user_id, the conversation is the owner."""
    names: dict[str, str] = {}

    def convert(row: Row) -> Row:
        try:
            row = decoded(row)
            if form == "rankings" and isinstance(row.get("ranks"), list):
                check_gaps(_numbers(row["ranks"]))
            (made,) = (from_pairs if form == "pairs" else from_exchange)([row])
            check_rankings([made])
        except RecordError as error:
            raise Fault(str(error).partition("row 1: ")[2].partition("\n")[0].rstrip(".")) from None
        name, prompt = row.get("prompt_id"), made["prompt"]
        if name and names.setdefault(str(name), prompt) != prompt:
            raise Fault(f"'prompt_id' is {name!r}, as of another prompt; ids must differ")
        return made | {
            "prompt_id": name or name_of(prompt),
            "user_id": row.get("user_id") or first_turn(prompt),
        }

    return intake.each(convert)


def _numbers(ranks: list) -> list:
    if bad := [rank for rank in ranks if isinstance(rank, bool) or not isinstance(rank, (int, float))]:
        raise Fault(f"a rank is {_shown(bad[0])}, but must be a number")
    return ranks


# --- Open Assistant -----------------------------------------------------------------------------------------------


def oasst(intake: Intake, kind: str) -> Iterator[Row]:
    """Messages as `sources.open_assistant` reads them: `rankings` of replies, or `demonstrations`, the best of each.

    Only messages in `intake.lang` count. A demonstration's labeler is who wrote it.
    """
    seen: set[str] = set()
    rows = [message for group in intake.each(lambda row: _checked_messages(row, seen)) for message in group]
    rows = [row for row in rows if _understood(row, intake)]
    rankings, report = open_assistant(rows, max_k=MAX_K, seed=intake.seed)
    intake.report.counts += report.counts
    intake.report.examples |= report.examples
    if kind == "rankings":
        yield from rankings
        return
    writers = {(row["parent_id"], row["text"].strip()): row.get("user_id") for row in rows}
    for row in rankings:
        best = row["completions"][row["ranks"].index(1)]
        yield {
            "prompt_id": row["prompt_id"],
            "user_id": row["user_id"],
            "prompt": row["prompt"],
            "labeler": writers[row["prompt_id"], best] or "people",
            "text": best,
        }


def _understood(message: Row, intake: Intake) -> bool:
    if intake.lang in (None, message.get("lang") or intake.lang):
        return True
    intake.report.note(f"message: not in {intake.lang}", message["text"])
    return False


def _checked_messages(row: Row, seen: set[str]) -> list[Row]:
    """The messages of one row (a message, or a whole tree of them), each with an id of its own, a tree and a fair rank."""
    if row.get("parent_id") and not row.get("message_tree_id"):
        raise Fault(
            f"'message_tree_id' is {row.get('message_tree_id')!r}, and a split keeps trees together by it"
        )
    try:
        messages = list(flat_messages([row]).values())
    except ValueError as error:
        raise Fault(str(error).removeprefix("row 1: ").rstrip(".")) from None
    for message in messages:
        name, rank = message["message_id"], message.get("rank")
        if name in seen:
            raise Fault(f"'message_id' is {name!r}, as of an earlier message; ids must differ")
        if rank is not None and number_in(message, "rank", 0, inf) != rank // 1:
            raise Fault(f"'rank' is {rank!r}, but must be a whole number, or null")
        if message["role"] not in ("prompter", "assistant"):
            raise Fault(f"'role' is {message['role']!r}, but must be 'prompter' or 'assistant'")
        seen.add(name)
    return messages
