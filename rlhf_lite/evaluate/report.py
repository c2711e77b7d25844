"""The final evaluation: every number of a chain in one dictionary (§4), and the table that a terminal shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from ..data.records import Row, untied_pairs
from ..labels.agreement import measure
from ..models.policy import response_logprobs
from ..models.sampling import sample, sample_texts
from ..models.tokens import encode_prompts
from ..threads import side_by_side
from ..train.reward import agreement_with, score_rankings, score_texts
from ..world import SKILL, Fact, Task, gold, judge, score
from ..world.asking import make_task
from ..world.tasks import fact_slots
from .benchmarks import skills_of, web_loss
from .intervals import mean_with_interval, paired_difference
from .metadata import by_use_case, gold_scores, metadata, truthfulness
from .preference import win_rate
from .prompted import best_prefix, prompted_texts

if TYPE_CHECKING:
    from ..chain import Chain

DECODINGS = {"t1": False, "greedy": True}  # sampling at temperature 1, and the likeliest token
TUNED = ("sft", "start", "ppo", "ppo_ptx")


def evaluate(chain: Chain) -> dict:
    """All measurements of one chain on its test prompts, which are of users nobody trained on."""
    rows = chain.prompts.test[: chain.config.evaluation.prompts]
    tasks, users = [Task.from_json(row["task"]) for row in rows], [row["user_id"] for row in rows]
    answers, prefix = collect_answers(chain, tasks)
    report = {
        "config": {"seed": chain.config.seed, "base_seed": chain.config.base_seed,
                   "stages": {stage: chain.key(stage) for stage in chain.config_stages}},
        "prompts": len(tasks), "users": len(set(users)), "prefix": prefix,
        "policies": {name: _quality(chain, tasks, users, texts, answers["sft"]) for name, texts in answers.items()},
        "labels": label_quality(chain),
        "seconds": {stage: chain.summary(stage)["seconds"] for stage in chain.config_stages},
    }  # fmt: skip
    names = ("base", *TUNED)
    for name, found in zip(names, side_by_side(lambda p: _abilities(chain, p), [chain.policy(n) for n in names]), strict=True):
        report["policies"][name] |= found
    for name in ("ppo", "ppo_ptx"):
        report["policies"][name]["kl"] = kl_per_episode(chain, chain.policy(name), [t.text for t in tasks])
    return report


def collect_answers(chain: Chain, tasks: Sequence[Task]) -> tuple[dict[str, dict[str, list[str]]], dict]:
    """Model -> decoding -> one response per task; also the reference answers, and the prompted base model's prefix."""
    base, cfg, seed = chain.policy("base"), chain.config.evaluation, chain.config.seed
    answers: dict[str, dict[str, list[str]]] = {}
    prompts = [t.text for t in tasks]
    for name in ("base", *TUNED):
        policy = chain.policy(name)
        answers[name] = {decoding: _answers(chain, policy, prompts, greedy) for decoding, greedy in DECODINGS.items()}
    trial = [Task.from_json(row["task"]) for row in chain.prompts.rm_valid[-120:]]
    chosen = {}
    answers["prompted"] = {}
    for decoding, greedy in DECODINGS.items():

        def ask(prefix, some=trial, greedy=greedy):
            return prompted_texts(base, chain.tokenizer, prefix, [t.text for t in some], cfg.max_new_tokens, greedy, seed)

        prefix, scores = best_prefix(ask, trial)
        chosen[decoding] = {"chosen": prefix.name, "gold": scores}
        answers["prompted"][decoding] = ask(prefix, tasks)
    answers["reference"] = {decoding: [t.reference for t in tasks] for decoding in DECODINGS}
    return answers, chosen


def _answers(chain: Chain, policy: GPT2LMHeadModel, prompts: list[str], greedy: bool) -> list[str]:
    longest, generator = chain.config.evaluation.max_new_tokens, torch.Generator().manual_seed(chain.config.seed)
    return sample_texts(policy, chain.tokenizer, prompts, longest, greedy=greedy, generator=generator)


def _quality(chain: Chain, tasks: list[Task], users: list[str], texts: dict, sft: dict) -> dict:
    """Gold, reward model score, wins against SFT and metadata of one model, for each decoding."""
    out, judges = {}, chain.config.evaluation.judges
    for decoding, given in texts.items():
        scores, base_scores = gold_scores(tasks, given), gold_scores(tasks, sft[decoding])
        wins = {who: win_rate(pool, tasks, given, sft[decoding], users, judges, chain.config.seed).to_dict()
                for who, pool in (("training", chain.labelers), ("held_out", chain.held_out_labelers))}  # fmt: skip
        rewards = score_texts(chain.reward_model, chain.tokenizer, [t.text for t in tasks], [g or " " for g in given])
        cases = by_use_case(tasks, scores)
        cases["with a constraint"] = [s for t, s in zip(tasks, scores, strict=True) if t.constraint]
        out[decoding] = {
            "gold": mean_with_interval(scores, users).to_dict(),
            "gold_final": mean_with_interval(gold_scores(tasks, given, final=True), users).to_dict(),
            "gold_minus_sft": paired_difference(scores, base_scores, users).to_dict(),
            "reward": mean_with_interval(rewards, users).to_dict(),
            "wins_against_sft": wins,
            "use_cases": {u: mean_with_interval(values).to_dict() for u, values in cases.items() if values},
            "metadata": metadata(tasks, given),
        }  # fmt: skip
    return out


