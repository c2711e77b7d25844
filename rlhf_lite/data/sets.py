"""Public preference sets: where each is, on what terms, who judged, and how its rows become ours.

Most readers take one raw row and return (prompt, texts, ranks); where rows belong together, they take the
whole `Intake`. Texts are stripped at both ends.

Columns, scales and which end of them is good are those of the sets' cards on the hub; of the comparisons of
summaries, those of the README beside its authors' code (github.com/openai/summarize-from-feedback, "Human
feedback data"); of UltraFeedback's scores, those of the README of github.com/OpenBMB/UltraFeedback; of the
pairs made of it, those of `create_dataset.py` beside their card.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from . import open_assistant
from .network import EXPORT
from .own import check_turns, decoded, from_pair, from_ranking, split_pair
from .records import (
    Intake,
    RecordError,
    Row,
    check_ranking,
    first_turn,
    is_number,
    normalise_ranks,
    owner_of,
    shown,
)
from .seeded import name_of

T = TypeVar("T")
Reader = Callable[[Intake], Iterator[Row]]
Ranked = tuple[str, Sequence[str], Sequence[float]]  # prompt, texts, ranks (lower is better)


# --- values -------------------------------------------------------------------------------------------------


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RecordError(f"is {shown(value)}, but must be a text that is not empty")
    return value.strip()


def reply(value: Any) -> str:
    """A model's reply, which may be nothing: some of UltraFeedback's are empty, and are not ranked."""
    if value is None or isinstance(value, str):
        return (value or "").strip()
    return text(value)


def number(low: float, high: float) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        if not is_number(value) or not low <= value <= high:
            raise RecordError(f"is {shown(value)}, but must be a number from {low} to {high}")
        return value

    return check


def get(row: Row, name: str, check: Callable[[Any], T]) -> T:
    """The checked value of a column."""
    try:
        return check(row.get(name))
    except RecordError as error:
        raise RecordError(f"'{name}' {error}") from None


def get_all(row: Row, name: str, inner: str, check: Callable[[Any], T]) -> list[T]:
    """The checked value `inner` of every object in the list `name`."""
    things, found = row.get(name), []
    if not isinstance(things, list) or not all(isinstance(thing, dict) for thing in things):
        raise RecordError(f"'{name}' is {shown(things)}, but must be a list of objects with {inner}")
    for i, thing in enumerate(things, 1):
        if inner not in thing:
            raise RecordError(f"'{name}' {i} has no '{inner}'; it has {', '.join(thing) or 'nothing'}")
        try:
            found.append(get(thing, inner, check))
        except RecordError as error:
            raise RecordError(f"'{name}' {i}: {error}") from None
    return found


def check_gaps(ranks: Sequence[float]) -> None:
    """Ranks count from 1 without gaps, after a tie on by one (1, 1, 2) or by as many as tied (1, 1, 3)."""
    if bad := [rank for rank in ranks if not is_number(rank)]:
        raise RecordError(f"a rank is {shown(bad[0])}, but must be a number")
    counted = [1 + sum(other < rank for other in ranks) for rank in ranks]
    if list(ranks) not in (counted, normalise_ranks(ranks)):
        found = shown(sorted(ranks))
        raise RecordError(f"the ranks are {found}, but must count 1, 2, 3 ... without gaps, ties equal")


# --- one set each -------------------------------------------------------------------------------------------


def hh_rlhf(row: Row) -> Ranked:
    """chosen, rejected: whole conversations, as texts or messages, that share all but the last turn."""
    pair = {name: row.get(name) for name in ("chosen", "rejected")}
    if not all(isinstance(said, list) for said in pair.values()):
        pair = {name: "\n\n" + get(row, name, text) for name in pair}
    prompt, chosen, rejected = split_pair(pair)
    answers = {"chosen": chosen, "rejected": rejected}
    return prompt.strip(), [get(answers, name, text) for name in answers], [1, 2]


def nectar(row: Row) -> Ranked:
    """prompt, answers [{answer, model, rank}]: rank 1 is best."""
    prompt, texts = get(row, "prompt", text), get_all(row, "answers", "answer", text)
    ranks = get_all(row, "answers", "rank", number(1, len(texts)))
    check_gaps(ranks)
    return prompt, texts, ranks


def ultrafeedback(row: Row) -> Ranked:
    """instruction, completions [{model, response, overall_score}]: scores 1 to 10, higher is better."""
    prompt, texts = get(row, "instruction", text), get_all(row, "completions", "response", reply)
    scores = get_all(row, "completions", "overall_score", number(1, 10))
    return prompt, texts, [-score for score in scores]


def ultrafeedback_binarized(row: Row) -> Ranked:
    """prompt, chosen and rejected [{role, content}]: the question and an answer each; score_chosen,
    score_rejected.

    The chosen answer has the highest of UltraFeedback's four scores, the rejected one any: they may be equal.
    """
    answers = []
    for name in ("chosen", "rejected"):
        roles, contents = (get_all(row, name, inner, reply) for inner in ("role", "content"))
        if roles[-1:] != ["assistant"]:
            raise RecordError("the last message is not the assistant's")
        answers.append(contents[-1])
    tied = row.get("score_chosen") is not None and row["score_chosen"] == row.get("score_rejected")
    return get(row, "prompt", text), answers, [1, 1 if tied else 2]


def summarize(row: Row) -> tuple:
    """info {id, post, title, subreddit, or article}, summaries [{text}] twice, choice (0 or 1), worker.

    What `info` lacks is null, its id too: a post without one goes by its text. Comparisons of the same two
    summaries by several workers become rows with the same prompt_id and completions, one per worker, as
    `labels.agreement.agreement` wants them.
    """
    texts, choice = get_all(row, "summaries", "text", text), get(row, "choice", number(0, 1))
    if len(texts) != 2:
        raise RecordError(f"'summaries' has {len(texts)} entries, but a comparison is of 2")
    if choice not in (0, 1):
        raise RecordError(f"'choice' is {choice}, but must be 0 or 1")
    info, worker = row["info"], get(row, "worker", text)
    if not isinstance(info, dict):
        raise RecordError(f"'info' is {shown(info)}, but must be an object with id and post")
    title = f"TITLE: {(info.get('title') or '').strip()}"
    if info.get("article"):  # of the news
        parts = [title.strip(), f"ARTICLE: {get(info, 'article', text)}"]
    else:  # of Reddit
        parts = [f"SUBREDDIT: {info['subreddit'].strip()}"] if info.get("subreddit") else []
        parts += [title] if info.get("title") else []
        parts.append(f"POST: {get(info, 'post', text)}")
    prompt = "\n\n".join([*parts, "TL;DR:"])
    post = "" if info.get("id") is None else get(info, "id", text)
    return prompt, texts, [int(i != choice) for i in (0, 1)], worker, post


def helpsteer(intake: Intake) -> Iterator[Row]:
    """prompt, response, helpfulness (0 to 4, higher is better): all responses to one prompt are ranked.

    Of HelpSteer2's prompts, 29% are conversations: turns but the first have a head, "<extra_id_1>User".
    """

    def convert(row: Row) -> tuple[str, str, float]:
        prompt, *rest = re.split(r"\n?<extra_id_1>(User|Assistant)\n", get(row, "prompt", text))
        if rest:
            said = zip(["User", *rest[::2]], [prompt, *rest[1::2]], strict=True)
            prompt = "\n\n".join([*(f"{role}: {text(content)}" for role, content in said), "Assistant:"])
        return prompt, get(row, "response", text), get(row, "helpfulness", number(0, 4))

    groups: dict[str, list[tuple[str, float]]] = {}
    for prompt, response, score in intake.each(convert):
        groups.setdefault(prompt, []).append((response, score))
    for prompt, rated in groups.items():
        texts, ranks = [response for response, _ in rated], [-score for _, score in rated]
        if row := intake.ranking(prompt, texts, ranks):
            yield row


def own(kind: str) -> Reader:
    """Rankings or pairs as this package writes them or as people make them."""

    def reader(intake: Intake) -> Iterator[Row]:
        names: dict[str, str] = {}

        def convert(row: Row) -> Row:
            if kind == "rankings" and isinstance(ranks := decoded(row).get("ranks"), list):
                check_gaps(ranks)
            made = check_ranking(from_pair(row) if kind == "pairs" else from_ranking(row))
            name, prompt = row.get("prompt_id"), made["prompt"]
            check_turns(prompt, made["completions"])
            name = name_of(prompt) if name in (None, "") else str(name)
            if names.setdefault(name, prompt) != prompt:
                raise RecordError(f"'prompt_id' is {shown(name)}, as of another prompt; ids must differ")
            return made | {"prompt_id": name, "user_id": owner_of(row) or first_turn(prompt)}

        return intake.each(convert)

    return reader


# --- the table ----------------------------------------------------------------------------------------------


def each(convert: Callable[[Row], tuple]) -> Reader:
    """The reader of a set whose every row is a ranking. Where it has no owner, the row may name a user."""
    return lambda intake: intake.each(
        lambda row: intake.ranking(*(*convert(row), "", owner_of(row))[:5])  # "": no labeler
    )


@dataclass(frozen=True)
class Set:
    """A public set: facts about it from its card on the hub, and how its rows are read."""

    hub_id: str
    licence: str  # as the card states it
    judged_by: str  # who ranked or wrote: "people", or the model that did
    columns: tuple[str, ...]  # the raw columns that are read
    split_by: str  # what a split keeps together: users where there are some, else conversations
    reader: Reader | None = None  # None: running text
    config: str | None = None
    folders: bool = False  # its parts are folders, which its card does not declare as configurations
    revision: str | None = None  # where on the hub its files are, if not on the main branch
    splits: dict[str, str] = field(default_factory=dict)  # our name of a split -> theirs, where they differ
    whole: bool = False  # rows belong together, wherever they stand, so that all are read whatever the limit


OASST = ("apache-2.0", "people", open_assistant.COLUMNS, "message_tree_id", open_assistant.rankings)
HELPSTEER = (
    "cc-by-4.0", "people", ("prompt", "response", "helpfulness"), "first turn of the prompt", helpsteer,
)  # fmt: skip
SETS = {
    "oasst1": Set("OpenAssistant/oasst1", *OASST, whole=True),
    "oasst2": Set("OpenAssistant/oasst2", *OASST, whole=True),
    "hh_rlhf": Set(
        "Anthropic/hh-rlhf", "mit", "people", ("chosen", "rejected"), "first turn of the conversation",
        each(hh_rlhf), folders=True,
    ),
    "nectar": Set(
        "berkeley-nest/Nectar", "apache-2.0, not to compete with OpenAI", "GPT-4", ("prompt", "answers"),
        "first turn of the prompt", each(nectar),
    ),
    "ultrafeedback": Set(
        "openbmb/UltraFeedback", "mit", "GPT-4", ("instruction", "completions"), "instruction",
        each(ultrafeedback),
    ),
    "ultrafeedback_binarized": Set(
        "HuggingFaceH4/ultrafeedback_binarized", "mit", "GPT-4",
        ("prompt", "prompt_id", "chosen", "rejected", "messages"), "prompt", each(ultrafeedback_binarized),
        splits={"train": "train_prefs", "test": "test_prefs"},
    ),
    "helpsteer": Set("nvidia/HelpSteer", *HELPSTEER, whole=True),
    "helpsteer2": Set("nvidia/HelpSteer2", *HELPSTEER, whole=True),
    "summarize": Set(
        "openai/summarize_from_feedback", "not stated", "people", ("info", "summaries", "choice", "worker"),
        "info.id, else the post", each(summarize), config="comparisons", folders=True, revision=EXPORT,
    ),
    "wikitext": Set(
        "Salesforce/wikitext", "cc-by-sa-3.0 and gfdl", "people", ("text",), "", config="wikitext-2-raw-v1",
    ),
    "c4": Set("allenai/c4", "odc-by", "people", ("text",), "", config="en"),
}  # fmt: skip
OWN = {
    "rankings": Set("", "", "", ("prompt", "completions", "ranks"), "user_id", own("rankings")),
    "pairs": Set("", "", "", ("prompt", "chosen", "rejected"), "user_id", own("pairs")),
}
