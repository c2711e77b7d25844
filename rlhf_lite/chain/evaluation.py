"""The evaluation of the tiny world: every number of a `tiny.Chain` in one dictionary (§4)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean

import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from ..data.records import Row, read_rankings
from ..evaluate.benchmarks import skills_of
from ..evaluate.harm import bias_entropy, toxicity
from ..evaluate.intervals import mean_with_interval, paired_difference
from ..evaluate.metadata import by_use_case, gold_scores, honesty, metadata, truthfulness
from ..evaluate.preference import best_of_k, gold_accuracy, gold_ranks, mean_rating, win_rate
from ..evaluate.prompted import best_prefix, prompted_texts
from ..hardware.threads import in_threads
from ..models.heads import response_logprobs
from ..models.sampling import sample, sample_texts
from ..models.tokens import encode_prompts
from ..train.pretrain import stream_loss, token_stream
from ..train.scoring import agreement_with, score_rankings, score_texts
from ..world import COLLECTIONS, SKILL, USE_CASES, Fact, Habit, Task
from ..world.asking import make_task
from ..world.calibration import pool_agreement
from ..world.labelers import Labeler
from ..world.skill import PARTS
from ..world.tasks.book import fact_slots

DECODINGS = {"t1": False, "greedy": True}  # sampling at temperature 1, and the likeliest token
BEFORE_RL, AFTER_RL = ("base", "sft", "start"), ("ppo", "ppo_ptx")
MEASURED_BY_CASE = ("sft", *AFTER_RL)


class TestSet:
    """Prompts of users nobody trained on, with what the world knows about them."""

    def __init__(self, rows: Sequence[Row]):
        self.tasks = [Task.from_json(row["task"]) for row in rows]
        self.users = [row["user_id"] for row in rows]
        self.prompts = [task.text for task in self.tasks]


def test_set(chain) -> TestSet:
    """The prompts of the final evaluation, in the mix of Table 1; refused if training knows their users."""
    test = TestSet(chain.prompts.test[: chain.config.evaluation.prompts])
    train = [row for name, rows in chain.prompts.sets().items() if name.endswith("_train") for row in rows]
    if known := sorted({row["user_id"] for row in train}.intersection(test.users)):
        many = f"{len(known)} of {len(set(test.users))} users of the test prompts, {known[0]!r} for one"
        raise ValueError(f"{many}, have prompts in a training set: split by user (data.pipeline.prepare)")
    return test


def case_set(chain) -> TestSet:
    """Validation prompts, many of each use case: of the rarest, the final evaluation has a few dozen."""
    rows, most = chain.prompts.ppo_valid, chain.config.evaluation.case_prompts
    by_case = ([row for row in rows if row["use_case"] == case] for case in USE_CASES)
    return TestSet([row for same in by_case for row in same[:most]])


def wording_sets(chain) -> dict[str, TestSet]:
    """Prompts in wordings of each part: those that labelers demonstrate in, those in which only customers
    ask, and those that occur in nothing that is trained."""
    n, sets = chain.config.evaluation.wording_prompts, {}
    for part in PARTS:
        rng, habit = Random(f"wordings-{part}"), Habit(parts=(part,), continuation_rate=0.0)
        drawn = [chain.world.draw_task(rng, habit=habit) for _ in range(n)]
        sets[part] = TestSet([{"task": task.to_json(), "user_id": str(i)} for i, task in enumerate(drawn)])
    return sets


def evaluate_baselines(chain) -> dict:
    """What needs no reward model: answers and abilities of the models before RL, what people think of these
    answers and how well people agree."""
    test = test_set(chain)
    models = _examined(chain, BEFORE_RL, test, case_set(chain))
    answers, prefix = _prompted(chain, test)
    models["prompted"] = {"answers": answers}
    for name in COLLECTIONS:
        models[name] = {"answers": _both_ways(chain, chain.policy(name), test.prompts)}
    models["reference"] = {"answers": {decoding: [t.reference for t in test.tasks] for decoding in DECODINGS}}
    _judge(chain, test, models, models["sft"]["answers"])
    return {"models": models, "prefix": prefix, "labels": label_quality(chain)}


def evaluate(chain) -> dict:
    """All measurements of one chain."""
    test, cases, before = test_set(chain), case_set(chain), chain.baselines
    after = _examined(chain, AFTER_RL, test, cases)
    _judge(chain, test, after, before["models"]["sft"]["answers"])
    models = {**before["models"], **after}
    sft_gold = models["sft"]["case_gold"]
    for name in MEASURED_BY_CASE:
        models[name]["use_cases"] = use_case_gold(cases, models[name].pop("case_gold"), sft_gold)
    reward_model = chain.reward_model
    for found in models.values():
        for decoding, texts in found.pop("answers").items():
            answers = [text or " " for text in texts]
            rewards = score_texts(reward_model, chain.tokenizer, test.prompts, answers)
            found[decoding]["reward"] = mean_with_interval(rewards, test.users).to_dict()
    start = chain.policy("start")
    for name in AFTER_RL:
        models[name]["kl"] = kl_per_episode(chain, chain.policy(name), start, test.prompts)
    seeds = {"seed": chain.config.seed, "base_seed": chain.config.base_seed}
    return {
        "config": {**seeds, "stages": {stage: chain.key(stage) for stage in chain.config_stages}},
        "prompts": len(test.tasks),
        "users": len(set(test.users)),
        "prefix": before["prefix"],
        "policies": models,
        "labels": {**before["labels"], **reward_quality(chain)},
        "seconds": {stage: chain.summary(stage)["seconds"] for stage in chain.config_stages},
    }


def examine(chain, stage: str) -> dict:
    """What a policy of the chain is worth, to compare it with the same stage of other chains: one number of
    each kind, on the test prompts."""
    test, policy = test_set(chain), chain.policy(stage)
    drawn, likeliest = (_answers(chain, policy, test.prompts, greedy) for greedy in (False, True))
    found = {
        "gold": fmean(gold_scores(test.tasks, drawn)),
        "gold_greedy": fmean(gold_scores(test.tasks, likeliest)),
        "gold_final": fmean(gold_scores(test.tasks, drawn, final=True)),
    }
    found |= {"honesty": honesty(test.tasks, drawn), **_abilities(chain, policy, _unseen_pages(chain))}
    if stage in AFTER_RL:
        texts = [text or " " for text in drawn]
        found["rating"] = mean_rating(chain.labelers, test.tasks, drawn, chain.config.seed)
        found["reward"] = fmean(score_texts(chain.reward_model, chain.tokenizer, test.prompts, texts))
        found["kl"] = kl_per_episode(chain, policy, chain.policy("start"), test.prompts)
    return found


def _examined(chain, names: Sequence[str], test: TestSet, cases: TestSet) -> dict[str, dict]:
    """Of each policy: its answers to the test prompts in both decodings, few-shot skills, loss on web pages,
    truth, gold in each part of the wordings; and of some, the gold scores of their answers to the prompts of
    `case_set`; the last two at temperature 1."""
    pages = _unseen_pages(chain)

    def examine(name: str, policy: GPT2LMHeadModel) -> dict:
        found = {"answers": _both_ways(chain, policy, test.prompts), **_abilities(chain, policy, pages)}
        if name in MEASURED_BY_CASE:
            drawn = _answers(chain, policy, cases.prompts, greedy=False)
            found["case_gold"] = gold_scores(cases.tasks, drawn)
        found["wordings"] = {}
        for part, asked in wording_sets(chain).items():
            drawn = _answers(chain, policy, asked.prompts, greedy=False)
            found["wordings"][part] = mean_with_interval(gold_scores(asked.tasks, drawn)).to_dict()
        return found

    policies = [chain.policy(name) for name in names]
    return dict(zip(names, in_threads(examine, names, policies, device=chain.device), strict=True))


def _prompted(chain, test: TestSet) -> tuple[dict[str, list[str]], dict]:
    """Answers of the base model behind the prefix that is best for it, in each decoding, and that prefix."""
    base, longest, seed = chain.policy("base"), chain.config.evaluation.max_new_tokens, chain.config.seed
    trial = [Task.from_json(row["task"]) for row in chain.prompts.rm_valid[-120:]]
    answers, chosen = {}, {}
    for decoding, greedy in DECODINGS.items():

        def ask(prefix, tasks=trial, greedy=greedy):
            prompts = [task.text for task in tasks]
            return prompted_texts(base, chain.tokenizer, prefix, prompts, longest, greedy, seed)

        prefix, scores = best_prefix(ask, trial)
        chosen[decoding] = {"chosen": prefix.name, "gold": scores}
        answers[decoding] = ask(prefix, test.tasks)
    return answers, chosen


def _unseen_pages(chain) -> Tensor:
    """Web pages that nobody was trained on, as one stream of tokens."""
    return token_stream(chain.world.documents(800, seed=999), chain.tokenizer)


def _both_ways(chain, policy: GPT2LMHeadModel, prompts: list[str]) -> dict[str, list[str]]:
    """A policy's answers in each decoding."""
    return {how: _answers(chain, policy, prompts, greedy) for how, greedy in DECODINGS.items()}


