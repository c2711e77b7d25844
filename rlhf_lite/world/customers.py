"""The prompt log: what a few hundred customers and some labelers typed, as it would come out of a database.

Raw on purpose. Customers resubmit a prompt with a small change, a few of them write hundreds, some leave
personal data in. `rlhf_lite.data.pipeline` does with it what §3.2 and Appendix A did with theirs.
"""

from dataclasses import replace
from random import Random

from . import lexicon as lx
from .asking import draw_few_shot, draw_habit, draw_labeler_habit, draw_task
from .facts import Fact
from .skill import CONTINUATION, Task

RESUBMIT_RATE = 0.08  # of a customer's prompts: an earlier one of theirs with another ending
PERSONAL_RATE = 0.02  # of a customer's prompts: an address or a number at the end
AGAIN = ("Again, please.", "Try once more.", "Thanks.")
WORDS = (*AGAIN, "Send it to. Call me at. My address is Street.")  # for the vocabulary
LABELER_KINDS = dict(plain=0.70, fewshot=0.05, user=0.25)  # App. A.1


def personal_data(rng: Random) -> str:
    name, town = rng.choice(lx.PEOPLE), rng.choice(lx.TOWNS)
    number = f"555 {rng.randrange(1000, 10000)}"
    return rng.choice(
        (
            f"Send it to {name.lower()}{rng.randrange(10, 99)}@{town.lower()}.example.",
            f"Call me at {number}.",
            f"My address is {rng.randrange(1, 99)} {rng.choice(lx.TOWNS)} Street.",
        )
    )


def _row(user_id: str, source: str, task: Task) -> dict:
    return dict(
        user_id=user_id,
        source=source,
        kind=task.kind,
        use_case=task.use_case,
        text=task.text,
        task=task.to_json(),
        annotations=task.annotations,
    )


def customer_prompts(facts: tuple[Fact, ...], user: int, seed: int) -> list[dict]:
    """Everything one customer typed. Counts are heavy-tailed: most write a handful, a few write hundreds."""
    rng = Random(f"customer-{seed}-{user}")
    habit = draw_habit(rng)
    count = min(600, max(1, int(rng.lognormvariate(1.9, 1.5))))
    rows: list[dict] = []
    for _ in range(count):
        if rows and rng.random() < RESUBMIT_RATE:
            rows.append(_resubmitted(rng.choice(rows), rng))
            continue
        task = draw_task(rng, facts, habit)
        if rng.random() < PERSONAL_RATE and task.style != CONTINUATION and task.use_case != "chat":
            task = replace(task, text=f"{task.text} {personal_data(rng)}")
        rows.append(_row(f"customer-{user:04d}", "customer", task))
    return rows


def _resubmitted(row: dict, rng: Random) -> dict:
    """The same request again, with a word more at its end."""
    task = Task.from_json(row["task"])
    if task.style == CONTINUATION or task.use_case == "chat":
        return dict(row)
    again = replace(task, text=f"{task.text} {rng.choice(AGAIN)}")
    return row | dict(text=again.text, task=again.to_json())


def labeler_prompts(facts: tuple[Fact, ...], labeler: int, count: int, seed: int) -> list[dict]:
    """Prompts written by one labeler: plain, few-shot and user-based ones, diverse and well-mannered."""
    rng = Random(f"writer-{seed}-{labeler}")
    user_id, rows = f"labeler-{labeler:02d}", []
    while len(rows) < count:
        kind = rng.choices(tuple(LABELER_KINDS), tuple(LABELER_KINDS.values()))[0]
        if kind == "fewshot":
            rows += [_row(user_id, "labeler", t) for t in few_shot_tasks(rng, facts, rng.choice((2, 3)))]
        else:
            habit = draw_labeler_habit(rng, user_based=kind == "user")  # no favorite use cases
            rows.append(_row(user_id, "labeler", draw_task(rng, facts, habit)))
    return rows[:count]


def few_shot_tasks(rng: Random, facts: tuple[Fact, ...], k: int) -> list[Task]:
    """K query-response pairs under one instruction give K tasks, each with the other K - 1 as its context."""
    instruction, triples = draw_few_shot(rng, facts, k)
    tasks = []
    for i, (query, _, task) in enumerate(triples):
        shots = [f"{q} -> {a}" for j, (q, a, _) in enumerate(triples) if j != i]
        tasks.append(replace(task, text="\n".join([instruction, *shots, f"{query} ->"]), kind="fewshot"))
    return tasks


def prompt_log(
    facts: tuple[Fact, ...], n_customers: int, n_labelers: int, per_labeler: int, seed: int
) -> list[dict]:
    """The whole log, customers and labelers mixed as time mixes them."""
    rows = [row for user in range(n_customers) for row in customer_prompts(facts, user, seed)]
    rows += [row for w in range(n_labelers) for row in labeler_prompts(facts, w, per_labeler, seed)]
    Random(f"log-{seed}").shuffle(rows)
    return rows