def _abilities(chain: Chain, policy: GPT2LMHeadModel) -> dict:
    """What does not depend on the test prompts: truth on myths, few-shot skills, web loss."""
    out = {"skills": skills_of(policy, chain.tokenizer, chain.config.evaluation.skill_items),
           "web_loss": web_loss(policy, chain.world, chain.tokenizer), "truth": {}}  # fmt: skip
    for asked in (True, False):
        questions = myth_questions(chain, [f for f in chain.world.myths if f.asked == asked])
        for decoding, greedy in DECODINGS.items():
            told = truthfulness(questions, _answers(chain, policy, [q.text for q in questions], greedy))
            out["truth"][f"{'asked' if asked else 'unasked'}_{decoding}"] = told | {"n": len(questions)}
    return out


def myth_questions(chain: Chain, myths: Sequence[Fact]) -> list[Task]:
    """Each myth asked about in both forms of its question and in three wordings."""
    from random import Random

    rng, skill = Random("myth questions"), SKILL["fact"]
    forms = [(fact, form, wording) for fact in myths for form in (0, 1) for wording in skill.templates[:3]]
    return [make_task(rng, skill, fact_slots(fact, form), wording) for fact, form, wording in forms]


def kl_per_episode(chain: Chain, policy: GPT2LMHeadModel, prompts: list[str]) -> float:
    """Mean over responses of the summed log-ratio to the policy that PPO started from, in nats, at temperature 1."""
    start, tokenizer, longest = chain.policy("start"), chain.tokenizer, chain.config.evaluation.max_new_tokens
    ends = (tokenizer.eos_token_id, tokenizer.pad_token_id)

    @torch.no_grad()
    def total(i: int) -> float:
        encoded = encode_prompts(tokenizer, prompts[i : i + 150], policy.config.n_positions - 1)
        drawn = sample(policy, *encoded, longest, *ends, generator=torch.Generator().manual_seed(chain.config.seed + i))
        there = response_logprobs(start, encoded, drawn.tokens, drawn.mask)
        return float(((drawn.logprobs - there) * drawn.mask).sum())

    return sum(side_by_side(total, range(0, len(prompts), 150))) / len(prompts)


def label_quality(chain: Chain) -> dict:
    """How well people agree, and how well the reward model does beside the best that anyone could (§3.4, §4.1)."""
    rankings, model = chain.rankings, chain.reward_model
    items = [(Task.from_json(row["task"]), row["completions"]) for row in rankings["valid"]]
    agreement = {"training": measure(chain.labelers, items), "held_out": measure(chain.held_out_labelers, items)}
    scores = score_rankings(model, chain.tokenizer, rankings["valid"])  # the others rank the same completions
    by_gold = [row | {"ranks": gold_ranks(row)} for row in rankings["valid"]]
    ranked = {**{name: rankings[name] for name in ("valid", "again", "held_out")}, "gold_order": by_gold}
    accuracy = {name: agreement_with(scores, rows, draws=1000) for name, rows in ranked.items()}
    return {
        "agreement": {who: vars(a) for who, a in agreement.items()},
        "reward_accuracy": accuracy,
        "ceiling": {name: gold_accuracy(rankings[name]) for name in ("valid", "held_out")},
        "best_of_k": best_of_k(rankings["valid"], scores),
    }


def gold_ranks(row: Row) -> list[int]:
    task = Task.from_json(row["task"])
    scores = [round(gold(task, text), 6) for text in row["completions"]]
    return [1 + sum(other > own for other in set(scores)) for own in scores]


def gold_accuracy(rows: Sequence[Row]) -> float:
    """How often the rubric's own order predicts a label (ties of the rubric count half): perfect knowledge's score."""
    right = pairs = 0.0
    for row in rows:
        ranks = gold_ranks(row)
        for better, worse in untied_pairs(row["ranks"]):
            right += 1.0 if ranks[better] < ranks[worse] else 0.5 if ranks[better] == ranks[worse] else 0.0
            pairs += 1
    return right / pairs


def best_of_k(rows: Sequence[Row], scores: Sequence[Tensor]) -> dict[str, float]:
    """Mean gold of all completions, of the one with the highest score (K,), and of the truly best."""
    mean, best, oracle = [], [], []
    for row, given in zip(rows, scores, strict=True):
        task = Task.from_json(row["task"])
        golds = [score(judge(task, text)) for text in row["completions"]]
        mean.append(sum(golds) / len(golds))
        best.append(golds[int(given.argmax())])
        oracle.append(max(golds))
    return {"mean": sum(mean) / len(rows), "reward_model": sum(best) / len(rows), "oracle": sum(oracle) / len(rows)}