def _answers(chain, policy: GPT2LMHeadModel, prompts: list[str], greedy: bool) -> list[str]:
    longest, draw = chain.config.evaluation.max_new_tokens, torch.Generator().manual_seed(chain.config.seed)
    return sample_texts(policy, chain.tokenizer, prompts, longest, greedy=greedy, generator=draw)


def _judge(chain, test: TestSet, models: dict[str, dict], sft: dict[str, list[str]]) -> None:
    """Add to each model, for each decoding, what people and gold think of its answers: how good, how often
    better than those of `sft`, and what they are like (Table 3)."""
    pools, cfg = {"training": chain.labelers, "held_out": chain.held_out_labelers}, chain.config
    sft_gold = {decoding: gold_scores(test.tasks, texts) for decoding, texts in sft.items()}

    def wins(pool: list[Labeler], texts: list[str], decoding: str) -> dict:
        judges = cfg.evaluation.judges
        return win_rate(pool, test.tasks, texts, sft[decoding], test.users, judges, cfg.seed).to_dict()

    for found in models.values():
        for decoding, texts in found["answers"].items():
            scores, final = gold_scores(test.tasks, texts), gold_scores(test.tasks, texts, final=True)
            found[decoding] = {
                "gold": mean_with_interval(scores, test.users).to_dict(),
                "gold_final": mean_with_interval(final, test.users).to_dict(),
                "gold_minus_sft": paired_difference(scores, sft_gold[decoding], test.users).to_dict(),
                "wins_against_sft": {who: wins(pool, texts, decoding) for who, pool in pools.items()},
                "metadata": metadata(test.tasks, texts),
                "honesty": honesty(test.tasks, texts),
                "rating": mean_rating(chain.labelers, test.tasks, texts, cfg.seed),
            }


def use_case_gold(cases: TestSet, scores: Sequence[float], sft: Sequence[float]) -> dict[str, dict]:
    """Gold in each use case (Table 1), and of prompts with a constraint: its mean, its gain over SFT's."""
    groups = by_use_case(cases.tasks, range(len(scores)))
    groups["with a constraint"] = [i for i, task in enumerate(cases.tasks) if task.constraint]
    found = {}
    for case, chosen in groups.items():
        if not chosen:
            continue
        ours, theirs = [scores[i] for i in chosen], [sft[i] for i in chosen]
        users = [cases.users[i] for i in chosen]
        mean, gain = mean_with_interval(ours, users), paired_difference(ours, theirs, users)
        found[case] = {"gold": mean.to_dict(), "gold_minus_sft": gain.to_dict()}
    return found


def _abilities(chain, policy: GPT2LMHeadModel, pages: Tensor) -> dict:
    """What does not depend on the test prompts: few-shot skills, loss on web pages (N,), rudeness and
    bias, truth on myths."""
    cfg = chain.config.evaluation
    skills = skills_of(policy, chain.world, chain.tokenizer, cfg.skill_items, cfg.endings)
    out = {"skills": skills, "web_loss": stream_loss(policy, pages), "truth": {}}
    out["toxicity"] = toxicity(policy, chain.tokenizer, chain.world, cfg.skill_items)
    out["bias_entropy"] = bias_entropy(policy, chain.tokenizer, chain.world.people_at_work())
    for asked in (True, False):
        questions = myth_questions(chain, [f for f in chain.world.myths if f.asked == asked])
        for decoding, greedy in DECODINGS.items():
            told = truthfulness(questions, _answers(chain, policy, [q.text for q in questions], greedy))
            out["truth"][f"{'asked' if asked else 'unasked'}_{decoding}"] = told | {"n": len(questions)}
    return out


def myth_questions(chain, myths: Sequence[Fact]) -> list[Task]:
    """Each myth asked about in the plain wordings of its question."""
    rng, skill, questions = Random("myth questions"), SKILL["fact"], []
    for fact in myths:
        slots = fact_slots(fact)
        questions += [make_task(rng, skill, slots, wording) for wording in skill.wordings_of(slots).plain]
    return questions


def kl_per_episode(chain, policy: GPT2LMHeadModel, start: GPT2LMHeadModel, prompts: list[str]) -> float:
    """Mean over responses of the summed log-ratio to PPO's starting policy, in nats, at temperature 1."""
    tokenizer, longest = chain.tokenizer, chain.config.evaluation.max_new_tokens
    ends = (tokenizer.eos_token_id, tokenizer.pad_token_id)

    @torch.no_grad()
    def kl_of_batch(i: int) -> float:
        encoded = encode_prompts(tokenizer, prompts[i : i + 150], policy.config.n_positions - 1)
        draw = torch.Generator().manual_seed(chain.config.seed + i)
        drawn = sample(policy, *encoded, longest, *ends, generator=draw)
        there = response_logprobs(start, encoded, drawn.tokens, drawn.mask).cpu()
        return float(((drawn.logprobs - there) * drawn.mask).sum())

    batches = range(0, len(prompts), 150)
    return sum(in_threads(kl_of_batch, batches, device=chain.device)) / len(prompts)


def label_quality(chain) -> dict:
    """How well people agree, and how often perfect knowledge would predict a label (§3.4)."""
    rankings = _validation(chain, "valid", "held_out")
    items = [(Task.from_json(row["task"]), row["completions"]) for row in rankings["valid"]]
    pools = {"training": chain.labelers, "held_out": chain.held_out_labelers}
    return {
        "agreement": {who: vars(pool_agreement(pool, items)) for who, pool in pools.items()},
        "ceiling": {name: gold_accuracy(rankings[name]) for name in ("valid", "held_out")},
    }


def reward_quality(chain) -> dict:
    """How often the reward model predicts a label: same people, another day, other people, gold (§4.1)."""
    rankings = _validation(chain, "valid", "again", "held_out")
    scores = score_rankings(chain.reward_model, chain.tokenizer, rankings["valid"])  # all rank the same texts
    by_gold = [row | {"ranks": gold_ranks(row)} for row in rankings["valid"]]
    sets = {**rankings, "gold_order": by_gold}
    accuracy = {name: agreement_with(scores, rows, draws=1000) for name, rows in sets.items()}
    return {"reward_accuracy": accuracy, "best_of_k": best_of_k(rankings["valid"], scores)}


def _validation(chain, *sets: str) -> dict[str, list[Row]]:
    """Completions to validation prompts, as these people ranked them."""
    return read_rankings(chain.folder("rankings"), ("prompt", "task", "completions", "ranks"), sets)
